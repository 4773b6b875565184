"""Quality of an order against judgements: nDCG@10 and MAP.

Levels are 1 (无) to 4 (强相关). Each demand's judged achievements are put in order; the measures are means over the
demands that have any achievement above level 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Quality:
    """Measures of one order, 0–1, and how many demands and pairs they rest on."""

    ndcg_at_10: float
    mean_average_precision: float
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

    `scored` has demand_id, achievement_id, level (1–4), score. Higher scores come first, ties by achievement
    id. For MAP an achievement is relevant above level 1, where its gain begins.
    """
    ordered = scored.sort("demand_id", pl.col("score").neg(), "achievement_id")
    lists = [group["level"].to_numpy() for group in ordered.partition_by("demand_id", maintain_order=True)]
    judged = [levels for levels in lists if levels.max() > 1]
    if not judged:
        return Quality(float("nan"), float("nan"), 0, scored.height)
    return Quality(
        ndcg_at_10=float(np.mean([ndcg(levels, k) for levels in judged])),
        mean_average_precision=float(np.mean([average_precision(levels > 1) for levels in judged])),
        demands=len(judged),
        pairs=scored.height,
    )
