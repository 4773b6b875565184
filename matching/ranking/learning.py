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
from scipy.sparse.csgraph import connected_components
from sklearn.preprocessing import normalize

from matching.ranking.features import Pairs
from matching.ranking.levels import LEVELS, STEPS
from matching.ranking.vectors import Vectors
from matching.ranking.weights import Likeness


@dataclass(frozen=True)
class Alikeness:
    """What it takes to say how alike pairs are."""

    demands: sp.csr_matrix
    achievements: sp.csr_matrix
    pairs: Pairs
    standardised: np.ndarray
    likeness: Likeness

    def between(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """How alike pairs are, given by their places: first x second."""
        rows, columns = self.pairs.of(first), self.pairs.of(second)
        demands = _cosines(self.demands, rows.demands, columns.demands)
        achievements = _cosines(self.achievements, rows.achievements, columns.achievements)
        features = _closeness(self.standardised[first], self.standardised[second])
        weights = self.likeness
        return demands**2 * (weights.demand + weights.achievement * achievements + weights.features * features)

    def near(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Whether demands, given by their rows, are near each other: first x second."""
        return np.asarray(_cosines(self.demands, first, second) >= self.likeness.near)


def alikeness(vectors: Vectors, pairs: Pairs, standardised: np.ndarray, likeness: Likeness) -> Alikeness:
    """Alikeness of given pairs, of which `standardised` are the features."""
    characters = vectors.block("characters")
    sides = (side[:, characters] for side in (vectors.demands, vectors.achievements))
    # scikit-learn refuses to normalize nothing.
    demands, achievements = (normalize(side) if side.shape[0] else side for side in sides)
    return Alikeness(demands, achievements, pairs, standardised, likeness)


def _cosines(matrix: sp.csr_matrix, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    rows, row = np.unique(first, return_inverse=True)
    columns, column = np.unique(second, return_inverse=True)
    return np.asarray((matrix[rows] @ matrix[columns].T).toarray()[np.ix_(row, column)])


def _closeness(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """exp(-|f - g|^2 / (4 n)) of each row f of n numbers with each row g."""
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None, :] - 2 * first @ second.T
    return np.asarray(np.exp(-np.maximum(squares, 0.0) / (4 * first.shape[1])))


@dataclass(frozen=True)
class Learned:
    """What judgements move.

    `moves` (pairs x 3) is added to the probabilities of reaching the levels 2, 3 and 4; `amounts` (pairs x pairs) says
    what each judged pair, a column, adds to the score of the pair of the row. The amounts of a row sum to what its
    moves add to its score.
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
    _, number = connected_components(sp.csr_matrix(alike.near(demands, demands)), directed=False)
    return np.asarray(number)


def learn(alike: Alikeness, known: Sequence[Family], reached: np.ndarray, levels: np.ndarray) -> Learned:
    """Move pairs by the judgements among them.

    `reached` is what the level model says of the pairs; each pair is given once.
    """
    moves = np.zeros_like(reached)
    rows, columns, values = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    everyone = np.unique(alike.pairs.demands)
    for family in known:
        near = everyone[alike.near(everyone, family.demands).any(axis=1)]
        here = np.flatnonzero(np.isin(alike.pairs.demands, near))
        residuals = (levels[family.judged][:, None] >= np.array(LEVELS[1:])) - reached[family.judged]
        weights = _without_own(family, family.inverse @ residuals, here)
        across = alike.between(here, family.judged)
        moves[here] += np.einsum("pj,pjk->pk", across, weights)
        amounts = across * (weights @ STEPS)
        row, column = np.nonzero(amounts)
        rows.append(here[row])
        columns.append(family.judged[column])
        values.append(amounts[row, column])
    places = np.concatenate(rows), np.concatenate(columns)
    return Learned(moves, sp.csr_matrix((np.concatenate(values), places), (len(levels), len(levels))))


def _without_own(family: Family, weights: np.ndarray, here: np.ndarray) -> np.ndarray:
    """For each pair here the weights of the judgements; for a judged one those that they would have without it.

    Leaving out an observation changes the weights by a multiple of its column of the inverse (Rasmussen & Williams
    2006, equation 5.12).
    """
    found = np.repeat(weights[None], len(here), axis=0)
    place_of = {pair: place for place, pair in enumerate(family.judged.tolist())}
    for row, pair in enumerate(here.tolist()):
        if (place := place_of.get(pair)) is not None:
            found[row] -= np.outer(family.inverse[:, place], weights[place] / family.inverse[place, place])
            found[row, place] = 0.0
    return found


def still_open(alike: Alikeness, known: Sequence[Family], chosen: np.ndarray) -> np.ndarray:
    """Covariance of chosen pairs of one demand, given by their places, after the judgements of the families near it.

    With it `move_at_once` learns from further judgements of these pairs without the vectors. A judged pair is not moved
    any more: its row and its column are 0.
    """
    covariance = alike.between(chosen, chosen)
    for family in known:
        if alike.near(alike.pairs.demands[chosen[:1]], family.demands).any():
            across = alike.between(chosen, family.judged)
            covariance -= across @ family.inverse @ across.T
            judged = np.isin(chosen, family.judged)
            covariance[judged] = 0.0
            covariance[:, judged] = 0.0
    return covariance


def move_at_once(
    covariance: np.ndarray, reached: np.ndarray, levels: np.ndarray, noise: float
) -> tuple[np.ndarray, np.ndarray]:
    """Move the pairs of a list by judgements made since it was ranked: moves (pairs x 3) and amounts (pairs x pairs).

    `covariance` is that of `still_open`, `reached` the probabilities as ranked, before their limits, and `levels` the
    new judgements, 0 for none. The result is that of ranking anew with the same model, as far as these pairs go.
    """
    judged = np.flatnonzero((levels > 0) & (np.diag(covariance) > 0))
    moves, amounts = np.zeros_like(reached), np.zeros_like(covariance)
    if not len(judged):
        return moves, amounts
    inverse = np.linalg.inv(covariance[np.ix_(judged, judged)] + noise * np.eye(len(judged)))
    residuals = (levels[judged][:, None] >= np.array(LEVELS[1:])) - reached[judged]
    family = Family(np.zeros(0, np.int64), judged, inverse)
    weights = _without_own(family, inverse @ residuals, np.arange(len(levels)))
    across = covariance[:, judged]
    moves = np.einsum("pj,pjk->pk", across, weights)
    amounts[:, judged] = across * (weights @ STEPS)
    return moves, amounts
