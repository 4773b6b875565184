"""Texts that are near each other, and whom a demand's judgements reach."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_learning import LIKENESS, Case, cases, cosine, plain_families, plain_near, space

from matching.ranking import nearness
from matching.ranking.nearness import cosines, family_numbers, learning_demands, near_demands

CLOSE: Final = 1e-9


@given(cases(), st.integers(1, 3))
def test_near_demands_are_those_with_a_cosine(case: Case, size: int) -> None:
    vectors, everyone = space(case.demands, case.achievements), np.arange(len(case.demands))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearness, "_DEMANDS_AT_A_TIME", size)
        found = near_demands(vectors, everyone, everyone[::-1], LIKENESS.near).toarray()
    expected = [[plain_near(case, one, other) for other in everyone[::-1]] for one in everyone]
    assert found.tolist() == expected
    # Of those that have pairs: another one would connect what is not connected without it.
    paired = np.unique(case.pairs.demands)
    numbers = dict(zip(paired.tolist(), family_numbers(vectors, paired, LIKENESS.near).tolist(), strict=True))
    families = plain_families(replace(case, levels=np.ones_like(case.levels)))
    for family in families:
        assert len({numbers[demand] for demand in family}) == 1
    assert len(set(numbers.values())) == len(families)


@given(cases())
def test_cosines_of_rows(case: Case) -> None:
    vectors = space(case.demands, case.achievements)
    first, second = np.arange(len(case.demands)).repeat(2), np.arange(len(case.demands))[::-1]
    found = cosines(vectors.demands, vectors.block("characters").stop, first, second)
    expected = [[cosine(case.demands[one], case.demands[other]) for other in second] for one in first]
    np.testing.assert_allclose(found, expected, rtol=0, atol=CLOSE)


@given(cases(), st.data())
def test_who_learns_holds_all_whose_pairs_move_otherwise(case: Case, data: st.DataObject) -> None:
    """One demand's judgements become others: no pair of a demand that is not named moves by another amount."""
    changed = data.draw(st.sampled_from(sorted(set(case.pairs.demands.tolist()))))
    of_changed = case.pairs.demands == changed
    levels = case.levels.copy()
    levels[of_changed] = data.draw(
        st.lists(st.integers(0, 4), min_size=int(of_changed.sum()), max_size=int(of_changed.sum()))
    )
    judged = np.unique(case.pairs.demands[(case.levels > 0) | (levels > 0)])
    vectors = space(case.demands, case.achievements)
    named = learning_demands(vectors, judged, LIKENESS.near, np.array([changed]))
    assert named.tolist() == sorted(set(named.tolist()))
    assert changed in named
    before, after = case.learned().moves, replace(case, levels=levels).learned().moves
    others = np.abs(before - after).max(axis=1) > CLOSE
    assert set(case.pairs.demands[others].tolist()) <= set(named.tolist())


# Each near to the one before and the one after it alone: cosine 0.7, over two steps 0.49.
STEP: Final = sqrt(1 - 0.49)
CHAIN: Final = np.array(
    [
        [1.0, 0.0, 0.0, 0.0, 0.0],
        [0.7, STEP, 0.0, 0.0, 0.0],
        [0.49, 0.7 * STEP, STEP, 0.0, 0.0],
        [0.0, 0.0, 0.0, 1.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 1.0],
        [0.0, 0.0, 0.0, 0.0, 0.0],
    ]
)


@pytest.mark.parametrize(
    ("judged", "changed", "learning"),
    [
        # What is judged of 0 reaches 1; where 1 is judged as well, they are one family, that 2 is near to.
        ([0], [0], [0, 1]),
        ([0, 1], [0], [0, 1, 2]),
        ([0, 1, 3], [3], [3]),
        # A demand that teaches nobody is ranked anew alone, one that says nothing too.
        ([0], [1], [1]),
        ([0], [5], [5]),
        ([], [2, 4], [2, 4]),
        ([0, 3], [3, 0, 4], [0, 1, 3, 4]),
        ([0, 1], [], []),
    ],
)
def test_who_learns_by_hand(judged: list[int], changed: list[int], learning: list[int]) -> None:
    vectors = space(CHAIN, np.ones((1, 5)))
    rows = [np.array(each, dtype=np.int64) for each in (judged, changed)]
    assert learning_demands(vectors, rows[0], LIKENESS.near, rows[1]).tolist() == learning
