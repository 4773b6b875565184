"""Quality of the ranking: on the real judged pairs, divided into folds, and on the samples with and without texts."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl
import pytest
from places import SAMPLES

from matching.intake.judgements import read_judgements
from matching.intake.reading import Reading, read_file
from matching.pipeline import evaluate, score
from matching.ranking.evaluation import Quality, quality
from matching.settings import Settings

FOLDED: Final = ("unseen", "unseen_by_id", "seen")
# What a list of titles lacks.
ACHIEVEMENT_TEXTS: Final = ("summary", "application", "figures", "keywords")
DEMAND_TEXTS: Final = ("problem", "targets", "expected", "tried", "keywords")


@pytest.fixture(scope="module")
def measured(judged_pairs: Path) -> dict[str, Quality]:
    demands = read_file(judged_pairs / "demands.csv", "demands").frame
    achievements = read_file(judged_pairs / "achievements.csv", "achievements").frame
    return evaluate(demands, achievements, read_judgements(judged_pairs / "judgements.csv", Settings()), folds=True)


def test_all_orders_are_measured_on_the_same_pairs(measured: dict[str, Quality]) -> None:
    assert list(measured) == ["bm25", "tf_idf", "retrieval", "model", *FOLDED]
    assert {each.pairs for each in measured.values()} == {7376}
    assert {each.demands for each in measured.values()} == {228}


@pytest.mark.parametrize(("name", "least"), [("unseen_by_id", 0.75), ("unseen", 0.73)])
def test_order_of_demands_that_are_held_out(measured: dict[str, Quality], name: str, least: float) -> None:
    assert measured[name].ndcg_at_10 >= least


def test_levels_of_pairs_that_are_held_out(measured: dict[str, Quality]) -> None:
    task_score = measured["seen"].task_score
    assert task_score is not None
    assert task_score >= 0.76


@pytest.mark.parametrize("name", FOLDED)
def test_probabilities_mean_what_they_say(measured: dict[str, Quality], name: str) -> None:
    error = measured[name].calibration_error
    assert error is not None
    assert error <= 0.03


@pytest.mark.parametrize("name", FOLDED)
@pytest.mark.parametrize("plain", ["bm25", "tf_idf"])
def test_better_than_plain_methods(measured: dict[str, Quality], name: str, plain: str) -> None:
    assert measured[name].ndcg_at_10 > measured[plain].ndcg_at_10
    assert measured[name].mean_average_precision > measured[plain].mean_average_precision


def test_plain_methods_know_no_levels(measured: dict[str, Quality]) -> None:
    for name in ("bm25", "tf_idf", "retrieval"):
        assert measured[name].task_score is None
        assert measured[name].calibration_error is None


def test_an_interval_holds_its_measure(measured: dict[str, Quality]) -> None:
    for each in measured.values():
        low, high = each.interval
        assert low < each.ndcg_at_10 < high


def without(frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """The same records, which say nothing in some columns."""
    return frame.with_columns(
        (pl.lit([], frame.schema[name]) if frame.schema[name] == pl.List(pl.String()) else pl.lit("")).alias(name)
        for name in columns
    )


@pytest.fixture(scope="module")
def judged_samples() -> pl.DataFrame:
    return read_judgements(SAMPLES / "judgements.csv", Settings())


def ndcg_of(demands: pl.DataFrame, achievements: pl.DataFrame, judged: pl.DataFrame) -> float:
    """nDCG@10 of the scores of the judged pairs, of which no judgement is known."""
    scores = score(demands, achievements, judged.select("demand_id", "achievement_id"))["score"]
    return quality(judged.with_columns(score=scores)).ndcg_at_10


@pytest.fixture(scope="module")
def with_texts(sample_demands: Reading, sample_achievements: Reading, judged_samples: pl.DataFrame) -> float:
    return ndcg_of(sample_demands.frame, sample_achievements.frame, judged_samples)


def test_whole_texts_of_achievements_pay(
    with_texts: float, sample_demands: Reading, sample_achievements: Reading, judged_samples: pl.DataFrame
) -> None:
    titles = without(sample_achievements.frame, ACHIEVEMENT_TEXTS)
    assert titles["summary"].unique().to_list() == [""]
    assert with_texts > ndcg_of(sample_demands.frame, titles, judged_samples)


def test_whole_texts_of_demands_pay(
    with_texts: float, sample_demands: Reading, sample_achievements: Reading, judged_samples: pl.DataFrame
) -> None:
    titles = without(sample_demands.frame, DEMAND_TEXTS)
    assert titles["keywords"].list.len().max() == 0
    assert with_texts > ndcg_of(titles, sample_achievements.frame, judged_samples)
