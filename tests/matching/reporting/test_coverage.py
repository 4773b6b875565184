"""What the matching has not reached: against a loop over the records, by hand, and at its edges."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import polars as pl
from generated_facts import ACHIEVEMENTS, DEMANDS, FEW, LISTED, facts_of, shuffled, some_facts
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from matching.fields.taxonomies import first_taxonomy, load_taxonomies
from matching.reporting.codes import UNKNOWN
from matching.reporting.coverage import COVERAGE, coverage, never_shown, without_fit
from matching.reporting.dimensions import codes_always_shown, codes_in_order, dimensions
from matching.reporting.facts import Facts
from matching.reporting.journeys import JOURNEYS

OF_DEMANDS: Final = (*load_taxonomies(), "city", "enterprise")
OF_ACHIEVEMENTS: Final = (*load_taxonomies(), "institute", "ip_kind", "maturity")
of_records = st.sampled_from(sorted({*OF_DEMANDS, *OF_ACHIEVEMENTS}))
COUNTS: Final = ("achievements_in_use", "never_shown", "demands_in_use", "without_fit")


def naive(found: Facts, dimension: str | None) -> dict[str, Counter[str]]:
    """The four counts by code, record by record."""
    shown = set(found.pairs["achievement_id"])
    fitting = {row["demand_id"] for row in found.listed.iter_rows(named=True) if (row["level"] or 0) >= 3}
    counts: dict[str, Counter[str]] = {name: Counter() for name in COUNTS}
    for rows, identity, reached, names in (
        (found.achievements, "achievement_id", shown, COUNTS[:2]),
        (found.demands, "demand_id", fitting, COUNTS[2:]),
    ):
        for row in rows.filter("in_use").iter_rows(named=True):
            code = row.get(dimension, "") if dimension else ""
            counts[names[0]][code] += 1
            counts[names[1]][code] += row[identity] not in reached
    return counts


@given(some_facts, of_records)
def test_every_cell_is_what_a_loop_over_the_records_counts(found: Facts, dimension: str) -> None:
    table, expected = coverage(found, (dimension,)), naive(found, dimension)
    assert dict(table.schema) == {dimension: pl.String(), **COVERAGE}
    codes = table[dimension].to_list()
    assert len(set(codes)) == len(codes)
    for names, dimensions_of in ((COUNTS[:2], OF_ACHIEVEMENTS), (COUNTS[2:], OF_DEMANDS)):
        for name in names:
            if dimension in dimensions_of:
                assert dict(zip(codes, table[name], strict=True)) == {code: expected[name][code] for code in codes}
                assert {*expected[name]} <= {*codes}
            else:
                assert table[name].null_count() == table.height


@given(some_facts, of_records)
@FEW
def test_parts_sum_to_the_whole_and_keep_their_limits(found: Facts, dimension: str) -> None:
    table, (total,) = coverage(found, (dimension,)), coverage(found, ()).rows(named=True)
    assert {name: total[name] for name in COUNTS} == {
        name: sum(counts.values()) for name, counts in naive(found, None).items()
    }
    for (whole, part), applying in ((COUNTS[:2], OF_ACHIEVEMENTS), (COUNTS[2:], OF_DEMANDS)):
        if dimension in applying:
            assert (table[whole].sum(), table[part].sum()) == (total[whole], total[part])
        for rows in (table, coverage(found, ())):
            assert rows.filter(pl.col(part) > pl.col(whole)).is_empty()
            some = pl.col(whole).fill_null(0) > 0
            shares = rows.filter(some)
            assert shares[f"{part}_share"].to_list() == (shares[part] / shares[whole]).to_list()
            assert rows.filter(~some).height == rows[f"{part}_share"].null_count()


@given(some_facts, of_records, st.integers(0, 2**32 - 1))
@FEW
def test_the_order_of_rows_does_not_matter(found: Facts, dimension: str, seed: int) -> None:
    other = shuffled(found, seed)
    for by in ((), (dimension,)):
        assert_frame_equal(coverage(other, by), coverage(found, by))


@given(some_facts)
@FEW
def test_the_records_behind_are_those_that_are_counted(found: Facts) -> None:
    (total,) = coverage(found, ()).rows(named=True)
    unshown, unfit = never_shown(found), without_fit(found)
    assert (unshown.height, unfit.height) == (total["never_shown"], total["without_fit"])
    assert unshown["in_use"].all()
    assert unfit["in_use"].all()
    assert not {*unshown["achievement_id"]} & {*found.pairs["achievement_id"]}


def by_hand() -> Facts:
    institutes = ("甲所", "甲所", "乙所", "乙所", "丙所")
    achievements = [
        {**dict.fromkeys(ACHIEVEMENTS, UNKNOWN), "achievement_id": f"A{number}", "institute": institute}
        for number, institute in enumerate(institutes)
    ]
    demands = [{**dict.fromkeys(DEMANDS, UNKNOWN), "demand_id": f"D{number}"} for number in range(4)]
    rest = {"day": None, "in_use": True, "into": None, "title": ""}
    pairs = [{**dict.fromkeys(JOURNEYS), "demand_id": "D9", "achievement_id": key} for key in ("A0", "A2", "A9")]
    listed = [("D0", "A0", 4), ("D0", "A1", 1), ("D1", "A1", 3), ("D2", "A1", 2), ("D2", "A2", None)]
    return Facts(
        **{
            **vars(facts_of(0, 0, 0, 0)),
            "achievements": pl.DataFrame([{**row, **rest} for row in achievements], schema=ACHIEVEMENTS),
            "demands": pl.DataFrame(
                [{**row, **rest, "in_use": row["demand_id"] != "D3"} for row in demands], schema=DEMANDS
            ),
            "pairs": pl.DataFrame(pairs, schema=JOURNEYS, orient="row"),
            "listed": pl.DataFrame(listed, schema=LISTED, orient="row"),
        }
    )


def test_worked_out() -> None:
    found = by_hand()
    # A1, A3 and A4 were in no pair; a weak candidate and one of no level do not fit D2; D3 is not in use.
    assert coverage(found, ()).row(0) == (5, 3, 0.6, 3, 1, 1 / 3)
    assert without_fit(found)["demand_id"].to_list() == ["D2"]
    assert never_shown(found)["achievement_id"].to_list() == ["A1", "A3", "A4"]
    nothing: tuple[Any, ...] = (None, None, None)
    # Of as many never shown, by name.
    assert coverage(found, ("institute",)).rows() == [
        ("丙所", 1, 1, 1.0, *nothing),
        ("乙所", 2, 1, 0.5, *nothing),
        ("甲所", 2, 1, 0.5, *nothing),
    ]
    assert coverage(found, ("enterprise",)).rows() == [(UNKNOWN, *nothing, 3, 1, 1 / 3)]
    field = coverage(found, (first_taxonomy().code,))
    assert field.filter(pl.col(first_taxonomy().code) == UNKNOWN).row(0)[1:] == (5, 3, 0.6, 3, 1, 1 / 3)


def test_nothing_at_all() -> None:
    nothing = facts_of(0, 0, 0, 0)
    assert coverage(nothing, ()).row(0) == (0, 0, None, 0, 0, None)
    for dimension in dimensions():
        table = coverage(nothing, (dimension,))
        assert table[dimension].to_list() == list(codes_always_shown(dimension))
        assert table.select(pl.col(COUNTS).fill_null(0).sum()).row(0) == (0, 0, 0, 0)
        assert table["never_shown_share"].null_count() == table.height


def test_codes_stand_in_their_order() -> None:
    many = facts_of(3, 60, 60, 40)
    rankings = {"institute": "never_shown", "enterprise": "without_fit", "city": "without_fit"}
    for dimension in {*OF_DEMANDS, *OF_ACHIEVEMENTS} - {*rankings}:
        order = codes_in_order(dimension) or ()
        codes = coverage(many, (dimension,))[dimension].to_list()
        assert codes == [code for code in order if code in codes], dimension
    for dimension, part in rankings.items():
        table = coverage(many, (dimension,))
        assert table[dimension].to_list().index(UNKNOWN) == table.height - 1
        assert table[part].head(-1).is_sorted(descending=True)
        order = codes_in_order(dimension) or ()
        nothing = table.filter(pl.col(part) == 0)[dimension].to_list()
        assert nothing == sorted(nothing, key=order.index if order else None)
