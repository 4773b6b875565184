"""Small counts: none is visible, none can be told from its row or column, and nothing else is hidden."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from sqlalchemy import Engine

from matching.ledger.rights import Viewer, as_viewer
from matching.reporting.small_counts import MARK, hides, smallest_shown, without_small, without_small_parts
from matching.schema import ROLES

LEAST: Final = smallest_shown()
SCHEMA: Final = {"a": pl.String(), "b": pl.String(), "count": pl.Int64(), "amount": pl.Int64()}
# Small ones often: those are what it is about.
counts = st.integers(0, 2 * LEAST) | st.sampled_from([1, LEAST, 10**9])
lists = st.lists(counts | st.none(), max_size=8).map(
    lambda values: pl.DataFrame(
        [(str(place), "", count, place) for place, count in enumerate(values)], schema=SCHEMA, orient="row"
    )
)
cells = st.tuples(st.sampled_from("pqrs"), st.sampled_from("xyz"))
grids = st.dictionaries(cells, counts).map(
    lambda found: pl.DataFrame(
        [(*cell, count, place) for place, (cell, count) in enumerate(found.items())], schema=SCHEMA, orient="row"
    )
)
single = lists.map(lambda table: table.head(1))
tables = st.one_of(
    st.tuples(lists, st.just(("a",))), st.tuples(grids, st.just(("a", "b"))), st.tuples(single, st.just(()))
)


def hidden_in(table: pl.DataFrame, keys: tuple[str, ...]) -> pl.Series:
    return without_small(table, keys, {"count": "count"})[f"count{MARK}"]


def groups(table: pl.DataFrame, keys: tuple[str, ...]) -> Iterator[tuple[list[int], list[bool]]]:
    """Counts whose sum is known, with which of them are hidden."""
    marked = table.with_columns(pl.col("count").fill_null(0), mark=hidden_in(table, keys))
    for rows in [marked] if len(keys) < 2 else [part for key in keys for part in marked.partition_by(key)]:
        yield rows["count"].to_list(), rows["mark"].to_list()


@given(tables)
def test_no_small_count_is_visible_and_zeros_are(case: tuple[pl.DataFrame, tuple[str, ...]]) -> None:
    table, keys = case
    for count, hidden in zip(table["count"], hidden_in(table, keys), strict=True):
        assert hidden or not count or count >= LEAST
        assert not (hidden and not count)


@given(tables)
def test_no_hidden_count_can_be_told_from_the_rest(case: tuple[pl.DataFrame, tuple[str, ...]]) -> None:
    for values, hidden in groups(*case):
        secret = [value for value, mark in zip(values, hidden, strict=True) if mark]
        open_ = [value for value, mark in zip(values, hidden, strict=True) if not mark and value]
        if secret and open_:
            assert len(secret) > 1
            assert sum(secret) >= LEAST


@given(tables)
def test_no_more_is_hidden_than_must_be(case: tuple[pl.DataFrame, tuple[str, ...]]) -> None:
    table, keys = case
    marks = hidden_in(table, keys).to_list()
    if not any(0 < (count or 0) < LEAST for count in table["count"]):
        assert not any(marks)
    if len(keys) < 2 and any(marks):
        # Of a list the smallest are hidden, and one fewer would not do.
        values = [count or 0 for count in table["count"]]
        secret = sorted(value for value, mark in zip(values, marks, strict=True) if mark)
        assert secret == sorted(value for value in values if value)[: len(secret)]
        fewer = secret[:-1]
        assert secret[-1] < LEAST or len(fewer) < 2 or sum(fewer) < LEAST


@given(tables)
def test_hiding_again_hides_nothing_more(case: tuple[pl.DataFrame, tuple[str, ...]]) -> None:
    table, keys = case
    told_by = {"amount": "count", "count": "count"}
    once = without_small(table, keys, told_by)
    assert_frame_equal(without_small(once, keys, told_by).select(table.columns), once.select(table.columns))


@given(tables, st.integers(0, 2**32 - 1))
def test_neither_the_order_of_rows_nor_of_dimensions_matters(
    case: tuple[pl.DataFrame, tuple[str, ...]], seed: int
) -> None:
    table, keys = case
    told_by = {"amount": "count", "count": "count"}
    expected = without_small(table, keys, told_by)
    other = without_small(table.sample(fraction=1, shuffle=True, seed=seed), keys[::-1], told_by)
    assert_frame_equal(other.sort("a", "b"), expected.sort("a", "b"))


def test_of_equal_counts_the_first_by_code_is_hidden() -> None:
    table = pl.DataFrame({"a": ["r", "q", "p"], "count": [4, 4, 1]})
    for other in (table, table.reverse()):
        found = without_small(other, ("a",), {"count": "count"})
        assert found.filter(f"count{MARK}")["a"].sort().to_list() == ["p", "q"]


@given(tables)
def test_an_amount_is_hidden_with_the_count_that_decides(case: tuple[pl.DataFrame, tuple[str, ...]]) -> None:
    table, keys = case
    both = without_small(table, keys, {"amount": "count", "count": "count"})
    alone = without_small(table, keys, {"amount": "count"})
    assert both[f"amount{MARK}"].to_list() == both[f"count{MARK}"].to_list() == alone[f"amount{MARK}"].to_list()
    shown = table.filter(~both[f"amount{MARK}"])
    assert both.filter(~pl.col(f"amount{MARK}")).select(table.columns).equals(shown)
    assert both.filter(f"amount{MARK}").select(pl.col("amount", "count").is_null().all()).row(0) == (True, True)
    # A count that decides and is not itself among the columns stays.
    assert alone["count"].equals(table["count"])


def listed(*values: int) -> list[int | None]:
    table = pl.DataFrame({"a": [str(value) for value in values], "count": values})
    return without_small(table, ("a",), {"count": "count"})["count"].to_list()


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ((0, 3, 9), [0, 3, 9]),
        ((1, 9, 4, 0), [None, 9, None, 0]),
        ((1, 1, 9), [None, None, None]),  # two of the two: each is one
        ((1, 2, 9), [None, None, 9]),
        ((2, 2, 0), [None, None, 0]),
        ((1, 0, 0), [None, 0, 0]),  # nothing else could be hidden
        ((2,), [None]),
        ((3,), [3]),
        ((), []),
    ],
)
def test_by_hand_with_three_as_the_smallest(values: tuple[int, ...], shown: list[int | None]) -> None:
    assert LEAST == 3
    assert listed(*values) == shown


def test_a_crossed_table_by_hand() -> None:
    grid = {"p": (1, 5, 6), "q": (7, 4, 0), "r": (8, 9, 9)}
    rows = [(down, across, count) for down, counts in grid.items() for across, count in zip("xyz", counts, strict=True)]
    table = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String, "count": pl.Int64}, orient="row")
    found = without_small(table, ("a", "b"), {"count": "count"})
    hidden = {(down, across) for down, across, *_ in found.filter(f"count{MARK}").rows()}
    # The one of p x; then 5 of its row, 4 of that column, and 7, the last of its row, closes the square.
    assert hidden == {("p", "x"), ("p", "y"), ("q", "y"), ("q", "x")}


@given(st.lists(st.tuples(counts, counts).map(lambda both: (sum(both), both[1])), max_size=8))
def test_neither_wholes_nor_parts_nor_what_is_left_can_be_told(rows: list[tuple[int, int]]) -> None:
    table = pl.DataFrame(
        [(str(place), *row, 0.5) for place, row in enumerate(rows)],
        schema={"a": pl.String, "whole": pl.Int64, "part": pl.Int64, "share": pl.Float64},
        orient="row",
    )
    found = without_small_parts(table, ("a",), "whole", "part", ("share",))
    assert found.columns == [*table.columns, *(f"{name}{MARK}" for name in ("whole", "part", "share"))]
    assert found[f"whole{MARK}"].equals(without_small(table, ("a",), {"whole": "whole"})[f"whole{MARK}"])
    assert found[f"share{MARK}"].equals(found[f"part{MARK}"])
    for name in ("whole", "part", "share"):
        assert found[name].is_null().equals(found[f"{name}{MARK}"])
    secret = table.filter(found[f"part{MARK}"])
    shown = table.filter(~found[f"part{MARK}"])
    for values in (pl.col("whole"), pl.col("part"), pl.col("whole") - pl.col("part")):
        assert shown.filter(values.is_between(1, LEAST - 1)).is_empty()
        # Of what is hidden the sum may be known: it is not that of a few.
        if shown.select((values > 0).any()).item():
            assert secret.select(values.sum()).item() not in range(1, LEAST)


def test_a_table_and_the_same_turned_round_hide_the_same() -> None:
    # By rows first four cells would be hidden here, by columns first all five.
    rows = [("p", "x", 2), ("p", "z", 3), ("q", "x", 5), ("q", "y", 3), ("q", "z", 4)]
    table = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String, "count": pl.Int64}, orient="row")
    one, other = (without_small(table, keys, {"count": "count"}) for keys in (("a", "b"), ("b", "a")))
    assert_frame_equal(one, other)
    assert one[f"count{MARK}"].to_list() == [True, True, True, False, True]


def test_an_empty_table_has_the_marks() -> None:
    for keys in ((), ("a",), ("a", "b")):
        found = without_small(pl.DataFrame(schema=SCHEMA), keys, {"amount": "count"})
        assert dict(found.schema) == {**SCHEMA, f"amount{MARK}": pl.Boolean()}


def test_small_counts_are_hidden_from_those_who_may_not_see_private_demands(ledger: Engine) -> None:
    assert not hides(ledger)
    assert {role: hides(as_viewer(ledger, Viewer("甲", role, "甲所"))) for role in ROLES} == {
        "agent": False,
        "institute": True,
        "official": True,
        "admin": False,
    }
