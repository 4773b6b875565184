"""Deals by state: a column for each with its count, the sum of its amounts, and a card for every deal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import polars as pl
import streamlit as st

from matching.ledger.deal_amounts import rounded_wan_text
from matching.schema import DEAL_ENDED, DEAL_STATES
from ui.access import t
from ui.components.plain import plain

# Cards of a column, and characters of a line of one: the table has all.
_CARDS: Final = 5
_CHARACTERS: Final = 22


def show_board(found: pl.DataFrame, chosen: int, choose: Callable[[int], None]) -> None:
    """The columns; `choose` is called with the deal whose card is pressed."""
    states = (*DEAL_STATES, DEAL_ENDED)
    with st.container(key="deal_board"):
        for place, state in zip(st.columns(len(states)), states, strict=True):
            with place:
                _column(state, found.filter(pl.col("state") == state), chosen, choose)


def _column(state: str, found: pl.DataFrame, chosen: int, choose: Callable[[int], None]) -> None:
    st.metric(t(f"state.{state}"), found.height)
    total = found["total_fen"].drop_nulls()
    st.caption(t("deals.sum", amount=rounded_wan_text(int(total.sum()))) if total.len() else t("deals.no_sum"))
    for deal in found.head(_CARDS).iter_rows(named=True):
        st.button(
            _card(deal),
            key=f"card:{deal['deal_id']}",
            type="primary" if deal["deal_id"] == chosen else "secondary",
            width="stretch",
            wrap=True,
            on_click=choose,
            args=(deal["deal_id"],),
        )
    if found.height > _CARDS:
        st.caption(t("deals.more", count=found.height - _CARDS))


def _card(deal: dict[str, Any]) -> str:
    parties = " · ".join(
        _short(str(deal[name]), _CHARACTERS // 2) for name in ("enterprise", "institute") if deal[name]
    )
    figures = t("deals.days", days=deal["days"])
    if deal["total_fen"] is not None:
        figures += " · " + t("deals.sum", amount=rounded_wan_text(deal["total_fen"]))
    titles = [_short(str(deal[f"{kind}_title"] or deal[f"{kind}_id"])) for kind in ("demand", "achievement")]
    return "  \n".join(
        plain(each) for each in (f"{deal['deal_id']} · {titles[0]}", titles[1], parties, figures) if each
    )


def _short(text: str, most: int = _CHARACTERS) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
