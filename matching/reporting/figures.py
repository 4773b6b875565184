"""Counts and amounts, whole and cut by one or two dimensions.

Every figure counts what happened on days of the period, as the ledger knew it at the moment of the facts. What each one
means stands in docs/statistics.md. The parts of a cut sum to the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import polars as pl

from matching.reporting.codes import HIDDEN, UNKNOWN
from matching.reporting.dimensions import (
    codes_always_shown,
    is_a_ranking,
    of_achievements,
    of_contracts,
    of_demands,
    of_pairs,
    places_in_order,
    with_dimensions,
)
from matching.reporting.facts import Facts
from matching.reporting.journeys import DEAL_STEPS, STEPS
from matching.reporting.period import EVERY, Period, code_of, codes_between

COUNTS: Final = ("demands", "achievements", *STEPS)
AMOUNTS: Final = ("total_fen", "technical_fen", "paid_fen")
FIGURES: Final = (*COUNTS, *AMOUNTS)
# Figures by which the names of a cut are ordered, the first that differs decides.
_LARGEST: Final = ("industrialised", "signed", "total_fen", "accepted", "candidates", "achievements", "demands")


@dataclass(frozen=True)
class _Source:
    """Where a figure's rows come from: which frame, its day, what of a row is added up (None counts rows), its cuts.

    `agent` is the column of whoever did it.
    """

    frame: Literal["demands", "achievements", "pairs", "paid"]
    day: str
    dimensions: Callable[[], tuple[str, ...]]
    amount: str | None = None
    agent: str | None = None


def _frame(facts: Facts, source: _Source) -> pl.DataFrame:
    if source.frame != "paid":
        found: pl.DataFrame = getattr(facts, source.frame)
        return found
    pairs = facts.pairs.filter(pl.col("deal_id").is_not_null()).drop("total_fen", "technical_fen")
    return facts.payments.join(pairs, on="deal_id", maintain_order="left")


def _source_of(figure: str) -> _Source:
    if figure == "demands":
        return _Source("demands", "day", of_demands)
    if figure == "achievements":
        return _Source("achievements", "day", of_achievements)
    if figure == "candidates":
        return _Source("pairs", figure, of_pairs)
    if figure in ("reviewed", "accepted"):
        return _Source("pairs", figure, lambda: (*of_pairs(), "agent"), agent="decider")
    if figure in DEAL_STEPS:
        return _Source("pairs", figure, of_contracts, agent="handler")
    if figure == "paid_fen":
        return _Source("paid", "paid_on", of_contracts, amount="amount_fen", agent="handler")
    return _Source("pairs", "signed", of_contracts, amount=figure, agent="handler")


def is_cut_by(figure: str, dimension: str) -> bool:
    """Whether a figure has the property that a dimension is about."""
    return dimension in EVERY or dimension in _source_of(figure).dimensions()


def rows_of(facts: Facts, figure: str, by: Sequence[str], period: Period) -> pl.DataFrame:
    """The rows that a figure counts or adds up, with a column per dimension; `day` is the day that counts."""
    source = _source_of(figure)
    found = _frame(facts, source)
    found = found.with_columns(day=pl.col(source.day)).filter(period.holds(pl.col("day")))
    return _in_periods(_cut_by(facts, source, found, by), by)


def _cut_by(facts: Facts, source: _Source, rows: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Rows with a column for each dimension that is not a period."""
    if source.agent is not None and "agent" in by:
        rows = rows.with_columns(agent=pl.col(source.agent).fill_null(""))
    return with_dimensions(rows, by, facts.demands, facts.achievements)


def _in_periods(rows: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    return rows.with_columns(code_of(name, pl.col("day")).alias(name) for name in by if name in EVERY)


def cut(facts: Facts, by: Sequence[str], period: Period, figures: Sequence[str] = FIGURES) -> pl.DataFrame:
    """Figures by codes: a column per dimension and per figure (Int64), null where a figure is not cut so.

    By one dimension all its codes are there, in their order, months without a gap; by two those alone that have a row.
    Names and regions stand with the largest first. Without dimensions: one row, the whole.
    """
    keys = list(by)
    found = None
    for alike in _counted_alike([name for name in figures if all(is_cut_by(name, each) for each in by)], by):
        counted = _counted(facts, alike, keys, period)
        found = counted if found is None else _beside(found, counted, keys)
    if found is None:
        found = pl.DataFrame(schema=dict.fromkeys(keys, pl.String()))
    if len(keys) == 1:
        found = _with_all_codes(found, keys[0], period)
    applying = [name for name in figures if name in found.columns]
    others = [pl.lit(None, pl.Int64()).alias(name) for name in figures if name not in found.columns]
    found = found.with_columns(pl.col(applying).fill_null(0).cast(pl.Int64), *others).select(*keys, *figures)
    return _in_order(found, keys)


def _counted_alike(figures: Sequence[str], by: Sequence[str]) -> list[list[str]]:
    """Figures in groups of those that one pass over the same rows counts."""
    groups: dict[tuple[str | None, ...], list[str]] = {}
    for figure in figures:
        source = _source_of(figure)
        agent = source.agent if "agent" in by else None
        day = source.day if any(name in EVERY for name in by) else None
        groups.setdefault((source.frame, agent, day), []).append(figure)
    return list(groups.values())


def _counted(facts: Facts, figures: Sequence[str], keys: list[str], period: Period) -> pl.DataFrame:
    """Figures that are counted alike, by codes."""
    sources = {figure: _source_of(figure) for figure in figures}
    one = sources[figures[0]]
    held = {source.day: period.holds(pl.col(source.day)) for source in sources.values()}
    added = {
        figure: held[source.day].sum()
        if source.amount is None
        else pl.col(source.amount).filter(held[source.day]).sum()
        for figure, source in sources.items()
    }
    found = _frame(facts, one)
    if not keys:
        return found.select(each.cast(pl.Int64).alias(figure) for figure, each in added.items())
    found = _cut_by(facts, one, found.filter(pl.any_horizontal(held.values())), keys)
    others: list[str | pl.Expr] = [name for name in keys if name not in EVERY]
    if len(others) == len(keys):
        return found.group_by(keys).agg(each.cast(pl.Int64).alias(figure) for figure, each in added.items())
    # By day first: there are few days, and each is written as a month once.
    by_day = found.group_by(*others, pl.col(one.day).alias("day")).agg(
        each.cast(pl.Int64).alias(figure) for figure, each in added.items()
    )
    return _in_periods(by_day, keys).group_by(keys).agg(pl.col(figures).sum())


def _beside(found: pl.DataFrame, counted: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    if not keys:
        return found.hstack(counted)
    return found.join(counted, on=keys, how="full", coalesce=True)


def _with_all_codes(found: pl.DataFrame, dimension: str, period: Period) -> pl.DataFrame:
    codes = _all_periods(found, dimension, period) if dimension in EVERY else codes_always_shown(dimension)
    listed = pl.DataFrame({dimension: codes}, schema={dimension: pl.String})
    return listed.join(found, on=dimension, how="full", coalesce=True)


def _all_periods(found: pl.DataFrame, dimension: str, period: Period) -> list[str]:
    """From the first bound, or the first month that has a figure, to the last."""
    known = found[dimension].drop_nulls().sort().to_list()
    first = period.first or (first_day(known[0]) if known else None)
    last = period.last or (first_day(known[-1]) if known else None)
    if first is None or last is None or first > last:
        return known
    return codes_between(dimension, first, last)


def first_day(code: str) -> date:
    """The first day of a month (2026-03), quarter (2026Q1) or year (2026)."""
    year, _, quarter = code.partition("Q")
    if quarter:
        return date(int(year), 3 * int(quarter) - 2, 1)
    year, _, month = code.partition("-")
    return date(int(year), int(month or 1), 1)


def _in_order(found: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    order: list[pl.Expr] = []
    for key in keys:
        if is_a_ranking(key):
            last = pl.col(key).is_in([UNKNOWN, HIDDEN])
            largest = [name for name in _LARGEST if name in found.columns]
            order += [last, *(pl.col(name).sum().over(key).fill_null(0).neg() for name in largest)]
        order += [places_in_order(key), pl.col(key)]
    return found.sort(order) if order else found
