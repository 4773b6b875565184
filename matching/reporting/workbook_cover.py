"""The cover of a workbook: what it covers, its contents with links to the sheets, and lines to sign on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from matching.reporting.look import look
from matching.reporting.sheets import Report, width
from matching.wording import say

# Widths of the cover's columns, and the height of a line in points.
_WIDTHS: Final = (14, 40, 8, 8, 78)
_LINE: Final = 15
# What a link may say: longer ones are refused by spreadsheet programs.
_LINK: Final = 255


def fill_cover(
    book: xlsxwriter.Workbook,
    place: Worksheet,
    report: Report,
    names: Sequence[str],
    charts: Sequence[int | None],
) -> None:
    """Fill the cover. `names` are the sheets' names, `charts` the rows their charts begin at (from 0), if any."""
    colours = look().colours
    label = book.add_format({"valign": "top", "font_color": colours.muted})
    text = book.add_format({"valign": "top", "text_wrap": True})
    for column, wide in enumerate(_WIDTHS):
        place.set_column(column, column, wide)
    place.hide_gridlines(2)
    place.set_row(0, 30)
    place.write_string(0, 0, report.title, book.add_format({"bold": True, "font_size": 16, "valign": "vcenter"}))
    row = 2
    for name, said in report.cover:
        place.set_row(row, _height(said, sum(_WIDTHS[1:])))
        place.write_string(row, 0, name, label)
        place.merge_range(row, 1, row, len(_WIDTHS) - 1, "", text)
        place.write_string(row, 1, said, text)
        row += 1
    row = _contents(book, place, report, names, charts, row + 1)
    _signing(book, place, report.language, row + 1, label)


def _contents(
    book: xlsxwriter.Workbook,
    place: Worksheet,
    report: Report,
    names: Sequence[str],
    charts: Sequence[int | None],
    row: int,
) -> int:
    """Write the contents from a row on; returns the first row after them."""
    colours = look().colours
    edge = {"bottom": 1, "bottom_color": colours.line, "valign": "top"}
    heading = book.add_format({"bold": True, "bg_color": colours.heading, "bottom": 1, "bottom_color": colours.muted})
    plain = book.add_format({**edge, "text_wrap": True})
    count = book.add_format({**edge, "num_format": "#,##0", "align": "right"})
    link = book.add_format({**edge, "font_color": colours.series[0], "underline": 1})
    for column, key in enumerate(("number", "table", "rows", "chart", "note")):
        place.write_string(row, column, say(f"report.{key}", report.language), heading)
    for number, (name, sheet, chart) in enumerate(zip(names, report.sheets, charts, strict=True), start=1):
        at = row + number
        place.set_row(at, max(_height(sheet.note, _WIDTHS[4]), _height(sheet.title, _WIDTHS[1])))
        place.write_number(at, 0, number, book.add_format({**edge, "align": "left"}))
        _link(place, at, 1, name, 0, sheet.title or name, link)
        place.write_number(at, 2, sheet.parts.height, count)
        if chart is None:
            place.write_blank(at, 3, None, plain)
        else:
            _link(place, at, 3, name, chart, say("report.chart", report.language), link)
        place.write_string(at, 4, sheet.note, plain)
    return row + len(report.sheets) + 1


def _link(place: Worksheet, row: int, column: int, name: str, to: int, said: str, form: Format) -> None:
    place.write_url(row, column, f"internal:'{name}'!A{to + 1}", form, said[:_LINK])


def _signing(book: xlsxwriter.Workbook, place: Worksheet, language: str, row: int, label: Format) -> None:
    line = book.add_format({"bottom": 1})
    for number, key in enumerate(("reporting_unit", "signed_by", "signed_day")):
        place.set_row(row + number, 26)
        place.write_string(row + number, 0, say(f"report.{key}", language), label)
        place.write_blank(row + number, 1, None, line)


def _height(text: str, wide: int) -> int:
    """Height of a row that shows a text in so many Latin characters of width, in points."""
    lines = sum(-(-width(line) // (wide - 2)) or 1 for line in text.splitlines())
    return _LINE * max(lines, 1)
