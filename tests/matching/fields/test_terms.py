"""Terms in texts, compared after normalisation."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.fields.terms import closed_up, normalised, normalised_texts, terms_in

# Assigned characters: what Unicode adds later, one library knows before the other.
ASSIGNED = st.characters(exclude_categories=("Cs", "Cn"))


def found(text: str, *terms: str) -> list[str]:
    return terms_in(pl.Series([normalised(text)]), list(terms)).to_list()[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("１２０ＫＷ", "120kw"),
        ("CFRP", "cfrp"),
        ("㎡", "m2"),
        ("碳纤维（ＣＦＲＰ）", "碳纤维(cfrp)"),
        ("Straße", "straße"),
        ("ﬁne", "fine"),
        ("", ""),
    ],
)
def test_width_case_and_compatible_forms_are_made_one(text: str, expected: str) -> None:
    assert normalised(text) == expected


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


@given(st.text())
def test_case_and_width_make_no_difference(text: str) -> None:
    ascii_only = "".join(character for character in text if "!" <= character <= "~")
    wide = ascii_only.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
    assert normalised(wide) == normalised(ascii_only) == normalised(ascii_only.upper())


@given(st.lists(st.text(ASSIGNED), max_size=8))
def test_a_column_is_normalised_text_by_text(texts: list[str]) -> None:
    column = normalised_texts(pl.Series(texts, dtype=pl.String()))
    assert column.to_list() == [normalised(text) for text in texts]


@given(
    st.lists(st.sampled_from(["ΣΑΣ", "İI", "ﬁｱ㎡", "Ǆ", "１２０ＫＷ", "ẞ", " \u3000", "①"]), max_size=6).map("".join)
)
def test_a_column_is_normalised_as_a_text_is_where_characters_change_length(text: str) -> None:
    assert normalised_texts(pl.Series([text])).to_list() == [normalised(text)]


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("碳 纤 维", "碳纤维"),
        ("machine vision system", "machine vision system"),
        ("3d 打印", "3d打印"),
        ("打印 3d  print", "打印3d  print"),
        ("碳\n纤\t维", "碳纤维"),
        (" 碳纤维 ", "碳纤维"),
        ("cad / cam", "cad / cam"),
        ("", ""),
        # A Latin letter with an accent is no Chinese character.
        ("poincaré map", "poincaré map"),
    ],
)
def test_white_space_stays_between_latin_words_only(text: str, closed: str) -> None:
    assert closed_up(pl.Series([text])).to_list() == [closed]


@given(st.lists(st.text("光纤，ab1- \t\n", max_size=12), max_size=5))
def test_white_space_goes_where_a_chinese_character_is_beside_it(texts: list[str]) -> None:
    def expected(text: str) -> str:
        pieces = re.split(r"(\s+)", text)
        return "".join(
            piece
            for place, piece in enumerate(pieces)
            if place % 2 == 0 or (pieces[place - 1][-1:] + pieces[place + 1][:1]).isascii()
        )

    closed = closed_up(pl.Series(texts, dtype=pl.String()))
    assert closed.to_list() == [expected(text) for text in texts]
    assert closed_up(closed).to_list() == closed.to_list()


@pytest.mark.parametrize(
    ("text", "term", "stands"),
    [
        ("controlled", "led", False),
        ("leds", "led", False),
        ("led灯", "led", True),
        ("高亮led", "led", True),
        ("LED", "led", True),
        ("ＬＥＤ照明", "led", True),
        ("oled 与 led", "led", True),
        ("15g网络", "5g", False),
        ("5g网络", "5g", True),
        ("用量3.5g", "5g", False),
        ("cad/cam 软件", "cad/cam", True),
        ("pm2.5监测", "pm2.5", True),
        ("3d打印", "3d打印", True),
        ("13d打印", "3d打印", False),
        ("手机app开发", "手机app", True),
        ("手机apple", "手机app", False),
        ("pet-ct", "pet-ct", True),
        ("machine vision system", "machine vision", True),
        ("machine visionary", "machine vision", False),
    ],
)
def test_latin_words_and_numbers_count_only_as_wholes(text: str, term: str, stands: bool) -> None:
    assert found(text, term) == ([term] if stands else [])


def test_the_longest_term_wins_whatever_the_order_of_the_list() -> None:
    for terms in (["碳", "碳纤维", "纤维", "碳纤维复合材料"], ["碳纤维复合材料", "纤维", "碳纤维", "碳"]):
        assert found("碳纤维复合材料与碳纤维布", *terms) == ["碳纤维复合材料", "碳纤维"]


def test_terms_come_from_the_left_as_often_as_they_stand() -> None:
    assert found("轴承、光纤、轴承", "光纤", "轴承") == ["轴承", "光纤", "轴承"]


def test_a_term_inside_a_longer_one_counts_where_it_stands_alone() -> None:
    assert found("锂电池组里的电池", "电池", "锂电池") == ["锂电池", "电池"]


def test_every_text_has_its_own_list() -> None:
    texts = pl.Series(["光纤", "", "轴承光纤", "什么也没有"])
    assert terms_in(texts, ["光纤", "轴承"]).to_list() == [["光纤"], [], ["轴承", "光纤"], []]


def test_no_terms_find_nothing() -> None:
    assert found("光纤") == []


def test_characters_that_mean_something_in_patterns_are_plain_here() -> None:
    assert found("a+b (c) .* [d]", ".*", "(c)") == ["(c)", ".*"]


@given(st.lists(st.text("光纤轴承ab1", min_size=1, max_size=3), min_size=1, max_size=5, unique=True))
def test_what_is_found_stands_in_the_text(terms: list[str]) -> None:
    text = "光纤轴承 ab1 a1 轴 b光"
    for term in found(text, *terms):
        assert term in terms
        assert term in text
