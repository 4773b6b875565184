"""Corrected fields: what agents say of a record's fields, and what the program learned from it.

A correction names all fields of a record in one taxonomy (none of them may be right) and holds for every version of
it; releasing takes it back. What was learned holds for the version that it was computed for. The newest entry wins,
an agent's over the program's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl
from sqlalchemy import Connection, Engine, Select, and_, func, select

from matching.errors import CallError, LedgerError, Problem
from matching.fields.rules import load_rules
from matching.fields.taxonomies import Taxonomy, load_taxonomies
from matching.ledger.database import now, reading, writing
from matching.ledger.frames import frame, write_frames
from matching.ledger.presses import add_entry, entry_of
from matching.ledger.rights import permit, viewer_of
from matching.ledger.scope import visible
from matching.ledger.tables import LEARNED, RECORD_TABLE, RELEASED, field_change
from matching.ledger.versions import counts, newest_version, without_version
from matching.schema import CORRECTED, ID, KINDS, RECORD, TEXT, Kind

_CHANGES: Final[dict[str, pl.DataType]] = {
    "record_id": pl.String(),
    "taxonomy": pl.String(),
    "basis": pl.String(),
    "codes": pl.List(pl.String()),
    "confidences": pl.List(pl.Float64()),
    "terms": pl.List(pl.List(pl.String())),
}


def correct(
    engine: Engine, kind: Kind, record_id: str, taxonomy: str, codes: Sequence[str], agent: str, nonce: str
) -> None:
    """Say which fields a record has in a taxonomy; none at all may be said too.

    The same nonce again, or what already stands, writes nothing. Raises `CallError` for an unknown taxonomy or code,
    `LedgerError` for an unknown record.
    """
    permit(engine, "correct_fields", agent)
    known = {node.code for node in _taxonomy(taxonomy).nodes}
    if unknown := [code for code in codes if code not in known]:
        raise CallError(Problem("field.no_node", values={"code": unknown, "taxonomy": taxonomy}))
    _write(engine, kind, record_id, taxonomy, CORRECTED, list(dict.fromkeys(codes)), agent, nonce)


def release(engine: Engine, kind: Kind, record_id: str, taxonomy: str, agent: str, nonce: str) -> None:
    """Leave a record's fields in a taxonomy to the program again; raises as `correct` does."""
    permit(engine, "correct_fields", agent)
    _taxonomy(taxonomy)
    _write(engine, kind, record_id, taxonomy, RELEASED, [], agent, nonce)


def _taxonomy(code: str) -> Taxonomy:
    taxonomy = load_taxonomies().get(code)
    if taxonomy is None:
        raise CallError(Problem("field.no_taxonomy", values={"taxonomy": code, "known": list(load_taxonomies())}))
    return taxonomy


def _write(
    engine: Engine, kind: Kind, record_id: str, taxonomy: str, basis: str, codes: list[str], agent: str, nonce: str
) -> None:
    version = select(newest_version(RECORD_TABLE[kind], record_id))
    with writing(engine) as connection:
        standing = frame(connection, _standing(kind, record_id, taxonomy), _CHANGES)
        same = standing.filter(pl.col("basis") == basis)["codes"].to_list() == [codes]
        if same or entry_of(connection, field_change, agent, nonce) is not None:
            return
        newest = connection.execute(version).scalar_one()
        if newest is None:
            raise LedgerError(Problem("ledger.no_record", values={"identity": record_id}))
        values = {
            "kind": kind,
            "record_id": record_id,
            "version": newest,
            "taxonomy": taxonomy,
            "basis": basis,
            "codes": codes,
            "confidences": [1.0] * len(codes),
            "terms": [[] for _ in codes],
        }
        add_entry(connection, field_change, agent, nonce, values)


def overlaid(
    connection: Connection, kind: Kind, fields: pl.DataFrame, *, record_id: str = "", taxonomy: str = ""
) -> pl.DataFrame:
    """Fields of newest versions with what was corrected and learned in their place; columns as they come.

    `fields` are those of all records, or of the one and of the one taxonomy that are named.
    """
    changes = frame(connection, _standing(kind, record_id, taxonomy), _CHANGES)
    if changes.is_empty():
        return fields
    kept = fields.join(changes, on=["record_id", "taxonomy"], how="anti")
    put = (
        changes.explode("codes", "confidences", "terms")
        .drop_nulls("codes")
        .select(
            "record_id",
            "taxonomy",
            code="codes",
            confidence="confidences",
            basis=pl.col("basis").replace(LEARNED, TEXT),
            terms="terms",
        )
    )
    return pl.concat([kept, put.select(fields.columns)]).sort(
        "record_id", "taxonomy", pl.col("confidence").neg(), "code"
    )


def _standing(kind: Kind, record_id: str = "", taxonomy: str = "") -> Select[tuple[object, ...]]:
    """Newest correction of each record and taxonomy that was not released, else what was learned for its version."""
    version = newest_version(RECORD_TABLE[kind], field_change.c.record_id)
    named = [field_change.c.kind == kind]
    if record_id:
        named.append(field_change.c.record_id == record_id)
    if taxonomy:
        named.append(field_change.c.taxonomy == taxonomy)
    by = (field_change.c.record_id, field_change.c.taxonomy)
    newest = func.max(field_change.c.change_id)
    said = select(*by, newest.label("change_id")).where(*named, field_change.c.basis != LEARNED).group_by(*by)
    standing = said.subquery()
    corrected = (
        select(field_change.c.record_id, field_change.c.taxonomy)
        .join(standing, standing.c.change_id == field_change.c.change_id)
        .where(field_change.c.basis == CORRECTED)
        .subquery()
    )
    learned = (
        select(newest)
        .outerjoin(corrected, and_(corrected.c.record_id == by[0], corrected.c.taxonomy == by[1]))
        .where(*named, field_change.c.basis == LEARNED, field_change.c.version == version)
        .where(corrected.c.record_id.is_(None))
        .group_by(*by)
    )
    return select(*(field_change.c[name] for name in _CHANGES)).where(
        field_change.c.record_id.not_in(without_version(RECORD_TABLE[kind])),
        field_change.c.basis != RELEASED,
        field_change.c.change_id.in_(select(standing.c.change_id)) | field_change.c.change_id.in_(learned),
    )


def is_corrected(engine: Engine, kind: Kind, record_id: str, taxonomy: str) -> bool:
    """Whether an agent's correction of the record's fields stands, if only to say that none is right."""
    return not corrected(engine, kind, record_id, taxonomy).is_empty()


def corrected(engine: Engine, kind: Kind, record_id: str = "", taxonomy: str = "") -> pl.DataFrame:
    """Records and taxonomies in which an agent's correction stands, or those named: columns record_id, taxonomy."""
    permit(engine, "read_records")
    with reading(engine) as connection:
        standing = frame(connection, _standing(kind, record_id, taxonomy), _CHANGES)
        standing = visible(connection, viewer_of(engine), kind, standing, "record_id")
    return standing.filter(pl.col("basis") == CORRECTED).select("record_id", "taxonomy")


def corrected_records(engine: Engine) -> pl.DataFrame:
    """What there is to learn from: a row for each standing correction, with the texts of the record's newest version.

    Columns: those of the text columns of either list that the assignment reads ("" or an empty list where a record
    has no such column), taxonomy, codes.
    """
    permit(engine, "load")
    with reading(engine) as connection:
        return pl.concat([_corrected_of(connection, kind) for kind in KINDS])


def _corrected_of(connection: Connection, kind: Kind) -> pl.DataFrame:
    table = RECORD_TABLE[kind]
    texts = {part: known[part] for part in load_rules().parts for known in RECORD.values() if part in known}
    own = {part: dtype for part, dtype in texts.items() if part in RECORD[kind]}
    changes = frame(connection, _standing(kind), _CHANGES).filter(pl.col("basis") == CORRECTED)
    query = (
        select(table.c[ID[kind]], *(table.c[part] for part in own))
        .where(table.c[ID[kind]].in_(select(field_change.c.record_id).where(field_change.c.kind == kind)))
        .where(counts(table))
        .order_by(table.c[ID[kind]], table.c.version)
    )
    records = frame(connection, query, {"record_id": pl.String(), **own})
    newest = records.unique("record_id", keep="last", maintain_order=True)
    others = [pl.lit(None, dtype=dtype).alias(part) for part, dtype in texts.items() if part not in own]
    return (
        changes.select("record_id", "taxonomy", "codes")
        .join(newest, on="record_id", maintain_order="left")
        .with_columns(others)
        .with_columns(pl.col(pl.String()).fill_null(""), pl.col(pl.List(pl.String())).fill_null([]))
        .select(*texts, "taxonomy", "codes")
    )


def newest_correction(engine: Engine) -> str:
    """When an agent last corrected or released a record's fields, "" for never."""
    permit(engine, "match")
    query = select(func.coalesce(func.max(field_change.c.at), "")).where(field_change.c.basis != LEARNED)
    with reading(engine) as connection:
        return str(connection.execute(query).scalar_one())


def add_learned(engine: Engine, kind: Kind, changed: pl.DataFrame, agent: str) -> None:
    """Write what the program assigns to records after it has learned.

    `changed` has record_id, version, taxonomy and lists of codes, confidences and terms.
    """
    permit(engine, "match", agent)
    rows = changed.with_columns(
        kind=pl.lit(kind), basis=pl.lit(LEARNED), agent=pl.lit(agent), nonce=pl.lit(None, pl.String)
    )
    with writing(engine) as connection:
        rows = rows.with_columns(at=pl.lit(now()))
        write_frames(connection, [(field_change, rows)])
