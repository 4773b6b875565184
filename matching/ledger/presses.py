"""What one press of a person wrote. Each comes with a nonce of its own: the same one again writes nothing more."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, Table, insert, select

from matching.ledger.database import now


def entry_of(connection: Connection, table: Table, agent: str, nonce: str) -> int | None:
    """The entry of a table that this press of this agent made, by its key; None where it made none."""
    (key,) = table.primary_key.columns
    query = select(key).where(table.c.agent == agent, table.c.nonce == nonce)
    made: int | None = connection.execute(query).scalar_one_or_none()
    return made


def add_entry(connection: Connection, table: Table, agent: str, nonce: str, values: Mapping[str, object]) -> int:
    """Write what a press says, as of now; gives the key of the entry."""
    (key,) = table.primary_key.columns
    entry = {**values, "agent": agent, "nonce": nonce, "at": now()}
    made: int = connection.execute(insert(table).values(entry).returning(key)).scalar_one()
    return made
