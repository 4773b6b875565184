"""Folds: what is held out stays unknown to the model and to the judgements that are learned from."""

from __future__ import annotations

from math import sqrt
from typing import Final

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from matching.ranking import folds as module
from matching.ranking.features import Features, Pairs
from matching.ranking.folds import FOLDS, by_folds, seen, unseen, unseen_by_id
from matching.ranking.levels import LevelModel
from matching.ranking.scoring import judge
from matching.ranking.vectors import Vectors
from matching.ranking.weights import Likeness

LIKENESS: Final = Likeness(near=0.5, demand=0.2, achievement=1.0, features=0.5, noise=1.0)
EVEN: Final = LevelModel("", ("words",), (0.0,), (1.0,), ((1.0,), (1.0,), (1.0,)), (1.0, 0.0, -1.0))


def space(demands: np.ndarray, achievements: np.ndarray) -> Vectors:
    """Vectors with nothing but characters."""
    width = demands.shape[1]
    return Vectors(
        demand_ids=tuple(f"D{place:03}" for place in range(len(demands))),
        achievement_ids=tuple(f"A{place:03}" for place in range(len(achievements))),
        demands=sp.csr_matrix(demands),
        achievements=sp.csr_matrix(achievements),
        demand_titles=sp.csr_matrix((len(demands), width)),
        achievement_titles=sp.csr_matrix((len(achievements), width)),
        starts=(0, width, width, width, width),
        names=np.array([*map(str, range(width))], dtype=object),
        rarity=np.zeros(width),
        shares=(1.0, 0.0, 0.0, 0.0),
        directions=np.zeros((0, width)),
    )


def chain(demands: int) -> np.ndarray:
    """Three demands each lie near the next of their three, the first and the third of them not: 1, 0.6, -0.28."""
    rows = np.zeros((demands, 2 * -(-demands // 3)))
    for place in range(demands):
        angle = place % 3
        rows[place, 2 * (place // 3) : 2 * (place // 3) + 2] = [(1, 0), (0.6, 0.8), (-0.28, 0.96)][angle]
    return rows


def each_with(demands: int, achievements: int) -> Pairs:
    rows, columns = np.indices((demands, achievements))
    return Pairs(rows.ravel(), columns.ravel())


def test_near_demands_stay_in_one_fold() -> None:
    """Also the ends of a chain, which are not near each other."""
    pairs = each_with(18, 2)
    found = unseen(space(chain(18), np.ones((2, 12))), pairs, 0.5)
    assert len(found) == 36
    for family in range(6):
        assert len(set(found[pairs.demands // 3 == family].tolist())) == 1
    assert set(found.tolist()) == set(range(FOLDS))


def test_what_is_near_decides() -> None:
    """Above the cosine of neighbours every demand is on its own."""
    pairs = each_with(18, 2)
    vectors = space(chain(18), np.ones((2, 12)))
    assert np.array_equal(unseen(vectors, pairs, 0.61), unseen_by_id(pairs))


@given(st.lists(st.integers(0, 3), min_size=8, max_size=20), st.integers(0, 5))
def test_random_near_demands_stay_in_one_fold(kinds: list[int], extra: int) -> None:
    """Demands of a kind are twins; the judged pairs are some of all."""
    rows = np.zeros((len(kinds), 4 + len(kinds)))
    rows[np.arange(len(kinds)), kinds] = 1.0
    rows[0] = rows[1] = 0.0
    rows[0, 4] = rows[1, 5] = 1.0
    pairs = each_with(len(kinds), 2).of(slice(extra, None))
    vectors = space(rows, np.ones((2, rows.shape[1])))
    if len({tuple(rows[row]) for row in pairs.demands.tolist()}) == 1:
        with pytest.raises(ValueError, match="n_splits"):
            unseen(vectors, pairs, 0.5)
        return
    found = unseen(vectors, pairs, 0.5)
    fold_of: dict[tuple[float, ...], set[int]] = {}
    for row, fold in zip(pairs.demands.tolist(), found.tolist(), strict=True):
        fold_of.setdefault(tuple(rows[row]), set()).add(fold)
    assert all(len(each) == 1 for each in fold_of.values())


@given(st.lists(st.integers(0, 9), min_size=2, max_size=60).filter(lambda each: len(set(each)) > 1))
def test_a_demand_stays_in_one_fold(demands: list[int]) -> None:
    pairs = Pairs(np.array(demands), np.arange(len(demands)))
    found = unseen_by_id(pairs)
    for demand in set(demands):
        assert len(set(found[pairs.demands == demand].tolist())) == 1
    assert set(found.tolist()) == set(range(min(FOLDS, len(set(demands)))))
    assert np.array_equal(found, unseen_by_id(pairs))


def test_levels_are_spread_evenly() -> None:
    levels = np.array([1] * 50 + [2] * 30 + [3] * 10 + [4] * 7)
    found = seen(levels)
    for level in (1, 2, 3, 4):
        counts = np.bincount(found[levels == level], minlength=FOLDS)
        assert counts.max() - counts.min() <= 1
    assert np.array_equal(found, seen(levels))


def made(levels: np.ndarray) -> tuple[Vectors, Pairs, Features]:
    """Six demands in two families of twins, four achievements each."""
    demands = np.repeat(np.eye(2), 3, axis=0)
    achievements = np.array([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8], [0.0, 1.0]])
    pairs = each_with(6, 4)
    values = np.random.default_rng(7).normal(size=(len(levels), 1))
    return space(demands, achievements), pairs, Features(("words",), values)


def test_the_model_learns_from_the_other_folds_alone() -> None:
    levels = np.tile([1, 2, 3, 4], 6)
    vectors, pairs, features = made(levels)
    folds = unseen_by_id(pairs)
    asked: list[list[int]] = []

    def recording(places: np.ndarray) -> LevelModel:
        asked.append(places.tolist())
        return EVEN

    by_folds(vectors, pairs, features, levels, folds, LIKENESS, recording)
    assert asked == [np.flatnonzero(folds != fold).tolist() for fold in sorted(set(folds.tolist()))]


@pytest.mark.parametrize("plan", ["unseen_by_id", "seen"])
def test_no_level_of_a_held_out_pair_is_learned_from(plan: str) -> None:
    """Whatever the held-out pairs of a fold are judged to be, their scores stay the same."""
    levels = np.tile([1, 2, 3, 4], 6)
    vectors, pairs, features = made(levels)
    folds = unseen_by_id(pairs) if plan == "unseen_by_id" else seen(levels)
    score, reached = by_folds(vectors, pairs, features, levels, folds, LIKENESS, lambda _: EVEN)
    for fold in set(folds.tolist()):
        held_out = folds == fold
        for other in (1, 4):
            changed = np.where(held_out, other, levels)
            again = by_folds(vectors, pairs, features, changed, folds, LIKENESS, lambda _: EVEN)
            assert np.array_equal(again[0][held_out], score[held_out])
            assert np.array_equal(again[1][held_out], reached[held_out])
            assert not np.array_equal(again[0], score)


def test_each_fold_is_scored_by_its_own_model_and_what_is_known() -> None:
    levels = np.tile([1, 2, 3, 4], 6)
    vectors, pairs, features = made(levels)
    folds = seen(levels)
    models = {
        len(levels) + place: LevelModel("", ("words",), (0.0,), (1.0,), ((place,),) * 3, (1.0, 0.0, -1.0))
        for place in range(FOLDS)
    }
    given_models = iter(models.values())
    score, reached = by_folds(vectors, pairs, features, levels, folds, LIKENESS, lambda _: next(given_models))
    for fold, model in enumerate(models.values()):
        held_out = folds == fold
        expected = judge(vectors, pairs, features, np.where(held_out, 0, levels), model, LIKENESS)
        assert np.array_equal(score[held_out], expected.score[held_out])
        assert np.array_equal(reached[held_out], expected.reached[held_out])
    assert (np.diff(reached, axis=1) <= 0).all()


def test_a_twin_in_another_fold_teaches() -> None:
    """Which is why near demands stay together: held out by id, a pair is moved by its twin's judgement."""
    levels = np.tile([4, 1, 1, 4], 6)
    vectors, pairs, features = made(levels)
    by_id, _ = by_folds(vectors, pairs, features, levels, unseen_by_id(pairs), LIKENESS, lambda _: EVEN)
    together, _ = by_folds(
        vectors, pairs, features, levels, unseen(vectors, pairs, LIKENESS.near), LIKENESS, lambda _: EVEN
    )
    unlearned = judge(vectors, pairs, features, np.zeros_like(levels), EVEN, LIKENESS)
    assert np.array_equal(together, unlearned.score)
    assert (by_id[levels == 4] > together[levels == 4]).mean() > 0.5
    assert by_id[levels == 4].mean() > by_id[levels == 1].mean() + sqrt(0.001)


def test_there_are_five_folds_with_a_fixed_seed() -> None:
    assert FOLDS == 5
    assert module._SEED == 0
