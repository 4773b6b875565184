"""Loops of the exact top-k search. `matching.ranking.topk` says what they are for and what the arrays hold."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from matching.ranking.compiled.lanes import LANES, SQUARE, add_weighted, fetch, raise_to, reaching, turn

# Neighbouring rows of which only the greatest score is looked at first.
SPAN: Final = 128
# So many terms ahead the processor is told what will be read.
_AHEAD: Final = 4
# Values of a line of the cache.
_LINE: Final = 16
# Stands for the score of a row that is not to be found: below any that is asked for.
_NONE: Final = np.float32(-1)


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
    indptr: np.ndarray, indices: np.ndarray, place: np.ndarray, tier: np.ndarray, tiers: int, block: int, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each place in how many rows and in how many blocks it stands; of each tier how many places of each row.

    `tier` has the tiers of the first places; the others are rare, and they alone have postings.
    """
    rows = len(indptr) - 1
    postings = np.zeros(width, np.int64)
    entries = np.zeros(width, np.int64)
    last = np.full(width, -1, np.int32)
    in_tiers = np.zeros(rows * tiers, np.int64)
    for row in range(rows):
        for at in range(indptr[row], indptr[row + 1]):
            column = place[indices[at]]
            if column < len(tier):
                in_tiers[tier[column] * rows + row] += 1
            else:
                postings[column] += 1
                if last[column] != row // block:
                    last[column] = row // block
                    entries[column] += 1
    return postings, entries, in_tiers


@njit(cache=True, nogil=True)
def fill_rows(
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    place: np.ndarray,
    tier: np.ndarray,
    tiers: int,
    starts: np.ndarray,
    columns: np.ndarray,
    values: np.ndarray,
) -> None:
    """Write the places that have a tier, tier by tier and row by row; `starts` says where each tier's rows begin."""
    own, rows = np.empty(tiers, np.int64), len(indptr) - 1
    for row in range(rows):
        for number in range(tiers):
            own[number] = starts[number * rows + row]
        for at in range(indptr[row], indptr[row + 1]):
            column = place[indices[at]]
            if column < len(tier):
                where = own[tier[column]]
                columns[where] = column
                values[where] = data[at]
                own[tier[column]] = where + 1


@njit(cache=True, nogil=True)
def rest_lengths(starts: np.ndarray, values: np.ndarray, tiers: int) -> np.ndarray:
    """Of each tier, for each row, the length of what the row has in later ones."""
    rows = (len(starts) - 1) // tiers
    squares = np.zeros((tiers, rows), np.float64)
    for tier in range(tiers - 1, 0, -1):
        for row in range(rows):
            total = squares[tier, row]
            for at in range(starts[tier * rows + row], starts[tier * rows + row + 1]):
                total += np.float64(values[at]) ** 2
            squares[tier - 1, row] = total
    return np.sqrt(squares)


@njit(cache=True, nogil=True)
def fill_entries(
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    place: np.ndarray,
    middle: int,
    block: int,
    starts: np.ndarray,
    firsts: np.ndarray,
    entry_block: np.ndarray,
    entry_start: np.ndarray,
    ids: np.ndarray,
    values: np.ndarray,
) -> None:
    """Write the rare places' postings by place and row, and their entries by place and block.

    `starts` (where a place's postings begin) and `firsts` (its entries) move on.
    """
    last = np.full(len(starts), -1, np.int32)
    for row in range(len(indptr) - 1):
        for at in range(indptr[row], indptr[row + 1]):
            column = place[indices[at]]
            if column < middle:
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


@njit(cache=True, nogil=True)
def add_rare(
    block: int,
    sums: np.ndarray,
    term_starts: np.ndarray,
    term_weights: np.ndarray,
    at: np.ndarray,
    ends: np.ndarray,
    entry_block: np.ndarray,
    entry_start: np.ndarray,
    ids: np.ndarray,
    values: np.ndarray,
) -> None:
    """What the rare columns of a block's rows give, a row of `sums` for each query.

    `term_starts` and `term_weights` are the queries' rare terms, `at` the next entry of each, which moves on, and
    `ends` where a term's entries end.
    """
    sums[:] = 0
    last = len(at) - 1
    for query in range(len(term_starts) - 1):
        for term in range(term_starts[query], term_starts[query + 1]):
            ahead = at[min(term + 2 * _AHEAD, last)]
            fetch(entry_block, ahead)
            fetch(entry_start, ahead)
            ahead = entry_start[at[min(term + _AHEAD, last)]]
            fetch(ids, ahead)
            fetch(values, ahead)
            entry = at[term]
            while entry < ends[term] and entry_block[entry] < block:
                entry += 1
            if entry < ends[term] and entry_block[entry] == block:
                start, end = entry_start[entry], entry_start[entry + 1]
                _add(sums[query], ids[start:end], values[start:end], term_weights[term])
                entry += 1
            at[term] = entry


@njit(cache=True, nogil=True)
def _fetch_row(at: int, starts: np.ndarray, columns: np.ndarray, values: np.ndarray) -> None:
    """Have the beginning of a row of a tier brought near; of one that is not there, nothing."""
    start = starts[min(at, len(starts) - 1)]
    fetch(columns, start)
    fetch(values, start)
    fetch(values, start + _LINE)


@njit(cache=True, nogil=True)
def add_others(
    first: int,
    offset: int,
    size: int,
    rare: np.ndarray,
    order: np.ndarray,
    starts: np.ndarray,
    columns: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray,
    rest: np.ndarray,
    query_rest: np.ndarray,
    asked: np.ndarray,
    sums: np.ndarray,
    greatest: np.ndarray,
    scored: np.ndarray,
    scored_ends: np.ndarray,
) -> int:
    """Scores of `size` rows, of which the first is `first`, a lane for each query, and the greatest of each span.

    `rare` has what the rare columns give, a row for each query, those of the rows from `offset` on. `starts`, `columns`
    and `values` are the tiers' rows, `weights` the queries' columns; `rest` and `query_rest` are the lengths of what
    comes after a tier. A row whose bounds reach what is asked in no lane after one tier is not looked at in the next;
    `scored` are those that come to the last, and `scored_ends` says where those of a span end. `sums` has room for
    whole spans. Returns how many rows were scored.
    """
    number, (tiers, rows) = 0, rest.shape
    for start in range(0, size, SPAN):
        for part in range(start, start + SPAN, SQUARE):
            turn(rare, offset + part, sums, part)
        span = start // SPAN
        greatest[span] = _NONE
        begin = number
        for i in range(start, min(start + SPAN, size)):
            row = first + i
            add_weighted(columns, values, starts[row], starts[row + 1], weights, sums, i)
            if reaching(sums, i, rest[0, row], query_rest[0], asked) and order[row] >= 0:
                scored[number] = i
                number += 1
                _fetch_row(row + rows, starts, columns, values)
        for tier in range(1, tiers):
            left = begin
            for place in range(begin, number):
                i = scored[place]
                row = first + i
                at = tier * rows + row
                add_weighted(columns, values, starts[at], starts[at + 1], weights, sums, i)
                if tier == tiers - 1 or reaching(sums, i, rest[tier, row], query_rest[tier], asked):
                    scored[left] = i
                    left += 1
                    _fetch_row(at + rows, starts, columns, values)
            number = left
        for place in range(begin, number):
            raise_to(sums, scored[place], greatest, span)
        scored_ends[span] = number
    return number


@njit(cache=True, nogil=True)
def ask(least: np.ndarray, give: np.ndarray, asked: np.ndarray) -> None:
    """Write what a score of float32 must reach in each lane: more than nothing; lanes without a query stay as is."""
    for query in range(len(least)):
        asked[query] = max(least[query] - give[query], np.finfo(np.float32).tiny)


@njit(cache=True, nogil=True)
def _exact_dot(dense: np.ndarray, columns: np.ndarray, values: np.ndarray) -> float:
    total = 0.0
    for i in range(len(columns)):
        total += np.float64(dense[columns[i]]) * np.float64(values[i])
    return total


@njit(cache=True, nogil=True)
def _exact_best(
    columns: np.ndarray,
    values: np.ndarray,
    wide: np.ndarray,
    kept: np.ndarray,
    scores: np.ndarray,
    k: int,
    order: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
) -> int:
    """Score rows exactly and bring the best k to the front, ties by `order`; returns how many there are.

    `columns` and `values` are the query's; `wide` holds zeros, one for each column, and does again afterwards.
    """
    for at in range(len(columns)):
        wide[columns[at]] = values[at]
    positive = 0
    for place in range(len(kept)):
        row = kept[place]
        ahead = indptr[kept[min(place + 1, len(kept) - 1)]]
        fetch(indices, ahead)
        fetch(data, ahead)
        span = slice(indptr[row], indptr[row + 1])
        score = _exact_dot(wide, indices[span], data[span])
        if score > 0:
            kept[positive] = row
            scores[positive] = score
            positive += 1
    for at in range(len(columns)):
        wide[columns[at]] = 0
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
def take(
    first: int,
    sums: np.ndarray,
    greatest: np.ndarray,
    scored: np.ndarray,
    scored_ends: np.ndarray,
    query_starts: np.ndarray,
    query_columns: np.ndarray,
    query_values: np.ndarray,
    give: np.ndarray,
    order: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    k: int,
    least: np.ndarray,
    asked: np.ndarray,
    have: np.ndarray,
    kept: np.ndarray,
    kept_scores: np.ndarray,
    wide: np.ndarray,
) -> None:
    """Keep the rows that may be among the best k of each query, out of those from `first` on that were scored.

    `least` (what the k-th best so far reaches for certain), `asked` (see `ask`), `have`, `kept` and `kept_scores`
    (float32) move on. Each of the k best spans has a row with its greatest score, so that nothing below the k-th can be
    among the best. `wide` holds zeros, one for each column, and does again afterwards.
    """
    spans, room, number = len(scored_ends), kept.shape[1], len(query_starts) - 1
    exact = np.empty(room, np.float64)
    if spans >= k:
        for query in range(number):
            least[query] = max(least[query], _kth(greatest[:, query].copy(), k) - give[query])
        ask(least, give, asked)
    nothing = np.zeros(LANES, np.float32)
    for span in range(spans):
        if not reaching(greatest, span, np.float32(0), nothing, asked):
            continue
        for place in range(scored_ends[span - 1] if span else 0, scored_ends[span]):
            i = scored[place]
            lanes = reaching(sums, i, np.float32(0), nothing, asked)
            for query in range(number if lanes else 0):
                if not lanes >> np.uint32(query) & np.uint32(1):
                    continue
                if have[query] == room:
                    least[query] = max(least[query], _kth(kept_scores[query], k) - give[query])
                    left = _cut(kept[query], kept_scores[query], room, least[query] - give[query])
                    if 2 * left > room:
                        # So many as good as equal ones that float32 cannot tell them apart.
                        terms = slice(query_starts[query], query_starts[query + 1])
                        own = query_columns[terms], query_values[terms]
                        left = _exact_best(*own, wide, kept[query, :left], exact, k, order, indptr, indices, data)
                        kept_scores[query, :left] = exact[:left]
                    have[query] = left
                    if sums[i, query] < least[query] - give[query]:
                        continue
                kept[query, have[query]] = first + i
                kept_scores[query, have[query]] = sums[i, query]
                have[query] += 1
    for query in range(number):
        if have[query] > k:
            least[query] = max(least[query], _kth(kept_scores[query, : have[query]], k) - give[query])
            have[query] = _cut(kept[query], kept_scores[query], have[query], least[query] - give[query])
    ask(least, give, asked)


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
        terms = slice(query_starts[query], query_starts[query + 1])
        own = query_columns[terms], query_values[terms]
        found = kept[query, : have[query]]
        have[query] = _exact_best(*own, wide, found, scores[query], k, order, indptr, indices, data)
