"""Which column of a file holds what: known headings first, then resemblance."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from rapidfuzz import fuzz, process

from matching.data_files import data_path
from matching.errors import FileRefused, Problem
from matching.intake.files import Row
from matching.schema import Kind

# A `text` may be spread over several columns of a file, which are joined; a `line` stands in one.
ColumnType = Literal["line", "text", "list", "money", "date", "choice", "flag"]

# Headings alike to this degree (0–1) are taken for the same; below it a column is left out and said so.
_RESEMBLANCE: Final = 0.85
# Title rows stand above the heading row; a heading further down is not looked for.
_HEADING_ROWS: Final = 20
_BRACKETS: Final = re.compile(r"[(\[【〔<].*?[)\]】〕>]")
_NOT_A_LETTER: Final = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Column:
    """A column of a record and the headings it goes by."""

    name: str
    type: ColumnType
    names: tuple[str, ...]
    required: bool = False
    values: dict[str, tuple[str, ...]] | None = None


@dataclass(frozen=True)
class FoundColumn:
    """A column of the file that is read: its heading, its place from 0, and how alike the names are (0–1)."""

    column: Column
    heading: str
    place: int
    resemblance: float


@dataclass(frozen=True)
class Heading:
    """The heading row of a file: what is read, and the headings that fit nothing."""

    row: int
    found: tuple[FoundColumn, ...]
    unread: tuple[str, ...]


def normalised(heading: str) -> str:
    """A heading without width, case, spaces, punctuation and bracketed remarks: 需求名称（必填） → 需求名称."""
    plain = unicodedata.normalize("NFKC", heading).casefold()
    return _NOT_A_LETTER.sub("", _BRACKETS.sub("", plain))


@cache
def known_columns(kind: Kind) -> tuple[Column, ...]:
    """The columns of a list and their names, from `datasets/columns`."""
    with data_path("columns", f"{kind}.toml").open("rb") as source:
        entries = tomllib.load(source)["column"]
    return tuple(
        Column(
            name=entry["name"],
            type=entry["type"],
            names=tuple(entry["names"]),
            required=entry.get("required", False),
            values={value: tuple(words) for value, words in entry.get("values", {}).items()} or None,
        )
        for entry in entries
    )


@cache
def _column_by_name(kind: Kind) -> dict[str, Column]:
    return {normalised(name): column for column in known_columns(kind) for name in (*column.names, column.name)}


def find_heading(name: str, rows: list[Row], kind: Kind) -> Heading:
    """The first of the upper rows in which every required column is found.

    Raises `FileRefused` that names the missing column and the headings seen instead.
    """
    required = [column for column in known_columns(kind) if column.required]
    for row in rows[:_HEADING_ROWS]:
        heading = _matched(row, kind)
        found = {each.column.name for each in heading.found}
        # A title such as "技术需求名称表" above the table resembles a heading, but stands alone in its row.
        alone = sum(bool(cell) for cell in row.cells) == 1 and any(
            sum(bool(cell) for cell in other.cells) > 1 for other in rows
        )
        if not alone and all(column.name in found for column in required):
            return heading
    seen = tuple(cell[:40] for cell in rows[0].cells if cell)[:12]
    raise FileRefused(
        *(
            Problem(
                "file.missing_column",
                file=name,
                row=rows[0].number,
                column=column.names[0],
                values={"names": column.names[:4], "seen": seen},
            )
            for column in required
        )
    )


def _matched(row: Row, kind: Kind) -> Heading:
    by_name = _column_by_name(kind)
    found: list[FoundColumn] = []
    unread: list[str] = []
    taken: set[str] = set()
    exact = {place: by_name.get(normalised(cell)) for place, cell in enumerate(row.cells) if cell}
    claimed = {column.name for column in exact.values() if column}
    for place, column in exact.items():
        heading = row.cells[place]
        resemblance = 1.0
        if column is None:
            column, resemblance = _resembling(heading, by_name)
            if column and column.name in claimed:
                column = None
        if column is None or (column.name in taken and column.type != "text"):
            unread.append(heading)
            continue
        taken.add(column.name)
        found.append(FoundColumn(column, heading, place, resemblance))
    return Heading(row.number, tuple(found), tuple(unread))


def _resembling(heading: str, by_name: dict[str, Column]) -> tuple[Column | None, float]:
    best = process.extractOne(normalised(heading), by_name.keys(), scorer=fuzz.ratio)
    if best is None or best[1] / 100 < _RESEMBLANCE:
        return None, 0.0
    return by_name[best[0]], best[1] / 100
