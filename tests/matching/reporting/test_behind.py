"""The rows behind a figure: as many, or adding up to as much, as its cell says."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import polars as pl
import pytest
from generated_facts import facts_of, some_cuts, some_facts, some_periods
from hypothesis import given
from hypothesis import strategies as st

from matching.reporting.behind import rows_behind
from matching.reporting.dimensions import dimensions
from matching.reporting.facts import Facts
from matching.reporting.figures import AMOUNTS, FIGURES, cut, is_cut_by
from matching.reporting.period import Period

MANY: Final = facts_of(7, demands=40, achievements=40, pairs=300)
ALWAYS: Final = Period()
ADDED: Final = {"total_fen": "total_fen", "technical_fen": "technical_fen", "paid_fen": "amount_fen"}
IDS: Final = {"demands": ["demand_id"], "achievements": ["achievement_id"]}
OF_PAIRS: Final = ["demand_id", "achievement_id", "deal_id"]


def assert_told(found: Facts, figure: str, cell: dict[str, Any], by: tuple[str, ...], period: Period) -> None:
    rows = rows_behind(found, figure, {name: cell[name] for name in by}, period)
    told = rows[ADDED[figure]].sum() if figure in AMOUNTS else rows.height
    assert told == cell[figure], (figure, cell)
    assert rows.columns == [
        "day",
        *IDS.get(figure, OF_PAIRS),
        *([ADDED[figure]] if figure in AMOUNTS else []),
    ]
    assert rows.select(period.holds(pl.col("day")).all()).item()


@given(some_facts, some_cuts, some_periods, st.sampled_from(FIGURES), st.randoms(use_true_random=False))
def test_every_cell_has_its_rows(found: Facts, by: tuple[str, ...], period: Period, figure: str, chance: Any) -> None:
    if all(is_cut_by(figure, name) for name in by):
        cells = cut(found, by, period, [figure]).rows(named=True)
        for cell in chance.sample(cells, min(4, len(cells))):
            assert_told(found, figure, cell, by, period)


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_by_every_dimension(figure: str) -> None:
    period = Period(date(2025, 12, 31), date(2026, 12, 30))
    for name in dimensions():
        if is_cut_by(figure, name):
            largest = cut(MANY, (name,), period, [figure]).sort(figure).row(-1, named=True)
            assert largest[figure] > 0
            assert_told(MANY, figure, largest, (name,), period)
    assert_told(MANY, figure, cut(MANY, (), period).row(0, named=True), (), period)


@given(some_facts, some_periods, st.sampled_from(FIGURES))
def test_rows_stand_by_day_and_id_and_none_twice(found: Facts, period: Period, figure: str) -> None:
    rows = rows_behind(found, figure, {}, period)
    ids = rows.select("day", *IDS.get(figure, OF_PAIRS))
    assert ids.rows() == ids.sort(ids.columns).rows()
    if figure != "paid_fen":
        assert ids.is_unique().all()


def test_a_code_that_nothing_has_has_no_rows() -> None:
    for figure in FIGURES:
        for name in dimensions():
            if is_cut_by(figure, name):
                rows = rows_behind(MANY, figure, {name: "no such code"}, ALWAYS)
                assert rows.is_empty()
                assert rows.schema == rows_behind(MANY, figure, {}, ALWAYS).schema


def test_rows_behind_one_contract() -> None:
    signed = rows_behind(MANY, "signed", {}, ALWAYS)
    for row in signed.head(5).iter_rows(named=True):
        pair = MANY.pairs.filter(pl.col("deal_id") == row["deal_id"]).row(0, named=True)
        assert row == {"day": pair["signed"], **{name: pair[name] for name in OF_PAIRS}}
    totals = rows_behind(MANY, "total_fen", {}, ALWAYS)
    assert totals.select("day", *OF_PAIRS).equals(signed)
