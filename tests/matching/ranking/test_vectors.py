"""The vector space: small cases worked out from the formulas, lengths of blocks, empty texts."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
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
from matching.fields.lexicon import Group, Lexicon
from matching.intake.reading import Reading
from matching.ranking.candidates import candidates
from matching.ranking.explanation import Explanation, explain_pair
from matching.ranking.features import products
from matching.ranking.levels import LevelModel
from matching.ranking.scoring import places_of
from matching.ranking.vectors import BLOCKS, Vectors, vectorize, weighted_parts
from matching.ranking.weights import Likeness, Weights, load_weights
from matching.schema import FIELDS, JUDGEMENTS

# Rows are of float32, which keeps 24 bits: a value is off by 6e-8 of itself, a sum of products by a few times that.
CLOSE: Final = {"rtol": 1e-6, "atol": 0}

NO_FIELDS: Final = pl.DataFrame(schema=FIELDS)

# Shares and part weights of the case that is worked out by hand.
WEIGHTS: Final = Weights(
    parts={"demands": {"title": 3, "problem": 1}, "achievements": {"title": 2, "summary": 1}},
    characters=0.6,
    words=0.25,
    concepts=0.15,
    text=0.8,
    field=0.2,
    taxonomies={"U": 3.0},
    retrieved=10,
    strength=1.0,
    likeness=Likeness(near=0.5, demand=0.2, achievement=1.0, features=0.5, noise=1.0),
    terms=24,
    reasons=5,
)
MODEL: Final = LevelModel("by hand", ("characters",), (0.5,), (0.25,), ((1.0,), (1.5,), (2.0,)), (0.5, -0.5, -1.5))
DEMANDS: Final = records("demands", {"title": "光 AB", "problem": "光，ｃｄ"}, {"title": "ab"})
ACHIEVEMENTS: Final = records("achievements", {"title": "光", "summary": "cd cd"}, {"title": "ef"})


def fields(*rows: tuple[str, str, str, float]) -> pl.DataFrame:
    """A frame of `schema.FIELDS` from (record, taxonomy, code, confidence)."""
    return pl.DataFrame([(*row, "text", []) for row in rows], schema=FIELDS, orient="row")


DEMAND_FIELDS: Final = fields(("D1", "T", "S1", 0.6))
ACHIEVEMENT_FIELDS: Final = fields(("A1", "T", "S1", 0.3), ("A1", "T", "S2", 0.4), ("A2", "U", "S1", 0.5))


def similarities(vectors: Vectors, pairs: pl.DataFrame) -> np.ndarray:
    """Dot product of each pair, 0 where a side is not in the space."""
    found, known = places_of(vectors, pairs)
    scores = np.zeros(pairs.height)
    scores[known] = products(vectors.demands, vectors.achievements, found)
    return scores


def explained(
    vectors: Vectors, demands: pl.DataFrame, achievements: pl.DataFrame, demand_id: str, achievement_id: str
) -> Explanation:
    judgements = pl.DataFrame(schema=JUDGEMENTS)
    scored = candidates(vectors, demands, achievements, judgements, WEIGHTS, MODEL, 3).scored
    return explain_pair(vectors, scored, MODEL, WEIGHTS, demand_id, achievement_id)


@pytest.fixture(scope="module")
def hand() -> Vectors:
    return vectorize(DEMANDS, ACHIEVEMENTS, DEMAND_FIELDS, ACHIEVEMENT_FIELDS, WEIGHTS)


LEXICON: Final = Lexicon(
    (
        Group("石墨烯", "material", ("石墨烯", "graphene"), ("碳材料",), "S3", 2),
        Group("碳纳米管", "material", ("碳纳米管", "carbon nanotube"), ("碳材料",), "S3", 3),
        Group("碳材料", "material", ("碳材料", "carbon material"), (), "S3", 4),
    ),
    frozenset(),
    0.4,
)


@pytest.fixture
def small_lexicon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Concepts are those of `LEXICON` alone."""
    monkeypatch.setattr("matching.ranking.vectors.load_lexicon", lambda: LEXICON)


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
    assert hand.starts == (0, 4, 7, 7, 10)
    assert [str(name) for name in hand.names] == [
        *("ab", "cd", "ef", "光"),
        *("ab", "cd", "ef"),
        *("T:S1", "T:S2", "U:S1"),
    ]
    assert [hand.block(name) for name in BLOCKS] == [slice(0, 4), slice(4, 7), slice(7, 7), slice(7, 10)]


def test_numbers_of_the_hand_computed_case(hand: Vectors) -> None:
    # Of D1 the title counts three times and the problem once: 光 3 + 1, ab 3, cd 1. Of A1: 光 2, cd 1 + 1.
    # 光, ab and cd stand in two of the four records each, ef in one.
    # Of the two taxonomies T counts 1, U 3: shares 1/4 and 3/4. Each field of A1 stands in one of two records, so how
    # common it is halves its confidence: 0.3² / 0.15 to 0.4² / 0.2 is 3 to 4.
    share = sqrt(0.8 * 0.6)
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
    known = {
        "D1": np.array([sqrt(1 / 4), 0, 0]),
        "D2": np.array([0, 0, 0]),
        "A1": sqrt(1 / 4) * np.array([sqrt(3 / 7), sqrt(4 / 7), 0]),
        "A2": np.array([0, 0, sqrt(3 / 4)]),
    }
    expected = {
        each: np.concatenate([characters[each] * share, words[each] * sqrt(0.8 * 0.25), known[each] * sqrt(0.2)])
        for each in characters
    }
    np.testing.assert_allclose(hand.demands.toarray(), [expected["D1"], expected["D2"]], **CLOSE)
    np.testing.assert_allclose(hand.achievements.toarray(), [expected["A1"], expected["A2"]], **CLOSE)


def test_scores_of_the_hand_computed_case(hand: Vectors) -> None:
    # D1 and A1 share 光 and cd; every weight of the view has the factor idf(2), which cancels.
    characters = (tf(4) * tf(2) + tf(1) * tf(2)) / (sqrt(tf(3) ** 2 + tf(1) ** 2 + tf(4) ** 2) * sqrt(2 * tf(2) ** 2))
    words = tf(1) * tf(2) / (sqrt(tf(3) ** 2 + tf(1) ** 2) * tf(2))
    expected = 0.8 * 0.6 * characters + 0.8 * 0.25 * words + 0.2 * sqrt(3 / 7) / 4
    pairs = pl.DataFrame({"demand_id": ["D1", "D1", "D2"], "achievement_id": ["A1", "A2", "A1"]})
    np.testing.assert_allclose(similarities(hand, pairs), [expected, 0, 0], **CLOSE)


def test_titles_of_the_hand_computed_case(hand: Vectors) -> None:
    """A title alone counts once, and each view has length 1 whatever its share. 光 is no word."""
    half = sqrt(1 / 2)
    demands = [[half, 0, 0, half, 1, 0, 0], [1, 0, 0, 0, 1, 0, 0]]
    achievements = [[0, 0, 0, 1, 0, 0, 0], [0, 0, 1, 0, 0, 0, 1]]
    np.testing.assert_allclose(hand.demand_titles.toarray(), demands, **CLOSE)
    np.testing.assert_allclose(hand.achievement_titles.toarray(), achievements, **CLOSE)


def test_terms_of_a_title_weigh_by_how_often_they_stand_there_and_how_rare_they_are() -> None:
    """Of D1's title 光 stands twice and in two of the four records, ab once and in one; its problem says nothing.

    The part's weight of 3 has no say: 1 + ln 2, not 1 + ln 6.
    """
    demands = records("demands", {"title": "光，光，AB", "problem": "cd"}, {"title": "cd"})
    vectors = vectorize(demands, records("achievements", {"title": "光"}, {"title": ""}), NO_FIELDS, NO_FIELDS, WEIGHTS)
    assert [str(name) for name in vectors.names] == ["ab", "cd", "光", "ab", "cd"]
    title = unit(tf(1) * idf(1), 0, tf(2) * idf(2))
    np.testing.assert_allclose(vectors.demand_titles.toarray(), [[*title, 1, 0], [0, 1, 0, 0, 1]], **CLOSE)
    np.testing.assert_allclose(vectors.achievement_titles.toarray(), [[0, 0, 1, 0, 0], [0] * 5], **CLOSE)


def test_a_title_that_is_no_part_has_only_terms_that_the_parts_have() -> None:
    """光 is in no column where only problem and summary count."""
    weights = replace(WEIGHTS, parts={"demands": {"problem": 1}, "achievements": {"summary": 1}})
    demands = records("demands", {"title": "光 AB", "problem": "ab"})
    vectors = vectorize(demands, ACHIEVEMENTS, NO_FIELDS, NO_FIELDS, weights)
    assert [str(name) for name in vectors.names] == ["ab", "cd", "ab", "cd"]
    np.testing.assert_allclose(vectors.demand_titles.toarray(), [[1, 0, 1, 0]], **CLOSE)
    assert vectors.achievement_titles.nnz == 0


def test_rarity_of_the_hand_computed_case(hand: Vectors) -> None:
    """ln((1 + 4) / (1 + records with it)): ef alone stands in one of four, the others in two; fields have none."""
    twice, once = log(5 / 3), log(5 / 2)
    expected = [twice, twice, once, twice, twice, twice, once, 0, 0, 0]
    np.testing.assert_allclose(hand.rarity, expected, rtol=0, atol=1e-15)


def test_a_term_of_every_record_has_no_rarity() -> None:
    same = {"title": "光"}
    vectors = vectorize(records("demands", same), records("achievements", same), NO_FIELDS, NO_FIELDS, WEIGHTS)
    assert vectors.rarity.tolist() == [0]


def test_shares_of_the_hand_computed_case(hand: Vectors) -> None:
    assert hand.shares == pytest.approx((0.8 * 0.6, 0.8 * 0.25, 0.8 * 0.15, 0.2), abs=1e-15)
    assert sum(hand.shares) == pytest.approx(1, abs=1e-15)


def test_fields_of_two_taxonomies_with_one_code_are_two_columns(hand: Vectors) -> None:
    block = hand.achievements[:, hand.block("fields")].toarray()
    expected = [[sqrt(3 / 28), sqrt(4 / 28), 0], [0, 0, sqrt(3 / 4)]]
    np.testing.assert_allclose(block, sqrt(0.2) * np.array(expected), **CLOSE)


def test_fields_of_records_that_are_not_ranked_are_left_out(hand: Vectors) -> None:
    """Neither their columns nor how common they are nor a taxonomy that they alone have."""
    others = fields(("D9", "T", "S9", 1.0), ("A1", "T", "S9", 1.0), ("D9", "T", "S1", 1.0), ("D9", "V", "S1", 1.0))
    more = pl.concat([DEMAND_FIELDS, others])
    vectors = vectorize(DEMANDS, ACHIEVEMENTS, more, ACHIEVEMENT_FIELDS, WEIGHTS)
    assert vectors.starts == hand.starts
    assert (vectors.demands != hand.demands).nnz == 0
    assert vectors.rarity.tolist() == hand.rarity.tolist()


def squared_lengths(vectors: Vectors, block: str) -> np.ndarray:
    rows = np.vstack([vectors.demands.toarray(), vectors.achievements.toarray()])
    return (rows[:, vectors.block(block)] ** 2).sum(axis=1)


@pytest.mark.parametrize("block", ["characters", "words"])
def test_titles_have_length_1_in_each_view(
    samples: Vectors, sample_demands: Reading, sample_achievements: Reading, block: str
) -> None:
    for titles, whole, frame in (
        (samples.demand_titles, samples.demands, sample_demands.frame),
        (samples.achievement_titles, samples.achievements, sample_achievements.frame),
    ):
        assert titles.shape == (frame.height, samples.block("words").stop)
        columns = titles[:, samples.block(block)]
        np.testing.assert_allclose(columns.multiply(columns).sum(axis=1), 1, **CLOSE)
        # A title has no term that the whole record lacks.
        assert ((columns > 0) > (whole[:, samples.block(block)] > 0)).nnz == 0


def test_rarity_is_that_of_the_whole_texts(samples: Vectors) -> None:
    rows = np.vstack([samples.demands.toarray(), samples.achievements.toarray()])
    text = slice(0, samples.block("fields").start)
    frequency = (rows[:, text] > 0).sum(axis=0)
    np.testing.assert_allclose(samples.rarity[text], np.log((1 + len(rows)) / (1 + frequency)), rtol=0, atol=1e-12)
    assert not samples.rarity[samples.block("fields")].any()
    assert samples.rarity.shape == samples.names.shape


@pytest.mark.parametrize("block", ["characters", "words", "concepts"])
def test_a_block_of_text_is_as_long_as_its_share_or_empty(samples: Vectors, block: str) -> None:
    weights = load_weights()
    shares = {
        "characters": weights.text * weights.characters,
        "words": weights.text * weights.words,
        "concepts": weights.text * weights.concepts,
    }
    assert samples.shares[BLOCKS.index(block)] == shares[block]
    found = squared_lengths(samples, block)
    filled = found[found > 0]
    assert filled.size > 0
    assert block == "concepts" or filled.size == found.size
    np.testing.assert_allclose(filled, shares[block], **CLOSE)


def test_the_block_of_fields_is_as_long_as_the_shares_of_the_record_s_taxonomies(
    samples: Vectors, sample_demands: Reading, sample_achievements: Reading
) -> None:
    weights = load_weights()
    of_record: dict[str, set[str]] = {each: set() for each in (*samples.demand_ids, *samples.achievement_ids)}
    for reading, identity in ((sample_demands, "demand_id"), (sample_achievements, "achievement_id")):
        for record, taxonomy in assign_fields(reading.frame, identity).select("record_id", "taxonomy").iter_rows():
            of_record[record].add(taxonomy)
    counts = {each: weights.taxonomies.get(each, 1.0) for each in set().union(*of_record.values())}
    assert len(counts) > 1
    expected = [
        weights.field * sum(counts[each] for each in known) / sum(counts.values()) for known in of_record.values()
    ]
    np.testing.assert_allclose(squared_lengths(samples, "fields"), expected, **CLOSE)


def test_shares_sum_to_one() -> None:
    weights = load_weights()
    assert weights.characters + weights.words + weights.concepts == pytest.approx(1, abs=1e-15)
    assert weights.text + weights.field == pytest.approx(1, abs=1e-15)


def test_matrices_are_float32_csr_and_names_fill_the_columns(samples: Vectors) -> None:
    for matrix in (samples.demands, samples.achievements):
        assert matrix.format == "csr"
        assert matrix.dtype == np.float32
        assert matrix.indices.dtype == matrix.indptr.dtype == np.int32
        assert matrix.has_canonical_format
        assert matrix.shape[1] == samples.starts[-1] == len(samples.names) == len(samples.rarity)
        assert np.isfinite(matrix.data).all()
    for matrix in (samples.demand_titles, samples.achievement_titles):
        assert matrix.format == "csr"
        assert matrix.dtype == np.float32
        assert matrix.indices.dtype == matrix.indptr.dtype == np.int32
        assert matrix.has_canonical_format
        assert matrix.shape[1] == samples.starts[2]
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
    assert vectors.demand_titles.toarray().any(axis=1).tolist() == [True, False, False]
    assert vectors.achievement_titles.toarray().any(axis=1).tolist() == [True, False]
    assert np.isfinite(vectors.demands.data).all()
    assert np.isfinite(vectors.demand_titles.data).all()


def test_a_corpus_without_words_has_an_empty_block_of_words() -> None:
    vectors = vectorize(
        records("demands", {"title": "光"}),
        records("achievements", {"title": "光"}),
        DEMAND_FIELDS,
        ACHIEVEMENT_FIELDS,
        WEIGHTS,
    )
    assert vectors.block("words") == slice(1, 1)
    assert vectors.demand_titles.toarray().tolist() == vectors.achievement_titles.toarray().tolist() == [[1]]
    scores = similarities(vectors, pl.DataFrame({"demand_id": ["D1"], "achievement_id": ["A1"]}))
    np.testing.assert_allclose(scores, [0.8 * 0.6 + 0.2 * sqrt(3 / 7)], **CLOSE)


def test_a_corpus_without_fields_has_an_empty_block_of_fields() -> None:
    vectors = vectorize(DEMANDS, ACHIEVEMENTS, NO_FIELDS, NO_FIELDS, WEIGHTS)
    assert vectors.starts == (0, 4, 7, 7, 7)
    assert vectors.demands.shape == (2, 7)


def test_a_corpus_without_any_term_has_fields_alone() -> None:
    vectors = vectorize(
        records("demands", {"title": "，"}),
        records("achievements", {"title": ""}),
        DEMAND_FIELDS,
        ACHIEVEMENT_FIELDS,
        WEIGHTS,
    )
    assert vectors.starts == (0, 0, 0, 0, 2)
    assert vectors.demand_titles.shape == vectors.achievement_titles.shape == (1, 0)
    assert vectors.rarity.tolist() == [0, 0]
    scores = similarities(vectors, pl.DataFrame({"demand_id": ["D1"], "achievement_id": ["A1"]}))
    np.testing.assert_allclose(scores, [0.2 * sqrt(3 / 7)], **CLOSE)


def test_a_corpus_of_which_nothing_is_known_has_no_columns() -> None:
    vectors = vectorize(
        records("demands", {"title": ""}), records("achievements", {"title": ""}), NO_FIELDS, NO_FIELDS, WEIGHTS
    )
    assert vectors.demands.shape == vectors.achievements.shape == (1, 0)
    assert vectors.starts == (0, 0, 0, 0, 0)
    assert vectors.demand_titles.shape == vectors.achievement_titles.shape == (1, 0)
    assert vectors.rarity.shape == (0,)


def test_lists_without_a_record_have_no_rows() -> None:
    vectors = vectorize(records("demands"), records("achievements"), NO_FIELDS, NO_FIELDS, WEIGHTS)
    assert vectors.demands.shape[0] == vectors.achievements.shape[0] == 0
    assert vectors.demand_titles.shape[0] == vectors.achievement_titles.shape[0] == 0


def test_parts_of_a_record() -> None:
    frame = records("demands", {"title": "沼气", "keywords": ["脱硫", "净化"]}, {"title": "光伏"}).drop("problem")
    assert weighted_parts(frame, {"title": 4, "problem": 1, "keywords": 2}) == [
        ((4, "沼气"), (2, "脱硫;净化")),
        ((4, "光伏"), (2, "")),
    ]


def test_keywords_do_not_run_into_each_other() -> None:
    demands = records("demands", {"title": "甲", "keywords": ["沼气", "脱硫"]})
    weights = replace(WEIGHTS, parts={"demands": {"keywords": 1}, "achievements": {"title": 1}})
    names = vectorize(demands, ACHIEVEMENTS, DEMAND_FIELDS, ACHIEVEMENT_FIELDS, weights).names
    assert {"沼气", "脱硫"} <= set(names)
    assert "气脱" not in set(names)


def test_scores_of_pairs_that_are_not_in_the_space_are_nought(hand: Vectors) -> None:
    pairs = pl.DataFrame(
        {"demand_id": ["D1", "D1", "D7", "D7"], "achievement_id": ["A1", "A7", "A1", "A7"]},
    )
    scores = similarities(hand, pairs)
    assert scores[0] > 0.25
    assert scores[1:].tolist() == [0, 0, 0]
    assert similarities(hand, pairs[1:]).tolist() == [0, 0, 0]
    assert similarities(hand, pairs.clear()).tolist() == []


def test_places_of_pairs(hand: Vectors) -> None:
    """In the order of the frame, twice if it says so; what is not in the space is left out."""
    pairs = pl.DataFrame(
        {
            "demand_id": ["D2", "D7", "D1", "D1", "D2"],
            "achievement_id": ["A1", "A1", "A7", "A2", "A1"],
            "level": [1] * 5,
        }
    )
    found, known = places_of(hand, pairs)
    assert known.tolist() == [0, 3, 4]
    assert (found.demands.tolist(), found.achievements.tolist()) == ([1, 0, 1], [0, 1, 0])
    nothing, none = places_of(hand, pairs.clear())
    assert len(nothing) == len(none) == 0


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
    np.testing.assert_allclose(similarities(samples, pairs), dense, **CLOSE)


FIVE_ACHIEVEMENTS: Final = records(
    "achievements", {"title": "光", "summary": "cd cd"}, {"title": "ef"}, {"title": "石墨烯 ab"}, {}, {"title": "光"}
)


@cache
def in_order() -> Vectors:
    return vectorize(DEMANDS, FIVE_ACHIEVEMENTS, DEMAND_FIELDS, ACHIEVEMENT_FIELDS, WEIGHTS)


@given(st.permutations(range(2)), st.permutations(range(5)), st.permutations(range(3)))
def test_the_order_of_rows_does_not_matter(demand_order: list[int], order: list[int], field_order: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matching.ranking.vectors.load_lexicon", lambda: LEXICON)
        expected = in_order()
        found = vectorize(
            DEMANDS[demand_order], FIVE_ACHIEVEMENTS[order], DEMAND_FIELDS, ACHIEVEMENT_FIELDS[field_order], WEIGHTS
        )
    assert all(expected.block(name).stop > expected.block(name).start for name in BLOCKS)
    assert (found.demand_ids, found.achievement_ids) == (expected.demand_ids, expected.achievement_ids)
    assert found.starts == expected.starts
    assert found.names.tolist() == expected.names.tolist()
    assert found.rarity.tobytes() == expected.rarity.tobytes()
    assert found.shares == expected.shares
    for name in ("demands", "achievements", "demand_titles", "achievement_titles"):
        left, right = getattr(found, name), getattr(expected, name)
        for part in ("indptr", "indices", "data"):
            assert getattr(left, part).tobytes() == getattr(right, part).tobytes()


def test_the_order_of_fields_does_not_matter() -> None:
    """0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1 on a machine; how common a field is must not tell the order of rows."""
    demands = records("demands", *({"title": "光"} for _ in range(3)))
    rows = [("D1", "T", "a", 0.1), ("D2", "T", "a", 0.2), ("D3", "T", "a", 0.3), ("D1", "T", "b", 0.7)]
    rows += [("D1", "T", "c", 0.6), ("D2", "T", "b", 0.1), ("D3", "T", "b", 0.2), ("D3", "T", "c", 0.9)]
    found = {
        vectorize(demands, ACHIEVEMENTS, fields(*order), ACHIEVEMENT_FIELDS, WEIGHTS).demands.data.tobytes()
        for order in (rows, rows[::-1], rows[4:] + rows[:4])
    }
    assert len(found) == 1


CONCEPT_DEMANDS: Final = records("demands", {"title": "石墨烯 石墨烯", "problem": "碳材料"}, {"title": "ab"})
CONCEPT_ACHIEVEMENTS: Final = records(
    "achievements", {"title": "Graphene", "summary": "carbon material，碳纳米管"}, {"title": "ef"}
)


@pytest.mark.usefixtures("small_lexicon")
def test_numbers_of_the_concepts_block() -> None:
    """A concept counts 1, the one above it 0.4, in each part the largest count alone; ln(1 + count) x idf.

    D1's title (3): 石墨烯 2, 碳材料 0.8; its problem (1): 碳材料 1. A1's title (2): 石墨烯 1, 碳材料 0.4; its summary
    (1): 碳纳米管 1, 碳材料 1, to which the 0.4 of 碳纳米管 adds nothing.
    """
    vectors = vectorize(CONCEPT_DEMANDS, CONCEPT_ACHIEVEMENTS, DEMAND_FIELDS, ACHIEVEMENT_FIELDS, WEIGHTS)
    block = vectors.block("concepts")
    assert vectors.names[block].tolist() == ["石墨烯", "碳材料", "碳纳米管"]
    demand = unit(log(1 + 3 * 2) * idf(2), log(1 + 3 * 0.8 + 1) * idf(2), 0)
    achievement = unit(log(1 + 2) * idf(2), log(1 + 2 * 0.4 + 1) * idf(2), log(1 + 1) * idf(1))
    share = sqrt(0.8 * 0.15)
    np.testing.assert_allclose(vectors.demands[:, block].toarray(), [demand * share, [0] * 3], **CLOSE)
    np.testing.assert_allclose(vectors.achievements[:, block].toarray(), [achievement * share, [0] * 3], **CLOSE)
    rarity = [log(5 / 3), log(5 / 3), log(5 / 2)]
    np.testing.assert_allclose(vectors.rarity[block], rarity, rtol=0, atol=1e-15)
    why = explained(vectors, CONCEPT_DEMANDS, CONCEPT_ACHIEVEMENTS, "D1", "A1")
    found = dict(why.terms.filter(view="concepts").select("term", "contribution").iter_rows())
    expected = {"石墨烯": 0.12 * demand[0] * achievement[0], "碳材料": 0.12 * demand[1] * achievement[1]}
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.usefixtures("small_lexicon")
def test_keywords_make_no_concept_together() -> None:
    """石墨 and 烯烃 are two keywords; nobody said 石墨烯."""
    demands = records("demands", {"title": "甲", "keywords": ["石墨", "烯烃"]})
    weights = replace(WEIGHTS, parts={"demands": {"keywords": 1}, "achievements": {"title": 1}})
    vectors = vectorize(demands, ACHIEVEMENTS, DEMAND_FIELDS, ACHIEVEMENT_FIELDS, weights)
    assert vectors.names[vectors.block("concepts")].tolist() == []


@pytest.mark.usefixtures("small_lexicon")
def test_parts_make_no_concept_together() -> None:
    demands = records("demands", {"title": "石墨", "problem": "烯烃"})
    vectors = vectorize(demands, ACHIEVEMENTS, DEMAND_FIELDS, ACHIEVEMENT_FIELDS, WEIGHTS)
    assert vectors.names[vectors.block("concepts")].tolist() == []


@pytest.mark.usefixtures("small_lexicon")
def test_a_part_of_weight_nought_says_nothing() -> None:
    """It makes no concept more common either."""
    demands = records(
        "demands", {"title": "碳纳米管", "problem": "石墨烯"}, {"title": "石墨烯"}, {"title": "石墨烯 碳纳米管"}
    )
    nought, without = (
        vectorize(
            demands,
            ACHIEVEMENTS,
            DEMAND_FIELDS,
            ACHIEVEMENT_FIELDS,
            replace(WEIGHTS, parts={"demands": parts, "achievements": {"title": 1}}),
        )
        for parts in ({"title": 1, "problem": 0}, {"title": 1})
    )
    assert nought.starts == without.starts
    np.testing.assert_allclose(nought.demands.toarray(), without.demands.toarray(), **CLOSE)


# Three demands and three achievements: in each list a stands twice and b once in taxonomy T; D3 and A3 have no field.
FIELD_RECORDS: Final = [{"title": "甲"}, {"title": "乙"}, {"title": "丙"}]
THREE_DEMANDS: Final = records("demands", *FIELD_RECORDS)
THREE_ACHIEVEMENTS: Final = records("achievements", {"title": "丁"}, {"title": "戊"}, {"title": "己"})
THREE_DEMAND_FIELDS: Final = fields(
    ("D1", "T", "a", 0.9), ("D1", "T", "b", 0.9), ("D1", "U", "x", 0.5), ("D2", "T", "a", 0.9)
)
THREE_ACHIEVEMENT_FIELDS: Final = fields(
    ("A1", "T", "a", 0.5), ("A1", "U", "x", 1.0), ("A2", "T", "a", 0.5), ("A2", "T", "b", 0.5)
)


@pytest.fixture(scope="module")
def three() -> Vectors:
    return vectorize(THREE_DEMANDS, THREE_ACHIEVEMENTS, THREE_DEMAND_FIELDS, THREE_ACHIEVEMENT_FIELDS, WEIGHTS)


def test_numbers_of_the_fields_block(three: Vectors) -> None:
    """How common: a 1.8 / 3, b 0.9 / 3 among demands; a 1 / 3, b 0.5 / 3 among achievements.

    Squares of D1: a 0.81 / 0.6 = 1.35, b 0.81 / 0.3 = 2.7; of A2: a 0.25 x 3, b 0.25 x 6: the rare field has two
    thirds of the taxonomy. T has a quarter of the block, U, which counts three times, the rest.
    """
    block = three.block("fields")
    assert three.names[block].tolist() == ["T:a", "T:b", "U:x"]
    share = 0.2 * np.array([1 / 4, 1 / 4, 3 / 4])
    demands = np.sqrt(np.array([[1 / 3, 2 / 3, 1], [1, 0, 0], [0, 0, 0]]) * share)
    achievements = np.sqrt(np.array([[1, 0, 1], [1 / 3, 2 / 3, 0], [0, 0, 0]]) * share)
    np.testing.assert_allclose(three.demands[:, block].toarray(), demands, **CLOSE)
    np.testing.assert_allclose(three.achievements[:, block].toarray(), achievements, **CLOSE)
    assert three.demands[2, block].nnz == three.achievements[2, block].nnz == 0


@pytest.mark.parametrize(
    ("demand_id", "achievement_id", "expected"),
    [
        ("D1", "A1", {("U", "x"): 3 / 4, ("T", "a"): sqrt(1 / 3) / 4}),
        ("D1", "A2", {("T", "b"): 2 / 12, ("T", "a"): 1 / 12}),
        ("D2", "A1", {("T", "a"): 1 / 4}),
        ("D2", "A2", {("T", "a"): sqrt(1 / 3) / 4}),
        ("D3", "A2", {}),
        ("D1", "A3", {}),
    ],
)
def test_contributions_of_fields(
    three: Vectors, demand_id: str, achievement_id: str, expected: dict[tuple[str, str], float]
) -> None:
    why = explained(three, THREE_DEMANDS, THREE_ACHIEVEMENTS, demand_id, achievement_id)
    found = {(taxonomy, code): amount for taxonomy, code, amount in why.fields.iter_rows()}
    assert list(found) == list(expected)
    assert found == pytest.approx({name: 0.2 * amount for name, amount in expected.items()}, rel=1e-6)
    assert why.field_score == pytest.approx(sum(expected.values()), rel=1e-6)
    assert why.similarity == why.field_part == pytest.approx(0.2 * sum(expected.values()), rel=1e-6)
    assert (why.score is None) == (not expected)
