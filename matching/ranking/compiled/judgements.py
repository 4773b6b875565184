"""Loops over pairs and the judgements that they learn from: how alike they are, and what they move."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from matching.ranking.compiled.pairs import Csr


@njit(cache=True, nogil=True)
def closeness(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """exp(-|f - g|^2 / (4 n)) of each row f of n numbers with each row g."""
    found = np.empty((first.shape[0], second.shape[0]))
    for row in range(first.shape[0]):
        for other in range(second.shape[0]):
            squares = 0.0
            for column in range(first.shape[1]):
                squares += (first[row, column] - second[other, column]) ** 2
            found[row, other] = np.exp(-squares / (4 * first.shape[1]))
    return found


@njit(cache=True, nogil=True)
def move_by(
    across: NDArray[np.float64],
    weights: NDArray[np.float64],
    inverse: NDArray[np.float64],
    own: NDArray[np.int64],
    steps: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What judgements move (pairs x steps), and what each of them adds to the score (pairs x judgements).

    `across` (pairs x judgements) says how alike they are, `own` which of the judgements is the pair's own, or -1. It is
    left out, which changes the weights by a multiple of its column of the inverse (Rasmussen & Williams 2006, 5.12).
    """
    moves = np.zeros((across.shape[0], weights.shape[1]))
    amounts = np.zeros(across.shape)
    for pair in range(across.shape[0]):
        left_out = own[pair]
        for judged in range(across.shape[1]):
            if judged == left_out:
                continue
            for step in range(weights.shape[1]):
                weight = weights[judged, step]
                if left_out >= 0:
                    weight -= inverse[judged, left_out] * weights[left_out, step] / inverse[left_out, left_out]
                moves[pair, step] += across[pair, judged] * weight
                amounts[pair, judged] += across[pair, judged] * weight * steps[step]
    return moves, amounts


@njit(cache=True, nogil=True)
def covariances(
    starts: NDArray[np.int64],
    squares: NDArray[np.float64],
    row_of: NDArray[np.int64],
    rows: Csr,
    width: int,
    features: NDArray[np.float64],
    weights: tuple[float, float, float],
) -> NDArray[np.float64]:
    """How alike pairs of one demand are, a square for each demand, one after the other.

    The pairs of demand n are `starts[n]` to `starts[n + 1]`, `squares[n]` is its cosine with itself, squared;
    `row_of` has the row of each pair's achievement among `rows`, which are of length 1 or 0; `weights` are those of
    demand, achievement and features.
    """
    begins, columns, values = rows
    size = 0
    for number in range(starts.shape[0] - 1):
        size += (starts[number + 1] - starts[number]) ** 2
    found = np.empty(size)
    board = np.zeros(width)
    done = 0
    for number in range(starts.shape[0] - 1):
        begin, height = starts[number], starts[number + 1] - starts[number]
        for one in range(height):
            row = row_of[begin + one]
            for place in range(begins[row], begins[row + 1]):
                board[columns[place]] = values[place]
            for other in range(one, height):
                cosine = 0.0
                for place in range(begins[row_of[begin + other]], begins[row_of[begin + other] + 1]):
                    cosine += board[columns[place]] * values[place]
                distance = 0.0
                for column in range(features.shape[1]):
                    distance += (features[begin + one, column] - features[begin + other, column]) ** 2
                near = np.exp(-distance / (4 * features.shape[1]))
                alike = squares[number] * (weights[0] + weights[1] * cosine + weights[2] * near)
                found[done + one * height + other] = alike
                found[done + other * height + one] = alike
            for place in range(begins[row], begins[row + 1]):
                board[columns[place]] = 0.0
        done += height * height
    return found
