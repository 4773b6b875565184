"""Deals in a table, one of which can be selected."""

from __future__ import annotations

from typing import Final

import polars as pl
import streamlit as st

from matching.ledger.deal_amounts import wan_text
from matching.schema import DEAL_ENDED, DEAL_STATES
from ui.access import t, worded_key
from ui.catalogue_cache import now
from ui.components.moments import local_day
from ui.components.tables import height_of

_ALL: Final = ""
_COLUMNS: Final = (
    "deal_id",
    "state",
    "days",
    "total_fen",
    "paid_fen",
    "demand_title",
    "enterprise",
    "achievement_title",
    "institute",
    "who",
    "opened_at",
)


def with_state(found: pl.DataFrame) -> pl.DataFrame:
    """Deals of the chosen state."""
    state = st.selectbox(
        t("deals.filter_state"),
        [_ALL, *DEAL_STATES, DEAL_ENDED],
        format_func=lambda code: t("deals.all_states") if code == _ALL else t(f"state.{code}"),
        key=worded_key("state"),
        bind="query-params",
        width=240,
    )
    return found if state == _ALL else found.filter(pl.col("state") == state)


def show_table(found: pl.DataFrame) -> int | None:
    """The table; gives the deal that is selected in it, None for none."""
    event = st.dataframe(
        _readable(found),
        hide_index=True,
        height=height_of(found.height, 380),
        placeholder="",
        column_config={
            t("term.total_fen"): st.column_config.TextColumn(alignment="right"),
            t("deals.paid_total"): st.column_config.TextColumn(alignment="right"),
        },
        key=f"deals:{now().event}:{found.height}",
        on_select="rerun",
        selection_mode="single-row",
    )
    rows = event["selection"]["rows"]
    return int(found["deal_id"][rows[0]]) if rows else None


def _readable(found: pl.DataFrame) -> pl.DataFrame:
    words = {
        "who": t("column.agent"),
        "days": t("deals.days_in_state"),
        "total_fen": t("term.total_fen"),
        "paid_fen": t("deals.paid_total"),
    }
    return (
        found.select(_COLUMNS)
        .with_columns(
            pl.col("state").replace({state: t(f"state.{state}") for state in (*DEAL_STATES, DEAL_ENDED)}),
            pl.col("opened_at").map_elements(local_day, return_dtype=pl.String()),
            *(
                pl.Series(name, [wan_text(fen) for fen in found[name]], dtype=pl.String)
                for name in ("total_fen", "paid_fen")
            ),
        )
        .rename(lambda name: words.get(name) or t(f"column.{name}"))
    )
