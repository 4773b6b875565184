"""Deals: what became of accepted pairs, and the next step of each."""

from __future__ import annotations

from typing import Final

import polars as pl
import streamlit as st

from matching.errors import DuijieError
from matching.ledger import deals
from matching.schema import DEAL_ENDED, DEAL_STATES, END_REASONS
from ui.access import language, ledger, settings, t, worded_key
from ui.catalogue_cache import now, records
from ui.components.moments import local_day, local_minute
from ui.components.tables import height_of

_MESSAGE: Final = "deals_message"
_ALL: Final = ""


def show() -> None:
    """The screen."""
    st.subheader(t("deals.title"))
    listed = _named(deals.all_deals(ledger()))
    if listed.is_empty():
        st.info(t("deals.empty"))
        return
    states = st.columns(len(DEAL_STATES) + 1)
    for place, state in zip(states, (*DEAL_STATES, DEAL_ENDED), strict=True):
        place.metric(t(f"state.{state}"), listed.filter(pl.col("state") == state).height)
    state = st.selectbox(
        t("deals.filter_state"),
        [_ALL, *DEAL_STATES, DEAL_ENDED],
        format_func=lambda code: t("deals.all_states") if code == _ALL else t(f"state.{code}"),
        key=worded_key("state"),
        bind="query-params",
        width=240,
    )
    found = listed if state == _ALL else listed.filter(pl.col("state") == state)
    if found.is_empty():
        st.info(t("filter.nothing"))
        return
    event = st.dataframe(
        _readable(found),
        hide_index=True,
        height=height_of(found.height, 380),
        key=f"deals:{now().event}:{state}",
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [0]}},
    )
    rows = event["selection"]["rows"]
    if rows:
        _detail(found.row(rows[0], named=True))
    else:
        st.caption(t("deals.select_hint"))


def _named(listed: pl.DataFrame) -> pl.DataFrame:
    demands = records("demands").select("demand_id", "enterprise", demand_title="title")
    achievements = records("achievements").select("achievement_id", "institute", achievement_title="title")
    return listed.join(demands, on="demand_id", how="left", maintain_order="left").join(
        achievements, on="achievement_id", how="left", maintain_order="left"
    )


def _readable(found: pl.DataFrame) -> pl.DataFrame:
    columns = [
        "deal_id",
        "demand_title",
        "enterprise",
        "achievement_title",
        "institute",
        "state",
        "agent",
        "opened_at",
        "at",
    ]
    return (
        found.select(columns)
        .with_columns(
            pl.col("state").replace({state: t(f"state.{state}") for state in (*DEAL_STATES, DEAL_ENDED)}),
            pl.col("opened_at", "at").map_elements(local_day, return_dtype=pl.String()),
        )
        .rename({"at": "moved_at"})
        .rename(lambda name: t(f"column.{name}"))
    )


def _detail(deal: dict[str, object]) -> None:
    deal_id = int(str(deal["deal_id"]))
    st.text(t("deals.chosen", deal=deal_id, demand=deal["demand_title"], achievement=deal["achievement_title"]))
    left, right = st.columns([3, 2], gap="large")
    with left:
        _history(deal_id)
    with right:
        _next_step(deal_id, str(deal["state"]), int(str(deal["event_id"])))


def _history(deal_id: int) -> None:
    rows = [
        {
            t("column.at"): local_minute(event["at"]),
            t("column.state"): t(f"state.{event['state']}"),
            t("column.reason"): t(f"end.{event['reason']}") if event["reason"] else "",
            t("column.note"): event["note"],
            t("column.agent"): event["agent"],
        }
        for event in deals.deal_events(ledger(), deal_id).iter_rows(named=True)
    ]
    st.dataframe(pl.DataFrame(rows), hide_index=True)


def _next_step(deal_id: int, state: str, seen: int) -> None:
    if message := st.session_state.pop(_MESSAGE, None):
        st.warning(message)
    steps = deals.next_states(state)
    if not steps:
        st.text(t("deals.no_step"))
        return
    step = st.selectbox(
        t("deals.next_state"),
        steps,
        format_func=lambda code: t(f"state.{code}"),
        key=worded_key(f"step:{deal_id}:{seen}"),
    )
    reason = ""
    if step == DEAL_ENDED:
        reasons = [each for each in END_REASONS if each != "decision_changed"]
        reason = st.selectbox(
            t("deals.reason"),
            reasons,
            format_func=lambda code: t(f"end.{code}"),
            key=worded_key(f"reason:{deal_id}:{seen}"),
        )
    note = st.text_input(t("deals.note"), key=f"note:{deal_id}:{seen}")
    st.button(
        t("deals.move"),
        type="primary",
        key=f"move:{deal_id}:{seen}",
        on_click=_move,
        args=(deal_id, step, seen, reason, note),
    )


def _move(deal_id: int, state: str, seen: int, reason: str, note: str) -> None:
    try:
        deals.move(ledger(), deal_id, state, settings().agent, seen=seen, reason=reason, note=note)
    except DuijieError as error:
        st.session_state[_MESSAGE] = error.text(language())
