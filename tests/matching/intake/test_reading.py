"""One file read: the clean frame, rows left out, and the same frame from every form of the same list."""

from __future__ import annotations

import csv
from datetime import date
from io import BytesIO, StringIO
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from places import SAMPLES

from matching.errors import CallError
from matching.intake.reading import Reading, content_hash, read_bytes, read_file
from matching.schema import CHOICES, KINDS, PROVENANCE, RECORD, Kind

COUNTS: dict[Kind, int] = {"demands": 60, "achievements": 200}
HEADINGS = ["需求编号", "需求名称", "单位名称", "主要问题", "关键字", "拟投入资金(万元)", "需求时限", "公开方式"]
VISIBILITY = {"公开": "public", "匿名": "anonymous", "不公开": "private", "": "public"}


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
    assert forms[0].equals(forms[1])


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
    assert reading.heading.row == 3
    assert reading.frame["source_row"].to_list() == [4, 6, 7]


def test_a_row_without_a_title_is_left_out_and_said_so() -> None:
    reading = read("需求编号,需求名称", "X1,甲", "X2,")
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


TEXT = st.text("寒地大豆㐀𠮷，。：；“”（）·×≤℃ abcXYZ019,;'\"=+-@/\\|#", max_size=24).map(str.strip)
LONG_TEXT = st.lists(TEXT.filter(bool), max_size=3).map("\n".join)
AMOUNT = st.none() | st.integers(1, 10**11)
DAY = st.none() | st.dates(date(1950, 1, 1), date(2099, 12, 31))
WORD_LIST = st.lists(st.text("寒地豆ab1", min_size=1, max_size=4), unique=True, max_size=5)
RECORDS = st.lists(
    st.tuples(
        TEXT.filter(bool), TEXT, LONG_TEXT, WORD_LIST,
        AMOUNT, DAY, st.sampled_from(sorted(VISIBILITY)),
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip


def as_csv(rows: list[list[object]], encoding: str, delimiter: str) -> bytes:
    target = StringIO(newline="")
    csv.writer(target, delimiter=delimiter).writerows(rows)
    return target.getvalue().encode(encoding)


def as_workbook(rows: list[list[object]]) -> bytes:
    """Numbers and days as such, as an office types them."""
    target = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet()
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, date):
                    sheet.write_datetime(row, column, cell, day)
                elif isinstance(cell, float):
                    sheet.write_number(row, column, cell)
                elif cell:
                    sheet.write_string(row, column, str(cell))
    return target.getvalue()


@hypothesis_settings(max_examples=20)
@given(RECORDS)
def test_records_come_back_the_same_from_every_encoding_and_from_a_workbook(
    drawn: list[tuple[str, str, str, list[str], int | None, date | None, str]],
) -> None:
    rows: list[list[object]] = [list(HEADINGS)]
    expected = []
    for number, (title, enterprise, problem, keywords, amount, deadline, visibility) in enumerate(drawn, start=1):
        identity = f"{number:06}"
        # At most four decimals of 万元, so that an amount is a whole number of yuan.
        money = "" if amount is None else amount / 10_000
        rows.append([identity, title, enterprise, problem, "；".join(keywords), money, deadline or "", visibility])
        expected.append((identity, title, enterprise, problem, keywords, amount, deadline, VISIBILITY[visibility]))
    names = ["demand_id", "title", "enterprise", "problem", "keywords", "investment_yuan", "deadline", "visibility"]
    frames = [read_bytes("list.xlsx", as_workbook(rows), "demands").frame]
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        for delimiter in ",;\t":
            frames.append(read_bytes("list.csv", as_csv(rows, encoding, delimiter), "demands").frame)
    assert frames[0].select(names).rows() == expected
    for frame in frames[1:]:
        assert frame.equals(frames[0])
