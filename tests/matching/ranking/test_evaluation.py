"""nDCG@10 and MAP: by hand, against ir_measures, and on judged pairs."""

from __future__ import annotations

import random
from dataclasses import replace
from math import isnan, log2
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
from matching.ranking.evaluation import Quality, average_precision, gain, ndcg, quality
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
    assert (found.demands, found.pairs) == (2, 4)


def test_demands_without_a_relevant_achievement_are_left_out() -> None:
    kept = [("D1", "A1", 1, 0.9), ("D1", "A2", 3, 0.5)]
    nothing = [("D2", "A3", 1, 0.9), ("D2", "A4", 1, 0.1)]
    assert quality(scored(*kept, *nothing)) == Quality(
        ndcg_at_10=quality(scored(*kept)).ndcg_at_10,
        mean_average_precision=1 / 2,
        demands=1,
        pairs=4,
    )


@pytest.mark.parametrize("rows", [[], [("D2", "A3", 1, 0.9)]])
def test_without_a_relevant_achievement_there_is_no_measure(rows: list[Judged]) -> None:
    found = quality(scored(*rows))
    assert isnan(found.ndcg_at_10)
    assert isnan(found.mean_average_precision)
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


def test_evaluate_ranks_what_was_judged_and_nothing_else() -> None:
    """A1 is closer to D1 than A2 is; A3, which was not judged for D1, takes no place."""
    found = evaluate(DEMANDS, ACHIEVEMENTS, judgements(("D1", "A2", 4), ("D1", "A1", 2)))
    assert found.ndcg_at_10 == pytest.approx((1 + 7 / log2(3)) / (7 + 1 / log2(3)), abs=1e-15)
    assert evaluate(DEMANDS, ACHIEVEMENTS, judgements(("D1", "A2", 1), ("D1", "A1", 4), ("D2", "A3", 2))) == Quality(
        1.0, 1.0, 2, 3
    )


def test_a_judged_achievement_that_was_left_out_scores_nought() -> None:
    behind = evaluate(DEMANDS, ACHIEVEMENTS, judgements(("D1", "A0", 4), ("D1", "A1", 1)))
    assert behind.ndcg_at_10 == pytest.approx(1 / log2(3), abs=1e-15)
    assert behind.mean_average_precision == 1 / 2
    # A3 shares no text with D1 either, so without fields the ids decide.
    text_alone = replace(load_weights(), text=1.0, field=0.0)
    level = evaluate(DEMANDS, ACHIEVEMENTS, judgements(("D1", "A0", 4), ("D1", "A3", 1)), text_alone)
    assert level.ndcg_at_10 == 1
    assert level.pairs == 2


def test_columns_besides_those_of_a_judgement_do_not_matter() -> None:
    plain = judgements(("D1", "A2", 4), ("D1", "A1", 2))
    more = plain.with_columns(score=pl.lit("?"), agent=pl.lit("?"))
    assert evaluate(DEMANDS, ACHIEVEMENTS, more) == evaluate(DEMANDS, ACHIEVEMENTS, plain)


@pytest.fixture(scope="module")
def real_judgements(judged_pairs: Path) -> pl.DataFrame:
    return read_judgements(judged_pairs / "judgements.csv", Settings())


@pytest.fixture(scope="module")
def real_quality(judged_pairs: Path, real_judgements: pl.DataFrame) -> Quality:
    demands = read_file(judged_pairs / "demands.csv", "demands").frame
    achievements = read_file(judged_pairs / "achievements.csv", "achievements").frame
    return evaluate(demands, achievements, real_judgements)


def test_quality_on_the_judged_pairs(real_quality: Quality) -> None:
    """TF-IDF of words alone, with scikit-learn, reaches 0.650."""
    assert real_quality.ndcg_at_10 > 0.650
    assert real_quality.ndcg_at_10 >= 0.70
    assert real_quality.pairs == 7376


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
