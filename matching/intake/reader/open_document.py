"""Merged cells of an OpenDocument spreadsheet, which the reader of its values does not give."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import Final
from xml.etree import ElementTree

_TABLE: Final = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
Range = tuple[tuple[int, int], tuple[int, int]]


def merged_ranges(content: bytes) -> dict[str, list[Range]]:
    """Merged ranges of each sheet as ((top, left), (bottom, right)), all from 0. Raises `ValueError` for wrong XML."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        try:
            root = ElementTree.fromstring(archive.read("content.xml"))  # noqa: S314 - no document type got here
        except (KeyError, ElementTree.ParseError) as error:
            raise ValueError(str(error)) from error
    return {sheet.get(f"{_TABLE}name", ""): _ranges(sheet) for sheet in root.iter(f"{_TABLE}table")}


def _ranges(sheet: ElementTree.Element) -> list[Range]:
    found = []
    row = 0
    for each in sheet.iter(f"{_TABLE}table-row"):
        column = 0
        for cell in each:
            down = int(cell.get(f"{_TABLE}number-rows-spanned", "1"))
            right = int(cell.get(f"{_TABLE}number-columns-spanned", "1"))
            if down > 1 or right > 1:
                found.append(((row, column), (row + down - 1, column + right - 1)))
            column += int(cell.get(f"{_TABLE}number-columns-repeated", "1"))
        row += int(each.get(f"{_TABLE}number-rows-repeated", "1"))
    return found
