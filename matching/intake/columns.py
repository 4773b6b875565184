"""Which column of a sheet holds what: what a person said of it, known headings, then resemblance."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any, Final, Literal

from rapidfuzz import fuzz, process

from matching.data_files import data_path
from matching.errors import FileRefused, Problem
from matching.intake.files import Row
from matching.schema import Kind
from matching.wording import LANGUAGES, say

# A `text` may be spread over several columns of a file, which are joined; a `line` stands in one.
ColumnType = Literal["line", "text", "list", "money", "date", "choice", "flag"]

# Headings alike to this degree (0–1) are taken for the same; below it a column is kept as an extra.
_RESEMBLANCE: Final = 0.85
# Title rows stand above the heading row; a heading further down is not looked for.
HEADING_ROWS: Final = 30
_BRACKETS: Final = re.compile(r"[(\[【〔<].*?[)\]】〕>]")
_NOT_A_LETTER: Final = re.compile(r"[\W_]+")
# Merged cells of a row: (row, first column, last column).
Spans = Sequence[tuple[int, int, int]]


@dataclass(frozen=True)
class Column:
    """A column of a record and the headings it goes by."""

    name: str
    type: ColumnType
    names: tuple[str, ...]
    required: bool = False
    values: dict[str, tuple[str, ...]] | None = None
    # For the template: an example, what to write by language, and what is often written.
    example: str = ""
    hints: Mapping[str, str] = field(default_factory=dict)
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundColumn:
    """A column of the file that is read: its heading, its place from 0, and how alike the names are (0–1)."""

    column: Column
    heading: str
    place: int
    resemblance: float


@dataclass(frozen=True)
class Heading:
    """The heading of a sheet: its last row, what is read, and the other columns as (place, heading)."""

    row: int
    found: tuple[FoundColumn, ...]
    extras: tuple[tuple[int, str], ...]
    sheet: str = ""

    @property
    def unread(self) -> tuple[str, ...]:
        """Headings of the columns that fit nothing and are kept as they are."""
        return tuple(heading for _, heading in self.extras)


@dataclass(frozen=True)
class Plan:
    """What a person said of a file's columns: `columns` by normalised heading, "" for one to be kept as an extra.

    `heading_row` is the row of the heading where it was not found, or found wrongly.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    heading_row: int | None = None


def normalised(heading: str) -> str:
    """A heading without width, case, spaces, punctuation and bracketed remarks: 需求名称（必填） → 需求名称."""
    plain = unicodedata.normalize("NFKC", heading).casefold()
    return _NOT_A_LETTER.sub("", _BRACKETS.sub("", plain))


@cache
def _file(kind: Kind) -> dict[str, Any]:
    with data_path("columns", f"{kind}.toml").open("rb") as source:
        return tomllib.load(source)


@cache
def known_columns(kind: Kind) -> tuple[Column, ...]:
    """The columns of a list and their names, from `datasets/columns`."""
    return tuple(
        Column(
            name=entry["name"],
            type=entry["type"],
            names=tuple(entry["names"]),
            required=entry.get("required", False),
            values={value: tuple(words) for value, words in entry.get("values", {}).items()} or None,
            example=entry["example"],
            hints={"zh_CN": entry.get("hint_zh", ""), "en": entry.get("hint_en", "")},
            suggestions=tuple(entry.get("suggestions", ())),
        )
        for entry in _file(kind)["column"]
    )


@cache
def column(kind: Kind, name: str) -> Column:
    """The column of a name. Raises `KeyError` for one that there is not."""
    return {each.name: each for each in known_columns(kind)}[name]


@cache
def _column_by_name(kind: Kind) -> dict[str, Column]:
    return {normalised(name): column for column in known_columns(kind) for name in (*column.names, column.name)}


@cache
def _ignored(kind: Kind) -> frozenset[str]:
    """Headings of columns that say nothing of a record: running numbers, and what this program added."""
    return frozenset(normalised(name) for name in _file(kind)["ignored"])


def best_heading(rows: Sequence[Row], kind: Kind, plan: Plan, spans: Spans = (), sheet: str = "") -> Heading | None:
    """The heading among the upper rows by which most columns are found, the title's among them; None without one.

    A heading is one row, or two where the upper one names groups of the lower's columns. A lone cell is a title.
    """
    candidates: list[tuple[int, Heading]] = []
    upper = [row for row in rows[:HEADING_ROWS] if plan.heading_row in (None, row.number)]
    alone = len(rows) > 1 and any(_filled(row) > 1 for row in rows[:HEADING_ROWS])
    for row in upper:
        if alone and _filled(row) == 1 and plan.heading_row is None:
            continue
        candidates.append((1, _matched(row.number, _labels(row, None, spans), kind, plan, sheet)))
    for above, below in pairwise(rows[: HEADING_ROWS + 1]):
        if plan.heading_row in (None, below.number) and below.number == above.number + 1:
            candidates.append((2, _matched(below.number, _labels(below, above, spans), kind, plan, sheet)))
    usable = [each for each in candidates if _complete(each[1], kind)]
    if not usable:
        return None
    # Of equals the one of a single row, then the first.
    return max(usable, key=lambda each: (len({found.column.name for found in each[1].found}), -each[0], -each[1].row))[
        1
    ]


def is_handed_out(row: Row) -> bool:
    """Whether a sheet that begins with this row is one that this program adds to what it hands out: no list."""
    return tuple(cell for cell in row.cells if cell) in _handed_out()


@cache
def _handed_out() -> frozenset[tuple[str, ...]]:
    headings = (
        tuple(f"marked.{name}" for name in ("sheet", "row", "column", "problem")),
        tuple(f"template.{name}" for name in ("column", "how", "choices", "names")),
    )
    return frozenset(tuple(say(key, language) for key in keys) for keys in headings for language in LANGUAGES)


def heading_at(row: Row, kind: Kind, plan: Plan, sheet: str = "") -> Heading:
    """A row taken for the heading, whatever it lacks."""
    return _matched(row.number, _labels(row, None, ()), kind, plan, sheet)


def missing_columns(name: str, row: Row, kind: Kind) -> FileRefused:
    """The refusal of a file without a heading: the columns it must have, and what was seen instead."""
    seen = tuple(cell[:40] for cell in row.cells if cell)[:12]
    return FileRefused(
        *(
            Problem(
                "file.missing_column",
                file=name,
                row=row.number,
                column=column.names[0],
                values={"names": column.names[:4], "seen": seen},
            )
            for column in known_columns(kind)
            if column.required
        )
    )


def _filled(row: Row) -> int:
    return sum(bool(cell) for cell in row.cells)


def _complete(heading: Heading, kind: Kind) -> bool:
    found = {each.column.name for each in heading.found}
    return all(column.name in found for column in known_columns(kind) if column.required)


# What a column may be called, the likeliest first: its own cell, with the group's name before it, the group's alone.
_Labels = list[tuple[int, tuple[str, ...]]]


def _labels(row: Row, above: Row | None, spans: Spans) -> _Labels:
    groups = {} if above is None else _groups(above, row, spans)
    labels: _Labels = []
    for place in range(max(len(row.cells), max(groups, default=-1) + 1)):
        own = row.cells[place] if place < len(row.cells) else ""
        group = groups.get(place, "")
        if own and group and own != group:
            labels.append((place, (own, group + own, group)))
        elif own or group:
            labels.append((place, (own or group,)))
    return labels


def _groups(above: Row, row: Row, spans: Spans) -> dict[int, str]:
    """The upper row's name over each column: its own cell, the merged cell's, or the one to its left."""
    spanned = {
        place: above.cells[first]
        for number, first, last in spans
        if number == above.number and first < len(above.cells)
        for place in range(first, last + 1)
    }
    merged = any(number == above.number for number, _, _ in spans)
    groups: dict[int, str] = {}
    left = ""
    for place in range(max(len(above.cells), len(row.cells))):
        own = above.cells[place] if place < len(above.cells) else ""
        left = own or left
        below = row.cells[place] if place < len(row.cells) else ""
        groups[place] = own or spanned.get(place, "") or (left if below and not merged else "")
    return groups


def _matched(row: int, labels: _Labels, kind: Kind, plan: Plan, sheet: str) -> Heading:
    fitting = [(place, *_fitting(names, kind, plan)) for place, names in labels]
    # A heading known by name comes before one that only resembles it.
    claimed = {column.name for _, _, column, resemblance in fitting if column and resemblance == 1}
    found: list[FoundColumn] = []
    extras: list[tuple[int, str]] = []
    taken: set[str] = set()
    for place, heading, column, resemblance in fitting:
        free = column is not None and (
            (resemblance == 1 or column.name not in claimed) and (column.name not in taken or column.type == "text")
        )
        if column is not None and free:
            taken.add(column.name)
            found.append(FoundColumn(column, heading, place, resemblance))
        elif normalised(heading) not in _ignored(kind):
            extras.append((place, heading))
    return Heading(row, tuple(found), tuple(extras), sheet)


def _fitting(names: tuple[str, ...], kind: Kind, plan: Plan) -> tuple[str, Column | None, float]:
    """The heading to be told, the column it is of, and how sure that is: said or known by name 1, else resemblance."""
    by_name = _column_by_name(kind)
    told = names[0] if len(names) == 1 or normalised(names[0]) in by_name else names[1]
    plain = [normalised(name) for name in names]
    for name in (normalised(told), *plain):
        if name in plan.columns:
            chosen = plan.columns[name]
            return told, (column(kind, chosen) if chosen else None), 1.0
    for name in plain:
        if name in by_name:
            return told, by_name[name], 1.0
    # A running number beside a cell is no heading of two rows that could resemble one.
    for name in () if any(each in _ignored(kind) for each in plain) else plain[:2]:
        best = process.extractOne(name, by_name.keys(), scorer=fuzz.ratio, score_cutoff=_RESEMBLANCE * 100)
        if best is not None:
            return told, by_name[best[0]], best[1] / 100
    return told, None, 0.0
