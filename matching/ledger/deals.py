"""Deals: what becomes of an accepted pair. A deal is a chain of events; its state is the newest one's.

recommended → contacted → negotiating → signed → registered → industrialised, steps may be skipped, or ended
with a reason from any state but the last.
"""

from __future__ import annotations

from typing import Final

import polars as pl
from sqlalchemy import Connection, Engine, Row, Select, func, insert, select

from matching.errors import CallError, LedgerError, Problem
from matching.ledger.database import now, reading, writing
from matching.ledger.frames import frame
from matching.ledger.tables import deal, deal_event
from matching.schema import DEAL_ENDED, DEAL_STATES, END_REASONS

FIRST: Final = DEAL_STATES[0]
ENDED: Final = DEAL_ENDED

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


def next_states(state: str) -> tuple[str, ...]:
    """States that a deal in `state` can move to: any later one, or ended; none from the last or from ended."""
    if state in (ENDED, DEAL_STATES[-1]):
        return ()
    return (*DEAL_STATES[DEAL_STATES.index(state) + 1 :], ENDED)


def all_deals(engine: Engine) -> pl.DataFrame:
    """Every deal with its newest event (`DEALS`), newest movement first."""
    newest = _newest_events().subquery()
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
        return frame(connection, query, DEALS)


def deal_events(engine: Engine, deal_id: int | None = None) -> pl.DataFrame:
    """Events of one deal, or of all, in the order in which they were written (`EVENTS`)."""
    query = select(*(deal_event.c[name] for name in EVENTS)).order_by(deal_event.c.event_id)
    if deal_id is not None:
        query = query.where(deal_event.c.deal_id == deal_id)
    with reading(engine) as connection:
        return frame(connection, query, EVENTS)


def move(engine: Engine, deal_id: int, state: str, agent: str, *, seen: int, reason: str = "", note: str = "") -> None:
    """Write the next event of a deal.

    `seen` is the id of the newest event that the agent saw. Raises `LedgerError` when the deal has moved since,
    or cannot go to that state; `CallError` when a deal is ended without a reason.
    """
    if state == ENDED and reason not in END_REASONS:
        raise CallError(Problem("deal.no_reason", values={"reason": reason}))
    with writing(engine) as connection:
        newest = connection.execute(
            select(deal_event.c.event_id, deal_event.c.state)
            .where(deal_event.c.deal_id == deal_id)
            .order_by(deal_event.c.event_id.desc())
            .limit(1)
        ).one_or_none()
        if newest is None or newest.event_id != seen:
            raise LedgerError(Problem("deal.moved_meanwhile", values={"deal": deal_id}))
        if state not in next_states(newest.state):
            raise LedgerError(Problem("deal.no_such_step", values={"deal": deal_id}))
        _write(connection, deal_id, state, agent, reason if state == ENDED else "", note, None)


def open_deal(connection: Connection, demand_id: str, achievement_id: str, decision_id: int, agent: str) -> None:
    """Open the pair's deal, or open it again after its acceptance had been taken back."""
    deal_id = _deal_of_pair(connection, demand_id, achievement_id)
    if deal_id is None:
        values = {"demand_id": demand_id, "achievement_id": achievement_id, "at": now()}
        deal_id = connection.execute(insert(deal).values(values).returning(deal.c.deal_id)).scalar_one()
    _write(connection, deal_id, FIRST, agent, "", "", decision_id)


def close_deal(connection: Connection, demand_id: str, achievement_id: str, decision_id: int, agent: str) -> None:
    """End the pair's deal because its acceptance was taken back; an ended one stays as it is."""
    deal_id = _deal_of_pair(connection, demand_id, achievement_id)
    if deal_id is not None and state_of_pair(connection, demand_id, achievement_id) != ENDED:
        _write(connection, deal_id, ENDED, agent, "decision_changed", "", decision_id)


def reopen_deal(connection: Connection, demand_id: str, achievement_id: str, decision_id: int, agent: str) -> None:
    """Open the pair's deal again if taking its acceptance back is what ended it; one ended otherwise stays so."""
    newest = _newest_event(connection, demand_id, achievement_id)
    if newest is not None and newest.reason == "decision_changed":
        _write(connection, newest.deal_id, FIRST, agent, "", "", decision_id)


def state_of_pair(connection: Connection, demand_id: str, achievement_id: str) -> str | None:
    """The state of a pair's deal; None when it has none."""
    newest = _newest_event(connection, demand_id, achievement_id)
    return newest.state if newest else None


def _newest_event(connection: Connection, demand_id: str, achievement_id: str) -> Row[int, str, str] | None:
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


def _newest_events() -> Select[tuple[int]]:
    return select(func.max(deal_event.c.event_id).label("event_id")).group_by(deal_event.c.deal_id)


def _write(
    connection: Connection,
    deal_id: int,
    state: str,
    agent: str,
    reason: str,
    note: str,
    decision_id: int | None,
) -> None:
    connection.execute(
        insert(deal_event).values(
            deal_id=deal_id,
            state=state,
            reason=reason,
            note=note,
            decision_id=decision_id,
            agent=agent,
            at=now(),
        )
    )
