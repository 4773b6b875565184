"""Pairs, and judged pairs, from a file: demand_id, achievement_id, level (1–4)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from matching.errors import FileRefused, Problem
from matching.intake.files import Row, content_of, read_rows
from matching.schema import JUDGEMENTS, PAIRS
from matching.settings import Settings

_REPORTED = 50


def read_pairs(path: Path, settings: Settings) -> pl.DataFrame:
    """Read a .csv or .xlsx file of pairs into a frame of `schema.PAIRS`.

    Raises `FileRefused` for a missing column or a row without an id.
    """
    return _read(path, settings, PAIRS)


def read_judgements(path: Path, settings: Settings) -> pl.DataFrame:
    """Read a .csv or .xlsx file of judgements into a frame of `schema.JUDGEMENTS`.

    Raises `FileRefused` for a missing column, a row without an id or a level that is not 1, 2, 3 or 4.
    """
    return _read(path, settings, JUDGEMENTS)


def _read(path: Path, settings: Settings, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    heading, *body = read_rows(path.name, content_of(path), settings)
    missing = [name for name in schema if name not in heading.cells]
    if missing:
        values: dict[str, object] = {"names": missing, "seen": heading.cells[:12]}
        raise FileRefused(Problem("file.missing_column", path.name, heading.number, missing[0], values))
    places = {name: heading.cells.index(name) for name in schema}
    wrong = list(_problems(path.name, body, places))
    if wrong:
        raise FileRefused(*wrong[:_REPORTED])
    rows = [[row.cells[place] for place in places.values()] for row in body]
    return pl.DataFrame(rows, schema=dict.fromkeys(schema, pl.String()), orient="row").cast(pl.Schema(schema))


def _problems(file: str, body: Iterable[Row], places: dict[str, int]) -> Iterable[Problem]:
    for row in body:
        for name, place in places.items():
            cell = row.cells[place] if place < len(row.cells) else ""
            if name == "level" and cell not in ("1", "2", "3", "4"):
                yield Problem("cell.not_level", file, row.number, name)
            elif not cell:
                yield Problem("cell.no_id", file, row.number, name)
