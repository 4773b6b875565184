"""Workbooks as another program reads them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from zipfile import ZipFile

import polars as pl
import pytest
import report_examples as examples
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from matching.reporting.sheets import Column, Plot, Sheet
from matching.reporting.workbook import sheet_names, workbook


def opened(*sheets: Sheet, language: str = "zh_CN") -> Workbook:
    return load_workbook(BytesIO(workbook(examples.report(*sheets, language=language))))


@pytest.fixture(scope="module")
def book() -> Workbook:
    return opened()


@pytest.fixture
def table(book: Workbook) -> Worksheet:
    return book["按领域"]


def test_a_sheet_per_table_behind_the_cover(book: Workbook) -> None:
    assert book.sheetnames == ["说明", "按领域", "领域与季度", "空表"]


def test_the_cover_says_what_it_covers_and_leads_to_the_sheets(book: Workbook) -> None:
    cover = book["说明"]
    said = [str(cell) for row in cover.iter_rows(values_only=True) for cell in row if cell is not None]
    assert said[:5] == ["对接统计", "统计范围", "2025-01-01 至 2025-12-31", "口径", "见 docs/statistics.md"]
    assert said[-3:] == ["填报单位", "负责人", "日期"]
    assert "领域以置信度最高者计。" in said
    links = {link.location for row in cover.iter_rows() for cell in row if (link := cell.hyperlink)}
    # The first table has a chart under its four rows and its heading.
    assert links == {"'按领域'!A1", "'按领域'!A7", "'领域与季度'!A1", "'空表'!A1"}


def test_values_are_numbers_and_days_in_their_formats(table: Worksheet) -> None:
    headings, first, second, third, total = table.iter_rows()
    assert [cell.value for cell in headings][:3] == ["领域", "需求", "签约"]
    assert [(cell.value, cell.number_format) for cell in first] == [
        ("=1+1", "@"),
        (1200, "#,##0"),
        (20, "#,##0"),
        (123_456_789.01, "#,##0.00"),
        (0.1235, "0.0%"),
        (12.25, "#,##0.0"),
        (datetime(2025, 3, 4), "yyyy-mm-dd"),
        (datetime(2025, 3, 4, 8, 5), "yyyy-mm-dd hh:mm"),
    ]
    assert [cell.value for cell in second] == ["生物<b>", 34, "未显示", 0.05, 0, None, None, None]
    assert third[3].value is None
    assert total[3].value == 123_456_789.06


def test_only_the_sum_is_bold(table: Worksheet) -> None:
    rows = list(table.iter_rows(min_row=2))
    assert [any(cell.font.bold for cell in row) for row in rows] == [False, False, False, True]


def test_a_text_like_a_formula_stays_a_text(table: Worksheet) -> None:
    assert table["A2"].data_type == "s"
    with ZipFile(BytesIO(workbook(examples.report()))) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert not any("<f>" in text for name, text in parts.items() if "worksheets/" in name)
    assert not any("External" in text for text in parts.values())


def test_headings_stay_in_view_and_filter_the_rows_but_not_the_sum(table: Worksheet, book: Workbook) -> None:
    assert table.freeze_panes == "A2"
    assert table.auto_filter.ref == "A1:H4"
    assert book["领域与季度"].auto_filter.ref == "A1:D3"
    assert book["空表"].auto_filter.ref is None


def test_it_prints_on_a4_with_headings_pages_and_the_moment(table: Worksheet) -> None:
    assert (table.page_setup.orientation, int(table.page_setup.paperSize)) == ("landscape", 9)
    assert (table.page_setup.fitToWidth or 1, table.page_setup.fitToHeight) == (1, 0)
    assert table.sheet_properties.pageSetUpPr.fitToPage
    assert table.print_title_rows == "$1:$1"
    assert table.oddFooter.left.text == "按领域"
    assert table.oddFooter.center.text == "第 &P 页，共 &N 页"
    assert table.oddFooter.right.text == "截至 2026-01-05 18:00"


def test_an_ampersand_in_a_title_is_no_order_of_the_footer() -> None:
    sheet = opened(replace(examples.by_field(), title="R&D"))["R&D"]
    assert sheet.oddFooter.left.text in ("R&&D", "R&D")
    with ZipFile(BytesIO(workbook(examples.report(replace(examples.by_field(), title="R&D"))))) as archive:
        assert b"&amp;LR&amp;&amp;D&amp;C" in archive.read("xl/worksheets/sheet2.xml")


def test_columns_are_as_wide_as_their_texts() -> None:
    rows = pl.DataFrame({"a": ["哈尔滨工业大学机电工程学院"], "b": ["HIT"], "c": ["长" * 400]})
    sheet = Sheet("w", "宽", "", tuple(Column(name, name, "text") for name in "abc"), rows)
    widths = [opened(sheet)["宽"].column_dimensions[name].width for name in "ABC"]
    assert widths[0] == pytest.approx(28, abs=1)
    assert widths[1] < 12
    assert widths[2] == pytest.approx(48, abs=1)


@pytest.mark.parametrize(("kind", "tag"), [("bars", "barChart"), ("columns", "barChart"), ("lines", "lineChart")])
def test_charts_are_native_and_leave_out_the_sum(kind: str, tag: str) -> None:
    plot = Plot(kind, "field", ("demands", "total_fen"), most=2)  # type: ignore[arg-type]
    sheet = opened(examples.by_field(plot))["按领域"]
    (chart,) = sheet._charts
    assert chart.tagname == tag
    assert [each.val.numRef.f for each in chart.series] == ["按领域!$B$2:$B$3", "按领域!$D$2:$D$3"]
    assert [each.cat.strRef.f for each in chart.series] == ["按领域!$A$2:$A$3"] * 2
    # Under the table.
    assert chart.anchor._from.row == 6


def test_a_heat_map_is_coloured_cells(book: Workbook) -> None:
    sheet = book["领域与季度"]
    assert [str(each.sqref) for each in sheet.conditional_formatting] == ["B2:D3"]
    assert sheet._charts == []
    assert sheet["C2"].value == "未显示"


def test_one_scale_colours_columns_that_stand_apart() -> None:
    sheet = replace(examples.heat(), plot=Plot("heat", "field", ("q1", "q3")))
    (each,) = opened(sheet)["领域与季度"].conditional_formatting
    assert str(each.sqref) == "B2:B3 D2:D3"


def test_two_workbooks_of_one_report_are_the_same_bytes() -> None:
    made = workbook(examples.report())
    assert workbook(examples.report()) == made
    with ZipFile(BytesIO(made)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    later = replace(examples.report(), as_of=examples.AS_OF + timedelta(hours=1))
    assert workbook(later) != made
    created = load_workbook(BytesIO(made)).properties.created
    assert created.replace(tzinfo=UTC) == examples.AS_OF


def test_english_words() -> None:
    book = opened(language="en")
    assert book.sheetnames[0] != "说明"
    assert book["按领域"]["C3"].value == "not shown"
    assert book["按领域"].oddFooter.center.text == "Page &P of &N"


@pytest.mark.parametrize(
    ("titles", "names"),
    [
        (["按 领域/城市：[一]"], ["按 领域 城市： 一"]),
        (["A", "a", "A"], ["A", "a 2", "A 3"]),
        (["字" * 40, "字" * 40], ["字" * 31, "字" * 29 + " 2"]),
        (["", "'", "?"], ["2", "3", "4"]),
        (["History", "'x'"], ["History 2", "x"]),
        (["\U00020000" * 20], ["\U00020000" * 15]),
    ],
)
def test_names_of_sheets_are_legal_and_unique(titles: list[str], names: list[str]) -> None:
    assert sheet_names(titles) == names


def test_a_text_longer_than_a_cell_is_cut() -> None:
    rows = pl.DataFrame({"field": ["字" * 40_000]})
    assert len(opened(Sheet("x", "长", "", (examples.FIELD,), rows))["长"]["A2"].value) == 32_767
