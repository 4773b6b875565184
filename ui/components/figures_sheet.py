"""One sheet of figures on the screen: its chart, its table, its download; a cell of it can be opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import polars as pl
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from matching.reporting.csv_files import csv_files
from matching.reporting.definitions import DEFINED, definition
from matching.reporting.plots import chart
from matching.reporting.sheets import Column, Report, Sheet, rounded, texts, widest
from matching.reporting.small_counts import MARK
from ui.access import language, t
from ui.components.plain import plain
from ui.components.tables import height_of

_TALLEST: Final = 752
_FEN: Final = 100
_FORMATS: Final = {"count": "localized", "amount": "accounting", "share": "%.1f%%", "days": "%.1f"}
_DAY: Final = "YYYY-MM-DD"
# Pixels of a character as wide as a Latin one, of what stands around a text; a column of texts is cut to no less.
_CHARACTER: Final = 6.5
_AROUND: Final = 18
_LEAST: Final = 200
# Columns that are wider together than this do not fit on the screen: the browser would squeeze their texts.
_SCREEN: Final = 1_130
# A figure, and the codes of the dimensions that it is cut by.
Cell = tuple[str, Mapping[str, str]]
# Shows what is behind the cell in this row and this column of a sheet.
Behind = Callable[[int, str], None]


def show_sheet(sheet: Sheet, report: Report, key: str, nothing: str, behind: Behind | None = None) -> None:
    """Show a sheet of a report; `key` tells it from others, and from itself with other rows.

    `nothing` is said where it has no rows, or no figures beside them.
    """
    line = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    line.markdown(f"**{plain(sheet.title)}**", width="content")
    if sheet.rows.is_empty() or len(sheet.columns) == 1:
        st.text(nothing)
        return
    alone = Report(report.title, report.cover, (sheet,), report.as_of, report.language)
    line.download_button(
        t("figures.csv"),
        lambda: next(iter(csv_files(alone).values())),
        file_name=f"{sheet.code}.csv",
        mime="text/csv",
        key=f"csv:{key}",
        on_click="ignore",
    )
    if sheet.plot is not None:
        st.altair_chart(
            chart(sheet, language=language()),
            theme=None,
            key=f"chart:{key}",
            alt=t("chart.description", name=sheet.title),
        )
        if sheet.parts.height > sheet.plot.most:
            st.caption(t("report.first_rows", shown=sheet.plot.most, rows=sheet.parts.height))
    event: Any = st.dataframe(
        _readable(sheet),
        hide_index=True,
        height=height_of(sheet.rows.height, _TALLEST),
        placeholder="",
        column_config=_configs(sheet),
        key=f"sheet:{key}",
        on_select="ignore" if behind is None else "rerun",
        selection_mode="single-cell",
    )
    if sheet.note:
        st.caption(plain(sheet.note))
    if behind is not None:
        _open_cell(sheet, event["selection"]["cells"], behind)


def _open_cell(sheet: Sheet, cells: Sequence[tuple[int, str]], behind: Behind) -> None:
    if not cells:
        st.caption(t("figures.open_hint"))
        return
    row, heading = cells[0]
    name = next((column.name for column in sheet.columns if column.heading == heading), "")
    if sheet.rows.row(row, named=True).get(f"{name}{MARK}"):
        st.text(t("figures.not_opened"))
        return
    behind(row, name)


def _hides(sheet: Sheet) -> bool:
    return any(name.endswith(MARK) for name in sheet.rows.columns)


def _readable(sheet: Sheet) -> pl.DataFrame:
    """The rows under their headings: numbers, so that they sort; texts where some of them are hidden."""
    if _hides(sheet):
        cells = {column.heading: texts(sheet, column, language()) for column in sheet.columns}
        return pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String))
    return pl.DataFrame([_numbers(sheet.rows[column.name], column) for column in sheet.columns])


def _numbers(cells: pl.Series, column: Column) -> pl.Series:
    """Cells as the browser is to write them: it rounds in a way of its own, so that they come rounded."""
    match column.kind:
        case "amount":
            shown = cells / _FEN
        case "share":
            values = [None if each is None else _number(rounded(each, 1, shift=2)) for each in cells]
            shown = pl.Series(values, dtype=pl.Float64)
        case "days":
            values = [None if each is None else _number(rounded(each, 1)) for each in cells]
            shown = pl.Series(values, dtype=pl.Float64)
        case _:
            shown = cells
    return shown.alias(column.heading)


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _configs(sheet: Sheet) -> dict[str, ColumnConfig]:
    """How each column is shown: numbers to the right, days without hours, none narrower than what it says.

    Where not all of it fits, texts are cut; numbers never are.
    """
    widths = {
        column.name: int(_CHARACTER * widest([column.heading, *texts(sheet, column, language())])) + _AROUND
        for column in sheet.columns
    }
    words = [widths[column.name] for column in sheet.columns if column.kind == "text"]
    wide = sum(widths.values()) > _SCREEN
    most = max(_fitting(words, _SCREEN - sum(widths.values()) + sum(words)), _LEAST)
    return {
        column.heading: _config(
            column,
            (min(widths[column.name], most) if column.kind == "text" else widths[column.name]) if wide else None,
            words=_hides(sheet),
        )
        for column in sheet.columns
    }


def _fitting(widths: Sequence[int], room: int) -> int:
    """The greatest width at which columns, none of them wider than that, stand in a room together."""
    for narrower, width in enumerate(sorted(widths)):
        share = room // (len(widths) - narrower)
        if width > share:
            return share
        room -= width
    return max(widths, default=0)


def _config(column: Column, width: int | None, *, words: bool) -> ColumnConfig:
    means = definition(column.name, language()) if column.name in DEFINED else None
    match column.kind:
        case "text" | "moment":
            return st.column_config.TextColumn(width=width)
        case "date" if not words:
            return st.column_config.DateColumn(width=width, format=_DAY)
        case kind if words or kind == "date":
            return st.column_config.TextColumn(width=width, alignment="right", help=means)
        case kind:
            return st.column_config.NumberColumn(width=width, format=_FORMATS[kind], help=means)
