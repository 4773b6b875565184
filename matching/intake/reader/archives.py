"""What a workbook's archive holds, looked at before it is parsed: how much it unpacks to, entities, macros, the range.

Everything is counted while it is unpacked, piece by piece: what an archive says of itself may be a lie.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Final

from matching.intake.reader.answer import Limits, Unreadable
from matching.intake.reader.sheet_xml import SheetScan, sheet_parts

_PIECE: Final = 1 << 20
_ENTRIES: Final = 5_000
_DOCTYPES: Final = tuple("<!DOCTYPE".encode(each) for each in ("ascii", "utf-16-le", "utf-16-be"))
_OVERLAP: Final = 32
# Pictures are never read, and one drawn in XML may well have a document type.
_PICTURES: Final = ("xl/media/", "Pictures/", "Thumbnails/")
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)


def scan_archive(content: bytes, limits: Limits) -> dict[str, SheetScan]:
    """What the sheets of an Excel workbook hold that their values do not tell, by the sheet's name; none for others.

    Raises `Unreadable` for an archive that is damaged, unpacks to too much, has macros, entities or too wide a range.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            scans = _scan_entries(archive, limits)
            parts = sheet_parts(archive) if "xl/workbook.xml" in archive.namelist() else {}
    except _BROKEN as error:
        raise Unreadable("file.damaged") from error
    return {name: scans[part] for name, part in parts.items() if part in scans}


def _scan_entries(archive: zipfile.ZipFile, limits: Limits) -> dict[str, SheetScan]:
    entries = archive.infolist()
    if any(entry.filename.lower().endswith("vbaproject.bin") for entry in entries):
        raise Unreadable("file.macros")
    if len(entries) > _ENTRIES:
        raise Unreadable("file.unpacks_too_large", megabytes=limits.unpacked_megabytes)
    scans = {entry.filename: SheetScan() for entry in entries if entry.filename.startswith("xl/worksheets/")}
    left = limits.unpacked_megabytes * 1024 * 1024
    for entry in entries:
        for piece in _unpacked(archive, entry):
            left -= len(piece)
            if left < 0:
                raise Unreadable("file.unpacks_too_large", megabytes=limits.unpacked_megabytes)
            scan = scans.get(entry.filename)
            if scan is not None:
                scan.read(piece)
                if scan.rows * scan.columns > limits.cells:
                    raise Unreadable("file.range_too_large", cells=limits.cells)
    return scans


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """The pieces of an entry. A document type is refused wherever it stands: entities can unfold to anything."""
    tail = b""
    with archive.open(entry) as source:
        while piece := source.read(_PIECE):
            if not entry.filename.startswith(_PICTURES) and any(mark in tail + piece for mark in _DOCTYPES):
                raise Unreadable("file.xml_entities")
            tail = piece[-_OVERLAP:]
            yield piece
