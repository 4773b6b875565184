"""What deals are about: contract, amounts, days, parties. Every change is a whole new entry; the newest counts."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, Engine, Select, func, select

from matching.errors import CallError, LedgerError, Problem
from matching.ledger.database import reading, writing
from matching.ledger.deal_log import ENDED, newest_event, newest_events, reached
from matching.ledger.deal_rules import TERMS, Terms, check_texts, local_today, wrong_terms
from matching.ledger.deal_scope import shown as _shown
from matching.ledger.frames import frame
from matching.ledger.organisation_names import names_in
from matching.ledger.presses import add_entry, entry_of
from matching.ledger.rights import permit
from matching.ledger.tables import RECORD_TABLE, deal, deal_event, deal_payment, deal_terms
from matching.ledger.versions import newest_version
from matching.schema import ID, ORGANISATION, Kind

DEAL_TERMS: Final[dict[str, pl.DataType]] = {
    "entry_id": pl.Int64(),
    "deal_id": pl.Int64(),
    "contract_kind": pl.String(),
    "total_fen": pl.Int64(),
    "technical_fen": pl.Int64(),
    "signed_on": pl.Date(),
    "registered_on": pl.Date(),
    "industrialised_on": pl.Date(),
    "registration_number": pl.String(),
    "buyer": pl.String(),
    "seller": pl.String(),
    "transfer_institution": pl.String(),
    "responsible": pl.String(),
    "why": pl.String(),
    "agent": pl.String(),
    "at": pl.String(),
}


@dataclass(frozen=True)
class StandingTerms:
    """The terms of a deal as they stand, and the entry that says so; None where nobody has written any."""

    entry_id: int | None
    terms: Terms


def current_terms(engine: Engine) -> pl.DataFrame:
    """The terms of every deal that has any (`DEAL_TERMS`), in the order of deals."""
    permit(engine, "read_deals")
    newest = select(func.max(deal_terms.c.entry_id)).group_by(deal_terms.c.deal_id)
    query = _entries().where(deal_terms.c.entry_id.in_(newest)).order_by(deal_terms.c.deal_id)
    with reading(engine) as connection:
        return _shown(engine, connection, frame(connection, query, DEAL_TERMS))


def terms_entries(engine: Engine, deal_id: int) -> pl.DataFrame:
    """Every entry of one deal's terms, in the order in which they were written (`DEAL_TERMS`)."""
    permit(engine, "read_deals")
    query = _entries().where(deal_terms.c.deal_id == deal_id).order_by(deal_terms.c.entry_id)
    with reading(engine) as connection:
        return _shown(engine, connection, frame(connection, query, DEAL_TERMS))


def terms_of(engine: Engine, deal_id: int) -> StandingTerms:
    """The terms of one deal. Where nobody has written any: its enterprise buys, its institute sells; an
    institute is not told the enterprise before the two were brought together.

    Raises `LedgerError` for a deal that is not there, or not shown to the viewer.
    """
    permit(engine, "read_deals")
    with reading(engine) as connection:
        row = connection.execute(select(deal).where(deal.c.deal_id == deal_id)).one_or_none()
        if row is None:
            raise LedgerError(Problem("deal.unknown", values={"deal": deal_id}))
        found = standing_terms(connection, deal_id)
        if found.entry_id is None:
            found = StandingTerms(None, _first_terms(connection, row._mapping))
        told = _shown(engine, connection, pl.DataFrame({"deal_id": [deal_id], "buyer": [found.terms.buyer]}))
        if told.is_empty():
            raise LedgerError(Problem("deal.unknown", values={"deal": deal_id}))
        return replace(found, terms=replace(found.terms, buyer=told["buyer"][0]))


def change_terms(
    engine: Engine,
    deal_id: int,
    terms: Terms,
    agent: str,
    *,
    seen: int | None,
    nonce: str,
    why: str = "",
    today: date | None = None,
) -> int | None:
    """Write the terms of a deal; gives the entry that stands, a new one unless nothing is changed.

    `seen` is the entry that the agent saw, None for none; `nonce` names the press: the same one again gives the entry
    that it made. Raises `LedgerError` when they were changed meanwhile or would break a rule (all that are broken are
    told), `CallError` when a value that was set is changed without a why.
    """
    permit(engine, "move_deal", agent)
    with writing(engine) as connection:
        newest_event(connection, deal_id)
        return write_terms(
            connection, deal_id, terms, agent, seen=seen, nonce=nonce, why=why, today=today or local_today()
        )


def write_terms(
    connection: Connection,
    deal_id: int,
    terms: Terms,
    agent: str,
    *,
    seen: int | None,
    nonce: str,
    why: str,
    today: date,
    going_to: str = "",
) -> int | None:
    """`change_terms` in a transaction that is under way; `going_to` is a state that the deal enters in the same one."""
    if (made := entry_of(connection, deal_terms, agent, nonce)) is not None:
        return made
    standing = standing_terms(connection, deal_id)
    if standing.entry_id != seen:
        raise LedgerError(Problem("deal.terms_meanwhile", values={"deal": deal_id}))
    terms, why = trimmed(terms), why.strip()
    check_terms(connection, deal_id, terms, today, going_to)
    if standing.entry_id is not None and terms == standing.terms:
        return standing.entry_id
    check_texts(why=why)
    if not why and any(was not in (None, "", getattr(terms, name)) for name, was in asdict(standing.terms).items()):
        raise CallError(Problem("deal.needs_why"))
    return add_entry(connection, deal_terms, agent, nonce, {**asdict(terms), "deal_id": deal_id, "why": why})


def standing_terms(connection: Connection, deal_id: int) -> StandingTerms:
    """The newest entry of a deal's terms; empty ones where there is none."""
    query = _entries().where(deal_terms.c.deal_id == deal_id).order_by(deal_terms.c.entry_id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    if row is None:
        return StandingTerms(None, Terms())
    return StandingTerms(row.entry_id, Terms(**{name: row._mapping[name] for name in TERMS}))


def check_terms(connection: Connection, deal_id: int, terms: Terms, today: date, going_to: str = "") -> None:
    """Raise `LedgerError` with all rules that the terms of a deal break, in the states it has reached or goes to."""
    states = {*reached(connection, deal_id), going_to}
    wrong = wrong_terms(terms, states, today, _first_payment(connection, deal_id))
    if terms.registration_number and (other := _same_number(connection, deal_id, terms.registration_number)):
        values: dict[str, object] = {"number": terms.registration_number, "other": other}
        wrong.append(Problem("deal.number_taken", values=values))
    if wrong:
        raise LedgerError(*wrong)


def trimmed(terms: Terms) -> Terms:
    """Terms without spaces around texts; the registration number without any, and without full-width characters."""
    number = "".join(unicodedata.normalize("NFKC", terms.registration_number or "").split())
    parties = {
        name: getattr(terms, name).strip() for name in ("buyer", "seller", "transfer_institution", "responsible")
    }
    return replace(terms, registration_number=number or None, contract_kind=terms.contract_kind or None, **parties)


def _entries() -> Select[tuple[Any, ...]]:
    return select(*(deal_terms.c[name] for name in DEAL_TERMS))


def _first_payment(connection: Connection, deal_id: int) -> date | None:
    taken_back = select(deal_payment.c.corrects).where(deal_payment.c.corrects.is_not(None))
    query = select(func.min(deal_payment.c.paid_on)).where(
        deal_payment.c.deal_id == deal_id,
        deal_payment.c.corrects.is_(None),
        deal_payment.c.payment_id.not_in(taken_back),
    )
    first: date | None = connection.execute(query).scalar_one()
    return first


def _same_number(connection: Connection, deal_id: int, number: str) -> int | None:
    """Another deal that has not ended and has this registration number."""
    newest = select(func.max(deal_terms.c.entry_id)).group_by(deal_terms.c.deal_id)
    ended = select(deal_event.c.deal_id).where(deal_event.c.event_id.in_(newest_events()), deal_event.c.state == ENDED)
    query = (
        select(deal_terms.c.deal_id)
        .where(
            deal_terms.c.entry_id.in_(newest),
            deal_terms.c.deal_id != deal_id,
            func.lower(deal_terms.c.registration_number) == number.lower(),
            deal_terms.c.deal_id.not_in(ended),
        )
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()


def _first_terms(connection: Connection, pair: Mapping[Any, Any]) -> Terms:
    names = names_in(connection)

    def organisation(kind: Kind) -> str:
        table, key = RECORD_TABLE[kind], pair[ID[kind]]
        query = select(table.c[ORGANISATION[kind]]).where(
            table.c[ID[kind]] == key, table.c.version == newest_version(table, key)
        )
        written = connection.execute(query).scalar_one_or_none() or ""
        return names.get(written, written)

    return Terms(buyer=organisation("demands"), seller=organisation("achievements"))
