"""What a file is is told by its bytes."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest
from intake_books import written
from places import ROOT

from matching.intake.reader.signatures import kind_of

FILES = ROOT / "tests" / "files"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def archive(*names: str) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as book:
        for name in names:
            book.writestr(name, "x")
    return target.getvalue()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("xlsx_plain.xlsx", "xlsx"), ("ods_plain.ods", "ods"), ("xls_plain.xls", "xls"),
        ("csv_utf_8_comma.csv", "text"),
        ("csv_gb18030_tab.csv", "text"), ("csv_utf_16_be_bom_comma.csv", "text"), ("encrypted.xlsx", "encrypted"),
        ("encrypted.xls", "xls"), ("encrypted.ods", "ods"), ("html_named.xls", "web"), ("pdf_named.xlsx", "PDF"),
        ("png_named.csv", "PNG"), ("docx_named.xlsx", "Word"), ("macros.xlsm", "xlsx"), ("xlsx_named.csv", "xlsx"),
        ("xls_named.xlsx", "xls"), ("ods_named.xlsx", "ods"), ("truncated.xlsx", "xlsx"), ("truncated.xls", "OLE"),
    ],
)  # fmt: skip
def test_kept_files_are_known_by_their_bytes(name: str, kind: str) -> None:
    assert kind_of((FILES / name).read_bytes()) == kind


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "text"),
        (b"a,b\n", "text"),
        ("需求名称".encode("utf-16"), "text"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"GIF89a", "GIF"),
        (b"Rar!\x1a\x07", "RAR"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"PK\x05\x06" + b"\x00" * 18, "ZIP"),
        (b"SQLite format 3\x00", "SQLite"),
        (OLE, "OLE"),
        (OLE + "Workbook".encode("utf-16-le"), "xls"),
        (OLE + "Book".encode("utf-16-le"), "xls"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        (OLE + "WordDocument".encode("utf-16-le"), "OLE"),
        (archive("a.txt"), "ZIP"),
        (archive("word/document.xml"), "Word"),
        (archive("ppt/presentation.xml"), "PowerPoint"),
        (archive("xl/workbook.xml"), "xlsx"),
        (archive("xl/workbook.bin"), "xlsx"),
        (written([["甲"]]), "xlsx"),
    ],
)
def test_bytes_are_known_by_their_beginning(content: bytes, kind: str) -> None:
    assert kind_of(content) == kind


@pytest.mark.parametrize(
    "text", ["<html>", "<!DOCTYPE html>", "\n  <TABLE>", "<head>", "<meta charset=gbk>", '<?xml version="1.0"?>']
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_web_pages_are_known_in_every_encoding(text: str, encoding: str) -> None:
    assert kind_of(text.encode(encoding)) == "web"


@pytest.mark.parametrize("text", ["<3 毫米,b", "名称,<html>", "html,table", "P,K", "<甲>"])
def test_texts_with_brackets_are_texts(text: str) -> None:
    assert kind_of(text.encode()) == "text"
