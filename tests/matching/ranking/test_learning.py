"""What judgements move: against a Gaussian process written with loops and fitted anew for every pair."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt
from typing import Final

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import assume, given
from hypothesis import strategies as st

from matching.ranking.features import Pairs
from matching.ranking.learning import (
    Alikeness,
    Learned,
    alikeness,
    families,
    learn,
    move_at_once,
    still_open,
)
from matching.ranking.levels import STEPS
from matching.ranking.vectors import Vectors
from matching.ranking.weights import Likeness, load_weights

EXACT: Final = 1e-12
CLOSE: Final = 1e-9
LIKENESS: Final = Likeness(near=0.5, demand=0.2, achievement=1.0, features=0.5, noise=1.0)


@dataclass(frozen=True)
class Case:
    """Dense rows of demands and achievements, pairs, features, probabilities before learning, levels (0: none)."""

    demands: np.ndarray
    achievements: np.ndarray
    pairs: Pairs
    standardised: np.ndarray
    reached: np.ndarray
    levels: np.ndarray
    likeness: Likeness = LIKENESS

    def alike(self) -> Alikeness:
        return alikeness(space(self.demands, self.achievements), self.pairs, self.standardised, self.likeness)

    def learned(self) -> Learned:
        alike = self.alike()
        return learn(alike, families(alike, self.levels), self.reached, self.levels)


def space(demands: np.ndarray, achievements: np.ndarray) -> Vectors:
    """Vectors of which characters are all but the last column, a field, which learning does not look at."""
    width = demands.shape[1]
    sides = [np.hstack([side, np.full((len(side), 1), 9.0)]) for side in (demands, achievements)]
    return Vectors(
        demand_ids=tuple(f"D{place:03}" for place in range(len(demands))),
        achievement_ids=tuple(f"A{place:03}" for place in range(len(achievements))),
        demands=sp.csr_matrix(sides[0]),
        achievements=sp.csr_matrix(sides[1]),
        demand_titles=sp.csr_matrix((len(demands), width)),
        achievement_titles=sp.csr_matrix((len(achievements), width)),
        starts=(0, width, width, width, width + 1),
        names=np.array([*map(str, range(width)), "T:1"], dtype=object),
        rarity=np.zeros(width + 1),
        shares=(0.9, 0.0, 0.0, 0.1),
        directions=np.zeros((0, width)),
    )


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    product = sum(a * b for a, b in zip(first, second, strict=True))
    lengths = sqrt(sum(a * a for a in first) * sum(b * b for b in second))
    return product / lengths if lengths else 0.0


def plain_covariance(case: Case, first: int, second: int) -> float:
    """How alike two pairs are, from the formula."""
    weights, pairs = case.likeness, case.pairs
    demand = cosine(case.demands[pairs.demands[first]], case.demands[pairs.demands[second]])
    achievement = cosine(case.achievements[pairs.achievements[first]], case.achievements[pairs.achievements[second]])
    rows = case.standardised[first], case.standardised[second]
    distance = sum((a - b) ** 2 for a, b in zip(*rows, strict=True))
    features = exp(-distance / (4 * len(rows[0])))
    return float(demand**2 * (weights.demand + weights.achievement * achievement + weights.features * features))


def plain_near(case: Case, first: int, second: int) -> bool:
    return cosine(case.demands[first], case.demands[second]) >= case.likeness.near - 1e-12


def plain_families(case: Case) -> list[set[int]]:
    """Demands with judged pairs, those that near ones connect together."""
    found: list[set[int]] = []
    for demand in sorted({int(each) for each in case.pairs.demands[case.levels > 0]}):
        near = [family for family in found if any(plain_near(case, demand, other) for other in family)]
        found = [family for family in found if family not in near] + [{demand}.union(*near)]
    return found


def plain_moves(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Moves and amounts of every pair, each by processes fitted to all judgements but the pair's own."""
    count = len(case.pairs)
    covariance = np.array([[plain_covariance(case, a, b) for b in range(count)] for a in range(count)])
    moves, amounts = np.zeros((count, 3)), np.zeros((count, count))
    for family in plain_families(case):
        judged = [each for each in range(count) if case.levels[each] > 0 and case.pairs.demands[each] in family]
        for pair in range(count):
            others = [each for each in judged if each != pair]
            if not others or not any(plain_near(case, case.pairs.demands[pair], demand) for demand in family):
                continue
            known = covariance[np.ix_(others, others)] + case.likeness.noise * np.eye(len(others))
            said = np.array([[float(case.levels[each] >= level) for level in (2, 3, 4)] for each in others])
            weights = np.linalg.solve(known, said - case.reached[others])
            moves[pair] += covariance[pair, others] @ weights
            for place, each in enumerate(others):
                amounts[pair, each] = covariance[pair, each] * sum(
                    weights[place, step] * share for step, share in enumerate((1 / 7, 2 / 7, 4 / 7))
                )
    return moves, amounts


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Up to five demands, some of them empty and some twins; about half of the pairs are judged."""
    counts = st.sampled_from([0, 0, 1, 2])
    demands = draw(st.lists(st.lists(counts, min_size=3, max_size=3), min_size=1, max_size=5))
    achievements = draw(st.lists(st.lists(counts, min_size=3, max_size=3), min_size=1, max_size=4))
    places = [(row, column) for row in range(len(demands)) for column in range(len(achievements))]
    chosen = np.array(sorted(draw(st.lists(st.sampled_from(places), min_size=1, max_size=12, unique=True))))
    count = len(chosen)
    value = st.sampled_from([-2.0, -0.5, 0.0, 1.0])
    rows = draw(st.lists(st.lists(value, min_size=2, max_size=2), min_size=count, max_size=count))
    before = draw(st.lists(st.lists(st.integers(0, 10), min_size=3, max_size=3), min_size=count, max_size=count))
    levels = draw(st.lists(st.sampled_from([0, 0, 1, 2, 3, 4]), min_size=count, max_size=count))
    case = Case(
        demands=np.array(demands, dtype=np.float64),
        achievements=np.array(achievements, dtype=np.float64),
        pairs=Pairs(chosen[:, 0], chosen[:, 1]),
        standardised=np.array(rows),
        reached=-np.sort(-np.array(before) / 10, axis=1),
        levels=np.array(levels),
    )
    near = (cosine(a, b) for a in case.demands for b in case.demands)
    # At the border itself rounding decides.
    assume(all(abs(each - case.likeness.near) > 1e-9 for each in near))
    return case


@given(cases())
def test_likeness_is_the_formula(case: Case) -> None:
    places = np.arange(len(case.pairs))
    found = case.alike().between(places, places)
    expected = [[plain_covariance(case, a, b) for b in places] for a in places]
    np.testing.assert_allclose(found, expected, rtol=0, atol=CLOSE)


@given(cases())
def test_moves_are_those_of_a_process_fitted_without_the_pair(case: Case) -> None:
    moves, amounts = plain_moves(case)
    found = case.learned()
    np.testing.assert_allclose(found.moves, moves, rtol=0, atol=CLOSE)
    np.testing.assert_allclose(found.amounts.toarray(), amounts, rtol=0, atol=CLOSE)


@given(cases(), st.data())
def test_a_pairs_own_judgement_never_moves_it(case: Case, data: st.DataObject) -> None:
    assume(case.levels.any())
    pair = data.draw(st.sampled_from(np.flatnonzero(case.levels).tolist()))
    before = case.learned()
    assert before.amounts[pair, pair] == 0
    for level in (0, 1, 2, 3, 4):
        levels = case.levels.copy()
        levels[pair] = level
        after = Case(**{**vars(case), "levels": levels}).learned()
        assert after.moves[pair] == pytest.approx(before.moves[pair], abs=CLOSE)


@given(cases())
def test_amounts_sum_to_what_moves_add_to_the_score(case: Case) -> None:
    found = case.learned()
    np.testing.assert_allclose(np.asarray(found.amounts.sum(axis=1)).ravel(), found.moves @ STEPS, rtol=0, atol=CLOSE)
    assert not found.amounts.toarray()[:, case.levels == 0].any()


@given(cases())
def test_families_part_the_judged_pairs(case: Case) -> None:
    """Every judged pair is in one family, and demands of two families are not near each other."""
    alike = case.alike()
    found = families(alike, case.levels)
    judged = [pair for family in found for pair in family.judged.tolist()]
    assert sorted(judged) == np.flatnonzero(case.levels).tolist()
    for family in found:
        assert set(case.pairs.demands[family.judged].tolist()) == set(family.demands.tolist())
        for other in found:
            assert family is other or not alike.near(family.demands, other.demands).any()


@given(cases(), st.data())
def test_judgements_at_once_are_those_of_ranking_anew(case: Case, data: st.DataObject) -> None:
    """Some pairs of one demand, of which none is judged: what is said of them later moves them as if known before.

    But for a demand that is near to several families: judged, it makes one of them, which only ranking anew observes.
    """
    demand = data.draw(st.sampled_from(sorted(set(case.pairs.demands.tolist()))))
    here = np.flatnonzero(case.pairs.demands == demand)
    before = case.levels.copy()
    before[here] = 0
    later = case.levels[here]
    alike = case.alike()
    known = families(alike, before)
    assume(sum(alike.near(np.array([demand]), family.demands).any() for family in known) <= 1)
    ranked = learn(alike, known, case.reached, before)
    [covariance] = still_open(alike, known, here)
    moves, amounts = move_at_once(covariance, case.reached[here] + ranked.moves[here], later, case.likeness.noise)
    anew = case.learned()
    np.testing.assert_allclose(ranked.moves[here] + moves, anew.moves[here], rtol=0, atol=CLOSE)
    np.testing.assert_allclose(amounts.sum(axis=1), moves @ STEPS, rtol=0, atol=CLOSE)
    assert not np.diag(amounts).any()


TWIN: Final = [1.0, 2.0, 0.0, 0.0]
NEAR: Final = [1.0, 2.0, 1.0, 0.0]
FAR: Final = [0.0, 0.2, 0.0, 3.0]


def judged_once(level: int) -> Learned:
    """D0 and its twin D1, D2 near them, D3 far, D4 without text; A0 and A1 alike, A2 other. D0 with A0 is judged."""
    demands = np.array([TWIN, TWIN, NEAR, FAR, [0.0] * 4])
    achievements = np.array([[3.0, 1.0, 0.0, 0.0], [3.0, 2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
    rows, columns = np.indices((5, 3))
    levels = np.zeros(15, dtype=np.int64)
    levels[0] = level
    return Case(
        demands,
        achievements,
        Pairs(rows.ravel(), columns.ravel()),
        np.zeros((15, 2)),
        np.tile([0.5, 0.25, 0.125], (15, 1)),
        levels,
    ).learned()


def move(learned: Learned, demand: int, achievement: int) -> list[float]:
    return [float(each) for each in learned.moves[3 * demand + achievement]]


def test_one_judgement_by_hand() -> None:
    """The judged pair is like itself by 0.2 + 1 + 0.5 = 1.7; with the noise 2.7. Levels are missed by 0.5, 0.75, 0.875.

    A1 is like A0 by 11 / sqrt(130), A2 not at all.
    """
    learned = judged_once(4)
    alike = 0.7 + 11 / sqrt(10 * 13)
    assert move(learned, 0, 0) == [0.0] * 3
    assert move(learned, 0, 1) == pytest.approx([alike / 2.7 * each for each in (0.5, 0.75, 0.875)], abs=EXACT)
    assert move(learned, 0, 2) == pytest.approx([0.7 / 2.7 * each for each in (0.5, 0.75, 0.875)], abs=EXACT)
    amount = alike / 2.7 * (0.5 + 2 * 0.75 + 4 * 0.875) / 7
    assert learned.amounts[1, 0] == pytest.approx(amount, abs=EXACT)


def test_what_is_like_a_close_pair_rises_and_what_is_like_a_distant_one_falls() -> None:
    close, distant = judged_once(4), judged_once(1)
    for demand in (0, 1, 2):
        for achievement in (1, 2):
            assert min(move(close, demand, achievement)) > 0
            assert max(move(distant, demand, achievement)) < 0
        assert move(close, demand, 1) > move(close, demand, 2)
    assert move(distant, 0, 1) < move(distant, 0, 2)


def test_a_level_between_moves_between() -> None:
    found = [(np.array(move(judged_once(level), 0, 1)) @ STEPS).item() for level in (1, 2, 3, 4)]
    assert found == sorted(found)
    assert len(set(found)) == 4


def test_a_twin_learns_as_the_demand_itself_does() -> None:
    learned = judged_once(4)
    assert move(learned, 1, 1) == pytest.approx(move(learned, 0, 1), abs=EXACT)
    # The same achievement for the twin is judged by nobody yet: it moves most.
    assert move(learned, 1, 0) == pytest.approx([1.7 / 2.7 * each for each in (0.5, 0.75, 0.875)], abs=EXACT)


def test_a_near_demand_learns_less_by_the_square_of_the_cosine() -> None:
    learned = judged_once(4)
    assert move(learned, 2, 1) == pytest.approx([each * 5 / 6 for each in move(learned, 0, 1)], abs=EXACT)


def test_demands_that_are_not_near_are_not_moved() -> None:
    learned = judged_once(4)
    for demand in (3, 4):
        for achievement in (0, 1, 2):
            assert move(learned, demand, achievement) == [0.0] * 3
    assert learned.amounts[9:].nnz == 0


def test_without_judgements_nothing_moves() -> None:
    learned = judged_once(0)
    assert not learned.moves.any()
    assert learned.amounts.nnz == 0
    assert learned.amounts.shape == (15, 15)


def test_no_pairs_at_all() -> None:
    empty = np.zeros(0, dtype=np.int64)
    case = Case(np.zeros((2, 3)), np.zeros((1, 3)), Pairs(empty, empty), np.zeros((0, 2)), np.zeros((0, 3)), empty)
    assert case.learned().moves.shape == (0, 3)
    assert case.learned().amounts.shape == (0, 0)


def test_a_judgement_that_says_what_was_known_moves_nothing() -> None:
    case = Case(
        np.ones((1, 2)),
        np.ones((2, 2)),
        Pairs(np.array([0, 0]), np.array([0, 1])),
        np.zeros((2, 1)),
        np.array([[1.0, 1.0, 0.0], [0.5, 0.4, 0.3]]),
        np.array([3, 0]),
    )
    assert not case.learned().moves.any()


def test_a_judged_pair_is_not_open_any_more() -> None:
    case = Case(
        np.ones((1, 2)),
        np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]),
        Pairs(np.zeros(3, dtype=np.int64), np.arange(3)),
        np.zeros((3, 1)),
        np.full((3, 3), 0.5),
        np.array([4, 0, 0]),
    )
    alike = case.alike()
    everything = np.arange(3)
    [covariance] = still_open(alike, families(alike, case.levels), everything)
    assert not covariance[0].any()
    assert not covariance[:, 0].any()
    np.testing.assert_allclose(covariance, covariance.T, rtol=0, atol=EXACT)
    # What is known of a pair is known of those like it: they vary less than before.
    before = np.diag(alike.between(everything, everything))
    assert (np.diag(covariance)[1:] < before[1:]).all()
    assert (np.diag(covariance)[1:] > 0).all()
    [untouched] = still_open(alike, [], everything)
    np.testing.assert_allclose(untouched, alike.between(everything, everything), rtol=0, atol=EXACT)


def test_nothing_said_at_once_moves_nothing() -> None:
    moves, amounts = move_at_once(np.eye(2), np.full((2, 3), 0.5), np.zeros(2, dtype=np.int64), 1.0)
    assert not moves.any()
    assert not amounts.any()


def test_what_is_closed_neither_moves_nor_is_moved_at_once() -> None:
    covariance = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.5], [0.0, 0.5, 1.0]])
    reached = np.full((3, 3), 0.5)
    moves, _ = move_at_once(covariance, reached, np.array([4, 0, 0]), 1.0)
    assert not moves.any()
    moves, amounts = move_at_once(covariance, reached, np.array([0, 4, 0]), 1.0)
    assert moves.tolist() == [[0.0] * 3, [0.0] * 3, [0.5 / 2 * 0.5] * 3]
    assert amounts[2, 1] == pytest.approx(0.125, abs=EXACT)


def test_the_shipped_likeness_is_one() -> None:
    likeness = load_weights().likeness
    assert 0 < likeness.near <= 1
    assert likeness.noise > 0
    assert min(likeness.demand, likeness.achievement, likeness.features) >= 0


@pytest.mark.parametrize("leaves", [3, 6, 12, 20])
def test_many_demands_near_one_that_are_not_near_each_other(leaves: int) -> None:
    """A demand with cosine 0.7 to each of many, which have 0.49 with each other; all say 4 of three achievements.

    No pair may be moved further than to what the judgements say, nor away from it.
    """
    rows = np.zeros((leaves + 1, leaves + 1))
    rows[:, 0] = [1.0, *[0.7] * leaves]
    rows[np.arange(1, leaves + 1), np.arange(1, leaves + 1)] = sqrt(1 - 0.49)
    demands, achievements = np.indices((leaves + 1, 3))
    levels = np.full(3 * (leaves + 1), 4)
    levels[0] = 0
    case = Case(
        rows,
        np.ones((3, 1)) * np.ones((1, leaves + 1)),
        Pairs(demands.ravel(), achievements.ravel()),
        np.zeros((len(levels), 2)),
        np.full((len(levels), 3), 0.5),
        levels,
    )
    found = case.learned()
    assert (found.moves > 0).all()
    assert (found.moves < 1).all()
    for family in families(case.alike(), levels):
        assert np.linalg.eigvalsh(family.inverse)[0] > 0
