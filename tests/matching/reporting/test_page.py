"""The printable report: what it holds, that nothing in it runs, and how Chromium prints it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
import report_examples as examples
from browser import browser, chinese_font, chromium_path

from matching.reporting.page import page
from matching.reporting.sheets import Column, Report, Sheet

HOSTILE = "</style></title><script>alert(1)</script><img src=https://example.invalid/x onerror=alert(1)>\"'&\u202e\x00"
POINTS = {(595, 842): "portrait", (842, 595): "landscape"}


class Reader(HTMLParser):
    """Tags, attributes and texts of a page."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.cells: list[list[str]] = []
        self.inside = False
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag == "tr":
            self.cells.append([])
        self.inside = tag in ("td", "th")
        if self.inside:
            self.cells[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self.inside:
            self.cells[-1][-1] += data


def hostile() -> Report:
    rows = pl.DataFrame({"a": [HOSTILE], "n": [3]})
    columns = (Column("a", HOSTILE, "text"), Column("n", HOSTILE, "count"))
    sheet = replace(examples.by_field(), title=HOSTILE, note=HOSTILE, columns=columns, rows=rows, total=False)
    sheet = replace(sheet, plot=replace(sheet.plot, label="a", series=("n",)) if sheet.plot else None)
    return replace(examples.report(sheet, title=HOSTILE), cover=((HOSTILE, HOSTILE),))


@pytest.fixture(scope="module")
def made() -> bytes:
    return page(examples.report())


@pytest.fixture(scope="module")
def hostile_page() -> bytes:
    return page(hostile())


def test_the_tables_are_shown_as_people_read_them(made: bytes) -> None:
    rows = Reader(made).cells
    assert rows[:5] == [
        ["领域", "需求", "签约", "合同成交额（元）", "签约率", "平均天数", "首次签约", "最近变动"],
        ["=1+1", "1,200", "20", "123,456,789.01", "12.4%", "12.3", "2025-03-04", "2025-03-04 08:05"],
        ["生物<b>", "34", "未显示", "0.05", "0.0%", "", "", ""],
        ["新材料", "7", "6", "", "", "3.0", "", ""],
        ["合计", "1,241", "26", "123,456,789.06", "33.3%", "7.0", "", ""],
    ]


def test_cover_contents_and_lines_to_sign_on(made: bytes) -> None:
    read = Reader(made)
    for text in ("对接统计", "统计范围", "见 docs/statistics.md", "领域以置信度最高者计。", "本表没有数据。"):
        assert text in read.texts
    first = [read.texts.index(text) for text in ("填报单位", "负责人", "日期", "1. 按领域")]
    assert first == sorted(first)
    targets = {value for name, value in read.attributes if name == "href"}
    assert targets == {"#sheet-1", "#sheet-2", "#sheet-3"}
    assert {f"#{value}" for name, value in read.attributes if name == "id"} == targets
    assert ("lang", "zh-CN") in read.attributes


def test_charts_stand_in_the_page_with_chinese_fonts(made: bytes) -> None:
    text = made.decode()
    assert text.count("<figure") == text.count("<svg") == 2
    assert "Noto Sans CJK SC, Microsoft YaHei" in text
    assert "font-family" in text
    described = {value for name, value in Reader(text.encode()).attributes if name == "aria-label"}
    assert {"图：按领域", "图：领域与季度"} <= described


def test_nothing_runs_and_nothing_is_fetched(made: bytes, hostile_page: bytes) -> None:
    for content in (made, hostile_page):
        read = Reader(content)
        assert not {"script", "img", "iframe", "link", "object", "image", "use", "foreignobject", "base"} & {*read.tags}
        assert not [name for name, _ in read.attributes if name.startswith("on")]
        outside = [value for name, value in read.attributes if "://" in value and not name.startswith("xmlns")]
        assert [value for value in outside if value.startswith(("http", "//"))] == []
        style = content.decode().split("<style>")[1].split("</style>")[0]
        assert "url(" not in style
        assert "@import" not in style
        assert "<" not in style


def test_texts_are_said_as_they_are_but_for_what_no_document_may_hold(hostile_page: bytes) -> None:
    assert HOSTILE[:-2] in Reader(hostile_page).texts
    assert "\u202e" not in hostile_page.decode()
    assert b"\x00" not in hostile_page


def test_two_pages_of_one_report_are_the_same_bytes(made: bytes) -> None:
    assert page(examples.report()) == made


def test_english_words() -> None:
    text = page(examples.report(examples.empty(), replace(examples.heat(), plot=None), language="en")).decode()
    assert '<html lang="en">' in text
    assert "not shown" in text
    assert '"Page " counter(page) " of " counter(pages) ""' in text


@pytest.mark.browser
def test_chromium_prints_a_page_per_table_and_repeats_the_headings(tmp_path: Path) -> None:
    if chromium_path() is None or not chinese_font():
        pytest.skip("needs Chromium and a Chinese font: apt-get install chromium fonts-noto-cjk")
    wide = tuple(Column(f"c{number}", f"较宽的第 {number} 列", "text") for number in range(12))
    rows = pl.DataFrame({column.name: ["某某某某研究所"] * 120 for column in wide})
    file, printed = tmp_path / "report.html", tmp_path / "report.pdf"
    file.write_bytes(page(examples.report(examples.heat(), Sheet("wide", "宽表", "", wide, rows), examples.empty())))
    with browser() as chromium:
        opened = chromium.new_page()
        asked: list[str] = []
        opened.on("request", lambda request: asked.append(request.url))
        said: list[str] = []
        opened.on("console", lambda message: said.append(message.text))
        opened.goto(file.as_uri())
        opened.pdf(path=printed, prefer_css_page_size=True, print_background=True)
        shown = opened.locator("th").first.evaluate("each => getComputedStyle(each.closest('thead')).display")
        aligned = opened.locator("td.number").first.evaluate("each => getComputedStyle(each).textAlign")
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed.read_bytes())
    papers = [POINTS[round(float(width)), round(float(height))] for width, height in boxes]
    assert (papers[0], papers[1], papers[-1]) == ("portrait", "portrait", "portrait")
    assert papers[2:-1] == ["landscape"] * len(papers[2:-1])
    assert len(papers[2:-1]) > 2
    assert (shown, aligned) == ("table-header-group", "right")
    assert asked == [file.as_uri()]
    assert said == []
