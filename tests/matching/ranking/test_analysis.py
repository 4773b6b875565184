"""What counts as a term, pinned text by text, and what a part's weight does."""

from __future__ import annotations

from collections import Counter
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.fields.terms import normalised
from matching.ranking.analysis import VIEWS, characters, weighted_terms, words

# Text as written, its terms in the view of characters, its terms in the view of words.
PINNED: Final = [
    ("", "", ""),
    (" ，。", "", ""),
    ("碳", "碳", ""),
    ("沼气脱硫塔", "沼 气 脱 硫 塔 沼气 气脱 脱硫 硫塔", "沼气 脱硫"),
    ("碳纤维CFRP板,120kW", "碳 纤 维 碳纤 纤维 cfrp 板 120kw", "碳纤维 cfrp 120kw"),
    ("GG-8598型挖掘机", "gg 8598 型 挖 掘 机 型挖 挖掘 掘机", "gg 8598 挖掘机"),
    ("ＧＧ－８５９８", "gg 8598", "gg 8598"),
    ("WiFi6与5G通信", "wifi6 与 5g 通 信 通信", "wifi6 5g 通信"),
    ("pH值≥7.5", "ph 值 7 5", "ph"),
    ("杜邦线_测试", "杜 邦 线 杜邦 邦线 测 试 测试", "杜邦 测试"),
    ("α-淀粉酶", "α 淀 粉 酶 淀粉 粉酶", "淀粉酶"),
    ("café", "caf é", "caf"),
    ("𠮷野家", "𠮷 野 家 𠮷野 野家", ""),
]


@pytest.mark.parametrize(("text", "expected", "_"), PINNED)
def test_characters(text: str, expected: str, _: str) -> None:
    assert characters(normalised(text)) == expected.split()


@pytest.mark.parametrize(("text", "_", "expected"), PINNED)
def test_words(text: str, _: str, expected: str) -> None:
    assert words(normalised(text)) == expected.split()


def test_no_words_are_guessed() -> None:
    """With its hidden Markov model on, the segmenter makes a name of 李小福 and a word of 创新办."""
    assert words("李小福是创新办主任") == ["创新", "主任"]


def test_a_run_ends_where_the_script_changes() -> None:
    """No pair joins a Chinese character with a Latin letter, nor characters on both sides of a mark."""
    assert characters("硅a碳，负") == ["硅", "a", "碳", "负"]


def test_each_occurrence_counts() -> None:
    assert Counter(characters("光光光")) == {"光": 3, "光光": 2}
    assert Counter(words("沼气沼气")) == {"沼气": 2}


@pytest.mark.parametrize("view", VIEWS)
def test_part_weights_multiply_counts(view: str) -> None:
    record = ((4, "沼气脱硫 GG-8598"), (2, "脱硫"), (1, "沼气，沼气"))
    counted = Counter(weighted_terms(record, view))
    assert counted["脱硫"] == 4 + 2
    assert counted["沼气"] == 4 + 2 * 1
    assert counted["gg"] == counted["8598"] == 4


def test_a_part_of_weight_nought_and_an_empty_part_say_nothing() -> None:
    assert weighted_terms(((0, "沼气"), (3, ""), (1, "脱硫")), "words") == ["脱硫"]


def test_parts_are_normalised() -> None:
    assert weighted_terms(((1, "ＣＦＲＰ"),), "characters") == weighted_terms(((1, "cfrp"),), "characters") == ["cfrp"]


@pytest.mark.parametrize("view", VIEWS)
def test_parts_are_analysed_one_by_one(view: str) -> None:
    """The end of one part and the beginning of the next make no term together."""
    assert "气脱" not in weighted_terms(((1, "沼气"), (1, "脱硫")), view)
    assert sorted(weighted_terms(((1, "沼气"), (1, "脱硫")), view)) == sorted(
        VIEWS[view]("沼气") + VIEWS[view]("脱硫"),
    )


@given(st.text(alphabet="碳纤维复合材料AbＣ７9-_ ，é\u0301㎏"))
def test_every_term_stands_in_the_text(text: str) -> None:
    plain = normalised(text)
    assert all(term in plain for view in VIEWS.values() for term in view(plain))
    assert all(len(term) > 1 for term in words(plain))


@given(st.text(alphabet="碳纤维a7 ，", max_size=12), st.integers(0, 4))
def test_terms_of_a_part_are_repeated_by_its_weight(text: str, weight: int) -> None:
    for view, terms in VIEWS.items():
        assert weighted_terms(((weight, text),), view) == terms(normalised(text)) * weight
