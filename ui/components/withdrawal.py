"""Taking a record out of use by hand, with a why, and back."""

from __future__ import annotations

from typing import Final

import streamlit as st

from matching.errors import DuijieError
from matching.ledger.rights import may
from matching.ledger.withdrawal import records_out_of_use, restore, withdraw
from matching.schema import Kind
from ui.access import agent, language, ledger, t

_SAID: Final = "withdrawal_said"
_FAILED: Final = "withdrawal_failed"


def show_outcome() -> None:
    """What became of it; the record is closed by then, since the list has changed with it."""
    if message := st.session_state.pop(_FAILED, None):
        st.error(message)
    if message := st.session_state.pop(_SAID, None):
        st.success(message)


def show_withdrawal(kind: Kind, record_id: str) -> None:
    """The form, for those who may."""
    if not may(ledger(), "withdraw"):
        return
    out = bool(records_out_of_use(ledger(), kind, [record_id]))
    with st.expander(t("withdrawal.restore" if out else f"withdrawal.withdraw_{kind}")):
        st.caption(t("withdrawal.restore_hint" if out else "withdrawal.hint"))
        with st.form(f"withdrawal:{kind}:{record_id}:{out}", border=False):
            key = f"withdrawal_why:{kind}:{record_id}:{out}"
            st.text_input(t("withdrawal.why"), key=key)
            st.form_submit_button(t("withdrawal.do"), on_click=_do, args=(kind, record_id, out, key))


def _do(kind: Kind, record_id: str, out: bool, key: str) -> None:
    why = str(st.session_state[key])
    try:
        if out:
            restore(ledger(), kind, record_id, agent(), why)
            st.session_state[_SAID] = t("withdrawal.restored", identity=record_id)
        else:
            closed = withdraw(ledger(), kind, record_id, agent(), why)
            st.session_state[_SAID] = t("withdrawal.done", identity=record_id, count=len(closed.ended))
    except DuijieError as error:
        st.session_state[_FAILED] = error.text(language())
