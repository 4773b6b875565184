"""Tables: how high one stands on the screen, and one of which a row is chosen."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
import streamlit as st

# Pixels of the heading, of a row, and of the frame.
_HEADING: Final = 32
_ROW: Final = 31
_FRAME: Final = 2


def height_of(rows: int, most: int) -> int:
    """Pixels of a table with so many rows, at most so many pixels: no blank rows below, a bar to scroll beyond."""
    return min(_HEADING + _ROW * rows + _FRAME, most)


def chosen_row(table: pl.DataFrame, columns: dict[str, Any], most: int, key: str) -> int | None:
    """A table of which one row is chosen, at first the first one; the chosen row's place.

    The selection is a position: rows that change must not keep it, so that `key` has to change with them.
    """
    event = st.dataframe(
        table,
        hide_index=True,
        column_config=columns,
        placeholder="",
        height=height_of(table.height, most),
        key=key,
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [0]}},
    )
    chosen = event["selection"]["rows"]
    return int(chosen[0]) if chosen else None
