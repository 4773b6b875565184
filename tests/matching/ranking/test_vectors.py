"""The vector space: a case of four records worked out from the formulas, lengths of blocks, empty texts."""

from __future__ import annotations

import random
from itertools import pairwise
from math import log, sqrt
from typing import Final

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import records

from matching.fields.assignment import assign_fields
from matching.intake.reading import Reading
from matching.ranking.vectors import BLOCKS, Vectors, pair_scores, vectorize, weighted_parts
from matching.ranking.weights import Weights, load_weights
from matching.schema import FIELDS

NO_FIELDS: Final = pl.DataFrame(schema=FIELDS)

# Shares and part weights of the case that is worked out by hand.
WEIGHTS: Final = Weights(
    parts={"demands": {"title": 3, "problem": 1}, "achievements": {"title": 2, "summary": 1}},
    characters=0.75,
    words=0.25,
    text=0.8,
    field=0.2,
    terms=24,
)
DEMANDS: Final = records("demands", {"title": "光 AB", "problem": "光，ｃｄ"}, {"title": "ab"})
ACHIEVEMENTS: Final = records("achievements", {"title": "光", "summary": "cd cd"}, {"title": "ef"})


def fields(*rows: tuple[str, str, str, float]) -> pl.DataFrame:
    """A frame of `schema.FIELDS` from (record, taxonomy, code, confidence)."""
    return pl.DataFrame([(*row, "text", []) for row in rows], schema=FIELDS, orient="row")


DEMAND_FIELDS: Final = fields(("D1", "T", "S1", 0.6))
ACHIEVEMENT_FIELDS: Final = fields(("A1", "T", "S1", 0.3), ("A1", "T", "S2", 0.4), ("A2", "U", "S1", 0.5))


@pytest.fixture(scope="module")
def hand() -> Vectors:
    return vectorize(DEMANDS, ACHIEVEMENTS, DEMAND_FIELDS, ACHIEVEMENT_FIELDS, WEIGHTS)


@pytest.fixture(scope="module")
def samples(sample_demands: Reading, sample_achievements: Reading) -> Vectors:
    demands, achievements = sample_demands.frame, sample_achievements.frame
    return vectorize(
        demands,
        achievements,
        assign_fields(demands, "demand_id"),
        assign_fields(achievements, "achievement_id"),
        load_weights(),
    )


def tf(count: int) -> float:
    return 1 + log(count)


def idf(records_with_it: int) -> float:
    """Four records in all."""
    return 1 + log((1 + 4) / (1 + records_with_it))


def unit(*weights: float) -> np.ndarray:
    length = sqrt(sum(weight * weight for weight in weights))
    return np.array([weight / length if length else 0.0 for weight in weights])


def test_columns_of_the_hand_computed_case(hand: Vectors) -> None:
    assert hand.demand_ids == ("D1", "D2")
    assert hand.achievement_ids == ("A1", "A2")
    assert hand.starts == (0, 4, 7, 10)
    assert [str(name) for name in hand.names] == [
        *("ab", "cd", "ef", "光"),
        *("ab", "cd", "ef"),
        *("T:S1", "T:S2", "U:S1"),
    ]
    assert [hand.block(name) for name in BLOCKS] == [slice(0, 4), slice(4, 7), slice(7, 10)]


def test_numbers_of_the_hand_computed_case(hand: Vectors) -> None:
    # Of D1 the title counts three times and the problem once: 光 3 + 1, ab 3, cd 1. Of A1: 光 2, cd 1 + 1.
    # 光, ab and cd stand in two of the four records each, ef in one.
    share = sqrt(0.8 * 0.75)
    characters = {
        "D1": unit(tf(3) * idf(2), tf(1) * idf(2), 0, tf(4) * idf(2)),
        "D2": unit(tf(3) * idf(2), 0, 0, 0),
        "A1": unit(0, tf(2) * idf(2), 0, tf(2) * idf(2)),
        "A2": unit(0, 0, tf(2) * idf(1), 0),
    }
    words = {
        "D1": unit(tf(3) * idf(2), tf(1) * idf(1 + 1), 0),
        "D2": unit(tf(3) * idf(2), 0, 0),
        "A1": unit(0, tf(2) * idf(2), 0),
        "A2": unit(0, 0, tf(2) * idf(1)),
    }
    known = {"D1": unit(0.6, 0, 0), "D2": unit(0, 0, 0), "A1": np.array([0.6, 0.8, 0]), "A2": np.array([0, 0, 1.0])}
    expected = {
        each: np.concatenate([characters[each] * share, words[each] * sqrt(0.8 * 0.25), known[each] * sqrt(0.2)])
        for each in characters
    }
    np.testing.assert_allclose(hand.demands.toarray(), [expected["D1"], expected["D2"]], rtol=0, atol=1e-15)
    np.testing.assert_allclose(hand.achievements.toarray(), [expected["A1"], expected["A2"]], rtol=0, atol=1e-15)


def test_scores_of_the_hand_computed_case(hand: Vectors) -> None:
    # D1 and A1 share 光 and cd; every weight of the view has the factor idf(2), which cancels.
    characters = (tf(4) * tf(2) + tf(1) * tf(2)) / (sqrt(tf(3) ** 2 + tf(1) ** 2 + tf(4) ** 2) * sqrt(2 * tf(2) ** 2))
    words = tf(1) * tf(2) / (sqrt(tf(3) ** 2 + tf(1) ** 2) * tf(2))
    expected = 0.8 * 0.75 * characters + 0.8 * 0.25 * words + 0.2 * 0.6
    pairs = pl.DataFrame({"demand_id": ["D1", "D1", "D2"], "achievement_id": ["A1", "A2", "A1"]})
    np.testing.assert_allclose(pair_scores(hand, pairs), [expected, 0, 0], rtol=0, atol=1e-15)


def test_fields_of_two_taxonomies_with_one_code_are_two_columns(hand: Vectors) -> None:
    block = hand.achievements[:, hand.block("fields")].toarray()
    np.testing.assert_allclose(block, np.sqrt(0.2) * np.array([[0.6, 0.8, 0], [0, 0, 1]]), rtol=0, atol=1e-15)


def test_fields_of_records_that_are_not_ranked_are_left_out(hand: Vectors) -> None:
    more = pl.concat([DEMAND_FIELDS, fields(("D9", "T", "S9", 1.0), ("A1", "T", "S9", 1.0))])
    vectors = vectorize(DEMANDS, ACHIEVEMENTS, more, ACHIEVEMENT_FIELDS, WEIGHTS)
    assert vectors.starts == hand.starts
    assert (vectors.demands != hand.demands).nnz == 0


def squared_lengths(vectors: Vectors, block: str) -> np.ndarray:
    rows = np.vstack([vectors.demands.toarray(), vectors.achievements.toarray()])
    return (rows[:, vectors.block(block)] ** 2).sum(axis=1)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_is_as_long_as_its_share_or_empty(samples: Vectors, block: str) -> None:
    weights = load_weights()
    shares = {
        "characters": weights.text * weights.characters,
        "words": weights.text * weights.words,
        "fields": weights.field,
    }
    found = squared_lengths(samples, block)
    filled = found[found > 0]
    assert filled.size > 0
    assert block == "fields" or filled.size == found.size
    np.testing.assert_allclose(filled, shares[block], rtol=0, atol=1e-12)


def test_shares_sum_to_one() -> None:
    weights = load_weights()
    assert weights.characters + weights.words == pytest.approx(1, abs=1e-15)
    assert weights.text + weights.field == pytest.approx(1, abs=1e-15)


def test_matrices_are_float64_csr_and_names_fill_the_columns(samples: Vectors) -> None:
    for matrix in (samples.demands, samples.achievements):
        assert matrix.format == "csr"
        assert matrix.dtype == np.float64
        assert matrix.shape[1] == samples.starts[-1] == len(samples.names)
        assert np.isfinite(matrix.data).all()
    assert samples.starts[0] == 0
    assert all(start < end for start, end in pairwise(samples.starts))
    assert list(samples.demand_ids) == sorted(samples.demand_ids)
    assert list(samples.achievement_ids) == sorted(samples.achievement_ids)


def test_an_empty_text_is_an_empty_row() -> None:
    demands = records("demands", {"title": "光伏"}, {"title": ""}, {"title": "，。"})
    achievements = records("achievements", {"title": "光伏"}, {"title": ""})
    vectors = vectorize(demands, achievements, DEMAND_FIELDS, ACHIEVEMENT_FIELDS, WEIGHTS)
    text = slice(0, vectors.block("fields").start)
    assert vectors.demands[:, text].toarray().any(axis=1).tolist() == [True, False, False]
    assert vectors.achievements[:, text].toarray().any(axis=1).tolist() == [True, False]
    assert np.isfinite(vectors.demands.data).all()


def test_a_corpus_without_words_has_an_empty_block_of_words() -> None:
    vectors = vectorize(
        records("demands", {"title": "光"}),
        records("achievements", {"title": "光"}),
        DEMAND_FIELDS,
        ACHIEVEMENT_FIELDS,
        WEIGHTS,
    )
    assert vectors.block("words") == slice(1, 1)
    scores = pair_scores(vectors, pl.DataFrame({"demand_id": ["D1"], "achievement_id": ["A1"]}))
    np.testing.assert_allclose(scores, [0.8 * 0.75 + 0.2 * 0.6], rtol=0, atol=1e-15)


def test_a_corpus_without_fields_has_an_empty_block_of_fields() -> None:
    vectors = vectorize(DEMANDS, ACHIEVEMENTS, NO_FIELDS, NO_FIELDS, WEIGHTS)
    assert vectors.starts == (0, 4, 7, 7)
    assert vectors.demands.shape == (2, 7)


def test_a_corpus_without_any_term_has_fields_alone() -> None:
    vectors = vectorize(
        records("demands", {"title": "，"}),
        records("achievements", {"title": ""}),
        DEMAND_FIELDS,
        ACHIEVEMENT_FIELDS,
        WEIGHTS,
    )
    assert vectors.starts == (0, 0, 0, 2)
    scores = pair_scores(vectors, pl.DataFrame({"demand_id": ["D1"], "achievement_id": ["A1"]}))
    np.testing.assert_allclose(scores, [0.2 * 0.6], rtol=0, atol=1e-15)


def test_a_corpus_of_which_nothing_is_known_has_no_columns() -> None:
    vectors = vectorize(
        records("demands", {"title": ""}), records("achievements", {"title": ""}), NO_FIELDS, NO_FIELDS, WEIGHTS
    )
    assert vectors.demands.shape == vectors.achievements.shape == (1, 0)
    assert vectors.starts == (0, 0, 0, 0)


def test_lists_without_a_record_have_no_rows() -> None:
    vectors = vectorize(records("demands"), records("achievements"), NO_FIELDS, NO_FIELDS, WEIGHTS)
    assert vectors.demands.shape[0] == vectors.achievements.shape[0] == 0


def test_parts_of_a_record() -> None:
    frame = records("demands", {"title": "沼气", "keywords": ["脱硫", "净化"]}, {"title": "光伏"}).drop("problem")
    assert weighted_parts(frame, {"title": 4, "problem": 1, "keywords": 2}) == [
        ((4, "沼气"), (2, "脱硫\n净化")),
        ((4, "光伏"), (2, "")),
    ]


def test_keywords_do_not_run_into_each_other() -> None:
    demands = records("demands", {"title": "甲", "keywords": ["沼气", "脱硫"]})
    weights = Weights({"demands": {"keywords": 1}, "achievements": {"title": 1}}, 0.75, 0.25, 0.8, 0.2, 24)
    names = vectorize(demands, ACHIEVEMENTS, DEMAND_FIELDS, ACHIEVEMENT_FIELDS, weights).names
    assert {"沼气", "脱硫"} <= set(names)
    assert "气脱" not in set(names)


def test_scores_of_pairs_that_are_not_in_the_space_are_nought(hand: Vectors) -> None:
    pairs = pl.DataFrame(
        {"demand_id": ["D1", "D1", "D7", "D7"], "achievement_id": ["A1", "A7", "A1", "A7"]},
    )
    scores = pair_scores(hand, pairs)
    assert scores[0] > 0.3
    assert scores[1:].tolist() == [0, 0, 0]
    assert pair_scores(hand, pairs[1:]).tolist() == [0, 0, 0]
    assert pair_scores(hand, pairs.clear()).tolist() == []


def test_scores_of_pairs_are_products_of_rows(samples: Vectors, rng: random.Random) -> None:
    rows = [rng.randrange(len(samples.demand_ids)) for _ in range(200)]
    columns = [rng.randrange(len(samples.achievement_ids)) for _ in range(200)]
    pairs = pl.DataFrame(
        {
            "demand_id": [samples.demand_ids[row] for row in rows],
            "achievement_id": [samples.achievement_ids[column] for column in columns],
        }
    )
    dense = (samples.demands.toarray()[rows] * samples.achievements.toarray()[columns]).sum(axis=1)
    np.testing.assert_allclose(pair_scores(samples, pairs), dense, rtol=0, atol=1e-12)


@given(st.permutations(range(2)), st.permutations(range(5)), st.permutations(range(3)))
def test_the_order_of_rows_does_not_matter(demand_order: list[int], order: list[int], field_order: list[int]) -> None:
    achievements = records(
        "achievements", {"title": "光", "summary": "cd cd"}, {"title": "ef"}, {"title": "光伏 ab"}, {}, {"title": "光"}
    )
    expected = vectorize(DEMANDS, achievements, DEMAND_FIELDS, ACHIEVEMENT_FIELDS, WEIGHTS)
    found = vectorize(
        DEMANDS[demand_order], achievements[order], DEMAND_FIELDS, ACHIEVEMENT_FIELDS[field_order], WEIGHTS
    )
    assert (found.demand_ids, found.achievement_ids) == (expected.demand_ids, expected.achievement_ids)
    assert found.starts == expected.starts
    assert found.names.tolist() == expected.names.tolist()
    for left, right in ((found.demands, expected.demands), (found.achievements, expected.achievements)):
        for part in ("indptr", "indices", "data"):
            assert getattr(left, part).tobytes() == getattr(right, part).tobytes()
