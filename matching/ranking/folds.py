"""Measuring without fooling oneself: every pair is scored by a model and judgements that know nothing of it.

*Unseen*: demands whose texts are near each other stay in one fold, so that a demand published twice does not teach
itself. *Unseen by id*: each demand in a fold of its own, as the public figures are measured; a twin may be in training.
*Seen*: folds over pairs, stratified by level; the other judgements of a demand are known, as in the public task.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from sklearn.model_selection import GroupKFold, StratifiedKFold

from matching.ranking.features import Features, Pairs
from matching.ranking.learning import alikeness, connected
from matching.ranking.levels import LevelModel
from matching.ranking.scoring import Scored, judge
from matching.ranking.vectors import Vectors
from matching.ranking.weights import Likeness

FOLDS: Final = 5
_SEED: Final = 0


def unseen(vectors: Vectors, pairs: Pairs, near: float) -> np.ndarray:
    """Fold of each pair, those of demands near each other in one; `ValueError` where all are of one family."""
    return _grouped(families_of_demands(vectors, pairs, near))


def families_of_demands(vectors: Vectors, pairs: Pairs, near: float) -> np.ndarray:
    """For each pair the number of its demand's family: of those that near texts connect."""
    demands = np.unique(pairs.demands)
    alike = alikeness(vectors, pairs, np.zeros((len(pairs), 1)), Likeness(near, 0.0, 0.0, 0.0, 1.0))
    return np.asarray(connected(alike, demands)[np.searchsorted(demands, pairs.demands)])


def unseen_by_id(pairs: Pairs) -> np.ndarray:
    """Fold of each pair, those of a demand in one."""
    return _grouped(pairs.demands)


def _grouped(groups: np.ndarray) -> np.ndarray:
    splits = GroupKFold(min(FOLDS, len(np.unique(groups))), shuffle=True, random_state=_SEED)
    return _places(splits.split(groups, groups=groups), len(groups))


def seen(levels: np.ndarray) -> np.ndarray:
    """Fold of each pair, every level spread evenly."""
    return _places(StratifiedKFold(FOLDS, shuffle=True, random_state=_SEED).split(levels, levels), len(levels))


def _places(splits: object, height: int) -> np.ndarray:
    found = np.zeros(height, dtype=np.int64)
    for fold, (_, held_out) in enumerate(splits):  # type: ignore[arg-type, var-annotated]
        found[held_out] = fold
    return found


def by_folds(
    vectors: Vectors,
    pairs: Pairs,
    features: Features,
    judged: np.ndarray,
    folds: np.ndarray,
    likeness: Likeness,
    learn_model: Callable[[np.ndarray], LevelModel],
) -> tuple[np.ndarray, np.ndarray]:
    """Scores (0–1) and probabilities of reaching the levels 2, 3, 4 of all pairs, each fold by what the others teach.

    `learn_model` gets the places of the pairs to learn from.
    """
    score, reached = np.zeros(len(pairs)), np.zeros((len(pairs), 3))
    for fold in np.unique(folds):
        held_out = folds == fold
        model = learn_model(np.flatnonzero(~held_out))
        found: Scored = judge(vectors, pairs, features, np.where(held_out, 0, judged), model, likeness)
        score[held_out], reached[held_out] = found.score[held_out], found.reached[held_out]
    return score, reached
