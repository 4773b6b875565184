"""When a kept space is fitted anew: the rule of `datasets/ranking/weights.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache

import polars as pl

from matching.data_files import data_path


@dataclass(frozen=True)
class RefitRule:
    """`changed` is the share of records (0–1) above which a space is fitted anew, `small` the number below which every
    change does so, and `segments` how many segments of later records there may be."""

    changed: float
    small: int
    segments: int

    def due(self, since: int, records: int) -> bool:
        """Whether so many differences from the records that the space was fitted on ask for another fit."""
        return since > self.changed * records or (since > 0 and records < self.small)


@cache
def load_refit_rule() -> RefitRule:
    """The rule that ships with the program."""
    with data_path("ranking", "weights.toml").open("rb") as source:
        return RefitRule(**tomllib.load(source)["index"])


@dataclass(frozen=True)
class Changes:
    """Ids of records that are new, that say something else, and that have gone."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    gone: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.added) + len(self.changed) + len(self.gone)


def changes(before: pl.DataFrame, now: pl.DataFrame) -> Changes:
    """What differs between the keys of two moments (`record_keys.KEYS`), each in the order of ids."""
    both = before.join(now, on="record_id", how="full", coalesce=True, suffix="_now").sort("record_id")
    was, there = both["key"].is_not_null(), both["key_now"].is_not_null()
    other = was & there & (both["key"] != both["key_now"]).fill_null(False)
    ids = both["record_id"]
    return Changes(*(tuple(ids.filter(each)) for each in (~was & there, other, was & ~there)))
