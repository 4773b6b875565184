"""Cells of text become amounts, days, lists and choices, or are refused as unreadable."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.intake.cells import chinese_number, choice, day, is_error, is_plain_amount, says_nothing, words, yuan

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
        ("面议", "预算", None),
        (" 价格面议 ", "价格(元)", None),
        ("Negotiable", "预算", None),
        ("无", "预算", None),
        ("/", "预算", None),
        ("——", "预算", None),
        ("Ｎ／Ａ", "预算", None),
        ("10-20", "预算", 200_000),
        ("50~100万", "预算(元)", 1_000_000),
        ("50万-100万元", "预算(元)", 1_000_000),
        ("50至100万元", "预算", 1_000_000),
        ("50—100", "预算", 1_000_000),
        ("1,000-2,000元", "预算", 2_000),
        ("100万以上", "预算", 1_000_000),
        ("100万元以内", "预算(元)", 1_000_000),
        ("不超过50万", "预算", 500_000),
        ("不低于 80 万元", "预算", 800_000),
        ("≤30", "预算", 300_000),
        ("10万元左右", "预算", 100_000),
        ("约50—80万元左右", "预算", 800_000),
        ("5千元", "预算", 5_000),
        ("3百万", "预算", 3_000_000),
        ("2千万元", "预算", 20_000_000),
        ("20w", "预算", 200_000),
        ("RMB 300元", "预算", 300),
        ("二十五万元", "预算", 250_000),
        ("一百二十万", "预算", 1_200_000),
        ("两千万", "预算", 20_000_000),
        ("十万元", "预算", 100_000),
        ("三百", "预算", 3_000_000),
        ("二〇二", "预算（元）", 202),
        ("700", "投资（千元）", 700_000),
        ("7", "投资（百万元）", 7_000_000),
        ("120.0", "预算", 1_200_000),
        ("999999999999999", "价格(元)", 999_999_999_999_999),
    ],
)
def test_amounts_are_read_in_the_cells_unit_else_the_headings_else_ten_thousand(
    text: str, heading: str, expected: int | None
) -> None:
    assert yuan(text, heading) == expected


@pytest.mark.parametrize(
    "text",
    [
        "若干", "-5", "10-20-30", "1.2.3", "万元", "12 34", "5美元", ",5", "1e3", "+5", "约", "5万/年", "10-",
        "100万或面议", "99999999999999999999", "二十五头", "年产值的5%",
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        yuan(text, "预算")


def test_the_heading_of_another_unit_does_not_hide_ten_thousand() -> None:
    assert yuan("5", "预算（单位：万元）") == yuan("5", "预算/万元") == yuan("5", "预算") == 50_000
    assert yuan("5", "预算（单位：元）") == 5


def test_the_english_heading_of_ten_thousand_yuan_is_ten_thousand() -> None:
    assert yuan("5", "budget (10,000 yuan)") == 50_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("120", True), ("1,200.5万元", True), ("二十五万", True), ("", True), ("无", True), ("/", True),
        ("面议", False), ("50-100", False), ("100万以上", False), ("约5万", False), ("¥5", False), ("若干", False),
    ],
)  # fmt: skip
def test_an_amount_that_says_more_than_its_number_is_known(text: str, expected: bool) -> None:
    assert is_plain_amount(text) is expected


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.sampled_from(["-", "~", "至", "到", "—", "–", "－", "～"]))
def test_of_a_range_of_amounts_the_upper_end_is_read(first: int, second: int, between: str) -> None:
    assert yuan(f"{first}{between}{second}", "预算") == yuan(f"{first}万{between}{second}万元", "") == second * 10_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("〇", 0), ("零", 0), ("五", 5), ("十", 10), ("十二", 12), ("二十", 20), ("二十五", 25), ("一百零三", 103),
        ("三千二百一十", 3210), ("两千", 2000), ("二〇二四", 2024), ("二○二四", 2024), ("一九九八", 1998),
    ],
)  # fmt: skip
def test_chinese_figures_are_numbers(text: str, expected: int) -> None:
    assert chinese_number(text) == expected


@pytest.mark.parametrize(
    "text", ["", "无", "/", "-", "--", "——", "暂无", " 无 ", "N/A", "ＮＡ", "None", "NULL", "nan", "空"]
)
def test_cells_that_say_nothing_are_known(text: str) -> None:
    assert says_nothing(text)


@pytest.mark.parametrize("text", ["无人机", "0", "否", "-5", "a/b", "空气"])
def test_cells_that_say_something_are_not_taken_for_nothing(text: str) -> None:
    assert not says_nothing(text)


@pytest.mark.parametrize("text", ["#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#n/a"])
def test_errors_of_a_spreadsheet_are_known(text: str) -> None:
    assert is_error(text)


@pytest.mark.parametrize("text", ["#", "#1号高炉", "REF!", "", "# 标题", "#REF"])
def test_other_texts_with_a_hash_are_no_errors(text: str) -> None:
    assert not is_error(text)


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
        ("无", None),
        ("长期", None),
        ("长期有效", None),
        ("待定", None),
        ("20270630", date(2027, 6, 30)),
        ("202706", date(2027, 6, 30)),
        ("二〇二四年三月", date(2024, 3, 31)),
        ("二○二四年三月十五日", date(2024, 3, 15)),
        ("二零二四年十二月", date(2024, 12, 31)),
        ("2024年十月", date(2024, 10, 31)),
        ("45000", date(2023, 3, 15)),
        ("45000.5", date(2023, 3, 15)),
        ("46568", date(2027, 6, 30)),
        ("2027年底", date(2027, 12, 31)),
        ("2027年末", date(2027, 12, 31)),
        ("2027年底前", date(2027, 12, 31)),
        ("2027年上半年", date(2027, 6, 30)),
        ("2027 下半年", date(2027, 12, 31)),
        ("2027年一季度", date(2027, 3, 31)),
        ("2027年第二季度", date(2027, 6, 30)),
        ("2027Q3", date(2027, 9, 30)),
        ("2027 q4", date(2027, 12, 31)),
        ("2027年6月30日前", date(2027, 6, 30)),
        ("2027年10月之前", date(2027, 10, 31)),
        ("2027-06-30止", date(2027, 6, 30)),
        ("2024年1月-2025年6月", date(2025, 6, 30)),
        ("2024.1-2025.6", date(2025, 6, 30)),
        ("2024.1.1--2025.6.30", date(2025, 6, 30)),
        ("2024-01-01~2025-06-30", date(2025, 6, 30)),
        ("2024-2025", date(2025, 12, 31)),
        ("2024年3月15日至2025年", date(2025, 12, 31)),
    ],
)
def test_days_are_read_in_every_form(text: str, expected: date | None) -> None:
    assert day(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "尽快", "2027-13-01", "2027-02-30", "2027-00-10", "0000年", "30.6.2027", "19999.5", "80000", "明年", "27-6-30",
        "20271301", "20270230", "2027年5季度", "至2027", "2027至", "2027年冬", "半年内", "2027Q5", "十年",
    ],
)  # fmt: skip
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        day(text)


@pytest.mark.parametrize("text", ["2024-01-01 至 2025-06-30", "2024.1.1 - 2025.6.30"])
def test_of_a_range_with_spaces_the_end_is_read(text: str) -> None:
    assert day(text) == date(2025, 6, 30)


def test_a_day_followed_by_other_words_is_refused() -> None:
    with pytest.raises(ValueError, match=r".*"):
        day("2027-06-30 或更晚")


def test_a_day_at_which_something_ends_is_read() -> None:
    assert day("2027-06-30截止") == date(2027, 6, 30)


@given(st.dates(date(1954, 10, 4), date(2118, 12, 31)))
def test_any_day_counted_as_spreadsheets_do_comes_back(value: date) -> None:
    assert day(str((value - date(1899, 12, 30)).days)) == value


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_any_day_in_chinese_figures_comes_back(value: date) -> None:
    year = "".join("〇一二三四五六七八九"[int(figure)] for figure in str(value.year))
    small = ["", *"一二三四五六七八九"]
    numbers = [
        f"{small[tens] if tens > 1 else ''}{'十' * (tens > 0)}{small[ones]}"
        for tens, ones in (divmod(value.month, 10), divmod(value.day, 10))
    ]
    assert day(f"{year}年{numbers[0]}月{numbers[1]}日") == value


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
        ("无", []),
        ("/", []),
        ("大豆 分选 机器视觉", ["大豆", "分选", "机器视觉"]),
        ("3D 打印", ["3D 打印"]),
        ("大豆 分选；机器视觉", ["大豆 分选", "机器视觉"]),
        ("大豆•分选\\视觉", ["大豆", "分选", "视觉"]),
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
