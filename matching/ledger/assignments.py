"""Whose work a demand is. Entries are append-only; the newest of a demand counts, and one without a holder frees it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import polars as pl
from sqlalchemy import Connection, Engine, Select, func, insert, select

from matching.errors import LedgerError, Problem
from matching.ledger.database import now, reading, writing
from matching.ledger.frames import frame
from matching.ledger.rights import permit, viewer_of
from matching.ledger.tables import assignment

HOLDERS: Final[dict[str, pl.DataType]] = {"demand_id": pl.String(), "holder": pl.String(), "at": pl.String()}


def holders(engine: Engine) -> pl.DataFrame:
    """Demands that somebody holds, by id (`HOLDERS`); `at` is since when, UTC."""
    permit(engine, "read_candidates")
    with reading(engine) as connection:
        return _holders(connection)


def claim(engine: Engine, demand_ids: Iterable[str], agent: str) -> int:
    """Take demands that nobody holds; how many they were. Those that another holds stay with them."""
    permit(engine, "assign", agent)
    with writing(engine) as connection:
        held = _holder_of(connection)
        return _write(connection, [each for each in dict.fromkeys(demand_ids) if held.get(each) is None], agent, agent)


def assign(engine: Engine, demand_ids: Iterable[str], holder: str | None, agent: str) -> int:
    """Give demands to an agent, or to nobody; how many changed hands.

    Raises `LedgerError` for a demand that somebody else holds, unless an administrator gives it.
    """
    permit(engine, "assign", agent)
    viewer = viewer_of(engine)
    ids = list(dict.fromkeys(demand_ids))
    with writing(engine) as connection:
        held = _holder_of(connection)
        others = [each for each in ids if held.get(each) not in (None, agent, holder)]
        if others and viewer is not None and viewer.role != "admin":
            values: dict[str, object] = {"identity": others[0], "agent": held[others[0]]}
            raise LedgerError(Problem("assignment.held", values=values))
        return _write(connection, [each for each in ids if held.get(each) != holder], holder, agent)


def _standing() -> Select[tuple[object, ...]]:
    newest = select(func.max(assignment.c.entry_id)).group_by(assignment.c.demand_id)
    return (
        select(*(assignment.c[name] for name in HOLDERS))
        .where(assignment.c.entry_id.in_(newest), assignment.c.holder.is_not(None))
        .order_by(assignment.c.demand_id)
    )


def _holders(connection: Connection) -> pl.DataFrame:
    return frame(connection, _standing(), HOLDERS)


def _holder_of(connection: Connection) -> dict[str, str]:
    return dict(_holders(connection).select("demand_id", "holder").iter_rows())


def _write(connection: Connection, demand_ids: list[str], holder: str | None, agent: str) -> int:
    entry = {"holder": holder, "agent": agent, "at": now()}
    if demand_ids:
        connection.execute(insert(assignment), [{**entry, "demand_id": each} for each in demand_ids])
    return len(demand_ids)
