"""Quality of an order against judgements: nDCG@10, MAP, error of levels, calibration.

Levels are 1 (无) to 4 (强相关). Each demand's judged achievements are put in order; nDCG and MAP are means over the
demands that have any achievement above level 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

_SEED: Final = 0
_DRAWS: Final = 2_000
_GROUPS: Final = 10


@dataclass(frozen=True)
class Quality:
    """Measures of one order, 0–1, and how many demands and pairs they rest on.

    `interval` is the 95 % bootstrap interval of nDCG@10. `task_score` is 1 / (1 + mean absolute error of the levels),
    `calibration_error` that of the probability of 强 or 较强; both None for an order without levels.
    """

    ndcg_at_10: float
    interval: tuple[float, float]
    mean_average_precision: float
    task_score: float | None
    calibration_error: float | None
    demands: int
    pairs: int


def gain(levels: np.ndarray) -> np.ndarray:
    """2^(level - 1) - 1: 0, 1, 3, 7 for the levels 1 to 4 (Burges et al. 2005, shifted to start at level 1)."""
    return np.exp2(levels - 1.0) - 1.0


def ndcg(levels: np.ndarray, k: int) -> float:
    """Normalised discounted cumulative gain of levels in ranked order (Järvelin & Kekäläinen 2002, log2)."""
    discount = 1.0 / np.log2(np.arange(2, min(k, len(levels)) + 2))
    best = np.sort(levels)[::-1]
    return float((gain(levels)[:k] @ discount) / (gain(best)[:k] @ discount))


def average_precision(relevant: np.ndarray) -> float:
    """Mean, over the relevant places of a ranked order, of the precision down to that place."""
    places = np.flatnonzero(relevant)
    return float(np.mean(np.arange(1, len(places) + 1) / (places + 1)))


def quality(scored: pl.DataFrame, k: int = 10) -> Quality:
    """Measures of scored judgements.

    `scored` has demand_id, achievement_id, level (1–4), score, and where levels were predicted given_level (1–4) and
    reach_three (probability of level 3 or 4). Higher scores come first, ties by achievement id. For MAP an achievement
    is relevant above level 1, where its gain begins.
    """
    ordered = scored.sort("demand_id", pl.col("score").neg(), "achievement_id")
    lists = [group["level"].to_numpy() for group in ordered.partition_by("demand_id", maintain_order=True)]
    judged = [levels for levels in lists if levels.max() > 1]
    gains = np.array([ndcg(levels, k) for levels in judged])
    precisions = [average_precision(levels > 1) for levels in judged]
    with_levels = "given_level" in scored.columns
    return Quality(
        ndcg_at_10=float(gains.mean()) if judged else float("nan"),
        interval=bootstrap_interval(gains),
        mean_average_precision=float(np.mean(precisions)) if judged else float("nan"),
        task_score=task_score(scored["level"].to_numpy(), scored["given_level"].to_numpy()) if with_levels else None,
        calibration_error=float(calibration(scored)["gap"].sum()) if with_levels else None,
        demands=len(judged),
        pairs=scored.height,
    )


def bootstrap_interval(values: np.ndarray) -> tuple[float, float]:
    """95 % percentile interval of the mean (Efron 1979), from draws with a fixed seed; not a number for no value."""
    if not len(values):
        return float("nan"), float("nan")
    draws = np.random.default_rng(_SEED).integers(0, len(values), (_DRAWS, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def task_score(levels: np.ndarray, given: np.ndarray) -> float:
    """1 / (1 + MAE), as the public task of CCF BDCI 2019 scores levels."""
    return float(1.0 / (1.0 + np.abs(levels - given).mean()))


def calibration(scored: pl.DataFrame) -> pl.DataFrame:
    """Reliability of reach_three in ten groups of equal size, by rising probability.

    Columns: predicted and seen (means, 0–1), pairs, gap (their difference times the group's share of all pairs). The
    gaps sum to the expected calibration error (Naeini, Cooper & Hauskrecht 2015, with equal groups).
    """
    place = pl.int_range(pl.len()) * _GROUPS // pl.len()
    return (
        scored.select("reach_three", "achievement_id", seen=pl.col("level") >= 3)
        .sort("reach_three", "achievement_id")
        .group_by(group=place, maintain_order=True)
        .agg(predicted=pl.col("reach_three").mean(), seen=pl.col("seen").mean(), pairs=pl.len())
        .with_columns(gap=(pl.col("predicted") - pl.col("seen")).abs() * pl.col("pairs") / scored.height)
        .drop("group")
    )
