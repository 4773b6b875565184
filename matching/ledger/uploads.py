"""Files in the ledger: what one changes, loading it in one transaction, taking it back as a whole, its original."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl
from sqlalchemy import ColumnElement, Connection, Engine, func, insert, select, true

from matching.errors import LedgerError, Problem
from matching.intake.organisations import organisation_key
from matching.intake.reading import Reading
from matching.ledger.column_choices import remember
from matching.ledger.database import now, reading, writing
from matching.ledger.deal_closing import close_deals_of
from matching.ledger.decisions import standing_decisions
from matching.ledger.frames import frame, write_frames
from matching.ledger.organisation_names import add_names, names_in
from matching.ledger.presence import OUT_OF_USE, add_marks, marked
from matching.ledger.rights import Viewer, permit, viewer_of
from matching.ledger.scope import refuse_foreign, refuse_institute
from matching.ledger.tables import (
    GONE,
    KEPT,
    MISSING,
    PRESENT,
    RECORD_TABLE,
    near_pair,
    original,
    record_field,
    record_quality,
    upload,
    upload_repeat,
    upload_reversal,
)
from matching.ledger.versions import counts, newest_versions
from matching.ledger.withdrawal import out_of_use_with_deals
from matching.schema import DUPLICATES, FIELDS, ID, Kind

UPLOADS: Final[dict[str, pl.DataType]] = {
    "upload_id": pl.Int64(),
    "kind": pl.String(),
    "file_name": pl.String(),
    "institute": pl.String(),
    "rows": pl.Int64(),
    "new": pl.Int64(),
    "changed": pl.Int64(),
    "unchanged": pl.Int64(),
    "left_out": pl.Int64(),
    "refused": pl.Int64(),
    "missing": pl.Int64(),
    "agent": pl.String(),
    "at": pl.String(),
    "reversed_by": pl.String(),
    "reversed_at": pl.String(),
    "kept": pl.Boolean(),
}
# Records named in a message.
_NAMED: Final = 10


@dataclass(frozen=True)
class Difference:
    """What a file changes: ids of records that are new, changed, the same as in the ledger, and missing from the file.

    Missing are the records that came with earlier files of the same institute.
    """

    new: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    missing: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each."""
        return {name: len(getattr(self, name)) for name in ("new", "changed", "unchanged", "missing")}


@dataclass(frozen=True)
class Beside:
    """What comes with a file beside its records.

    The institute whose file it is, the file's bytes, columns chosen by hand (by normalised heading) and names of
    organisations confirmed with it, the quality of its records (columns record_id, quality, vague, lacks, and the
    version of the rules), and pairs of records that look alike (`schema.DUPLICATES`).
    """

    institute: str = ""
    content: bytes = b""
    columns: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    quality: pl.DataFrame | None = None
    rules: str = ""
    near: pl.DataFrame | None = None


def difference(engine: Engine, read: Reading, institute: str = "") -> Difference:
    """What loading a file would change. Raises `NotPermitted` for an institute's file with records of another."""
    permit(engine, "load")
    with reading(engine) as connection:
        refuse_foreign(connection, viewer_of(engine), read.kind, [*read.frame[ID[read.kind]], *_rejected(read)])
        return _compare(connection, read, institute)


def add(
    engine: Engine,
    read: Reading,
    fields: pl.DataFrame,
    agent: str,
    progress: Callable[[int, int], None] | None = None,
    beside: Beside | None = None,
    expected: Difference | None = None,
) -> Difference:
    """Load a file: new records, new versions of changed ones, and what comes beside them, in one transaction.

    `fields` is a frame of `schema.FIELDS` for the file's records. Open deals of records that it says are withdrawn or
    closed end. Loading the same file again changes nothing but the
    list of uploads. `progress` is called with the batches of rows written and their total. Raises `LedgerError` where
    the ledger has changed so that the difference is not the expected one.
    """
    permit(engine, "load", agent)
    beside = beside or Beside()
    refuse_institute(viewer_of(engine), beside.institute)
    if beside.names:
        permit(engine, "confirm_name", agent)
    table = RECORD_TABLE[read.kind]
    with writing(engine) as connection:
        refuse_foreign(connection, viewer_of(engine), read.kind, [*read.frame[ID[read.kind]], *_rejected(read)])
        found = _compare(connection, read, beside.institute)
        if expected is not None and found != expected:
            raise LedgerError(Problem("upload.changed_meanwhile", values={"file": read.file}))
        _keep(connection, read.sha256, beside.content)
        upload_id = connection.execute(
            insert(upload)
            .values(
                kind=read.kind,
                file_name=read.file,
                sha256=read.sha256,
                rows=read.rows,
                **found.counts,
                left_out=len(read.left_out),
                refused=read.refused,
                institute=beside.institute,
                agent=agent,
                at=now(),
            )
            .returning(upload.c.upload_id)
        ).scalar_one()
        versions = _next_versions(connection, read.kind, (*found.new, *found.changed))
        written = [
            (table, _versioned(read.frame, ID[read.kind], versions).with_columns(upload_id=pl.lit(upload_id))),
            (record_field, _versioned(fields.select(FIELDS.keys()), "record_id", versions)),
            (record_quality, _versioned(beside.quality, "record_id", versions).with_columns(rules=pl.lit(beside.rules)))
            if beside.quality is not None
            else None,
            (near_pair, beside.near.select(DUPLICATES.keys()).with_columns(upload_id=pl.lit(upload_id)))
            if beside.near is not None
            else None,
            (upload_repeat, _repeats(connection, read.kind, found.unchanged, upload_id)),
        ]
        kind = pl.lit(read.kind)
        frames = [
            (each, rows if each is table else rows.with_columns(kind=kind)) for each, rows in filter(None, written)
        ]
        write_frames(connection, frames, progress)
        there = {*read.frame[ID[read.kind]], *_rejected(read)}
        back = marked(connection, read.kind, MISSING, GONE, KEPT) & there
        add_marks(connection, read.kind, sorted(back), PRESENT, agent, upload_id)
        add_marks(connection, read.kind, found.missing, MISSING, agent, upload_id)
        remember(connection, read.kind, beside.institute, beside.columns, agent)
        add_names(connection, beside.names, agent)
        out = read.frame.filter(pl.col("status") == OUT_OF_USE[read.kind])[ID[read.kind]]
        withdrawn = set(out) & {*found.new, *found.changed}
        close_deals_of(connection, read.kind, dict.fromkeys(sorted(withdrawn), read.file), agent)
    return found


def add_quality(engine: Engine, kind: Kind, scored: pl.DataFrame, rules: str) -> None:
    """Write the quality of records (record_id, version, quality, vague, lacks) by rules that it is not known of yet."""
    permit(engine, "match")
    with writing(engine) as connection:
        query = select(record_quality.c.record_id, record_quality.c.version).where(
            record_quality.c.kind == kind, record_quality.c.rules == rules
        )
        known = frame(connection, query, {"record_id": pl.String, "version": pl.Int64})
        fresh = scored.join(known, on=["record_id", "version"], how="anti")
        write_frames(connection, [(record_quality, fresh.with_columns(kind=pl.lit(kind), rules=pl.lit(rules)))])


def _versioned(rows: pl.DataFrame, identity: str, versions: pl.DataFrame) -> pl.DataFrame:
    """Rows of the records that get a version, with it."""
    return rows.join(versions, left_on=identity, right_on="record_id", maintain_order="left")


def _repeats(connection: Connection, kind: Kind, record_ids: tuple[str, ...], upload_id: int) -> pl.DataFrame:
    """Records that an upload repeats, with the version that it repeats."""
    current = {row[0]: row.version for row in connection.execute(newest_versions(RECORD_TABLE[kind]))}
    rows = [(upload_id, key, current[key]) for key in record_ids]
    schema = {"upload_id": pl.Int64, "record_id": pl.String, "version": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _keep(connection: Connection, sha256: str, content: bytes) -> None:
    """Keep a file's bytes, once however often it is loaded."""
    if content and connection.execute(select(original.c.sha256).where(original.c.sha256 == sha256)).first() is None:
        connection.execute(insert(original).values(sha256=sha256, content=zlib.compress(content, level=1)))


def _next_versions(connection: Connection, kind: Kind, record_ids: tuple[str, ...]) -> pl.DataFrame:
    """The version that each record gets next: one more than any it ever had. Columns record_id, version."""
    table = RECORD_TABLE[kind]
    identity = table.c[ID[kind]]
    query = select(identity, func.max(table.c.version).label("version")).group_by(identity)
    last = {row[0]: row.version for row in connection.execute(query)}
    rows = [(key, last.get(key, 0) + 1) for key in record_ids]
    return pl.DataFrame(rows, schema={"record_id": pl.String, "version": pl.Int64}, orient="row")


def _compare(connection: Connection, read: Reading, institute: str) -> Difference:
    known = _hashes(connection, read.kind)
    groups: dict[str, list[str]] = {"new": [], "changed": [], "unchanged": []}
    for key, digest in read.frame.select(ID[read.kind], "content_hash").iter_rows():
        if key not in known:
            groups["new"].append(key)
        elif known[key] == digest:
            groups["unchanged"].append(key)
        else:
            groups["changed"].append(key)
    missing = _missing(connection, read, institute) if institute else ()
    return Difference(tuple(groups["new"]), tuple(groups["changed"]), tuple(groups["unchanged"]), missing)


def _hashes(connection: Connection, kind: Kind) -> dict[str, str]:
    """Content hash of every record's newest version, by id."""
    table = RECORD_TABLE[kind]
    newest = newest_versions(table).subquery()
    query = select(table.c[ID[kind]], table.c.content_hash).join(
        newest, (table.c[ID[kind]] == newest.c[ID[kind]]) & (table.c.version == newest.c.version)
    )
    return {row[0]: row.content_hash for row in connection.execute(query)}


def _missing(connection: Connection, read: Reading, institute: str) -> tuple[str, ...]:
    """Records that an earlier file of the institute had, that this file has not, and that nobody has spoken of."""
    table = RECORD_TABLE[read.kind]
    identity = table.c[ID[read.kind]]
    own = _uploads_of(connection, read.kind, institute)
    counting = select(newest_versions(table).subquery().c[ID[read.kind]])
    came: set[str] = set()
    for brought in (
        select(identity).where(table.c.upload_id.in_(own)),
        select(upload_repeat.c.record_id).where(upload_repeat.c.upload_id.in_(own)),
    ):
        came |= {key for (key,) in connection.execute(brought)}
    if not came:
        return ()
    came &= {key for (key,) in connection.execute(counting)}
    there = {*read.frame[ID[read.kind]], *_rejected(read)}
    return tuple(sorted(came - there - marked(connection, read.kind, MISSING, GONE, KEPT)))


def _rejected(read: Reading) -> list[str]:
    return [] if read.rejected is None else read.rejected[ID[read.kind]].to_list()


def _uploads_of(connection: Connection, kind: Kind, institute: str, *, standing: bool = True) -> list[int]:
    """Uploads of an institute, however its name was written: those that stand, or all."""
    query = select(upload.c.upload_id, upload.c.institute).where(upload.c.kind == kind, upload.c.institute != "")
    if standing:
        query = query.where(upload.c.upload_id.not_in(select(upload_reversal.c.upload_id)))
    names = names_in(connection)
    key = organisation_key(institute, names)
    return [row.upload_id for row in connection.execute(query) if organisation_key(row.institute, names) == key]


def _own(connection: Connection, viewer: Viewer | None) -> ColumnElement[bool]:
    """Condition for the uploads that a viewer may see: of an institute its own."""
    if viewer is None or viewer.role != "institute":
        return true()
    return upload.c.upload_id.in_(_uploads_of(connection, "achievements", viewer.organisation, standing=False))


def take_back(engine: Engine, upload_id: int, agent: str) -> None:
    """Take an upload back as a whole: what it brought no longer counts. Twice is as good as once.

    Open deals of records that were withdrawn or closed before it, and are so again, end.
    Raises `LedgerError` for an unknown upload, and where a record that only this upload brought was decided on: that
    is to be undone first.
    """
    permit(engine, "take_back_upload", agent)
    with writing(engine) as connection:
        query = select(upload.c.kind).where(upload.c.upload_id == upload_id, _own(connection, viewer_of(engine)))
        kind = connection.execute(query).scalar_one_or_none()
        if kind is None:
            raise LedgerError(Problem("upload.unknown", values={"upload": upload_id}))
        done = connection.execute(select(upload_reversal).where(upload_reversal.c.upload_id == upload_id)).first()
        if done is not None:
            return
        if used := _used(connection, kind, upload_id):
            values: dict[str, object] = {"upload": upload_id, "count": len(used), "identity": used[:_NAMED]}
            raise LedgerError(Problem("upload.in_use", values=values))
        connection.execute(insert(upload_reversal).values(upload_id=upload_id, agent=agent, at=now()))
        close_deals_of(connection, kind, out_of_use_with_deals(connection, kind), agent)


def _used(connection: Connection, kind: Kind, upload_id: int) -> list[str]:
    """Records that would not count without an upload, and that standing decisions are about."""
    table = RECORD_TABLE[kind]
    identity = table.c[ID[kind]]
    left = select(identity).where(counts(table, without=upload_id))
    lost = select(identity).where(counts(table), identity.not_in(left))
    decided = standing_decisions().subquery()
    used = select(decided.c[ID[kind]]).where(decided.c[ID[kind]].in_(lost))
    return sorted({key for (key,) in connection.execute(used)})


def uploads(engine: Engine) -> pl.DataFrame:
    """All uploads that the viewer may see, newest first (`UPLOADS`); `kept` says whether the original is there."""
    permit(engine, "read_uploads")
    taken_back = {"reversed_by": upload_reversal.c.agent, "reversed_at": upload_reversal.c.at}
    query = (
        select(
            *(upload.c[column] for column in UPLOADS if column in upload.c),
            *(column.label(name) for name, column in taken_back.items()),
            original.c.sha256.is_not(None).label("kept"),
        )
        .outerjoin(upload_reversal, upload_reversal.c.upload_id == upload.c.upload_id)
        .outerjoin(original, original.c.sha256 == upload.c.sha256)
        .order_by(upload.c.upload_id.desc())
    )
    with reading(engine) as connection:
        return frame(connection, query.where(_own(connection, viewer_of(engine))), UPLOADS)


def original_of(engine: Engine, upload_id: int) -> tuple[str, bytes]:
    """Name and bytes of an uploaded file as it came. Raises `LedgerError` where it was not kept."""
    permit(engine, "read_uploads")
    query = (
        select(upload.c.file_name, original.c.content)
        .join(original, original.c.sha256 == upload.c.sha256)
        .where(upload.c.upload_id == upload_id)
    )
    with reading(engine) as connection:
        row = connection.execute(query.where(_own(connection, viewer_of(engine)))).one_or_none()
    if row is None:
        raise LedgerError(Problem("upload.no_original", values={"upload": upload_id}))
    return row.file_name, zlib.decompress(row.content)
