"""Judged pairs from a file: demand_id, achievement_id, level (1–4)."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from matching.errors import FileRefused, Problem
from matching.intake.files import content_of, read_rows
from matching.schema import JUDGEMENTS
from matching.settings import Settings


def read_judgements(path: Path, settings: Settings) -> pl.DataFrame:
    """Read a .csv or .xlsx file of judgements into a frame of `schema.JUDGEMENTS`.

    Raises `FileRefused` for a missing column or a level that is not 1, 2, 3 or 4.
    """
    heading, *body = read_rows(path.name, content_of(path), settings)
    missing = [name for name in JUDGEMENTS if name not in heading.cells]
    if missing:
        values: dict[str, object] = {"names": missing, "seen": heading.cells[:12]}
        raise FileRefused(Problem("file.missing_column", path.name, heading.number, missing[0], values))
    demand, achievement, level = (heading.cells.index(name) for name in JUDGEMENTS)
    wrong = [
        Problem("cell.not_level", path.name, row.number, "level")
        for row in body
        if len(row.cells) <= max(demand, achievement, level) or row.cells[level] not in ("1", "2", "3", "4")
    ]
    if wrong:
        raise FileRefused(*wrong[:50])
    rows = [(row.cells[demand], row.cells[achievement], int(row.cells[level])) for row in body]
    return pl.DataFrame(rows, schema=JUDGEMENTS, orient="row")
