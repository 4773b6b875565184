"""Loops of the exact top-k search. `matching.ranking.topk` says what they are for and what the arrays hold."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

# Rows of which only the greatest bound is looked at first: each sixteenth of 256 neighbours.
LANES: Final = 16
SPAN: Final = 256


@njit(cache=True, nogil=True)
def lengths_of(indptr: np.ndarray, data: np.ndarray) -> np.ndarray:
    """Length of each row."""
    found = np.zeros(len(indptr) - 1, np.float64)
    for row in range(len(found)):
        total = 0.0
        for at in range(indptr[row], indptr[row + 1]):
            total += np.float64(data[at]) ** 2
        found[row] = np.sqrt(total)
    return found


@njit(cache=True, nogil=True)
def count_entries(
    indptr: np.ndarray, indices: np.ndarray, place: np.ndarray, common: int, block: int, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each place in how many rows and in how many blocks it stands; of each row how many common places it has."""
    rows = len(indptr) - 1
    postings = np.zeros(width, np.int64)
    entries = np.zeros(width, np.int64)
    last = np.full(width, -1, np.int32)
    own = np.zeros(rows, np.int64)
    for row in range(rows):
        for at in range(indptr[row], indptr[row + 1]):
            column = place[indices[at]]
            if column < common:
                own[row] += 1
            else:
                postings[column] += 1
                if last[column] != row // block:
                    last[column] = row // block
                    entries[column] += 1
    return postings, entries, own


@njit(cache=True, nogil=True)
def fill_entries(
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    place: np.ndarray,
    common: int,
    block: int,
    starts: np.ndarray,
    firsts: np.ndarray,
    own: np.ndarray,
    entry_block: np.ndarray,
    entry_start: np.ndarray,
    ids: np.ndarray,
    values: np.ndarray,
    common_columns: np.ndarray,
    common_values: np.ndarray,
) -> None:
    """Write postings by place and row, their entries by place and block, and the common places row by row.

    `starts` (where a place's postings begin), `firsts` (its entries) and `own` (a row's common places) move on.
    """
    last = np.full(len(starts), -1, np.int32)
    for row in range(len(indptr) - 1):
        for at in range(indptr[row], indptr[row + 1]):
            column = place[indices[at]]
            if column < common:
                common_columns[own[row]] = column
                common_values[own[row]] = data[at]
                own[row] += 1
                continue
            where = starts[column]
            if last[column] != row // block:
                last[column] = row // block
                entry_block[firsts[column]] = row // block
                entry_start[firsts[column]] = where
                firsts[column] += 1
            ids[where] = row % block
            values[where] = data[at]
            starts[column] = where + 1


@njit(cache=True, nogil=True)
def _add(estimates: np.ndarray, ids: np.ndarray, values: np.ndarray, weight: float) -> None:
    for i in range(len(ids)):
        estimates[ids[i]] += weight * values[i]


@njit(cache=True, nogil=True, fastmath=True)
def _bounds(estimates: np.ndarray, rest: np.ndarray, query_rest: float, found: np.ndarray) -> None:
    """The greatest bound of each lane of a span; `estimates` and `rest` may end before the span does."""
    size = len(estimates)
    if size == SPAN:
        for lane in range(LANES):
            found[lane] = estimates[lane] + query_rest * rest[lane]
        for start in range(LANES, SPAN, LANES):
            for lane in range(LANES):
                bound = estimates[start + lane] + query_rest * rest[start + lane]
                found[lane] = bound if bound > found[lane] else found[lane]
        return
    for lane in range(LANES):
        found[lane] = np.float32(-1)
    for i in range(size):
        found[i % LANES] = max(found[i % LANES], estimates[i] + query_rest * rest[i])


@njit(cache=True, nogil=True)
def add_block(
    block: int,
    offset: int,
    size: int,
    estimates: np.ndarray,
    bounds: np.ndarray,
    query_starts: np.ndarray,
    query_places: np.ndarray,
    query_values: np.ndarray,
    at: np.ndarray,
    query_rest: np.ndarray,
    common: int,
    entry_ends: np.ndarray,
    entry_block: np.ndarray,
    entry_start: np.ndarray,
    ids: np.ndarray,
    values: np.ndarray,
    rest: np.ndarray,
) -> int:
    """Add what the rare columns of a block give to its estimates, then take the greatest bound of each lane.

    `estimates` and `bounds` have a row for each query; the block's begin at `offset` and have `size` columns. `at` says
    for each term of each query which entry is the next one, and moves on. Returns the number of postings read.
    """
    read = 0
    for query in range(len(query_starts) - 1):
        own = estimates[query, offset : offset + size]
        for term in range(query_starts[query], query_starts[query + 1]):
            column = query_places[term]
            entry = at[term]
            if column >= common and entry < entry_ends[column] and entry_block[entry] == block:
                start, end = entry_start[entry], entry_start[entry + 1]
                _add(own, ids[start:end], values[start:end], query_values[term])
                read += end - start
                at[term] = entry + 1
        for start in range(0, size, SPAN):
            end = min(size, start + SPAN)
            lane = (offset + start) // SPAN * LANES
            _bounds(own[start:end], rest[start:end], query_rest[query], bounds[query, lane : lane + LANES])
    return read


@njit(cache=True, nogil=True, fastmath=True)
def _dot(first: np.ndarray, second: np.ndarray) -> np.floating:
    total = np.float32(0)
    for i in range(len(first)):
        total += first[i] * second[i]
    return total


@njit(cache=True, nogil=True, fastmath=True)
def _sparse_dot(dense: np.ndarray, columns: np.ndarray, values: np.ndarray) -> np.floating:
    total = np.float32(0)
    for i in range(len(columns)):
        total += dense[columns[i]] * values[i]
    return total


@njit(cache=True, nogil=True)
def _exact_dot(dense: np.ndarray, columns: np.ndarray, values: np.ndarray) -> float:
    total = 0.0
    for i in range(len(columns)):
        total += np.float64(dense[columns[i]]) * np.float64(values[i])
    return total


@njit(cache=True, nogil=True)
def _exact_best(
    dense: np.ndarray,
    kept: np.ndarray,
    scores: np.ndarray,
    k: int,
    order: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
) -> int:
    """Score rows exactly and bring the best k to the front, ties by `order`; returns how many there are."""
    positive = 0
    for place in range(len(kept)):
        row = kept[place]
        span = slice(indptr[row], indptr[row + 1])
        score = _exact_dot(dense, indices[span], data[span])
        if score > 0:
            kept[positive] = row
            scores[positive] = score
            positive += 1
    by_order = np.argsort(order[kept[:positive]])
    best = by_order[np.argsort(-scores[:positive][by_order], kind="mergesort")][:k]
    rows, exact = kept[:positive][best].copy(), scores[:positive][best].copy()
    kept[: len(best)] = rows
    scores[: len(best)] = exact
    return len(best)


@njit(cache=True, nogil=True)
def _cut(kept: np.ndarray, scores: np.ndarray, number: int, least: float) -> int:
    """Keep what reaches the least; returns how many do."""
    left = 0
    for place in range(number):
        if scores[place] >= least:
            scores[left] = scores[place]
            kept[left] = kept[place]
            left += 1
    return left


@njit(cache=True, nogil=True)
def _kth(values: np.ndarray, k: int) -> np.floating:
    kth: np.floating = np.partition(values, len(values) - k)[len(values) - k]
    return kth


@njit(cache=True, nogil=True)
def _level(bounds: np.ndarray, wanted: int, spans: np.ndarray) -> np.floating:
    """A bound that about `wanted` rows reach: of each span's best lane the one in that place."""
    number = len(bounds) // LANES
    for span in range(number):
        spans[span] = bounds[span * LANES : (span + 1) * LANES].max()
    return _kth(spans[:number], min(wanted, number))


@njit(cache=True, nogil=True)
def take(
    first: int,
    estimates: np.ndarray,
    bounds: np.ndarray,
    query_starts: np.ndarray,
    query_places: np.ndarray,
    query_values: np.ndarray,
    query_columns: np.ndarray,
    query_points: np.ndarray,
    query_rest: np.ndarray,
    slack: np.ndarray,
    common: int,
    common_starts: np.ndarray,
    common_columns: np.ndarray,
    common_values: np.ndarray,
    rest: np.ndarray,
    points: np.ndarray,
    order: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    k: int,
    least: np.ndarray,
    have: np.ndarray,
    kept: np.ndarray,
    kept_scores: np.ndarray,
    wide: np.ndarray,
) -> int:
    """Keep the rows that may be among the best k of each query, out of those from `first` on.

    `least` (what the k-th best so far reaches for certain), `have`, `kept` and `kept_scores` (float32) move on. A query
    without a least takes the rows with the best bounds first. `wide` holds zeros, one for each column, and does again
    afterwards. Returns the number of rows of which the score was completed.
    """
    size = estimates.shape[1]
    room = kept.shape[1]
    dense = np.zeros(common + 1, np.float32)
    spans = np.empty(bounds.shape[1] // LANES + 1, np.float32)
    exact = np.empty(room, np.float64)
    completed = 0
    for query in range(len(query_starts) - 1):
        own = estimates[query]
        lanes = bounds[query, : -(-size // SPAN) * LANES]
        terms = slice(query_starts[query], query_starts[query + 1])
        for term in range(terms.start, terms.stop):
            if query_places[term] < common:
                dense[query_places[term]] = query_values[term]
        floor, number, give = least[query], have[query], slack[query]
        # Without common columns sums are of what is above 0 alone; with them 0 may be off by rounding.
        nothing = -give if query_rest[query] > 0 else np.float32(0)
        for turn in range(2):
            if turn == 0:
                if floor > 0 or size < SPAN * k:
                    continue
                reach = _level(lanes, 2 * k, spans)
            else:
                reach = floor - give
            for group in range(len(lanes)):
                if lanes[group] < reach:
                    continue
                start = group // LANES * SPAN + group % LANES
                for i in range(start, min(size, start - group % LANES + SPAN), LANES):
                    row = first + i
                    bound = own[i] + query_rest[query] * rest[row]
                    if bound < reach or bound <= nothing or order[row] < 0:
                        continue
                    completed += 1
                    span = slice(common_starts[row], common_starts[row + 1])
                    score = own[i] - _dot(query_points[query], points[row])
                    score += _sparse_dot(dense, common_columns[span], common_values[span])
                    if turn == 0:
                        # What was taken first is not taken again.
                        own[i] = np.float32(-2)
                    if score < floor - give:
                        continue
                    if number == room:
                        floor = max(floor, _kth(kept_scores[query], k) - give)
                        number = _cut(kept[query], kept_scores[query], number, floor - give)
                        if 2 * number > room:
                            # So many as good as equal ones that float32 cannot tell them apart.
                            for term in range(terms.start, terms.stop):
                                wide[query_columns[term]] = query_values[term]
                            number = _exact_best(wide, kept[query, :number], exact, k, order, indptr, indices, data)
                            for term in range(terms.start, terms.stop):
                                wide[query_columns[term]] = 0
                            kept_scores[query, :number] = exact[:number]
                        if turn == 1:
                            reach = floor - give
                    kept[query, number] = row
                    kept_scores[query, number] = score
                    number += 1
            if number > k:
                floor = max(floor, _kth(kept_scores[query, :number], k) - give)
                number = _cut(kept[query], kept_scores[query], number, floor - give)
        least[query], have[query] = floor, number
        for term in range(terms.start, terms.stop):
            if query_places[term] < common:
                dense[query_places[term]] = 0
    return completed


@njit(cache=True, nogil=True)
def finish(
    query_starts: np.ndarray,
    query_columns: np.ndarray,
    query_values: np.ndarray,
    k: int,
    order: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    have: np.ndarray,
    kept: np.ndarray,
    scores: np.ndarray,
    wide: np.ndarray,
) -> None:
    """Score what was kept exactly: the best k of each query come first in `kept` and `scores`; `have` counts them."""
    for query in range(len(query_starts) - 1):
        for term in range(query_starts[query], query_starts[query + 1]):
            wide[query_columns[term]] = query_values[term]
        own = kept[query, : have[query]]
        have[query] = _exact_best(wide, own, scores[query], k, order, indptr, indices, data)
        for term in range(query_starts[query], query_starts[query + 1]):
            wide[query_columns[term]] = 0
