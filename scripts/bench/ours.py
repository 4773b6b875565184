"""This project's top-k behind the few functions that it is measured through."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from matching.ranking import topk
from matching.ranking.topk import Index, build, search

Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]


def index_of(documents: sp.csr_matrix) -> Index:
    """What is searched in."""
    return build(documents)


def best(index: Index, queries: sp.csr_matrix, k: int, threads: int) -> Pairs:
    """Rows, columns and scores of the best pairs."""
    return search(index, queries, k, threads=threads)


def bytes_read(index: Index, queries: sp.csr_matrix) -> int:
    """Bytes that a search for the queries streams."""
    return topk.bytes_read(index, queries)
