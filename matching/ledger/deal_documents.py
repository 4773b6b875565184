"""Documents of deals: names and links, put on the list and taken from it. The documents stay where they are."""

from __future__ import annotations

from typing import Final

import polars as pl
from sqlalchemy import Engine, select

from matching.errors import CallError, LedgerError, Problem
from matching.ledger.database import reading, writing
from matching.ledger.deal_log import newest_event
from matching.ledger.deal_rules import check_texts, checked_link
from matching.ledger.deal_scope import shown as _shown
from matching.ledger.frames import frame
from matching.ledger.presses import add_entry, entry_of
from matching.ledger.rights import permit
from matching.ledger.tables import deal_document

DOCUMENTS: Final[dict[str, pl.DataType]] = {
    "document_id": pl.Int64(),
    "deal_id": pl.Int64(),
    "name": pl.String(),
    "link": pl.String(),
    "corrects": pl.Int64(),
    "why": pl.String(),
    "agent": pl.String(),
    "at": pl.String(),
}


def document_entries(engine: Engine, deal_id: int) -> pl.DataFrame:
    """Entries of one deal as they were written (`DOCUMENTS`); one that `corrects` another takes it from the list."""
    permit(engine, "read_deals")
    query = (
        select(*(deal_document.c[name] for name in DOCUMENTS))
        .where(deal_document.c.deal_id == deal_id)
        .order_by(deal_document.c.document_id)
    )
    with reading(engine) as connection:
        return _shown(engine, connection, frame(connection, query, DOCUMENTS))


def standing_documents(entries: pl.DataFrame) -> pl.DataFrame:
    """The documents among entries that are on the list."""
    taken = entries["corrects"].drop_nulls()
    return entries.filter(pl.col("corrects").is_null() & ~pl.col("document_id").is_in(taken.implode()))


def add_document(engine: Engine, deal_id: int, name: str, link: str, agent: str, *, nonce: str, why: str = "") -> int:
    """Put a document on a deal's list; gives its id, for a `nonce` that came before the one it made then.

    Raises `CallError` without a name, or for a link that the rules do not allow.
    """
    permit(engine, "move_deal", agent)
    name, why = " ".join(name.split()), why.strip()
    if not name:
        raise CallError(Problem("deal.document_without_name"))
    check_texts(document_name=name, why=why)
    values = {"deal_id": deal_id, "name": name, "link": checked_link(link), "why": why}
    with writing(engine) as connection:
        newest_event(connection, deal_id)
        made = entry_of(connection, deal_document, agent, nonce)
        return add_entry(connection, deal_document, agent, nonce, values) if made is None else made


def take_document(engine: Engine, document_id: int, agent: str, *, nonce: str, why: str) -> int:
    """Take a document from the list; gives the id of the entry that does so.

    Raises `CallError` without a why, `LedgerError` for one that is not on the list.
    """
    permit(engine, "move_deal", agent)
    why = why.strip()
    if not why:
        raise CallError(Problem("deal.needs_why"))
    check_texts(why=why)
    with writing(engine) as connection:
        row = connection.execute(select(deal_document).where(deal_document.c.document_id == document_id)).one_or_none()
        if row is None or row.corrects is not None:
            raise LedgerError(Problem("deal.unknown_document", values={"document": document_id}))
        newest_event(connection, row.deal_id)
        if (made := entry_of(connection, deal_document, agent, nonce)) is not None:
            return made
        if connection.execute(select(deal_document).where(deal_document.c.corrects == document_id)).first():
            raise LedgerError(Problem("deal.unknown_document", values={"document": document_id}))
        values = {"deal_id": row.deal_id, "name": row.name, "link": row.link, "corrects": document_id, "why": why}
        return add_entry(connection, deal_document, agent, nonce, values)
