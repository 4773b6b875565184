"""Columns that a person chose by hand, remembered for each institute."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, Engine, func, insert, select

from matching.ledger.database import now, reading
from matching.ledger.rights import permit, viewer_of
from matching.ledger.scope import refuse_institute
from matching.ledger.tables import column_choice
from matching.schema import Kind


def remember(connection: Connection, kind: Kind, institute: str, columns: Mapping[str, str], agent: str) -> None:
    """Append the choices (column by normalised heading, "" for an extra) that are not known yet."""
    known = _choices(connection, kind, institute)
    # Without an institute there is nobody to remember them for.
    fresh = {heading: column for heading, column in columns.items() if known.get(heading) != column and institute}
    if fresh:
        common = {"kind": kind, "institute": institute, "agent": agent, "at": now()}
        rows = [{**common, "heading": heading, "column_name": column} for heading, column in fresh.items()]
        connection.execute(insert(column_choice), rows)


def column_choices(engine: Engine, kind: Kind, institute: str) -> dict[str, str]:
    """What an institute's headings were said to be: the column by normalised heading, "" for an extra.

    Raises `NotPermitted` where an institute asks for another's.
    """
    permit(engine, "load")
    refuse_institute(viewer_of(engine), institute)
    with reading(engine) as connection:
        return _choices(connection, kind, institute)


def _choices(connection: Connection, kind: Kind, institute: str) -> dict[str, str]:
    newest = (
        select(func.max(column_choice.c.choice_id))
        .where(column_choice.c.kind == kind, column_choice.c.institute == institute)
        .group_by(column_choice.c.heading)
    )
    query = select(column_choice.c.heading, column_choice.c.column_name).where(column_choice.c.choice_id.in_(newest))
    return {row.heading: row.column_name for row in connection.execute(query)}
