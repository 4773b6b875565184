"""Sealing: every transaction that adds rows ends by appending links to the chain, a link for each table.

Which tables a transaction inserts into is seen on the connection, so that no caller has to remember it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, Engine, Table, event, func, insert, select

from matching.ledger.canonical import Digest, own_key, place_of, stored_rows
from matching.ledger.tables import link, metadata

# What stands before the first link.
BEGINNING: Final = "0" * 64
SEALED: Final[dict[str, Table]] = {table.name: table for table in metadata.sorted_tables if table is not link}
_INSERT: Final = re.compile(r'\s*INSERT\s+(?:OR\s+\w+\s+)?INTO\s+"?(\w+)"?', re.IGNORECASE)
_NOTED: Final = "sealing"


@dataclass
class _Added:
    """A table that a transaction adds to: where it ended before; what of the rows was digested as it was written."""

    before: int
    digest: Digest | None = None
    whole: bool = True


def link_hash(previous: str, link_id: int, name: str, rows: int, last_place: int, digest: str, at: str) -> str:
    """SHA-256 over the hash of the link before and all values of a link, a line each."""
    lines = (previous, str(link_id), name, str(rows), str(last_place), digest, at)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def seal_transactions(engine: Engine, clock: Callable[[], str]) -> None:
    """From now on every transaction of the engine that adds rows is sealed before it is committed."""

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.info[_NOTED] = {}

    @event.listens_for(engine, "before_cursor_execute")
    def execute(connection: Connection, _cursor: object, statement: str, *_others: object) -> None:
        found = _INSERT.match(statement)
        if found and found[1] in SEALED:
            note(connection, SEALED[found[1]])

    @event.listens_for(engine, "commit")
    def commit(connection: Connection) -> None:
        noted: dict[str, _Added] = connection.info.pop(_NOTED, None) or {}
        if noted:
            seal(connection, noted, clock())


def come_with_links(connection: Connection) -> None:
    """Do not seal what this transaction adds: it is copied together with the links that seal it."""
    connection.info[_NOTED] = None


def note(connection: Connection, table: Table) -> None:
    """A row is about to be added to a table."""
    noted: dict[str, _Added] | None = connection.info.get(_NOTED)
    if noted is not None and table.name not in noted:
        noted[table.name] = _Added(_last_place(connection, table))


def note_frame(connection: Connection, table: Table, rows: pl.DataFrame, *, starts: bool) -> None:
    """A lot of rows in the stored form is about to be added: digested now, it need not be read back.

    `starts` says that it is the first of its frame; only one frame of a table can be digested in this way, and only
    where the table does not give the rows their keys.
    """
    note(connection, table)
    added: _Added | None = (connection.info.get(_NOTED) or {}).get(table.name)
    if added is None or own_key(table) is not None:
        return
    if starts:
        added.whole = added.digest is None
        added.digest = added.digest or Digest(table)
    if added.digest is not None and added.whole:
        added.digest.add_frame(rows)


def _last_place(connection: Connection, table: Table) -> int:
    place = place_of(table, connection.dialect.name)
    return connection.execute(select(func.coalesce(func.max(place), 0)).select_from(table)).scalar_one()


def seal_all(connection: Connection, at: str) -> None:
    """Seal what a ledger held before it had a chain."""
    seal(connection, {name: _Added(0) for name in SEALED}, at)


def seal(connection: Connection, noted: dict[str, _Added], at: str) -> None:
    """Append a link for each table with rows beyond where it ended before."""
    newest = connection.execute(select(link.c.link_id, link.c.hash).order_by(link.c.link_id.desc()).limit(1)).first()
    link_id, previous = (newest.link_id, newest.hash) if newest else (0, BEGINNING)
    links: list[dict[str, Any]] = []
    for name, added in noted.items():
        last, digest = _digested(connection, SEALED[name], added)
        if not digest.rows:
            continue
        link_id += 1
        values = {"table_name": name, "rows": digest.rows, "last_place": last, "digest": digest.hexdigest(), "at": at}
        previous = link_hash(previous, link_id, name, digest.rows, last, digest.hexdigest(), at)
        links.append({"link_id": link_id, **values, "hash": previous})
    if links:
        connection.execute(insert(link), links)


def _digested(connection: Connection, table: Table, added: _Added) -> tuple[int, Digest]:
    """Where a table ends now, and the digest of the rows beyond where it ended before."""
    if added.digest is not None and added.whole:
        place = place_of(table, connection.dialect.name)
        first = select(func.min(place)).select_from(table).where(place > added.before).scalar_subquery()
        last = select(func.max(place)).select_from(table).scalar_subquery()
        ends = connection.execute(select(first.label("first"), last.label("last"))).one()
        # As many places as rows were digested: there are no others among them.
        if ends.first is not None and ends.last - ends.first + 1 == added.digest.rows:
            return ends.last, added.digest
    digest = Digest(table)
    place_reached = added.before
    for rows in stored_rows(connection, table, added.before, streamed=False):
        digest.add_rows(rows)
        place_reached = rows[-1][0]
    return place_reached, digest
