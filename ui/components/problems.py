"""What is wrong in an uploaded file, and what of it is no record: lists, and a workbook with the places marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import polars as pl
import streamlit as st

from matching.errors import Problem
from matching.intake.reading import Reading
from matching.wording import say
from ui.access import language, t
from ui.components.tables import height_of

# Listed on the screen; the workbook has all.
_SHOWN: Final = 500


def show_problems(read: Reading, workbook: Callable[[], bytes]) -> bool:
    """The wrong cells, the workbook to correct them in, and whether the other rows are to be loaded without them."""
    st.text(t("upload.read", file=read.file, rows=read.rows, taken=read.frame.height, refused=read.refused))
    for note in read.notes:
        st.text(note.text(language()))
    if not read.wrong:
        return False
    st.error(t("upload.wrong", refused=read.refused, cells=len(read.wrong)))
    _table(read.wrong)
    st.download_button(
        t("upload.download_problems"),
        workbook,
        file_name=f"{Path(read.file).stem}-{t('marked.problems')}.xlsx",
        key="download_problems",
        on_click="ignore",
    )
    return st.checkbox(t("upload.good_rows", count=read.frame.height), key=f"good_rows:{read.sha256}")


def show_left_out(read: Reading) -> None:
    """Rows that are no records, with why."""
    if read.left_out:
        with st.expander(t("upload.left_out", count=len(read.left_out))):
            _table(read.left_out)


def _table(problems: Sequence[Problem]) -> None:
    rows = [(each.sheet, each.row, each.column, say(each.key, language(), **each.values)) for each in problems[:_SHOWN]]
    schema = {t("marked.sheet"): pl.String, t("marked.row"): pl.Int64}
    schema |= {t("marked.column"): pl.String, t("marked.problem"): pl.String}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    if (table[t("marked.sheet")] == "").all():
        table = table.drop(t("marked.sheet"))
    st.dataframe(table, hide_index=True, height=height_of(table.height, 250), placeholder="")
    if len(problems) > _SHOWN:
        st.caption(t("cli.and_more", count=len(problems) - _SHOWN))
