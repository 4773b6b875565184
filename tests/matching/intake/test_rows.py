"""Which rows of a list are records: totals, notes, repeated headings and examples are none."""

from __future__ import annotations

import pytest
from intake_books import sheet_of

from matching.intake.columns import Plan, best_heading
from matching.intake.files import rows_of
from matching.intake.rows import body_of, cells_at, reasons
from matching.intake.sheets import Sheet

HEADING = ("序号", "需求编号", "需求名称", "单位名称", "预算")
RECORD = ("1", "X1", "甲", "某公司", "5")


def why(*rows: tuple[str, ...], heading: tuple[str, ...] = HEADING, sheet: Sheet | None = None) -> list[str | None]:
    sheet = sheet or sheet_of(heading, *rows)
    found = best_heading(rows_of(sheet), "demands", Plan())
    assert found is not None
    return reasons(body_of(sheet, found), sheet, found, "demands").to_list()


@pytest.mark.parametrize(
    "first",
    [
        "合计", "合 计", "总计", "小计：", "共计", "总数", "汇总", "Total", "SUBTOTAL:", "sum", "合计3",
        "合计: 1,250.5 万元", "共 12 项", "共5家",
    ],
)  # fmt: skip
def test_rows_that_add_up_are_no_records(first: str) -> None:
    assert why(RECORD, (first, "", "", "", "5"), RECORD) == [None, "row.total", None]
    assert why(RECORD, ("", "", first, "", "5")) == [None, "row.total"]


@pytest.mark.parametrize("first", ["共5家企业", "合计（万元）", "小计一", "Total of all"])
def test_longer_words_are_a_total_where_no_title_stands(first: str) -> None:
    assert why(RECORD, (first, "", "", "", "5"), RECORD) == [None, "row.total", None]


def test_a_total_beside_a_title_is_a_record() -> None:
    assert why(("合计", "X1", "甲", "", "5")) == [None]
    assert why(("1", "X1", "总计算法研究", "某公司", "5")) == [None]


@pytest.mark.parametrize(
    "first",
    [
        "注：以上为初稿",
        "注1：甲",
        "备注: 无",
        "说明：略",
        "填表人：张三",
        "单位（盖章）：",
        "数据来源：科技厅",
        "第 3 页",
        "第3页 共5页",
        "*必填",
        "※必填",
        "Note: draft",
    ],
)
def test_notes_are_no_records_wherever_they_stand(first: str) -> None:
    assert why(RECORD, (first, "", "", "", ""), RECORD) == [None, "row.note", None]
    assert why(RECORD, (first, "", "", "日期：2027年", "")) == [None, "row.note"]


@pytest.mark.parametrize("first", ["注意事项", "备注", "说明书", "第三页"])
def test_words_that_only_begin_like_a_note_are_none(first: str) -> None:
    assert why((first, "", "", "某公司", "5"), RECORD) == ["row.no_title", None]


def test_a_note_of_many_cells_is_a_row_without_a_title() -> None:
    heading = (*HEADING, "联系人", "电话", "城市")
    row = ("注：甲", "X2", "", "某公司", "5", "张三", "0451", "哈尔滨")
    assert why((*RECORD, "", "", ""), row, (*RECORD, "", "", ""), heading=heading) == [None, "row.no_title", None]


def test_a_lone_cell_below_the_last_record_is_a_note_and_above_it_a_row_without_a_title() -> None:
    lone = ("", "", "", "某部门", "")
    assert why(lone, RECORD, lone) == ["row.no_title", None, "row.note"]
    assert why(RECORD, ("", "", "", "某公司", "5")) == [None, "row.no_title"]


def test_lone_cells_of_a_list_without_titles_are_rows_without_titles() -> None:
    assert why(("", "X1", "", "", ""), ("", "X2", "", "", "")) == ["row.no_title", "row.no_title"]


def test_the_heading_repeated_is_no_record() -> None:
    assert why(RECORD, HEADING, RECORD) == [None, "row.heading_repeated", None]
    assert why(("需求名称",), ("甲",), heading=("需求名称",)) == [None, None]


@pytest.mark.parametrize("identity", ["示例", "示例 XQ2026001", "样例1", "举例", "Example XQ2026001", "ＥＸＡＭＰＬＥ"])
def test_the_example_of_a_form_is_no_record(identity: str) -> None:
    assert why(("", identity, "甲", "某公司", "5"), RECORD) == ["row.example", None]


def test_an_example_is_known_by_its_id_alone() -> None:
    assert why(("", "X1", "示例工程", "示例", "5")) == [None]


def test_a_title_with_an_error_or_an_unknown_formula_is_wrong_and_not_lacking() -> None:
    texts = sheet_of(
        HEADING, ("1", "X1", "", "某公司", "5"), ("2", "X2", "", "某公司", "5"), ("3", "X3", "", "某公司", "")
    )
    sheet = Sheet("", texts.cells, errors=frozenset({(2, 2)}), valueless=frozenset({(3, 2), (4, 4)}))
    assert why(sheet=sheet) == [None, None, "row.no_title"]


@pytest.mark.parametrize("title", ["甲", "液压系统", "关于合计的研究", "注重节能的干燥", "第一页岩油开采"])
def test_ordinary_titles_in_the_first_column_are_records(title: str) -> None:
    assert why((title, "某公司"), heading=("需求名称", "单位名称")) == [None]


@pytest.mark.parametrize(
    "title",
    [
        "总数据平台建设",
        "小计量泵精密加工",
        "汇总式母线槽",
        "Total nitrogen sensor",
        "Summer frost protection",
        "*重点：低温密封",
    ],
)
def test_titles_in_the_first_column_may_begin_like_totals_and_notes(title: str) -> None:
    assert why((title, "某公司"), heading=("需求名称", "单位名称")) == [None]


def test_totals_and_notes_are_known_where_the_title_stands_first() -> None:
    heading = ("需求名称", "单位名称", "预算")
    assert why(("甲", "某公司", "5"), ("合计", "", "5"), ("注：略", "", ""), heading=heading) == [
        None, "row.total", "row.note",
    ]  # fmt: skip


def test_cells_of_a_column_in_which_nothing_stands_are_blank() -> None:
    sheet = sheet_of(("a", "", "c"), ("d", "", "f"))
    assert cells_at(sheet.cells, 2).to_list() == ["c", "f"]
    assert cells_at(sheet.cells, 1).to_list() == cells_at(sheet.cells, 9).to_list() == ["", ""]
