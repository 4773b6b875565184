"""The terminal, the workbook, the page, the CSV files and the screen show the same numbers, and show them again."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from html.parser import HTMLParser
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import streamlit as st
from lively_ledger import lively_ledger
from places import ROOT
from python_calamine import CalamineWorkbook
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from matching.cli import main
from matching.ledger.accounts import add_account
from matching.ledger.database import open_ledger
from matching.ledger.decisions import decide
from matching.ledger.review_queue import run_pairs
from matching.ledger.rights import Viewer, as_viewer
from matching.reporting.csv_files import csv_files, defused, zip_of
from matching.reporting.facts import facts, veiled
from matching.reporting.page import page
from matching.reporting.period import Period
from matching.reporting.sheets import Report
from matching.reporting.whole_report import cut_report, whole_report
from matching.reporting.workbook import workbook
from matching.wording import LANGUAGES, say

ZONE = "Asia/Shanghai"
MOMENT = "2026-06-30 12:00"
AS_OF = datetime.fromisoformat(MOMENT).replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
PERIOD = Period(date(2024, 7, 1), date(2026, 3, 31))
ROLES = ("agent", "official")
# What the screen is asked for, and which tables of the report it then shows.
PARTS: dict[str, tuple[dict[str, str], list[str]]] = {
    "overview": ({}, ["funnel", "by_quarter", "by_month"]),
    "cuts": ({}, ["by_province_4567", "conversion_province_4567"]),
    "grid": ({"figure": "signed"}, ["signed_province_4567_quarter"]),
    "coverage": ({"coverage": "institute"}, ["coverage_institute"]),
    "plan": ({}, ["plan_by_year", "plan_by_group", "other_targets"]),
    "policy": ({}, ["league_2026", "subsidies", "subsidies_by_contract", "deadlines", "rules"]),
    "registration": ({}, ["registration"]),
}
Table = list[list[str]]


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory, sample_ledger: Path) -> Path:
    """Three years of deals, and an account of each role."""
    path = tmp_path_factory.mktemp("lively") / "ledger.sqlite"
    lively_ledger(sample_ledger, path)
    engine = open_ledger(f"sqlite:///{path}")
    for role in ("admin", *ROLES):
        add_account(engine, f"某{role}", role, "管理员", email=f"{role}@example.invalid")
    engine.dispose()
    return path


@pytest.fixture(autouse=True)
def _their_ledger(lively: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DUIJIE_DATABASE_URL", f"sqlite:///{lively}")
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def report_for(path: Path, role: str, language: str, by: tuple[str, ...] = ()) -> Report:
    """The report as the screens give it to a role."""
    engine = open_ledger(f"sqlite:///{path}")
    theirs = as_viewer(engine, Viewer(f"某{role}", role))
    found = veiled(theirs, facts(engine, AS_OF, ZONE))
    made = cut_report(theirs, found, [by], PERIOD, language) if by else whole_report(theirs, found, PERIOD, language)
    engine.dispose()
    return made


def undrawn(report: Report, *numbers: int) -> Report:
    """A report, or some tables of it, without the charts, which take longer than all the rest."""
    sheets = [report.sheets[number] for number in numbers] if numbers else report.sheets
    return replace(report, sheets=tuple(replace(sheet, plot=None) for sheet in sheets))


def stats(*arguments: str) -> None:
    """Run `duijie stats` for the period and the moment."""
    ends = ("--from", f"{PERIOD.first}", "--to", f"{PERIOD.last}")
    with pytest.raises(SystemExit) as done:
        main(["stats", *ends, "--as-of", MOMENT, *arguments])
    assert not done.value.code


class Tables(HTMLParser):
    """The cells of every section of a page, the heading row first; [] of a section without a table."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Table] = []
        self.text: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section" and "sheet" in (dict(attrs).get("class") or ""):
            self.found.append([])
        elif tag == "tr":
            self.found[-1].append([])
        elif tag in ("td", "th"):
            self.text = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self.text is not None:
            self.found[-1][-1].append("".join(self.text))
            self.text = None

    def handle_data(self, data: str) -> None:
        if self.text is not None:
            self.text.append(data)


def tables_of_page(content: bytes) -> list[Table]:
    parser = Tables()
    parser.feed(content.decode())
    return parser.found


def tables_of_archive(content: bytes) -> list[Table]:
    with ZipFile(BytesIO(content)) as archive:
        return [list(csv.reader(StringIO(archive.read(name).decode("utf-8-sig")))) for name in archive.namelist()]


def tables_of_workbook(content: bytes) -> list[list[list[Any]]]:
    """The sheets after the cover, with values as a spreadsheet program knows them."""
    book = CalamineWorkbook.from_filelike(BytesIO(content))
    return [book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names[1:]]


def half_up(value: float, places: int) -> Decimal:
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def written(kind: str, value: Any) -> tuple[str, str]:
    """What a value of a workbook is in a CSV file and on a page."""
    if isinstance(value, str):
        return defused(value), value
    match kind:
        case "count":
            return f"{int(value)}", f"{int(value):,}"
        case "amount":
            return f"{half_up(value, 2)}", f"{half_up(value, 2):,}"
        case "share":
            return f"{half_up(value, 4)}", f"{half_up(Decimal(str(value)) * 100, 1)}%"
        case "days":
            return f"{half_up(value, 1)}", f"{half_up(value, 1):,}"
        case "date":
            return f"{value:%Y-%m-%d}", f"{value:%Y-%m-%d}"
        case _:
            raise AssertionError((kind, value))


def check_same(report: Report, book: bytes, archive: bytes, printed: bytes) -> None:
    """Every cell of every table is the same in the three forms; `report` says what kind each column is of."""
    for sheet, values, plain, shown in zip(
        report.sheets, tables_of_workbook(book), tables_of_archive(archive), tables_of_page(printed), strict=True
    ):
        headings = [column.heading for column in sheet.columns]
        assert values[0] == headings
        assert plain[0] == [defused(heading) for heading in headings]
        kinds = [column.kind for column in sheet.columns]
        cells = [[written(kind, value) for kind, value in zip(kinds, row, strict=True)] for row in values[1:]]
        assert [[first for first, _ in row] for row in cells] == plain[1:], sheet.code
        assert shown == ([headings, *([second for _, second in row] for row in cells)] if cells else []), sheet.code


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("by", [(), ("province_4567", "quarter")])
def test_the_terminal_writes_what_the_screen_downloads(
    lively: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, by: tuple[str, ...]
) -> None:
    """For an agent: three forms, the same cells, and the same bytes as the screen hands out."""
    monkeypatch.setenv("DUIJIE_LANGUAGE", language)
    report = report_for(lively, "agent", language, by)
    made = {}
    for ending in ("xlsx", "zip", "html"):
        output = tmp_path / f"report.{ending}"
        stats("--output", str(output), *(["--by", ",".join(by)] if by else []))
        made[ending] = output.read_bytes()
    assert made["xlsx"] == workbook(report)
    assert made["zip"] == zip_of(csv_files(report), report.as_of)
    check_same(report, made["xlsx"], made["zip"], made["html"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_official_is_shown_the_same_in_every_form(lively: Path, language: str) -> None:
    whole, hidden = report_for(lively, "agent", language), report_for(lively, "official", language)
    book, archive, printed = workbook(hidden), zip_of(csv_files(hidden), hidden.as_of), page(undrawn(hidden))
    check_same(hidden, book, archive, printed)
    veil = say("report.small", language)
    assert sum(row.count(veil) for table in tables_of_archive(archive) for row in table) > 100
    # What is shown of the funnel is what the agent is shown.
    theirs, ours = (tables_of_archive(zip_of(csv_files(each), each.as_of))[0] for each in (hidden, whole))
    assert all(
        cell in (veil, own) for row, owns in zip(theirs, ours, strict=True) for cell, own in zip(row, owns, strict=True)
    )


def test_one_cut_on_the_terminal_is_that_of_the_report(lively: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stats("--by", "province_4567,quarter", "--format", "csv")
    said = list(csv.reader(StringIO(capsys.readouterr().out.lstrip(chr(0xFEFF)))))
    report = report_for(lively, "agent", "zh_CN", ("province_4567", "quarter"))
    assert said == tables_of_archive(zip_of(csv_files(report), report.as_of))[0]
    assert len(said) > 50


def screen(role: str, language: str, part: str, **chosen: str) -> list[Table]:
    """The tables that a part of the screen holds, with the texts that the browser writes."""
    app = AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=60)
    for name, value in {"is_logged_in": True, "iat": time.time(), "email": f"{role}@example.invalid"}.items():
        app.user[name] = value
    app.query_params["language"] = say("app.language_name", language)
    app.session_state["part"] = part
    app.session_state["as_of"] = datetime.fromisoformat(MOMENT)
    app.session_state["from"], app.session_state["to"] = PERIOD.first, PERIOD.last
    for name, value in {"range": "other", **chosen}.items():
        app.session_state[name if language == "zh_CN" else f"{name}_{language}"] = value
    # Pages that are functions have no file to switch to.
    app._page_hash = calc_hash("statistics")
    app.run()
    assert not app.exception
    return [held(each.value) for each in app.dataframe]


def held(frame: pd.DataFrame) -> Table:
    columns = [[cell(value) for value in frame[name]] for name in frame.columns]
    return [list(frame.columns), *(list(row) for row in zip(*columns, strict=True))]


def cell(value: Any) -> str:
    """A cell as a text; a column of counts with an empty cell holds them as floats."""
    if pd.isna(value):
        return ""
    if isinstance(value, date):
        return f"{value:%Y-%m-%d}"
    return value if isinstance(value, str) else str(float(value))


def on_screen(report: Report, code: str) -> Table:
    """A table as the screen holds it: a number without its separators and unit, a hidden cell in words."""
    number = [sheet.code for sheet in report.sheets].index(code)
    sheet, table = report.sheets[number], tables_of_page(page(undrawn(report, number)))[0]
    if any(name.endswith(":hidden") for name in sheet.rows.columns):
        return table
    return [
        table[0],
        *([bare(column.kind, text) for column, text in zip(sheet.columns, row, strict=True)] for row in table[1:]),
    ]


def bare(kind: str, text: str) -> str:
    if kind in ("text", "date", "moment") or not text:
        return text
    return str(float(text.replace(",", "").removesuffix("%")))


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(("role", "language"), [("agent", "zh_CN"), ("official", "zh_CN"), ("official", "en")])
def test_the_screen_holds_the_numbers_of_the_report(
    lively: Path, monkeypatch: pytest.MonkeyPatch, role: str, language: str, part: str
) -> None:
    monkeypatch.setenv("DUIJIE_SHARED", "true")
    monkeypatch.setenv("DUIJIE_LOGIN", "oidc")
    chosen, codes = PARTS[part]
    report = report_for(lively, role, language)
    tables = screen(role, language, part, **chosen)
    expected = [on_screen(report, code) for code in codes]
    assert [each for each in tables if len(each) > 1] == [each for each in expected if len(each) > 1]
    assert tables


def test_a_report_as_of_a_moment_is_the_same_bytes_after_more_has_happened(lively: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        for ending in ("xlsx", "zip", "html"):
            few = ("--table", "funnel", "--table", "by_quarter") if ending == "html" else ()
            stats("--output", str(folder / f"report.{ending}"), *few)
        if folder is first:
            # Another second, another decision.
            time.sleep(1.1)
            engine = open_ledger(f"sqlite:///{lively}")
            pair = run_pairs(engine, 1).select("demand_id", "achievement_id").row(0, named=True)
            decide(engine, **pair, run_id=1, verdict="accept", agent="周某", nonce="later", seen=None)
            engine.dispose()
    for ending in ("xlsx", "zip", "html"):
        assert (first / f"report.{ending}").read_bytes() == (second / f"report.{ending}").read_bytes(), ending
