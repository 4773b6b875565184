"""Errors in the cells of an old Excel workbook, which the reader of its values gives as blanks.

Records and their numbers are those of Microsoft's "[MS-XLS]: Excel Binary File Format".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO
from typing import Final

import olefile

from matching.intake.reader.sheet_xml import SheetScan

_BOUND_SHEET: Final = 0x0085
_BOOLEAN_OR_ERROR: Final = 0x0205
_FORMULA: Final = 0x0006
_END: Final = 0x000A
_STREAMS: Final = ("Workbook", "Book")


def scan_old_workbook(content: bytes) -> dict[str, SheetScan]:
    """The cells with an error of each sheet, by the sheet's name."""
    with olefile.OleFileIO(BytesIO(content)) as file:
        name = next((each for each in _STREAMS if file.exists(each)), None)
        stream = file.openstream(name).read() if name else b""
    scans = {}
    for kind, data in _records(stream, 0):
        if kind == _BOUND_SHEET and len(data) > 8:
            (start,) = struct.unpack_from("<I", data)
            scans[_name(data[6:])] = _scan(stream, start)
    return scans


def _scan(stream: bytes, start: int) -> SheetScan:
    scan = SheetScan()
    for kind, data in _records(stream, start):
        # The last two bytes of a formula's value say that the rest of it is no number.
        of_formula = kind == _FORMULA and data[6:7] == b"\x02" and data[12:14] == b"\xff\xff"
        if of_formula or (kind == _BOOLEAN_OR_ERROR and data[7:8] == b"\x01"):
            scan.errors.add(_cell(data))
    return scan


def _cell(data: bytes) -> tuple[int, int]:
    row, column = struct.unpack_from("<HH", data)
    return row + 1, column


def _records(stream: bytes, place: int) -> Iterator[tuple[int, bytes]]:
    """Kind and data of each record from a place to the end of its substream."""
    while place + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, place)
        yield kind, stream[place + 4 : place + 4 + length]
        if kind == _END:
            return
        place += 4 + length


def _name(data: bytes) -> str:
    """A short text: its length, whether its characters take two bytes, and they."""
    wide = len(data) > 1 and data[1] & 1
    return data[2 : 2 + data[0] * (2 if wide else 1)].decode("utf-16-le" if wide else "latin-1", errors="replace")
