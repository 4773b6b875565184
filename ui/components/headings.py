"""Which column of an uploaded file is what: shown with samples for confirmation, and corrected by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl
import streamlit as st

from matching.intake.columns import HEADING_ROWS, Heading, Plan, heading_at, known_columns, normalised
from matching.intake.files import Row, first_rows
from matching.intake.sheets import ROW, Sheet
from matching.schema import Kind
from ui.access import t, worded_key

_SAMPLES: Final = 3
_SAMPLE_CHARACTERS: Final = 24
_SURE: Final = 1.0


def chosen_heading_row(sheets: Sequence[Sheet], kind: Kind, identity: str) -> tuple[int | None, tuple[Heading, ...]]:
    """The row that a person says the headings stand in, where none was found, and what stands there."""
    sheet = next((each for each in sheets if not each.hidden), sheets[0])
    rows = first_rows(sheet, HEADING_ROWS)
    chosen = st.selectbox(
        t("upload.heading_row"),
        [row.number for row in rows],
        index=None,
        format_func=lambda number: t("upload.row_starts", row=number, texts=_start(rows, number)),
        placeholder=t("upload.heading_row_hint"),
        key=f"heading_row:{identity}",
    )
    if chosen is None:
        return None, ()
    row = next(each for each in rows if each.number == chosen)
    return row.number, (heading_at(row, kind, Plan(), sheet.name),)


def _start(rows: Sequence[Row], number: int) -> list[str]:
    cells = next(row.cells for row in rows if row.number == number)
    return [cell[:_SAMPLE_CHARACTERS] for cell in cells if cell][:4]


def chosen_columns(sheets: Sequence[Sheet], headings: Sequence[Heading], kind: Kind, identity: str) -> dict[str, str]:
    """What a person says of headings other than what was found: columns by normalised heading, "" for an extra."""
    table = _table(sheets, headings)
    names = {column.name: t(f"column.{column.name}") for column in known_columns(kind)}
    shown = table.select(
        pl.col("heading").alias(t("upload.heading")),
        pl.col("samples").alias(t("upload.samples")),
        pl.col("column").replace_strict({**names, "": t("upload.keep")}).alias(t("upload.column")),
        pl.Series(t("upload.sure"), ["" if each is None else f"{each:.2f}" for each in table["sure"]], dtype=pl.String),
    )
    doubtful = table.filter((pl.col("sure") < _SURE) | (pl.col("column") == "")).height
    label = t("upload.columns", count=table.height, doubtful=doubtful)
    with st.expander(label, expanded=doubtful > 0):
        st.caption(t("upload.columns_hint"))
        edited = st.data_editor(
            shown,
            hide_index=True,
            disabled=[t("upload.heading"), t("upload.samples"), t("upload.sure")],
            column_config={
                t("upload.column"): st.column_config.SelectboxColumn(
                    options=[t("upload.keep"), *names.values()], required=True
                ),
                t("upload.sure"): st.column_config.TextColumn(width="small", alignment="right"),
            },
            key=worded_key(f"columns:{identity}"),
        )
    by_name = {name: column for column, name in names.items()} | {t("upload.keep"): ""}
    chosen = {}
    for heading, before, after in zip(table["heading"], table["column"], edited[t("upload.column")], strict=True):
        column = by_name[after]
        if column != before:
            chosen[normalised(heading)] = column
    return chosen


def _table(sheets: Sequence[Sheet], headings: Sequence[Heading]) -> pl.DataFrame:
    """A row for each heading: heading, samples, column ("" for an extra), sure (0–1)."""
    by_name = {sheet.name: sheet for sheet in sheets}
    rows: dict[str, tuple[str, str, str, float | None]] = {}
    for heading in headings:
        found = [(each.place, each.heading, each.column.name, each.resemblance) for each in heading.found]
        extras = [(place, text, "", None) for place, text in heading.extras]
        for place, text, column, sure in sorted([*found, *extras], key=lambda each: each[0]):
            samples = _samples(by_name[heading.sheet], heading.row, place)
            rows.setdefault(normalised(text), (text, samples, column, sure))
    schema = {"heading": pl.String, "samples": pl.String, "column": pl.String, "sure": pl.Float64}
    return pl.DataFrame(list(rows.values()), schema=schema, orient="row")


def _samples(sheet: Sheet, heading_row: int, place: int) -> str:
    name = f"c{place}"
    if name not in sheet.cells.columns:
        return ""
    texts = sheet.cells.filter((pl.col(ROW) > heading_row) & (pl.col(name) != ""))[name].head(_SAMPLES)
    return t("list.separator").join(text[:_SAMPLE_CHARACTERS] for text in texts)
