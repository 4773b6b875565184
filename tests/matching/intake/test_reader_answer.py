"""What the reading process answers is what the server gets."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake_books import LIMITS, as_told, written

from matching.intake.reader.answer import BETWEEN, MARKS, Columns, Found, Unreadable, refusal, sheets_answer, table
from matching.intake.sheets import ROW, sheets_of

PLACES = st.frozensets(st.tuples(st.integers(1, 10**6), st.integers(0, 16_383)), max_size=4)
ROWS = st.lists(st.lists(st.text("需求名称 \n\"'\x01\x1d\x1e\x85", max_size=6), min_size=1, max_size=4), max_size=4)
FOUND = st.builds(
    lambda name, rows, hidden, spans, *marks: Found(name, tabled(rows), hidden, tuple(spans), *marks),
    st.text(max_size=8),
    ROWS,
    st.booleans(),
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9), st.integers(0, 9)), max_size=3),
    PLACES,
    PLACES,
    PLACES,
)


def tabled(rows: Iterable[Sequence[object]]) -> Columns:
    return table(((number, list(cells)) for number, cells in enumerate(rows, start=1)), LIMITS)


def cells_of(columns: Columns) -> pl.DataFrame:
    """The cells of a sheet as the server gets them."""
    return as_told(Found("", columns))[0].cells


@given(st.lists(FOUND, max_size=3))
def test_sheets_come_back_from_their_answer(sheets: list[Found]) -> None:
    back = sheets_of(sheets_answer(sheets))
    assert len(back) == len(sheets)
    for one, other in zip(sheets, back, strict=True):
        for name in ("name", "hidden", "spans", *MARKS):
            assert getattr(one, name) == getattr(other, name)
        assert other.cells.schema == {ROW: pl.UInt32(), **{f"c{place}": pl.String() for place in one.columns.texts}}
        assert other.cells[ROW].to_list() == one.columns.numbers
        for place, texts in one.columns.texts.items():
            assert other.cells[f"c{place}"].to_list() == texts.split(BETWEEN)


@given(ROWS)
def test_texts_come_back_trimmed_and_no_text_parts_another(rows: list[list[str]]) -> None:
    cells = [[text.strip().replace(BETWEEN, " ") for text in row] for row in rows]
    found = cells_of(tabled(rows))
    back = [{name: text for name, text in row.items() if text} for row in found.to_dicts()]
    assert back == [
        {ROW: number, **{f"c{place}": text for place, text in enumerate(row) if text}}
        for number, row in enumerate(cells, start=1)
        if any(row)
    ]
    assert all((found[name] != "").any() for name in found.columns[1:])


def test_a_column_of_another_height_than_its_rows_is_damage() -> None:
    with pytest.raises(Unreadable, match=r"file\.damaged"):
        as_told(Found("", Columns([1, 2], {0: "a"})))


def test_a_refusal_comes_back_with_its_values() -> None:
    with pytest.raises(Unreadable) as refused:
        sheets_of(refusal(Unreadable("file.too_much_text", characters=5, words=["甲"])))
    assert (refused.value.key, refused.value.values) == ("file.too_much_text", {"characters": 5, "words": ["甲"]})


def test_no_sheets_are_an_answer_too() -> None:
    assert sheets_of(sheets_answer([])) == []


def test_blank_rows_and_columns_are_left_out_and_texts_trimmed() -> None:
    rows: list[tuple[int, list[object]]] = [(1, ["", " "]), (3, [" a ", "", 5.0]), (4, []), (7, ["", "", True])]
    found = cells_of(table(iter(rows), LIMITS))
    assert found.columns == [ROW, "c0", "c2"]
    assert found.rows() == [(3, "a", "5"), (7, "", "是")]


def test_a_table_of_nothing_has_its_row_column() -> None:
    assert cells_of(table(iter([]), LIMITS)).schema == {ROW: pl.UInt32()}


def test_rows_beyond_those_that_are_turned_at_once_are_kept() -> None:
    rows = ((number, [str(number), ""] if number % 2 else ["", "b"]) for number in range(1, 12_001))
    found = cells_of(table(rows, LIMITS))
    assert found.rows() == [(n, str(n), "") if n % 2 else (n, "", "b") for n in range(1, 12_001)]


def test_columns_stand_in_their_order_however_late_they_are_filled() -> None:
    rows: list[tuple[int, list[object]]] = [(number, ["", "x"]) for number in range(1, 5_001)]
    rows += [(5_001, ["a", "b"]), *((number, ["", "", "y"]) for number in range(5_002, 12_001))]
    found = cells_of(table(iter(rows), LIMITS))
    assert found.columns == [ROW, "c0", "c1", "c2"]
    assert found.filter(pl.col("c0") != "").rows() == [(5_001, "a", "b", "")]
    assert [(found[name] != "").sum() for name in ("c1", "c2")] == [5_001, 6_999]


def test_characters_are_counted_over_all_rows() -> None:
    rows: list[tuple[int, list[object]]] = [(number, ["abcde"]) for number in range(1, 4)]
    assert table(iter(rows), replace(LIMITS, characters=15)).numbers == [1, 2, 3]
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
