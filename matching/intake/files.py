"""Bytes of an uploaded file become sheets of text, with the row numbers a person sees in the spreadsheet."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from matching.errors import CallError, FileRefused, Problem
from matching.intake.reader.answer import Unreadable
from matching.intake.reader.signatures import kind_of
from matching.intake.sheets import ROW, Sheet, sheets_of
from matching.settings import Settings

# What a name ends with, and what the bytes must be then.
KINDS_BY_SUFFIX: Final = {
    ".csv": "text",
    ".tsv": "text",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xls",
    ".ods": "ods",
}
_BLANK: Final = b"\x00\t\r\n "
_MARKS: Final = b"\xef\xbb\xbf\xff\xfe"
_HEADING_CHARACTERS: Final = 300
# Stands at the end of every whole archive.
_ARCHIVE_END: Final = b"PK\x05\x06"


@dataclass(frozen=True)
class Row:
    """One row that is not blank: its number in the file, from 1, and its cells as text."""

    number: int
    cells: tuple[str, ...]


def read_sheets(name: str, content: bytes, settings: Settings) -> list[Sheet]:
    """The sheets of a .csv, .tsv, .xlsx, .xls or .ods file that have something in them, hidden ones too.

    The file is parsed in a process of its own, under limits of memory, time and size (see `settings`). Raises
    `FileRefused` for what is empty, mislabelled, encrypted, damaged, hostile or too large.
    """
    kind = _checked_kind(name, content, settings)
    limits = {
        "kind": kind,
        "megabytes": settings.workbook_memory_megabytes,
        "seconds": settings.workbook_seconds,
        "unpacked_megabytes": settings.unpacked_megabytes,
        "cells": settings.sheet_cells,
        "characters": settings.table_characters,
    }
    try:
        told = sheets_of(_answer(name, content, limits, settings.workbook_seconds))
    except Unreadable as error:
        raise _refused(name, error.key, **error.values) from error
    sheets = [sheet for sheet in told if sheet.cells.height]
    if not sheets:
        raise _refused(name, "file.empty")
    if sum(sheet.cells.height for sheet in sheets) > settings.table_rows:
        raise _refused(name, "file.too_many_rows", rows=settings.table_rows)
    return sheets


def _checked_kind(name: str, content: bytes, settings: Settings) -> str:
    suffix = Path(name).suffix.lower()
    if suffix not in KINDS_BY_SUFFIX:
        raise _refused(name, "file.unknown_type", suffix=suffix or "-")
    if not content.lstrip(_MARKS).strip(_BLANK):
        raise _refused(name, "file.empty")
    if len(content) > settings.upload_megabytes * 1024 * 1024:
        raise _refused(name, "file.too_large", megabytes=settings.upload_megabytes)
    kind = kind_of(content)
    if kind == "encrypted":
        raise _refused(name, "file.encrypted")
    if kind == "web":
        raise _refused(name, "file.web_page")
    expected = KINDS_BY_SUFFIX[suffix]
    if suffix == ".xlsm" and kind == expected:
        raise _refused(name, "file.macros")
    if kind != expected:
        cut = kind == "ZIP" and expected in ("xlsx", "ods") and _ARCHIVE_END not in content[-(1 << 16) :]
        if cut or (kind == "OLE" and expected == "xls"):
            raise _refused(name, "file.damaged")
        raise _refused(name, "file.mislabelled", suffix=suffix, found=kind)
    return kind


def _answer(name: str, content: bytes, limits: dict[str, object], seconds: int) -> bytes:
    """What the reading process answers. A process that was stopped by a limit had too much to do."""
    try:
        # -I keeps the environment and the current folder out of the process; it gets the bytes and the limits.
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-I", "-m", "matching.intake.reader", json.dumps(limits)],
            input=content,
            capture_output=True,
            timeout=seconds * 2,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _refused(name, "file.too_heavy", seconds=seconds) from error
    if done.returncode == 0:
        return done.stdout
    stopped = done.returncode < 0 or b"MemoryError" in done.stderr or b"memory allocation" in done.stderr
    raise _refused(name, "file.too_heavy" if stopped else "file.damaged", seconds=seconds)


def read_rows(name: str, content: bytes, settings: Settings) -> list[Row]:
    """Rows of the first sheet with something in it, blank ones left out; raises as `read_sheets` does."""
    return rows_of(read_sheets(name, content, settings)[0])


def first_rows(sheet: Sheet, most: int) -> list[Row]:
    """The first rows of a sheet with the beginnings of their cells: enough to know a heading by."""
    return _rows(sheet.cells.head(most).with_columns(pl.col(pl.String()).str.slice(0, _HEADING_CHARACTERS)))


def rows_of(sheet: Sheet) -> list[Row]:
    """Rows of a sheet."""
    return _rows(sheet.cells)


def _rows(cells: pl.DataFrame) -> list[Row]:
    places = [int(column[1:]) for column in cells.columns if column != ROW]
    width = max(places, default=-1) + 1
    rows = []
    for number, *texts in cells.iter_rows():
        spread = [""] * width
        for place, text in zip(places, texts, strict=True):
            spread[place] = text
        rows.append(Row(number, tuple(spread)))
    return rows


def content_of(path: Path) -> bytes:
    """The bytes of a file. Raises `CallError` when it is not there or cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise CallError(Problem("call.no_file", values={"path": path, "reason": error.strerror})) from error


def read_table(path: Path, settings: Settings) -> pl.DataFrame:
    """Any table whose first row holds the headings, all cells as texts. Raises `FileRefused` for what is no such table.

    Cells beyond the headings are refused with their row, missing ones are "".
    """
    heading, *rows = read_rows(path.name, content_of(path), settings)
    names = [cell.strip() for cell in heading.cells]
    while names and not names[-1]:
        names.pop()
    if not names or "" in names or len(set(names)) < len(names):
        raise FileRefused(Problem("file.headings", path.name, heading.number, values={"headings": names}))
    for row in rows:
        if any(cell.strip() for cell in row.cells[len(names) :]):
            raise FileRefused(Problem("file.too_many_cells", path.name, row.number, values={"count": len(names)}))
    cells = [[*row.cells, *[""] * len(names)][: len(names)] for row in rows]
    return pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String()), orient="row")


def _refused(name: str, key: str, **values: object) -> FileRefused:
    return FileRefused(Problem(key, file=name, values=values))
