"""Workbooks and sheets that the tests of the intake make: by hand from XML, by a writer, or without a file."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from io import BytesIO

import xlsxwriter

from matching.intake.reader.answer import Found, Limits, sheets_answer, table
from matching.intake.reader.signatures import FileKind
from matching.intake.reader.texts import read_text
from matching.intake.reader.workbooks import read_workbook
from matching.intake.sheets import Sheet, sheets_of

LIMITS = Limits(megabytes=2048, seconds=60, unpacked_megabytes=50, cells=20_000_000, characters=10_000_000)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SHEET_START = f'<worksheet xmlns="{MAIN}"><sheetData>'
SHEET_END = "</sheetData></worksheet>"


def hand_made(sheet: Iterable[str], shared: str = "", others: Mapping[str, str | bytes] | None = None) -> bytes:
    """A workbook of one sheet from its XML, with `others` added to the archive; the sheet comes in pieces."""
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">'
        '<sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{shared}</sst>',
        **(others or {}),
    }
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as target_sheet:
            for piece in sheet:
                target_sheet.write(piece.encode())
    return target.getvalue()


def text_cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def written(*sheets: Iterable[Iterable[object]], names: tuple[str, ...] = (), hidden: tuple[int, ...] = ()) -> bytes:
    """A workbook as an office program writes it: numbers, days and truth values as such; None leaves a cell blank."""
    target = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(target, options) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for number, rows in enumerate(sheets):
            sheet = book.add_worksheet(names[number] if names else None)
            if number in hidden:
                sheet.hide()
            for row, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    match cell:
                        case None:
                            continue
                        case datetime():
                            sheet.write_datetime(row, column, cell, moment)
                        case date():
                            sheet.write_datetime(row, column, cell, day)
                        case bool():
                            sheet.write_boolean(row, column, cell)
                        case int() | float():
                            sheet.write_number(row, column, cell)
                        case _:
                            sheet.write_string(row, column, str(cell))
    return target.getvalue()


def sheet_of(*rows: Iterable[object], name: str = "", hidden: bool = False) -> Sheet:
    """A sheet as the reading process tells it, from rows of texts; row 1 is the first."""
    numbered = ((number, list(cells)) for number, cells in enumerate(rows, start=1))
    return as_told(Found(name, table(numbered, LIMITS), hidden))[0]


def as_told(*found: Found) -> list[Sheet]:
    """Sheets as they are once the reading process has told them."""
    return sheets_of(sheets_answer(found))


def sheets_read(content: bytes, kind: FileKind, limits: Limits = LIMITS) -> list[Sheet]:
    """What the reading process finds in a file of the kind, in this process."""
    found = read_text(content, limits) if kind == "text" else read_workbook(content, kind, limits)
    return as_told(*found)


def part(content: bytes, name: str) -> str:
    """An entry of a workbook's archive as text."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return archive.read(name).decode()
