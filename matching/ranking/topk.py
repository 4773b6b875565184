"""The k best rows of one sparse matrix for each row of another, exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import scipy.sparse as sp

# Products are made for so many pairs at a time: it bounds the memory, not the result.
_PAIRS_AT_A_TIME: Final = 20_000_000


def top_k(
    queries: sp.csr_matrix,
    documents: sp.csr_matrix,
    k: int,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row of the query, row of the document and score of the best pairs.

    Pairs come query by query, best first; equal scores in the order of the documents' rows. Pairs that share
    nothing (score 0) are not candidates, so a query may have fewer than k. `progress` is called with the
    number of queries done and their total.
    """
    total = queries.shape[0]
    step = max(1, _PAIRS_AT_A_TIME // max(1, documents.shape[0]))
    transposed = documents.T.tocsr()
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for start in range(0, total, step):
        product = (queries[start : start + step] @ transposed).tocsr()
        for row in range(product.shape[0]):
            span = slice(product.indptr[row], product.indptr[row + 1])
            columns, scores = _best(product.indices[span], product.data[span], k)
            found.append((np.full(len(columns), start + row), columns, scores))
        if progress:
            progress(min(start + step, total), total)
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64)
    rows, columns, scores = (np.concatenate(part) for part in zip(*found, strict=True))
    return rows.astype(np.int64), columns.astype(np.int64), scores


def _best(columns: np.ndarray, scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    positive = scores > 0
    columns, scores = columns[positive], scores[positive]
    if len(scores) > k:
        # Everything equal to the k-th best stays in until the order of rows has decided.
        kept = scores >= np.partition(scores, -k)[-k]
        columns, scores = columns[kept], scores[kept]
    order = np.lexsort((columns, -scores))[:k]
    return columns[order], scores[order]
