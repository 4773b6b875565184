"""The next step of a deal with what it needs, its terms as a whole, and opening it again."""

from __future__ import annotations

from typing import Any

import streamlit as st

from matching.ledger import deals
from matching.ledger.deal_closing import WITHDRAWN
from matching.ledger.deal_reopening import reopen
from matching.ledger.deal_rules import TERMS, deal_rules
from matching.ledger.deal_terms import StandingTerms, change_terms
from matching.schema import DEAL_ENDED, END_REASONS, OWN_END_REASONS
from ui.access import agent, ledger, t, worded_key
from ui.components.deal_fields import act, entered, nonce_of, show_fields
from ui.components.moments import today


def show_step(deal: dict[str, Any], standing: StandingTerms) -> None:
    """The choice of the next state, and the fields of what it needs."""
    deal_id, seen = int(deal["deal_id"]), int(deal["event_id"])
    steps = deals.next_states(str(deal["state"]))
    if not steps:
        _show_end(deal)
        return
    key = f"{deal_id}:{seen}:{standing.entry_id}"
    step = st.selectbox(
        t("deals.next_state"),
        steps,
        format_func=lambda code: t(f"state.{code}"),
        key=worded_key(f"step:{deal_id}:{seen}"),
    )
    needed = deal_rules().needs.get(step, ())
    with st.form(f"move_form:{key}:{step}", border=False):
        if step == DEAL_ENDED:
            st.selectbox(
                t("deals.reason"),
                [each for each in END_REASONS if each not in OWN_END_REASONS],
                format_func=lambda code: t(f"end.{code}"),
                key=worded_key(f"reason:{key}"),
            )
        if needed:
            show_fields(f"step:{key}:{step}", needed, standing.terms)
        st.text_input(t("deals.note"), key=f"note:{key}:{step}")
        st.form_submit_button(
            t("deals.move"),
            type="primary",
            key=f"move:{key}:{step}",
            on_click=_move,
            args=(deal_id, step, seen, standing, key, needed),
        )


def _move(deal_id: int, step: str, seen: int, standing: StandingTerms, key: str, needed: tuple[str, ...]) -> None:
    reason = st.session_state.get(worded_key(f"reason:{key}"), "")
    note = st.session_state.get(f"note:{key}:{step}", "")

    def move() -> None:
        terms = entered(f"step:{key}:{step}", needed, standing.terms) if needed else None
        deals.move(
            ledger(),
            deal_id,
            step,
            agent(),
            seen=seen,
            reason=reason,
            note=note,
            terms=terms,
            terms_seen=standing.entry_id,
            nonce=nonce_of(f"{key}:{step}") if needed else "",
            why=note,
            today=today(),
        )

    act(move)


def _show_end(deal: dict[str, Any]) -> None:
    deal_id, seen = int(deal["deal_id"]), int(deal["event_id"])
    if deal["state"] == DEAL_ENDED:
        st.text(t("deals.ended_because", reason=t(f"end.{deal['reason']}"), note=deal["note"]))
    if deal["reason"] != WITHDRAWN:
        st.text(t("deals.no_step"))
        return
    st.caption(t("deals.reopen_hint"))
    with st.form(f"reopen_form:{deal_id}:{seen}", border=False):
        st.text_input(t("deals.note"), key=f"reopen_note:{deal_id}:{seen}")
        st.form_submit_button(t("deals.reopen"), key=f"reopen:{deal_id}:{seen}", on_click=_reopen, args=(deal_id, seen))


def _reopen(deal_id: int, seen: int) -> None:
    note = st.session_state.get(f"reopen_note:{deal_id}:{seen}", "")
    act(lambda: reopen(ledger(), deal_id, agent(), seen=seen, note=note, today=today()))


def show_terms(deal: dict[str, Any], standing: StandingTerms) -> None:
    """All terms in one form."""
    deal_id = int(deal["deal_id"])
    key = f"terms:{deal_id}:{standing.entry_id}"
    with st.form(f"form:{key}", border=False):
        show_fields(key, TERMS, standing.terms, columns=3)
        st.text_input(t("deals.terms_why"), key=f"why:{key}")
        st.form_submit_button(t("deals.save_terms"), key=f"save:{key}", on_click=_save, args=(deal_id, standing, key))


def _save(deal_id: int, standing: StandingTerms, key: str) -> None:
    why = st.session_state.get(f"why:{key}", "")
    act(
        lambda: change_terms(
            ledger(),
            deal_id,
            entered(key, TERMS, standing.terms),
            agent(),
            seen=standing.entry_id,
            nonce=nonce_of(key),
            why=why,
            today=today(),
        )
    )
