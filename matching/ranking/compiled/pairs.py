"""Loops over pairs of rows: CSR arrays in, arrays out.

Rows are in canonical form: columns rise and stand once. Values may be of 32 bits; all sums are made in 64.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

# The arrays of a CSR matrix: first places of the rows and the end, columns, values.
Csr = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]

# Sums of a pair that `compare` writes: blocks, then taxonomies from 4 on, then six for each view of the text.
TITLE_TITLE, TITLE_WHOLE, WHOLE_TITLE, DEMAND_COVERED, ACHIEVEMENT_COVERED, SHARED = range(6)
_VIEWS, _OF_VIEW, _BLOCKS = 2, 6, 4


@njit(cache=True, nogil=True)
def compare(
    first: int,
    last: int,
    starts: NDArray[np.int64],
    demand_of: NDArray[np.int64],
    achievements: NDArray[np.int64],
    listed: NDArray[np.bool_],
    sides: tuple[Csr, Csr, Csr, Csr],
    bounds: NDArray[np.int64],
    taxonomy: NDArray[np.int64],
    taxonomies: int,
    rarity: NDArray[np.float64],
    nothing: float,
    sums: NDArray[np.float64],
    feedback: NDArray[np.float64],
    score: NDArray[np.float64],
    in_title: NDArray[np.float64],
) -> None:
    """Sums over the columns that the rows of pairs share, for the demands numbered `first` to `last`.

    Pairs come demand by demand: those of number n, row `demand_of[n]`, are `starts[n]` to `starts[n + 1]`. `sides` are
    the demands, achievements and their titles; `bounds` the first columns of the four blocks and their end; `taxonomy`
    has the number of each field's taxonomy or -1. Written are `sums` (pairs x blocks, taxonomies, views), `feedback`,
    the dot product `score`, and which share of the achievement's characters is in its title.
    """
    (d_start, d_column, d_value), (a_start, a_column, a_value) = sides[0], sides[1]
    (dt_start, dt_column, dt_value), (at_start, at_column, at_value) = sides[2], sides[3]
    # The demand's row, its title's, and the sum over its list, as dense rows side by side.
    board = np.zeros((bounds[-1], 3))
    itself = np.zeros(achievements.shape[0])
    of_view = _BLOCKS + taxonomies
    for number in range(first, last):
        demand = demand_of[number]
        for place in range(d_start[demand], d_start[demand + 1]):
            board[d_column[place], 0] = d_value[place]
        wanted = np.zeros(_VIEWS)
        for place in range(dt_start[demand], dt_start[demand + 1]):
            column = dt_column[place]
            board[column, 1] = dt_value[place]
            if dt_value[place] != 0.0:
                wanted[0 if column < bounds[1] else 1] += rarity[column]
        total = 0.0
        for pair in range(starts[number], starts[number + 1]):
            row = sums[pair]
            achievement = achievements[pair]
            end = a_start[achievement + 1]
            place = a_start[achievement]
            for block in range(_BLOCKS):
                shared, title_whole, covered = 0.0, 0.0, 0.0
                begin = place
                while place < end and a_column[place] < bounds[block + 1]:
                    column = a_column[place]
                    value = np.float64(a_value[place])
                    itself[pair] += value * value
                    product = board[column, 0] * value
                    shared += product
                    if block < _VIEWS and board[column, 1] != 0.0:
                        title_whole += board[column, 1] * value
                        if value != 0.0:
                            covered += rarity[column]
                    elif block == _BLOCKS - 1 and taxonomy[column - bounds[block]] >= 0:
                        row[_BLOCKS + taxonomy[column - bounds[block]]] += product
                    place += 1
                row[block] = shared
                if block < _VIEWS:
                    row[of_view + block * _OF_VIEW + TITLE_WHOLE] = title_whole
                    if wanted[block] > 0.0:
                        row[of_view + block * _OF_VIEW + DEMAND_COVERED] = covered / wanted[block]
                if block == 0:
                    in_title[pair] = place - begin
            score[pair] = row[0] + row[1] + row[2] + row[3]
            end = at_start[achievement + 1]
            place = at_start[achievement]
            for block in range(_VIEWS):
                title_title, whole_title, both, whole = 0.0, 0.0, 0.0, 0.0
                begin = place
                while place < end and at_column[place] < bounds[block + 1]:
                    column = at_column[place]
                    value = np.float64(at_value[place])
                    whole_title += board[column, 0] * value
                    title_title += board[column, 1] * value
                    if value != 0.0:
                        whole += rarity[column]
                        if board[column, 0] != 0.0:
                            both += rarity[column]
                    place += 1
                row[of_view + block * _OF_VIEW + TITLE_TITLE] = title_title
                row[of_view + block * _OF_VIEW + WHOLE_TITLE] = whole_title
                row[of_view + block * _OF_VIEW + SHARED] = both
                if whole > 0.0:
                    row[of_view + block * _OF_VIEW + ACHIEVEMENT_COVERED] = both / whole
                if block == 0:
                    in_title[pair] = (place - begin) / in_title[pair] if in_title[pair] > 0.0 else 1.0
            if listed[pair]:
                total += score[pair]
                for place in range(a_start[achievement], a_start[achievement + 1]):
                    board[a_column[place], 2] += score[pair] * a_value[place]
        for pair in range(starts[number], starts[number + 1]):
            achievement = achievements[pair]
            with_list = 0.0
            for place in range(a_start[achievement], a_start[achievement + 1]):
                with_list += board[a_column[place], 2] * a_value[place]
            own = score[pair] if listed[pair] else 0.0
            if total - own > nothing:
                feedback[pair] = (with_list - own * itself[pair]) / (total - own)
        for pair in range(starts[number], starts[number + 1]):
            if listed[pair]:
                for place in range(a_start[achievements[pair]], a_start[achievements[pair] + 1]):
                    board[a_column[place], 2] = 0.0
        for place in range(d_start[demand], d_start[demand + 1]):
            board[d_column[place], 0] = 0.0
        for place in range(dt_start[demand], dt_start[demand + 1]):
            board[dt_column[place], 1] = 0.0


@njit(cache=True, nogil=True)
def beside(
    starts: NDArray[np.int64],
    listed: NDArray[np.bool_],
    score: NDArray[np.float64],
    compared: NDArray[np.int64],
    nothing: float,
    values: NDArray[np.float64],
    first_column: int,
) -> None:
    """Where pairs stand in their demands' lists: standard scores of `compared` columns, rank, distance to the best.

    They are written to the columns of `values` from `first_column` on. A pair is as good as another that is no more
    than `nothing` better.
    """
    for number in range(starts.shape[0] - 1):
        begin, end = starts[number], starts[number + 1]
        count, best = 0, 0.0
        for pair in range(begin, end):
            if listed[pair]:
                count += 1
                best = max(best, score[pair])
        if count == 0:
            continue
        for place in range(compared.shape[0]):
            column = compared[place]
            mean, squares = 0.0, 0.0
            for pair in range(begin, end):
                if listed[pair]:
                    mean += values[pair, column]
            mean /= count
            for pair in range(begin, end):
                if listed[pair]:
                    squares += (values[pair, column] - mean) ** 2
            spread = np.sqrt(squares / count)
            if spread > nothing:
                for pair in range(begin, end):
                    values[pair, first_column + place] = (values[pair, column] - mean) / spread
        column = first_column + compared.shape[0]
        for pair in range(begin, end):
            better = 0
            for other in range(begin, end):
                if listed[other] and score[other] > score[pair] + nothing:
                    better += 1
            values[pair, column] = np.log2(1.0 + better)
            if best > 0.0:
                values[pair, column + 1] = 1.0 - score[pair] / best


@njit(cache=True, nogil=True)
def products_of(
    demands: Csr, achievements: Csr, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Dot product of each pair of rows."""
    (d_start, d_column, d_value), (a_start, a_column, a_value) = demands, achievements
    found = np.zeros(rows.shape[0])
    for pair in range(rows.shape[0]):
        one, end = d_start[rows[pair]], d_start[rows[pair] + 1]
        other, other_end = a_start[columns[pair]], a_start[columns[pair] + 1]
        while one < end and other < other_end:
            if d_column[one] < a_column[other]:
                one += 1
            elif d_column[one] > a_column[other]:
                other += 1
            else:
                found[pair] += np.float64(d_value[one]) * np.float64(a_value[other])
                one += 1
                other += 1
    return found


@njit(cache=True, nogil=True)
def every_product(first: Csr, second: Csr, width: int) -> NDArray[np.float64]:
    """Dot product of each row of one matrix with each row of another one; both have `width` columns."""
    (starts, columns, values), (other_starts, other_columns, other_values) = first, second
    found = np.zeros((starts.shape[0] - 1, other_starts.shape[0] - 1))
    board = np.zeros(width)
    for row in range(found.shape[0]):
        for place in range(starts[row], starts[row + 1]):
            board[columns[place]] = values[place]
        for other in range(found.shape[1]):
            for place in range(other_starts[other], other_starts[other + 1]):
                found[row, other] += board[other_columns[place]] * other_values[place]
        for place in range(starts[row], starts[row + 1]):
            board[columns[place]] = 0.0
    return found


@njit(cache=True, nogil=True)
def weighed(
    values: NDArray[np.float64], weights: NDArray[np.float64], added: NDArray[np.float64]
) -> NDArray[np.float64]:
    """`added` and the product of each row of values with each row of weights.

    Unlike a product of matrices it gives a row the same sum, to the last bit, whatever rows stand beside it.
    """
    found = np.empty((values.shape[0], weights.shape[0]))
    for row in range(values.shape[0]):
        for step in range(weights.shape[0]):
            total = added[step]
            for column in range(weights.shape[1]):
                total += values[row, column] * weights[step, column]
            found[row, step] = total
    return found
