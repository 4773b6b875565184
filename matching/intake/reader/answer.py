"""What the reading process tells the one that started it.

An answer is eight bytes (the length of what follows, little-endian), a JSON document, and the sheets' cells one after
the other in Arrow's IPC form. The document is {"refused": key, "values": {…}} or {"sheets": […]} with the name of each
sheet, whether it is hidden, the length of its cells, and what the cells alone do not tell.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from itertools import islice
from typing import Final

import polars as pl

from matching.intake.reader.cell_texts import cell_text

ROW: Final = "row"
# Rows turned into columns at a time: a row of Python texts takes several times what its cells take in a column.
_ROWS: Final = 5_000


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
class Sheet:
    """One sheet: `cells` has the column `row` (from 1) and c0, c1, … for the sheet's columns, blank rows left out.

    `spans` are merged cells of one row, as (row, first column, last column); `valueless` are cells with a formula but
    no value, `errors` those with a value such as #REF!, and `monthlike` numbers such as 2024.1, as (row, column). Rows
    count from 1, columns from 0.
    """

    name: str
    cells: pl.DataFrame
    hidden: bool = False
    spans: tuple[tuple[int, int, int], ...] = ()
    valueless: frozenset[tuple[int, int]] = field(default=frozenset())
    errors: frozenset[tuple[int, int]] = field(default=frozenset())
    monthlike: frozenset[tuple[int, int]] = field(default=frozenset())


def table(rows: Iterable[tuple[int, list[object]]], limits: Limits) -> pl.DataFrame:
    """Numbered rows as columns of trimmed texts, without blank rows. Raises `Unreadable` beyond the characters allowed.

    One long text may stand in thousands of cells, so the characters are counted as they are read.
    """
    numbered = _with_text(rows, limits)
    parts = [_columns(texts) for texts in iter(lambda: list(islice(numbered, _ROWS)), [])]
    return pl.concat(parts, how="diagonal") if parts else pl.DataFrame(schema={ROW: pl.UInt32})


def _with_text(rows: Iterable[tuple[int, list[object]]], limits: Limits) -> Iterator[tuple[int, list[str]]]:
    left = limits.characters
    for number, cells in rows:
        texts = [cell_text(cell) for cell in cells]
        left -= sum(map(len, texts))
        if left < 0:
            raise Unreadable("file.too_much_text", characters=limits.characters)
        if any(texts):
            yield number, texts


def _columns(rows: list[tuple[int, list[str]]]) -> pl.DataFrame:
    width = max(len(cells) for _, cells in rows)
    columns: dict[str, pl.Series] = {ROW: pl.Series([number for number, _ in rows], dtype=pl.UInt32)}
    for place in range(width):
        texts = [cells[place] if place < len(cells) else "" for _, cells in rows]
        if any(texts):
            columns[f"c{place}"] = pl.Series(texts, dtype=pl.String)
    return pl.DataFrame(columns)


def refusal(error: Unreadable) -> bytes:
    """The answer that a file cannot be taken."""
    return _framed({"refused": error.key, "values": error.values}, [])


def sheets_answer(sheets: Iterable[Sheet]) -> bytes:
    """The answer with what is in the sheets."""
    told, blobs = [], []
    for sheet in sheets:
        target = BytesIO()
        sheet.cells.write_ipc(target)
        blobs.append(target.getvalue())
        told.append(
            {
                "name": sheet.name,
                "hidden": sheet.hidden,
                "bytes": len(blobs[-1]),
                "spans": sheet.spans,
                **{name: sorted(getattr(sheet, name)) for name in ("valueless", "errors", "monthlike")},
            }
        )
    return _framed({"sheets": told}, blobs)


def _framed(document: dict[str, object], blobs: list[bytes]) -> bytes:
    head = json.dumps(document).encode()
    return b"".join([len(head).to_bytes(8, "little"), head, *blobs])


def sheets_of(answer: bytes) -> list[Sheet]:
    """The sheets of an answer, texts never null. Raises `Unreadable` for a refusal."""
    start = 8 + int.from_bytes(answer[:8], "little")
    document = json.loads(answer[8:start])
    if "refused" in document:
        raise Unreadable(document["refused"], **document["values"])
    sheets = []
    for told in document["sheets"]:
        cells = pl.read_ipc(BytesIO(answer[start : start + told["bytes"]]))
        start += told["bytes"]
        sheets.append(
            Sheet(
                told["name"],
                cells.with_columns(pl.col(pl.String()).fill_null("")),
                told["hidden"],
                tuple((row, first, last) for row, first, last in told["spans"]),
                *(
                    frozenset((row, column) for row, column in told[name])
                    for name in ("valueless", "errors", "monthlike")
                ),
            )
        )
    return sheets
