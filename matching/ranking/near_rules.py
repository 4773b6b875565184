"""What is asked of a pair beside what it is about: ways of transfer, readiness, months, price, from the data file."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from matching.data_files import data_path
from matching.errors import DataFileError, Problem
from matching.fields.maturity import load_stages
from matching.fields.terms import normalised

_FILE: Final = "near_misses.toml"


@dataclass(frozen=True)
class Way:
    """A way of transfer: the least readiness level (1–9) it asks for, the ways that meet it, and how it is written."""

    code: str
    name_zh: str
    name_en: str
    least_level: int
    met_by: frozenset[str]
    names: tuple[str, ...]

    def name(self, language: str) -> str:
        """The name in a language of the screens."""
        return self.name_en if language == "en" else self.name_zh


@dataclass(frozen=True)
class Rules:
    """What makes a pair good otherwise, and when each condition fails; `months` are by code of the stage."""

    source_zh: str
    source_en: str
    least_level: int
    best_by_similarity: int
    least_similarity: float
    tolerance_percent: int
    months: Mapping[str, int]
    open_names: tuple[str, ...]
    excluded_names: tuple[str, ...]
    ways: Mapping[str, Way]

    def source(self, language: str) -> str:
        """Where the rules come from, in a language of the screens."""
        return self.source_en if language == "en" else self.source_zh


@cache
def load_rules() -> Rules:
    """The rules of the data file. Raises `DataFileError` when it breaks one of its own."""
    with data_path("ranking", _FILE).open("rb") as source:
        read = tomllib.load(source)
    ways = [
        Way(**{**way, "met_by": frozenset(way["met_by"]), "names": tuple(map(normalised, way["names"]))})
        for way in read["way"]
    ]
    rules = Rules(
        source_zh=read["source_zh"],
        source_en=read["source_en"],
        **read["good"],
        **read["price"],
        months=read["months"],
        open_names=tuple(map(normalised, read["open"]["names"])),
        excluded_names=tuple(map(normalised, read["excluded"]["names"])),
        ways={way.code: way for way in ways},
    )
    if problems := broken_rules(rules):
        raise DataFileError(*problems)
    return rules


def broken_rules(rules: Rules) -> list[Problem]:
    """Levels lie in 1–9, stages and ways are known, no name stands for two things, nothing is below zero."""
    wrong = [code for code, way in rules.ways.items() if not 1 <= way.least_level <= 9]
    wrong += sorted({code for way in rules.ways.values() for code in way.met_by} - rules.ways.keys())
    wrong += sorted(rules.months.keys() - {stage.code for stage in load_stages()})
    named = [*rules.open_names, *rules.excluded_names, *(name for way in rules.ways.values() for name in way.names)]
    wrong += [name for name, times in Counter(named).items() if times > 1]
    wrong += [code for code, months in rules.months.items() if months < 0]
    wrong += ["tolerance_percent"] if rules.tolerance_percent < 0 else []
    return [Problem("near.wrong_rule", _FILE, values={"what": each}) for each in wrong]
