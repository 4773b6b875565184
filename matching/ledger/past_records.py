"""Demands and achievements as they stood at a moment, and their main fields."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import polars as pl
from sqlalchemy import BigInteger, Engine, cast, func, select

from matching.ledger.bulk_reading import read
from matching.ledger.canonical import place_of
from matching.ledger.past_versions import as_it_stood, records_then, written_by
from matching.ledger.rights import permit, unrestricted
from matching.ledger.tables import LEARNED, field_change, organisation_name, record_field
from matching.schema import CORRECTED, ID, ORGANISATION, Kind

# What a record has beside its id, version and `came`, in_use and into.
COLUMNS: Final[dict[Kind, tuple[str, ...]]] = {
    "demands": ("title", "enterprise", "city", "visibility", "status", "deadline"),
    "achievements": (
        *("title", "institute", "maturity", "ip_kind", "funding"),
        *("completed_on", "conversion_deadline", "exempt", "status"),
    ),
}
# A confidence times this is a whole number, which every database tells exactly.
_EXACT: Final = 2.0**62
# The place of a record in the order of ids.
_PLACE: Final = "place of the record"
_MAIN: Final[dict[str, pl.DataType]] = {"record_id": pl.String(), "taxonomy": pl.String(), "code": pl.String()}
_CHANGES: Final[dict[str, pl.DataType]] = {
    "change_id": pl.Int64(),
    "record_id": pl.String(),
    "version": pl.Int64(),
    "taxonomy": pl.String(),
    "basis": pl.String(),
    "codes": pl.List(pl.String()),
    "confidences": pl.List(pl.Float64()),
}


def records_at(engine: Engine, kind: Kind, at: datetime) -> pl.DataFrame:
    """Every record of which a version counted, by id: its id, version, came, `COLUMNS`, in_use, into.

    `came` is the moment of the first upload that brought it, of those that stood then. Organisations have the names
    that were confirmed by then, records out of use (not in_use) the status that says so; `into` is the record that one
    was merged into, null for most.
    """
    permit(engine, "read_figures")
    whole, moment = unrestricted(engine), written_by(at)
    found = as_it_stood(whole, kind, moment, records_then(whole, kind, moment, COLUMNS[kind]))
    names = _names_then(whole, moment)
    return found.select(
        pl.col("record_id").alias(ID[kind]),
        "version",
        "came",
        *(pl.col(name).replace(names) if name == ORGANISATION[kind] else name for name in COLUMNS[kind]),
        "in_use",
        "into",
    )


def _names_then(engine: Engine, moment: str) -> dict[str, str]:
    """What each written name had been said to stand for."""
    newest = (
        select(func.max(organisation_name.c.entry_id))
        .where(organisation_name.c.at <= moment)
        .group_by(organisation_name.c.written)
    )
    query = select(organisation_name.c.written, organisation_name.c.name).where(
        organisation_name.c.entry_id.in_(newest), organisation_name.c.name.is_not(None)
    )
    return dict(read(engine, query, {"written": pl.String, "name": pl.String}).iter_rows())


def main_fields_at(engine: Engine, kind: Kind, at: datetime, records: pl.DataFrame | None = None) -> pl.DataFrame:
    """The main field of every record in each taxonomy in which it had one: record_id, taxonomy, code.

    It is that of the highest confidence, of those alike the first by code, with corrections as they stood then.
    `records` is what `records_at` gave for the same moment, where it is known.
    """
    permit(engine, "read_figures")
    whole, moment = unrestricted(engine), written_by(at)
    known = records_then(whole, kind, moment) if records is None else records.rename({ID[kind]: "record_id"})
    versions = known.sort("record_id").select("record_id", "version").with_row_index(_PLACE)
    changes = _changes_then(whole, kind, moment, versions)
    assigned = _assigned(whole, kind).join(versions, on=["record_id", "version"])
    if changes.is_empty():
        return _first(assigned, "weight").select(*_MAIN)
    kept = _first(assigned, "weight").join(changes, on=["record_id", "taxonomy"], how="anti")
    put = changes.explode("codes", "confidences").drop_nulls("codes").rename({"codes": "code"})
    put = _first(put.join(versions, on="record_id"), "confidences")
    return pl.concat([each.select(*_MAIN, _PLACE) for each in (kept, put)]).sort(_PLACE, "taxonomy").select(*_MAIN)


def _assigned(engine: Engine, kind: Kind) -> pl.DataFrame:
    """Fields of all versions, which come with them: record_id, version, taxonomy, code, weight."""
    weight = cast(record_field.c.confidence * _EXACT, BigInteger)
    names = ("record_id", "version", "taxonomy", "code")
    query = select(*(record_field.c[name] for name in names), weight.label("weight")).where(record_field.c.kind == kind)
    schema = {**_MAIN, "version": pl.Int64(), "weight": pl.Int64()}
    ordered = {name: schema[name] for name in (*names, "weight")}
    return read(engine, query, ordered, by=place_of(record_field, engine.dialect.name))


def _first(fields: pl.DataFrame, weight: str) -> pl.DataFrame:
    """Of each record and taxonomy the row of the most weight, the first by code of those alike; in their order."""
    # Places are whole numbers, several times faster to sort than ids.
    ordered = fields.sort(_PLACE, "taxonomy", weight, "code", descending=[False, False, True, False])
    begins = [pl.col(name).ne_missing(pl.col(name).shift()) for name in (_PLACE, "taxonomy")]
    return ordered.filter(pl.any_horizontal(begins))


def _changes_then(engine: Engine, kind: Kind, moment: str, versions: pl.DataFrame) -> pl.DataFrame:
    """What stood in the place of assigned fields (see `corrections`): record_id, taxonomy, codes, confidences."""
    query = select(*(field_change.c[name] for name in _CHANGES)).where(
        field_change.c.kind == kind, field_change.c.at <= moment
    )
    texts = {name: pl.String() if isinstance(dtype, pl.List) else dtype for name, dtype in _CHANGES.items()}
    written = read(engine, query, texts, by=field_change.c.change_id)
    written = written.sort("change_id").join(versions.select("record_id", current="version"), on="record_id")
    learned = pl.col("basis") == LEARNED
    by = ["record_id", "taxonomy"]
    said = written.filter(~learned).unique(by, keep="last").filter(pl.col("basis") == CORRECTED)
    found = written.filter(learned, pl.col("version") == pl.col("current")).unique(by, keep="last")
    standing = pl.concat([said, found.join(said, on=by, how="anti")])
    decoded = [pl.col(name).str.json_decode(_CHANGES[name]) for name in ("codes", "confidences")]
    return standing.select(*by, *decoded)
