"""Which versions of records counted at a moment, and which records were out of use (the rules of `versions`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl
from sqlalchemy import Engine, Select, or_, select

from matching.ledger.bulk_reading import read
from matching.ledger.canonical import place_of
from matching.ledger.presence import OUT_OF_USE
from matching.ledger.tables import (
    GONE,
    MERGED,
    PRESENCE,
    RECORD_TABLE,
    SPLIT,
    record_mark,
    upload,
    upload_repeat,
    upload_reversal,
)
from matching.schema import ID, PROVENANCE, RECORD, Kind


def written_by(at: datetime) -> str:
    """A moment as entries have it: those up to this text were written by then."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def records_then(engine: Engine, kind: Kind, moment: str, columns: Sequence[str] = ()) -> pl.DataFrame:
    """The versions that counted: record_id, version, `came` and columns of the record as its file wrote it, by id."""
    table = RECORD_TABLE[kind]
    known = {**RECORD[kind], **PROVENANCE}
    schema = {"record_id": pl.String(), "version": pl.Int64(), "upload_id": pl.Int64()}
    by_then = select(upload.c.upload_id).where(upload.c.kind == kind, upload.c.at <= moment)
    query = select(table.c[ID[kind]], table.c.version, table.c.upload_id, *(table.c[name] for name in columns))
    rows = read(
        engine,
        query.where(table.c.upload_id.in_(by_then)),
        {**schema, **{name: known[name] for name in columns}},
        by=place_of(table, engine.dialect.name),
    )
    uploads = _standing_uploads(engine, kind, moment)
    brought = pl.concat([rows.select(*schema), _repeats(engine, kind, moment)]).join(uploads, on="upload_id")
    newest = brought.group_by("record_id").agg(pl.col("version").max(), came=pl.col("at").min())
    return rows.drop("upload_id").join(newest, on=["record_id", "version"]).sort("record_id")


def _standing_uploads(engine: Engine, kind: Kind, moment: str) -> pl.DataFrame:
    """Uploads that had come and were not taken back: upload_id, at."""
    query = select(upload.c.upload_id, upload.c.at).where(
        upload.c.kind == kind, upload.c.at <= moment, upload.c.upload_id.not_in(_taken_back(moment))
    )
    return read(engine, query, {"upload_id": pl.Int64, "at": pl.String})


def _taken_back(moment: str) -> Select[int]:
    return select(upload_reversal.c.upload_id).where(upload_reversal.c.at <= moment)


def _repeats(engine: Engine, kind: Kind, moment: str) -> pl.DataFrame:
    """Versions that uploads by then repeated: record_id, version, upload_id."""
    by_then = select(upload.c.upload_id).where(upload.c.kind == kind, upload.c.at <= moment)
    columns = (upload_repeat.c.record_id, upload_repeat.c.version, upload_repeat.c.upload_id)
    query = select(*columns).where(upload_repeat.c.kind == kind, upload_repeat.c.upload_id.in_(by_then))
    schema = {"record_id": pl.String, "version": pl.Int64, "upload_id": pl.Int64}
    return read(engine, query, schema, by=place_of(upload_repeat, engine.dialect.name))


def set_aside_then(engine: Engine, kind: Kind, moment: str) -> pl.DataFrame:
    """Records that were marked as gone or merged into another: record_id, into (null for one that is gone)."""
    marks = (*PRESENCE, MERGED, SPLIT)
    columns = (record_mark.c.mark_id, record_mark.c.record_id, record_mark.c.mark, record_mark.c.other)
    query = select(*columns).where(
        record_mark.c.kind == kind,
        record_mark.c.at <= moment,
        record_mark.c.mark.in_(marks),
        or_(record_mark.c.upload_id.is_(None), record_mark.c.upload_id.not_in(_taken_back(moment))),
    )
    schema = {"mark_id": pl.Int64, "record_id": pl.String, "mark": pl.String, "other": pl.String}
    found = read(engine, query, schema)
    subject = pl.col("mark").is_in(PRESENCE).alias("subject")
    newest = found.sort("mark_id").group_by("record_id", subject).agg(pl.col("mark", "other").last())
    set_aside = newest.filter(pl.col("mark").is_in([GONE, MERGED]))
    into = pl.col("other").filter(pl.col("mark") == MERGED).first()
    return set_aside.group_by("record_id").agg(into=into, aside=pl.lit(True))


def as_it_stood(engine: Engine, kind: Kind, moment: str, records: pl.DataFrame) -> pl.DataFrame:
    """Records with the status of those out of use, `in_use` and `into`, the record that one was merged into.

    `records` has record_id and status.
    """
    aside = set_aside_then(engine, kind, moment)
    found = records.join(aside, on="record_id", how="left", maintain_order="left")
    out = pl.lit(OUT_OF_USE[kind])
    status = pl.when(pl.col("aside")).then(out).otherwise("status").alias("status")
    return found.with_columns(status).with_columns(in_use=pl.col("status") != out).drop("aside")
