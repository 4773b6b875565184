"""Cells of text become amounts, days, lists and choices, or are refused as unreadable."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.intake.cells import choice, day, words, yuan

UNITS = {"亿元": 10**8, "亿": 10**8, "万元": 10**4, "万": 10**4, "元": 1}
STATUS = {"open": ("待解决", "征集中", "Open Now"), "closed": ("已解决", "关闭")}


@pytest.mark.parametrize(
    ("text", "heading", "expected"),
    [
        ("", "预算", None),
        ("120", "预算", 1_200_000),
        ("35.5", "拟投入资金(万元)", 355_000),
        ("35.5", "拟投入资金（万元）", 355_000),
        ("1,200.5", "拟投入资金(万元)", 12_005_000),
        ("1，200", "价格（元）", 1_200),
        ("5000", "价格(元)", 5_000),
        ("0.3", "投资（亿元）", 30_000_000),
        ("700", "Budget (yuan)", 700),
        ("700", "BUDGET（ＹＵＡＮ）", 700),
        ("30万", "价格(元)", 300_000),
        ("30 万元", "价格(元)", 300_000),
        ("5000元", "预算(万元)", 5_000),
        ("2亿", "预算", 200_000_000),
        ("1.5亿元", "预算", 150_000_000),
        ("１２０", "预算", 1_200_000),
        ("１２．５万元", "预算", 125_000),
        ("￥500元", "预算", 500),
        ("¥500元", "预算", 500),
        ("约100万元", "预算", 1_000_000),
        ("100万元人民币", "预算", 1_000_000),
        ("0", "预算", 0),
        ("0.0001", "预算", 1),
    ],
)
def test_amounts_are_read_in_the_cells_unit_else_the_headings_else_ten_thousand(
    text: str, heading: str, expected: int | None
) -> None:
    assert yuan(text, heading) == expected


@pytest.mark.parametrize("text", ["面议", "-5", "10-20", "1.2.3", "万元", "12 34", "5美元", ",5", "1e3", "+5", "约"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        yuan(text, "预算")


@given(st.integers(0, 10**15), st.sampled_from(sorted(UNITS)), st.booleans())
def test_any_amount_written_in_any_unit_comes_back(amount: int, unit: str, full_width: bool) -> None:
    text = f"{Decimal(amount) / UNITS[unit]:,f}{unit}"
    if full_width:
        text = text.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
    assert yuan(text, "预算") == amount
    number = text.removesuffix(unit)
    assert yuan(number, f"预算({unit})") == (amount if unit in ("亿元", "万元", "元") else yuan(number + "万", ""))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("2027-06-30", date(2027, 6, 30)),
        ("2027.6.30", date(2027, 6, 30)),
        ("2027/6/3", date(2027, 6, 3)),
        ("2027年6月30日", date(2027, 6, 30)),
        ("2027 年 6 月 30 日", date(2027, 6, 30)),
        ("２０２７年６月３０日", date(2027, 6, 30)),
        ("2027-06-30 08:15:00", date(2027, 6, 30)),
        ("2027-06-30T08:15:00", date(2027, 6, 30)),
        ("2027-06", date(2027, 6, 30)),
        ("2027年2月", date(2027, 2, 28)),
        ("2028.2", date(2028, 2, 29)),
        ("2027年", date(2027, 12, 31)),
        ("2027", date(2027, 12, 31)),
    ],
)
def test_days_are_read_in_every_form(text: str, expected: date | None) -> None:
    assert day(text) == expected


@pytest.mark.parametrize(
    "text", ["长期", "2027-13-01", "2027-02-30", "2027-00-10", "0000年", "30.6.2027", "45000.5", "明年", "27-6-30"]
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        day(text)


@given(st.dates(min_value=date(1000, 1, 1)), st.sampled_from(["{}-{}-{}", "{}.{}.{}", "{}/{}/{}", "{}年{}月{}日"]))
def test_any_day_written_in_any_form_comes_back(value: date, form: str) -> None:
    assert day(form.format(value.year, value.month, value.day)) == value
    assert day(value.isoformat()) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" ； ", []),
        ("大豆", ["大豆"]),
        ("大豆；分选;机器视觉", ["大豆", "分选", "机器视觉"]),
        ("大豆，分选,视觉、色选/筛分|除杂", ["大豆", "分选", "视觉", "色选", "筛分", "除杂"]),
        ("大豆\n分选\r\n视觉\t色选", ["大豆", "分选", "视觉", "色选"]),
        ("大豆  分选", ["大豆", "分选"]),
        ("machine vision；soybean", ["machine vision", "soybean"]),
        ("乙、甲、乙、甲", ["乙", "甲"]),
        ("ＣＦＲＰ、CFRP", ["CFRP"]),
    ],
)
def test_words_are_split_and_kept_once_in_order(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.lists(st.text("大豆分选abc12", min_size=1), unique=True), st.sampled_from([";", "；", ",", "，", "、", "\n"]))
def test_joined_words_come_back(listed: list[str], separator: str) -> None:
    assert words(separator.join(listed)) == listed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "open"),
        ("待解决", "open"),
        ("征集中", "open"),
        ("open", "open"),
        ("OPEN", "open"),
        ("ｏｐｅｎ", "open"),
        ("open now", "open"),
        ("关闭", "closed"),
        ("closed", "closed"),
        (" 已解决 ", "closed"),
    ],
)
def test_a_choice_is_known_by_any_of_its_words(text: str, expected: str) -> None:
    assert choice(text, STATUS, "open") == expected


@pytest.mark.parametrize("text", ["解决", "已解决了", "x", "否"])
def test_a_word_of_no_choice_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        choice(text, STATUS, "open")
