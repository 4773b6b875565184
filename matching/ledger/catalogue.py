"""Demands and achievements in the ledger, as they stand: newest versions, fields, quality."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl
from sqlalchemy import Connection, Engine, func, select

from matching.errors import LedgerError, Problem
from matching.ledger.corrections import overlaid
from matching.ledger.database import reading
from matching.ledger.frames import frame
from matching.ledger.organisation_names import with_names
from matching.ledger.presence import OUT_OF_USE, out_of_use
from matching.ledger.rights import permit, viewer_of
from matching.ledger.scope import NEEDED, masked, restricted, visible, visible_ids
from matching.ledger.tables import RECORD_TABLE, record_field, record_quality, upload
from matching.ledger.versions import counts, newest_version, newest_versions
from matching.schema import FIELDS, ID, ORGANISATION, PROVENANCE, RECORD, Kind

QUALITY: Final[dict[str, pl.DataType]] = {
    "record_id": pl.String(),
    "quality": pl.Int64(),
    "vague": pl.Boolean(),
    "lacks": pl.List(pl.String()),
}
_VERSION: Final[dict[str, pl.DataType]] = {"version": pl.Int64(), "upload_id": pl.Int64()}


def current_records(engine: Engine, kind: Kind, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The newest version of every record as it stands, in the order of ids.

    Columns: those asked for, or the record's columns, `schema.PROVENANCE`, version and upload_id. Asking for few is
    several times faster. Organisations have their confirmed names, records out of use the status that says so.
    """
    permit(engine, "read_records")
    with reading(engine) as connection:
        wanted = columns or list({**RECORD[kind], **PROVENANCE, **_VERSION})
        needed = list(dict.fromkeys([*wanted, *_needed(engine, kind)]))
        found = _shown(engine, connection, kind, _written(connection, kind, needed))
        return _as_it_stands(connection, kind, found).select(wanted)


def written_records(engine: Engine, kind: Kind, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The same as the files wrote it."""
    permit(engine, "read_records")
    wanted = columns or list({**RECORD[kind], **PROVENANCE, **_VERSION})
    needed = list(dict.fromkeys([*wanted, *_needed(engine, kind)]))
    with reading(engine) as connection:
        return _shown(engine, connection, kind, _written(connection, kind, needed)).select(wanted)


def _needed(engine: Engine, kind: Kind) -> tuple[str, ...]:
    """Columns that have to be read beside those asked for, to know what the viewer is shown."""
    return NEEDED if kind == "demands" and restricted(viewer_of(engine)) else (ID[kind],)


def _shown(engine: Engine, connection: Connection, kind: Kind, records: pl.DataFrame) -> pl.DataFrame:
    """Records as the viewer of the ledger may see them."""
    viewer = viewer_of(engine)
    found = visible(connection, viewer, kind, records, ID[kind])
    return masked(connection, viewer, found) if kind == "demands" else found


def _written(connection: Connection, kind: Kind, columns: Sequence[str] | None) -> pl.DataFrame:
    table = RECORD_TABLE[kind]
    known = {**RECORD[kind], **PROVENANCE, **_VERSION}
    schema = {name: known[name] for name in columns or known}
    newest = newest_versions(table).subquery()
    query = (
        select(*(table.c[column] for column in schema))
        .join(newest, (table.c[ID[kind]] == newest.c[ID[kind]]) & (table.c.version == newest.c.version))
        .order_by(table.c[ID[kind]])
    )
    return frame(connection, query, schema)


def _as_it_stands(connection: Connection, kind: Kind, records: pl.DataFrame) -> pl.DataFrame:
    """Records with confirmed names of organisations, and the status of those that take no part."""
    if ORGANISATION[kind] in records.columns:
        records = with_names(connection, records, ORGANISATION[kind])
    if "status" in records.columns and (out := out_of_use(connection, kind)["record_id"]).len():
        unused = pl.col(ID[kind]).is_in(out.implode())
        records = records.with_columns(
            status=pl.when(unused).then(pl.lit(OUT_OF_USE[kind])).otherwise("status"),
        )
    return records


def count_records(engine: Engine, kind: Kind) -> int:
    """How many records there are, whatever their versions."""
    permit(engine, "read_records")
    with reading(engine) as connection:
        ids = visible_ids(connection, viewer_of(engine), kind)
        if ids is not None:
            return len(ids)
        return connection.execute(
            select(func.count()).select_from(newest_versions(RECORD_TABLE[kind]).subquery())
        ).scalar_one()


def record(engine: Engine, kind: Kind, record_id: str) -> dict[str, object]:
    """The newest version of one record, by column. Raises `LedgerError` when there is none."""
    permit(engine, "read_records")
    table = RECORD_TABLE[kind]
    query = (
        select(*(table.c[column] for column in RECORD[kind]))
        .where(table.c[ID[kind]] == record_id, counts(table))
        .order_by(table.c.version.desc())
        .limit(1)
    )
    with reading(engine) as connection:
        found = _shown(engine, connection, kind, frame(connection, query, RECORD[kind]))
        found = _as_it_stands(connection, kind, found)
    if found.is_empty():
        raise LedgerError(Problem("ledger.no_record", values={"identity": record_id}))
    return found.row(0, named=True)


def titles(engine: Engine, kind: Kind, record_ids: Sequence[str]) -> dict[str, str]:
    """Titles of the newest versions of some records, by id; of those that the viewer is shown."""
    permit(engine, "read_records")
    table = RECORD_TABLE[kind]
    identity = table.c[ID[kind]]
    wanted = list(dict.fromkeys(["title", *_needed(engine, kind)]))
    query = (
        select(*(table.c[name] for name in wanted))
        .where(identity.in_(record_ids), counts(table))
        .order_by(identity, table.c.version)
    )
    with reading(engine) as connection:
        found = frame(connection, query, {name: RECORD[kind][name] for name in wanted})
        found = _shown(engine, connection, kind, found).select(ID[kind], "title")
    return dict(found.iter_rows())


def arrivals(engine: Engine, kind: Kind) -> pl.DataFrame:
    """When each record first came: columns record_id and `came` (UTC in ISO form)."""
    permit(engine, "read_records")
    table = RECORD_TABLE[kind]
    identity = table.c[ID[kind]]
    query = (
        select(identity, func.min(upload.c.at))
        .join(upload, upload.c.upload_id == table.c.upload_id)
        .group_by(identity)
        .order_by(identity)
    )
    with reading(engine) as connection:
        found = frame(connection, query, {"record_id": pl.String, "came": pl.String})
        return visible(connection, viewer_of(engine), kind, found, "record_id")


def fields_of(engine: Engine, kind: Kind, record_id: str) -> pl.DataFrame:
    """Fields of the newest version of one record, corrections included, as a frame of `schema.FIELDS`."""
    permit(engine, "read_records")
    table = RECORD_TABLE[kind]
    newest = newest_version(table, record_id)
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
        found = overlaid(connection, kind, frame(connection, query, FIELDS), record_id=record_id)
        return visible(connection, viewer_of(engine), kind, found, "record_id")


def current_fields(engine: Engine, kind: Kind, taxonomy: str | None = None, *, terms: bool = True) -> pl.DataFrame:
    """Fields of the newest version of every record, corrections included, as a frame of `schema.FIELDS`.

    Of one taxonomy alone when it is named; without the column of terms, which is slow to read, when not asked for.
    """
    permit(engine, "read_records")
    table = RECORD_TABLE[kind]
    schema = {name: dtype for name, dtype in FIELDS.items() if terms or name != "terms"}
    newest = newest_versions(table).subquery()
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
        found = overlaid(connection, kind, frame(connection, query, schema), taxonomy=taxonomy or "")
        return visible(connection, viewer_of(engine), kind, found, "record_id")


def current_quality(engine: Engine, kind: Kind, rules: str) -> pl.DataFrame:
    """Quality of the newest version of every record that was scored by these rules (`QUALITY`), in the order of ids."""
    permit(engine, "read_records")
    newest = newest_versions(RECORD_TABLE[kind]).subquery()
    query = (
        select(*(record_quality.c[column] for column in QUALITY))
        .join(
            newest,
            (record_quality.c.record_id == newest.c[ID[kind]]) & (record_quality.c.version == newest.c.version),
        )
        .where(record_quality.c.kind == kind, record_quality.c.rules == rules)
        .order_by(record_quality.c.record_id)
    )
    with reading(engine) as connection:
        return visible(connection, viewer_of(engine), kind, frame(connection, query, QUALITY), "record_id")
