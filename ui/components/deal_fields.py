"""Fields of a deal's terms on the screen, and what was entered in them; presses, and what they are answered with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

import streamlit as st

from matching.errors import DuijieError
from matching.ledger.deal_amounts import read_fen, wan_text
from matching.ledger.deal_rules import Terms
from matching.schema import CONTRACT_KINDS
from ui.access import language, t, worded_key

_FAILED: Final = "deals_failed"
_DONE: Final = "deals_done"
_AMOUNTS: Final = ("total_fen", "technical_fen")


def show_fields(prefix: str, names: Sequence[str], standing: Terms, columns: int = 2) -> None:
    """A field for each of the terms, filled with what stands; their keys begin with `prefix`."""
    places = st.columns(columns)
    for number, name in enumerate(names):
        with places[number % columns]:
            _field(_key(prefix, name), name, getattr(standing, name))


def _field(key: str, name: str, value: Any) -> None:  # noqa: ANN401
    label = t(f"term.{name}")
    if name == "contract_kind":
        kinds = ["", *CONTRACT_KINDS]
        st.selectbox(
            label,
            kinds,
            index=kinds.index(value or ""),
            format_func=lambda kind: t(f"contract.{kind}") if kind else t("contract.none"),
            key=key,
        )
    elif name in _AMOUNTS:
        st.text_input(label, value=wan_text(value), placeholder=t("deals.amount_hint"), key=key)
    elif name.endswith("_on"):
        st.date_input(label, value=value, format="YYYY-MM-DD", key=key)
    else:
        st.text_input(label, value=value or "", key=key)


def entered(prefix: str, names: Sequence[str], standing: Terms) -> Terms:
    """The terms with what was entered. Raises `CallError` for an amount that cannot be read."""
    values: dict[str, Any] = {}
    for name in names:
        value = st.session_state.get(_key(prefix, name))
        values[name] = read_fen(value or "", t(f"term.{name}")) if name in _AMOUNTS else value
    return replace(standing, **values)


def _key(prefix: str, name: str) -> str:
    return worded_key(f"{prefix}:{name}")


def nonce_of(key: str) -> str:
    """A name for the press of a form as it is shown now: the same form gives the same."""
    return str(st.session_state.setdefault(f"nonce:{key}", uuid4().hex))


def act(do: Callable[[], object]) -> None:
    """Do what was asked for; the next run of the page tells that it was done, or why not."""
    try:
        do()
    except DuijieError as error:
        st.session_state[_FAILED] = error.text(language())
        return
    st.session_state[_DONE] = True


def show_answer() -> None:
    """What became of the last press."""
    if message := st.session_state.pop(_FAILED, None):
        # A text may quote what was entered.
        with st.container(border=True, key="deals_refused"):
            st.text(message)
    if st.session_state.pop(_DONE, None):
        st.success(t("deals.written"))
