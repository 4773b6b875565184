"""A file's wrong cells, marked and explained in a workbook that can be corrected and uploaded again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import BytesIO
from typing import Final

import xlsxwriter

from matching.errors import Problem
from matching.intake.files import Row, rows_of
from matching.intake.reading import Reading
from matching.intake.sheets import Sheet
from matching.intake.templates import OPTIONS
from matching.wording import say

# A longer list is handed back with its wrong rows alone: writing all of it would take minutes.
_WHOLE: Final = 20_000
_SHEET_NAME: Final = 31
_SIGNS: Final = re.compile(r"[\[\]:*?/\\]+")
# What Excel allows in a cell.
_CELL: Final = 32_767


def marked_workbook(read: Reading, sheets: Sequence[Sheet], language: str) -> bytes:
    """The sheets that were read, as texts, wrong cells coloured with what is wrong beside the row; first a list of all.

    `read` was made with `good_rows` of these sheets. Rows keep their places in a list of up to 20,000; of a longer one
    the rows above the table and the wrong ones are given.
    """
    target = BytesIO()
    with xlsxwriter.Workbook(target, {**OPTIONS, "in_memory": True}) as book:
        listed = say("marked.problems", language)
        names = _sheet_names([heading.sheet or say("marked.list", language) for heading in read.headings], listed)
        _write_problems(book, listed, read, language)
        by_name = {sheet.name: sheet for sheet in sheets}
        for heading, name in zip(read.headings, names, strict=True):
            problems = [problem for problem in read.wrong if problem.sheet == heading.sheet]
            _write_sheet(book.add_worksheet(name), book, by_name[heading.sheet], heading.row, problems, language)
    return target.getvalue()


def _sheet_names(wanted: Sequence[str], taken: str) -> list[str]:
    """Names as Excel takes them: without its signs, at most 31 characters, no two alike but for case."""
    names: list[str] = []
    known = {taken.casefold()}
    for each in wanted:
        plain = _SIGNS.sub(" ", each).strip("' ") or "-"
        name, number = plain[:_SHEET_NAME], 1
        while name.casefold() in known:
            number += 1
            name = f"{plain[: _SHEET_NAME - len(str(number)) - 1]} {number}"
        known.add(name.casefold())
        names.append(name)
    return names


def _write_problems(book: xlsxwriter.Workbook, name: str, read: Reading, language: str) -> None:
    sheet = book.add_worksheet(name)
    bold = book.add_format({"bold": True, "bg_color": "#E8EEF2", "border": 1})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, 2, 16)
    sheet.set_column(3, 3, 90)
    for place, key in enumerate(("sheet", "row", "column", "problem")):
        sheet.write_string(0, place, say(f"marked.{key}", language), bold)
    for row, problem in enumerate((*read.wrong, *read.left_out), start=1):
        sheet.write_string(row, 0, problem.sheet)
        sheet.write_number(row, 1, problem.row or 0)
        sheet.write_string(row, 2, problem.column)
        sheet.write_string(row, 3, say(problem.key, language, **problem.values), wrap)


def _write_sheet(
    sheet: xlsxwriter.worksheet.Worksheet,
    book: xlsxwriter.Workbook,
    source: Sheet,
    heading_row: int,
    problems: Sequence[Problem],
    language: str,
) -> None:
    wrong = book.add_format({"bg_color": "#F9D9CF", "border": 1, "border_color": "#B4533C", "text_wrap": True})
    bold = book.add_format({"bold": True, "bg_color": "#E8EEF2", "border": 1, "text_wrap": True})
    rows = rows_of(source)
    by_row: dict[int, list[Problem]] = {}
    for problem in problems:
        by_row.setdefault(problem.row or 0, []).append(problem)
    whole = len(rows) <= _WHOLE
    shown = rows if whole else [row for row in rows if row.number <= heading_row or row.number in by_row]
    last = max((len(row.cells) for row in shown), default=0)
    for place, row in enumerate(shown):
        target = row.number - 1 if whole else place
        _write_row(sheet, target, row, {each.place for each in by_row.get(row.number, ())}, wrong)
        if row.number == heading_row:
            sheet.write_string(target, last, say("marked.explanation", language), bold)
        elif row.number in by_row:
            told = [f"{each.column} {say(each.key, language, **each.values)}".strip() for each in by_row[row.number]]
            sheet.write_string(target, last, "\n".join(told)[:_CELL], wrong)
    sheet.set_column(last, last, 60)


def _write_row(
    sheet: xlsxwriter.worksheet.Worksheet,
    target: int,
    row: Row,
    wrong_places: set[int | None],
    wrong: xlsxwriter.format.Format,
) -> None:
    for place, text in enumerate(row.cells):
        if place in wrong_places:
            sheet.write_string(target, place, text[:_CELL], wrong)
        elif text:
            sheet.write_string(target, place, text[:_CELL])
