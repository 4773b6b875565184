"""What the reading process tells the one that started it.

An answer is eight bytes (the length of what follows, little-endian), a JSON document, and the cells as UTF-8. The
document is {"refused": key, "values": {…}} or {"sheets": […]} with the name of each sheet, whether it is hidden, the
numbers of its rows, the places of its columns with the length of each, and what the cells alone do not tell. A column
is its texts, one a row, parted by a character that no text has. This process imports little, so that a small file is
read in no time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from matching.intake.reader.cell_texts import cell_text

# Parts texts; in a text it is no character for people, and becomes a space.
BETWEEN: Final = "\x1e"
MARKS: Final = ("valueless", "errors", "monthlike")
# Rows turned into columns at a time: a row of single texts takes several times what its part of a column takes.
_ROWS: Final = 5_000
_NOTHING: Final[frozenset[tuple[int, int]]] = frozenset()


@dataclass(frozen=True)
class Limits:
    """What reading one file may take: memory, CPU time, unpacked bytes, cells of a sheet's range, characters."""

    megabytes: int
    seconds: int
    unpacked_megabytes: int
    cells: int
    characters: int


class Unreadable(Exception):
    """The file cannot be taken: a key of the wording catalogues and its values."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


@dataclass(frozen=True)
class Columns:
    """Rows that are not blank, as columns: their numbers, from 1, and the texts of each column by its place, from 0."""

    numbers: list[int]
    texts: dict[int, str]


@dataclass(frozen=True)
class Found:
    """One sheet as it was found; what its fields mean is told at `intake.sheets.Sheet`."""

    name: str
    columns: Columns
    hidden: bool = False
    spans: tuple[tuple[int, int, int], ...] = ()
    valueless: frozenset[tuple[int, int]] = field(default=_NOTHING)
    errors: frozenset[tuple[int, int]] = field(default=_NOTHING)
    monthlike: frozenset[tuple[int, int]] = field(default=_NOTHING)


def table(rows: Iterable[tuple[int, list[object]]], limits: Limits) -> Columns:
    """Numbered rows as columns of trimmed texts, without blank rows. Raises `Unreadable` beyond the characters allowed.

    One long text may stand in thousands of cells, so the characters are counted as they are read.
    """
    numbered = _with_text(rows, limits)
    numbers: list[int] = []
    parts: dict[int, list[str]] = {}
    heights: list[int] = []
    for texts in iter(lambda: list(islice(numbered, _ROWS)), []):
        for place in range(max(len(cells) for _, cells in texts)):
            column = [cells[place] if place < len(cells) else "" for _, cells in texts]
            if any(column):
                # A column that begins in a later part was blank in those before.
                known = parts.setdefault(place, [])
                known += [BETWEEN * (height - 1) for height in heights[len(known) :]]
                known.append(BETWEEN.join(column))
        heights.append(len(texts))
        numbers += [number for number, _ in texts]
    whole = {
        place: BETWEEN.join([*known, *(BETWEEN * (height - 1) for height in heights[len(known) :])])
        for place, known in parts.items()
    }
    return Columns(numbers, whole)


def _with_text(rows: Iterable[tuple[int, list[object]]], limits: Limits) -> Iterator[tuple[int, list[str]]]:
    left = limits.characters
    for number, cells in rows:
        texts = [cell_text(cell).replace(BETWEEN, " ") for cell in cells]
        left -= sum(map(len, texts))
        if left < 0:
            raise Unreadable("file.too_much_text", characters=limits.characters)
        if any(texts):
            yield number, texts


def refusal(error: Unreadable) -> bytes:
    """The answer that a file cannot be taken."""
    return _framed({"refused": error.key, "values": error.values}, [])


def sheets_answer(sheets: Iterable[Found]) -> bytes:
    """The answer with what is in the sheets."""
    told: list[dict[str, object]] = []
    blobs: list[bytes] = []
    for sheet in sheets:
        encoded = {place: texts.encode() for place, texts in sorted(sheet.columns.texts.items())}
        blobs += encoded.values()
        told.append(
            {
                "name": sheet.name,
                "hidden": sheet.hidden,
                "rows": sheet.columns.numbers,
                "columns": [(place, len(blob)) for place, blob in encoded.items()],
                "spans": sheet.spans,
                **{name: sorted(getattr(sheet, name)) for name in MARKS},
            }
        )
    return _framed({"sheets": told}, blobs)


def _framed(document: dict[str, object], blobs: list[bytes]) -> bytes:
    head = json.dumps(document).encode()
    return b"".join([len(head).to_bytes(8, "little"), head, *blobs])
