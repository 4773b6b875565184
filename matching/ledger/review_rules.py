"""The rules of the review, from `datasets/review/rules.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache

from matching.data_files import data_path


@dataclass(frozen=True)
class ReviewRules:
    """Days until a pair that was put off waits again, decisions shown again, and the choices of the filters."""

    later_days: int
    recent: int
    ages: tuple[int, ...]
    scores: tuple[float, ...]
    qualities: tuple[int, ...]


@cache
def review_rules() -> ReviewRules:
    """The rules as the file has them."""
    with data_path("review", "rules.toml").open("rb") as source:
        found = tomllib.load(source)
    lists = {name: tuple(found[name]) for name in ("ages", "scores", "qualities")}
    return ReviewRules(**{**found, **lists})
