"""Old workbooks: errors in cells, which their values do not tell; passwords and macros."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import pytest
import xlwt
from intake_books import LIMITS, sheets_read
from places import ROOT

from matching.intake.reader.answer import Unreadable
from matching.intake.reader.old_workbook import _name, _records, _scan, scan_old_workbook
from matching.intake.reader.workbooks import read_workbook

FILES = ROOT / "tests" / "files"


def old(*sheets: tuple[str, list[tuple[int, int, Any]]]) -> bytes:
    book = xlwt.Workbook()
    for name, cells in sheets:
        sheet = book.add_sheet(name)
        for row, column, value in cells:
            if isinstance(value, str) and value.startswith("#"):
                sheet.row(row).set_cell_error(column, value)
            else:
                sheet.write(row, column, value)
    target = BytesIO()
    book.save(target)
    return target.getvalue()


def test_errors_are_found_in_their_sheets() -> None:
    content = old(
        ("一", [(0, 0, "需求名称"), (1, 0, "#REF!"), (1, 1, True), (2, 3, "#VALUE!")]),
        ("Two", [(0, 0, 1.5)]),
        ("三", [(9, 200, "#DIV/0!")]),
    )
    assert {name: scan.errors for name, scan in scan_old_workbook(content).items()} == {
        "一": {(2, 0), (3, 3)},
        "Two": set(),
        "三": {(10, 200)},
    }


def test_errors_are_told_with_the_sheet() -> None:
    [sheet] = sheets_read(old(("一", [(0, 0, "a"), (0, 1, "b"), (1, 0, "#REF!"), (1, 1, 2)])), "xls")
    assert sheet.errors == {(2, 0)}
    assert sheet.cells.rows() == [(1, "a", "b"), (2, "", "2")]


def test_a_formula_that_gives_an_error_is_one() -> None:
    """Row 1, column 2, style, the value (2 an error, 0xFFFF in its last bytes), flags and the formula itself."""
    value = b"\x02\x00\x2a\x00\x00\x00\xff\xff"
    formula = struct.pack("<HHH", 1, 2, 0) + value + b"\x00" * 8
    number = struct.pack("<HHH", 2, 2, 0) + struct.pack("<d", 1.5) + b"\x00" * 8
    stream = b"".join(
        struct.pack("<HH", kind, len(data)) + data for kind, data in ((6, formula), (6, number), (10, b""))
    )
    assert [(kind, len(data)) for kind, data in _records(stream + b"beyond", 0)] == [(6, 22), (6, 22), (10, 0)]
    assert _scan(stream, 0).errors == {(2, 2)}


def test_records_end_with_the_stream() -> None:
    assert list(_records(b"", 0)) == []
    assert list(_records(b"\x06\x00", 0)) == []
    assert list(_records(struct.pack("<HH", 6, 100) + b"cut", 0)) == [(6, b"cut")]


@pytest.mark.parametrize(
    ("data", "name"),
    [(b"\x03\x00abc", "abc"), (b"\x02\x01" + "需求".encode("utf-16-le"), "需求"), (b"\x00\x00", "")],
)
def test_names_are_read_in_one_or_two_bytes(data: bytes, name: str) -> None:
    assert _name(data) == name


def test_kept_files_with_errors_are_seen() -> None:
    scans = scan_old_workbook((FILES / "xls_error_values.xls").read_bytes())
    assert any(scan.errors for scan in scans.values())
    assert not any(scan.errors for scan in scan_old_workbook((FILES / "xls_plain.xls").read_bytes()).values())


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ((FILES / "encrypted.xls").read_bytes(), "file.encrypted"),
        ((FILES / "truncated.xls").read_bytes(), "file.damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "file.damaged"),
        (b"", "file.damaged"),
        (old(("一", [(0, 0, "a")])) + "_VBA_PROJECT".encode("utf-16-le"), "file.macros"),
    ],
)
def test_what_cannot_be_taken_is_named(content: bytes, key: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_workbook(content, "xls", LIMITS)
    assert refused.value.key == key
