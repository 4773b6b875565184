"""CSV files and archives of them."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO, StringIO
from zipfile import ZipFile

import polars as pl
import pytest
import report_examples as examples

from matching.reporting.csv_files import csv_files, defused, zip_of
from matching.reporting.sheets import Column, Sheet, rounded, yuan


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(StringIO(content.decode("utf-8-sig"))))


def test_a_file_per_sheet_in_their_order() -> None:
    assert list(csv_files(examples.report())) == ["01-按领域.csv", "02-领域与季度.csv", "03-空表.csv"]


def test_values_are_exact_and_bare() -> None:
    content = csv_files(examples.report())["01-按领域.csv"]
    assert content.startswith(b"\xef\xbb\xbf")
    assert rows(content) == [
        ["领域", "需求", "签约", "合同成交额（元）", "签约率", "平均天数", "首次签约", "最近变动"],
        ["'=1+1", "1200", "20", "123456789.01", "0.1235", "12.3", "2025-03-04", "2025-03-04 08:05"],
        ["生物<b>", "34", "未显示", "0.05", "0.0000", "", "", ""],
        ["新材料", "7", "6", "", "", "3.0", "", ""],
        ["合计", "1241", "26", "123456789.06", "0.3333", "7.0", "", ""],
    ]


def test_a_table_without_rows_has_its_headings() -> None:
    assert rows(csv_files(examples.report())["03-空表.csv"]) == [["领域", "需求"]]


@pytest.mark.parametrize("start", list("=+-@\t\r\n\x00＝＋－＠"))
def test_no_text_is_taken_for_a_formula(start: str) -> None:
    assert defused(f"{start}1") == f"'{start}1"
    sheet = Sheet("x", "表", "", (Column("a", f"{start}甲", "text"),), pl.DataFrame({"a": [f"{start}cmd"]}))
    text = csv_files(examples.report(sheet))["01-表.csv"].decode("utf-8-sig")
    assert f"'{start}甲" in text
    assert f"'{start}cmd" in text


def test_a_negative_number_stays_a_number() -> None:
    sheet = Sheet("x", "表", "", (Column("a", "差额", "amount"),), pl.DataFrame({"a": [-1_234_505]}))
    assert rows(csv_files(examples.report(sheet))["01-表.csv"])[1] == ["-12345.05"]


def test_names_of_files_are_taken_everywhere() -> None:
    sheet = replace(examples.heat(), title='a/b\\c:"d"?')
    assert list(csv_files(examples.report(sheet, replace(sheet, title="..")))) == ["01-a b c d.csv", "02-heat.csv"]


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (0, "0.00"),
        (5, "0.05"),
        (-5, "-0.05"),
        (100, "1.00"),
        (-123_456, "-1,234.56"),
        (10**17 + 1, "1,000,000,000,000,000.01"),
    ],
)
def test_amounts_are_exact(fen: int, text: str) -> None:
    assert yuan(fen) == text


@pytest.mark.parametrize(("share", "text"), [(0.1235, "12.4"), (0.1234, "12.3"), (1.0, "100.0"), (1e-7, "0.0")])
def test_shares_are_rounded_half_up_as_spreadsheets_do(share: float, text: str) -> None:
    assert rounded(share, 1, shift=2) == text


def test_an_archive_is_the_same_whenever_it_is_made() -> None:
    files = csv_files(examples.report())
    made = zip_of(files, examples.AS_OF)
    assert made == zip_of(dict(files), examples.AS_OF)
    with ZipFile(BytesIO(made)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == files
        assert {entry.date_time for entry in archive.infolist()} == {(2026, 1, 5, 18, 0, 0)}


def test_an_archive_of_a_moment_before_archives_can_be_dated() -> None:
    with ZipFile(BytesIO(zip_of({"a": b""}, datetime(1970, 1, 1, tzinfo=UTC)))) as archive:
        assert archive.infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)
