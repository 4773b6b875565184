"""What is said of records beside what their files say: missing from the latest file, gone, kept; one entered twice.

Marks are appended; the newest counts, and none that came with an upload that was taken back. A record that is gone or
merged into another takes no part in matching: it is read with the status of one that was withdrawn or closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import polars as pl
from sqlalchemy import Connection, Engine, Select, func, insert, or_, select

from matching.errors import CallError, LedgerError, Problem
from matching.ledger.database import now, reading, writing
from matching.ledger.frames import frame
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


def _standing(kind: Kind, marks: Sequence[str]) -> Select[tuple[object, ...]]:
    """The newest of the named marks of each record, as rows of MARKS."""
    stands = or_(record_mark.c.upload_id.is_(None), record_mark.c.upload_id.not_in(select(upload_reversal.c.upload_id)))
    newest = (
        select(func.max(record_mark.c.mark_id))
        .where(record_mark.c.kind == kind, record_mark.c.mark.in_(marks), stands)
        .group_by(record_mark.c.record_id)
    )
    return select(*(record_mark.c[name] for name in MARKS)).where(record_mark.c.mark_id.in_(newest))


def missing(engine: Engine, kind: Kind) -> pl.DataFrame:
    """Records that the latest file of their institute lacks and nobody has said anything of (`MARKS`), by id."""
    with reading(engine) as connection:
        found = frame(connection, _standing(kind, PRESENCE), MARKS)
        gone = _uncounted(connection, kind)
    return found.filter(pl.col("mark") == MISSING, ~pl.col("record_id").is_in(gone)).sort("record_id")


def _uncounted(connection: Connection, kind: Kind) -> list[str]:
    """Records that the ledger knows and of which no version counts any more."""
    return [key for (key,) in connection.execute(without_version(RECORD_TABLE[kind]))]


def marked(connection: Connection, kind: Kind, *marks: str) -> set[str]:
    """Ids of the records whose newest mark of presence is one of those named."""
    found = frame(connection, _standing(kind, PRESENCE), MARKS)
    return set(found.filter(pl.col("mark").is_in(marks))["record_id"])


def out_of_use(connection: Connection, kind: Kind) -> pl.DataFrame:
    """Records that are gone or merged into another: columns record_id, other (the record they are, null if gone)."""
    gone = frame(connection, _standing(kind, PRESENCE), MARKS).filter(pl.col("mark") == GONE)
    merged = frame(connection, _standing(kind, _IDENTITY), MARKS).filter(pl.col("mark") == MERGED)
    return pl.concat([merged, gone]).unique("record_id", keep="first", maintain_order=True).select("record_id", "other")


def settle_missing(engine: Engine, kind: Kind, record_ids: Iterable[str], *, gone: bool, agent: str) -> int:
    """Say of missing records that they are gone, or that they hold all the same; how many were missing.

    Raises `LedgerError` for a record that is not missing.
    """
    ids = list(dict.fromkeys(record_ids))
    with writing(engine) as connection:
        known = marked(connection, kind, MISSING)
        if unknown := [each for each in ids if each not in known]:
            raise LedgerError(Problem("presence.not_missing", values={"identity": unknown[:10]}))
        add_marks(connection, kind, ids, GONE if gone else KEPT, agent)
    return len(ids)


def add_marks(
    connection: Connection, kind: Kind, record_ids: Sequence[str], mark: str, agent: str, upload_id: int | None = None
) -> None:
    """Append a mark to each record, in a transaction that is under way."""
    if record_ids:
        common = {"kind": kind, "mark": mark, "upload_id": upload_id, "agent": agent, "at": now()}
        connection.execute(insert(record_mark), [{**common, "record_id": each} for each in record_ids])


def settle_near(engine: Engine, kind: Kind, record_id: str, other: str, *, same: bool, agent: str) -> None:
    """Say of two records that look alike that the first is the other one entered twice, or that they are two.

    What already stands is not written again. Raises `CallError` for a record and itself, or for one merged into a
    record that is itself merged.
    """
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
