"""Deals: what became of accepted pairs, what waits, and everything about the one that is open."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import polars as pl
import streamlit as st

from matching.ledger.deal_terms import terms_of
from matching.ledger.rights import may
from ui.access import ledger, t
from ui.components import deal_board
from ui.components.deal_fields import show_answer
from ui.components.deal_history import show_reminders, show_timeline
from ui.components.deal_overview import narrowed, overview
from ui.components.deal_papers import show_documents, show_payments
from ui.components.deal_policy import show_policy
from ui.components.deal_step import show_step, show_terms
from ui.components.deal_table import show_table, with_state
from ui.components.plain import plain

_SHEET: Final = Path(deal_board.__file__).with_name("deal_board.css")
_OPEN: Final = "deal_open"
_SELECTED: Final = "deal_selected"
_LAYOUTS: Final = ("board", "table")


def show() -> None:
    """The screen."""
    st.html(f"<style>{_SHEET.read_text(encoding='utf-8')}</style>")
    title, switch = st.columns([4, 1], vertical_alignment="center")
    title.subheader(t("deals.title"))
    listed = overview()
    if listed.is_empty():
        st.info(t("deals.empty"))
        return
    with switch:
        layout = st.segmented_control(
            t("deals.layout"),
            _LAYOUTS,
            format_func=lambda each: t(f"deals.layout_{each}"),
            default=_LAYOUTS[0],
            required=True,
            key="deals_layout",
            label_visibility="collapsed",
        )
    _follow("reminders", show_reminders(listed))
    found = narrowed(listed)
    if layout == "table":
        found = with_state(found)
    if found.is_empty():
        st.info(t("filter.nothing"))
        return
    if layout == "table":
        _follow("table", show_table(found))
    chosen = _open_one(found)
    if layout == "board":
        deal_board.show_board(found, chosen, _choose)
    _detail(listed.row(by_predicate=pl.col("deal_id") == chosen, named=True))


def _choose(deal_id: int) -> None:
    st.session_state[_OPEN] = deal_id


def _follow(table: str, selected: int | None) -> None:
    """Open the deal that has just been selected in a table; a selection that was there before opens nothing."""
    before = st.session_state.setdefault(_SELECTED, {})
    if before.get(table) != selected:
        before[table] = selected
        if selected is not None:
            st.session_state[_OPEN] = selected


def _open_one(found: pl.DataFrame) -> int:
    """The deal that is open: the chosen one, else the one that moved last; any other can be opened by name."""
    titles = {row["deal_id"]: row for row in found.select("deal_id", "demand_title", "achievement_title").to_dicts()}
    if st.session_state.get(_OPEN) not in titles:
        st.session_state[_OPEN] = next(iter(titles))

    def label(deal_id: int) -> str:
        row = titles.get(deal_id, {"demand_title": "", "achievement_title": ""})
        return t("deals.chosen", deal=deal_id, demand=row["demand_title"], achievement=row["achievement_title"])

    return int(st.selectbox(t("deals.open"), list(titles), format_func=label, key=_OPEN))


def _detail(deal: dict[str, Any]) -> None:
    deal_id = int(deal["deal_id"])
    standing = terms_of(ledger(), deal_id)
    named = t(
        "deals.chosen",
        deal=deal_id,
        demand=deal["demand_title"] or deal["demand_id"],
        achievement=deal["achievement_title"] or deal["achievement_id"],
    )
    st.markdown(f"**{plain(named)}**")
    show_answer()
    left, right = st.columns([3, 2], gap="large")
    with left:
        if may(ledger(), "move_deal"):
            show_step(deal, standing)
            with st.expander(t("deals.terms"), expanded=False):
                show_terms(deal, standing)
        show_policy(deal_id)
        show_timeline(deal_id)
    with right:
        show_payments(deal, standing.terms.signed_on is not None)
        show_documents(deal)
