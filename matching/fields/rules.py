"""The numbers of `datasets/fields/assignment.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache

from matching.data_files import data_path


@dataclass(frozen=True)
class Training:
    """What each kind of text counts in training, the machine's cost, and how rare an n-gram may be."""

    name: float
    term: float
    lexicon: float
    example: float
    background: float
    lexicon_taxonomy: str
    cost: float
    bayes: float
    bayes_smoothing: float
    least_texts: int


@dataclass(frozen=True)
class AssignmentRules:
    """Weights of a record's parts, and when a field is believed."""

    parts: dict[str, float]
    sure: float
    least: float
    most: int
    stated: float
    terms: int
    caution: float
    training: Training


@cache
def load_rules() -> AssignmentRules:
    """The rules that ship with the program."""
    with data_path("fields", "assignment.toml").open("rb") as source:
        entry = tomllib.load(source)
    return AssignmentRules(entry["parts"], **entry["assignment"], training=Training(**entry["training"]))
