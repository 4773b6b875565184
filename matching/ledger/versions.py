"""Which version of a record counts: the newest that no upload which was taken back brought."""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, ScalarSelect, Select, Table, func, select

from matching.ledger.tables import upload_reversal


def counts(table: FromClause) -> ColumnElement[bool]:
    """Whether a version comes from an upload that stands."""
    return table.c.upload_id.not_in(select(upload_reversal.c.upload_id))


def newest_versions(table: Table) -> Select[tuple[object, ...]]:
    """Each record's id and the version that counts; records of which none counts are not there."""
    identity = table.primary_key.columns[0]
    newest = func.max(table.c.version).label("version")
    return select(identity, newest).where(counts(table)).group_by(identity)


def newest_version(table: Table, record_id: ColumnElement[str] | str) -> ScalarSelect[int]:
    """The version that counts of one record, as a subquery; null where none does."""
    versions = table.alias("versions")
    identity = versions.c[table.primary_key.columns[0].name]
    return select(func.max(versions.c.version)).where(identity == record_id, counts(versions)).scalar_subquery()
