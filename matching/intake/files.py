"""Bytes of an uploaded file become rows of text, with the row numbers a person sees in the spreadsheet."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Final

import polars as pl

from matching.errors import CallError, FileRefused, Problem
from matching.settings import Settings

_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0"
_READER: Final = Path(__file__).with_name("workbook_process.py")


@dataclass(frozen=True)
class Row:
    """One row that is not blank: its number in the file, from 1, and its cells as text."""

    number: int
    cells: tuple[str, ...]


def read_rows(name: str, content: bytes, settings: Settings) -> list[Row]:
    """Rows of a .csv or .xlsx file, blank ones left out.

    Raises `FileRefused` for an unknown type, an empty, mislabelled, damaged or too large file.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in (".csv", ".xlsx"):
        raise _refused(name, "file.unknown_type", suffix=suffix or "-")
    if not content.strip(b"\x00\t\r\n ") or content.strip() == b"\xef\xbb\xbf":
        raise _refused(name, "file.empty")
    if len(content) > settings.upload_megabytes * 1024 * 1024:
        raise _refused(name, "file.too_large", megabytes=settings.upload_megabytes)
    rows = _workbook_rows(name, content, settings) if suffix == ".xlsx" else _csv_rows(name, content)
    if not rows:
        raise _refused(name, "file.empty")
    if len(rows) > settings.table_rows:
        raise _refused(name, "file.too_many_rows", rows=settings.table_rows)
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


def _kept(rows: Iterable[tuple[int, list[str]]]) -> list[Row]:
    stripped = ((number, tuple(cell.strip() for cell in cells)) for number, cells in rows)
    return [Row(number, cells) for number, cells in stripped if any(cells)]


def _csv_rows(name: str, content: bytes) -> list[Row]:
    if content.startswith((_ZIP, _OLE)):
        raise _refused(name, "file.workbook_named_csv")
    text = _decoded(name, content)
    # A cell may be longer than the csv module's own bound; its length is checked with its row and column.
    csv.field_size_limit(sys.maxsize)
    try:
        records = list(csv.reader(StringIO(text, newline=""), delimiter=_delimiter(text), strict=True))
    except csv.Error as error:
        raise _refused(name, "file.broken_csv", reason=error) from error
    return _kept(enumerate(records, start=1))


def _decoded(name: str, content: bytes) -> str:
    """Strict UTF-8 (with or without BOM), else strict GB18030: detectors mistake short Chinese texts."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise _refused(name, "file.unknown_encoding")


def _delimiter(text: str) -> str:
    """The separator that one of the first lines has most of; a title row above the heading has none."""
    first = list(islice((line for line in StringIO(text) if line.strip()), 5))
    return max(",\t;", key=lambda separator: max((line.count(separator) for line in first), default=0))


def _workbook_rows(name: str, content: bytes, settings: Settings) -> list[Row]:
    if content.startswith(_OLE):
        raise _refused(name, "file.encrypted_or_old")
    if not content.startswith(_ZIP):
        raise _refused(name, "file.not_a_workbook")
    bounds = (settings.workbook_memory_megabytes, settings.workbook_seconds, settings.table_characters)
    try:
        # -I keeps the environment and the current folder out of the child; it gets the bytes and three numbers.
        answer = subprocess.run(  # noqa: S603
            [sys.executable, "-I", str(_READER), *map(str, bounds)],
            input=content,
            capture_output=True,
            timeout=settings.workbook_seconds * 2,
            check=True,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise _refused(name, "file.unreadable_workbook") from error
    rows: list[list[str]] = json.loads(answer.stdout)["rows"]
    return _kept(enumerate(rows, start=1))
