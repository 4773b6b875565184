"""The latent space of the characters: latent semantic analysis (Deerwester et al. 1990)."""

from __future__ import annotations

from typing import Final

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import normalize

_DIMENSIONS: Final = 100
# Directions that are sought beside those that are kept, and how often what was found is improved.
_BESIDE: Final = 10
_ROUNDS: Final = 5
_SEED: Final = 0
# A direction that has less than this share of the strongest one's strength is rounding.
_NOTHING: Final = 1e-6


def directions_of(rows: sp.csr_matrix) -> np.ndarray:
    """The directions in which rows differ most, strongest first: dimensions x columns, none where there is no room.

    Randomized subspace iteration (Halko, Martinsson & Tropp 2011, algorithms 4.4 and 5.1) as scikit-learn's
    `randomized_svd` does it for rows fewer than columns, but brought to orthonormal on the side of the rows alone:
    there may be a million columns.
    """
    dimensions = min(_DIMENSIONS, min(rows.shape) - 1)
    if dimensions < 1:
        return np.zeros((0, rows.shape[1]), rows.dtype)
    transposed = rows.T.tocsr()
    sought = min(dimensions + _BESIDE, rows.shape[0])
    of_rows = np.random.RandomState(_SEED).normal(size=(rows.shape[0], sought)).astype(rows.dtype)
    for _ in range(_ROUNDS):
        of_rows, _ = np.linalg.qr(rows @ (transposed @ of_rows))
    of_columns = transposed @ of_rows
    # The strongest directions within what the columns span: eigenvectors of C'AAC where C'C is 1.
    square = (of_columns.T @ of_columns).astype(np.float64)
    strength, turned = np.linalg.eigh(square)
    kept = strength > strength[-1] * _NOTHING**2
    to_unit = turned[:, kept] / np.sqrt(strength[kept])
    again = (rows @ of_columns).astype(np.float64) @ to_unit
    _, best = np.linalg.eigh(again.T @ again)
    return np.asarray((of_columns @ (to_unit @ best[:, ::-1][:, :dimensions]).astype(rows.dtype)).T)


def coordinates(rows: sp.csr_matrix, directions: np.ndarray) -> np.ndarray:
    """Rows in the latent space, of length 1 or 0: rows x dimensions, at least one."""
    if not len(directions) or not rows.shape[0]:
        return np.zeros((rows.shape[0], max(1, len(directions))))
    return np.asarray(normalize(rows @ directions.T))
