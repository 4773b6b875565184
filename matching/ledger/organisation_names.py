"""Names of organisations that a person said to be one: what files write, and the name it stands for.

Files are kept as they came; where records are read, a name that was confirmed takes the place of what was written.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from sqlalchemy import Connection, Engine, func, insert, select

from matching.errors import CallError, Problem
from matching.intake.organisations import organisation_key
from matching.ledger.database import now, reading, writing
from matching.ledger.rights import permit, viewer_of
from matching.ledger.tables import organisation_name


def confirm(engine: Engine, names: Mapping[str, str | None], agent: str) -> int:
    """Say what written names stand for; a name for itself stands for no other, None takes back what was said.

    Returns how many were not said before. Raises `CallError` for a blank name.
    """
    permit(engine, "confirm_name", agent)
    with writing(engine) as connection:
        return add_names(connection, names, agent)


def add_names(connection: Connection, names: Mapping[str, str | None], agent: str) -> int:
    """`confirm` in a transaction that is under way."""
    if any(not written.strip() or (name is not None and not name.strip()) for written, name in names.items()):
        raise CallError(Problem("organisation.blank"))
    known = names_in(connection)
    fresh = {written: name for written, name in names.items() if known.get(written) != name}
    if fresh:
        at = now()
        rows = [{"written": written, "name": name, "agent": agent, "at": at} for written, name in fresh.items()]
        connection.execute(insert(organisation_name), rows)
    return len(fresh)


def confirmed_names(engine: Engine) -> dict[str, str]:
    """What each written name was said to stand for; an institute learns of its own names, an official of none."""
    permit(engine, "read_records")
    with reading(engine) as connection:
        names = names_in(connection)
    viewer = viewer_of(engine)
    if viewer is None or viewer.role in ("agent", "admin"):
        return names
    own = organisation_key(viewer.organisation, names) if viewer.organisation else None
    return {written: name for written, name in names.items() if organisation_key(written, names) == own}


def names_in(connection: Connection) -> dict[str, str]:
    """`confirmed_names` in a transaction that is under way."""
    newest = select(func.max(organisation_name.c.entry_id)).group_by(organisation_name.c.written)
    query = select(organisation_name.c.written, organisation_name.c.name).where(
        organisation_name.c.entry_id.in_(newest), organisation_name.c.name.is_not(None)
    )
    return {row.written: row.name for row in connection.execute(query)}


def with_names(connection: Connection, rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Rows with the confirmed names in a column of organisations."""
    confirmed = names_in(connection)
    return rows.with_columns(pl.col(column).replace(confirmed)) if confirmed else rows
