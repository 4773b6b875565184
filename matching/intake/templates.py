"""Template workbooks: the list with drop-downs and an example row, and a sheet that says what goes where."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from typing import Any, Final

import xlsxwriter

from matching.intake.columns import Column, known_columns
from matching.schema import Kind
from matching.wording import say

# Typed by drop-down or format in so many rows.
_ROWS: Final = 5_000
_WIDTHS: Final = {"text": 44, "line": 18, "list": 26, "money": 14, "date": 14, "choice": 12, "flag": 10}
# Without these a text that begins with = would be a formula in the file that is handed out.
OPTIONS: Final = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
# A fixed moment keeps the template the same when nothing in it changed; a day alone would be taken for now.
_CREATED: Final = datetime(2026, 11, 1)


def template(kind: Kind, language: str) -> bytes:
    """A workbook to be filled in: headings that the reader knows, an example row that it leaves out, explanations.

    Drop-downs hold what a column may be, or what is often written there; other words are taken too where the column is
    free.
    """
    target = BytesIO()
    with xlsxwriter.Workbook(target, {**OPTIONS, "in_memory": True}) as book:
        book.set_properties({"created": _CREATED})
        _write_list(book, kind, language)
        _write_explanations(book, kind, language)
    return target.getvalue()


def heading_of(column: Column, language: str) -> str:
    """A column's heading in a template: its first name in the language, its unit, and whether it must be filled in."""
    name = next((each for each in column.names if each.isascii() == (language == "en")), column.names[0])
    unit = say("template.unit", language) if column.type == "money" else ""
    return name + unit + (say("template.required", language) if column.required else "")


def _write_list(book: xlsxwriter.Workbook, kind: Kind, language: str) -> None:
    sheet = book.add_worksheet(say(f"kind.{kind}", language))
    bold = book.add_format({"bold": True, "bg_color": "#E8EEF2", "border": 1, "text_wrap": True, "valign": "top"})
    grey = book.add_format({"font_color": "#7A8791", "italic": True, "text_wrap": True, "valign": "top"})
    formats = {
        "date": book.add_format({"num_format": "yyyy-mm-dd", "valign": "top"}),
        "money": book.add_format({"num_format": "#,##0.####", "valign": "top"}),
    }
    plain = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
    sheet.freeze_panes(1, 2)
    for place, column in enumerate(known_columns(kind)):
        sheet.set_column(place, place, _WIDTHS[column.type], formats.get(column.type, plain))
        sheet.write_string(0, place, heading_of(column, language), bold)
        # What stands first tells the reader that the row is an example.
        example = say("template.example", language, example=column.example) if place == 0 else column.example
        sheet.write_string(1, place, example, grey)
        if listed := _listed(column):
            sheet.data_validation(1, place, _ROWS, place, _drop_down(column, listed, language))


def _listed(column: Column) -> list[str]:
    return [words[0] for words in column.values.values()] if column.values else list(column.suggestions)


def _drop_down(column: Column, listed: list[str], language: str) -> dict[str, Any]:
    free = column.values is None
    return {
        "validate": "list",
        "source": listed,
        "ignore_blank": True,
        "error_type": "information" if free else "stop",
        "show_error": not free,
        "error_title": say("template.choose", language),
        "error_message": say("template.choose", language),
    }


def _write_explanations(book: xlsxwriter.Workbook, kind: Kind, language: str) -> None:
    sheet = book.add_worksheet(say("template.explanations", language))
    bold = book.add_format({"bold": True, "bg_color": "#E8EEF2", "border": 1})
    plain = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 3, 48)
    for place, key in enumerate(("column", "how", "choices", "names")):
        sheet.write_string(0, place, say(f"template.{key}", language), bold)
    for row, column in enumerate(known_columns(kind), start=1):
        how = [column.hints.get(language, ""), say(f"template.type_{column.type}", language)]
        between = say("list.separator", language)
        texts = (
            heading_of(column, language),
            " ".join(filter(None, how)),
            between.join(_listed(column)),
            between.join(column.names),
        )
        for place, text in enumerate(texts):
            sheet.write_string(row, place, text, plain)
