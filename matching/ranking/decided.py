"""What decisions say about levels, from `datasets/ranking/judgements.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache

from matching.data_files import data_path


@dataclass(frozen=True)
class DecisionLevels:
    """Levels that decisions stand for: of an acceptance, and of rejections by their reason.

    `least_pairs`, `least_demands` and `least_each` (of each level) are what it takes to learn the level model anew.
    """

    accept: int
    reject: dict[str, int]
    least_pairs: int
    least_demands: int
    least_each: int

    def level(self, verdict: str, reason: str) -> int | None:
        """The level that a decision stands for; None where it says nothing about the pair."""
        return self.accept if verdict == "accept" else self.reject.get(reason)


@cache
def load_decision_levels() -> DecisionLevels:
    """The levels that ship with the program."""
    with data_path("ranking", "judgements.toml").open("rb") as source:
        entry = tomllib.load(source)
    learn = entry["learn"]
    return DecisionLevels(entry["accept"], entry["reject"], learn["pairs"], learn["demands"], learn["each_level"])
