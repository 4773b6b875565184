"""Which column of a file holds what."""

from __future__ import annotations

import pytest

from matching.errors import FileRefused
from matching.intake.columns import Heading, find_heading, known_columns, normalised
from matching.intake.files import Row
from matching.schema import CHOICES, KINDS, RECORD, Kind

EVERY_NAME = [
    (kind, column.name, name)
    for kind in KINDS
    for column in known_columns(kind)
    for name in (*column.names, column.name)
]


def heading(*cells: str, kind: Kind = "demands") -> Heading:
    return find_heading("list.csv", [Row(1, cells), Row(2, ("甲",) * len(cells))], kind)


def found(*cells: str, kind: Kind = "demands") -> dict[str, str]:
    return {each.heading: each.column.name for each in heading(*cells, kind=kind).found}


@pytest.mark.parametrize("kind", KINDS)
def test_every_column_of_the_schema_can_be_read_and_no_other(kind: Kind) -> None:
    assert [column.name for column in known_columns(kind)] == list(RECORD[kind])
    assert [column.name for column in known_columns(kind) if column.required] == ["title"]


@pytest.mark.parametrize("kind", KINDS)
def test_choices_have_words_for_exactly_the_values_of_the_schema(kind: Kind) -> None:
    choices = {column.name: tuple(column.values or {}) for column in known_columns(kind) if column.type == "choice"}
    assert choices == CHOICES[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_no_name_stands_for_two_columns(kind: Kind) -> None:
    owners: dict[str, set[str]] = {}
    for each, column, name in EVERY_NAME:
        if each == kind:
            owners.setdefault(normalised(name), set()).add(column)
    assert {name: columns for name, columns in owners.items() if len(columns) > 1} == {}


@pytest.mark.parametrize(("kind", "column", "name"), EVERY_NAME)
def test_every_known_heading_is_found(kind: Kind, column: str, name: str) -> None:
    if column == "title":
        assert found(name, "备忘", kind=kind)[name] == "title"
    else:
        assert found("标题", name, kind=kind) == {"标题": "title", name: column}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("需求名称（必填）", "需求名称"),
        (" 需求 名称 ", "需求名称"),
        ("【必填】需求名称*", "需求名称"),
        ("需求名称：", "需求名称"),
        ("Demand_Title", "demandtitle"),
        ("ＴＩＴＬＥ", "title"),
        ("拟投入资金(万元)", "拟投入资金"),
        ("〔一〕名称<注>[2]", "名称"),
    ],
)
def test_headings_are_compared_without_width_case_punctuation_and_remarks(text: str, expected: str) -> None:
    assert normalised(text) == expected
    assert normalised(normalised(text)) == normalised(text)


def test_bracketed_remarks_do_not_hide_a_column() -> None:
    assert found("需求名称（必填）", "拟投入资金（万元）", "需求时限【年月日】") == {
        "需求名称（必填）": "title",
        "拟投入资金（万元）": "investment_yuan",
        "需求时限【年月日】": "deadline",
    }


def test_a_heading_that_resembles_a_known_one_is_taken_with_its_degree() -> None:
    each = next(each for each in heading("需求名称", "技术需求内容项").found if each.heading == "技术需求内容项")
    assert each.column.name == "problem"
    # 技术需求内容 against 技术需求内容项: 2 x 6 common characters of 6 + 7.
    assert each.resemblance == pytest.approx(12 / 13)
    assert each.place == 1


def test_an_exact_heading_goes_before_a_resembling_one() -> None:
    found_heading = heading("技术需求内容项", "需求名称", "技术需求内容")
    assert {each.heading: each.column.name for each in found_heading.found} == {
        "需求名称": "title",
        "技术需求内容": "problem",
    }
    assert found_heading.unread == ("技术需求内容项",)


def test_headings_that_fit_nothing_are_told_as_unread() -> None:
    assert heading("需求名称", "机构属性", "", "备忘录").unread == ("机构属性", "备忘录")


def test_two_columns_of_one_text_are_both_read() -> None:
    names = [each.column.name for each in heading("需求名称", "主要问题", "技术关键").found]
    assert names == ["title", "problem", "problem"]


def test_a_second_column_of_an_amount_or_a_day_is_unread() -> None:
    both = heading("需求名称", "预算", "拟投入资金", "截止日期", "有效期")
    assert [each.heading for each in both.found] == ["需求名称", "预算", "截止日期"]
    assert both.unread == ("拟投入资金", "有效期")


def test_the_heading_is_found_below_titles_and_remarks() -> None:
    rows = [
        Row(1, ("技术需求名称表", "", "")),
        Row(3, ("填表单位：某某", "2027 年", "")),
        Row(5, ("需求编号", "需求名称", "预算")),
        Row(6, ("X1", "甲", "5")),
    ]
    assert find_heading("list.csv", rows, "demands").row == 5


def test_a_file_of_titles_alone_has_its_heading() -> None:
    assert find_heading("list.csv", [Row(1, ("需求名称",)), Row(2, ("甲",))], "demands").row == 1


def test_a_heading_far_below_is_not_looked_for() -> None:
    rows = [*(Row(number, ("甲", "乙")) for number in range(1, 21)), Row(21, ("需求名称", "预算"))]
    with pytest.raises(FileRefused):
        find_heading("list.csv", rows, "demands")


@pytest.mark.parametrize(("kind", "name"), [("demands", "需求名称"), ("achievements", "成果名称")])
def test_a_missing_column_is_told_with_its_names_and_what_was_seen(kind: Kind, name: str) -> None:
    with pytest.raises(FileRefused) as refused:
        find_heading("list.csv", [Row(2, ("甲列", "", "乙列")), Row(3, ("1", "2", "3"))], kind)
    [problem] = refused.value.problems
    assert (problem.key, problem.file, problem.row, problem.column) == ("file.missing_column", "list.csv", 2, name)
    for language, separator in (("zh_CN", "、"), ("en", ", ")):
        assert f"甲列{separator}乙列" in problem.text(language)
        assert f"{name}{separator}" in problem.text(language)
