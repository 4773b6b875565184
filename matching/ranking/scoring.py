"""Scores and levels of pairs: features, level model, what judgements move, and all of it taken apart again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from matching.fields.terms import normalised_texts
from matching.ranking import levels
from matching.ranking.features import Features, Pairs, Titles, features_of
from matching.ranking.learning import Alikeness, Family, Learned, alikeness, families, learn
from matching.ranking.levels import LevelModel
from matching.ranking.vectors import Vectors
from matching.ranking.weights import Likeness


@dataclass(frozen=True)
class Scored:
    """Pairs with their scores and how these came about.

    `reached` (pairs x 3) are the probabilities of reaching the levels 2, 3 and 4 after learning, `unlimited` the sums
    that they come from; `score` 0–1 and `level` 1–4 follow from them. `judged` has the level of a judged pair, 0 for
    the others.
    """

    pairs: Pairs
    features: Features
    standardised: np.ndarray
    judged: np.ndarray
    alike: Alikeness
    families: list[Family]
    learned: Learned
    unlimited: np.ndarray
    reached: np.ndarray
    score: np.ndarray
    level: np.ndarray


def titles_of(demands: pl.DataFrame, achievements: pl.DataFrame) -> Titles:
    """Titles of both lists by id, normalised and without white space."""
    sides = (demands.sort("demand_id")["title"], achievements.sort("achievement_id")["title"])
    first, second = (normalised_texts(side).str.replace_all(r"\s", "").to_list() for side in sides)
    return first, second


def places_of(vectors: Vectors, pairs: pl.DataFrame) -> tuple[Pairs, np.ndarray]:
    """Pairs of a frame (demand_id, achievement_id) in the vectors, and which of its rows these are.

    Pairs of which a side is not in the vectors are left out.
    """
    row_of = {identity: row for row, identity in enumerate(vectors.demand_ids)}
    column_of = {identity: column for column, identity in enumerate(vectors.achievement_ids)}
    rows = np.array([row_of.get(identity, -1) for identity in pairs["demand_id"]], dtype=np.int64)
    columns = np.array([column_of.get(identity, -1) for identity in pairs["achievement_id"]], dtype=np.int64)
    known = np.flatnonzero((rows >= 0) & (columns >= 0))
    return Pairs(rows[known], columns[known]), known


def with_judged(pairs: Pairs, judged: Pairs, judged_levels: np.ndarray) -> tuple[Pairs, np.ndarray]:
    """Pairs and judged pairs together, each once, by demand and achievement, with its level or 0.

    Of two judgements of one pair the later row counts.
    """
    level_of = dict(zip(_keys(judged), judged_levels.tolist(), strict=True))
    both = np.array(sorted({*_keys(pairs), *level_of}), dtype=np.int64).reshape(-1, 2)
    found = np.array([level_of.get((row, column), 0) for row, column in both.tolist()], dtype=np.int64)
    return Pairs(both[:, 0], both[:, 1]), found


def _keys(pairs: Pairs) -> list[tuple[int, int]]:
    return list(zip(pairs.demands.tolist(), pairs.achievements.tolist(), strict=True))


def place_in(pairs: Pairs, wanted: Pairs) -> np.ndarray:
    """Where wanted pairs stand among pairs that are in order and hold them all."""
    width = 1 + max(pairs.achievements.max(initial=0), wanted.achievements.max(initial=0))
    keys = pairs.demands * width + pairs.achievements
    return np.asarray(np.searchsorted(keys, wanted.demands * width + wanted.achievements))


def score_pairs(
    vectors: Vectors,
    titles: Titles,
    pairs: Pairs,
    lists: Pairs,
    judged: np.ndarray,
    model: LevelModel,
    likeness: Likeness,
) -> Scored:
    """Score pairs, each given once, of which some are judged (`judged` 1–4, else 0), beside the demands' own lists."""
    return judge(vectors, pairs, features_of(vectors, titles, pairs, lists), judged, model, likeness)


def judge(
    vectors: Vectors, pairs: Pairs, features: Features, judged: np.ndarray, model: LevelModel, likeness: Likeness
) -> Scored:
    """Score pairs of which the features are known."""
    standardised = model.standardised(features)
    before = levels.reached(model, standardised)
    alike = alikeness(vectors, pairs, standardised, likeness)
    known = families(alike, judged)
    learned = learn(alike, known, before, judged)
    unlimited = before + learned.moves
    after = levels.proper(unlimited)
    return Scored(
        pairs=pairs,
        features=features,
        standardised=standardised,
        judged=judged,
        alike=alike,
        families=known,
        learned=learned,
        unlimited=unlimited,
        reached=after,
        score=levels.score_of(after),
        level=levels.level_of(after),
    )
