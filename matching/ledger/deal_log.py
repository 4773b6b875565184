"""The events of deals inside a transaction: the newest one, the states reached, writing the next.

recommended → contacted → negotiating → signed → registered → industrialised, steps may be skipped, or ended
with a reason from any state but the last.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, Row, Select, func, insert, select

from matching.errors import LedgerError, Problem
from matching.ledger.database import now
from matching.ledger.tables import deal, deal_event
from matching.schema import DEAL_ENDED, DEAL_STATES, ID, Kind

FIRST: Final = DEAL_STATES[0]
ENDED: Final = DEAL_ENDED
SIGNED: Final = "signed"
# From here on a deal is a contract, which does not end because a record is withdrawn.
CONTRACTS: Final = DEAL_STATES[DEAL_STATES.index(SIGNED) :]


def next_states(state: str) -> tuple[str, ...]:
    """States that a deal in `state` can move to: any later one, or ended; none from the last or from ended."""
    if state in (ENDED, DEAL_STATES[-1]):
        return ()
    return (*DEAL_STATES[DEAL_STATES.index(state) + 1 :], ENDED)


def newest_events() -> Select[tuple[int]]:
    """Query of the id of every deal's newest event."""
    return select(func.max(deal_event.c.event_id).label("event_id")).group_by(deal_event.c.deal_id)


def newest_event(connection: Connection, deal_id: int) -> Row[int, str, str]:
    """event_id, state and reason of a deal's newest event. Raises `LedgerError` for an unknown deal."""
    found = connection.execute(
        select(deal_event.c.event_id, deal_event.c.state, deal_event.c.reason)
        .where(deal_event.c.deal_id == deal_id)
        .order_by(deal_event.c.event_id.desc())
        .limit(1)
    ).one_or_none()
    if found is None:
        raise LedgerError(Problem("deal.unknown", values={"deal": deal_id}))
    return found


def reached(connection: Connection, deal_id: int) -> set[str]:
    """States that a deal has been in since it was opened for the last time, `ended` left out."""
    states = connection.execute(
        select(deal_event.c.state).where(deal_event.c.deal_id == deal_id).order_by(deal_event.c.event_id)
    ).scalars()
    found: set[str] = set()
    for state in states:
        found = {FIRST} if state == FIRST else found | {state}
    return found - {ENDED}


def write_event(
    connection: Connection,
    deal_id: int,
    state: str,
    agent: str,
    *,
    reason: str = "",
    note: str = "",
    decision_id: int | None = None,
) -> None:
    """Append an event."""
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


def deals_of_records(connection: Connection, kind: Kind, record_ids: Collection[str]) -> list[tuple[int, str, str]]:
    """Deals of records that have not ended: deal_id, record_id, state, in the order of deals."""
    column = deal.c[ID[kind]]
    newest = newest_events().subquery()
    query = (
        select(deal.c.deal_id, column, deal_event.c.state)
        .join(deal_event, deal_event.c.deal_id == deal.c.deal_id)
        .join(newest, newest.c.event_id == deal_event.c.event_id)
        .where(deal_event.c.state != ENDED)
        .order_by(deal.c.deal_id)
    )
    wanted = set(record_ids)
    return [(row[0], row[1], row[2]) for row in connection.execute(query) if row[1] in wanted]
