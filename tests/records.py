"""Small clean frames for tests: what a record does not state is empty; and ledgers that are made once and copied."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile

import polars as pl
from sqlalchemy import Engine

from matching.intake.columns import FoundColumn, Heading, known_columns
from matching.intake.reading import Reading
from matching.intake.records import with_hashes
from matching.ledger.database import open_ledger
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
    kind: Kind, *rows: dict[str, object], file: str = "清单.csv", rejected: tuple[dict[str, object], ...] = ()
) -> Reading:
    """A file that was read, with the hashes that reading gives; `rejected` are rows beside that were not taken."""
    usual = {name: values[0] for name, values in CHOICES[kind].items()}
    frame, wrong = (_hashed(kind, [{**usual, **row} for row in each]) for each in (rows, rejected))
    sha256 = hashlib.sha256(content_of(frame)).hexdigest()
    height = frame.height + wrong.height
    found = tuple(FoundColumn(each, each.names[0], place, 1.0) for place, each in enumerate(known_columns(kind)))
    return Reading(kind, file, sha256, frame, height, (Heading(1, found, ()),), (), rejected=wrong)


def _hashed(kind: Kind, rows: list[dict[str, object]]) -> pl.DataFrame:
    frame = records(kind, *rows)
    return with_hashes(frame.drop("content_hash"), kind).select(frame.columns)


def content_of(frame: pl.DataFrame) -> bytes:
    """Bytes that a file with these records might have."""
    return frame.write_ndjson().encode()


def made(path: Path, fill: Callable[[Engine], object]) -> Path:
    """A closed ledger with something in it: to be copied, not written to."""
    engine = open_ledger(f"sqlite:///{path}")
    fill(engine)
    engine.dispose()
    return path


@contextmanager
def copied(path: Path, folder: Path) -> Iterator[Engine]:
    """The user's ledger, as it was made."""
    copyfile(path, folder / "ledger.sqlite")
    engine = open_ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
    yield engine
    engine.dispose()


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
