"""Payments that deals brought, as they were made; one entered by mistake is taken back by another entry."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl
from sqlalchemy import Connection, Engine, func, select

from matching.errors import CallError, LedgerError, Problem
from matching.ledger.database import reading, writing
from matching.ledger.deal_log import CONTRACTS, newest_event, reached
from matching.ledger.deal_rules import check_texts, local_today
from matching.ledger.deal_scope import shown as _shown
from matching.ledger.deal_terms import standing_terms
from matching.ledger.frames import frame
from matching.ledger.presses import add_entry, entry_of
from matching.ledger.rights import permit
from matching.ledger.tables import deal_payment

PAYMENTS: Final[dict[str, pl.DataType]] = {
    "payment_id": pl.Int64(),
    "deal_id": pl.Int64(),
    "amount_fen": pl.Int64(),
    "paid_on": pl.Date(),
    "corrects": pl.Int64(),
    "why": pl.String(),
    "agent": pl.String(),
    "at": pl.String(),
}
PAID: Final[dict[str, pl.DataType]] = {"deal_id": pl.Int64(), "paid_fen": pl.Int64(), "payments": pl.Int64()}


def payment_entries(engine: Engine, deal_id: int | None = None) -> pl.DataFrame:
    """Entries of one deal, or of all, as they were written (`PAYMENTS`); one that `corrects` another is below zero."""
    permit(engine, "read_deals")
    query = select(*(deal_payment.c[name] for name in PAYMENTS)).order_by(deal_payment.c.payment_id)
    if deal_id is not None:
        query = query.where(deal_payment.c.deal_id == deal_id)
    with reading(engine) as connection:
        return _shown(engine, connection, frame(connection, query, PAYMENTS))


def standing_payments(entries: pl.DataFrame) -> pl.DataFrame:
    """The payments among entries that were not taken back, the earliest day first."""
    taken_back = entries["corrects"].drop_nulls()
    stands = pl.col("corrects").is_null() & ~pl.col("payment_id").is_in(taken_back.implode())
    return entries.filter(stands).sort("paid_on", "payment_id")


def paid(engine: Engine) -> pl.DataFrame:
    """What every deal with payments has brought, in fen, and in how many (`PAID`), in the order of deals."""
    standing = standing_payments(payment_entries(engine))
    sums = standing.group_by("deal_id").agg(paid_fen=pl.col("amount_fen").sum(), payments=pl.len().cast(pl.Int64))
    return sums.sort("deal_id")


def add_payment(
    engine: Engine,
    deal_id: int,
    amount_fen: int,
    paid_on: date,
    agent: str,
    *,
    nonce: str,
    why: str = "",
    today: date | None = None,
) -> int:
    """Write a payment that was made; gives its id, for a `nonce` that came before the one it made then.

    Raises `CallError` for an amount that is not above zero, or one that brings the sum above the total without a why;
    `LedgerError` for a deal that was not signed, and for a day before its signing or in the future.
    """
    permit(engine, "move_deal", agent)
    why = why.strip()
    check_texts(why=why)
    with writing(engine) as connection:
        newest_event(connection, deal_id)
        if (made := entry_of(connection, deal_payment, agent, nonce)) is not None:
            return made
        _check(connection, deal_id, amount_fen, paid_on, why, today or local_today())
        values = {"deal_id": deal_id, "amount_fen": amount_fen, "paid_on": paid_on, "why": why}
        return add_entry(connection, deal_payment, agent, nonce, values)


def take_back_payment(engine: Engine, payment_id: int, agent: str, *, nonce: str, why: str) -> int:
    """Take a payment back; gives the id of the entry that does so.

    Raises `CallError` without a why, `LedgerError` for one that is not there or was taken back before.
    """
    permit(engine, "move_deal", agent)
    why = why.strip()
    if not why:
        raise CallError(Problem("deal.needs_why"))
    check_texts(why=why)
    with writing(engine) as connection:
        row = connection.execute(select(deal_payment).where(deal_payment.c.payment_id == payment_id)).one_or_none()
        if row is None or row.corrects is not None:
            raise LedgerError(Problem("deal.unknown_payment", values={"payment": payment_id}))
        newest_event(connection, row.deal_id)
        if (made := entry_of(connection, deal_payment, agent, nonce)) is not None:
            return made
        if connection.execute(select(deal_payment).where(deal_payment.c.corrects == payment_id)).first():
            raise LedgerError(Problem("deal.payment_taken_back"))
        values = {"deal_id": row.deal_id, "amount_fen": -row.amount_fen, "paid_on": row.paid_on, "why": why}
        return add_entry(connection, deal_payment, agent, nonce, {**values, "corrects": payment_id})


def _check(connection: Connection, deal_id: int, amount_fen: int, paid_on: date, why: str, today: date) -> None:
    if amount_fen <= 0:
        raise CallError(Problem("deal.payment_not_above_zero"))
    terms = standing_terms(connection, deal_id).terms
    if not reached(connection, deal_id) & set(CONTRACTS):
        raise LedgerError(Problem("deal.payment_before_contract", values={"deal": deal_id}))
    if paid_on > today:
        raise LedgerError(Problem("deal.payment_in_future", values={"day": paid_on}))
    if terms.signed_on is not None and paid_on < terms.signed_on:
        raise LedgerError(Problem("deal.payment_before_signing", values={"day": paid_on, "signed": terms.signed_on}))
    made = connection.execute(
        select(func.coalesce(func.sum(deal_payment.c.amount_fen), 0)).where(deal_payment.c.deal_id == deal_id)
    ).scalar_one()
    if terms.total_fen is not None and int(made) + amount_fen > terms.total_fen and not why:
        raise CallError(Problem("deal.paid_above_total"))
