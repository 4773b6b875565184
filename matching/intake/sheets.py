"""Sheets of text, as the reading process found them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from matching.intake.reader.answer import BETWEEN, MARKS, Unreadable

ROW: Final = "row"
# So many bytes of a column are parted into texts at a time.
_PIECE: Final = 1 << 24


@dataclass(frozen=True)
class Sheet:
    """One sheet: `cells` has the column `row` (from 1) and c0, c1, … for the sheet's columns, blank rows left out.

    Texts are trimmed and never null; columns in which nothing stands are not there. `spans` are merged cells of one
    row, as (row, first column, last column); `valueless` are cells with a formula but no value, `errors` those with a
    value such as #REF!, and `monthlike` numbers such as 2024.1, as (row, column). Rows count from 1, columns from 0.
    """

    name: str
    cells: pl.DataFrame
    hidden: bool = False
    spans: tuple[tuple[int, int, int], ...] = ()
    valueless: frozenset[tuple[int, int]] = field(default=frozenset())
    errors: frozenset[tuple[int, int]] = field(default=frozenset())
    monthlike: frozenset[tuple[int, int]] = field(default=frozenset())


def sheets_of(answer: bytes) -> list[Sheet]:
    """The sheets of an answer. Raises `Unreadable` for a refusal."""
    start = 8 + int.from_bytes(answer[:8], "little")
    document = json.loads(answer[8:start])
    if "refused" in document:
        raise Unreadable(document["refused"], **document["values"])
    sheets = []
    for told in document["sheets"]:
        columns = [pl.Series(ROW, told["rows"], dtype=pl.UInt32)]
        for place, length in told["columns"]:
            columns.append(_column(f"c{place}", answer, start, start + length))
            if len(columns[-1]) != len(told["rows"]):
                raise Unreadable("file.damaged")
            start += length
        sheets.append(_sheet(told, pl.DataFrame(columns)))
    return sheets


def _column(name: str, answer: bytes, start: int, end: int) -> pl.Series:
    """The texts between two places of an answer, by pieces: to part all at once takes several times their memory."""
    between = BETWEEN.encode()
    parts = []
    while start <= end:
        cut = answer.find(between, start + _PIECE, end)
        until = end if cut < 0 else cut
        parts.append(pl.Series(name, [answer[start:until].decode()], dtype=pl.String).str.split(BETWEEN).explode())
        start = until + len(between)
    return pl.concat(parts, rechunk=True)


def _sheet(told: dict[str, Any], cells: pl.DataFrame) -> Sheet:
    return Sheet(
        told["name"],
        cells,
        told["hidden"],
        tuple((row, first, last) for row, first, last in told["spans"]),
        *(frozenset((row, column) for row, column in told[name]) for name in MARKS),
    )
