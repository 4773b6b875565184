"""From each step to the next: against a loop over the pairs, by hand, and at its edges."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise
from statistics import fmean, median
from typing import Any, Final

import polars as pl
import pytest
from generated_facts import FEW, facts_of, shuffled, some_days, some_facts, some_periods
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from matching.reporting.codes import UNKNOWN
from matching.reporting.conversion import CONVERSION, conversion, has_conversion
from matching.reporting.dimensions import dimensions
from matching.reporting.facts import Facts
from matching.reporting.figures import cut, is_cut_by
from matching.reporting.journeys import JOURNEYS, STEPS
from matching.reporting.period import EVERY, Period

ALWAYS: Final = Period()
some_dimensions = st.lists(st.sampled_from(dimensions()), unique=True, max_size=2).map(tuple)


def agent_of(pair: dict[str, Any], before: str) -> str | None:
    if before == "candidates":
        return None
    agent: str | None = pair["decider" if before in ("reviewed", "accepted") else "handler"]
    return agent


def codes_of(found: Facts) -> dict[tuple[str, str], dict[str, str]]:
    """What stands of the records of each pair."""
    demands = {row["demand_id"]: row for row in found.demands.iter_rows(named=True)}
    achievements = {row["achievement_id"]: row for row in found.achievements.iter_rows(named=True)}
    return {
        (demand, achievement): {**demands.get(demand, {}), **own_fields(achievements.get(achievement, {}), demands)}
        for demand, achievement in found.pairs.select("demand_id", "achievement_id").rows()
    }


def own_fields(achievement: dict[str, Any], demands: dict[str, Any]) -> dict[str, Any]:
    """An achievement's codes; the field of a pair is never that of its demand."""
    fields = {name: None for row in demands.values() for name in row if name not in ("city", "enterprise")}
    return {**fields, **achievement}


def naive(found: Facts, before: str, step: str, by: tuple[str, ...], period: Period) -> dict[Any, tuple[Any, ...]]:
    """base, came, share, timed, median, mean by codes, pair by pair."""
    codes = codes_of(found)
    lots: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for pair in found.pairs.iter_rows(named=True):
        day = pair[before]
        if day is None or not ((period.first or day) <= day <= (period.last or day)):
            continue
        of_pair = {
            **codes[pair["demand_id"], pair["achievement_id"]],
            **{name: pair[name] for name in ("transfer_institution", "contract_kind")},
            "agent": agent_of(pair, before),
            "month": day.strftime("%Y-%m"),
            "quarter": f"{day.year}Q{(day.month + 2) // 3}",
            "year": str(day.year),
        }
        lots[tuple(of_pair.get(name) or UNKNOWN for name in by)].append(pair)
    if not by:
        lots.setdefault((), [])
    return {key: _rates(lot, before, step) for key, lot in lots.items()}


def _rates(lot: list[dict[str, Any]], before: str, step: str) -> tuple[Any, ...]:
    came = sum(pair[step] is not None for pair in lot)
    days = [
        (pair[f"own_{step}"] - pair[f"own_{before}"]).days
        for pair in lot
        if pair[f"own_{step}"] is not None
        and pair[f"own_{before}"] is not None
        and pair[f"own_{before}"] <= pair[f"own_{step}"]
    ]
    share = came / len(lot) if lot else None
    return len(lot), came, share, len(days), median(days) if days else None, fmean(days) if days else None


def assert_as_counted(found: Facts, by: tuple[str, ...], period: Period) -> None:
    table = conversion(found, by, period)
    assert dict(table.schema) == {**dict.fromkeys(by, pl.String()), **CONVERSION}
    for before, step in pairwise(STEPS):
        rows = table.filter(pl.col("step") == step).drop("step")
        got = {row[: len(by)]: row[len(by) :] for row in rows.rows()}
        expected = naive(found, before, step, by, period)
        assert got.keys() == expected.keys()
        for key, values in expected.items():
            assert [*got[key]] == [value if value is None else pytest.approx(value) for value in values], (step, key)


@given(some_facts, some_dimensions, some_periods)
def test_rates_are_those_that_a_loop_over_the_pairs_finds(found: Facts, by: tuple[str, ...], period: Period) -> None:
    assert_as_counted(found, by, period)


def test_rates_by_every_dimension_are_those_that_a_loop_finds() -> None:
    many = facts_of(7, demands=20, achievements=20, pairs=100)
    for dimension in dimensions():
        assert_as_counted(many, (dimension,), Period(date(2025, 12, 31), date(2026, 12, 30)))


@FEW
@given(some_facts, some_dimensions, some_periods)
def test_rates_keep_their_limits_and_their_parts_sum_to_the_whole(
    found: Facts, by: tuple[str, ...], period: Period
) -> None:
    table = conversion(found, by, period)
    total = conversion(found, (), period)
    assert total["step"].to_list() == list(STEPS[1:])
    for rows in (table, total):
        assert rows.filter(~pl.col("share").is_between(0, 1)).is_empty()
        assert rows.filter(pl.col("share").is_null() != (pl.col("base") == 0)).is_empty()
        # Those who came and those timed are among the base.
        assert rows.filter((pl.col("came") > pl.col("base")) | (pl.col("timed") > pl.col("came"))).is_empty()
        assert rows.filter(pl.col("days_median").is_null() != (pl.col("timed") == 0)).is_empty()
        assert rows.filter((pl.col("days_mean") < 0) | (pl.col("days_median") < 0)).is_empty()
    parts = table.group_by("step").agg(pl.col("base", "came", "timed").sum())
    beside = total.select("step", "base", "came", "timed").join(parts, on="step", how="left", suffix=":parts")
    for name in ("base", "came", "timed"):
        assert beside[name].to_list() == beside[f"{name}:parts"].fill_null(0).to_list()


@FEW
@given(some_facts, st.sampled_from([name for name in dimensions() if has_conversion(name)]), some_periods)
def test_the_base_is_what_the_cut_counts_at_the_step_before(found: Facts, dimension: str, period: Period) -> None:
    counted = cut(found, (dimension,), period)
    table = conversion(found, (dimension,), period)
    for before, step in pairwise(STEPS):
        if is_cut_by(before, dimension):
            base = dict(table.filter(pl.col("step") == step).select(dimension, "base").rows())
            expected = counted.filter(pl.col(before) > 0).select(dimension, before).rows()
            assert base == dict(expected), step


@FEW
@given(some_facts, some_days)
def test_bases_of_periods_that_follow_each_other_add_up(found: Facts, border: date) -> None:
    parts = [
        conversion(found, (), period) for period in (Period(None, border - timedelta(days=1)), Period(border, None))
    ]
    whole = conversion(found, (), ALWAYS)
    for name in ("base", "came", "timed"):
        assert (parts[0][name] + parts[1][name]).to_list() == whole[name].to_list()


@FEW
@given(some_facts, some_dimensions, some_periods, st.integers(0, 2**32 - 1))
def test_the_order_of_rows_does_not_matter(found: Facts, by: tuple[str, ...], period: Period, seed: int) -> None:
    assert_frame_equal(conversion(shuffled(found, seed), by, period), conversion(found, by, period))


def ways(*days: tuple[str, ...]) -> Facts:
    """Pairs with days of their own for the first steps: "" for one left out."""
    rows = []
    for number, own in enumerate(days):
        taken = {f"own_{step}": date.fromisoformat(text) for step, text in zip(STEPS, own, strict=False) if text}
        reached = [
            next((taken[f"own_{later}"] for later in STEPS[place:] if f"own_{later}" in taken), None)
            for place in range(len(STEPS))
        ]
        pair = {"demand_id": "D", "achievement_id": f"A{number}"}
        rows.append({**dict.fromkeys(JOURNEYS), **pair, **taken, **dict(zip(STEPS, reached, strict=True))})
    return Facts(**{**vars(facts_of(0, 0, 0, 0)), "pairs": pl.DataFrame(rows, schema=JOURNEYS, orient="row")})


def test_by_hand() -> None:
    found = ways(
        ("2026-01-01", "2026-01-04", "2026-01-04"),
        ("2026-01-31", "2026-02-10"),  # came in February, of the base of January
        ("2026-01-02",),
        ("2025-12-31", "2026-01-01"),  # of the base of last year
        ("", "2026-01-20", "2026-01-20"),  # decided on without a match: of the base by its decision, and not timed
        ("2026-01-09", "2026-01-08"),  # days that do not follow each other
    )
    january = Period(date(2026, 1, 1), date(2026, 1, 31))
    table = conversion(found, (), january)
    assert table.row(0) == ("reviewed", 5, 4, 0.8, 2, 6.5, 6.5)
    # At the step before, in January: the first, the fourth, the fifth and the last.
    assert table.row(1) == ("accepted", 4, 2, 0.5, 2, 0.0, 0.0)
    assert table.row(2) == ("contacted", 2, 0, 0.0, 0, None, None)
    assert table.row(3) == ("negotiating", 0, 0, None, 0, None, None)


def test_nothing_gives_zeros_without_rates() -> None:
    nothing = facts_of(0, 0, 0, 0)
    assert conversion(nothing, (), ALWAYS).rows() == [(step, 0, 0, None, 0, None, None) for step in STEPS[1:]]
    for dimension in dimensions():
        table = conversion(nothing, (dimension,), ALWAYS)
        assert table.is_empty()
        assert dict(table.schema) == {dimension: pl.String(), **CONVERSION}


def test_what_conversion_can_be_cut_by() -> None:
    assert {name for name in dimensions() if has_conversion(name)} == {*dimensions()}
    assert not has_conversion("title")
    assert {*EVERY} <= {*dimensions()}
