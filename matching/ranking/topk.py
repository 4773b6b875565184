"""The k best rows of one sparse matrix for each row of another, exactly.

Columns are told apart by how many rows they stand in. *Rare* columns are kept as postings: few rows have them. The
others are kept row by row, for so many queries at once that nearly each is some query's: a row is read once and added
to the sums of all of them. They are parted into *tiers*, of which a later one has more common columns. These would be
most of what is read, and say least; what they can add to a score at most is known beforehand,

    score <= sum over the columns that were added + |what remains of the query| |what remains of the row|

(Cauchy and Schwarz), so that a tier is added only to rows that this bound, after the tier before, lets be among the
best of some query: few, once the k-th best score that is known is high. Rows are taken block by block; the first block
is short, so that there is such a score soon. Sums of float32 are allowed what rounding may do to them (n u |a| |b|,
Higham 2002, section 3.1); what is kept in the end is scored again in float64, column by column in their order, so that
equal rows have equal scores and ties go by the order of the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from queue import SimpleQueue
from typing import Final

import numpy as np
import scipy.sparse as sp
from threadpoolctl import ThreadpoolController

from matching.ranking.compiled import searching
from matching.ranking.compiled.lanes import LANES

# Columns of a tier stand in more than this share of the rows; so many columns at most are in tiers. A tier of which a
# row has fewer values than so many would cost more than it saves, and is one with the next.
_TIERS: Final = (0.04, 0.2, 0.3, 0.5)
_COLUMNS: Final = 20_000
_VALUES: Final = 16
# Rows of a block (whole spans of `searching`), of which the sums of one query fit into the second cache; of the first
# block so many are taken first.
_BLOCK: Final = 32_768
_FIRST: Final = 8_192
# Keeps sums of the same row for several queries out of the same places of a cache.
_APART: Final = 16
# So few postings are numbered in half the memory.
_FEW: Final = 1 << 32
# Values that are counted at a time.
_PIECE: Final = 1 << 24
# Rows kept for a query before they are cut to those that may still be among the best.
_ROOM: Final = 1_024
# What one rounding of a float32 may do, and what is more than it does to a length.
_UNIT: Final = 2.0**-24
_ROUNDED: Final = 1 + 2.0**-20
# No score reaches it.
_NEVER: Final = 3e38

# The libraries' own threads: to look for these libraries takes as long as a search.
_POOLS: Final = ThreadpoolController()

Progress = Callable[[int, int], None]
Best = tuple[np.ndarray, np.ndarray, np.ndarray]
# Sums of a block's rows, a lane for each query, and those of rare columns, a row for each query.
Room = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Index:
    """What rows are found by.

    `rows` are the rows themselves (float32, not negative); `place` numbers their columns from the most common one on,
    of which the first `edges[0]` are kept tier by tier, and in a tier row by row, in `tier_columns` and `tier_values`;
    `tier_starts` has where each row of each tier begins. Those up to `edges[1]` are in the second tier or a later one,
    and so on; `rest` (tiers x rows) are the lengths of a row's later tiers, not rounded down. The postings of the other
    columns are `ids` (row within its block) and `values`; `entry_starts` says where those of a place in a block begin,
    `entry_blocks` in which block, and `place_entries` which entries are a place's. `order` decides ties, and is
    negative for a row that is not to be found; `longest` bounds the length of a row.
    """

    rows: sp.csr_matrix
    order: np.ndarray
    place: np.ndarray
    edges: tuple[int, ...]
    place_entries: np.ndarray
    entry_blocks: np.ndarray
    entry_starts: np.ndarray
    ids: np.ndarray
    values: np.ndarray
    tier_starts: np.ndarray
    tier_columns: np.ndarray
    tier_values: np.ndarray
    rest: np.ndarray
    longest: float


def build(rows: sp.csr_matrix, order: np.ndarray | None = None) -> Index:
    """Index rows; `order` as in `Index`, the rows' own when it is not given. `ValueError` for a negative value."""
    rows = _plain(rows)
    number, width = rows.shape
    rows_with = _rows_with(rows)
    place = np.empty(width, np.int32)
    place[np.argsort(-rows_with, kind="stable")] = np.arange(width, dtype=np.int32)
    edges = _edges(rows_with, number)
    tier, tiers = _tiers(edges), len(edges)
    counts = searching.count_entries(rows.indptr, rows.indices, place, tier, tiers, _BLOCK, width)
    starts, firsts, tier_starts = (_ends(each) for each in counts)
    del counts
    entry_blocks = np.empty(firsts[-1], np.int32)
    entry_starts = np.empty(firsts[-1] + 1, np.uint32 if starts[-1] < _FEW else np.int64)
    entry_starts[-1] = starts[-1]
    ids, values = np.empty(starts[-1], np.uint16), np.empty(starts[-1], np.float32)
    own = rows.indptr, rows.indices, rows.data, place
    searching.fill_entries(
        *own, edges[0], _BLOCK, starts[:-1].copy(), firsts[:-1].copy(), entry_blocks, entry_starts, ids, values
    )
    tier_columns, tier_values = np.empty(tier_starts[-1], np.uint16), np.empty(tier_starts[-1], np.float32)
    searching.fill_rows(*own, tier, tiers, tier_starts, tier_columns, tier_values)
    return Index(
        rows=rows,
        order=np.arange(number, dtype=np.int32) if order is None else order.astype(np.int32),
        place=place,
        edges=edges,
        place_entries=firsts,
        entry_blocks=entry_blocks,
        entry_starts=entry_starts,
        ids=ids,
        values=values,
        tier_starts=tier_starts,
        tier_columns=tier_columns,
        tier_values=tier_values,
        rest=(searching.rest_lengths(tier_starts, tier_values, tiers) * _ROUNDED).astype(np.float32),
        longest=float(searching.lengths_of(rows.indptr, rows.data).max(initial=0.0)),
    )


def _rows_with(rows: sp.csr_matrix) -> np.ndarray:
    """In how many rows each column stands; counted by pieces, for each is widened to be counted."""
    found = np.zeros(rows.shape[1], np.int64)
    for start in range(0, rows.nnz, _PIECE):
        found += np.bincount(rows.indices[start : start + _PIECE], minlength=rows.shape[1])
    return found


def _edges(rows_with: np.ndarray, number: int) -> tuple[int, ...]:
    """How many columns are in the first tier or a later one, in the second or a later one, and so on.

    `rows_with` has each column's number of rows. There is one tier at least, which may have no columns.
    """
    first, *later = (min(int(np.count_nonzero(rows_with > share * number)), _COLUMNS) for share in _TIERS)
    values = _ends(np.sort(rows_with)[::-1][:first])
    edges = [first]
    for each in later:
        if min(values[edges[-1]] - values[each], values[each]) > _VALUES * number:
            edges.append(each)
    return tuple(edges)


def _tiers(edges: tuple[int, ...]) -> np.ndarray:
    """The tier of each place that has one."""
    tiers = np.zeros(edges[0], np.uint8)
    for edge in edges[1:]:
        tiers[:edge] += 1
    return tiers


def search(
    index: Index,
    queries: sp.csr_matrix,
    k: int,
    *,
    threads: int = 1,
    least: np.ndarray | None = None,
    progress: Progress | None = None,
) -> Best:
    """Row of the query, `order` of the row found and score of the best k pairs.

    Pairs come query by query, best first; equal scores by `order`. Pairs that share nothing (score 0) are not
    candidates, so a query may have fewer than k. `progress` is called with the number of queries done and their total.
    Values must not be negative (`ValueError`).

    `least` says for each query which score is asked for at least, when k better ones are known from elsewhere: what is
    below it may be missing. The result does not depend on `threads`.
    """
    queries = _plain(queries)
    spans = [slice(start, start + LANES) for start in range(0, queries.shape[0], LANES)]
    if k < 1 or not index.rows.shape[0] or not index.rows.nnz:
        spans = []
    wanted = min(k, index.rows.shape[0])
    floors = np.zeros(queries.shape[0]) if least is None else np.maximum(least, 0.0)
    found: list[Best] = []
    with _POOLS.limit(limits=1, user_api="blas"):
        for place, best in enumerate(_in_turn(index, queries, wanted, floors, spans, max(1, threads)), start=1):
            found.append(best)
            if progress:
                progress(min(place * LANES, queries.shape[0]), queries.shape[0])
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64)
    rows, columns, scores = (np.concatenate(part) for part in zip(*found, strict=True))
    return rows, columns, scores


def best_of_parts(parts: list[Best], k: int) -> Best:
    """The best k of each query out of what was found among several parts of the rows, as `search` gives them."""
    if len(parts) == 1:
        return parts[0]
    rows, columns, scores = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.lexsort((columns, -scores, rows))
    rows, columns, scores = rows[order], columns[order], scores[order]
    among = np.arange(len(rows)) - np.searchsorted(rows, rows) < k
    return rows[among], columns[among], scores[among]


def bytes_read(index: Index, queries: sp.csr_matrix) -> int:
    """Bytes that a search for the queries reads: postings for each query, the first tier for each `LANES`."""
    lengths = np.diff(index.entry_starts[index.place_entries])
    places = index.place[_plain(queries).indices]
    postings = int(lengths[places[places >= index.edges[0]]].sum()) * (index.ids.itemsize + index.values.itemsize)
    height = index.rows.shape[0]
    of_values = int(index.tier_starts[height]) * (index.tier_columns.itemsize + index.tier_values.itemsize)
    of_rows = height * (index.tier_starts.itemsize + index.rest.itemsize)
    return postings + (of_values + of_rows) * -(-queries.shape[0] // LANES)


def _plain(rows: sp.csr_matrix) -> sp.csr_matrix:
    """Rows as float32 with sorted columns, each once."""
    plain = sp.csr_matrix(rows, dtype=np.float32)
    if not plain.has_canonical_format:
        plain = plain.copy()
        plain.sum_duplicates()
    if plain.nnz and plain.data.min() < 0:
        raise ValueError("values must not be negative")
    return plain


def _ends(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


def _in_turn(
    index: Index, queries: sp.csr_matrix, k: int, least: np.ndarray, spans: list[slice], threads: int
) -> Iterator[Best]:
    """The best of each span of queries. Where there are fewer spans than threads, threads share the rows."""
    blocks = -(-index.rows.shape[0] // _BLOCK)
    shares = min(blocks, threads if len(spans) < threads else 1)
    edges = [share * blocks // max(1, shares) for share in range(shares + 1)]
    tasks = [(span, range(*some)) for span in spans for some in pairwise(edges)]
    threads = min(threads, len(tasks))
    # Memory for sums is taken once for each thread: the system clears what it hands out, which takes time.
    free: SimpleQueue[Room] = SimpleQueue()
    rows = min(-(-index.rows.shape[0] // searching.SPAN) * searching.SPAN, _BLOCK)
    for _ in range(threads):
        free.put((np.empty((rows, LANES), np.float32), np.empty((LANES, rows + _APART), np.float32)))

    def found(task: tuple[slice, range]) -> Best:
        span, some = task
        room = free.get()
        try:
            return _found(index, queries[span], k, least[span], span.start, some, room)
        finally:
            free.put(room)

    if threads <= 1:
        yield from map(found, tasks)
        return
    with ThreadPoolExecutor(threads) as pool:
        each = pool.map(found, tasks)
        for _ in spans:
            yield best_of_parts([next(each) for _ in range(shares)], k)


def _found(
    index: Index, queries: sp.csr_matrix, k: int, asked: np.ndarray, first: int, blocks: range, free: Room
) -> Best:
    """The best of some queries in some blocks; `first` is the first query's number, `free` has room for their sums."""
    number, (height, width) = queries.shape[0], index.rows.shape
    places = index.place[queries.indices]
    lanes = np.repeat(np.arange(number), np.diff(queries.indptr))
    weights = np.zeros((index.edges[0], LANES), np.float32)
    near, rare = places < index.edges[0], places >= index.edges[0]
    weights[places[near], lanes[near]] = queries.data[near]
    rest = np.zeros((len(index.edges), LANES), np.float32)
    for tier, edge in enumerate(index.edges[1:]):
        rest[tier] = np.sqrt(np.square(weights[:edge], dtype=np.float64).sum(axis=0)) * _ROUNDED
    of_terms = _ends(np.bincount(lanes[rare], minlength=number)), queries.data[rare]
    at, ends = index.place_entries[places[rare]], index.place_entries[places[rare] + 1]
    entries = index.entry_blocks, index.entry_starts, index.ids, index.values
    lengths = searching.lengths_of(queries.indptr, queries.data) * index.longest
    slack = ((np.diff(queries.indptr) + 8) * _UNIT * lengths + _UNIT).astype(np.float32)
    room = max(_ROOM, 4 * k)
    least, asked_now = np.maximum(asked - slack, 0.0).astype(np.float32), np.full(LANES, _NEVER, np.float32)
    searching.ask(least, slack, asked_now)
    have = np.zeros(number, np.int64)
    kept, kept_scores = np.empty((number, room), np.int32), np.empty((number, room), np.float32)
    wide = np.zeros(width, np.float32)
    sums, of_rare = free
    greatest = np.empty((len(sums) // searching.SPAN, LANES), np.float32)
    scored, scored_ends = np.empty(len(sums), np.int32), np.empty(len(greatest), np.int32)
    for block in blocks:
        searching.add_rare(block, of_rare, *of_terms, at, ends, *entries)
        start, size = block * _BLOCK, min(_BLOCK, height - block * _BLOCK)
        cuts = (0, _FIRST, size) if block == blocks.start and size > _FIRST else (0, size)
        for begin, end in pairwise(cuts):
            spans = -(-(end - begin) // searching.SPAN)
            found = greatest[:spans], scored, scored_ends[:spans]
            searching.add_others(
                start + begin,
                begin,
                end - begin,
                of_rare,
                index.order,
                index.tier_starts,
                index.tier_columns,
                index.tier_values,
                weights,
                index.rest,
                rest,
                asked_now,
                sums,
                *found,
            )
            searching.take(
                start + begin,
                sums,
                *found,
                queries.indptr,
                queries.indices,
                queries.data,
                slack,
                index.order,
                index.rows.indptr,
                index.rows.indices,
                index.rows.data,
                k,
                least,
                asked_now,
                have,
                kept,
                kept_scores,
                wide,
            )
    scores = np.empty((number, room), np.float64)
    searching.finish(
        queries.indptr,
        queries.indices,
        queries.data,
        k,
        index.order,
        index.rows.indptr,
        index.rows.indices,
        index.rows.data,
        have,
        kept,
        scores,
        wide,
    )
    chosen = np.arange(room) < have[:, None]
    rows = np.repeat(np.arange(first, first + number), have)
    return rows, index.order[kept[chosen]].astype(np.int64), scores[chosen]
