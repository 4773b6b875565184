"""The k best rows of one sparse matrix for each row of another, exactly.

Rows are taken apart by how common their columns are. *Rare* columns are kept as postings, column by column, within
blocks of rows whose sums fit into the processor's cache. *Common* columns, those that stand in more than a share of all
rows, would be most of the postings; they are kept row by row, and beside them their coordinates along the directions in
which they differ most, with the length of what is left over. For a query,

    estimate = sum over the rare columns + coordinates of the query . coordinates of the row,
    score <= estimate + what is left over of the query x what is left over of the row   (Cauchy and Schwarz),

so that few rows must be completed from their common columns: those whose bound reaches the k-th best score that is
known. The rows with the best bounds are taken first, that this score is high from the start. Sums of float32 are
allowed what rounding may do to them (n u |a| |b|, Higham 2002, section 3.1); what is kept in the end is scored again in
float64, column by column in their order, so that equal rows have equal scores and ties go by the order of the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final

import numpy as np
import scipy.sparse as sp
from threadpoolctl import ThreadpoolController

from matching.ranking.compiled import searching

# Columns that stand in more than this share of the rows are common; so many columns at most.
_COMMON: Final = 0.2
_COMMON_COLUMNS: Final = 2_000
# Directions of the common columns, and rows that they are found from.
_DIRECTIONS: Final = 48
_FITTED_ROWS: Final = 5_000
# Fewer rows than this are looked at one by one.
_FEW: Final = 4_096
# Rows of a block (whole spans of `searching`), of which the sums of one query fit into the second cache; blocks that
# are taken together.
_BLOCK: Final = 32_768
_BLOCKS: Final = 4
# Queries that are taken together.
_QUERIES: Final = 64
# Rows kept for a query before they are cut to those that may still be among the best.
_ROOM: Final = 1_024
# What one rounding of a float32 may do, and what is added to a squared length before its root bounds another.
_UNIT: Final = 2.0**-24
_ROUNDED: Final = 1e-7

# The libraries' own threads: to look for these libraries takes as long as a search.
_POOLS: Final = ThreadpoolController()

Progress = Callable[[int, int], None]
Best = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Index:
    """What rows are found by.

    `rows` are the rows themselves (float32, not negative); `place` numbers their columns from the most common one on,
    of which the first `common` are kept row by row in `common_starts`, `common_columns` and `common_values`, with
    `points` (rows x directions), `rest` (what is left over) and `directions`. The postings of the others are `ids`
    (row within its block) and `values`; `entry_starts` says where those of a place in a block begin, `entry_blocks` in
    which block, and `place_entries` which entries are a place's. `order` decides ties, and is negative for a row that
    is not to be found; `longest` bounds the length of a row.
    """

    rows: sp.csr_matrix
    order: np.ndarray
    place: np.ndarray
    common: int
    place_entries: np.ndarray
    entry_blocks: np.ndarray
    entry_starts: np.ndarray
    ids: np.ndarray
    values: np.ndarray
    common_starts: np.ndarray
    common_columns: np.ndarray
    common_values: np.ndarray
    directions: np.ndarray
    points: np.ndarray
    rest: np.ndarray
    longest: float


def build(rows: sp.csr_matrix, order: np.ndarray | None = None) -> Index:
    """Index rows; `order` as in `Index`, the rows' own when it is not given. `ValueError` for a negative value."""
    rows = _plain(rows)
    number, width = rows.shape
    common_in = np.bincount(rows.indices, minlength=width)
    place = np.empty(width, np.int32)
    place[np.argsort(-common_in, kind="stable")] = np.arange(width, dtype=np.int32)
    common = min(int(np.count_nonzero(common_in > _COMMON * number)), _COMMON_COLUMNS)
    postings, entries, own = searching.count_entries(rows.indptr, rows.indices, place, common, _BLOCK, width)
    starts, firsts, common_starts = _ends(postings), _ends(entries), _ends(own)
    entry_blocks = np.empty(firsts[-1], np.int32)
    entry_starts = np.empty(firsts[-1] + 1, np.int64)
    entry_starts[-1] = starts[-1]
    ids, values = np.empty(starts[-1], np.uint16), np.empty(starts[-1], np.float32)
    columns, amounts = np.empty(common_starts[-1], np.uint16), np.empty(common_starts[-1], np.float32)
    searching.fill_entries(
        rows.indptr,
        rows.indices,
        rows.data,
        place,
        common,
        _BLOCK,
        starts[:-1].copy(),
        firsts[:-1].copy(),
        common_starts[:-1].copy(),
        entry_blocks,
        entry_starts,
        ids,
        values,
        columns,
        amounts,
    )
    in_common = sp.csr_matrix((amounts, columns.astype(np.int32), common_starts), (number, common))
    directions = _directions(in_common)
    points, rest = _points(in_common, directions)
    return Index(
        rows=rows,
        order=np.arange(number, dtype=np.int32) if order is None else order.astype(np.int32),
        place=place,
        common=common,
        place_entries=firsts,
        entry_blocks=entry_blocks,
        entry_starts=entry_starts,
        ids=ids,
        values=values,
        common_starts=common_starts,
        common_columns=columns,
        common_values=amounts,
        directions=directions,
        points=points,
        rest=rest,
        longest=float(searching.lengths_of(rows.indptr, rows.data).max(initial=0.0)),
    )


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
    spans = [slice(start, start + _QUERIES) for start in range(0, queries.shape[0], _QUERIES)]
    threads = max(1, min(threads, len(spans)))
    if k < 1 or not index.rows.shape[0] or not index.rows.nnz:
        spans = []
    wanted = min(k, index.rows.shape[0])
    floors = np.zeros(queries.shape[0]) if least is None else np.maximum(least, 0.0)
    found: list[Best] = []
    with _POOLS.limit(limits=1, user_api="blas"):
        for place, best in enumerate(_in_turn(index, queries, wanted, floors, spans, threads), start=1):
            found.append(best)
            if progress:
                progress(min(place * _QUERIES, queries.shape[0]), queries.shape[0])
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64)
    rows, columns, scores = (np.concatenate(part) for part in zip(*found, strict=True))
    return rows, columns, scores


def postings_read(index: Index, queries: sp.csr_matrix) -> int:
    """Postings that a search for the queries reads, each once for each query that has its column."""
    lengths = np.diff(index.entry_starts[index.place_entries])
    places = index.place[_plain(queries).indices]
    return int(lengths[places[places >= index.common]].sum())


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


def _directions(rows: sp.csr_matrix) -> np.ndarray:
    """The directions in which rows differ most: directions x columns, orthonormal."""
    number, width = rows.shape
    if number < _FEW or not width:
        return np.zeros((0, width), np.float32)
    some = rows[:: max(1, number // _FITTED_ROWS)].astype(np.float64)
    _, vectors = np.linalg.eigh((some.T @ some).toarray())
    return np.ascontiguousarray(vectors[:, ::-1][:, :_DIRECTIONS].T, dtype=np.float32)


def _points(rows: sp.csr_matrix, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of rows along the directions, and the length of what is left over, rounded up."""
    points = np.ascontiguousarray(rows @ directions.T, dtype=np.float32)
    left = searching.lengths_of(rows.indptr, rows.data) ** 2 - np.square(points, dtype=np.float64).sum(axis=1)
    rest = np.sqrt(np.maximum(left, 0.0) + _ROUNDED)
    rest[np.diff(rows.indptr) == 0] = 0.0
    return points, rest.astype(np.float32)


def _in_turn(
    index: Index, queries: sp.csr_matrix, k: int, least: np.ndarray, spans: list[slice], threads: int
) -> Iterator[Best]:
    # Memory for sums is taken once for each thread: the system clears what it hands out, which takes time.
    free: SimpleQueue[np.ndarray] = SimpleQueue()
    for _ in range(threads):
        free.put(np.empty(min(_QUERIES, queries.shape[0]) * min(index.rows.shape[0], _BLOCK * _BLOCKS), np.float32))

    def found(span: slice) -> Best:
        sums = free.get()
        try:
            return _found(index, queries[span], k, least[span], span.start, sums)
        finally:
            free.put(sums)

    if threads == 1:
        yield from map(found, spans)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(found, spans)


def _found(index: Index, queries: sp.csr_matrix, k: int, asked: np.ndarray, first: int, sums: np.ndarray) -> Best:
    """The best of some queries, of which the first has the given number; `sums` has room for their estimates."""
    number, (height, width) = queries.shape[0], index.rows.shape
    places = index.place[queries.indices]
    in_common = np.where(places < index.common, queries.data, np.float32(0))
    apart = sp.csr_matrix((in_common, places.copy(), queries.indptr.copy()), (number, width))
    apart.eliminate_zeros()
    points, rest = _points(apart[:, : index.common], index.directions)
    terms = np.diff(queries.indptr) + 2 * len(index.directions) + 8
    lengths = searching.lengths_of(queries.indptr, queries.data) * index.longest
    slack = (terms * _UNIT * lengths + _UNIT).astype(np.float32)
    at = index.place_entries[places]
    room = max(_ROOM, 4 * k)
    least = np.maximum(asked - slack, 0.0).astype(np.float32)
    have = np.zeros(number, np.int64)
    kept, kept_scores = np.empty((number, room), np.int32), np.empty((number, room), np.float32)
    wide = np.zeros(width, np.float32)
    span = min(height, _BLOCK * _BLOCKS)
    bounds = np.empty((number, -(-span // searching.SPAN) * searching.LANES), np.float32)
    for start in range(0, height, span):
        size = min(span, height - start)
        estimates = sums[: number * size].reshape(number, size)
        for block in range(start, start + size, _BLOCK):
            end = min(block + _BLOCK, start + size)
            part = estimates[:, block - start : end - start]
            if len(index.directions):
                np.matmul(points, index.points[block:end].T, out=part)
            else:
                part[:] = 0
            searching.add_block(
                block // _BLOCK,
                block - start,
                end - block,
                estimates,
                bounds,
                queries.indptr,
                places,
                queries.data,
                at,
                rest,
                index.common,
                index.place_entries[1:],
                index.entry_blocks,
                index.entry_starts,
                index.ids,
                index.values,
                index.rest[block:end],
            )
        searching.take(
            start,
            estimates,
            bounds,
            queries.indptr,
            places,
            queries.data,
            queries.indices,
            points,
            rest,
            slack,
            index.common,
            index.common_starts,
            index.common_columns,
            index.common_values,
            index.rest,
            index.points,
            index.order,
            index.rows.indptr,
            index.rows.indices,
            index.rows.data,
            k,
            least,
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
