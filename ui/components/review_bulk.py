"""What is done with all that the filters leave: progress, demands taken and given, decisions on many pairs at once."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

import polars as pl
import streamlit as st

from matching.errors import DuijieError
from matching.ledger import assignments, decisions
from matching.ledger.review_queue import DECIDED, LATER, OPEN
from matching.ledger.runs import Run
from matching.schema import REJECT_REASONS
from ui.access import agent, language, ledger, t, worded_key
from ui.components.desk_log import DEMAND, MESSAGE
from ui.components.review_filters import Found

_NONCE: Final = "bulk_nonce"
_OUTCOME: Final = "bulk_outcome"
# What the last one was called, so that it can be taken back.
_LAST: Final = "bulk_last"


def show_bulk(run: Run, found: Found, pairs: pl.DataFrame) -> None:
    """A line: progress of all and one's own, the demands of the filter, the pairs of the filter."""
    places = st.columns([4, 1.2, 1.2], vertical_alignment="center")
    with places[0]:
        _progress(pairs)
    free = found.pairs.filter(pl.col("state") == OPEN)
    # What a menu holds is made when it is opened: this runs at every press of a key.
    demands = places[1].popover(
        t("review.demands_of_filter", count=found.demands.height),
        width="stretch",
        key="bulk_demands",
        on_change="rerun",
    )
    open_pairs = places[2].popover(
        t("review.pairs_of_filter", count=free.height), width="stretch", key="bulk_pairs", on_change="rerun"
    )
    if demands.open:
        with demands:
            _demands(found.demands)
    if open_pairs.open:
        with open_pairs:
            _decide_all(run, free)
    if outcome := st.session_state.pop(_OUTCOME, None):
        st.info(outcome)


def _progress(pairs: pl.DataFrame) -> None:
    state = pairs["state"]
    decided, later = int((state == DECIDED).sum()), int((state == LATER).sum())
    own = pairs.filter(pl.col("agent") == agent(), pl.col("state") == DECIDED).height
    told = t("review.progress", decided=decided, total=pairs.height, later=later, own=own)
    st.progress(decided / max(pairs.height, 1), text=told)


def _demands(demands: pl.DataFrame) -> None:
    """Take free demands, give the one in hand back or to another."""
    free = demands.filter(pl.col("holder").is_null())["demand_id"].to_list()
    count = st.number_input(
        t("review.claim_count"), 1, max(len(free), 1), min(20, max(len(free), 1)), key="claim_count"
    )
    st.button(t("review.claim", count=count), disabled=not free, on_click=_claim, args=(free[: int(count)],))
    in_hand = str(st.session_state.get(DEMAND, ""))
    held = dict(demands.select("demand_id", "holder").iter_rows()).get(in_hand)
    st.text(t("review.held_by", agent=held) if held else t("review.held_by_nobody"))
    st.button(t("review.give_back"), disabled=held is None, on_click=_assign, args=(in_hand, None))
    other = st.text_input(t("review.give_to"), key="give_to")
    st.button(t("review.give"), disabled=not other.strip(), on_click=_assign, args=(in_hand, other.strip()))


def _claim(demand_ids: list[str]) -> None:
    try:
        taken = assignments.claim(ledger(), demand_ids, agent())
    except DuijieError as error:
        st.session_state[MESSAGE] = error.text(language())
        return
    st.session_state[_OUTCOME] = t("review.claimed", count=taken)


def _assign(demand_id: str, holder: str | None) -> None:
    try:
        assignments.assign(ledger(), [demand_id], holder, agent())
    except DuijieError as error:
        st.session_state[MESSAGE] = error.text(language())


def _decide_all(run: Run, free: pl.DataFrame) -> None:
    """One decision for all pairs of the filter that have none, counted and confirmed."""
    st.text(t("review.bulk_hint", count=free.height))
    verdict = st.segmented_control(
        t("review.bulk_verdict"),
        ("reject", "later", "accept"),
        format_func=lambda each: t(f"verdict.{each}"),
        default="reject",
        required=True,
        key=worded_key("bulk_verdict"),
        label_visibility="collapsed",
    )
    reason = ""
    if verdict == "reject":
        reason = st.selectbox(
            t("review.bulk_reason"),
            REJECT_REASONS,
            format_func=lambda each: t(f"reason.{each}"),
            key=worded_key("bulk_reason"),
        )
    note = st.text_input(t("review.note"), key="bulk_note")
    sure = st.checkbox(
        t("review.bulk_sure", count=free.height, verdict=t(f"verdict.{verdict}")),
        # Another filter or another verdict has to be confirmed anew.
        key=f"bulk_sure:{free.height}:{verdict}:{reason}",
    )
    nonce = str(st.session_state.setdefault(_NONCE, uuid4().hex))
    st.button(
        t("review.bulk_do", count=free.height),
        type="primary",
        disabled=not sure or free.is_empty(),
        on_click=_write,
        args=(run.run_id, free, verdict, reason, note, nonce),
    )
    last = st.session_state.get(_LAST)
    st.button(t("review.bulk_undo"), disabled=last is None, on_click=_take_back, args=(last,))


def _write(run_id: int, free: pl.DataFrame, verdict: str, reason: str, note: str, nonce: str) -> None:
    try:
        count = decisions.decide_all(
            ledger(), free, run_id=run_id, verdict=verdict, agent=agent(), nonce=nonce, reason=reason, note=note
        )
    except DuijieError as error:
        st.session_state[MESSAGE] = error.text(language())
        return
    st.session_state[_OUTCOME] = t("review.bulk_done", count=count, verdict=t(f"verdict.{verdict}"))
    st.session_state[_LAST] = nonce
    st.session_state[_NONCE] = uuid4().hex


def _take_back(nonce: str) -> None:
    try:
        count = decisions.undo_all(ledger(), nonce, agent())
    except DuijieError as error:
        st.session_state[MESSAGE] = error.text(language())
        return
    st.session_state[_LAST] = None
    st.session_state[_OUTCOME] = t("review.bulk_undone", count=count)
