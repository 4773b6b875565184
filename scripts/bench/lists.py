"""Made lists as files and as a ledger: what a user would load."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl
import xlsxwriter
from sqlalchemy import Engine

from bench import catalogue
from matching.fields.assignment import assign_fields
from matching.ledger import tables
from matching.ledger.database import open_ledger, writing
from matching.ledger.frames import write_frames
from matching.schema import ID, Kind
from matching.settings import Settings

# What a million records need: the usual limits are set for files that people send.
LIMITS: Final = {
    "upload_megabytes": 20_000,
    "unpacked_megabytes": 20_000,
    "table_rows": 10_000_000,
    "table_characters": 20_000_000_000,
    "workbook_memory_megabytes": 20_000,
    "workbook_seconds": 3_600,
    "sheet_cells": 1_000_000_000,
}
_COLUMNS: Final[dict[Kind, tuple[str, ...]]] = {
    "demands": ("demand_id", "title", "enterprise", "problem", "visibility", "status"),
    "achievements": ("achievement_id", "title", "institute", "summary", "status"),
}
_AT: Final = datetime(2026, 11, 1, tzinfo=UTC).isoformat(timespec="milliseconds")


def settings() -> Settings:
    """Settings whose limits let a million records in."""
    return Settings(**LIMITS)


def frames(demands: int, achievements: int) -> dict[Kind, pl.DataFrame]:
    """Clean frames of both kinds."""
    return {"demands": catalogue.demands(demands), "achievements": catalogue.achievements(achievements)}


def write_files(folder: Path, demands: int, achievements: int, workbooks: bool) -> None:
    """Write both lists as CSV, and as workbooks where these are wanted."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, frame in frames(demands, achievements).items():
        columns = frame.select(_COLUMNS[kind])
        columns.write_csv(folder / f"{kind}.csv", include_bom=True)
        if workbooks:
            with xlsxwriter.Workbook(folder / f"{kind}.xlsx", {"constant_memory": True}) as book:
                sheet = book.add_worksheet()
                for place, row in enumerate([tuple(columns.columns), *columns.rows()]):
                    sheet.write_row(place, 0, row)


def write_ledger(path: Path, demands: int, achievements: int) -> None:
    """Write a ledger that holds both lists, each record in its one version with its fields, over one of that name."""
    for former in path.parent.glob(f"{path.name}*"):
        former.unlink()
    engine = open_ledger(f"sqlite:///{path}")
    nothing = dict.fromkeys(("changed", "unchanged", "left_out", "refused", "missing"), 0)
    lots = []
    uploads = []
    for number, (kind, frame) in enumerate(frames(demands, achievements).items(), start=1):
        counts = {"rows": frame.height, "new": frame.height, **nothing}
        known = {"upload_id": number, "kind": kind, "file_name": f"{kind}.csv", "sha256": f"{number:064x}"}
        uploads.append({**known, **counts, "institute": "", "agent": "bench", "at": _AT})
        lots.append((tables.RECORD_TABLE[kind], frame.with_columns(version=pl.lit(1), upload_id=pl.lit(number))))
        found = assign_fields(frame, ID[kind]).with_columns(version=pl.lit(1), kind=pl.lit(kind))
        lots.append((tables.record_field, found))
    with writing(engine) as connection:
        write_frames(connection, [(tables.upload, pl.DataFrame(uploads)), *lots])
    engine.dispose()


def ledger(path: Path) -> Engine:
    """The ledger that was written."""
    return open_ledger(f"sqlite:///{path}")
