"""The statistics' workbook, read back by another program."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import Engine

from matching.fields.taxonomies import first_taxonomy
from matching.reporting.report import TABLES, readable_tables, report_bytes
from matching.reporting.statistics import FUNNEL, UNKNOWN, Statistics, statistics
from matching.wording import LANGUAGES, say

SHANGHAI = "Asia/Shanghai"
AT = datetime(2026, 3, 31, 17, 5, tzinfo=UTC)
CODES = [node.code for node in first_taxonomy().fields]


@pytest.fixture
def figures() -> Statistics:
    """Figures of which no two are the same."""
    count = len(CODES) + 1
    names = ("demands", "achievements", "reviewed", "accepted", "signed")
    cut = {name: [1_000 * (place + 1) + row for row in range(count)] for place, name in enumerate(names)}
    return Statistics(
        at=AT,
        achievements=449_565,
        funnel=pl.DataFrame({"step": FUNNEL, "count": [10_000_000 - 7 * step for step in range(len(FUNNEL))]}),
        by_field=pl.DataFrame({"code": [*CODES, UNKNOWN], **cut}),
        by_institute=pl.DataFrame(
            {
                "institute": ["哈尔滨甲所", "=1+1", ""],
                "achievements": [31, 32, 33],
                "shown": [41, 42, 43],
                "reviewed": [51, 52, 53],
                "accepted": [61, 62, 63],
                "signed": [71, 72, 73],
            }
        ),
        by_month=pl.DataFrame(
            {
                "month": ["2026-03", "2026-04"],
                "reviewed": [81, 82],
                "accepted": [91, 92],
                "rejected": [101, 102],
                "moved": [111, 112],
            }
        ),
    )


def sheets_of(content: bytes) -> dict[str, list[list[object]]]:
    workbook = CalamineWorkbook.from_filelike(BytesIO(content))
    return {name: workbook.get_sheet_by_name(name).to_python() for name in workbook.sheet_names}


def parts_of(content: bytes) -> dict[str, str]:
    """The XML files of a workbook."""
    with ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sheets(language: str, figures: Statistics) -> None:
    names = [say(f"sheet.{name}", language) for name in ("cover", *TABLES)]
    assert list(sheets_of(report_bytes(figures, SHANGHAI, language))) == names
    assert len(set(names)) == 5


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TABLES)
def test_the_numbers_are_the_statistics(name: str, language: str, figures: Statistics) -> None:
    sheet = sheets_of(report_bytes(figures, SHANGHAI, language))[say(f"sheet.{name}", language)]
    frame: pl.DataFrame = getattr(figures, name)
    assert [tuple(row[1:]) for row in sheet[1:]] == frame.drop(frame.columns[0]).rows()
    assert sheet[0][1:] == [say(f"column.{column}", language) for column in frame.columns[1:]]


def test_the_first_columns_are_names(figures: Statistics) -> None:
    chinese, english = (sheets_of(report_bytes(figures, SHANGHAI, language)) for language in LANGUAGES)
    firsts = {name: [row[0] for row in rows] for name, rows in english.items()}
    assert firsts["Funnel"][:4] == ["Step", "Demands", "Demands with candidates", "Candidate pairs"]
    assert firsts["By field"][:2] == ["Field", "Digital economy"]
    assert firsts["By field"][-1] == "Unknown"
    assert firsts["By institute"] == ["Institute", "哈尔滨甲所", "=1+1", "Not stated"]
    assert firsts["By month"] == ["Month", "2026-03", "2026-04"]
    by_field = [row[0] for row in chinese[say("sheet.by_field", "zh_CN")]]
    assert by_field[1:3] == ["数字", "生物"]
    assert len(by_field) == len(set(by_field)) == len(CODES) + 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_cover_says_when_and_what(language: str, figures: Statistics) -> None:
    cover = sheets_of(report_bytes(figures, SHANGHAI, language))[say("sheet.cover", language)]
    texts = {str(row[0]): str(row[1]) for row in cover}
    assert cover[0][0] == say("report.title", language)
    assert texts[say("report.at", language)] == "2026-04-01 01:05"
    assert texts[say("report.timezone", language)] == SHANGHAI
    assert texts[say("report.achievements", language)] == "449565"
    assert texts[say("report.definitions", language)] == say("report.definitions_text", language)


def test_the_same_figures_give_the_same_bytes(figures: Statistics) -> None:
    """Nothing in the file comes from the clock: its dates are the figures' moment, or none."""
    content = report_bytes(figures, SHANGHAI, "zh_CN")
    assert report_bytes(figures, SHANGHAI, "zh_CN") == content
    core = parts_of(content)["docProps/core.xml"]
    assert set(re.findall(r"\d{4}-\d\d-\d\dT[\d:]+Z", core)) == {"2026-03-31T17:05:00Z"}
    with ZipFile(BytesIO(content)) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}


def test_the_moment_is_the_same_in_whatever_zone_it_is_told(figures: Statistics) -> None:
    local = replace(figures, at=AT.astimezone(ZoneInfo(SHANGHAI)))
    assert report_bytes(local, SHANGHAI, "en") == report_bytes(figures, SHANGHAI, "en")


def test_other_figures_give_other_bytes(figures: Statistics) -> None:
    other = replace(figures, achievements=figures.achievements + 1)
    assert report_bytes(other, SHANGHAI, "en") != report_bytes(figures, SHANGHAI, "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_funnel_and_the_fields_have_native_charts(language: str, figures: Statistics) -> None:
    parts = parts_of(report_bytes(figures, SHANGHAI, language))
    charts = {name: text for name, text in parts.items() if name.startswith("xl/charts/chart")}
    drawings = {name for name in parts if name.startswith("xl/drawings/drawing")}
    assert len(charts) == len(drawings) == 2
    assert [number for number in range(1, 6) if "<drawing " in parts[f"xl/worksheets/sheet{number}.xml"]] == [2, 3]
    for name, series, rows in (("funnel", 1, len(FUNNEL)), ("by_field", 2, len(CODES) + 1)):
        sheet = say(f"sheet.{name}", language)
        (chart,) = [text for text in charts.values() if f"<a:t>{sheet}</a:t>" in text]
        assert chart.count("<c:ser>") == series
        assert "<c:barChart>" in chart
        quoted = f"'{sheet}'" if " " in sheet else sheet
        references = re.findall(r"<c:f>(.*?)</c:f>", chart)
        assert f"{quoted}!$A$2:$A${rows + 1}" in references
        assert [f"{quoted}!${column}$2:${column}${rows + 1}" in references for column in "BC"[:series]] == [
            True
        ] * series
    assert not [name for name in parts if name.startswith("xl/media/")]


def test_nothing_runs_or_links(figures: Statistics) -> None:
    parts = parts_of(report_bytes(figures, SHANGHAI, "zh_CN"))
    sheets = [text for name, text in parts.items() if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == 5
    assert not [text for text in sheets if "<f>" in text or "hyperlink" in text]
    assert not [text for name, text in parts.items() if name.endswith(".rels") and "External" in text]


@pytest.mark.parametrize("language", LANGUAGES)
def test_readable_tables_have_the_figures_and_the_order(language: str, figures: Statistics) -> None:
    tables = readable_tables(figures, language)
    assert tuple(tables) == TABLES
    for name, table in tables.items():
        frame: pl.DataFrame = getattr(figures, name)
        assert table.drop(table.columns[0]).equals(frame.drop(frame.columns[0]))
        assert table.columns[0] == {"by_field": "field"}.get(name, frame.columns[0])
        assert not [text for text in table[table.columns[0]] if text.startswith(("funnel.", "field.", "institute."))]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_of_an_empty_ledger(language: str, ledger: Engine) -> None:
    empty = statistics(ledger, SHANGHAI, AT)
    sheets = sheets_of(report_bytes(empty, SHANGHAI, language))
    funnel = sheets[say("sheet.funnel", language)]
    assert [row[1] for row in funnel[1:]] == [0] * len(FUNNEL)
    for name in ("by_institute", "by_month"):
        frame: pl.DataFrame = getattr(empty, name)
        heading = sheets[say(f"sheet.{name}", language)][0]
        assert heading == [say(f"column.{column}", language) for column in frame.columns]
