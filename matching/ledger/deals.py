"""Deals: what becomes of an accepted pair. A deal is a chain of events; its state is the newest one's.

What it is about is in `deal_terms`, what was paid in `deal_payments`, its papers in `deal_documents`.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl
from sqlalchemy import Connection, Engine, Row, insert, select

from matching.errors import CallError, LedgerError, Problem
from matching.ledger.database import now, reading, writing
from matching.ledger.deal_log import ENDED, FIRST, newest_event, newest_events, next_states, write_event
from matching.ledger.deal_rules import Terms, check_texts, local_today
from matching.ledger.deal_scope import shown as _shown
from matching.ledger.deal_terms import check_terms, standing_terms, write_terms
from matching.ledger.frames import frame
from matching.ledger.presses import entry_of
from matching.ledger.rights import permit
from matching.ledger.tables import deal, deal_event, deal_terms
from matching.schema import END_REASONS

__all__ = [
    "DEALS",
    "ENDED",
    "EVENTS",
    "FIRST",
    "all_deals",
    "close_deal",
    "deal_events",
    "move",
    "next_states",
    "open_deal",
    "reopen_deal",
    "state_of_pair",
]

DEALS: Final[dict[str, pl.DataType]] = {
    "deal_id": pl.Int64(),
    "demand_id": pl.String(),
    "achievement_id": pl.String(),
    "state": pl.String(),
    "reason": pl.String(),
    "note": pl.String(),
    "agent": pl.String(),
    "opened_at": pl.String(),
    "at": pl.String(),
    "event_id": pl.Int64(),
}
EVENTS: Final[dict[str, pl.DataType]] = {
    "event_id": pl.Int64(),
    "deal_id": pl.Int64(),
    "state": pl.String(),
    "reason": pl.String(),
    "note": pl.String(),
    "agent": pl.String(),
    "at": pl.String(),
}


def all_deals(engine: Engine) -> pl.DataFrame:
    """Every deal with its newest event (`DEALS`), newest movement first."""
    permit(engine, "read_deals")
    newest = newest_events().subquery()
    query = (
        select(
            deal.c.deal_id,
            deal.c.demand_id,
            deal.c.achievement_id,
            deal_event.c.state,
            deal_event.c.reason,
            deal_event.c.note,
            deal_event.c.agent,
            deal.c.at,
            deal_event.c.at,
            deal_event.c.event_id,
        )
        .join(deal_event, deal_event.c.deal_id == deal.c.deal_id)
        .join(newest, newest.c.event_id == deal_event.c.event_id)
        .order_by(deal_event.c.event_id.desc())
    )
    with reading(engine) as connection:
        return _shown(engine, connection, frame(connection, query, DEALS))


def deal_events(engine: Engine, deal_id: int | None = None) -> pl.DataFrame:
    """Events of one deal, or of all, in the order in which they were written (`EVENTS`)."""
    permit(engine, "read_deals")
    query = select(*(deal_event.c[name] for name in EVENTS)).order_by(deal_event.c.event_id)
    if deal_id is not None:
        query = query.where(deal_event.c.deal_id == deal_id)
    with reading(engine) as connection:
        return _shown(engine, connection, frame(connection, query, EVENTS))


def move(
    engine: Engine,
    deal_id: int,
    state: str,
    agent: str,
    *,
    seen: int,
    reason: str = "",
    note: str = "",
    terms: Terms | None = None,
    terms_seen: int | None = None,
    nonce: str = "",
    why: str = "",
    today: date | None = None,
) -> None:
    """Write the next event of a deal, and new terms with it when they are given, in one transaction.

    `seen` is the id of the newest event that the agent saw. Raises `LedgerError` when the deal has moved since,
    cannot go to that state, or lacks terms that the state needs; `CallError` when a deal is ended without a reason.
    `terms` are written as `deal_terms.change_terms` does it: `terms_seen` is the entry that the agent saw, `nonce`
    names the press, `why` is for values that were set before.
    """
    permit(engine, "move_deal", agent)
    if state == ENDED and reason not in END_REASONS:
        raise CallError(Problem("deal.no_reason", values={"reason": reason}))
    if terms is not None and not nonce:
        raise CallError(Problem("deal.needs_nonce"))
    check_texts(why=note)
    with writing(engine) as connection:
        newest = newest_event(connection, deal_id)
        if terms is not None and entry_of(connection, deal_terms, agent, nonce) is not None:
            return
        if newest.event_id != seen:
            raise LedgerError(Problem("deal.moved_meanwhile", values={"deal": deal_id}))
        if state not in next_states(newest.state):
            raise LedgerError(Problem("deal.no_such_step", values={"deal": deal_id}))
        day = today or local_today()
        if terms is not None:
            write_terms(
                connection,
                deal_id,
                terms,
                agent,
                seen=terms_seen,
                nonce=nonce,
                why=why,
                today=day,
                going_to=state,
            )
        elif state != ENDED:
            check_terms(connection, deal_id, standing_terms(connection, deal_id).terms, day, state)
        write_event(connection, deal_id, state, agent, reason=reason if state == ENDED else "", note=note)


def open_deal(connection: Connection, demand_id: str, achievement_id: str, decision_id: int, agent: str) -> None:
    """Open the pair's deal, or open it again after its acceptance had been taken back."""
    deal_id = _deal_of_pair(connection, demand_id, achievement_id)
    if deal_id is None:
        values = {"demand_id": demand_id, "achievement_id": achievement_id, "at": now()}
        deal_id = connection.execute(insert(deal).values(values).returning(deal.c.deal_id)).scalar_one()
    write_event(connection, deal_id, FIRST, agent, decision_id=decision_id)


def close_deal(connection: Connection, demand_id: str, achievement_id: str, decision_id: int, agent: str) -> None:
    """End the pair's deal because its acceptance was taken back; an ended one stays as it is."""
    deal_id = _deal_of_pair(connection, demand_id, achievement_id)
    if deal_id is not None and state_of_pair(connection, demand_id, achievement_id) != ENDED:
        write_event(connection, deal_id, ENDED, agent, reason="decision_changed", decision_id=decision_id)


def reopen_deal(connection: Connection, demand_id: str, achievement_id: str, decision_id: int, agent: str) -> None:
    """Open the pair's deal again if taking its acceptance back is what ended it; one ended otherwise stays so."""
    newest = _newest_of_pair(connection, demand_id, achievement_id)
    if newest is not None and newest.reason == "decision_changed":
        write_event(connection, newest.deal_id, FIRST, agent, decision_id=decision_id)


def state_of_pair(connection: Connection, demand_id: str, achievement_id: str) -> str | None:
    """The state of a pair's deal; None when it has none."""
    newest = _newest_of_pair(connection, demand_id, achievement_id)
    return newest.state if newest else None


def _newest_of_pair(connection: Connection, demand_id: str, achievement_id: str) -> Row[int, str, str] | None:
    return connection.execute(
        select(deal_event.c.deal_id, deal_event.c.state, deal_event.c.reason)
        .join(deal, deal.c.deal_id == deal_event.c.deal_id)
        .where(deal.c.demand_id == demand_id, deal.c.achievement_id == achievement_id)
        .order_by(deal_event.c.event_id.desc())
        .limit(1)
    ).one_or_none()


def _deal_of_pair(connection: Connection, demand_id: str, achievement_id: str) -> int | None:
    return connection.execute(
        select(deal.c.deal_id).where(deal.c.demand_id == demand_id, deal.c.achievement_id == achievement_id)
    ).scalar_one_or_none()
