"""BM25 against its formula in plain Python, TF-IDF against scikit-learn's own cosines."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import log
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity

from matching.ranking.analysis import WeightedParts, characters
from matching.ranking.baselines import bm25, tf_idf
from matching.ranking.features import Pairs

CLOSE: Final = 1e-9
DEMANDS: Final[list[WeightedParts]] = [((4, "沼气脱硫"), (1, "气味重")), ((4, "LED散热"),), ((4, ""), (1, ""))]
ACHIEVEMENTS: Final[list[WeightedParts]] = [
    ((4, "沼气脱硫塔"), (1, "干法脱硫")),
    ((4, "led灯"), (2, "散热")),
    ((4, ""), (1, "")),
    ((1, "脱硫"), (1, "脱硫"), (1, "脱硫")),
]


def every(demands: int, achievements: int) -> Pairs:
    rows, columns = np.indices((demands, achievements))
    return Pairs(rows.ravel(), columns.ravel())


def terms(parts: WeightedParts) -> list[str]:
    """Pairs of neighbours in runs of letters that are no Latin ones, Latin runs of two letters or more."""
    found: list[str] = []
    for _, text in parts:
        run = ""
        runs = []
        for letter in [*text.lower(), "\n"]:
            if run and letter.isalnum() and letter.isascii() == run[-1].isascii():
                run += letter
            else:
                runs.append(run)
                run = letter if letter.isalnum() else ""
        for each in runs:
            if each.isascii():
                found += [each] if len(each) > 1 else []
            else:
                found += [first + second for first, second in pairwise(each)]
    return found


def plain_bm25(demands: list[WeightedParts], achievements: list[WeightedParts]) -> list[list[float]]:
    documents = [Counter(terms(each)) for each in achievements]
    lengths = [sum(each.values()) for each in documents]
    average = sum(lengths) / len(lengths)
    count = len(documents)
    scores = []
    for demand in demands:
        row = []
        for document, length in zip(documents, lengths, strict=True):
            total = 0.0
            for term, asked in Counter(terms(demand)).items():
                holding = sum(term in each for each in documents)
                rarity = log(1 + (count - holding + 0.5) / (holding + 0.5))
                frequency = document[term]
                total += asked * rarity * frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * length / average))
            row.append(total)
        scores.append(row)
    return scores


def test_the_terms_are_pairs_of_characters_and_latin_words() -> None:
    assert terms(((4, "LED散热 A，x9"), (1, "灯"))) == ["led", "散热", "x9"]


def test_bm25_is_the_formula() -> None:
    found = bm25(DEMANDS, ACHIEVEMENTS, every(3, 4)).reshape(3, 4)
    np.testing.assert_allclose(found, plain_bm25(DEMANDS, ACHIEVEMENTS), rtol=0, atol=CLOSE)
    assert found[0, 0] > found[0, 3] > found[0, 1] == 0
    assert found[1, 1] > 0
    assert not found[2].any()


def test_bm25_by_hand() -> None:
    """One of two documents has the pair, once, and is as long as the average: ln 2 x 2.2 / 2.2."""
    found = bm25([((1, "沼气"),)], [((9, "沼气"),), ((1, "脱硫"),)], every(1, 2))
    assert found == pytest.approx([log(2), 0.0], abs=1e-12)


def test_all_parts_count_alike() -> None:
    heavier = [tuple((9, text) for _, text in parts) for parts in ACHIEVEMENTS]
    for method in (bm25, tf_idf):
        before, after = (method(DEMANDS, each, every(3, 4)) for each in (ACHIEVEMENTS, heavier))
        assert np.array_equal(before, after)


def test_tf_idf_is_scikit_learns_cosine() -> None:
    """Over characters and pairs within runs of letters: white space and punctuation are no terms."""
    plain = ["\n".join(text for _, text in parts).lower() for parts in (*DEMANDS, *ACHIEVEMENTS)]
    rows = TfidfVectorizer(analyzer=characters, sublinear_tf=True).fit_transform(plain)
    expected = cosine_similarity(rows[:3], rows[3:])
    found = tf_idf(DEMANDS, ACHIEVEMENTS, every(3, 4)).reshape(3, 4)
    np.testing.assert_allclose(found, expected, rtol=0, atol=CLOSE)


def test_scores_come_in_the_order_of_the_pairs() -> None:
    pairs = Pairs(np.array([1, 0, 0, 1]), np.array([1, 3, 0, 1]))
    for method in (bm25, tf_idf):
        table = method(DEMANDS, ACHIEVEMENTS, every(3, 4)).reshape(3, 4)
        assert method(DEMANDS, ACHIEVEMENTS, pairs) == pytest.approx(
            [table[1, 1], table[0, 3], table[0, 0], table[1, 1]], abs=1e-12
        )
        assert method(DEMANDS, ACHIEVEMENTS, pairs.of(slice(0, 0))).tolist() == []


def test_a_text_is_most_like_itself() -> None:
    texts: list[WeightedParts] = [((1, "沼气脱硫"),), ((1, "锂电池负极"),), ((1, "水稻插秧"),)]
    found = tf_idf(texts, texts, every(3, 3)).reshape(3, 3)
    assert np.diag(found) == pytest.approx([1, 1, 1], abs=1e-12)
    assert bm25(texts, texts, every(3, 3)).reshape(3, 3).argmax(axis=1).tolist() == [0, 1, 2]


def test_texts_without_a_single_pair_score_nought() -> None:
    """A title may be one character long, or none."""
    for text in ("锂", ""):
        one: list[WeightedParts] = [((1, text),)]
        assert bm25(one, one, every(1, 1)).tolist() == [0.0]


def test_tf_idf_of_empty_texts_is_nought() -> None:
    nothing: list[WeightedParts] = [((1, ""),)]
    assert tf_idf(nothing, nothing, every(1, 1)).tolist() == [0.0]


RECORDS = st.lists(st.tuples(st.text("沼气脱硫塔锂ab1 ，", max_size=12)), min_size=1, max_size=5)


@given(RECORDS, RECORDS)
def test_random_texts_by_the_formula(first: list[tuple[str]], second: list[tuple[str]]) -> None:
    demands: list[WeightedParts] = [((1, text),) for (text,) in first]
    achievements: list[WeightedParts] = [((1, "锂电池"),), *(((1, text),) for (text,) in second)]
    found = bm25(demands, achievements, every(len(demands), len(achievements)))
    expected = np.array(plain_bm25(demands, achievements)).ravel()
    np.testing.assert_allclose(found, expected, rtol=0, atol=CLOSE)
