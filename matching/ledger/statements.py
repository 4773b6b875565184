"""Facts that people state of a deal beside its terms. Entries are append-only; the newest of a name counts."""

from __future__ import annotations

from typing import Final

import polars as pl
from sqlalchemy import Connection, Engine, Select, func, select

from matching.ledger.database import reading, writing
from matching.ledger.deal_log import newest_event
from matching.ledger.deal_rules import check_texts
from matching.ledger.deal_scope import shown
from matching.ledger.frames import frame
from matching.ledger.presses import add_entry, entry_of
from matching.ledger.rights import permit
from matching.ledger.statement_kinds import fitting, statement_kinds
from matching.ledger.tables import deal_statement

_STANDING: Final[dict[str, pl.DataType]] = {
    "entry_id": pl.Int64(),
    "deal_id": pl.Int64(),
    "name": pl.String(),
    "value": pl.String(),
}


def state(engine: Engine, deal_id: int, name: str, value: str, agent: str, *, nonce: str, why: str = "") -> bool:
    """State a fact of a deal, "" to take it back; whether anything was written.

    What already stands is not written again, nor what the same `nonce` comes with once more. Raises `CallError` for a
    name that `statement_kinds` does not know, a value that does not fit its type, a why that is too long;
    `LedgerError` for an unknown deal.
    """
    permit(engine, "move_deal", agent)
    value, why = fitting(name, value), why.strip()
    check_texts(why=why)
    with writing(engine) as connection:
        newest_event(connection, deal_id)
        made = entry_of(connection, deal_statement, agent, nonce)
        if made is not None or _standing(connection, deal_id).get(name, "") == value:
            return False
        values = {"deal_id": deal_id, "name": name, "value": value, "why": why}
        add_entry(connection, deal_statement, agent, nonce, values)
    return True


def statements_of(engine: Engine, deal_id: int) -> dict[str, str]:
    """What is stated of a deal, by name, as far as the viewer is shown it.

    Nothing of a deal that is not shown, and no text that may tell whose a hidden demand is.
    """
    permit(engine, "read_deals")
    texts = [name for name, kind in statement_kinds().items() if kind.type == "text"]
    with reading(engine) as connection:
        found = frame(connection, _entries(deal_id), _STANDING).rename({"name": "fact"})
        # As notes of a deal, which people write in their own words.
        found = found.with_columns(pl.when(pl.col("fact").is_in(texts)).then("value").otherwise(None).alias("note"))
        found = shown(engine, connection, found)
    told = found.select("fact", pl.when(pl.col("fact").is_in(texts)).then("note").otherwise("value"))
    return {name: value for name, value in told.iter_rows() if value}


def _standing(connection: Connection, deal_id: int) -> dict[str, str]:
    return {row.name: row.value for row in connection.execute(_entries(deal_id))}


def _entries(deal_id: int) -> Select[int, int, str, str]:
    newest = (
        select(func.max(deal_statement.c.entry_id))
        .where(deal_statement.c.deal_id == deal_id)
        .group_by(deal_statement.c.name)
    )
    columns = (deal_statement.c.entry_id, deal_statement.c.deal_id, deal_statement.c.name, deal_statement.c.value)
    return (
        select(*columns)
        .where(deal_statement.c.entry_id.in_(newest), deal_statement.c.value != "")
        .order_by(deal_statement.c.entry_id)
    )
