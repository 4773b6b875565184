"""The workbook in which wrong cells are marked: what it shows, and that correcting it is enough."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO

import polars as pl
import pytest
from intake_books import part, sheet_of, sheets_read

from matching.intake.files import Row, rows_of
from matching.intake.marked import marked_workbook
from matching.intake.reading import Reading, read_tables
from matching.intake.sheets import Sheet
from matching.schema import RECORD
from matching.settings import Settings
from matching.wording import LANGUAGES, say

HEADING = ("需求编号", "需求名称", "单位名称", "预算(万元)", "截止日期", "备忘")
LIST = (
    ("技术需求表",),
    HEADING,
    ("X1", "甲", "某公司", "若干", "尽快", "急"),
    ("X2", "乙", "某公司", "5", "2027-06-30", ""),
    ("X3", "=丙", "某公司", "6", "开春", ""),
    ("合计", "", "", "11", "", ""),
)
RIGHT = {"若干": "7", "尽快": "2027-01-31", "开春": "2028"}


def read(*sheets: Sheet) -> Reading:
    return read_tables("list.xlsx", b"", list(sheets), "demands", Settings(), good_rows=True)


def marked(*sheets: Sheet, language: str = "zh_CN") -> bytes:
    return marked_workbook(read(*sheets), list(sheets), language)


def sheets_in(content: bytes) -> list[Sheet]:
    return [sheet for sheet in sheets_read(content, "xlsx") if sheet.cells.height]


def corrected(content: bytes, said: dict[str, str]) -> list[Sheet]:
    """The sheets of a workbook with cells that were corrected in it."""
    changed = []
    for sheet in sheets_in(content):
        texts = pl.col(pl.String())
        changed.append(Sheet(sheet.name, sheet.cells.with_columns(texts.fill_null("").replace(said)), sheet.hidden))
    return changed


def styled(content: bytes, entry: str) -> dict[str, int]:
    """The styles of the cells of a sheet that have one."""
    found = re.findall(r'<c r="([A-Z]+\d+)" s="(\d+)"', part(content, entry))
    return {place: int(style) for place, style in found}


def test_wrong_cells_alone_are_marked_and_explained_beside_their_row() -> None:
    content = marked(sheet_of(*LIST, name="表"))
    problems, sheet = sheets_in(content)
    assert (problems.name, sheet.name) == ("问题清单", "表")
    rows = {row.number: row.cells for row in rows_of(sheet)}
    assert rows[3] == (
        "X1", "甲", "某公司", "若干", "尽快", "急",
        "预算(万元) “若干”不是金额。请写成数字，如 120 或 35.5（单位写在表头或数字后）。\n"
        "截止日期 “尽快”不是日期。请写成 2027-06-30 这样的形式。",
    )  # fmt: skip
    assert [rows[number][6] for number in (2, 4, 6)] == ["问题说明", "", ""]
    styles = styled(content, "xl/worksheets/sheet2.xml")
    assert set(styles) == {"G2", "D3", "E3", "G3", "E5", "G5"}
    assert len({styles[place] for place in ("D3", "E3", "G3", "E5", "G5")}) == 1
    assert styles["G2"] != styles["D3"]


def test_rows_and_texts_stand_where_they_stood() -> None:
    source = sheet_of(("题",), (), HEADING, (), LIST[2], LIST[3], name="表")
    [_, sheet] = sheets_in(marked(source))
    kept = [Row(row.number, row.cells[:6]) for row in rows_of(sheet)]
    assert kept == [Row(row.number, row.cells[:6]) for row in rows_of(source)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_sheet_lists_all_problems_with_their_places(language: str) -> None:
    sheet = sheet_of(*LIST, name="表")
    reading = read(sheet)
    rows = rows_of(sheets_in(marked(sheet, language=language))[0])
    keys = ("sheet", "row", "column", "problem")
    assert rows[0].cells == tuple(say(f"marked.{key}", language) for key in keys)
    assert [row.cells for row in rows[1:]] == [
        (problem.sheet, str(problem.row), problem.column, say(problem.key, language, **problem.values))
        for problem in (*reading.wrong, *reading.left_out)
    ]
    assert len(rows) == 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_correcting_the_marked_cells_is_enough(language: str) -> None:
    source = sheet_of(*LIST, name="表")
    again = read(*corrected(marked(source, language=language), RIGHT))
    assert (again.wrong, again.unread) == ((), ("备忘",))
    assert again.frame["demand_id"].to_list() == ["X1", "X2", "X3"]
    whole = read(sheet_of(*([RIGHT.get(text, text) for text in row] for row in LIST), name="表"))
    assert again.frame.select(RECORD["demands"].keys()).equals(whole.frame.select(RECORD["demands"].keys()))
    assert [problem.key for problem in again.left_out] == ["row.total"]


def test_what_is_wrong_again_is_marked_again_in_the_same_place() -> None:
    first = marked(sheet_of(*LIST, name="表"))
    sheets = corrected(first, {"若干": "很多"})
    second = marked(*sheets)
    wrong = [(problem.row, problem.column) for problem in read(*sheets).wrong]
    assert wrong == [(3, "预算(万元)"), (3, "截止日期"), (5, "截止日期")]
    assert {"D3", "E3", "E5"} <= styled(second, "xl/worksheets/sheet2.xml").keys()


def test_each_sheet_that_was_read_is_given_and_no_other() -> None:
    notes = sheet_of(("说明",), ("请填写", "各列"), name="说明")
    second = sheet_of(("需求名称", "预算"), ("丁", "若干"), name="表二")
    content = marked(sheet_of(*LIST, name="表一"), notes, second)
    assert [sheet.name for sheet in sheets_in(content)] == ["问题清单", "表一", "表二"]
    assert {"B2", "C2"} <= styled(content, "xl/worksheets/sheet3.xml").keys()


def test_the_sheet_of_a_text_gets_a_name() -> None:
    names = [sheet.name for sheet in sheets_in(marked(sheet_of(*LIST)))]
    assert names == ["问题清单", "列表"]


def test_texts_that_look_like_formulas_stay_texts() -> None:
    content = marked(sheet_of(*LIST, name="表"))
    with zipfile.ZipFile(BytesIO(content)) as archive:
        sheets = [archive.read(name).decode() for name in archive.namelist() if "/sheet" in name]
    assert not any(re.search(r"<f[ >]|<hyperlink", sheet) for sheet in sheets)
    assert sheets_in(content)[1].cells["c1"].to_list()[4] == "=丙"


def test_a_cell_longer_than_a_workbook_allows_is_cut() -> None:
    content = marked(sheet_of(("需求名称", "主要问题"), ("甲", "长" * 40_000), ("乙", "短"), name="表"))
    assert len(rows_of(sheets_in(content)[1])[1].cells[1]) == 32_767


def test_of_a_very_long_list_the_wrong_rows_are_given_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matching.intake.marked._WHOLE", 5)
    sheet = sheets_in(marked(sheet_of(*LIST, name="表")))[1]
    assert [(row.number, row.cells[0]) for row in rows_of(sheet)] == [
        (1, "技术需求表"), (2, "需求编号"), (3, "X1"), (4, "X3"),
    ]  # fmt: skip


def test_the_wrong_one_of_two_columns_with_the_same_heading_is_marked() -> None:
    source = sheet_of(("需求名称", "主要问题", "主要问题"), ("甲", "长" * 20_001, "短"), ("乙", "a", "b"), name="表")
    assert set(styled(marked(source), "xl/worksheets/sheet2.xml")) == {"B2", "D1", "D2"}


@pytest.mark.parametrize(("name", "language"), [("问题清单", "zh_CN"), ("problems", "en")])
def test_a_sheet_may_have_the_name_of_the_list_of_problems(name: str, language: str) -> None:
    content = marked(sheet_of(*LIST, name=name), language=language)
    assert len(sheets_in(content)) == 2


def test_sheets_with_long_names_may_begin_alike() -> None:
    sheets = [sheet_of(*LIST, name="某某市技术需求征集表" * 4 + number) for number in "一二"]
    assert len(sheets_in(marked(*sheets))) == 3


def test_the_list_of_problems_is_never_read_as_a_list() -> None:
    source = sheet_of(("需求名称", "预算"), ("#REF!", "5"), ("乙", "若干"), ("丙", "3"), name="表")
    again = read(*corrected(marked(source), {"#REF!": "甲", "若干": "4"}))
    assert again.frame["title"].to_list() == ["甲", "乙", "丙"]
