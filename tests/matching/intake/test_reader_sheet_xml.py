"""The XML of a sheet: how far its cells reach, formulas without a value, errors."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake_books import SHEET_END, SHEET_START, hand_made, text_cell, written

from matching.intake.reader.sheet_xml import SheetScan, column_number, sheet_parts

ROWS = (
    f'<row r="1">{text_cell("A1", "需求名称")}<c r="B1" s="3"/></row>'
    '<row r="2"><c r="A2"><f>1+1</f></c><c r="B2" s="2"><f>A2</f><v>2</v></c><c r="C2"><f>A2</f><v></v></c></row>'
    '<row r="3"><c r="A3" t="e"><f>1/0</f><v>#DIV/0!</v></c><c r="AB3" t="e"><v>#N/A</v></c></row>'
    '<row r="4"><c r="A4" t="str"><f>""</f><v></v></c><c r="B4" t="str"><f>T(A1)</f></c><c r="C4" s="1"/>'
    '<c r="D4"><f t="shared" si="0"/></c><c r="E4"><f>C1</f><v/></c></row>'
)
WHOLE = f"{SHEET_START}{ROWS}{SHEET_END}".encode()


def scanned(*pieces: bytes) -> SheetScan:
    scan = SheetScan()
    for piece in pieces:
        scan.read(piece)
    return scan


def told(scan: SheetScan) -> tuple[object, ...]:
    return scan.rows, scan.columns, scan.valueless, scan.errors


def test_formulas_without_values_and_errors_are_found_with_their_places() -> None:
    scan = scanned(WHOLE)
    assert scan.errors == {(3, 0), (3, 27)}
    assert scan.valueless == {(2, 0), (2, 2), (4, 3), (4, 4)}
    assert (scan.rows, scan.columns) == (4, 28)


def test_a_formula_whose_value_is_the_empty_text_has_a_value() -> None:
    assert not {(4, 0), (4, 1)} & scanned(WHOLE).valueless


def test_a_blank_cell_before_a_formula_does_not_hide_it() -> None:
    cells = b'<row r="1"><c r="A1" s="1"/><c r="B1" s="1" /><c r="C1"><f>1</f></c></row>'
    assert scanned(cells).valueless == {(1, 2)}


def test_texts_with_formulas_in_them_are_texts() -> None:
    cells = f'<row r="1">{text_cell("A1", "&lt;f>1&lt;/f>")}<c r="B1"><v>1</v></c></row>'.encode()
    assert scanned(cells).valueless == set()


def test_far_cells_count_without_the_row_they_stand_in() -> None:
    assert told(scanned(b'<row><c r="XFD1048576"/></row>'))[:2] == (1_048_576, 16_384)
    assert told(scanned(b"<row r='70'><c r='BA70'/></row>"))[:2] == (70, 53)


@given(st.lists(st.integers(1, len(WHOLE) - 1), max_size=6, unique=True).map(sorted))
def test_pieces_that_end_behind_a_cell_tell_the_same_as_the_whole(cuts: list[int]) -> None:
    ends = sorted({WHOLE.index(b">", WHOLE.index(b"</c>", min(cut, len(WHOLE) - 200))) + 1 for cut in cuts})
    pieces = [WHOLE[start:end] for start, end in zip([0, *ends], [*ends, len(WHOLE)], strict=True)]
    assert b"".join(pieces) == WHOLE
    assert told(scanned(*pieces)) == told(scanned(WHOLE))


def test_a_cell_over_several_pieces_is_seen() -> None:
    pieces = (b'<c r="XFD1" t="inlineStr"><is><t>' + b"a" * 50, b"a" * 20 + b"</t></is></c>")
    assert told(scanned(*pieces)) == told(scanned(b"".join(pieces)))


def test_a_formula_over_several_pieces_is_seen() -> None:
    assert scanned(b'<c r="A1"><f>1', b"+1</f></c>").valueless == {(1, 0)}


def test_an_endless_cell_is_not_kept() -> None:
    scan = scanned(b'<row r="1"><c r="A1"><is><t>', *[b"x" * 1000] * 50)
    assert len(scan._rest) < 10_000


@pytest.mark.parametrize(
    ("letters", "number"), [("A", 1), ("Z", 26), ("AA", 27), ("AZ", 52), ("ZZ", 702), ("XFD", 16384)]
)
def test_columns_are_numbered(letters: str, number: int) -> None:
    assert column_number(letters) == number


def test_the_part_of_each_sheet_is_found() -> None:
    content = written([["a"]], [["b"]], names=("一", "二 & 三"))
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert sheet_parts(archive) == {"一": "xl/worksheets/sheet1.xml", "二 & 三": "xl/worksheets/sheet2.xml"}


@pytest.mark.parametrize(
    "target", ["/xl/worksheets/sheet1.xml", "./worksheets/sheet1.xml", "../xl/worksheets/sheet1.xml"]
)
def test_parts_may_be_named_in_several_ways(target: str) -> None:
    relations = f'<Relationships><Relationship Id="rId1" Target="{target}"/></Relationships>'
    content = hand_made([SHEET_START, SHEET_END], others={"xl/_rels/workbook.xml.rels": relations})
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert sheet_parts(archive) == {"S": "xl/worksheets/sheet1.xml"}


def test_broken_or_missing_lists_of_sheets_are_told() -> None:
    for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"):
        content = hand_made([SHEET_START, SHEET_END], others={name: "<broken"})
        with zipfile.ZipFile(BytesIO(content)) as archive, pytest.raises(ValueError, match=r".+"):
            sheet_parts(archive)
