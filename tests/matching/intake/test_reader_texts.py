"""Separated texts: their encoding, their separator, their rows."""

from __future__ import annotations

import csv
from dataclasses import replace
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake_books import LIMITS, sheets_read

from matching.intake.reader.answer import Unreadable
from matching.intake.reader.texts import decoded, read_text, separator

TEXT = "需求名称,备注\r\n寒地大豆,“好”\r\n"


def refusal(content: bytes) -> str:
    with pytest.raises(Unreadable) as refused:
        read_text(content, LIMITS)
    return refused.value.key


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "gb2312", "utf-16", "utf-16-le", "utf-16-be"]
)
def test_texts_are_decoded(encoding: str) -> None:
    assert decoded(TEXT.encode(encoding)) == TEXT


def test_utf_16_with_its_mark_is_decoded_in_either_order() -> None:
    assert decoded(b"\xff\xfe" + TEXT.encode("utf-16-le")) == TEXT
    assert decoded(b"\xfe\xff" + TEXT.encode("utf-16-be")) == TEXT


@given(st.text("需求名称㐀𠮷é€，。\n,ab1", min_size=1))
def test_any_text_in_utf_8_is_decoded(text: str) -> None:
    assert decoded(text.encode()) == text
    assert decoded(b"\xef\xbb\xbf" + text.encode()) == text


@given(st.text("需求名称㐀𠮷é€，。\n,ab1", min_size=1))
def test_any_text_in_marked_utf_16_is_decoded(text: str) -> None:
    assert decoded(b"\xff\xfe" + text.encode("utf-16-le")) == text
    assert decoded(b"\xfe\xff" + text.encode("utf-16-be")) == text


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xff\xff",
        TEXT.encode() + b"\xff",
        b"a,b\x00\n1,2\n",
        b"\x00\x00\x00\x00abc",
        b"\xff\xfe\x00",
        b"\xff\xfe" + TEXT.encode("utf-16-le") + b"\x00\x00",
        b"\xff\xfe\x00\xd8",
    ],
)
def test_what_is_in_no_encoding_is_refused(content: bytes) -> None:
    assert refusal(content) == "file.unknown_encoding"


@pytest.mark.parametrize("content", [b"", b" \r\n\t", b"\xef\xbb\xbf", b"\xff\xfe", "　\n".encode()])
def test_what_says_nothing_is_empty(content: bytes) -> None:
    assert refusal(content) == "file.empty"


@pytest.mark.parametrize("text", ['名称\n"没有收尾\n', '名称\n"甲"乙\n'])
def test_quotes_that_do_not_fit_are_refused(text: str) -> None:
    assert refusal(text.encode()) == "file.broken_csv"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("名称,关键词\n甲,a;b\n乙,c;d\n", ","),
        ("名称;金额\n甲;1,5\n乙;2,5\n丙;3\n", ";"),
        ("名称\t说明\n甲\ta,b;c\n", "\t"),
        ("技术需求表\n填表人：张三\n名称,预算,城市\n甲,5,x\n乙,6,y\n", ","),
        ('名称,说明\n甲,"a\tb\tc"\n', ","),
        ("名称\n甲\n乙\n", ","),
        ("", ","),
        ("名称，说明,预算\n甲，乙,5\n", ","),
    ],
)
def test_the_separator_gives_most_rows_the_same_number_of_cells(text: str, expected: str) -> None:
    assert separator(text) == expected


def test_lines_within_a_cell_are_no_rows() -> None:
    assert separator('需求名称,主要问题\n甲,"一;二\n三;四\n五;六"\n') == ","


@given(
    st.lists(st.lists(st.text("甲乙 \"'\n,;\ta", max_size=6), min_size=4, max_size=4), min_size=21, max_size=25),
    st.sampled_from(",\t;"),
)
def test_long_tables_are_split_as_they_were_joined(rows: list[list[str]], between: str) -> None:
    target = StringIO(newline="")
    csv.writer(target, delimiter=between).writerows(["一", *row, "二", "三", "四"] for row in rows)
    [sheet] = sheets_read(target.getvalue().encode(), "text")
    found = [[texts.get(f"c{place}", "") or "" for place in range(8)] for texts in sheet.cells.to_dicts()]
    assert found == [["一", *(text.strip() for text in row), "二", "三", "四"] for row in rows]


def test_rows_are_numbered_as_a_spreadsheet_does_and_blank_ones_left_out() -> None:
    [sheet] = sheets_read('\n名称,说明\n\n,\n甲,"一\n\n二"\n乙,\n'.encode(), "text")
    assert sheet.name == ""
    assert sheet.cells.rows() == [(2, "名称", "说明"), (5, "甲", "一\n\n二"), (6, "乙", "")]


def test_characters_beyond_the_limit_are_refused() -> None:
    content = ("甲," + "长" * 50 + "\n").encode() * 3
    assert len(read_text(content, replace(LIMITS, characters=153))[0].columns.numbers) == 3
    with pytest.raises(Unreadable) as refused:
        read_text(content, replace(LIMITS, characters=152))
    assert (refused.value.key, refused.value.values) == ("file.too_much_text", {"characters": 152})
