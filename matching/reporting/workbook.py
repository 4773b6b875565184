"""A report as a workbook: a cover, then a sheet per table with its chart under it. Nothing in it runs or links out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from io import BytesIO
from typing import Any, Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from matching.reporting.look import look
from matching.reporting.sheets import Column, ColumnKind, Report, Sheet, hidden, moment_text, not_shown, texts, widest
from matching.reporting.workbook_charts import add_chart, colour_heat
from matching.reporting.workbook_cover import fill_cover
from matching.wording import say

# In memory the parts of the file carry no time of their own.
_OPTIONS: Final = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "in_memory": True,
}
_FORMATS: Final[dict[ColumnKind, str]] = {
    "text": "@",
    "count": "#,##0",
    "amount": "#,##0.00",
    "share": "0.0%",
    "days": "#,##0.0",
    "date": "yyyy-mm-dd",
    "moment": "yyyy-mm-dd hh:mm",
}
_A4: Final = 9
# What a cell, a sheet's name and a footer hold.
_CELL: Final = 32_767
_NAME: Final = 31
_FOOTER_PART: Final = 60
_NOT_IN_NAMES: Final = re.compile(r"[\x00-\x1f\[\]:*?/\\']+")
# A name that spreadsheet programs keep for themselves.
_KEPT: Final = "history"


@dataclass(frozen=True)
class _Formats:
    """The formats of a workbook's cells: one by kind, the same in bold for the sum, and for hidden cells."""

    plain: dict[ColumnKind, Format]
    sum: dict[ColumnKind, Format]
    hidden: Format
    hidden_sum: Format
    text_heading: Format
    number_heading: Format


def workbook(report: Report) -> bytes:
    """The workbook; made twice of one report it is the same bytes.

    A table begins with its heading row and can be filtered; what is said of it stands in the contents of the cover.
    """
    target = BytesIO()
    with xlsxwriter.Workbook(target, _OPTIONS) as book:
        created = report.as_of.astimezone(UTC).replace(tzinfo=None)
        book.set_properties({"title": report.title, "created": created})
        cover_name = say("sheet.cover", report.language)
        names = sheet_names([cover_name, *(sheet.title or sheet.code for sheet in report.sheets)])
        cover = book.add_worksheet(names[0])
        formats = _formats(book)
        charts: list[int | None] = []
        for name, sheet in zip(names[1:], report.sheets, strict=True):
            place = book.add_worksheet(name)
            _fill(place, sheet, formats, report.language)
            _print_set_up(place, sheet.title, report)
            colour_heat(place, sheet)
            charts.append(add_chart(book, place, sheet, report.language))
        fill_cover(book, cover, report, names[1:], charts)
        _print_set_up(cover, report.title, report)
    return target.getvalue()


def sheet_names(titles: Iterable[str]) -> list[str]:
    """Names that sheets may have, of titles: 31 characters, none that are forbidden, none twice."""
    names: list[str] = []
    for title in titles:
        base = " ".join(_NOT_IN_NAMES.sub(" ", title).split())
        name, number = _cut(base, ""), 1
        while not name or name.casefold() in {_KEPT, *(each.casefold() for each in names)}:
            number += 1
            name = _cut(base, f" {number}") if base else str(number)
        names.append(name)
    return names


def _cut(base: str, end: str) -> str:
    """A name cut so that it holds no more than 31 characters as spreadsheet programs count them, in units of UTF-16."""
    while len((base + end).encode("utf-16-le", "replace")) // 2 > _NAME:
        base = base[:-1]
    return base.rstrip() + end


def _formats(book: xlsxwriter.Workbook) -> _Formats:
    colours = look().colours
    top = {"valign": "top"}
    total = {**top, "bold": True, "top": 1, "top_color": colours.muted}
    veiled = {"align": "right", "font_color": colours.muted}
    heading = {
        "bold": True,
        "text_wrap": True,
        "valign": "vcenter",
        "bg_color": colours.heading,
        "bottom": 1,
        "bottom_color": colours.muted,
    }
    return _Formats(
        plain={kind: book.add_format({**_cell(kind), **top}) for kind in _FORMATS},
        sum={kind: book.add_format({**_cell(kind), **total}) for kind in _FORMATS},
        hidden=book.add_format({**top, **veiled}),
        hidden_sum=book.add_format({**total, **veiled}),
        text_heading=book.add_format(heading),
        number_heading=book.add_format({**heading, "align": "right"}),
    )


def _cell(kind: ColumnKind) -> dict[str, Any]:
    if kind == "text":
        return {"num_format": _FORMATS[kind], "text_wrap": True}
    return {"num_format": _FORMATS[kind], "align": "right"}


def _fill(place: Worksheet, sheet: Sheet, formats: _Formats, language: str) -> None:
    """Headings in the first row, kept in view, and the rows under them."""
    for number, column in enumerate(sheet.columns):
        heading = formats.text_heading if column.kind == "text" else formats.number_heading
        place.write_string(0, number, column.heading[:_CELL], heading)
        place.set_column(number, number, _width(sheet, column, language))
        _fill_column(place, sheet, number, formats, not_shown(language))
    place.freeze_panes(1, 0)
    # The sum stays where it is whatever is filtered or sorted.
    if sheet.columns and sheet.parts.height:
        place.autofilter(0, 0, sheet.parts.height, len(sheet.columns) - 1)


def _fill_column(place: Worksheet, sheet: Sheet, number: int, formats: _Formats, instead: str) -> None:
    column = sheet.columns[number]
    write = _writer(place, column.kind)
    last = sheet.parts.height
    cells = zip(sheet.rows[column.name].to_list(), hidden(sheet, column.name), strict=True)
    for row, (value, veiled) in enumerate(cells):
        summed = row == last
        if veiled:
            place.write_string(row + 1, number, instead, formats.hidden_sum if summed else formats.hidden)
        elif value is None:
            place.write_blank(row + 1, number, None, (formats.sum if summed else formats.plain)[column.kind])
        else:
            write(row + 1, number, value, (formats.sum if summed else formats.plain)[column.kind])


def _writer(place: Worksheet, kind: ColumnKind) -> Any:  # noqa: ANN401 - the library's methods are not typed
    """What writes a value of a kind: row, column, value, format."""
    match kind:
        case "text":
            return lambda row, column, value, form: place.write_string(row, column, str(value)[:_CELL], form)
        case "amount":
            return lambda row, column, value, form: place.write_number(row, column, value / 100, form)
        case "date":
            return place.write_datetime
        case "moment":
            return lambda row, column, value, form: place.write_datetime(row, column, value.replace(tzinfo=None), form)
        case _:
            return place.write_number


def _width(sheet: Sheet, column: Column, language: str) -> int:
    """As wide as what stands in it, with room for the filter's arrow; long texts are wrapped."""
    bounds = look().workbook
    content = widest(texts(sheet, column, language))
    # A heading may take two lines.
    heading = (widest([column.heading]) + 1) // 2 + 3
    return min(max(content, heading, bounds.least_width) + 2, bounds.greatest_width)


def _print_set_up(place: Worksheet, title: str, report: Report) -> None:
    """A4 lying, as wide as the page, headings on every page, what it is and as of when at its foot."""
    as_of = say("report.as_of", report.language, moment=moment_text(report.as_of))
    pages = say("report.page", report.language, page="&P", pages="&N")
    place.set_paper(_A4)
    place.set_landscape()
    place.fit_to_pages(1, 0)
    place.repeat_rows(0)
    place.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
    place.set_footer(f"&L{_foot(title)}&C{pages}&R{_foot(as_of)}")


def _foot(text: str) -> str:
    """A text in a footer, where & begins an order."""
    return " ".join(text.split())[:_FOOTER_PART].replace("&", "&&")
