"""Counts and amounts and their cuts: against a loop over the rows, parts against wholes, and at their edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any, Final

import polars as pl
import pytest
from generated_facts import (
    DAYS,
    FEW,
    FIRST_DAY,
    ZONE,
    facts_of,
    shuffled,
    some_cuts,
    some_days,
    some_facts,
    some_periods,
)
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from sqlalchemy import Engine

from matching.fields.regions import region_codes
from matching.fields.taxonomies import load_taxonomies
from matching.reporting.codes import UNKNOWN
from matching.reporting.dimensions import codes_in_order, dimensions
from matching.reporting.facts import Facts, facts
from matching.reporting.figures import AMOUNTS, COUNTS, FIGURES, cut, is_cut_by
from matching.reporting.journeys import DEAL_STEPS, JOURNEYS, STEPS
from matching.reporting.period import EVERY, Period
from matching.schema import CONTRACT_KINDS

OF_RECORDS: Final = {
    "demands": (*load_taxonomies(), "city", "enterprise"),
    "achievements": (*load_taxonomies(), "institute", "ip_kind", "maturity"),
}
OF_PAIRS: Final = (*load_taxonomies(), "institute", "ip_kind", "maturity", "city", "enterprise")
OF_DEALS: Final = (*OF_PAIRS, "agent", "transfer_institution", "contract_kind")
# Many of everything, so that most crossed tables have several rows and columns.
MANY: Final = facts_of(7, demands=40, achievements=40, pairs=300)
ALWAYS: Final = Period()


def properties(figure: str) -> tuple[str, ...]:
    """What a figure is cut by, periods apart."""
    if figure in OF_RECORDS:
        return OF_RECORDS[figure]
    if figure == "candidates":
        return OF_PAIRS
    return (*OF_PAIRS, "agent") if figure in ("reviewed", "accepted") else OF_DEALS


def happened(found: Facts, figure: str) -> Iterator[tuple[date, int, dict[str, str]]]:
    """Everything that a figure counts or adds up: its day, what it adds, its codes."""
    if figure in OF_RECORDS:
        for row in getattr(found, figure).iter_rows(named=True):
            yield row["day"], 1, row
        return
    demands = {row["demand_id"]: row for row in found.demands.iter_rows(named=True)}
    achievements = {row["achievement_id"]: row for row in found.achievements.iter_rows(named=True)}
    of_deals = {row["deal_id"]: row for row in found.pairs.iter_rows(named=True) if row["deal_id"] is not None}
    for row in found.payments.iter_rows(named=True) if figure == "paid_fen" else found.pairs.iter_rows(named=True):
        pair = of_deals.get(row["deal_id"]) if figure == "paid_fen" else row
        day = row["paid_on"] if figure == "paid_fen" else row["signed" if figure in AMOUNTS else figure]
        if pair is None or day is None:
            continue
        of_pair = {**achievements.get(pair["achievement_id"], {})}
        of_pair |= {name: demands.get(pair["demand_id"], {}).get(name) for name in ("city", "enterprise")}
        of_pair |= {name: pair[name] for name in ("transfer_institution", "contract_kind")}
        of_pair["agent"] = pair["decider" if figure in ("reviewed", "accepted") else "handler"]
        adds = row["amount_fen"] if figure == "paid_fen" else row[figure] or 0 if figure in AMOUNTS else 1
        yield day, adds, {name: of_pair.get(name) or UNKNOWN for name in properties(figure)}


def period_codes(day: date) -> dict[str, str]:
    return {
        "month": f"{day.year}-{day.month:02d}",
        "quarter": f"{day.year}Q{(day.month + 2) // 3}",
        "year": str(day.year),
    }


def inside(day: date, period: Period) -> bool:
    return (period.first is None or period.first <= day) and (period.last is None or day <= period.last)


def naive(found: Facts, figure: str, by: tuple[str, ...], period: Period) -> Counter[tuple[str, ...]]:
    """A figure by codes, by going through everything."""
    sums: Counter[tuple[str, ...]] = Counter()
    for day, adds, codes in happened(found, figure):
        if inside(day, period):
            codes = {**codes, **period_codes(day)}
            sums[tuple(codes[name] for name in by)] += adds
    return sums


def whole(found: Facts, period: Period) -> dict[str, int]:
    (row,) = cut(found, (), period).rows(named=True)
    return row


def assert_sums_to(parts: pl.DataFrame, total: dict[str, int], by: tuple[str, ...]) -> None:
    for figure in FIGURES:
        if all(is_cut_by(figure, name) for name in by):
            assert parts[figure].null_count() == 0, figure
            assert parts[figure].sum() == total[figure], (figure, by)
        else:
            assert parts[figure].null_count() == parts.height, figure


def assert_as_counted(found: Facts, by: tuple[str, ...], period: Period) -> None:
    table = cut(found, by, period)
    assert table.columns == [*by, *FIGURES]
    assert table.select(FIGURES).dtypes == [pl.Int64()] * len(FIGURES)
    keys = [row[: len(by)] for row in table.rows()]
    assert len(set(keys)) == len(keys)
    for figure in FIGURES:
        if {*by} <= {*properties(figure), *EVERY}:
            expected = naive(found, figure, by, period)
            assert dict(zip(keys, table[figure], strict=True)) == {key: expected[key] for key in keys}, figure
            assert {key for key, value in expected.items() if value} <= {*keys}
        else:
            assert table[figure].null_count() == table.height


@given(some_facts, some_cuts, some_periods)
def test_every_cell_is_what_a_loop_over_the_rows_counts(found: Facts, by: tuple[str, ...], period: Period) -> None:
    assert_as_counted(found, by, period)


def test_every_dimension_is_what_a_loop_over_the_rows_counts() -> None:
    for dimension in dimensions():
        assert_as_counted(MANY, (dimension,), Period(date(2025, 12, 31), date(2026, 12, 30)))


@FEW
@given(some_facts, some_cuts, some_periods)
@example(MANY, (), ALWAYS)
def test_the_parts_of_a_cut_sum_to_the_whole(found: Facts, by: tuple[str, ...], period: Period) -> None:
    assert_sums_to(cut(found, by, period), whole(found, period), by)


@pytest.mark.parametrize("dimension", dimensions())
def test_every_pair_of_dimensions_sums_to_the_whole(dimension: str) -> None:
    period = Period(FIRST_DAY + timedelta(days=40), FIRST_DAY + timedelta(days=400))
    total = whole(MANY, period)
    assert_sums_to(cut(MANY, (dimension,), period), total, (dimension,))
    for one, other in combinations(dimensions(), 2):
        if one == dimension:
            assert_sums_to(cut(MANY, (one, other), period), total, (one, other))


@FEW
@given(some_facts, some_cuts, st.lists(some_days, min_size=1, max_size=4, unique=True).map(sorted))
def test_periods_that_follow_each_other_add_up(found: Facts, by: tuple[str, ...], borders: list[date]) -> None:
    day = timedelta(days=1)
    firsts, lasts = [None, *borders], [*(border - day for border in borders), None]
    sums: Counter[tuple[Any, ...]] = Counter()
    for first, last in zip(firsts, lasts, strict=True):
        for *key, figure, value in cut(found, by, Period(first, last)).unpivot(index=by).rows():
            sums[*key, figure] += value or 0
    expected = {tuple(row[:-1]): row[-1] or 0 for row in cut(found, by, ALWAYS).unpivot(index=by).rows()}
    assert {key: value for key, value in sums.items() if value} == {
        key: value for key, value in expected.items() if value
    }


@FEW
@given(some_facts)
def test_steps_never_grow(found: Facts) -> None:
    total = whole(found, ALWAYS)
    counts = [total[step] for step in STEPS]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == found.pairs.height
    assert 0 <= total["technical_fen"] <= total["total_fen"]


@FEW
@given(some_facts, some_cuts, some_periods, st.integers(0, 2**32 - 1))
@example(MANY, ("institute", "month"), ALWAYS, 1)
def test_the_order_of_rows_does_not_matter(found: Facts, by: tuple[str, ...], period: Period, seed: int) -> None:
    assert_frame_equal(cut(shuffled(found, seed), by, period), cut(found, by, period))


@FEW
@given(some_facts, some_cuts, some_periods, st.lists(st.sampled_from(FIGURES), unique=True))
def test_some_figures_are_those_of_all(found: Facts, by: tuple[str, ...], period: Period, figures: list[str]) -> None:
    keys = list(by)
    some = cut(found, by, period, figures)
    assert some.columns == [*by, *figures]
    beside = some.join(cut(found, by, period), on=keys, suffix=":of_all") if keys else None
    for figure in figures if beside is not None else ():
        assert beside.height == some.height
        assert beside[figure].equals(beside[f"{figure}:of_all"], null_equal=True)
    if not keys and figures:
        assert some.row(0, named=True).items() <= whole(found, period).items()


def test_examples_have_something_of_everything() -> None:
    total = whole(MANY, ALWAYS)
    assert min(total.values()) > 0
    for dimension in dimensions():
        table = cut(MANY, (dimension,), ALWAYS)
        assert table.filter(pl.col("signed") > 0).height > 1 or not is_cut_by("signed", dimension)
        # A decision and a deal always have somebody who made them.
        if dimension not in ("agent", *EVERY):
            assert table.filter(pl.col(dimension) == UNKNOWN).height == 1, dimension


def test_what_a_figure_is_cut_by() -> None:
    found = {figure: {name for name in dimensions() if is_cut_by(figure, name)} for figure in FIGURES}
    assert found == {figure: {*properties(figure), *EVERY} for figure in FIGURES}
    assert {*STEPS, *OF_RECORDS} == {*COUNTS}
    assert (*COUNTS, "total_fen", "technical_fen", "paid_fen") == FIGURES
    assert not is_cut_by("candidates", "agent")
    assert all(is_cut_by(step, "agent") for step in DEAL_STEPS)
    assert not is_cut_by("signed", "no such dimension")


def test_an_empty_ledger(ledger: Engine) -> None:
    found = facts(ledger, datetime(2026, 3, 1, tzinfo=UTC), ZONE)
    assert found.today == date(2026, 3, 1)
    assert dict(found.pairs.schema) == JOURNEYS
    assert found.contracts["buyer_in_province"].dtype == pl.Boolean()
    assert found.contracts["seller_kind"].dtype == pl.String()
    assert whole(found, ALWAYS) == dict.fromkeys(FIGURES, 0)
    for dimension in dimensions():
        table = cut(found, (dimension,), ALWAYS)
        assert table.select(pl.col(FIGURES).fill_null(0).sum()).row(0) == (0,) * len(FIGURES)
        if codes_in_order(dimension) is None:
            assert table.is_empty()
        assert dimension == "year" or cut(found, (dimension, "year"), ALWAYS).is_empty()


def test_months_without_figures_have_their_rows() -> None:
    days = {"demand_id": ["D1", "D2", "D3"], "day": [date(2025, 11, 30), date(2026, 2, 1), date(2026, 2, 28)]}
    empty = facts_of(0, 0, 0, 0)
    rows = pl.DataFrame(days).with_columns(
        pl.lit(UNKNOWN).alias(name) for name in ("city", "enterprise", *load_taxonomies())
    )
    found = Facts(**{**vars(empty), "demands": rows})

    def counted(every: str, period: Period) -> list[tuple[str, int]]:
        return cut(found, (every,), period).select(every, "demands").rows()

    four = [("2025-11", 1), ("2025-12", 0), ("2026-01", 0), ("2026-02", 2)]
    assert counted("month", ALWAYS) == four
    assert counted("month", Period(date(2025, 10, 31), None)) == [("2025-10", 0), *four]
    assert counted("month", Period(None, date(2026, 4, 1))) == [*four, ("2026-03", 0), ("2026-04", 0)]
    assert counted("month", Period(date(2026, 2, 15), None)) == [("2026-02", 1)]
    assert counted("quarter", ALWAYS) == [("2025Q4", 1), ("2026Q1", 2)]
    assert counted("quarter", Period(None, date(2026, 9, 30)))[2:] == [("2026Q2", 0), ("2026Q3", 0)]
    assert counted("year", Period(date(2024, 12, 31), date(2027, 1, 1))) == [
        ("2024", 0),
        ("2025", 1),
        ("2026", 2),
        ("2027", 0),
    ]
    # Of two dimensions those rows alone that have something.
    crossed = cut(found, ("city", "month"), ALWAYS).select("city", "month", "demands").rows()
    assert crossed == [(UNKNOWN, "2025-11", 1), (UNKNOWN, "2026-02", 2)]


def test_a_period_in_which_nothing_happened_is_all_zeros() -> None:
    long_ago = Period(date(1990, 1, 31), date(1990, 3, 1))
    assert whole(MANY, long_ago) == dict.fromkeys(FIGURES, 0)
    assert cut(MANY, ("month",), long_ago).rows() == [
        (month, *[0] * len(FIGURES)) for month in ("1990-01", "1990-02", "1990-03")
    ]
    assert cut(MANY, ("institute",), long_ago).is_empty()
    assert cut(MANY, ("institute", "month"), long_ago).is_empty()
    one_day = Period(FIRST_DAY, FIRST_DAY)
    assert whole(MANY, one_day)["demands"] == MANY.demands.filter(pl.col("day") == FIRST_DAY).height


def test_lists_stand_in_their_order_and_names_with_the_largest_first() -> None:
    for dimension in dimensions():
        codes = cut(MANY, (dimension,), ALWAYS)[dimension].to_list()
        order = codes_in_order(dimension)
        if dimension == "city":
            assert codes[-1] == UNKNOWN
            assert {*region_codes()} - {*codes}
        elif order is not None:
            assert codes == list(order), dimension
        elif dimension in EVERY:
            assert codes == sorted(codes)
        elif dimension != "agent":
            assert codes[-1] == UNKNOWN
    assert codes_in_order("contract_kind") == (*CONTRACT_KINDS, UNKNOWN)
    largest = ("industrialised", "signed", "total_fen", "accepted", "candidates", "achievements", "demands")
    places = {code: place for place, code in enumerate(codes_in_order("city") or ())}
    for dimension in ("institute", "city"):
        named = cut(MANY, (dimension,), ALWAYS).filter(pl.col(dimension) != UNKNOWN).rows(named=True)
        assert len(named) > 1
        keys = [
            (*(-(row[name] or 0) for name in largest), places.get(row[dimension], 0), row[dimension]) for row in named
        ]
        assert keys == sorted(keys), dimension
    assert DAYS > 366
