"""What the reading process answers is what the server gets."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake_books import LIMITS, sheet_of, written
from polars.testing import assert_frame_equal

from matching.intake.reader.answer import Unreadable, refusal, sheets_answer, table
from matching.intake.sheets import ROW, Sheet, sheets_of

PLACES = st.frozensets(st.tuples(st.integers(1, 10**6), st.integers(0, 16_383)), max_size=4)
SHEETS = st.builds(
    lambda name, rows, hidden, spans, *marks: Sheet(name, sheet_of(*rows).cells, hidden, tuple(spans), *marks),
    st.text(max_size=8),
    st.lists(st.lists(st.text("需求名称 \n\"'\x01", max_size=6), min_size=1, max_size=4), max_size=4),
    st.booleans(),
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9), st.integers(0, 9)), max_size=3),
    PLACES,
    PLACES,
    PLACES,
)


@given(st.lists(SHEETS, max_size=3))
def test_sheets_come_back_from_their_answer(sheets: list[Sheet]) -> None:
    back = sheets_of(sheets_answer(sheets))
    assert len(back) == len(sheets)
    for one, other in zip(sheets, back, strict=True):
        assert replace(one, cells=other.cells) == other
        assert_frame_equal(one.cells.with_columns(pl.col(pl.String()).fill_null("")), other.cells)


def test_a_refusal_comes_back_with_its_values() -> None:
    with pytest.raises(Unreadable) as refused:
        sheets_of(refusal(Unreadable("file.too_much_text", characters=5, words=["甲"])))
    assert (refused.value.key, refused.value.values) == ("file.too_much_text", {"characters": 5, "words": ["甲"]})


def test_no_sheets_are_an_answer_too() -> None:
    assert sheets_of(sheets_answer([])) == []


def test_blank_rows_and_columns_are_left_out_and_texts_trimmed() -> None:
    rows: list[tuple[int, list[object]]] = [(1, ["", " "]), (3, [" a ", "", 5.0]), (4, []), (7, ["", "", True])]
    found = table(iter(rows), LIMITS)
    assert found.columns == [ROW, "c0", "c2"]
    assert found.rows() == [(3, "a", "5"), (7, "", "是")]


def test_a_table_of_nothing_has_its_row_column() -> None:
    assert table(iter([]), LIMITS).schema == {ROW: pl.UInt32()}


def test_rows_beyond_those_that_are_turned_at_once_are_kept() -> None:
    found = table(((number, [str(number), ""] if number % 2 else ["", "b"]) for number in range(1, 12_001)), LIMITS)
    assert found.height == 12_000
    assert found[ROW].to_list() == list(range(1, 12_001))


@pytest.mark.xfail(strict=True, reason="columns that begin to be filled late come last")
def test_columns_stand_in_their_order_however_late_they_are_filled() -> None:
    rows: list[tuple[int, list[object]]] = [(number, ["", "x"]) for number in range(1, 5_001)]
    assert table(iter([*rows, (5_001, ["a", "b"])]), LIMITS).columns == [ROW, "c0", "c1"]


def test_characters_are_counted_over_all_rows() -> None:
    rows: list[tuple[int, list[object]]] = [(number, ["abcde"]) for number in range(1, 4)]
    assert table(iter(rows), replace(LIMITS, characters=15)).height == 3
    with pytest.raises(Unreadable, match=r"file\.too_much_text"):
        table(iter(rows), replace(LIMITS, characters=14))


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [("text", b"a,b\n1,2\n", [(1, "a", "b"), (2, "1", "2")]), ("xlsx", written([["a"], [2]]), [(1, "a"), (2, "2")])],
)
def test_the_process_answers_on_standard_output(kind: str, content: bytes, expected: list[tuple[object, ...]]) -> None:
    [sheet] = sheets_of(asked(kind, content).stdout)
    assert sheet.cells.rows() == expected


def test_the_process_answers_what_is_wrong_and_succeeds() -> None:
    done = asked("text", b"\xff\xff\xff")
    assert (done.returncode, done.stderr) == (0, b"")
    with pytest.raises(Unreadable, match=r"file\.unknown_encoding"):
        sheets_of(done.stdout)


def asked(kind: str, content: bytes) -> subprocess.CompletedProcess[bytes]:
    limits = json.dumps({"kind": kind, **asdict(LIMITS)})
    command = [sys.executable, "-I", "-m", "matching.intake.reader", limits]
    return subprocess.run(command, input=content, capture_output=True, check=False)
