"""Archives are looked at before they are parsed: how much they unpack to, macros, document types, far cells."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

import pytest
from intake_books import LIMITS, SHEET_END, SHEET_START, hand_made, text_cell, written
from places import ROOT

from matching.errors import FileRefused
from matching.intake.files import read_sheets
from matching.intake.reader import archives
from matching.intake.reader.answer import Limits, Unreadable
from matching.intake.reader.archives import scan_archive
from matching.settings import Settings

FILES = ROOT / "tests" / "files"
SHEET = [SHEET_START, f'<row r="1">{text_cell("A1", "需求名称")}</row>', SHEET_END]
ENTITY = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'


def refusal(content: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(Unreadable) as refused:
        scan_archive(content, limits)
    return refused.value.key


def test_the_scan_of_a_whole_workbook_is_by_the_names_of_its_sheets() -> None:
    scans = scan_archive(written([["a"], ["b"]], [["c"] * 30], names=("一", "二")), LIMITS)
    assert {name: (scan.rows, scan.columns) for name, scan in scans.items()} == {"一": (2, 26), "二": (1, 30)}


def test_other_archives_have_no_scans() -> None:
    assert scan_archive((FILES / "ods_plain.ods").read_bytes(), LIMITS) == {}


def test_an_archive_that_lies_of_its_size_is_not_read() -> None:
    """The directory says 1,000 bytes: no more is unpacked here, and what is parsed does not fit its checksum."""
    content = (FILES / "zip_bomb_false_size.xlsx").read_bytes()
    assert sum(entry.file_size for entry in zipfile.ZipFile(BytesIO(content)).infolist()) < 50_000
    with pytest.raises(FileRefused) as refused:
        read_sheets("list.xlsx", content, Settings())
    assert [problem.key for problem in refused.value.problems] == ["file.damaged"]


@pytest.mark.parametrize("name", ["zip_bomb_sheet.xlsx", "zip_bomb_shared_texts.xlsx", "zip_bomb_many_entries.xlsx"])
def test_bombs_are_refused(name: str) -> None:
    assert refusal((FILES / name).read_bytes()) == "file.unpacks_too_large"


def test_a_bomb_is_left_as_soon_as_it_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked: list[int] = []
    unpack = archives._unpacked

    def counted(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        for piece in unpack(archive, entry):
            unpacked.append(len(piece))
            yield piece

    monkeypatch.setattr(archives, "_unpacked", counted)
    assert refusal((FILES / "zip_bomb_sheet.xlsx").read_bytes(), replace(LIMITS, unpacked_megabytes=3)) == (
        "file.unpacks_too_large"
    )
    assert sum(unpacked) <= 4 * 1024 * 1024


def test_as_much_as_is_allowed_is_taken() -> None:
    content = hand_made(SHEET, others={"xl/media/image1.png": b"\x89PNG" + b"\x00" * 1_000_000})
    assert scan_archive(content, replace(LIMITS, unpacked_megabytes=2)).keys() == {"S"}
    assert refusal(content, replace(LIMITS, unpacked_megabytes=0)) == "file.unpacks_too_large"


def test_very_many_entries_are_refused() -> None:
    content = hand_made(SHEET, others={f"xl/{number}.xml": "" for number in range(5_001)})
    assert refusal(content) == "file.unpacks_too_large"


@pytest.mark.parametrize("name", ["xl/vbaProject.bin", "XL/VBAPROJECT.BIN", "other/vbaProject.bin"])
def test_macros_are_refused_wherever_they_stand(name: str) -> None:
    assert refusal(hand_made(SHEET, others={name: b"macro"})) == "file.macros"


@pytest.mark.parametrize("name", ["xl/sharedStrings.xml", "xl/styles.xml", "docProps/app.xml", "xl/workbook.xml"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_document_types_are_refused_in_every_part_and_encoding(name: str, encoding: str) -> None:
    assert refusal(hand_made(SHEET, others={name: ENTITY.encode(encoding)})) == "file.xml_entities"


@pytest.mark.parametrize("before", range((1 << 20) - 12, (1 << 20) + 2, 3))
def test_a_document_type_between_two_pieces_is_seen(before: int) -> None:
    content = hand_made(SHEET, others={"xl/styles.xml": b" " * before + b"<!DOCTYPE x>"})
    assert refusal(content) == "file.xml_entities"


def test_the_document_type_of_a_picture_is_harmless() -> None:
    picture = '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "svg11.dtd"><svg/>'
    scan_archive(hand_made(SHEET, others={"xl/media/image1.svg": picture}), LIMITS)


@pytest.mark.parametrize(
    "cells",
    [
        f'<row r="1048576">{text_cell("XFD1048576", "远")}</row>',
        f'<row r="900000">{text_cell("A900000", "远")}</row>',
        f"<row>{text_cell('ZZ100000', '远')}</row>",
    ],
)
def test_cells_too_far_away_are_refused(cells: str) -> None:
    assert refusal(hand_made([SHEET_START, cells, SHEET_END])) == "file.range_too_large"


def test_many_columns_or_many_rows_alone_are_taken() -> None:
    wide = hand_made([SHEET_START, f'<row r="1">{text_cell("XFD1", "宽")}</row>', SHEET_END])
    long = hand_made([SHEET_START, f'<row r="700000">{text_cell("A700000", "长")}</row>', SHEET_END])
    assert scan_archive(wide, LIMITS)["S"].columns == 16_384
    assert scan_archive(long, LIMITS)["S"].rows == 700_000


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 nothing", b"text", written([["a"]])[:-40], written([["a"]])[:300]]
)
def test_what_is_no_whole_archive_is_damaged(content: bytes) -> None:
    assert refusal(content) == "file.damaged"


def test_a_workbook_whose_parts_are_broken_is_damaged() -> None:
    assert refusal(hand_made(SHEET, others={"xl/workbook.xml": "<workbook"})) == "file.damaged"
    assert refusal(hand_made(SHEET, others={"xl/_rels/workbook.xml.rels": ""})) == "file.damaged"


def test_a_byte_that_was_changed_is_damage() -> None:
    content = bytearray(hand_made(SHEET))
    place = content.index(b"xl/worksheets/sheet1.xml") + 60
    content[place] ^= 0xFF
    assert refusal(bytes(content)) == "file.damaged"
