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
from matching.reporting.sheets import Column, Report, Sheet, texts
from matching.reporting.small_counts import MARK
from ui.access import language, t
from ui.components.plain import plain
from ui.components.tables import height_of

_TALLEST: Final = 560
_FEN: Final = 100
_AS_TEXT: Final = ("text", "date", "moment")
_FORMATS: Final = {"count": "localized", "amount": "accounting", "share": "percent", "days": "%.1f"}
# A figure, and the codes of the dimensions that it is cut by.
Cell = tuple[str, Mapping[str, str]]
# Shows what is behind the cell in this row and this column of a sheet.
Behind = Callable[[int, str], None]


def show_sheet(sheet: Sheet, report: Report, key: str, behind: Behind | None = None) -> None:
    """Show a sheet of a report; `key` tells it from others, and from itself with other rows."""
    title, download = st.columns([6, 1], vertical_alignment="bottom")
    title.markdown(f"**{plain(sheet.title)}**")
    if sheet.rows.is_empty():
        st.text(t("figures.no_row"))
        return
    alone = Report(report.title, report.cover, (sheet,), report.as_of, report.language)
    download.download_button(
        t("figures.csv"),
        lambda: next(iter(csv_files(alone).values())),
        file_name=f"{sheet.code}.csv",
        mime="text/csv",
        key=f"csv:{key}",
        on_click="ignore",
        width="stretch",
    )
    if sheet.plot is not None:
        st.altair_chart(
            chart(sheet, language=language()),
            theme=None,
            key=f"chart:{key}",
            alt=t("chart.description", name=sheet.title),
        )
    event: Any = st.dataframe(
        _readable(sheet),
        hide_index=True,
        height=height_of(sheet.rows.height, _TALLEST),
        placeholder="",
        column_config={
            column.heading: _config(column, words=_hides(sheet))
            for column in sheet.columns
            if column.kind not in _AS_TEXT
        },
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
    return sheet.rows.select(
        (pl.col(column.name) / _FEN if column.kind == "amount" else pl.col(column.name)).alias(column.heading)
        for column in sheet.columns
    )


def _config(column: Column, *, words: bool) -> ColumnConfig:
    means = definition(column.name, language()) if column.name in DEFINED else None
    if words:
        return st.column_config.TextColumn(alignment="right", help=means)
    return st.column_config.NumberColumn(format=_FORMATS[column.kind], help=means)
