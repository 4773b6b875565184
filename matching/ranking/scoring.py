"""Scores and levels of pairs: features, level model, what judgements move, and all of it taken apart again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy.special import expit

from matching.fields.terms import normalised_texts
from matching.ranking import levels
from matching.ranking.compiled.pairs import weighed
from matching.ranking.features import Features, Pairs, Titles
from matching.ranking.learning import Alikeness, Family, Learned, alikeness, families, families_near, learn
from matching.ranking.levels import LevelModel
from matching.ranking.vectors import Vectors
from matching.ranking.weights import Likeness


@dataclass(frozen=True)
class Scored:
    """Pairs with their scores and how these came about.

    `reached` (pairs x 3) are the probabilities of reaching the levels 2, 3 and 4 after learning, `unlimited` the sums
    that they come from; `score` 0–1 and `level` 1–4 follow from them. The pairs of `alike` are these pairs and, after
    them, judged ones of other demands that they learn from; the rows of `standardised`, `judged` (the level of a judged
    pair, 0 for the others) and the places in `families` and `learned` are theirs.
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


@dataclass(frozen=True)
class Taught:
    """Judged pairs by demand and achievement, scored once for all that learn from them.

    `reached` are the level model's probabilities, before learning; the places in `families` are among these pairs.
    """

    pairs: Pairs
    levels: np.ndarray
    standardised: np.ndarray
    reached: np.ndarray
    families: list[Family]


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
    width = 1 + max(pairs.achievements.max(initial=0), judged.achievements.max(initial=0))
    asked, said = (each.demands * width + each.achievements for each in (pairs, judged))
    keys, newest = np.unique(said[::-1], return_index=True)
    both = np.union1d(asked, keys)
    found = np.zeros(len(both), dtype=np.int64)
    found[np.searchsorted(both, keys)] = judged_levels[::-1][newest]
    return Pairs(both // width, both % width), found


def place_in(pairs: Pairs, wanted: Pairs) -> np.ndarray:
    """Where wanted pairs stand among pairs that are in order and hold them all."""
    width = 1 + max(pairs.achievements.max(initial=0), wanted.achievements.max(initial=0))
    keys = pairs.demands * width + pairs.achievements
    return np.asarray(np.searchsorted(keys, wanted.demands * width + wanted.achievements))


def judge(
    vectors: Vectors, pairs: Pairs, features: Features, judged: np.ndarray, model: LevelModel, likeness: Likeness
) -> Scored:
    """Score pairs, each given once, of which the features are known; some are judged (`judged` 1–4, else 0)."""
    standardised = np.ascontiguousarray(model.standardised(features))
    alike = alikeness(vectors, pairs, standardised, likeness)
    return _scored(features, model_reached(model, standardised), judged, alike, families(alike, judged))


def model_reached(model: LevelModel, standardised: np.ndarray) -> np.ndarray:
    """Probabilities of reaching the levels 2, 3 and 4, whatever pairs stand beside a pair the same to the last bit."""
    logits = weighed(standardised, model.weights, np.array(model.intercepts))
    return np.asarray(np.minimum.accumulate(expit(logits), axis=1))


def teach(
    vectors: Vectors, pairs: Pairs, features: Features, judged: np.ndarray, model: LevelModel, likeness: Likeness
) -> Taught:
    """What judged pairs (`judged` 1–4) teach those that are scored later."""
    standardised = np.ascontiguousarray(model.standardised(features))
    known = families(alikeness(vectors, pairs, standardised, likeness), judged)
    return Taught(pairs, judged, standardised, model_reached(model, standardised), known)


def judge_some(
    vectors: Vectors, pairs: Pairs, features: Features, taught: Taught, model: LevelModel, likeness: Likeness
) -> Scored:
    """Score all pairs that are asked of some demands, with what they were `taught`, by demand and achievement.

    The pairs hold all that are judged of their demands; their scores are those that `judge` gives them among all.
    """
    demands = np.unique(pairs.demands)
    near = families_near(vectors, demands, taught.families, likeness.near).any(axis=0)
    known = [taught.families[place] for place in np.flatnonzero(near)]
    own = np.isin(taught.pairs.demands, demands)
    needed = np.zeros(len(own), dtype=bool)
    for family in known:
        needed[family.judged] = True
    others = np.flatnonzero(needed & ~own)
    # Where the judged pairs stand among the pairs here.
    place = np.full(len(own), -1)
    place[own] = place_in(pairs, taught.pairs.of(own))
    place[others] = len(pairs) + np.arange(len(others))
    judged = np.zeros(len(pairs) + len(others), dtype=np.int64)
    judged[place[own]], judged[len(pairs) :] = taught.levels[own], taught.levels[others]
    standardised = np.ascontiguousarray(model.standardised(features))
    reached = np.concatenate([model_reached(model, standardised), taught.reached[others]])
    beside = taught.pairs.of(others)
    every = Pairs(
        np.concatenate([pairs.demands, beside.demands]), np.concatenate([pairs.achievements, beside.achievements])
    )
    alike = alikeness(vectors, every, np.concatenate([standardised, taught.standardised[others]]), likeness)
    return _scored(features, reached, judged, alike, [replace(each, judged=place[each.judged]) for each in known])


def _scored(
    features: Features, before: np.ndarray, judged: np.ndarray, alike: Alikeness, known: list[Family]
) -> Scored:
    count = len(features.values)
    learned = learn(alike, known, before, judged, count)
    unlimited = before[:count] + learned.moves
    after = levels.proper(unlimited)
    return Scored(
        pairs=alike.pairs.of(slice(count)),
        features=features,
        standardised=alike.standardised,
        judged=judged,
        alike=alike,
        families=known,
        learned=learned,
        unlimited=unlimited,
        reached=after,
        score=levels.score_of(after),
        level=levels.level_of(after),
    )
