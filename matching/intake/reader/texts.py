"""Separated texts: which encoding, which separator, which rows."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from itertools import islice
from typing import Final

from matching.intake.reader.answer import Found, Limits, Unreadable, table

_SEPARATORS: Final = ",\t;"
# Rows by which a separator is chosen, and zeros that make a text UTF-16.
_LOOKED_AT: Final = 20
_ZEROS: Final = 4
_WIDE: Final = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


def read_text(content: bytes, limits: Limits) -> list[Found]:
    """The one sheet of a separated text, without a name. Raises `Unreadable` for its encoding or its quotes."""
    text = decoded(content)
    if not text.strip():
        raise Unreadable("file.empty")
    # A cell may be longer than the csv module's own bound; its length is checked with its row and column.
    csv.field_size_limit(sys.maxsize)
    return [Found("", table(_records(text, separator(text)), limits))]


def _records(text: str, between: str) -> Iterator[tuple[int, list[object]]]:
    try:
        for number, cells in enumerate(csv.reader(StringIO(text, newline=""), delimiter=between, strict=True), start=1):
            yield number, list(cells)
    except csv.Error as error:
        raise Unreadable("file.broken_csv", reason=str(error)) from error


def decoded(content: bytes) -> str:
    """UTF-16 by mark or zeros, else strict UTF-8, else strict GB18030: detectors mistake short Chinese texts."""
    for mark, encoding in _WIDE:
        if content.startswith(mark):
            return _strictly(content[len(mark) :], encoding)
    if b"\x00" in content:
        return _strictly(content, _order(content))
    try:
        return _strictly(content, "utf-8-sig")
    except Unreadable:
        return _strictly(content, "gb18030")


def _order(content: bytes) -> str:
    """Which UTF-16 a text without a mark is: the zero of every line end and separator comes second or first."""
    zeros = content[0::2].count(0), content[1::2].count(0)
    if min(sum(zeros), max(zeros) - min(zeros)) < _ZEROS:
        raise Unreadable("file.unknown_encoding")
    return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"


def _strictly(content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unreadable("file.unknown_encoding") from error
    if "\x00" in text:
        raise Unreadable("file.unknown_encoding")
    return text


def separator(text: str) -> str:
    """The separator by which the greatest share of the first rows gets the same number of cells, then the most cells.

    Title rows have one cell, and a list of keywords in a cell gives other numbers in other rows.
    """

    def regularity(between: str) -> tuple[float, int]:
        rows = [
            cells for cells in islice(csv.reader(StringIO(text, newline=""), delimiter=between), _LOOKED_AT) if cells
        ]
        widths = Counter(len(cells) for cells in rows if len(cells) > 1)
        width, count = widths.most_common(1)[0] if widths else (0, 0)
        return count / max(len(rows), 1), width

    return max(_SEPARATORS, key=regularity)
