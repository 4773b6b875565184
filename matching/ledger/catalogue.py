"""Demands and achievements in the ledger: uploads, versions, what is current."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
from sqlalchemy import Connection, Engine, Select, Table, distinct, func, insert, select

from matching.errors import LedgerError, Problem
from matching.intake.reading import Reading
from matching.ledger.corrections import overlaid
from matching.ledger.database import now, reading, writing
from matching.ledger.frames import frame, write_frames
from matching.ledger.tables import RECORD_TABLE, record_field, upload
from matching.schema import FIELDS, ID, PROVENANCE, RECORD, Kind

_VERSION: Final[dict[str, pl.DataType]] = {"version": pl.Int64(), "upload_id": pl.Int64()}
UPLOADS: Final[dict[str, pl.DataType]] = {
    "upload_id": pl.Int64(),
    "kind": pl.String(),
    "file_name": pl.String(),
    "rows": pl.Int64(),
    "new": pl.Int64(),
    "changed": pl.Int64(),
    "unchanged": pl.Int64(),
    "left_out": pl.Int64(),
    "agent": pl.String(),
    "at": pl.String(),
}


@dataclass(frozen=True)
class Difference:
    """What a file changes: ids of records that are new, changed, and the same as in the ledger."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each."""
        return {"new": len(self.new), "changed": len(self.changed), "unchanged": len(self.unchanged)}


def current_version(table: Table) -> Select[tuple[object, ...]]:
    """Each record's id and its newest version."""
    identity = table.primary_key.columns[0]
    return select(identity, func.max(table.c.version).label("version")).group_by(identity)


def current_records(engine: Engine, kind: Kind, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The newest version of every record, in the order of ids.

    Columns: those asked for, or the record's columns, source_row, content_hash, version and upload_id. Asking for
    few is several times faster.
    """
    table = RECORD_TABLE[kind]
    known = {**RECORD[kind], **PROVENANCE, **_VERSION}
    schema = {name: known[name] for name in columns or known}
    newest = current_version(table).subquery()
    query = (
        select(*(table.c[column] for column in schema))
        .join(
            newest,
            (table.c[ID[kind]] == newest.c[ID[kind]]) & (table.c.version == newest.c.version),
        )
        .order_by(table.c[ID[kind]])
    )
    with reading(engine) as connection:
        return frame(connection, query, schema)


def count_records(engine: Engine, kind: Kind) -> int:
    """How many records there are, whatever their versions."""
    identity = RECORD_TABLE[kind].c[ID[kind]]
    with reading(engine) as connection:
        return connection.execute(select(func.count(distinct(identity)))).scalar_one()


def record(engine: Engine, kind: Kind, record_id: str) -> dict[str, object]:
    """The newest version of one record, by column. Raises `LedgerError` when there is none."""
    table = RECORD_TABLE[kind]
    query = (
        select(*(table.c[column] for column in RECORD[kind]))
        .where(table.c[ID[kind]] == record_id)
        .order_by(table.c.version.desc())
        .limit(1)
    )
    with reading(engine) as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise LedgerError(Problem("ledger.no_record", values={"identity": record_id}))
    return dict(row._mapping)


def fields_of(engine: Engine, kind: Kind, record_id: str) -> pl.DataFrame:
    """Fields of the newest version of one record, corrections included, as a frame of `schema.FIELDS`."""
    table = RECORD_TABLE[kind]
    newest = select(func.max(table.c.version)).where(table.c[ID[kind]] == record_id).scalar_subquery()
    query = (
        select(*(record_field.c[column] for column in FIELDS))
        .where(
            record_field.c.kind == kind,
            record_field.c.record_id == record_id,
            record_field.c.version == newest,
        )
        .order_by(record_field.c.taxonomy, record_field.c.confidence.desc(), record_field.c.code)
    )
    with reading(engine) as connection:
        return overlaid(connection, kind, frame(connection, query, FIELDS), record_id=record_id)


def current_fields(engine: Engine, kind: Kind, taxonomy: str | None = None, *, terms: bool = True) -> pl.DataFrame:
    """Fields of the newest version of every record, corrections included, as a frame of `schema.FIELDS`.

    Of one taxonomy alone when it is named; without the column of terms, which is slow to read, when not asked for.
    """
    table = RECORD_TABLE[kind]
    schema = {name: dtype for name, dtype in FIELDS.items() if terms or name != "terms"}
    newest = current_version(table).subquery()
    query = (
        select(*(record_field.c[column] for column in schema))
        .join(
            newest,
            (record_field.c.record_id == newest.c[ID[kind]]) & (record_field.c.version == newest.c.version),
        )
        .where(record_field.c.kind == kind)
        .order_by(record_field.c.record_id, record_field.c.taxonomy, record_field.c.confidence.desc())
    )
    if taxonomy is not None:
        query = query.where(record_field.c.taxonomy == taxonomy)
    with reading(engine) as connection:
        return overlaid(connection, kind, frame(connection, query, schema), taxonomy=taxonomy or "")


def difference(engine: Engine, read: Reading) -> Difference:
    """What loading a file would change."""
    with reading(engine) as connection:
        return _compare(read, _hashes(connection, read.kind))


def add(
    engine: Engine,
    read: Reading,
    fields: pl.DataFrame,
    agent: str,
    progress: Callable[[int, int], None] | None = None,
) -> Difference:
    """Load a file: new records, new versions of changed ones, and the upload itself, in one transaction.

    `fields` is a frame of `schema.FIELDS` for the file's records. Loading the same file again changes nothing.
    `progress` is called with the batches of rows written and their total.
    """
    table = RECORD_TABLE[read.kind]
    identity = ID[read.kind]
    with writing(engine) as connection:
        known = _hashes(connection, read.kind)
        found = _compare(read, known)
        upload_id = connection.execute(
            insert(upload)
            .values(
                kind=read.kind,
                file_name=read.file,
                sha256=read.sha256,
                rows=read.rows,
                **found.counts,
                left_out=len(read.left_out),
                agent=agent,
                at=now(),
            )
            .returning(upload.c.upload_id)
        ).scalar_one()
        version = {key: known[key][1] + 1 if key in known else 1 for key in (*found.new, *found.changed)}
        versions = pl.DataFrame(
            list(version.items()), schema={"record_id": pl.String, "version": pl.Int64}, orient="row"
        )
        records = read.frame.join(versions, left_on=identity, right_on="record_id", maintain_order="left")
        assigned = fields.join(versions, on="record_id", maintain_order="left")
        written = [
            (table, records.with_columns(upload_id=pl.lit(upload_id))),
            (record_field, assigned.with_columns(kind=pl.lit(read.kind))),
        ]
        write_frames(connection, written, progress)
    return found


def uploads(engine: Engine) -> pl.DataFrame:
    """All uploads, newest first."""
    query = select(*(upload.c[column] for column in UPLOADS)).order_by(upload.c.upload_id.desc())
    with reading(engine) as connection:
        return frame(connection, query, UPLOADS)


def _hashes(connection: Connection, kind: Kind) -> dict[str, tuple[str, int]]:
    """Content hash and version of every record's newest version, by id."""
    table = RECORD_TABLE[kind]
    identity = table.c[ID[kind]]
    rows = connection.execute(select(identity, table.c.content_hash, table.c.version).order_by(table.c.version))
    return {key: (digest, version) for key, digest, version in rows}


def _compare(read: Reading, known: dict[str, tuple[str, int]]) -> Difference:
    groups: dict[str, list[str]] = {"new": [], "changed": [], "unchanged": []}
    for key, digest in read.frame.select(ID[read.kind], "content_hash").iter_rows():
        if key not in known:
            groups["new"].append(key)
        elif known[key][0] == digest:
            groups["unchanged"].append(key)
        else:
            groups["changed"].append(key)
    return Difference(tuple(groups["new"]), tuple(groups["changed"]), tuple(groups["unchanged"]))
