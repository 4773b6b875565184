"""Loops over the terms that pairs of rows share: CSR arrays in (see `pairs`), terms and what each adds out."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from matching.ranking.compiled.pairs import Csr


@njit(cache=True, nogil=True)
def shared_columns(
    demands: Csr, achievements: Csr, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Columns that both rows of each pair have, and the products there: first places and end, columns, products."""
    (d_start, d_column, d_value), (a_start, a_column, a_value) = demands, achievements
    starts = np.zeros(rows.shape[0] + 1, np.int64)
    places = np.zeros(0, np.int64)
    amounts = np.zeros(0)
    # Counted first, written then.
    for writing in range(2):
        at = 0
        for pair in range(rows.shape[0]):
            one, end = d_start[rows[pair]], d_start[rows[pair] + 1]
            other, other_end = a_start[columns[pair]], a_start[columns[pair] + 1]
            while one < end and other < other_end:
                if d_column[one] < a_column[other]:
                    one += 1
                elif d_column[one] > a_column[other]:
                    other += 1
                else:
                    product = np.float64(d_value[one]) * np.float64(a_value[other])
                    # A block without a share has values of nought.
                    if product != 0.0:
                        if writing:
                            places[at] = d_column[one]
                            amounts[at] = product
                        at += 1
                    one += 1
                    other += 1
            starts[pair + 1] = at
        if not writing:
            places = np.empty(at, np.int64)
            amounts = np.empty(at)
    return starts, places, amounts


@njit(cache=True, nogil=True)
def block_sums(
    starts: NDArray[np.int64], places: NDArray[np.int64], amounts: NDArray[np.float64], bounds: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Sums of the products of each pair by block; the blocks end before the columns `bounds`."""
    found = np.zeros((starts.shape[0] - 1, bounds.shape[0]))
    for pair in range(starts.shape[0] - 1):
        block = 0
        for at in range(starts[pair], starts[pair + 1]):
            while places[at] >= bounds[block]:
                block += 1
            found[pair, block] += amounts[at]
    return found


@njit(cache=True, nogil=True)
def merged_terms(
    starts: NDArray[np.int64],
    terms: NDArray[np.int64],
    amounts: NDArray[np.float64],
    owning: NDArray[np.int64],
    order: NDArray[np.int64],
    part_starts: NDArray[np.int64],
    parts: NDArray[np.int64],
    most: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Each pair's terms, parts counted with their wholes: first places and end, terms, sums, and the sum of the rest.

    Terms are numbered by the alphabet. `owning` says which may own others: words (2), which take their turns by
    `order`, and after them pairs of characters (1), by the alphabet. `parts` has from `part_starts` on what a term is
    made of, -1 for what is shared nowhere. No more than `most` are given of a pair, the strongest first.
    """
    count = starts.shape[0] - 1
    owner = np.full(order.shape[0], -1, np.int64)
    seen = np.full(order.shape[0], -1, np.int64)
    total = np.zeros(order.shape[0])
    term_of_turn = np.empty(order.shape[0], np.int64)
    for term in range(order.shape[0]):
        term_of_turn[order[term]] = term
    found_starts = np.zeros(count + 1, np.int64)
    found = np.empty(count * most, np.int64)
    found_amounts = np.empty(count * most)
    rest = np.zeros(count)
    written = 0
    for pair in range(count):
        begin, end = starts[pair], starts[pair + 1]
        turns = np.empty(end - begin, np.int64)
        owners = 0
        for at in range(begin, end):
            seen[terms[at]] = pair
            owner[terms[at]] = -1
            if owning[at] > 0:
                turns[owners] = order[terms[at]] if owning[at] == 2 else len(order) + terms[at]
                owners += 1
        for turn in np.sort(turns[:owners]):
            term = term_of_turn[turn] if turn < len(order) else turn - len(order)
            if owner[term] < 0:
                owner[term] = term
            complete = True
            for at in range(part_starts[term], part_starts[term + 1]):
                if parts[at] < 0 or seen[parts[at]] != pair:
                    complete = False
                    break
            if complete:
                for at in range(part_starts[term], part_starts[term + 1]):
                    if owner[parts[at]] < 0:
                        owner[parts[at]] = owner[term]
        distinct = np.empty(end - begin, np.int64)
        number = 0
        for at in range(begin, end):
            own = owner[terms[at]]
            if own < 0:
                own = terms[at]
            # What owns is shared itself; it is marked when it first comes.
            if seen[own] != -2 - pair:
                seen[own] = -2 - pair
                distinct[number] = own
                number += 1
            total[own] += amounts[at]
        chosen = np.sort(distinct[:number])
        strengths = np.empty(number)
        for at in range(number):
            strengths[at] = -total[chosen[at]]
        # A stable order, so that equal ones stay by the alphabet.
        for at, place in enumerate(np.argsort(strengths, kind="mergesort")):
            if at < most:
                found[written] = chosen[place]
                found_amounts[written] = -strengths[place]
                written += 1
            else:
                rest[pair] -= strengths[place]
            total[chosen[place]] = 0.0
        found_starts[pair + 1] = written
    return found_starts, found[:written], found_amounts[:written], rest
