"""What a file is, by its first bytes: names lie."""

from __future__ import annotations

from typing import Final, Literal

# Those that can be read; the others are known only to be named in a message.
FileKind = Literal["text", "xlsx", "ods", "xls"]

_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP: Final = b"PK\x03\x04"
_OTHERS: Final = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x05\x06", "ZIP"),
    (b"SQLite format 3", "SQLite"),
)
_WEB: Final = (b"<!doctype html", b"<html", b"<table", b"<head", b"<meta", b"<?xml")
_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
# In the directory of an OLE file the names of its streams are UTF-16.
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_WORKBOOKS: Final = tuple(name.encode("utf-16-le") for name in ("Workbook", "Book"))
# Local names of a zip archive's entries stand in clear at their places.
_SPREADSHEET: Final = b"application/vnd.oasis.opendocument.spreadsheet"


def kind_of(content: bytes) -> str:
    """text, xlsx, ods, xls; encrypted; web for HTML or XML; else the name of what the bytes are: PDF, ZIP, …."""
    if content.startswith(_ZIP):
        return _zipped(content)
    if content.startswith(_OLE):
        if _ENCRYPTED in content:
            return "encrypted"
        return "xls" if any(name in content for name in _WORKBOOKS) else "OLE"
    for signature, name in _OTHERS:
        if content.startswith(signature):
            return name
    start = content[:512]
    for mark in _MARKS:
        start = start.removeprefix(mark)
    plain = start.replace(b"\x00", b"").lstrip().lower()
    return "web" if plain.startswith(_WEB) else "text"


def _zipped(content: bytes) -> str:
    if _SPREADSHEET in content[:200]:
        return "ods"
    if b"xl/workbook" in content or b"xl/worksheets/" in content:
        return "xlsx"
    if b"word/document" in content:
        return "Word"
    if b"ppt/presentation" in content:
        return "PowerPoint"
    return "ZIP"
