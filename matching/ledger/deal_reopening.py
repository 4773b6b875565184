"""Opening a deal again that ended because a record was withdrawn."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, Engine, select

from matching.errors import LedgerError, Problem
from matching.ledger.database import writing
from matching.ledger.deal_closing import WITHDRAWN
from matching.ledger.deal_log import ENDED, newest_event, write_event
from matching.ledger.deal_rules import check_texts, local_today
from matching.ledger.deal_terms import check_terms, standing_terms
from matching.ledger.decisions import standing_decisions
from matching.ledger.rights import permit
from matching.ledger.tables import deal, deal_event
from matching.ledger.withdrawal import refuse_out_of_use


def reopen(engine: Engine, deal_id: int, agent: str, *, seen: int, note: str = "", today: date | None = None) -> None:
    """Open a deal that a withdrawal ended, in the state that it had before; a new event says so.

    Raises `LedgerError` when the deal moved meanwhile or ended otherwise, when one of its records is still out of
    use, and when the pair's acceptance no longer stands.
    """
    permit(engine, "move_deal", agent)
    check_texts(why=note)
    with writing(engine) as connection:
        newest = newest_event(connection, deal_id)
        if newest.event_id != seen:
            raise LedgerError(Problem("deal.moved_meanwhile", values={"deal": deal_id}))
        if newest.state != ENDED or newest.reason != WITHDRAWN:
            raise LedgerError(Problem("deal.not_to_reopen", values={"deal": deal_id}))
        pair = connection.execute(
            select(deal.c.demand_id, deal.c.achievement_id).where(deal.c.deal_id == deal_id)
        ).one()
        refuse_out_of_use(connection, pair.demand_id, pair.achievement_id)
        _check_accepted(connection, deal_id, pair.demand_id, pair.achievement_id)
        check_terms(connection, deal_id, standing_terms(connection, deal_id).terms, today or local_today())
        write_event(connection, deal_id, _state_before(connection, deal_id), agent, note=note)


def _check_accepted(connection: Connection, deal_id: int, demand_id: str, achievement_id: str) -> None:
    decided = standing_decisions(demand_id).subquery()
    verdict = connection.execute(
        select(decided.c.verdict).where(decided.c.achievement_id == achievement_id)
    ).scalar_one_or_none()
    if verdict != "accept":
        raise LedgerError(Problem("deal.not_accepted", values={"deal": deal_id}))


def _state_before(connection: Connection, deal_id: int) -> str:
    query = (
        select(deal_event.c.state)
        .where(deal_event.c.deal_id == deal_id, deal_event.c.state != ENDED)
        .order_by(deal_event.c.event_id.desc())
        .limit(1)
    )
    state: str = connection.execute(query).scalar_one()
    return state
