"""One file read: the clean frame, and what was read and what was not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, cast

import polars as pl

from matching.errors import FileRefused, Problem
from matching.intake import cells
from matching.intake.columns import Column, FoundColumn, Heading, find_heading, known_columns
from matching.intake.files import Row, content_of, read_rows
from matching.schema import CHOICES, ID, ORGANISATION, PROVENANCE, RECORD, Kind
from matching.settings import Settings

_ID_LETTER: Final[dict[Kind, str]] = {"demands": "D", "achievements": "A"}
# A file with more wrong cells than this is told the first ones; the rest would not be read.
_PROBLEMS_TOLD: Final = 50

Record = dict[str, object]


@dataclass(frozen=True)
class Reading:
    """A file that can be taken.

    `frame` has the record's columns and `source_row`, `content_hash`; `left_out` says which rows were not taken
    and why; `unread` are the headings that fit no column.
    """

    kind: Kind
    file: str
    sha256: str
    frame: pl.DataFrame
    rows: int
    heading: Heading
    left_out: tuple[Problem, ...]

    @property
    def unread(self) -> tuple[str, ...]:
        """Headings of the file that fit no column."""
        return self.heading.unread


def read_file(path: str | Path, kind: Kind, settings: Settings | None = None) -> Reading:
    """Read a file from disk; see `read_bytes`. Raises `CallError` when it is not there."""
    path = Path(path)
    return read_bytes(path.name, content_of(path), kind, settings)


def read_bytes(name: str, content: bytes, kind: Kind, settings: Settings | None = None) -> Reading:
    """Read the bytes of an uploaded file.

    Rows without a title, and rows that repeat an earlier one, are left out and said so. Anything else that is
    wrong refuses the file whole: `FileRefused` lists the places, file, row, column and remedy each.
    """
    settings = settings or Settings()
    rows = read_rows(name, content, settings)
    heading = find_heading(name, rows, kind)
    body = [row for row in rows if row.number > heading.row]
    if not body:
        raise FileRefused(Problem("file.no_rows", file=name, values={"row": heading.row}))
    records, left_out, wrong = _records(name, body, heading, kind, settings)
    if wrong:
        raise FileRefused(*_first(name, wrong))
    if not records:
        raise FileRefused(Problem("file.no_titles", file=name, values={"rows": len(body)}))
    frame = pl.DataFrame(records, schema={**RECORD[kind], **PROVENANCE}, orient="row")
    digest = hashlib.sha256(content).hexdigest()
    return Reading(kind, name, digest, frame, len(body), heading, tuple(left_out))


def content_hash(record: Record) -> str:
    """SHA-256 of what a record says, whatever file and row it came from; the same for equal records."""
    text = json.dumps(record, ensure_ascii=False, sort_keys=True, default=_iso)
    return hashlib.sha256(text.encode()).hexdigest()


def _iso(value: object) -> str:
    return cast(date, value).isoformat()


def _first(name: str, problems: list[Problem]) -> Iterable[Problem]:
    yield from problems[:_PROBLEMS_TOLD]
    if len(problems) > _PROBLEMS_TOLD:
        yield Problem("file.more_problems", file=name, values={"count": len(problems) - _PROBLEMS_TOLD})


def _records(
    name: str, body: list[Row], heading: Heading, kind: Kind, settings: Settings
) -> tuple[list[Record], list[Problem], list[Problem]]:
    """Records to take, rows left out, and what is wrong."""
    taken: dict[str, Record] = {}
    left_out: list[Problem] = []
    wrong: list[Problem] = []
    for row in body:
        record, problems = _record(name, row, heading, kind, settings)
        wrong += problems
        if problems:
            continue
        if not record["title"]:
            left_out.append(Problem("row.no_title", file=name, row=row.number))
            continue
        identity = str(record[ID[kind]])
        digest = content_hash(record)
        known = taken.get(identity)
        if known is None:
            taken[identity] = {**record, "source_row": row.number, "content_hash": digest}
        elif known["content_hash"] == digest:
            left_out.append(Problem("row.repeated", file=name, row=row.number, values={"first": known["source_row"]}))
        else:
            values = {"identity": identity, "first": known["source_row"]}
            wrong.append(Problem("row.same_id", file=name, row=row.number, values=values))
    return list(taken.values()), left_out, wrong


def _record(name: str, row: Row, heading: Heading, kind: Kind, settings: Settings) -> tuple[Record, list[Problem]]:
    record: Record = {column.name: _absent(column, kind) for column in known_columns(kind)}
    problems: list[Problem] = []
    for found in heading.found:
        text = row.cells[found.place] if found.place < len(row.cells) else ""
        if len(text) > settings.cell_characters:
            values: dict[str, object] = {"characters": len(text), "limit": settings.cell_characters}
            problems.append(Problem("cell.too_long", name, row.number, found.heading, values))
            continue
        try:
            value = _value(text, found, kind)
        except ValueError:
            problems.append(_unreadable(name, row.number, found, text))
            continue
        if value in ("", None, []):
            continue
        before = record[found.column.name]
        # Two headings of one text column (主要问题, 技术关键) both say something: keep both, in order.
        record[found.column.name] = f"{before}\n{value}" if found.column.type == "text" and before else value
    if not record[ID[kind]]:
        record[ID[kind]] = _derived_id(record, kind)
    return record, problems


def _absent(column: Column, kind: Kind) -> object:
    match column.type:
        case "line" | "text":
            return ""
        case "list":
            return []
        case "flag":
            return False
        case "choice":
            return CHOICES[kind][column.name][0]
        case "money" | "date":
            return None


def _value(text: str, found: FoundColumn, kind: Kind) -> object:
    column = found.column
    match column.type:
        case "line" | "text":
            return text
        case "list":
            return cells.words(text)
        case "money":
            return cells.yuan(text, found.heading)
        case "date":
            return cells.day(text)
        case "flag":
            return cells.choice(text, column.values or {}, "false") == "true"
        case "choice":
            return cells.choice(text, column.values or {}, CHOICES[kind][column.name][0])


def _unreadable(name: str, row: int, found: FoundColumn, text: str) -> Problem:
    allowed = [words[0] for words in (found.column.values or {}).values()]
    values: dict[str, object] = {"text": text[:60], "allowed": allowed}
    return Problem(f"cell.not_{found.column.type}", name, row, found.heading, values)


def _derived_id(record: Record, kind: Kind) -> str:
    """An id for a record that states none: the same organisation and title give the same id in every file."""
    identity = f"{record[ORGANISATION[kind]]}\n{record['title']}"
    return f"{_ID_LETTER[kind]}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
