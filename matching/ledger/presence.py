"""What is said of records beside what their files say: missing from the latest file, gone, kept; one entered twice.

Marks are appended; the newest counts, and none that came with an upload that was taken back. A record that is gone or
merged into another takes no part in matching: it is read with the status of one that was withdrawn or closed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

import polars as pl
from sqlalchemy import ColumnElement, Connection, Engine, Select, func, insert, or_, select

from matching.errors import CallError, LedgerError, Problem
from matching.ledger.database import now, reading, writing
from matching.ledger.deal_closing import close_deals_of
from matching.ledger.frames import frame
from matching.ledger.rights import permit, viewer_of
from matching.ledger.scope import refuse_foreign, visible
from matching.ledger.tables import (
    DISTINCT,
    GONE,
    KEPT,
    MERGED,
    MISSING,
    PRESENCE,
    RECORD_TABLE,
    SPLIT,
    near_pair,
    record_mark,
    upload_reversal,
)
from matching.ledger.versions import newest_version, without_version
from matching.schema import DUPLICATES, Kind

MARKS: Final[dict[str, pl.DataType]] = {
    "record_id": pl.String(),
    "mark": pl.String(),
    "other": pl.String(),
    "upload_id": pl.Int64(),
    "agent": pl.String(),
    "at": pl.String(),
}
# How a record that takes no part is read.
OUT_OF_USE: Final[dict[Kind, str]] = {"demands": "closed", "achievements": "withdrawn"}
_IDENTITY: Final = (MERGED, SPLIT)


def _stands() -> ColumnElement[bool]:
    """Whether a mark did not come with an upload that was taken back."""
    return or_(record_mark.c.upload_id.is_(None), record_mark.c.upload_id.not_in(select(upload_reversal.c.upload_id)))


def _standing(
    kind: Kind, marks: Sequence[str], record_ids: Collection[str] | None = None
) -> Select[tuple[object, ...]]:
    """The newest of the named marks of each record, or of these records, as rows of MARKS."""
    newest = (
        select(func.max(record_mark.c.mark_id))
        .where(record_mark.c.kind == kind, record_mark.c.mark.in_(marks), _stands())
        .group_by(record_mark.c.record_id)
    )
    if record_ids is not None:
        newest = newest.where(record_mark.c.record_id.in_(record_ids))
    return select(*(record_mark.c[name] for name in MARKS)).where(record_mark.c.mark_id.in_(newest))


def missing(engine: Engine, kind: Kind) -> pl.DataFrame:
    """Records that the latest file of their institute lacks and nobody has said anything of (`MARKS`), by id."""
    permit(engine, "read_records")
    with reading(engine) as connection:
        found = frame(connection, _standing(kind, PRESENCE), MARKS)
        found = visible(connection, viewer_of(engine), kind, found, "record_id")
        gone = _uncounted(connection, kind)
    return found.filter(pl.col("mark") == MISSING, ~pl.col("record_id").is_in(gone)).sort("record_id")


def _uncounted(connection: Connection, kind: Kind) -> list[str]:
    """Records that the ledger knows and of which no version counts any more."""
    return [key for (key,) in connection.execute(without_version(RECORD_TABLE[kind]))]


def marked(connection: Connection, kind: Kind, *marks: str) -> set[str]:
    """Ids of the records whose newest mark of presence is one of those named."""
    found = frame(connection, _standing(kind, PRESENCE), MARKS)
    return set(found.filter(pl.col("mark").is_in(marks))["record_id"])


def is_set_aside(connection: Connection, kind: Kind, record_id: str) -> bool:
    """Whether one record is gone or merged into another: what `out_of_use` says of it, for every decision asks."""
    query = (
        select(record_mark.c.mark)
        .where(record_mark.c.kind == kind, record_mark.c.record_id == record_id, _stands())
        .order_by(record_mark.c.mark_id)
    )
    said = list(connection.execute(query).scalars())
    newest = [next((mark for mark in reversed(said) if mark in marks), None) for marks in (PRESENCE, _IDENTITY)]
    return newest[0] == GONE or newest[1] == MERGED


def out_of_use(connection: Connection, kind: Kind, record_ids: Collection[str] | None = None) -> pl.DataFrame:
    """Records that are gone or merged into another: columns record_id, other (the record they are, null if gone).

    Of all records, or of a few that are named.
    """
    gone = frame(connection, _standing(kind, PRESENCE, record_ids), MARKS).filter(pl.col("mark") == GONE)
    merged = frame(connection, _standing(kind, _IDENTITY, record_ids), MARKS).filter(pl.col("mark") == MERGED)
    return pl.concat([merged, gone]).unique("record_id", keep="first", maintain_order=True).select("record_id", "other")


def settle_missing(engine: Engine, kind: Kind, record_ids: Iterable[str], *, gone: bool, agent: str) -> int:
    """Say of missing records that they are gone, or that they hold all the same; how many were missing.

    Open deals of those that are gone end with them. Raises `LedgerError` for a record that is not missing.
    """
    permit(engine, "settle_missing", agent)
    ids = list(dict.fromkeys(record_ids))
    with writing(engine) as connection:
        refuse_foreign(connection, viewer_of(engine), kind, ids)
        known = marked(connection, kind, MISSING)
        if unknown := [each for each in ids if each not in known]:
            raise LedgerError(Problem("presence.not_missing", values={"identity": unknown[:10]}))
        add_marks(connection, kind, ids, GONE if gone else KEPT, agent)
        if gone:
            close_deals_of(connection, kind, dict.fromkeys(ids, ""), agent)
    return len(ids)


def add_marks(
    connection: Connection,
    kind: Kind,
    record_ids: Sequence[str],
    mark: str,
    agent: str,
    upload_id: int | None = None,
    why: str = "",
) -> None:
    """Append a mark to each record, in a transaction that is under way."""
    if record_ids:
        common = {"kind": kind, "mark": mark, "upload_id": upload_id, "why": why, "agent": agent, "at": now()}
        connection.execute(insert(record_mark), [{**common, "record_id": each} for each in record_ids])


def settle_near(engine: Engine, kind: Kind, record_id: str, other: str, *, same: bool, agent: str) -> None:
    """Say of two records that look alike that the first is the other one entered twice, or that they are two.

    Open deals of a record that is merged end with it. What already stands is not written again. Raises `CallError` for
    a record and itself, or for one merged into a record that is itself merged.
    """
    permit(engine, "settle_near", agent)
    if record_id == other:
        raise CallError(Problem("presence.same_record", values={"identity": record_id}))
    with writing(engine) as connection:
        _check_known(connection, kind, (record_id, other))
        merged = {row["record_id"]: row["other"] for row in _merged(connection, kind)}
        taken = [each for each, part in ((other, other in merged), (record_id, record_id in merged.values())) if part]
        if same and taken:
            raise CallError(Problem("presence.merged_already", values={"identity": taken[0]}))
        entry = {"kind": kind, "agent": agent, "at": now()}
        if same and merged.get(record_id) != other:
            connection.execute(insert(record_mark).values(**entry, record_id=record_id, other=other, mark=MERGED))
            close_deals_of(connection, kind, {record_id: f"→ {other}"}, agent)
        elif not same:
            for one, into in ((record_id, other), (other, record_id)):
                if merged.get(one) == into:
                    connection.execute(insert(record_mark).values(**entry, record_id=one, other=into, mark=SPLIT))
            if tuple(sorted((record_id, other))) not in _distinct(connection, kind):
                connection.execute(insert(record_mark).values(**entry, record_id=record_id, other=other, mark=DISTINCT))


def _check_known(connection: Connection, kind: Kind, record_ids: Iterable[str]) -> None:
    for record_id in record_ids:
        if connection.execute(select(newest_version(RECORD_TABLE[kind], record_id))).scalar_one() is None:
            raise LedgerError(Problem("ledger.no_record", values={"identity": record_id}))


def _merged(connection: Connection, kind: Kind) -> list[dict[str, str]]:
    found = frame(connection, _standing(kind, _IDENTITY), MARKS)
    return found.filter(pl.col("mark") == MERGED).select("record_id", "other").to_dicts()


def _distinct(connection: Connection, kind: Kind) -> set[tuple[str, ...]]:
    query = select(record_mark.c.record_id, record_mark.c.other).where(
        record_mark.c.kind == kind, record_mark.c.mark == DISTINCT
    )
    return {tuple(sorted(row)) for row in connection.execute(query)}


def near_pairs(engine: Engine, kind: Kind) -> pl.DataFrame:
    """Pairs of records that look alike and nobody has settled (`schema.DUPLICATES`), the likest first."""
    permit(engine, "settle_near")
    query = (
        select(*(near_pair.c[name] for name in DUPLICATES))
        .where(near_pair.c.kind == kind, near_pair.c.upload_id.not_in(select(upload_reversal.c.upload_id)))
        .order_by(near_pair.c.pair_id)
    )
    with reading(engine) as connection:
        found = frame(connection, query, DUPLICATES).unique(["first_id", "second_id"], keep="last", maintain_order=True)
        settled = _distinct(connection, kind)
        out = pl.Series([*out_of_use(connection, kind)["record_id"], *_uncounted(connection, kind)], dtype=pl.String)
    open_pairs = pl.Series(
        [pair not in settled for pair in found.select("first_id", "second_id").rows()], dtype=pl.Boolean
    )
    in_use = ~pl.col("first_id").is_in(out.implode()) & ~pl.col("second_id").is_in(out.implode())
    return found.filter(open_pairs).filter(in_use).sort(pl.col("likeness").neg(), "first_id", "second_id")
