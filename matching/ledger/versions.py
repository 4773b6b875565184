"""Which version of a record counts: the newest that an upload brought, or repeated, that was not taken back."""

from __future__ import annotations

from sqlalchemy import (
    ColumnElement,
    FromClause,
    ScalarSelect,
    Select,
    Table,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)

from matching.ledger.tables import upload_repeat, upload_reversal


def counts(table: FromClause, without: int = 0) -> ColumnElement[bool]:
    """Whether a version comes from an upload that stands, or that repeats it; `without` is one taken for taken back."""
    taken_back = union_all(select(upload_reversal.c.upload_id), select(literal(without)))
    repeated = exists().where(
        upload_repeat.c.record_id == _identity(table),
        upload_repeat.c.version == table.c.version,
        upload_repeat.c.upload_id.not_in(taken_back),
        # An upload is of one list, so that ids of the other list are not meant.
        upload_repeat.c.kind == ("demands" if "demand_id" in table.c else "achievements"),
    )
    return or_(table.c.upload_id.not_in(taken_back), repeated)


def _identity(table: FromClause) -> ColumnElement[str]:
    return table.c.demand_id if "demand_id" in table.c else table.c.achievement_id


def newest_versions(table: Table) -> Select[str, int]:
    """Each record's id and the version that counts; records of which none counts are not there."""
    newest = func.max(table.c.version).label("version")
    return select(_identity(table), newest).where(counts(table)).group_by(_identity(table))


def newest_version(table: Table, record_id: ColumnElement[str] | str) -> ScalarSelect[int]:
    """The version that counts of one record, as a subquery; null where none does."""
    versions = table.alias("versions")
    query = select(func.max(versions.c.version)).where(_identity(versions) == record_id, counts(versions))
    return query.scalar_subquery()


def without_version(table: Table) -> Select[str]:
    """Ids of the records that the ledger knows and of which no version counts any more."""
    identity = _identity(table)
    counted = select(identity).where(counts(table))
    reversed_ones = table.c.upload_id.in_(select(upload_reversal.c.upload_id))
    return select(identity).where(reversed_ones, identity.not_in(counted)).distinct()
