"""Scores of given pairs: what they may depend on, and what never."""

from __future__ import annotations

import random
from functools import cache
from typing import Final

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import SAMPLES
from records import records

from matching.intake.judgements import read_judgements
from matching.intake.reading import Reading
from matching.pipeline import examine, missing, score
from matching.ranking.features import Pairs
from matching.ranking.levels import base_score, level_of, load_model, parts, score_of
from matching.ranking.scoring import Scored, judge, place_in, places_of, titles_of, with_judged
from matching.ranking.weights import load_weights
from matching.schema import JUDGEMENTS, PAIRS
from matching.settings import Settings

EXACT: Final = 1e-12
CLOSE: Final = 1e-9

DEMANDS: Final = records(
    "demands",
    {"title": "沼气脱硫", "problem": "沼气工程硫化氢含量高"},
    {"title": "锂电池负极材料"},
    {"title": "沼气脱硫剂", "problem": "沼气工程硫化氢含量高"},
)
ACHIEVEMENTS: Final = records(
    "achievements",
    {"title": "沼气脱硫塔", "summary": "用于沼气工程的干法脱硫"},
    {"title": "沼气脱硫剂再生"},
    {"title": "锂电池石墨负极"},
    {"title": "烟气脱硫"},
)


def pairs(*rows: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=PAIRS, orient="row")


def judgements(*rows: tuple[str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=JUDGEMENTS, orient="row")


ALL: Final = pairs(*((demand, achievement) for demand in DEMANDS["demand_id"] for achievement in ("A1", "A2", "A3")))
SAID: Final = judgements(("D1", "A1", 4), ("D1", "A3", 1), ("D2", "A3", 3), ("D3", "A4", 2))


def places(*rows: tuple[int, int]) -> Pairs:
    each = np.array(rows, dtype=np.int64).reshape(-1, 2)
    return Pairs(each[:, 0], each[:, 1])


def scored(wanted: pl.DataFrame, said: pl.DataFrame | None = None) -> pl.DataFrame:
    """Scores of pairs; those that many tests start from are made once."""
    if wanted is ALL and (said is None or said is SAID):
        return start_scores(said is SAID)
    return score(DEMANDS, ACHIEVEMENTS, wanted, said)


@cache
def start_scores(learned: bool) -> pl.DataFrame:
    return score(DEMANDS, ACHIEVEMENTS, ALL, SAID if learned else None)


def number(frame: pl.DataFrame, demand: str, achievement: str) -> float:
    return float(frame.filter(demand_id=demand, achievement_id=achievement)["score"][0])


def test_rows_keep_their_order_and_their_columns() -> None:
    wanted = ALL[::-1].with_columns(note=pl.col("achievement_id"))
    found = scored(wanted)
    assert found.columns == ["demand_id", "achievement_id", "note", "score", "level"]
    assert found.drop("score", "level").equals(wanted)
    assert found.schema["score"] == pl.Float64()
    assert found.schema["level"] == pl.Int64()


def test_a_pair_that_belongs_together_scores_more() -> None:
    found = scored(ALL)
    assert number(found, "D1", "A1") > number(found, "D1", "A3")
    assert number(found, "D2", "A3") > number(found, "D2", "A1")


def test_duplicates_have_the_same_score_and_change_no_other() -> None:
    once, twice = scored(ALL, SAID), scored(pl.concat([ALL, ALL[::-1], ALL[:1]]), SAID)
    assert twice[: ALL.height].equals(once)
    assert twice.unique(["demand_id", "achievement_id"]).height == ALL.height
    assert twice.unique().height == ALL.height


def test_pairs_of_which_a_record_is_missing_score_nought() -> None:
    wanted = pl.concat([pairs(("D9", "A1"), ("D1", "A9"), ("D9", "A9")), ALL])
    found = scored(wanted, pl.concat([SAID, judgements(("D9", "A1", 4), ("D1", "A9", 4))]))
    assert found[:3].select("score", "level").rows() == [(0.0, 1)] * 3
    assert found[3:].equals(scored(ALL, SAID))
    assert missing(DEMANDS, ACHIEVEMENTS, wanted) == 3
    assert missing(DEMANDS, ACHIEVEMENTS, ALL) == 0


@pytest.mark.parametrize("demands", [3, 0])
@pytest.mark.parametrize("achievements", [4, 0])
def test_nothing_to_score(demands: int, achievements: int) -> None:
    """No pairs at all, or pairs of which no record is there."""
    lists = DEMANDS[:demands], ACHIEVEMENTS[:achievements]
    assert score(*lists, pairs()).height == 0
    found = score(*lists, pairs(("D8", "A8"), ("D9", "A9")), judgements(("D8", "A8", 4)))
    assert found.select("score", "level").rows() == [(0.0, 1)] * 2


def test_records_that_say_the_same_can_be_scored() -> None:
    """One demand and one achievement with the same title, and nothing else loaded."""
    found = score(records("demands", {"title": "锂电池"}), records("achievements", {"title": "锂电池"}), ALL[:1])
    assert 0 < found["score"][0] <= 1


@pytest.fixture(scope="module")
def judged_samples() -> pl.DataFrame:
    return read_judgements(SAMPLES / "judgements.csv", Settings())


@pytest.fixture(scope="module")
def some(sample_demands: Reading, sample_achievements: Reading) -> tuple[pl.DataFrame, pl.DataFrame]:
    return sample_demands.frame[:8], sample_achievements.frame[:100]


def test_the_order_of_files_does_not_matter(
    some: tuple[pl.DataFrame, pl.DataFrame], judged_samples: pl.DataFrame, rng: random.Random
) -> None:
    known = judged_samples.join(some[0], on="demand_id", how="semi").join(some[1], on="achievement_id", how="semi")
    wanted, said = known.select(PAIRS.keys()), known[::2]
    before = score(*some, wanted, said)
    shuffled = [each.sample(fraction=1, shuffle=True, seed=rng.randrange(2**32)) for each in (*some, wanted, said)]
    after = score(*shuffled)
    key = ["demand_id", "achievement_id"]
    assert after.sort(key).equals(before.sort(key))
    assert before["score"].is_between(0, 1).all()
    assert before["level"].is_between(1, 4).all()
    assert before["level"].n_unique() > 1


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_pairs_own_judgement_is_never_used(level: int) -> None:
    without = scored(ALL, SAID.filter(~((pl.col("demand_id") == "D1") & (pl.col("achievement_id") == "A1"))))
    found = scored(ALL, SAID.with_columns(level=pl.when(pl.col("level") == 4).then(level).otherwise("level")))
    assert number(found, "D1", "A1") == pytest.approx(number(without, "D1", "A1"), abs=CLOSE)


def test_judgements_of_other_pairs_are_used() -> None:
    plain, learned = scored(ALL), scored(ALL, judgements(("D1", "A1", 4)))
    assert number(learned, "D1", "A2") > number(plain, "D1", "A2")
    assert number(learned, "D1", "A1") == pytest.approx(number(plain, "D1", "A1"), abs=CLOSE)
    # D2 asks for something else.
    assert number(learned, "D2", "A3") == number(plain, "D2", "A3")


def test_of_two_judgements_of_a_pair_the_later_counts() -> None:
    twice = judgements(("D1", "A1", 1), ("D1", "A1", 4))
    assert scored(ALL, twice).equals(scored(ALL, judgements(("D1", "A1", 4))))
    assert scored(ALL, twice[::-1]).equals(scored(ALL, judgements(("D1", "A1", 1))))


def test_no_judgements_and_none_given_are_the_same() -> None:
    assert scored(ALL, judgements()).equals(scored(ALL))


def test_columns_besides_those_of_a_pair_do_not_matter() -> None:
    more = scored(ALL.with_columns(level=pl.lit("?"), score=pl.lit("?")))
    assert more.select(scored(ALL).columns).equals(scored(ALL))


@pytest.fixture(scope="module")
def judged() -> Scored:
    found = examine(DEMANDS, ACHIEVEMENTS, ALL, SAID, load_weights())
    return judge(found.vectors, found.pairs, found.features, found.judged, load_model(), load_weights().likeness)


def test_a_score_is_what_its_probabilities_say(judged: Scored) -> None:
    assert np.array_equal(judged.score, score_of(judged.reached))
    assert np.array_equal(judged.level, level_of(judged.reached))
    assert judged.score.min() >= 0
    assert judged.score.max() <= 1
    assert (np.diff(judged.reached, axis=1) <= 0).all()


def test_a_score_is_the_sum_of_base_features_and_judgements(judged: Scored) -> None:
    """Where no probability meets its limit."""
    moved = judged.reached - (judged.learned.moves + np.zeros_like(judged.reached))
    free = (judged.reached > 0).all(axis=1) & (judged.reached < 1).all(axis=1)
    free &= (np.diff(judged.reached, axis=1) < 0).all(axis=1) & (np.diff(moved, axis=1) <= 0).all(axis=1)
    assert free.sum() >= 5
    model = load_model()
    amounts = np.asarray(judged.learned.amounts.sum(axis=1)).ravel()
    sums = base_score(model) + parts(model, judged.standardised).sum(axis=1) + amounts
    np.testing.assert_allclose(judged.score[free], sums[free], rtol=0, atol=EXACT)


def test_judged_pairs_are_among_those_that_are_scored(judged: Scored) -> None:
    """D3 with A4 was not asked for, but what was said of it is learned from."""
    assert len(judged.pairs) == ALL.height + 1
    assert sorted(judged.judged[judged.judged > 0].tolist()) == [1, 2, 3, 4]


def test_titles_come_by_id_normalised_and_closed_up() -> None:
    demands = records("demands", {"demand_id": "D2", "title": "ＬＥＤ 灯"}, {"demand_id": "D1", "title": " 沼\t气 "})
    achievements = records("achievements", {"title": "Ｘ　光"}, {"title": ""})
    assert titles_of(demands, achievements) == (["沼气", "led灯"], ["x光", ""])


def test_places_of_pairs() -> None:
    vectors = examine(DEMANDS, ACHIEVEMENTS, ALL, SAID, load_weights()).vectors
    found, known = places_of(vectors, pairs(("D3", "A1"), ("D9", "A1"), ("D1", "A4"), ("D1", "A0")))
    assert found.demands.tolist() == [2, 0]
    assert found.achievements.tolist() == [0, 3]
    assert known.tolist() == [0, 2]


def test_pairs_and_judged_pairs_together() -> None:
    both, levels = with_judged(places((2, 1), (0, 3), (2, 1)), places((0, 3), (1, 1), (0, 3)), np.array([2, 3, 4]))
    assert list(zip(both.demands.tolist(), both.achievements.tolist(), strict=True)) == [(0, 3), (1, 1), (2, 1)]
    assert levels.tolist() == [4, 3, 0]
    empty, none = with_judged(places(), places(), np.zeros(0, dtype=np.int64))
    assert len(empty) == len(none) == 0


PLACES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12)


@given(PLACES, PLACES, st.data())
def test_every_pair_is_found_again(
    rows: list[tuple[int, int]], said: list[tuple[int, int]], data: st.DataObject
) -> None:
    given_levels = data.draw(st.lists(st.integers(1, 4), min_size=len(said), max_size=len(said)))
    both, levels = with_judged(places(*rows), places(*said), np.array(given_levels, dtype=np.int64))
    keys = list(zip(both.demands.tolist(), both.achievements.tolist(), strict=True))
    assert keys == sorted({*rows, *said})
    expected = dict(zip(said, given_levels, strict=True))
    assert levels.tolist() == [expected.get(key, 0) for key in keys]
    for wanted in (rows, said):
        found = place_in(both, places(*wanted))
        assert [keys[place] for place in found] == wanted
