"""OpenDocument spreadsheets: merged cells, which their values do not tell."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest
from intake_books import LIMITS, sheets_read
from places import ROOT

from matching.intake.reader.answer import Unreadable
from matching.intake.reader.open_document import merged_ranges
from matching.intake.reader.workbooks import read_workbook

FILES = ROOT / "tests" / "files"
SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
)
TYPE = "application/vnd.oasis.opendocument.spreadsheet"


def document(*tables: str) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("mimetype", TYPE)
        archive.writestr(
            "content.xml",
            f"<office:document-content {SPACES}><office:body><office:spreadsheet>{''.join(tables)}"
            "</office:spreadsheet></office:body></office:document-content>",
        )
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{TYPE}"/></manifest:manifest>',
        )
    return target.getvalue()


def cell(text: str = "", **attributes: int) -> str:
    told = "".join(f' table:{name.replace("_", "-")}="{number}"' for name, number in attributes.items())
    kind = ' office:value-type="string"' if text else ""
    return f"<table:table-cell{kind}{told}>{f'<text:p>{text}</text:p>' if text else ''}</table:table-cell>"


def row(*cells: str, repeated: int = 1) -> str:
    return f'<table:table-row table:number-rows-repeated="{repeated}">{"".join(cells)}</table:table-row>'


def table(name: str, *rows: str) -> str:
    return f'<table:table table:name="{name}">{"".join(rows)}</table:table>'


COVERED = "<table:covered-table-cell/>"
MERGED = table(
    "一",
    row(cell(), repeated=2),
    row(cell("组", number_columns_spanned=3), COVERED, COVERED, cell("丁")),
    row(cell("甲", number_rows_spanned=2), cell(number_columns_repeated=2), cell("乙", number_columns_spanned=2)),
    row(COVERED, cell("b")),
    row(cell("两", number_rows_spanned=2, number_columns_spanned=2), COVERED),
)


def test_merged_cells_are_found_by_rows_and_columns_repeated_ones_counted() -> None:
    assert merged_ranges(document(MERGED, table("二", row(cell("a"))))) == {
        "一": [((2, 0), (2, 2)), ((3, 0), (4, 0)), ((3, 3), (3, 4)), ((5, 0), (6, 1))],
        "二": [],
    }


def test_merged_cells_hold_for_their_rows_and_are_told_for_headings() -> None:
    [sheet] = sheets_read(document(MERGED), "ods")
    assert sheet.spans == ((3, 0, 2), (4, 3, 4), (6, 0, 1), (7, 0, 1))
    assert sheet.cells.select("row", "c0").rows()[:4] == [(3, "组"), (4, "甲"), (5, "甲"), (6, "两")]


def test_repeated_covered_cells_are_counted() -> None:
    covered = '<table:covered-table-cell table:number-columns-repeated="2"/>'
    ranges = merged_ranges(
        document(table("一", row(cell("a", number_columns_spanned=3), covered, cell("b", number_rows_spanned=2))))
    )
    assert ranges == {"一": [((0, 0), (0, 2)), ((0, 3), (1, 3))]}


def test_a_kept_file_has_its_merged_cells() -> None:
    ranges = merged_ranges((FILES / "ods_cells_merged_down.ods").read_bytes())
    assert any(bottom > top for each in ranges.values() for (top, _), (bottom, _) in each)


def test_wrong_or_missing_content_is_told() -> None:
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("content.xml", "<broken")
    with pytest.raises(ValueError, match=r".+"):
        merged_ranges(target.getvalue())
    empty = BytesIO()
    zipfile.ZipFile(empty, "w").close()
    with pytest.raises(ValueError, match=r".+"):
        merged_ranges(empty.getvalue())


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("encrypted.ods", "file.encrypted"),
        ("truncated.ods", "file.damaged"),
        ("laughs.ods", "file.xml_entities"),
        ("far_cells.ods", "file.range_too_large"),
    ],
)
def test_what_cannot_be_taken_is_named(name: str, key: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_workbook((FILES / name).read_bytes(), "ods", LIMITS)
    assert refused.value.key == key
