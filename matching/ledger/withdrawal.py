"""Records that are withdrawn by hand, with a why, and what follows from it: no decisions, no open deals.

A record is *out of use* when it is marked as gone or merged, or its newest version says withdrawn or closed.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, Engine, select

from matching.errors import CallError, LedgerError, Problem
from matching.ledger.database import reading, writing
from matching.ledger.deal_closing import Closed, close_deals_of
from matching.ledger.deal_log import deals_of_records
from matching.ledger.deal_rules import check_texts
from matching.ledger.presence import OUT_OF_USE, add_marks, is_set_aside, marked, out_of_use
from matching.ledger.rights import permit, viewer_of
from matching.ledger.scope import refuse_foreign, visible_ids
from matching.ledger.tables import GONE, KEPT, RECORD_TABLE, deal
from matching.ledger.versions import counts, newest_version, newest_versions
from matching.schema import ID, KINDS, Kind

# Up to so many records are asked for by name; for more the whole list is read.
_NAMED: Final = 200


def withdraw(engine: Engine, kind: Kind, record_id: str, agent: str, why: str) -> Closed:
    """Mark a record as gone and end its open deals, in one transaction; once more does nothing.

    Gives the deals that ended, and the contracts that stay. Raises `CallError` without a why, `LedgerError` for a
    record that is not there.
    """
    permit(engine, "withdraw", agent)
    why = _checked(why)
    with writing(engine) as connection:
        refuse_foreign(connection, viewer_of(engine), kind, [record_id])
        _check_known(connection, kind, record_id)
        if record_id in marked(connection, kind, GONE):
            return Closed()
        add_marks(connection, kind, [record_id], GONE, agent, why=why)
        return close_deals_of(connection, kind, {record_id: why}, agent)


def restore(engine: Engine, kind: Kind, record_id: str, agent: str, why: str) -> None:
    """Take a withdrawal back: the record holds. Its deals stay ended until an agent opens them again.

    Raises `CallError` without a why, `LedgerError` for a record that is not marked as gone.
    """
    permit(engine, "withdraw", agent)
    why = _checked(why)
    with writing(engine) as connection:
        refuse_foreign(connection, viewer_of(engine), kind, [record_id])
        if record_id not in marked(connection, kind, GONE):
            raise LedgerError(Problem("withdrawal.not_withdrawn", values={"identity": record_id}))
        add_marks(connection, kind, [record_id], KEPT, agent, why=why)


def records_out_of_use(engine: Engine, kind: Kind, record_ids: Collection[str]) -> set[str]:
    """Those of the records that are out of use."""
    permit(engine, "read_records")
    with reading(engine) as connection:
        seen = visible_ids(connection, viewer_of(engine), kind)
        return out_of_use_among(connection, kind, record_ids if seen is None else seen.intersection(record_ids))


def out_of_use_among(connection: Connection, kind: Kind, record_ids: Collection[str]) -> set[str]:
    """`records_out_of_use` in a transaction that is under way."""
    if not record_ids:
        return set()
    wanted = set(record_ids)
    table = RECORD_TABLE[kind]
    few = wanted if len(wanted) <= _NAMED else None
    newest = newest_versions(table)
    if few is not None:
        newest = newest.where(table.c[ID[kind]].in_(few))
    standing = newest.subquery()
    query = (
        select(table.c[ID[kind]])
        .join(standing, (standing.c[ID[kind]] == table.c[ID[kind]]) & (standing.c.version == table.c.version))
        .where(table.c.status == OUT_OF_USE[kind])
    )
    said = set(connection.execute(query).scalars())
    return wanted & (said | set(out_of_use(connection, kind, few)["record_id"]))


def out_of_use_with_deals(connection: Connection, kind: Kind) -> dict[str, str]:
    """Records out of use whose deals have not ended, for `deal_closing.close_deals_of`."""
    in_deals = set(connection.execute(select(deal.c[ID[kind]])).scalars())
    with_open = {record_id for _, record_id, _ in deals_of_records(connection, kind, in_deals)}
    return dict.fromkeys(sorted(out_of_use_among(connection, kind, with_open)), "")


def refuse_out_of_use(connection: Connection, demand_id: str, achievement_id: str) -> None:
    """Raise `LedgerError` where one of a pair's records is out of use; records that are not known pass."""
    for kind, record_id in zip(KINDS, (demand_id, achievement_id), strict=True):
        table = RECORD_TABLE[kind]
        status = (
            select(table.c.status)
            .where(table.c[ID[kind]] == record_id, counts(table))
            .order_by(table.c.version.desc())
            .limit(1)
        )
        says = connection.execute(status).scalar_one_or_none()
        if says == OUT_OF_USE[kind] or is_set_aside(connection, kind, record_id):
            raise LedgerError(Problem(f"withdrawal.out_of_use_{kind}", values={"identity": record_id}))


def _checked(why: str) -> str:
    if not why.strip():
        raise CallError(Problem("withdrawal.needs_why"))
    check_texts(why=why.strip())
    return why.strip()


def _check_known(connection: Connection, kind: Kind, record_id: str) -> None:
    if connection.execute(select(newest_version(RECORD_TABLE[kind], record_id))).scalar_one() is None:
        raise LedgerError(Problem("ledger.no_record", values={"identity": record_id}))
