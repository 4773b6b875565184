"""nDCG@10 with its interval, MAP, levels and calibration: by hand, against ir_measures, and on judged pairs."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from math import exp, isnan, log2
from pathlib import Path
from typing import Final

import ir_measures
import numpy as np
import polars as pl
import pytest
from ir_measures import AP, nDCG
from records import records

from matching.intake.judgements import read_judgements
from matching.intake.reading import read_file
from matching.pipeline import evaluate
from matching.ranking.evaluation import (
    Quality,
    average_precision,
    bootstrap_interval,
    calibration,
    gain,
    ndcg,
    quality,
    task_score,
)
from matching.ranking.levels import LevelModel
from matching.ranking.weights import load_weights
from matching.schema import JUDGEMENTS
from matching.settings import Settings

GAIN: Final = {1: 0, 2: 1, 3: 3, 4: 7}

Judged = tuple[str, str, int, float]


def scored(*rows: Judged) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={**JUDGEMENTS, "score": pl.Float64()}, orient="row")


def test_gain() -> None:
    assert gain(np.array(list(GAIN))).tolist() == list(GAIN.values())


def test_ndcg_by_hand() -> None:
    found = 1 / log2(2) + 7 / log2(3) + 0 / log2(4) + 3 / log2(5)
    ideal = 7 / log2(2) + 3 / log2(3) + 1 / log2(4)
    assert ndcg(np.array([2, 4, 1, 3]), 10) == pytest.approx(found / ideal, abs=1e-15)


def test_ndcg_ends_at_the_tenth_place() -> None:
    """The best achievement in place 11 gains nothing, and still the ideal order has it first."""
    assert ndcg(np.array([2] + [1] * 9 + [4]), 10) == pytest.approx(1 / (7 + 1 / log2(3)), abs=1e-15)
    assert ndcg(np.array([1] * 10 + [4]), 10) == 0


@pytest.mark.parametrize("levels", [[4], [2, 1], [4, 4, 3, 2, 2, 1], [3] * 12])
def test_the_best_order_has_ndcg_1(levels: list[int]) -> None:
    assert ndcg(np.array(levels), 10) == pytest.approx(1, abs=1e-15)


def test_average_precision_by_hand() -> None:
    assert average_precision(np.array([True, True, False, True])) == pytest.approx((1 + 1 + 3 / 4) / 3, abs=1e-15)
    assert average_precision(np.array([False, False, True])) == pytest.approx(1 / 3, abs=1e-15)
    assert average_precision(np.array([True] * 4)) == 1


@pytest.mark.parametrize("values", [[0.7], [0.25] * 9])
def test_the_interval_of_equal_values_is_that_value(values: list[float]) -> None:
    assert bootstrap_interval(np.array(values)) == pytest.approx((values[0], values[0]), abs=1e-15)


def test_the_interval_of_two_values_is_both() -> None:
    """Two draws from 0 and 1 have the mean 0 in a quarter of cases and 1 in another."""
    assert bootstrap_interval(np.array([0.0, 1.0])) == (0, 1)


def test_the_interval_of_the_mean_by_the_binomial() -> None:
    """Of 100 draws from as many noughts as ones at most 39 are ones in 1.8 % of cases, at most 40 in 2.8 %."""
    low, high = bootstrap_interval(np.array([0.0] * 50 + [1.0] * 50))
    assert low == pytest.approx(0.40, abs=0.0101)
    assert high == pytest.approx(0.60, abs=0.0101)
    assert bootstrap_interval(np.array([0.0] * 50 + [1.0] * 50)) == (low, high)


def test_the_interval_narrows_by_the_root_of_the_number(rng: random.Random) -> None:
    values = np.array([rng.random() for _ in range(400)])
    low, high = bootstrap_interval(values)
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=half / 4)


def test_no_value_has_no_interval() -> None:
    assert all(isnan(end) for end in bootstrap_interval(np.zeros(0)))


def test_task_score_by_hand() -> None:
    """Errors 0, 2, 1 and 0: a mean of 3 / 4."""
    assert task_score(np.array([1, 2, 4, 3]), np.array([1, 4, 3, 3])) == pytest.approx(4 / 7, abs=1e-15)
    assert task_score(np.array([1, 2]), np.array([1, 2])) == 1
    assert task_score(np.array([1, 1]), np.array([4, 4])) == 1 / 4


def with_chances(*rows: tuple[str, int, float]) -> pl.DataFrame:
    """Scored judgements of D1 from achievement, level and probability of the level 3 or 4."""
    columns = {"achievement_id": pl.String(), "level": pl.Int64(), "reach_three": pl.Float64()}
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(
        demand_id=pl.lit("D1"), score=pl.col("reach_three"), given_level=pl.lit(1)
    )


def test_calibration_by_hand() -> None:
    """Twelve pairs in ten groups: by rising probability 2, 1, 1, 1, 1, 2, 1, 1, 1, 1 of them."""
    chances = [0.02, 0.04, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    levels = [1, 2, 1, 2, 3, 1, 4, 2, 3, 4, 2, 4]
    rows = [(f"A{place}", level, chance) for place, (level, chance) in enumerate(zip(levels, chances, strict=True))]
    found = calibration(with_chances(*rows[::-1]))
    assert found.columns == ["predicted", "seen", "pairs", "gap"]
    assert found["pairs"].to_list() == [2, 1, 1, 1, 1, 2, 1, 1, 1, 1]
    expected = [0.03, 0.1, 0.2, 0.3, 0.4, 0.55, 0.7, 0.8, 0.9, 1.0]
    assert found["predicted"].to_list() == pytest.approx(expected, abs=1e-15)
    assert found["seen"].to_list() == [0, 0, 0, 1, 0, 0.5, 1, 1, 0, 1]
    gaps = [2 * 0.03, 0.1, 0.2, 0.7, 0.4, 2 * 0.05, 0.3, 0.2, 0.9, 0.0]
    assert found["gap"].to_list() == pytest.approx([gap / 12 for gap in gaps], abs=1e-15)
    assert quality(with_chances(*rows)).calibration_error == pytest.approx(sum(gaps) / 12, abs=1e-15)


def test_fewer_pairs_than_groups_stand_alone() -> None:
    found = calibration(with_chances(("A1", 4, 0.25), ("A2", 1, 0.5), ("A3", 3, 1.0)))
    assert found.rows() == [(0.25, 1, 1, 0.25), (0.5, 0, 1, pytest.approx(1 / 6)), (1.0, 1, 1, 0)]


def test_equal_probabilities_are_grouped_by_achievement_id() -> None:
    rows = [(f"A{place:02}", 4 if place < 10 else 1, 0.5) for place in range(20)]
    for order in (1, -1):
        found = calibration(with_chances(*rows[::order]))
        assert found["seen"].to_list() == [1] * 5 + [0] * 5
        assert found["gap"].sum() == pytest.approx(0.5, abs=1e-15)


def test_quality_of_levels_by_hand() -> None:
    table = with_chances(("A1", 4, 0.75), ("A2", 1, 0.25)).with_columns(given_level=pl.Series([3, 1]))
    found = quality(table)
    assert (found.task_score, found.calibration_error) == (pytest.approx(1 / 1.5), pytest.approx(0.25))
    without = quality(table.drop("given_level"))
    assert (without.task_score, without.calibration_error) == (None, None)
    assert replace(found, task_score=None, calibration_error=None) == without


def test_quality_is_the_mean_over_demands() -> None:
    found = quality(
        scored(
            ("D1", "A1", 1, 0.9),
            ("D2", "A3", 4, 0.8),
            ("D1", "A2", 3, 0.5),
            ("D2", "A4", 2, 0.9),
        )
    )
    first, second = 1 / log2(3), (1 + 7 / log2(3)) / (7 + 1 / log2(3))
    assert found.ndcg_at_10 == pytest.approx((first + second) / 2, abs=1e-15)
    assert found.mean_average_precision == pytest.approx((1 / 2 + 1) / 2, abs=1e-15)
    # Of two draws a quarter each has either demand twice.
    assert found.interval == pytest.approx((first, second), abs=1e-15)
    assert (found.task_score, found.calibration_error) == (None, None)
    assert (found.demands, found.pairs) == (2, 4)


def test_demands_without_a_relevant_achievement_are_left_out() -> None:
    kept = [("D1", "A1", 1, 0.9), ("D1", "A2", 3, 0.5)]
    nothing = [("D2", "A3", 1, 0.9), ("D2", "A4", 1, 0.1)]
    assert quality(scored(*kept, *nothing)) == Quality(
        ndcg_at_10=quality(scored(*kept)).ndcg_at_10,
        interval=quality(scored(*kept)).interval,
        mean_average_precision=1 / 2,
        task_score=None,
        calibration_error=None,
        demands=1,
        pairs=4,
    )


@pytest.mark.parametrize("rows", [[], [("D2", "A3", 1, 0.9)]])
def test_without_a_relevant_achievement_there_is_no_measure(rows: list[Judged]) -> None:
    found = quality(scored(*rows))
    assert isnan(found.ndcg_at_10)
    assert isnan(found.mean_average_precision)
    assert all(isnan(end) for end in found.interval)
    assert (found.demands, found.pairs) == (0, len(rows))


def test_ties_go_by_achievement_id() -> None:
    best_first = [("D1", "A1", 4, 0.5), ("D1", "A2", 1, 0.5)]
    best_last = [("D1", "A1", 1, 0.5), ("D1", "A2", 4, 0.5)]
    for order in (1, -1):
        assert quality(scored(*best_first[::order])).ndcg_at_10 == 1
        assert quality(scored(*best_last[::order])).ndcg_at_10 == pytest.approx(1 / log2(3), abs=1e-15)


def random_judgements(rng: random.Random, demands: int) -> list[Judged]:
    """Levels about as frequent as in real judgements, 1 to 40 for each demand, no two scores alike."""
    return [
        (f"D{demand}", f"A{demand}-{place}", rng.choices([1, 2, 3, 4], [45, 43, 9, 3])[0], score)
        for demand in range(demands)
        for place, score in enumerate(rng.sample(range(1000), rng.randint(1, 40)))
    ]


def test_equals_ir_measures(rng: random.Random) -> None:
    judged = random_judgements(rng, 60)
    gains: dict[str, dict[str, int]] = {}
    run: dict[str, dict[str, float]] = {}
    for demand, achievement, level, score in judged:
        gains.setdefault(demand, {})[achievement] = GAIN[level]
        run.setdefault(demand, {})[achievement] = float(score)
    relevant = [demand for demand, levels in gains.items() if max(levels.values()) > 0]
    oracle = ir_measures.calc_aggregate(
        [nDCG @ 10, AP(rel=1)], {demand: gains[demand] for demand in relevant}, {each: run[each] for each in relevant}
    )
    found = quality(scored(*((*row[:3], float(row[3])) for row in judged)))
    assert found.ndcg_at_10 == pytest.approx(oracle[nDCG @ 10], abs=1e-9)
    assert found.mean_average_precision == pytest.approx(oracle[AP(rel=1)], abs=1e-9)
    assert (found.demands, found.pairs) == (len(relevant), len(judged))


def test_the_order_of_judgements_does_not_matter(rng: random.Random) -> None:
    judged = random_judgements(rng, 20)
    before = quality(scored(*judged))
    rng.shuffle(judged)
    assert quality(scored(*judged)) == before


def judgements(*rows: tuple[str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=JUDGEMENTS, orient="row")


DEMANDS: Final = records("demands", {"title": "沼气脱硫"}, {"title": "锂电池", "field": "新材料"})
ACHIEVEMENTS: Final = records(
    "achievements", {"title": "沼气脱硫塔"}, {"title": "沼液"}, {"title": "锂电池", "field": "新材料"}
)


# Knows nothing but the cosine of the characters, so that its order is known too.
PLAIN_MODEL: Final = LevelModel(
    "by hand", ("characters",), (0.5,), (0.25,), ((1.0,), (1.5,), (2.0,)), (0.5, -0.5, -1.5)
)
ORDERS: Final = ("bm25", "tf_idf", "retrieval", "model")


def test_evaluate_ranks_what_was_judged_and_nothing_else() -> None:
    """A1 is closer to D1 than A2 is; A3, which was not judged for D1, takes no place."""
    found = evaluate(DEMANDS, ACHIEVEMENTS, judgements(("D1", "A2", 4), ("D1", "A1", 2)), model=PLAIN_MODEL)
    assert tuple(found) == ORDERS
    expected = pytest.approx((1 + 7 / log2(3)) / (7 + 1 / log2(3)), abs=1e-15)
    assert {order: each.ndcg_at_10 for order, each in found.items()} == dict.fromkeys(ORDERS, expected)
    given = judgements(("D1", "A2", 1), ("D1", "A1", 4), ("D2", "A3", 2))
    for order, best in evaluate(DEMANDS, ACHIEVEMENTS, given, model=PLAIN_MODEL).items():
        without = replace(best, task_score=None, calibration_error=None)
        assert without == Quality(1.0, (1.0, 1.0), 1.0, None, None, 2, 3), order
        assert (best.task_score is None, best.calibration_error is None) == (order != "model",) * 2


def test_the_level_model_is_measured_without_what_the_judgements_teach() -> None:
    """Otherwise a pair that is like a judged one would have its level told."""
    given = judgements(("D1", "A2", 4), ("D1", "A1", 2), ("D2", "A3", 4))
    found = evaluate(DEMANDS, ACHIEVEMENTS, given, model=PLAIN_MODEL)["model"]
    other = given.with_columns(level=pl.Series([2, 4, 4]))
    again = evaluate(DEMANDS, ACHIEVEMENTS, other, model=PLAIN_MODEL)["model"]
    assert found.ndcg_at_10 < again.ndcg_at_10 == 1


def test_a_judged_achievement_that_was_left_out_scores_nought() -> None:
    given = judgements(("D1", "A0", 4), ("D1", "A1", 1))
    for order, behind in evaluate(DEMANDS, ACHIEVEMENTS, given, model=PLAIN_MODEL).items():
        assert behind.ndcg_at_10 == pytest.approx(1 / log2(3), abs=1e-15), order
        assert behind.mean_average_precision == 1 / 2, order
        assert behind.pairs == 2, order


def test_a_judged_achievement_that_was_left_out_is_not_behind_what_shares_nothing() -> None:
    """A3 shares no text with D1 either, so without fields the ids decide."""
    text_alone = replace(load_weights(), text=1.0, field=0.0)
    given = judgements(("D1", "A0", 4), ("D1", "A3", 1))
    level = evaluate(DEMANDS, ACHIEVEMENTS, given, weights=text_alone)
    for order in ("bm25", "retrieval"):
        assert level[order].ndcg_at_10 == 1, order
        assert level[order].pairs == 2


def test_a_judged_achievement_that_was_left_out_is_of_level_1() -> None:
    """Off by 3, where the model is sure that A3 is of level 1: it shares no character."""
    given = judgements(("D1", "A0", 4), ("D1", "A3", 1))
    found = evaluate(DEMANDS, ACHIEVEMENTS, given, model=PLAIN_MODEL)["model"]
    assert found.task_score == pytest.approx(1 / (1 + 3 / 2), abs=1e-15)
    # The logit of reaching the level 3 is -0.5 - 1.5 x 2 for A3; A0 is told the probability 0 and has level 4.
    assert found.calibration_error == pytest.approx((1 + 1 / (1 + exp(3.5))) / 2, abs=1e-12)


def test_of_two_judgements_of_a_pair_the_later_counts() -> None:
    once = judgements(("D1", "A2", 4), ("D1", "A1", 2))
    twice = judgements(("D1", "A1", 4), ("D1", "A2", 4), ("D1", "A1", 2))
    assert evaluate(DEMANDS, ACHIEVEMENTS, twice) == evaluate(DEMANDS, ACHIEVEMENTS, once)


def test_columns_besides_those_of_a_judgement_do_not_matter() -> None:
    plain = judgements(("D1", "A2", 4), ("D1", "A1", 2))
    more = plain.with_columns(score=pl.lit("?"), agent=pl.lit("?"), given_level=pl.lit("?"), reach_three=pl.lit("?"))
    assert evaluate(DEMANDS, ACHIEVEMENTS, more) == evaluate(DEMANDS, ACHIEVEMENTS, plain)


@pytest.fixture(scope="module")
def real_judgements(judged_pairs: Path) -> pl.DataFrame:
    return read_judgements(judged_pairs / "judgements.csv", Settings())


@pytest.fixture(scope="module")
def real_qualities(judged_pairs: Path, real_judgements: pl.DataFrame) -> dict[str, Quality]:
    demands = read_file(judged_pairs / "demands.csv", "demands").frame
    achievements = read_file(judged_pairs / "achievements.csv", "achievements").frame
    return evaluate(demands, achievements, real_judgements)


@pytest.fixture(scope="module")
def real_quality(real_qualities: dict[str, Quality]) -> Quality:
    return real_qualities["retrieval"]


def test_quality_on_the_judged_pairs(real_quality: Quality) -> None:
    """TF-IDF of words alone, with scikit-learn, reaches 0.650."""
    assert real_quality.ndcg_at_10 > 0.650
    assert real_quality.ndcg_at_10 >= 0.70
    assert real_quality.pairs == 7376


def test_each_step_puts_the_judged_pairs_in_a_better_order(real_qualities: dict[str, Quality]) -> None:
    found = [real_qualities[order] for order in ORDERS]
    for before, after in pairwise(found):
        assert before.ndcg_at_10 < after.ndcg_at_10
        assert before.mean_average_precision < after.mean_average_precision
    assert {(each.demands, each.pairs) for each in found} == {(found[0].demands, 7376)}
    assert all(each.interval[0] < each.ndcg_at_10 < each.interval[1] for each in found)
    assert all(0.04 < each.interval[1] - each.interval[0] < 0.07 for each in found)


def test_levels_on_the_judged_pairs(real_qualities: dict[str, Quality], real_judgements: pl.DataFrame) -> None:
    """Better than to say level 2 of every pair, or 1, and calibrated."""
    levels = real_judgements["level"].to_numpy()
    found = real_qualities["model"]
    assert found.task_score is not None
    assert found.calibration_error is not None
    assert found.task_score > max(task_score(levels, np.full(len(levels), level)) for level in (1, 2, 3, 4))
    assert found.calibration_error < 0.02


def with_scores(real: pl.DataFrame, scores: np.ndarray) -> Quality:
    return quality(real.with_columns(score=pl.Series(scores, dtype=pl.Float64())))


def test_random_order_of_the_judged_pairs(
    real_judgements: pl.DataFrame, real_quality: Quality, rng: random.Random
) -> None:
    """The judged pairs' own description gives 0.42: the measure is the one that others used."""
    numbers = np.random.default_rng(rng.randrange(2**32))
    found = [with_scores(real_judgements, numbers.random(real_judgements.height)) for _ in range(10)]
    assert np.mean([each.ndcg_at_10 for each in found]) == pytest.approx(0.42, abs=0.02)
    assert {each.demands for each in found} == {real_quality.demands}
    assert max(each.mean_average_precision for each in found) < real_quality.mean_average_precision


def test_the_order_of_the_levels_is_the_best(real_judgements: pl.DataFrame) -> None:
    found = with_scores(real_judgements, real_judgements["level"].to_numpy().astype(float))
    assert found.ndcg_at_10 == pytest.approx(1, abs=1e-12)
    assert found.mean_average_precision == pytest.approx(1, abs=1e-12)
