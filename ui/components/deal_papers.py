"""Payments and documents of a deal: lists, a form for a new one, and a form that takes one back."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from matching.errors import CallError, Problem
from matching.ledger.deal_amounts import read_fen, wan_text
from matching.ledger.deal_documents import add_document, document_entries, standing_documents, take_document
from matching.ledger.deal_log import CONTRACTS
from matching.ledger.deal_payments import add_payment, payment_entries, standing_payments, take_back_payment
from matching.ledger.deal_rules import opens_in_browser
from matching.ledger.rights import may
from ui.access import agent, ledger, t, worded_key
from ui.components.deal_fields import act, nonce_of
from ui.components.moments import today
from ui.components.plain import plain
from ui.components.tables import height_of


def show_payments(deal: dict[str, Any], signed: bool) -> None:
    """The payments of a deal that is, or was, signed."""
    deal_id = int(deal["deal_id"])
    entries = payment_entries(ledger(), deal_id)
    standing = standing_payments(entries)
    total = wan_text(int(standing["amount_fen"].sum())) if standing.height else "0.00"
    st.markdown(f"**{t('deals.payments', count=standing.height, paid=total)}**")
    if standing.height:
        _list_payments(standing)
    if not may(ledger(), "move_deal"):
        return
    if not signed and deal["state"] not in CONTRACTS:
        st.caption(t("deals.payments_later"))
        return
    if standing.is_empty():
        st.caption(t("deals.no_payments"))
    key = f"{deal_id}:{entries.height}"
    with st.form(f"payment_form:{key}", border=False):
        amount, day, remark = st.columns(3)
        amount.text_input(t("deals.payment_amount"), placeholder=t("deals.amount_hint"), key=f"amount:{key}")
        day.date_input(t("deals.paid_on"), value=today(), format="YYYY-MM-DD", key=f"paid_on:{key}")
        remark.text_input(t("deals.remark"), key=f"remark:{key}")
        st.form_submit_button(t("deals.add_payment"), key=f"pay:{key}", on_click=_pay, args=(deal_id, key))
    if standing.height:
        with st.expander(t("deals.correct")), st.form(f"take_back_form:{key}", border=False):
            named = {
                row["payment_id"]: f"{row['paid_on']}　{wan_text(row['amount_fen'])}" for row in standing.to_dicts()
            }
            st.selectbox(
                t("deals.chosen_payment"),
                list(named),
                format_func=lambda payment_id: named.get(payment_id, ""),
                key=worded_key(f"payment:{key}"),
            )
            st.text_input(t("deals.take_back_why"), key=f"back_why:{key}")
            st.form_submit_button(t("deals.take_back"), key=f"back:{key}", on_click=_take_back, args=(key,))


def _list_payments(standing: pl.DataFrame) -> None:
    amount = t("deals.payment_amount")
    st.dataframe(
        standing.select(
            pl.col("paid_on").cast(pl.String).alias(t("deals.paid_on")),
            pl.Series(amount, [wan_text(fen) for fen in standing["amount_fen"]], dtype=pl.String),
            pl.col("why").alias(t("deals.remark")),
            pl.col("agent").alias(t("column.agent")),
        ),
        hide_index=True,
        height=height_of(standing.height, 190),
        column_config={amount: st.column_config.TextColumn(alignment="right")},
    )


def _pay(deal_id: int, key: str) -> None:
    written, paid_on, remark = (st.session_state.get(f"{name}:{key}") for name in ("amount", "paid_on", "remark"))

    def pay() -> None:
        amount = read_fen(written or "", t("deals.payment_amount"))
        if amount is None or paid_on is None:
            raise CallError(Problem("deal.payment_not_above_zero"))
        add_payment(
            ledger(), deal_id, amount, paid_on, agent(), nonce=nonce_of(f"pay:{key}"), why=remark or "", today=today()
        )

    act(pay)


def _take_back(key: str) -> None:
    payment_id = int(st.session_state[worded_key(f"payment:{key}")])
    why = st.session_state.get(f"back_why:{key}") or ""
    act(lambda: take_back_payment(ledger(), payment_id, agent(), nonce=nonce_of(f"back:{key}"), why=why))


def show_documents(deal: dict[str, Any]) -> None:
    """The documents of a deal."""
    deal_id = int(deal["deal_id"])
    entries = document_entries(ledger(), deal_id)
    standing = standing_documents(entries)
    st.markdown(f"**{t('deals.documents', count=standing.height)}**")
    if standing.is_empty():
        st.caption(t("deals.no_documents"))
    for row in standing.to_dicts():
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.text(f"{row['name']}　{row['link']}")
            if opens_in_browser(row["link"]):
                st.link_button(t("deals.open_document"), row["link"], help=plain(row["name"]))
    if not may(ledger(), "move_deal"):
        return
    key = f"{deal_id}:{entries.height}"
    with st.form(f"document_form:{key}", border=False):
        name, link = st.columns(2)
        name.text_input(t("deals.document_name"), key=f"document_name:{key}")
        link.text_input(t("deals.document_link"), key=f"document_link:{key}")
        st.form_submit_button(t("deals.add_document"), key=f"document:{key}", on_click=_add, args=(deal_id, key))
    if standing.height:
        with st.expander(t("deals.correct")), st.form(f"take_form:{key}", border=False):
            named = dict(standing.select("document_id", "name").iter_rows())
            st.selectbox(
                t("deals.chosen_document"),
                list(named),
                format_func=lambda document_id: named.get(document_id, ""),
                key=worded_key(f"chosen_document:{key}"),
            )
            st.text_input(t("deals.take_why"), key=f"take_why:{key}")
            st.form_submit_button(t("deals.take_document"), key=f"take:{key}", on_click=_take, args=(key,))


def _add(deal_id: int, key: str) -> None:
    name, link = (st.session_state.get(f"{each}:{key}") or "" for each in ("document_name", "document_link"))
    act(lambda: add_document(ledger(), deal_id, name, link, agent(), nonce=nonce_of(f"document:{key}")))


def _take(key: str) -> None:
    document_id = int(st.session_state[worded_key(f"chosen_document:{key}")])
    why = st.session_state.get(f"take_why:{key}") or ""
    act(lambda: take_document(ledger(), document_id, agent(), nonce=nonce_of(f"take:{key}"), why=why))
