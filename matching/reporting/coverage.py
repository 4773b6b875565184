"""What the matching has not reached: achievements never shown, demands that no candidate fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from matching.reporting.codes import HIDDEN, UNKNOWN
from matching.reporting.dimensions import (
    codes_always_shown,
    is_a_ranking,
    of_achievements,
    of_demands,
    places_in_order,
)
from matching.reporting.facts import Facts
from matching.reporting.merged import as_counted

# 较强相关: the least level of a candidate that fits.
_FITS: Final = 3
COVERAGE: Final[dict[str, pl.DataType]] = {
    "achievements_in_use": pl.Int64(),
    "never_shown": pl.Int64(),
    "never_shown_share": pl.Float64(),
    "demands_in_use": pl.Int64(),
    "without_fit": pl.Int64(),
    "without_fit_share": pl.Float64(),
}


def never_shown(facts: Facts) -> pl.DataFrame:
    """Achievements in use that no run has brought forward for any demand, by id."""
    shown = as_counted(facts.pairs.select("achievement_id").unique(), facts.achievements, "achievement_id")
    return facts.achievements.filter("in_use").join(shown, on="achievement_id", how="anti", maintain_order="left")


def without_fit(facts: Facts) -> pl.DataFrame:
    """Demands in use that have no candidate above 弱相关 in the newest run, by id."""
    fitting = facts.listed.filter(pl.col("level") >= _FITS).select("demand_id").unique()
    fitting = as_counted(fitting, facts.demands, "demand_id")
    return facts.demands.filter("in_use").join(fitting, on="demand_id", how="anti", maintain_order="left")


def coverage(facts: Facts, by: Sequence[str]) -> pl.DataFrame:
    """How many records the matching has reached at the moment of the facts (`COVERAGE`); shares are 0–1.

    By one dimension of records at most: a column for it before these; null for a list that is not cut by it.
    """
    keys = list(by)
    lists = (
        (
            facts.achievements.filter("in_use"),
            never_shown(facts),
            ("achievements_in_use", "never_shown"),
            of_achievements(),
        ),
        (facts.demands.filter("in_use"), without_fit(facts), ("demands_in_use", "without_fit"), of_demands()),
    )
    found = _start(keys)
    for whole, part, names, dimensions in lists:
        for rows, name in zip((whole, part), names, strict=True):
            found = _beside(found, rows, name, keys) if set(keys) <= set(dimensions) else _null(found, name)
        share = pl.when(pl.col(names[0]) > 0).then(pl.col(names[1]) / pl.col(names[0]))
        found = found.with_columns(share.alias(f"{names[1]}_share"))
    return _in_order(found.select(*keys, *COVERAGE), keys)


def _in_order(found: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Codes in the order of their list; names and regions with the most that are never shown first."""
    for key in keys:
        last = pl.col(key).is_in([UNKNOWN, HIDDEN])
        largest = [pl.col(name).fill_null(0).neg() for name in ("never_shown", "without_fit")]
        return found.sort([*((last, *largest) if is_a_ranking(key) else ()), places_in_order(key), key])
    return found


def _start(keys: list[str]) -> pl.DataFrame:
    """A row for every code of the dimension, or the one of the whole."""
    if not keys:
        return pl.DataFrame({"": [0]})
    return pl.DataFrame({key: codes_always_shown(key) for key in keys}, schema=dict.fromkeys(keys, pl.String()))


def _beside(found: pl.DataFrame, rows: pl.DataFrame, name: str, keys: list[str]) -> pl.DataFrame:
    count = pl.len().cast(pl.Int64).alias(name)
    if not keys:
        return found.hstack(rows.select(count))
    counted = rows.group_by(keys).agg(count)
    found = found.join(counted, on=keys, how="full", coalesce=True, maintain_order="left")
    return found.with_columns(pl.col(name).fill_null(0))


def _null(found: pl.DataFrame, name: str) -> pl.DataFrame:
    return found.with_columns(pl.lit(None, pl.Int64()).alias(name))
