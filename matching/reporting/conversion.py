"""How many of those at one step came to the next, and after how many days."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import polars as pl

from matching.reporting.codes import UNKNOWN
from matching.reporting.dimensions import of_contracts, with_dimensions
from matching.reporting.facts import Facts
from matching.reporting.journeys import STEPS
from matching.reporting.period import EVERY, Period, code_of

CONVERSION: Final[dict[str, pl.DataType]] = {
    "step": pl.String(),
    "base": pl.Int64(),
    "came": pl.Int64(),
    "share": pl.Float64(),
    "timed": pl.Int64(),
    "days_median": pl.Float64(),
    "days_mean": pl.Float64(),
}


def conversion(facts: Facts, by: Sequence[str], period: Period) -> pl.DataFrame:
    """For each step after the first: how many pairs were at the step before it, and came to it (`CONVERSION`).

    `base` are the pairs that reached the step before on a day of the period; `came` those of them that have reached
    this one by the moment of the facts, on whatever day; `share` is 0–1, null without a base. Days are counted over
    the `timed` ones that have a day of their own for both steps, in this order. By dimensions: a column for each
    before these, of pairs with a base; agents are those of the step before.
    """
    # Who it was and when differ from step to step, all else is the same.
    same = [name for name in by if name != "agent" and name not in EVERY]
    pairs = with_dimensions(facts.pairs, same, facts.demands, facts.achievements)
    return pl.concat(_conversion(pairs, before, step, list(by), period) for before, step in pairwise(STEPS))


def _conversion(pairs: pl.DataFrame, before: str, step: str, keys: list[str], period: Period) -> pl.DataFrame:
    rows = pairs.filter(period.holds(pl.col(before)))
    if "agent" in keys:
        who = {"candidates": pl.lit(None, pl.String()), "reviewed": pl.col("decider"), "accepted": pl.col("decider")}
        rows = rows.with_columns(agent=who.get(before, pl.col("handler")).fill_null("").replace("", UNKNOWN))
    rows = rows.with_columns(code_of(name, pl.col(before)).alias(name) for name in keys if name in EVERY)
    days = (pl.col(f"own_{step}") - pl.col(f"own_{before}")).dt.total_days()
    timed = days.filter(days >= 0)
    figures = {
        "step": pl.lit(step),
        "base": pl.len(),
        "came": pl.col(step).is_not_null().sum(),
        "timed": timed.len(),
        "days_median": timed.median(),
        "days_mean": timed.mean(),
    }
    found = rows.group_by(keys).agg(**figures).sort(keys) if keys else rows.select(**figures)
    share = pl.when(pl.col("base") > 0).then(pl.col("came") / pl.col("base"))
    schema = {**dict.fromkeys(keys, pl.String()), **CONVERSION}
    return found.with_columns(share=share).select(*schema).cast(schema)  # type: ignore[arg-type]


def has_conversion(dimension: str) -> bool:
    """Whether conversion can be cut by a dimension."""
    return dimension in (*of_contracts(), *EVERY)
