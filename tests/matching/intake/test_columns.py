"""Which column of a file holds what."""

from __future__ import annotations

import pytest

from matching.intake.columns import (
    HEADING_ROWS,
    Heading,
    Plan,
    Spans,
    best_heading,
    column,
    heading_at,
    known_columns,
    missing_columns,
    normalised,
)
from matching.intake.files import Row
from matching.schema import CHOICES, KINDS, RECORD, Kind

EVERY_NAME = [
    (kind, column.name, name)
    for kind in KINDS
    for column in known_columns(kind)
    for name in (*column.names, column.name)
]


def heading(*cells: str, kind: Kind = "demands", plan: Plan | None = None) -> Heading:
    found_heading = best_heading([Row(1, cells), Row(2, ("甲",) * len(cells))], kind, plan or Plan())
    assert found_heading is not None
    return found_heading


def best(*rows: Row, kind: Kind = "demands", plan: Plan | None = None, spans: Spans = ()) -> Heading | None:
    return best_heading(rows, kind, plan or Plan(), spans)


def found(*cells: str, kind: Kind = "demands") -> dict[str, str]:
    return {each.heading: each.column.name for each in heading(*cells, kind=kind).found}


@pytest.mark.parametrize("kind", KINDS)
def test_every_column_of_the_schema_can_be_read_and_no_other(kind: Kind) -> None:
    assert [*(column.name for column in known_columns(kind)), "extras"] == list(RECORD[kind])
    assert [column.name for column in known_columns(kind) if column.required] == ["title"]


@pytest.mark.parametrize("kind", KINDS)
def test_choices_have_words_for_exactly_the_values_of_the_schema(kind: Kind) -> None:
    choices = {column.name: tuple(column.values or {}) for column in known_columns(kind) if column.type == "choice"}
    assert choices == CHOICES[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_every_column_has_an_example_and_names_in_both_languages(kind: Kind) -> None:
    for each in known_columns(kind):
        assert each.example
        assert {name.isascii() for name in each.names} == {True, False}
        assert each.hints.keys() == {"zh_CN", "en"}
        assert bool(each.hints["zh_CN"]) == bool(each.hints["en"])


def test_a_column_is_known_by_its_name() -> None:
    assert column("demands", "deadline").names[0] == "需求时限"
    with pytest.raises(KeyError):
        column("demands", "price_yuan")


@pytest.mark.parametrize("kind", KINDS)
def test_no_name_stands_for_two_columns(kind: Kind) -> None:
    owners: dict[str, set[str]] = {}
    for each, owner, name in EVERY_NAME:
        if each == kind:
            owners.setdefault(normalised(name), set()).add(owner)
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


def test_headings_that_fit_nothing_are_kept_as_extras_with_their_places() -> None:
    each = heading("需求名称", "机构属性", "", "备忘录", "机构属性")
    assert each.extras == ((1, "机构属性"), (3, "备忘录"), (4, "机构属性"))
    assert each.unread == ("机构属性", "备忘录", "机构属性")


def test_a_short_cell_below_an_ignored_name_does_not_make_a_heading_of_two_rows() -> None:
    assert [each.heading for each in heading("Problems", "需求名称").found] == ["需求名称"]


@pytest.mark.parametrize("ignored", ["序号", "行号", "No.", "ＮＯ", "问题说明", "Problems", "序 号（自动）"])
def test_running_numbers_and_what_this_program_added_are_no_extras(ignored: str) -> None:
    each = best(Row(1, (ignored, "需求名称", "备忘录")), Row(2, ("某项说明的文字",) * 3))
    assert each is not None
    assert [found.heading for found in each.found] == ["需求名称"]
    assert each.extras == ((2, "备忘录"),)


def test_two_columns_of_one_text_are_both_read() -> None:
    names = [each.column.name for each in heading("需求名称", "主要问题", "技术关键").found]
    assert names == ["title", "problem", "problem"]


def test_a_second_column_of_an_amount_or_a_day_is_an_extra() -> None:
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
    found_heading = best(*rows)
    assert found_heading is not None
    assert found_heading.row == 5


def test_a_lone_cell_above_a_table_is_a_title_even_where_it_is_a_known_name() -> None:
    found_heading = best(Row(1, ("需求名称", "")), Row(2, ("名称", "预算")), Row(3, ("甲", "5")))
    assert found_heading is not None
    assert (found_heading.row, len(found_heading.found)) == (2, 2)


def test_a_file_of_titles_alone_has_its_heading() -> None:
    found_heading = best(Row(1, ("需求名称",)), Row(2, ("甲",)))
    assert found_heading is not None
    assert found_heading.row == 1
    assert best(Row(1, ("需求名称",))) == found_heading


def test_of_several_headings_the_one_by_which_most_is_found_counts() -> None:
    rows = [Row(1, ("名称", "说明")), Row(2, ("需求名称", "预算", "截止日期")), Row(3, ("甲", "5", "2027"))]
    found_heading = best(*rows)
    assert found_heading is not None
    assert found_heading.row == 2


def test_a_heading_far_below_is_not_looked_for() -> None:
    above = [Row(number, ("甲", "乙")) for number in range(1, HEADING_ROWS)]
    assert best(*above, Row(HEADING_ROWS, ("需求名称", "预算")), Row(HEADING_ROWS + 1, ("丙", "5"))) is not None
    more = [*above, Row(HEADING_ROWS, ("丁", "戊")), Row(HEADING_ROWS + 1, ("丁", "戊"))]
    assert best(*more, Row(HEADING_ROWS + 2, ("需求名称", "预算"))) is None


TWO_ROWS = (
    Row(1, ("成果名称", "知识产权", "", "联系", "")),
    Row(2, ("", "类型", "授权号", "联系人", "电话")),
    Row(3, ("甲", "专利", "ZL1", "张三", "0451")),
)


@pytest.mark.parametrize("spans", [(), ((1, 1, 2), (1, 3, 4))], ids=["by what stands left", "by merged cells"])
def test_a_heading_of_two_rows_is_read_with_the_names_of_its_groups(spans: Spans) -> None:
    found_heading = best(*TWO_ROWS, kind="achievements", spans=spans)
    assert found_heading is not None
    assert found_heading.row == 2
    assert {each.place: each.column.name for each in found_heading.found} == {
        0: "title", 1: "ip_kind", 2: "ip_numbers", 3: "contact", 4: "phone",
    }  # fmt: skip


def test_a_group_reaches_no_further_than_its_merged_cells() -> None:
    rows = [
        Row(4, ("成果名称", "知识产权", "", "")),
        Row(5, ("", "类型", "号", "备忘")),
        Row(6, ("甲", "乙", "丙", "丁")),
    ]
    found_heading = best(*rows, kind="achievements", spans=((4, 1, 2),))
    assert found_heading is not None
    assert found_heading.extras == ((3, "备忘"),)
    assert {each.place: each.heading for each in found_heading.found}[1] == "知识产权类型"


def test_a_heading_of_one_row_is_preferred_where_two_find_no_more() -> None:
    found_heading = best(Row(1, ("需求名称", "预算")), Row(2, ("甲", "5")), Row(3, ("乙", "6")))
    assert found_heading is not None
    assert found_heading.row == 1


def test_rows_that_do_not_follow_each_other_are_no_heading_of_two() -> None:
    first, second, third = TWO_ROWS
    found_heading = best(first, Row(3, second.cells), Row(4, third.cells), kind="achievements")
    assert found_heading is not None
    assert found_heading.row == 1


def test_what_a_person_said_of_the_columns_counts() -> None:
    plan = Plan({normalised("机构属性（可空）"): "field", normalised("预算"): ""})
    each = heading("需求名称", "机构属性", "预算", plan=plan)
    assert {one.heading: (one.column.name, one.resemblance) for one in each.found} == {
        "需求名称": ("title", 1.0),
        "机构属性": ("field", 1.0),
    }
    assert each.extras == ((2, "预算"),)


def test_a_title_column_chosen_by_hand_makes_a_heading() -> None:
    rows = [Row(1, ("卡脖子问题", "所在地")), Row(2, ("甲", "佳木斯"))]
    assert best(*rows) is None
    found_heading = best(*rows, plan=Plan({"卡脖子问题": "title"}))
    assert found_heading is not None
    assert [each.column.name for each in found_heading.found] == ["title", "city"]


def test_a_heading_row_chosen_by_hand_counts() -> None:
    rows = [Row(1, ("需求名称", "预算", "截止日期")), Row(2, ("标题", "投入")), Row(3, ("甲", "5"))]
    found_heading = best(*rows, plan=Plan(heading_row=2))
    assert found_heading is not None
    assert found_heading.row == 2
    assert next(each.heading for each in found_heading.found) == "标题"
    assert best(*rows, plan=Plan(heading_row=4)) is None


def test_any_row_can_be_looked_at_as_a_heading() -> None:
    each = heading_at(Row(7, ("单位名称", "备忘", "")), "demands", Plan(), "表一")
    assert (each.row, each.sheet, each.extras) == (7, "表一", ((1, "备忘"),))
    assert [found.column.name for found in each.found] == ["enterprise"]


def test_the_heading_says_of_which_sheet_it_is() -> None:
    found_heading = best_heading([Row(1, ("需求名称", "预算"))], "demands", Plan(), (), "表一")
    assert found_heading is not None
    assert found_heading.sheet == "表一"


@pytest.mark.parametrize(("kind", "name"), [("demands", "需求名称"), ("achievements", "成果名称")])
def test_a_missing_column_is_told_with_its_names_and_what_was_seen(kind: Kind, name: str) -> None:
    assert best(Row(2, ("甲列", "", "乙列")), Row(3, ("1", "2", "3")), kind=kind) is None
    [problem] = missing_columns("list.csv", Row(2, ("甲列", "", "乙列")), kind).problems
    assert (problem.key, problem.file, problem.row, problem.column) == ("file.missing_column", "list.csv", 2, name)
    for language, separator in (("zh_CN", "、"), ("en", ", ")):
        assert f"甲列{separator}乙列" in problem.text(language)
        assert f"{name}{separator}" in problem.text(language)
