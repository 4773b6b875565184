"""Sheets for those who may not see private demands: what is hidden in one is not told by another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import polars as pl
import pytest
from generated_facts import FEW, facts_of, some_facts
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from matching.fields.taxonomies import load_taxonomies
from matching.reporting.cut_sheets import (
    CODE,
    conversion_sheet,
    coverage_sheet,
    cut_sheet,
    figure_column,
    funnel_sheet,
    heat_sheet,
)
from matching.reporting.dimensions import dimensions
from matching.reporting.facts import Facts
from matching.reporting.figures import AMOUNTS, COUNTS, FIGURES, cut, is_cut_by
from matching.reporting.journeys import STEPS
from matching.reporting.period import Period
from matching.reporting.sheets import Sheet
from matching.reporting.small_counts import MARK, smallest_shown
from matching.schema import KINDS
from matching.wording import LANGUAGES, say

ALWAYS: Final = Period()
LEAST: Final = smallest_shown()
LANGUAGE: Final = "en"
MANY: Final = facts_of(7, demands=40, achievements=40, pairs=300)
OF_DEALS: Final = ("institute", "enterprise", "agent", "contract_kind", "quarter", "transfer_institution", "ip_kind")


def visible(sheet: Sheet, name: str) -> pl.Series:
    """The cells of a column that are shown."""
    return sheet.rows.filter(~pl.col(f"{name}{MARK}"))[name]


def assert_none_small(counts: pl.Series) -> None:
    assert counts.null_count() == 0
    assert counts.filter((counts > 0) & (counts < LEAST)).to_list() == []


@FEW
@given(some_facts, st.sampled_from(dimensions()))
def test_no_small_count_stands_in_a_cut(found: Facts, dimension: str) -> None:
    sheet = cut_sheet(found, (dimension,), ALWAYS, LANGUAGE, hide=True)
    names = [column.name for column in sheet.columns[1:]]
    for name in names:
        if name in COUNTS and name != "achievements":
            assert_none_small(visible(sheet, name))
        if name in AMOUNTS:
            marks = sheet.rows[f"{name}{MARK}"]
            assert sheet.rows[name].is_null().to_list() == marks.to_list()
    open_sheet = cut_sheet(found, (dimension,), ALWAYS, LANGUAGE, hide=False)
    for name in names:
        shown = sheet.rows[name].is_not_null()
        assert sheet.rows.filter(shown)[name].equals(open_sheet.rows.filter(shown)[name])
    # The order of rows is that of the open table, and its labels are.
    assert sheet.rows[dimension].equals(open_sheet.rows[dimension], null_equal=True)


@pytest.mark.parametrize("dimension", OF_DEALS)
def test_conversion_hides_what_the_cut_hides(dimension: str) -> None:
    for found in (MANY, facts_of(2, 12, 12, 40), facts_of(3, 12, 12, 20)):
        counted = cut_sheet(found, (dimension,), ALWAYS, LANGUAGE, hide=True).parts
        rates = conversion_sheet(found, dimension, ALWAYS, LANGUAGE, hide=True).rows
        words = {step: figure_column(step, LANGUAGE).heading for step in STEPS}
        for before, step in pairwise(STEPS):
            if is_cut_by(before, dimension):
                base = rates.filter(pl.col("step") == words[step]).select(f"{dimension}{CODE}", "base", f"base{MARK}")
                known = counted.filter(pl.col(before).is_null() | (pl.col(before) > 0)).select(
                    f"{dimension}{CODE}", base=before, mark=f"{before}{MARK}"
                )
                assert {row[0]: row[1:] for row in base.rows()} == {row[0]: row[1:] for row in known.rows()}


@FEW
@given(some_facts, st.sampled_from(OF_DEALS))
def test_conversion_tells_no_small_count(found: Facts, dimension: str) -> None:
    for sheet in (
        conversion_sheet(found, dimension, ALWAYS, LANGUAGE, hide=True),
        funnel_sheet(found, ALWAYS, LANGUAGE, hide=True),
    ):
        # The first rows of a funnel are records, which come from nowhere.
        rows = sheet.rows.filter(pl.col(f"base{MARK}").is_not_null())
        shown = rows.filter(~pl.col(f"came{MARK}"))
        assert_none_small(rows.filter(~pl.col(f"base{MARK}"))["base"])
        assert_none_small(shown["came"])
        assert_none_small(shown["base"] - shown["came"])
        assert rows.filter(pl.col(f"came{MARK}") & pl.col("share").is_not_null()).is_empty()
        assert rows.filter(pl.col(f"came{MARK}") & pl.col("days_mean").is_not_null()).is_empty()
        assert rows.filter(pl.col(f"base{MARK}") & ~pl.col(f"came{MARK}")).is_empty()


@FEW
@given(some_facts)
def test_each_step_of_a_funnel_is_hidden_for_itself(found: Facts) -> None:
    counts = cut(found, (), ALWAYS, COUNTS).row(0)
    hidden = funnel_sheet(found, ALWAYS, LANGUAGE, hide=True).rows
    assert hidden["count"].to_list() == [None if 0 < count < LEAST else count for count in counts]
    assert hidden[f"count{MARK}"].to_list() == [0 < count < LEAST for count in counts]
    assert hidden[f"step{CODE}"].to_list() == [*KINDS, *STEPS]


@FEW
@given(some_facts, st.sampled_from([*load_taxonomies(), "city", "enterprise", "institute"]))
def test_coverage_tells_no_small_count_of_demands(found: Facts, dimension: str) -> None:
    sheet = coverage_sheet(found, dimension, LANGUAGE, hide=True)
    if dimension == "institute":
        assert_frame_equal(sheet.rows, coverage_sheet(found, dimension, LANGUAGE, hide=False).rows)
        return
    shown = sheet.rows.filter(~pl.col(f"without_fit{MARK}"))
    assert_none_small(visible(sheet, "demands_in_use"))
    assert_none_small(shown["without_fit"])
    assert_none_small(shown["demands_in_use"] - shown["without_fit"])
    assert sheet.rows.filter(pl.col(f"without_fit{MARK}"))["without_fit_share"].is_null().all()


@pytest.mark.parametrize("figure", FIGURES)
def test_a_grid_hides_what_the_crossed_cut_hides(figure: str) -> None:
    by = ("province_4567", "quarter")
    grid = heat_sheet(MANY, by, figure, ALWAYS, LANGUAGE, hide=False)
    total = cut(MANY, (), ALWAYS).row(0, named=True)[figure]
    cells = [column.name for column in grid.columns[1:]]
    assert grid.rows.select(pl.sum_horizontal(pl.col(cells).sum())).item() == total
    if figure != "achievements":
        hidden = heat_sheet(MANY, by, figure, ALWAYS, LANGUAGE, hide=True)
        crossed = cut_sheet(MANY, by, ALWAYS, LANGUAGE, hide=True).parts
        marked = hidden.rows.select(pl.sum_horizontal(pl.col(f"{name}{MARK}").sum() for name in cells)).item()
        assert marked == crossed[f"{figure}{MARK}"].sum() > 0
        assert hidden.rows.select(pl.sum_horizontal(pl.col(cells).null_count())).item() == marked


def every_sheet(found: Facts, language: str, *, hide: bool) -> Iterator[Sheet]:
    """A sheet of each maker that hides cells and needs no contracts."""
    for dimension in OF_DEALS:
        yield cut_sheet(found, (dimension,), ALWAYS, language, hide=hide)
        yield conversion_sheet(found, dimension, ALWAYS, language, hide=hide)
    yield heat_sheet(found, ("province_4567", "quarter"), "accepted", ALWAYS, language, hide=hide)
    yield funnel_sheet(found, ALWAYS, language, hide=hide)
    yield coverage_sheet(found, "enterprise", language, hide=hide)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sheet_says_that_it_hides_something_where_it_does(language: str) -> None:
    line = say("report.hidden_text", language, below=LEAST)
    told = Counter[bool]()
    for found in (MANY, facts_of(2, 12, 12, 40), facts_of(0, 0, 0, 0)):
        for sheet, whole in zip(
            every_sheet(found, language, hide=True), every_sheet(found, language, hide=False), strict=True
        ):
            hides = any(sheet.rows[name].any() for name in sheet.rows.columns if name.endswith(MARK))
            assert sheet.note.splitlines() == [*whole.note.splitlines(), *([line] if hides else [])], sheet.code
            told[hides] += 1
    assert min(told[True], told[False]) > len(OF_DEALS)
