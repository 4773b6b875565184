"""Given pairs are scored, and the ranking is measured on judged ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from matching.errors import CallError, Problem
from matching.pipeline.ranking import no_judgements, placed
from matching.progress import Progress
from matching.ranking.baselines import bm25, tf_idf
from matching.ranking.evaluation import Quality, quality
from matching.ranking.features import Features, Pairs, features_of, given_lists, products
from matching.ranking.folds import FOLDS, by_folds, families_of_demands, seen, unseen, unseen_by_id
from matching.ranking.levels import Examples, LevelModel, fit, level_of, load_model, together
from matching.ranking.scoring import judge, place_in, places_of, titles_of, with_judged
from matching.ranking.vectors import Vectors, weighted_parts
from matching.ranking.weights import Weights, load_weights
from matching.schema import JUDGEMENTS


def score(
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    pairs: pl.DataFrame,
    judgements: pl.DataFrame | None = None,
    *,
    weights: Weights | None = None,
    model: LevelModel | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Score given pairs (columns demand_id, achievement_id): adds score (0–1) and level (1–4), rows in their order.

    Judgements (`schema.JUDGEMENTS`) are learned from, but no pair's own judgement is used for the pair. The pairs of a
    demand, given and judged, are its list. A pair of which a record is not there scores 0, at level 1.
    """
    weights, model = weights or load_weights(), model or load_model()
    judgements = no_judgements() if judgements is None else judgements
    examined = examine(demands, achievements, pairs, judgements, weights, progress)
    found = judge(examined.vectors, examined.pairs, examined.features, examined.judged, model, weights.likeness)
    places = place_in(examined.pairs, examined.wanted)
    scores, levels = np.zeros(pairs.height), np.ones(pairs.height, dtype=np.int64)
    scores[examined.known], levels[examined.known] = found.score[places], found.level[places]
    return pairs.with_columns(score=pl.Series(scores), level=pl.Series(levels))


def missing(demands: pl.DataFrame, achievements: pl.DataFrame, pairs: pl.DataFrame) -> int:
    """How many pairs name a demand or an achievement that is not there."""
    known = pairs.join(demands, on="demand_id", how="semi").join(achievements, on="achievement_id", how="semi")
    return pairs.height - known.height


@dataclass(frozen=True)
class Examined:
    """Given pairs and judged ones with their features, each once and in order.

    `wanted` are the given pairs as they came, without those of which a record is not there; `known` are the rows of
    these; `judged` has the level of a judged pair and 0 for the others.
    """

    vectors: Vectors
    wanted: Pairs
    known: np.ndarray
    pairs: Pairs
    features: Features
    judged: np.ndarray


def examine(
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    pairs: pl.DataFrame,
    judgements: pl.DataFrame,
    weights: Weights,
    progress: Progress | None = None,
) -> Examined:
    """Place both lists in the space and take the features of given pairs and of judged ones."""
    vectors = placed(demands, achievements, None, None, weights, progress)
    wanted, known = places_of(vectors, pairs)
    judged, rows = places_of(vectors, judgements)
    together, levels = with_judged(wanted, judged, judgements["level"].to_numpy()[rows])
    features = features_of(vectors, titles_of(demands, achievements), together, given_lists(vectors, together))
    return Examined(vectors, wanted, known, together, features, levels)


def examples(demands: pl.DataFrame, achievements: pl.DataFrame, judgements: pl.DataFrame) -> Examples:
    """What the level model learns from judged pairs (`schema.JUDGEMENTS`)."""
    found = examine(demands, achievements, judgements, judgements, load_weights())
    return Examples(found.features, found.judged)


def evaluate(
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    judgements: pl.DataFrame,
    *,
    folds: bool = False,
    weights: Weights | None = None,
    model: LevelModel | None = None,
    also: Examples | None = None,
    progress: Progress | None = None,
) -> dict[str, Quality]:
    """Quality of several orders of judged pairs (`schema.JUDGEMENTS`), by the name of the order.

    bm25 and tf_idf are plain, retrieval is the similarity of this program, model its level model as it stands. With
    folds the level model is learned anew in each, from the other folds and from `also`: unseen, unseen_by_id and seen
    (see `ranking.folds`). A judged achievement that is not among `achievements`, for want of a title, scores 0. Raises
    `CallError` for folds where there are too few demands or pairs of a level.
    """
    weights, model = weights or load_weights(), model or load_model()
    key = ["demand_id", "achievement_id"]
    given = judgements.select(JUDGEMENTS.keys()).unique(key, keep="last", maintain_order=True)
    found = examine(demands, achievements, given, given, weights, progress)
    texts = (
        weighted_parts(demands.sort("demand_id"), weights.parts["demands"]),
        weighted_parts(achievements.sort("achievement_id"), weights.parts["achievements"]),
    )
    measured = {
        "bm25": quality(scored(given, found, bm25(*texts, found.pairs))),
        "tf_idf": quality(scored(given, found, tf_idf(*texts, found.pairs))),
        "retrieval": quality(
            scored(given, found, products(found.vectors.demands, found.vectors.achievements, found.pairs))
        ),
    }
    unlearned = judge(found.vectors, found.pairs, found.features, np.zeros_like(found.judged), model, weights.likeness)
    measured["model"] = quality(scored(given, found, unlearned.score, unlearned.reached))
    for name, fold in fold_plans(found, weights).items() if folds else ():
        if progress:
            progress(f"fold_{name}", 0, 1)
        measured[name] = quality(scored(given, found, *score_folds(found, fold, weights, also)))
        if progress:
            progress(f"fold_{name}", 1, 1)
    return measured


def fold_plans(found: Examined, weights: Weights) -> dict[str, np.ndarray]:
    """The fold of each pair in each way of dividing them; `CallError` where there is too little to divide."""
    demands = len(np.unique(families_of_demands(found.vectors, found.pairs, weights.likeness.near)))
    rarest = int(np.bincount(found.judged, minlength=5)[1:].min())
    if min(demands, rarest) < FOLDS:
        raise CallError(
            Problem("call.too_few_for_folds", values={"folds": FOLDS, "demands": demands, "rarest": rarest})
        )
    return {
        "unseen": unseen(found.vectors, found.pairs, weights.likeness.near),
        "unseen_by_id": unseen_by_id(found.pairs),
        "seen": seen(found.judged),
    }


def score_folds(
    found: Examined, folds: np.ndarray, weights: Weights, also: Examples | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of judged pairs and their probabilities of reaching the levels 2, 3 and 4, each fold by the others."""

    def learn_model(places: np.ndarray) -> LevelModel:
        chosen = Features(found.features.names, found.features.values[places])
        return fit(together(Examples(chosen, found.judged[places]), also), weights.strength, "")

    return by_folds(found.vectors, found.pairs, found.features, found.judged, folds, weights.likeness, learn_model)


def scored(
    judgements: pl.DataFrame, found: Examined, scores: np.ndarray, reached: np.ndarray | None = None
) -> pl.DataFrame:
    """Judgements with scores and, where they are known, levels; what is not in the space comes last, at level 1."""
    places = place_in(found.pairs, found.wanted)

    def spread(values: np.ndarray, missing: float) -> pl.Series:
        whole = np.full(judgements.height, missing)
        whole[found.known] = values[places]
        return pl.Series(whole)

    table = judgements.with_columns(score=spread(scores, 0.0))
    if reached is None:
        return table
    return table.with_columns(given_level=spread(level_of(reached), 1), reach_three=spread(reached[:, 1], 0.0))
