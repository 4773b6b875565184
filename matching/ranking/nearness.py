"""Which texts are near each other: cosines of their characters, and families of demands that near ones connect."""

from __future__ import annotations

from typing import Final

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from matching.ranking.compiled.pairs import every_product
from matching.ranking.features import csr
from matching.ranking.vectors import Vectors

# Demands are compared with all others so many at a time: it bounds the memory, not the result.
_DEMANDS_AT_A_TIME: Final = 500


def near_demands(vectors: Vectors, first: np.ndarray, second: np.ndarray, near: float) -> sp.csr_matrix:
    """Which demands, given by their rows, are near each other: a matrix of truth values, first x second.

    `near` is the least cosine of their characters, above 0.
    """
    end = vectors.block("characters").stop
    others = unit(vectors.demands, end, second).T.tocsr()
    found: list[sp.csr_matrix] = []
    for start in range(0, max(1, len(first)), _DEMANDS_AT_A_TIME):
        found_here = (unit(vectors.demands, end, first[start : start + _DEMANDS_AT_A_TIME]) @ others).tocsr()
        found_here.data = found_here.data >= near
        found_here.eliminate_zeros()
        found.append(found_here)
    return sp.csr_matrix(sp.vstack(found))


def unit(matrix: sp.csr_matrix, end: int, rows: np.ndarray) -> sp.csr_matrix:
    """The characters of rows, which end before the column `end`, brought to length 1."""
    found = matrix[rows][:, :end].astype(np.float64)
    row = np.repeat(np.arange(len(rows)), np.diff(found.indptr))
    lengths = np.sqrt(np.bincount(row, weights=found.data**2, minlength=len(rows)))
    found.data /= np.where(lengths > 0, lengths, 1.0)[row]
    return found


def cosines(matrix: sp.csr_matrix, end: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosines of the characters of rows, which end before the column `end`: first x second."""
    rows, row = np.unique(first, return_inverse=True)
    columns, column = np.unique(second, return_inverse=True)
    found = every_product(csr(unit(matrix, end, rows)), csr(unit(matrix, end, columns)), end)
    return np.asarray(found[np.ix_(row, column)])


def family_numbers(vectors: Vectors, demands: np.ndarray, near: float) -> np.ndarray:
    """For each of these demands, given by their rows, the number of its family: of those that near ones connect."""
    if not len(demands):
        return np.zeros(0, dtype=np.int64)
    _, number = connected_components(near_demands(vectors, demands, demands, near), directed=False)
    return np.asarray(number)


def learning_demands(vectors: Vectors, judged: np.ndarray, near: float, changed: np.ndarray) -> np.ndarray:
    """Rows of the demands whose candidates may become others when some demands do, in order.

    `judged` are the rows of demands with judged pairs, `changed` those that are new, say something else, or whose
    judgements or judged achievements changed. What a changed demand teaches reaches all that are near to any of its
    family. Where a demand lost its last judgement or said something else before, ask with what was as well.
    """
    judged = np.unique(judged)
    number = family_numbers(vectors, judged, near)
    teaching = judged[np.isin(number, number[np.isin(judged, changed)])]
    everyone = np.arange(len(vectors.demand_ids))
    taught = np.diff(near_demands(vectors, everyone, teaching, near).indptr) > 0
    return np.union1d(changed, everyone[taught])
