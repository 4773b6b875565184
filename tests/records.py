"""Small clean frames for tests: what a record does not state is empty."""

from __future__ import annotations

import hashlib

import polars as pl

from matching.intake.columns import FoundColumn, Heading, known_columns
from matching.intake.reading import Reading
from matching.intake.records import with_hashes
from matching.schema import CHOICES, ID, PROVENANCE, RECORD, Kind


def records(kind: Kind, *rows: dict[str, object]) -> pl.DataFrame:
    """A clean frame with a row per dict; ids default to D1, D2, … or A1, A2, …"""
    schema = {**RECORD[kind], **PROVENANCE}
    letter = "D" if kind == "demands" else "A"
    filled = []
    for number, row in enumerate(rows, start=1):
        empty = {name: _empty(dtype) for name, dtype in schema.items()}
        filled.append({**empty, ID[kind]: f"{letter}{number}", "source_row": number, **row})
    return pl.DataFrame(filled, schema=schema, orient="row")


def listed(
    kind: Kind, *rows: dict[str, object], file: str = "清单.csv", rejected: tuple[tuple[str, str, str], ...] = ()
) -> Reading:
    """A file that was read, with the hashes that reading gives; `rejected` are rows beside that were not taken."""
    usual = {name: values[0] for name, values in CHOICES[kind].items()}
    frame = records(kind, *({**usual, **row} for row in rows))
    frame = with_hashes(frame.drop("content_hash"), kind).select(frame.columns)
    sha256 = hashlib.sha256(content_of(frame)).hexdigest()
    height = frame.height + len(rejected)
    found = tuple(FoundColumn(each, each.names[0], place, 1.0) for place, each in enumerate(known_columns(kind)))
    return Reading(kind, file, sha256, frame, height, (Heading(1, found, ()),), (), rejected=rejected)


def content_of(frame: pl.DataFrame) -> bytes:
    """Bytes that a file with these records might have."""
    return frame.write_ndjson().encode()


def _empty(dtype: pl.DataType) -> object:
    match dtype:
        case pl.String():
            return ""
        case pl.List():
            return []
        case pl.Boolean():
            return False
        case _:
            return None
