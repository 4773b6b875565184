"""Learning from judgements: how those of a demand, and of demands like it, move its other pairs.

The level model's probabilities are the mean of a Gaussian process over pairs, and judgements its noisy observations
(Rasmussen & Williams 2006, chapter 2). Two pairs are alike by

    s(d, d')^2 x (demand + achievement x cos(a, a') + features x exp(-|f - f'|^2 / (4 n)))

where s is the cosine of the demands' characters; cos that of the achievements' characters; f the n
standardised features. What a judgement moves is a product, so every move is a sum over the judgements behind it. A
pair's own judgement never moves the pair.

Judgements reach the demands that are `near` theirs: those of demands that near ones connect are one family, observed
together, and move the pairs of every demand that is near to any of the family.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from matching.ranking.compiled.judgements import closeness, covariances, move_by
from matching.ranking.features import Pairs, csr
from matching.ranking.levels import STEPS
from matching.ranking.nearness import cosines, family_numbers, near_demands, unit
from matching.ranking.vectors import Vectors
from matching.ranking.weights import Likeness
from matching.schema import LEVELS


@dataclass(frozen=True)
class Alikeness:
    """What it takes to say how alike pairs are; `standardised` are the features of the pairs."""

    vectors: Vectors
    pairs: Pairs
    standardised: np.ndarray
    likeness: Likeness

    def between(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """How alike pairs are, given by their places: first x second."""
        rows, columns, weights = self.pairs.of(first), self.pairs.of(second), self.likeness
        end = self.vectors.block("characters").stop
        demands = cosines(self.vectors.demands, end, rows.demands, columns.demands)
        achievements = cosines(self.vectors.achievements, end, rows.achievements, columns.achievements)
        features = closeness(self.standardised[first], self.standardised[second])
        return np.asarray(
            demands**2 * (weights.demand + weights.achievement * achievements + weights.features * features)
        )

    def near(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Whether demands, given by their rows, are near each other: first x second."""
        return near_demands(self.vectors, first, second, self.likeness.near).toarray()


def alikeness(vectors: Vectors, pairs: Pairs, standardised: np.ndarray, likeness: Likeness) -> Alikeness:
    """Alikeness of given pairs, of which `standardised` are the features."""
    return Alikeness(vectors, pairs, np.ascontiguousarray(standardised, dtype=np.float64), likeness)


@dataclass(frozen=True)
class Learned:
    """What judgements move.

    `moves` (pairs x 3) is added to the probabilities of reaching the levels 2, 3 and 4; `amounts` (pairs x pairs of the
    alikeness) says what each judged pair, a column, adds to the score of the pair of the row. The amounts of a row sum
    to what its moves add to its score.
    """

    moves: np.ndarray
    amounts: sp.csr_matrix


@dataclass(frozen=True)
class Family:
    """Judged pairs of demands that are near each other, and the inverse of the covariance of their judgements."""

    demands: np.ndarray
    judged: np.ndarray
    inverse: np.ndarray


def families(alike: Alikeness, levels: np.ndarray) -> list[Family]:
    """The judged pairs family by family; `levels` has 1–4 for a judged pair and 0 for the others."""
    judged = np.flatnonzero(levels > 0)
    demands = np.unique(alike.pairs.demands[judged])
    if not len(demands):
        return []
    number = connected(alike, demands)
    found = []
    for each in range(number.max() + 1):
        members = demands[number == each]
        of_family = judged[np.isin(alike.pairs.demands[judged], members)]
        covariance = alike.between(of_family, of_family) + alike.likeness.noise * np.eye(len(of_family))
        found.append(Family(members, of_family, np.linalg.inv(covariance)))
    return found


def connected(alike: Alikeness, demands: np.ndarray) -> np.ndarray:
    """For each of these demands, given by their rows, the number of its family: of those that near ones connect."""
    return family_numbers(alike.vectors, demands, alike.likeness.near)


def families_near(vectors: Vectors, demands: np.ndarray, known: Sequence[Family], near: float) -> np.ndarray:
    """Whether demands, given by their rows, are near to any demand of a family: demands x families."""
    if not known:
        return np.zeros((len(demands), 0), dtype=bool)
    found = near_demands(vectors, demands, np.concatenate([family.demands for family in known]), near).tocoo()
    family = np.repeat(np.arange(len(known)), [len(each.demands) for each in known])
    matrix = np.zeros((len(demands), len(known)), dtype=bool)
    matrix[found.row, family[found.col]] = True
    return matrix


def learn(
    alike: Alikeness, known: Sequence[Family], reached: np.ndarray, levels: np.ndarray, count: int | None = None
) -> Learned:
    """Move pairs by the judgements among them, all or the first `count`.

    `reached` is what the level model says of the pairs of the alikeness, `levels` how they are judged; each pair is
    given once.
    """
    moved = alike.pairs.demands[:count]
    moves = np.zeros((len(moved), reached.shape[1]))
    rows, columns, values = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    everyone, number = np.unique(moved, return_inverse=True)
    near = families_near(alike.vectors, everyone, known, alike.likeness.near)
    for place, family in enumerate(known):
        here = np.flatnonzero(near[number, place])
        if not len(here):
            continue
        weights = family.inverse @ ((levels[family.judged][:, None] >= np.array(LEVELS[1:])) - reached[family.judged])
        across = alike.between(here, family.judged)
        added, amounts = move_by(np.ascontiguousarray(across), weights, family.inverse, _own(family, here), STEPS)
        moves[here] += added
        row, column = np.nonzero(amounts)
        rows.append(here[row])
        columns.append(family.judged[column])
        values.append(amounts[row, column])
    places = np.concatenate(rows), np.concatenate(columns)
    return Learned(moves, sp.csr_matrix((np.concatenate(values), places), (len(moved), len(levels))))


def _own(family: Family, here: np.ndarray) -> np.ndarray:
    """For each pair here which of the family's judgements is its own, -1 for none."""
    place_of = {pair: place for place, pair in enumerate(family.judged.tolist())}
    return np.array([place_of.get(pair, -1) for pair in here.tolist()], dtype=np.int64)


def still_open(alike: Alikeness, known: Sequence[Family], chosen: np.ndarray) -> list[np.ndarray]:
    """Covariances of chosen pairs after the judgements of the families near them: a square for each demand.

    `chosen` are the places of pairs, demand by demand. With a square `move_at_once` learns from further judgements of
    these pairs without the vectors. A judged pair is not moved any more: its row and its column are 0.
    """
    demands, firsts = np.unique(alike.pairs.demands[chosen], return_index=True)
    near = families_near(alike.vectors, demands, known, alike.likeness.near)
    groups = np.split(chosen, firsts[1:]) if len(chosen) else []
    found = _before(alike, chosen, demands, np.append(firsts, len(chosen)))
    for place, (here, covariance) in enumerate(zip(groups, found, strict=True)):
        for family in (known[each] for each in np.flatnonzero(near[place]).tolist()):
            across = alike.between(here, family.judged)
            covariance -= across @ family.inverse @ across.T
            judged = np.isin(here, family.judged)
            covariance[judged] = 0.0
            covariance[:, judged] = 0.0
    return found


def _before(alike: Alikeness, chosen: np.ndarray, demands: np.ndarray, starts: np.ndarray) -> list[np.ndarray]:
    """How alike chosen pairs of one demand are, a square for each demand."""
    end, weights = alike.vectors.block("characters").stop, alike.likeness
    own = unit(alike.vectors.demands, end, demands)
    squares = np.asarray(own.multiply(own).sum(axis=1)).ravel() ** 2
    rows, row = np.unique(alike.pairs.achievements[chosen], return_inverse=True)
    achievements = csr(unit(alike.vectors.achievements, end, rows))
    amounts = weights.demand, weights.achievement, weights.features
    flat = covariances(starts.astype(np.int64), squares, row, achievements, end, alike.standardised[chosen], amounts)
    heights = np.diff(starts)
    squares_of = np.split(flat, np.cumsum(heights**2)[:-1]) if len(heights) else []
    return [each.reshape(height, height) for each, height in zip(squares_of, heights, strict=True)]


def move_at_once(
    covariance: np.ndarray, reached: np.ndarray, levels: np.ndarray, noise: float
) -> tuple[np.ndarray, np.ndarray]:
    """Move the pairs of a list by judgements made since it was ranked: moves (pairs x 3) and amounts (pairs x pairs).

    `covariance` is that of `still_open`, `reached` the probabilities as ranked, before their limits, and `levels` the
    new judgements, 0 for none. The result is that of ranking anew with the same model, as far as these pairs go, unless
    their demand is near to several families: judged, it makes one of them, which is observed together when ranked anew.
    """
    judged = np.flatnonzero((levels > 0) & (np.diag(covariance) > 0))
    moves, amounts = np.zeros_like(reached), np.zeros_like(covariance)
    if not len(judged):
        return moves, amounts
    inverse: np.ndarray = np.linalg.inv(covariance[np.ix_(judged, judged)] + noise * np.eye(len(judged)))
    residuals = (levels[judged][:, None] >= np.array(LEVELS[1:])) - reached[judged]
    own = np.full(len(levels), -1)
    own[judged] = np.arange(len(judged))
    moves, amounts[:, judged] = move_by(
        np.ascontiguousarray(covariance[:, judged]), inverse @ residuals, inverse, own, STEPS
    )
    return moves, amounts
