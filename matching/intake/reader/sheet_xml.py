"""The XML of an Excel sheet, read piece by piece for what its values do not tell.

How far its cells reach, which of them have a formula but no value, and which have an error for a value.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from typing import Final
from xml.etree import ElementTree

# Literal beginnings make the search several times as fast. What is written otherwise meets the limit of memory.
_ROW: Final = re.compile(rb"""<row r=["'](\d{1,7})""")
# Columns up to Z are never too many, and most cells stand in them.
_FAR: Final = re.compile(rb""" r=["']([A-Z]{2,3})(\d{1,7})""")
_CELL: Final = re.compile(rb'<c\b([^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*)(?<!/)>(.*?)</c>', re.DOTALL)
# A text that is empty is a value too, where the cell says that it holds a text.
_VALUE: Final = re.compile(rb"<v[^>]*>[^<]+</v>|<t[^>]*>")
_TEXT: Final = b't="str"'
_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_NEAR_COLUMNS: Final = 26


class SheetScan:
    """What was seen of one sheet so far: `rows` and `columns` reached, cells `valueless` and in `errors`.

    Cells are (row from 1, column from 0).
    """

    def __init__(self) -> None:
        self.rows = 0
        self.columns = _NEAR_COLUMNS
        self.valueless: set[tuple[int, int]] = set()
        self.errors: set[tuple[int, int]] = set()
        self._rest = b""

    def read(self, piece: bytes) -> None:
        """Take in the next piece; what follows the last complete cell waits for the one after."""
        whole = self._rest + piece
        end = max((whole.rfind(mark) + len(mark) for mark in (b"</c>", b"/>") if mark in whole), default=0)
        # An endless cell is not waited for: its text is counted elsewhere.
        if len(whole) - end > len(piece) * 2:
            end = len(whole)
        whole, self._rest = whole[:end], whole[end:]
        for match in _ROW.finditer(whole):
            self.rows = max(self.rows, int(match[1]))
        for match in _FAR.finditer(whole):
            self.columns = max(self.columns, column_number(match[1].decode()))
            self.rows = max(self.rows, int(match[2]))
        if b"<f" in whole or b't="e"' in whole:
            self._read_cells(whole)

    def _read_cells(self, whole: bytes) -> None:
        for attributes, letters, row, inside in _CELL.findall(whole):
            cell = int(row), column_number(letters.decode()) - 1
            if b't="e"' in attributes:
                self.errors.add(cell)
            elif b"<f" in inside and _TEXT not in attributes and not _VALUE.search(inside):
                self.valueless.add(cell)


def column_number(letters: str) -> int:
    """The number of a column from 1: A is 1, Z is 26, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """The entry of the archive that holds each sheet, by the sheet's name. Raises `ValueError` for wrong XML."""
    names = archive.namelist()
    try:
        workbook = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - no document type got here
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    except (KeyError, ElementTree.ParseError) as error:
        raise ValueError(str(error)) from error
    targets = {each.get("Id"): each.get("Target", "") for each in relations}
    parts = {}
    for sheet in workbook.iter(f"{_MAIN}sheet"):
        target = targets.get(sheet.get(_RELATION), "")
        part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))
        if part in names:
            parts[sheet.get("name", "")] = part
    return parts
