"""N-grams of columns of texts, counted as scikit-learn counts them."""

from __future__ import annotations

import random

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from matching.fields import grams
from matching.fields.grams import CLOSE, LONGEST, OPEN, Vocabulary, count_grams, marked, prepared
from matching.fields.terms import normalised

CHARACTERS = "光纤轴承碳abAB19１ｂ.,，。（-㎡é𠀀😀 \t\n\u3000"
TEXTS = st.text(CHARACTERS, max_size=12)


@st.composite
def parts_and_grams(draw: st.DrawFn) -> tuple[list[tuple[float, list[str]]], list[str]]:
    """Weighted parts of as many texts each, and n-grams of which most stand in them."""
    rows = draw(st.integers(1, 7))
    column = st.lists(TEXTS, min_size=rows, max_size=rows)
    parts = draw(st.lists(st.tuples(st.sampled_from([0.5, 1.0, 3.0]), column), min_size=1, max_size=3))
    standing = {
        text[start : start + length]
        for _, texts in parts
        for text in prepared(pl.Series(texts))
        for length in range(1, LONGEST + 1)
        for start in range(len(text) - length + 1)
    }
    chosen = draw(st.lists(st.sampled_from(sorted(standing)), unique=True)) if standing else []
    others = draw(st.lists(st.text("光纤a1𠀀" + OPEN + CLOSE, min_size=1, max_size=3), min_size=1, max_size=5))
    return parts, draw(st.permutations(sorted({*chosen, *others})))


def by_scikit_learn(parts: list[tuple[float, list[str]]], vocabulary: list[str]) -> np.ndarray:
    counter = CountVectorizer(analyzer="char", ngram_range=(1, LONGEST), lowercase=False, vocabulary=vocabulary)
    return sum(weight * counter.transform(prepared(pl.Series(texts)).to_list()).toarray() for weight, texts in parts)


def counted(parts: list[tuple[float, list[str]]], vocabulary: list[str]) -> np.ndarray:
    columns = [(weight, prepared(pl.Series(texts, dtype=pl.String()))) for weight, texts in parts]
    return count_grams(columns, Vocabulary(tuple(vocabulary))).toarray()


def one(text: str, *vocabulary: str) -> list[float]:
    return counted([(1.0, [text])], list(vocabulary))[0].tolist()


@given(parts_and_grams())
def test_counts_are_those_of_scikit_learn(case: tuple[list[tuple[float, list[str]]], list[str]]) -> None:
    parts, vocabulary = case
    assert np.array_equal(counted(parts, vocabulary), by_scikit_learn(parts, vocabulary))


@given(parts_and_grams(), st.integers(1, 3))
def test_batches_make_no_difference(case: tuple[list[tuple[float, list[str]]], list[str]], size: int) -> None:
    parts, vocabulary = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grams, "_BATCH", size)
        assert np.array_equal(counted(parts, vocabulary), by_scikit_learn(parts, vocabulary))


def test_a_long_column_is_counted_as_scikit_learn_counts_it(rng: random.Random) -> None:
    texts = ["".join(rng.choices(CHARACTERS, k=rng.randrange(12))) for _ in range(grams._BATCH + 17)]
    counter = CountVectorizer(analyzer="char", ngram_range=(1, LONGEST), lowercase=False, min_df=15)
    expected = counter.fit_transform(prepared(pl.Series(texts)).to_list())
    found = count_grams([(1.0, prepared(pl.Series(texts)))], Vocabulary(tuple(counter.get_feature_names_out())))
    assert expected.shape[1] > 100
    assert found.shape == expected.shape
    assert (found != expected).nnz == 0


def test_an_n_gram_counts_as_often_as_it_stands() -> None:
    assert one("光纤光纤光", "光", "纤", "光纤", "纤光", "光纤光", "轴") == [3, 2, 2, 2, 2, 0]


def test_the_weight_of_a_part_multiplies_its_counts() -> None:
    parts = [(10.0, ["光纤", "轴"]), (0.5, ["光光", ""])]
    assert counted(parts, ["光", "光纤", "轴"]).tolist() == [[11.0, 10.0, 0.0], [0.0, 0.0, 10.0]]


def test_n_grams_never_cross_from_one_text_into_the_next() -> None:
    vocabulary = ["纤轴", "光纤轴", "纤轴承", CLOSE + OPEN, "纤" + CLOSE + OPEN, CLOSE + OPEN + "轴", "光纤"]
    assert counted([(1.0, ["光纤", "轴承"])], vocabulary).tolist() == [[0, 0, 0, 0, 0, 0, 1], [0] * 7]
    assert counted([(1.0, ["光纤"]), (1.0, ["轴承"])], vocabulary).tolist() == [[0, 0, 0, 0, 0, 0, 1]]


def test_both_ends_of_a_text_are_features() -> None:
    vocabulary = [OPEN, CLOSE, OPEN + "光", "纤" + CLOSE, OPEN + "光纤", OPEN + "纤"]
    assert one("光纤", *vocabulary) == [1, 1, 1, 1, 1, 0]
    assert one("", *vocabulary) == [0] * 6


def test_white_space_does_not_part_characters() -> None:
    assert one("光 \u3000纤\n轴", "光纤", "纤轴", "光纤轴") == [1, 1, 1]


def test_astral_characters_are_characters() -> None:
    assert one("𠀀光😀", "𠀀", "𠀀光", "光😀", "𠀀光😀") == [1, 1, 1, 1]


@pytest.mark.parametrize("vocabulary", [["光"], ["光纤"], ["光纤光"], ["光", "光纤光"], ["光纤", "光纤光"]])
def test_a_vocabulary_may_lack_any_length(vocabulary: list[str]) -> None:
    assert one("光纤光", *vocabulary) == by_scikit_learn([(1.0, ["光纤光"])], vocabulary)[0].tolist()


@pytest.mark.parametrize(
    ("texts", "vocabulary", "shape"),
    [([], ["光"], (0, 1)), ([], [], (0, 0)), (["光"], [], (1, 0)), (["", ""], ["光", "光纤", "光纤光"], (2, 3))],
)
def test_nothing_counts_nothing(texts: list[str], vocabulary: list[str], shape: tuple[int, int]) -> None:
    found = counted([(1.0, texts)], vocabulary)
    assert found.shape == shape
    assert not found.any()
    assert found.dtype == np.float32


def test_no_parts_are_no_records() -> None:
    assert count_grams([], Vocabulary(("光", "光纤"))).shape == (0, 2)


@given(st.lists(TEXTS, max_size=5))
def test_texts_are_prepared_one_by_one(texts: list[str]) -> None:
    plain = ["".join(normalised(text).split()) for text in texts]
    assert prepared(pl.Series(texts, dtype=pl.String())).to_list() == [t and OPEN + t + CLOSE for t in plain]


def test_an_absent_text_is_empty() -> None:
    assert prepared(pl.Series([None, "光"])).to_list() == ["", f"{OPEN}光{CLOSE}"]
    assert marked(pl.Series(["", " "])).to_list() == ["", ""]
