"""Deals as they stood at a moment, with their terms, payments and stated facts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import polars as pl
from sqlalchemy import Engine, func, select

from matching.ledger.bulk_reading import read
from matching.ledger.deal_log import FIRST
from matching.ledger.deal_payments import standing_payments
from matching.ledger.deal_terms import DEAL_TERMS
from matching.ledger.past_versions import written_by
from matching.ledger.rights import permit, unrestricted
from matching.ledger.tables import deal, deal_event, deal_payment, deal_statement, deal_terms
from matching.schema import DEAL_STATES, PAIRS

_EVENTS: Final[dict[str, pl.DataType]] = {
    "event_id": pl.Int64(),
    "deal_id": pl.Int64(),
    "state": pl.String(),
    "reason": pl.String(),
    "agent": pl.String(),
    "at": pl.String(),
}
# What a deal has of its newest event.
_OF_EVENTS: Final = ("state", "reason", "agent", "at")
_PAYMENTS: Final[dict[str, pl.DataType]] = {
    "deal_id": pl.Int64(),
    "payment_id": pl.Int64(),
    "amount_fen": pl.Int64(),
    "paid_on": pl.Date(),
}
_STATEMENTS: Final[dict[str, pl.DataType]] = {"deal_id": pl.Int64(), "name": pl.String(), "value": pl.String()}


def deals_at(engine: Engine, at: datetime, columns: Sequence[str] = _OF_EVENTS) -> pl.DataFrame:
    """Every deal with its newest event, by id: deal_id, demand_id, achievement_id, state, reason, agent, at, opened,
    and a column for each later state. Of the event it has `columns`.

    `opened` is the moment at which it was last opened; the states' columns have that of the first event in the state
    since then, null for a state that it was not in.
    """
    permit(engine, "read_figures")
    whole = unrestricted(engine)
    schema = {name: _EVENTS[name] for name in dict.fromkeys(("event_id", "deal_id", "state", "at", *columns))}
    query = select(*(deal_event.c[name] for name in schema)).where(deal_event.c.at <= written_by(at))
    events = read(whole, query, schema, by=deal_event.c.event_id).sort("event_id")
    pairs = read(whole, select(deal.c.deal_id, *(deal.c[name] for name in PAIRS)), {"deal_id": pl.Int64(), **PAIRS})
    newest = events.group_by("deal_id").agg(pl.col(columns).last())
    openings = events.filter(pl.col("state") == FIRST).group_by("deal_id").agg(pl.col("event_id", "at").last())
    opened = openings.rename({"event_id": "since", "at": "opened"})
    own = events.join(opened, on="deal_id", how="left", maintain_order="left")
    own = own.filter(pl.col("event_id") > pl.col("since").fill_null(0))
    steps = own.group_by("deal_id").agg(
        pl.col("at").filter(pl.col("state") == state).first().alias(state) for state in DEAL_STATES[1:]
    )
    found = pairs.join(newest, on="deal_id").join(opened.drop("since"), on="deal_id", how="left")
    return found.join(steps, on="deal_id", how="left").sort("deal_id")


def terms_at(engine: Engine, at: datetime) -> pl.DataFrame:
    """The terms of every deal that had any, by deal (`deal_terms.DEAL_TERMS`)."""
    permit(engine, "read_figures")
    newest = (
        select(func.max(deal_terms.c.entry_id)).where(deal_terms.c.at <= written_by(at)).group_by(deal_terms.c.deal_id)
    )
    query = select(*(deal_terms.c[name] for name in DEAL_TERMS)).where(deal_terms.c.entry_id.in_(newest))
    return read(unrestricted(engine), query, DEAL_TERMS, by=deal_terms.c.entry_id).sort("deal_id")


def payments_at(engine: Engine, at: datetime) -> pl.DataFrame:
    """Payments that had not been taken back, the earliest day first: deal_id, payment_id, amount_fen, paid_on."""
    permit(engine, "read_figures")
    schema = {**_PAYMENTS, "corrects": pl.Int64()}
    query = select(*(deal_payment.c[name] for name in schema)).where(deal_payment.c.at <= written_by(at))
    written = read(unrestricted(engine), query, schema, by=deal_payment.c.payment_id)
    return standing_payments(written).select(*_PAYMENTS)


def statements_at(engine: Engine, at: datetime) -> pl.DataFrame:
    """What had been stated of deals and not taken back, by deal and name: deal_id, name, value."""
    permit(engine, "read_figures")
    newest = (
        select(func.max(deal_statement.c.entry_id))
        .where(deal_statement.c.at <= written_by(at))
        .group_by(deal_statement.c.deal_id, deal_statement.c.name)
    )
    query = select(*(deal_statement.c[name] for name in _STATEMENTS)).where(
        deal_statement.c.entry_id.in_(newest), deal_statement.c.value != ""
    )
    return read(unrestricted(engine), query, _STATEMENTS).sort("deal_id", "name")
