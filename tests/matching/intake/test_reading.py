"""One file read: the clean frame, rows left out, and the same frame from every form of the same list."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from intake_books import sheet_of, written
from places import SAMPLES

from matching.errors import CallError, FileRefused
from matching.intake.columns import Plan
from matching.intake.reading import Reading, read_bytes, read_demands, read_file, read_tables
from matching.intake.records import content_hash
from matching.schema import CHOICES, KINDS, PROVENANCE, RECORD, Kind
from matching.settings import Settings

COUNTS: dict[Kind, int] = {"demands": 60, "achievements": 200}


def read(*lines: str, kind: Kind = "demands") -> Reading:
    return read_bytes("list.csv", "\n".join(lines).encode(), kind)


def only(reading: Reading) -> dict[str, object]:
    assert reading.frame.height == 1
    return reading.frame.row(0, named=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_samples_are_read_whole(kind: Kind, suffix: str) -> None:
    reading = read_file(SAMPLES / f"{kind}.{suffix}", kind)
    assert reading.frame.height == reading.rows == COUNTS[kind]
    assert reading.left_out == ()
    assert reading.unread == ()
    assert reading.file == f"{kind}.{suffix}"
    assert reading.frame.schema == pl.Schema({**RECORD[kind], **PROVENANCE})
    assert reading.frame["source_row"].to_list() == list(range(2, COUNTS[kind] + 2))


@pytest.mark.parametrize("kind", KINDS)
def test_both_forms_of_a_sample_give_equal_frames(kind: Kind) -> None:
    forms = [read_file(SAMPLES / f"{kind}.{suffix}", kind).frame for suffix in ("csv", "xlsx")]
    assert forms[0].drop("source_sheet").equals(forms[1].drop("source_sheet"))
    assert [form["source_sheet"].n_unique() for form in forms] == [1, 1]
    assert forms[0]["source_sheet"][0] == ""
    assert forms[1]["source_sheet"][0] != ""


def test_values_of_a_sample_are_what_its_row_says(sample_demands: Reading) -> None:
    first = sample_demands.frame.row(0, named=True)
    assert first["demand_id"] == "XQ2026001"
    assert first["investment_yuan"] == 1_800_000
    assert first["deadline"] == date(2027, 9, 30)
    assert first["keywords"] == ["集中供热", "负荷预测", "二级网平衡", "节能"]
    assert (first["visibility"], first["status"]) == ("public", "open")


def test_what_a_file_does_not_state_is_empty_or_the_default() -> None:
    record = only(read("需求名称", "甲"))
    assert record["enterprise"] == record["problem"] == ""
    assert record["keywords"] == []
    assert record["investment_yuan"] is record["deadline"] is None
    assert {name: record[name] for name in CHOICES["demands"]} == {"visibility": "public", "status": "open"}
    assert only(read("成果名称", "甲", kind="achievements"))["exempt"] is False


def test_a_flag_is_read_as_yes_or_no() -> None:
    reading = read("成果名称,是否豁免", "甲,是", "乙,否", "丙,", "丁,TRUE", kind="achievements")
    assert reading.frame["exempt"].to_list() == [True, False, False, True]


def test_two_columns_of_one_text_are_joined_in_order() -> None:
    reading = read("需求名称,主要问题,技术关键", "甲,不耐寒,低温密封", "乙,,低温密封", "丙,不耐寒,")
    assert reading.frame["problem"].to_list() == ["不耐寒\n低温密封", "低温密封", "不耐寒"]


def test_two_columns_of_ids_do_not_make_an_id_of_two_lines() -> None:
    assert "\n" not in str(only(read("需求编号,编号,需求名称", "X1,1,甲"))["demand_id"])


def test_an_amount_of_nothing_is_stated() -> None:
    assert read("需求名称,预算", "甲,0", "乙,").frame["investment_yuan"].to_list() == [0, None]


def test_a_row_that_ends_early_leaves_the_rest_empty() -> None:
    reading = read("需求编号,需求名称,主要问题,预算", "X1,甲", "X2,乙,难,5")
    assert reading.frame["problem"].to_list() == ["", "难"]
    assert reading.frame["investment_yuan"].to_list() == [None, 50_000]


def test_headings_that_fit_nothing_are_reported() -> None:
    assert read("需求名称,机构属性", "甲,民营").unread == ("机构属性",)


def test_rows_keep_the_number_they_have_in_the_file() -> None:
    reading = read("技术需求汇总,", ",", "需求编号,需求名称", "X1,甲", "", 'X2,"乙\n丙"', "X3,丁")
    assert [heading.row for heading in reading.headings] == [3]
    assert reading.frame["source_row"].to_list() == [4, 6, 7]


def test_a_row_without_a_title_is_left_out_and_said_so() -> None:
    reading = read("需求编号,需求名称,单位名称", "X1,甲,某公司", "X2,,某公司")
    assert (reading.rows, reading.frame.height) == (2, 1)
    [problem] = reading.left_out
    assert problem.text("zh_CN") == "list.csv 第 3 行：没有名称，未读入。请补上名称。"
    assert problem.text("en") == "list.csv, row 3: No title, so the row was left out. Add a title."


@pytest.mark.parametrize("first", ["X1,甲,5", ",甲,5"])
def test_a_repeated_row_is_left_out_and_said_so(first: str) -> None:
    reading = read("需求编号,需求名称,预算", first, "X2,乙,6", first)
    assert (reading.rows, reading.frame.height) == (3, 2)
    [problem] = reading.left_out
    assert problem.text("zh_CN") == "list.csv 第 4 行：与第 2 行相同，未读入。可删去其中一行。"
    assert problem.text("en") == ("list.csv, row 4: The same as row 2, so it was left out. One of them can be deleted.")


def test_a_record_without_an_id_has_the_same_one_in_every_file() -> None:
    one = only(read("需求名称,单位名称,预算", "甲,某公司,5"))["demand_id"]
    other = read("单位名称,需求名称", "别家,甲", "某公司,甲").frame["demand_id"].to_list()
    assert other[1] == one
    assert other[0] != one
    assert str(one).startswith("D-")
    assert str(only(read("成果名称", "甲", kind="achievements"))["achievement_id"]).startswith("A-")


def test_the_hash_of_a_record_is_of_what_it_says_alone() -> None:
    here = only(read("需求编号,需求名称,预算(万元)", "X1,甲,5"))["content_hash"]
    there = only(read("清单,", "预算(元),技术需求名称,编号", "50000,甲,X1"))["content_hash"]
    changed = only(read("需求编号,需求名称,预算(万元)", "X1,甲,6"))["content_hash"]
    assert here == there != changed
    assert content_hash({"a": 1, "day": date(2027, 6, 30)}) == content_hash({"day": date(2027, 6, 30), "a": 1})


def test_a_path_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(CallError) as wrong:
            read_file(path, "demands")
        assert str(path) in wrong.value.text()


def extras(reading: Reading) -> list[list[tuple[str, str]]]:
    return [[(each["heading"], each["text"]) for each in row] for row in reading.frame["extras"].to_list()]


def test_what_no_column_holds_is_kept_as_it_stood() -> None:
    reading = read(
        "需求名称,机构属性,预算,备忘,有效期,截止日期", "甲,民营,5,急,2027,2027", "乙,,5,,,", "丙, 国有 ,,,2026,"
    )
    assert extras(reading) == [
        [("机构属性", "民营"), ("备忘", "急"), ("截止日期", "2027")],
        [],
        [("机构属性", "国有")],
    ]


def test_an_amount_that_says_more_than_its_number_is_kept_as_written() -> None:
    reading = read("需求名称,预算(万元)", "甲,面议", "乙,50-100", "丙,50", "丁,无", "戊,100以上")
    assert reading.frame["investment_yuan"].to_list() == [None, 1_000_000, 500_000, None, 1_000_000]
    kept = [text for row in extras(reading) for _, text in row]
    assert kept == ["面议", "50-100", "100以上"]
    assert extras(reading)[0] == [("预算(万元)", "面议")]


def test_extras_make_another_hash_and_none_do_not() -> None:
    plain = only(read("需求编号,需求名称", "X1,甲"))["content_hash"]
    blank = only(read("需求编号,需求名称,备忘", "X1,甲,"))["content_hash"]
    said = only(read("需求编号,需求名称,备忘", "X1,甲,急"))["content_hash"]
    assert plain == blank != said


def test_numbers_and_telephones_lose_their_width_and_texts_keep_it() -> None:
    record = only(read("需求编号,需求名称,联系电话", "Ｘ１２,Ａ型,０４５１－８２３ ４"))
    assert (record["demand_id"], record["title"], record["phone"]) == ("X12", "Ａ型", "0451-823 4")
    assert only(read("需求编号,需求名称,联系电话", "无,甲,/"))["phone"] == ""
    assert str(only(read("需求编号,需求名称", "无,甲"))["demand_id"]).startswith("D-")


LISTS = (
    [["需求编号", "需求名称"], ["X1", "甲"], ["X2", "乙"]],
    [["填写说明"], ["请逐项填写", "不要空行"]],
    [["表二"], [], ["编号", "标题", "预算"], ["X3", "丙", 5], ["X1", "甲", None]],
)


def test_every_sheet_with_a_list_is_read_and_the_others_are_told() -> None:
    reading = read_bytes("book.xlsx", written(*LISTS, names=("一", "说明", "二")), "demands")
    assert [(heading.sheet, heading.row) for heading in reading.headings] == [("一", 1), ("二", 3)]
    assert reading.frame.select("demand_id", "source_sheet", "source_row").rows() == [
        ("X1", "一", 2), ("X2", "一", 3), ("X3", "二", 4),
    ]  # fmt: skip
    assert reading.rows == 4
    [note] = reading.notes
    assert (note.key, note.values) == ("sheet.no_heading", {"sheet": "说明"})
    [repeated] = reading.left_out
    assert (repeated.key, repeated.sheet, repeated.row, repeated.values) == ("row.repeated", "二", 5, {"first": 2})
    assert repeated.text("zh_CN").startswith("book.xlsx 工作表“二” 第 5 行：与第 2 行相同")
    assert repeated.text("en").startswith("book.xlsx, sheet “二”, row 5: ")


def test_a_hidden_sheet_is_read_only_where_no_other_holds_a_list() -> None:
    seen = read_bytes("book.xlsx", written(*LISTS, names=("一", "说明", "二"), hidden=(2,)), "demands")
    assert seen.frame["source_sheet"].unique().to_list() == ["一"]
    assert [note.key for note in seen.notes] == ["sheet.no_heading", "sheet.hidden"]
    alone = read_bytes("book.xlsx", written(LISTS[1], LISTS[0], names=("说明", "一"), hidden=(1,)), "demands")
    assert alone.frame["source_sheet"].to_list() == ["一", "一"]


def test_a_sheet_that_only_names_a_column_is_no_list_beside_a_real_one() -> None:
    lists = ([["需求编号", "需求名称", "预算"], ["X1", "甲", 5]], [["需求名称", "写清对象"], ["说什么", "怎么写"]])
    reading = read_bytes("book.xlsx", written(*lists, names=("一", "说明")), "demands")
    assert reading.frame["title"].to_list() == ["甲"]
    assert [note.key for note in reading.notes] == ["sheet.no_heading"]


def test_without_a_list_what_is_seen_first_is_told() -> None:
    with pytest.raises(FileRefused) as refused:
        read_bytes("book.xlsx", written(LISTS[1], [["甲", "乙"]]), "demands")
    [problem] = refused.value.problems
    assert (problem.key, problem.values["seen"]) == ("file.missing_column", ("填写说明",))


WRONG = (
    "需求编号,需求名称,单位名称,预算,截止日期",
    "X1,甲,某公司,若干,尽快",
    "X2,乙,某公司,5,2027",
    ",丙,某公司,很多,",
    "合计,,,5,",
)


def test_good_rows_are_taken_and_the_wrong_ones_told() -> None:
    reading = read_bytes("list.csv", "\n".join(WRONG).encode(), "demands", good_rows=True)
    assert reading.frame["demand_id"].to_list() == ["X2"]
    assert reading.rows == 4
    assert [(each.key, each.row, each.column) for each in reading.wrong] == [
        ("cell.not_money", 2, "预算"),
        ("cell.not_date", 2, "截止日期"),
        ("cell.not_money", 4, "预算"),
    ]
    assert reading.refused == 2
    assert reading.wrong_told == reading.wrong
    assert [each.key for each in reading.left_out] == ["row.total"]
    assert reading.rejected is not None
    assert reading.rejected.schema == reading.frame.schema
    assert reading.rejected.select("enterprise", "title", "source_row").rows() == [
        ("某公司", "甲", 2),
        ("某公司", "丙", 4),
    ]
    first, second = reading.rejected["demand_id"]
    assert first == "X1"
    assert second.startswith("D-")


def test_wrong_rows_refuse_the_file_where_good_ones_are_not_asked_for() -> None:
    with pytest.raises(FileRefused) as refused:
        read(*WRONG)
    assert [each.row for each in refused.value.problems] == [2, 2, 4]


def test_a_file_whose_rows_are_all_wrong_has_no_record_and_tells_them() -> None:
    reading = read_bytes("list.csv", "\n".join(WRONG[:2]).encode(), "demands", good_rows=True)
    assert (reading.rows, reading.refused, reading.frame.height) == (1, 1, 0)
    assert reading.frame.schema == pl.Schema({**RECORD["demands"], **PROVENANCE})
    assert [(each.row, each.place) for each in reading.wrong] == [(2, 3), (2, 4)]
    assert reading.rejected is not None
    assert reading.rejected["title"].to_list() == ["甲"]


def test_a_file_without_a_record_is_refused_where_none_of_its_rows_is_wrong() -> None:
    for lines, key in ((("需求名称,预算", "合计,5"), "file.no_rows"), (("需求名称,预算", ",5"), "file.no_titles")):
        with pytest.raises(FileRefused) as refused:
            read_bytes("list.csv", "\n".join(lines).encode(), "demands", good_rows=True)
        assert [problem.key for problem in refused.value.problems] == [key]


def test_of_two_contents_under_one_id_the_first_is_taken_and_the_other_is_wrong() -> None:
    content = "需求编号,需求名称\nX1,甲\nX1,乙\nX2,丙\n".encode()
    reading = read_bytes("list.csv", content, "demands", good_rows=True)
    assert reading.frame["title"].to_list() == ["甲", "丙"]
    [problem] = reading.wrong
    assert (problem.key, problem.row, problem.values) == ("row.same_id", 3, {"identity": "X1", "first": 2})


def test_of_very_many_wrong_rows_all_are_known_and_the_first_told() -> None:
    lines = ["需求名称,预算", "好,5", *(f"甲{number},若干" for number in range(60))]
    reading = read_bytes("list.csv", "\n".join(lines).encode(), "demands", good_rows=True)
    assert (len(reading.wrong), len(reading.wrong_told), reading.refused) == (60, 51, 60)
    assert reading.wrong_told[-1].values == {"count": 10}


def test_what_a_person_said_of_the_columns_is_followed() -> None:
    lines = ("卡脖子问题,预算", "甲,五头牛")
    with pytest.raises(FileRefused) as refused:
        read(*lines)
    assert refused.value.problems[0].key == "file.missing_column"
    reading = read_bytes(
        "list.csv", "\n".join(lines).encode(), "demands", None, Plan({"卡脖子问题": "title", "预算": ""})
    )
    assert only(reading)["title"] == "甲"
    assert extras(reading) == [[("预算", "五头牛")]]


def test_sheets_that_were_parsed_before_are_read_without_another_process() -> None:
    sheets = [sheet_of(["需求名称"], ["甲"], name="表")]
    reading = read_tables("list.xlsx", b"bytes", sheets, "demands", Settings())
    assert only(reading)["source_sheet"] == "表"
    assert reading.sha256 == hashlib.sha256(b"bytes").hexdigest()


def test_a_path_may_be_a_text() -> None:
    assert read_demands(str(SAMPLES / "demands.csv")).height == 60
