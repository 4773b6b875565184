"""A record's fields with why it has them, and the form by which an agent corrects them."""

from __future__ import annotations

from typing import Final, cast
from uuid import uuid4

import polars as pl
import streamlit as st

from matching.errors import DuijieError
from matching.fields.believed import believed
from matching.fields.taxonomies import load_taxonomies, load_taxonomy
from matching.ledger import catalogue, corrections
from matching.ledger.rights import may
from matching.schema import TEXT, Kind
from ui.access import agent, language, ledger, t, worded_key
from ui.components.filters import node_label

_MESSAGE: Final = "correction_message"
_SAVED: Final = "correction_saved"
_NONCE: Final = "correction_nonce"


def show_outcome() -> None:
    """What became of the last correction; the record is closed by then, since the list may have changed with it."""
    if message := st.session_state.pop(_MESSAGE, None):
        st.error(message)
    if message := st.session_state.pop(_SAVED, None):
        st.success(message)


def show_fields(kind: Kind, record_id: str, fields: pl.DataFrame) -> None:
    """The fields by taxonomy, and the form."""
    st.markdown(f"**{t('lists.fields_title')}**")
    if fields.is_empty():
        st.text(t("lists.no_fields"))
    else:
        st.dataframe(_table(fields), hide_index=True)
    if may(ledger(), "correct_fields"):
        _form(kind, record_id, fields)


def _table(fields: pl.DataFrame) -> pl.DataFrame:
    order = {code: place for place, code in enumerate(load_taxonomies())}
    rows = [
        {
            t("column.taxonomy"): load_taxonomy(row["taxonomy"]).name(language()),
            t("column.main_field"): load_taxonomy(row["taxonomy"]).node(row["code"]).name(language()),
            t("column.confidence"): round(row["confidence"], 2),
            t("column.decided_by"): t(f"basis.{row['basis']}", terms=row["terms"]),
        }
        for row in sorted(fields.iter_rows(named=True), key=lambda row: order[row["taxonomy"]])
    ]
    return pl.DataFrame(rows)


def _form(kind: Kind, record_id: str, fields: pl.DataFrame) -> None:
    st.markdown(f"**{t('correction.title')}**")
    code = st.selectbox(
        t("filter.taxonomy"),
        list(load_taxonomies()),
        format_func=lambda each: load_taxonomy(each).name(language()),
        key=worded_key("correction_taxonomy"),
    )
    taxonomy = load_taxonomy(code)
    assigned = fields.filter(pl.col("taxonomy") == code)
    # A key for each state: after a correction the form shows what now holds.
    basis = assigned["basis"].to_list()
    state = ":".join([kind, record_id, code, *basis[:1], *assigned["code"]])
    nonce = cast(str, st.session_state.setdefault(_NONCE, uuid4().hex))
    key = worded_key(f"correction:{state}")
    st.multiselect(
        t("correction.fields"),
        [node.code for node in taxonomy.nodes],
        default=assigned["code"].to_list(),
        format_func=lambda each: node_label(taxonomy, each),
        placeholder=t("correction.none"),
        key=key,
    )
    with st.container(horizontal=True, gap="small"):
        st.button(
            t("correction.save"),
            key="correction_save",
            type="primary",
            on_click=_save,
            args=(kind, record_id, code, key, nonce),
        )
        st.button(
            t("correction.release"),
            key="correction_release",
            disabled=not corrections.is_corrected(ledger(), kind, record_id, code),
            on_click=_release,
            args=(kind, record_id, code, nonce),
        )
    st.caption(t("correction.hint"))


def _save(kind: Kind, record_id: str, taxonomy: str, key: str, nonce: str) -> None:
    try:
        corrections.correct(ledger(), kind, record_id, taxonomy, st.session_state[key], agent(), nonce)
    except DuijieError as error:
        st.session_state[_MESSAGE] = error.text(language())
        return
    st.session_state.pop(_NONCE, None)
    st.session_state[_SAVED] = t("correction.saved")


def _release(kind: Kind, record_id: str, taxonomy: str, nonce: str) -> None:
    try:
        corrections.release(ledger(), kind, record_id, taxonomy, agent(), nonce)
    except DuijieError as error:
        st.session_state[_MESSAGE] = error.text(language())
        return
    st.session_state.pop(_NONCE, None)
    st.session_state[_SAVED] = t("correction.released")


def explained(kind: Kind, record_id: str) -> tuple[pl.DataFrame, list[str]]:
    """A record's fields, and the terms of its text that decided on them."""
    fields = believed(catalogue.fields_of(ledger(), kind, record_id))
    return fields, [term for terms in fields.filter(pl.col("basis") == TEXT)["terms"] for term in terms]
