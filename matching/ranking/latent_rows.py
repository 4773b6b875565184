"""The rows that pairs name, in the latent space: a list may have a million others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse as sp

from matching.ranking.latent import coordinates
from matching.ranking.vectors import Vectors

# Rows are placed so many at a time: it bounds the memory, not the result.
_ROWS_AT_A_TIME: Final = 20_000


@dataclass(frozen=True)
class Latent:
    """Rows of one list and their titles in the latent space, each of length 1 or 0; `rows` rise."""

    rows: np.ndarray
    wholes: np.ndarray
    titles: np.ndarray

    def of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates of some rows and of their titles; the rows are among those that were placed."""
        places = np.searchsorted(self.rows, rows)
        return self.wholes[places], self.titles[places]


def latent_of(vectors: Vectors, rows: np.ndarray, wholes: sp.csr_matrix, titles: sp.csr_matrix) -> Latent:
    """Place rows of `wholes` and of `titles`, which are one list's of the vectors, in the latent space."""
    rows = np.unique(rows)
    return Latent(rows, _coordinates(vectors, wholes, rows), _coordinates(vectors, titles, rows))


def _coordinates(vectors: Vectors, matrix: sp.csr_matrix, rows: np.ndarray) -> np.ndarray:
    end = vectors.block("characters").stop
    parts = [rows[start : start + _ROWS_AT_A_TIME] for start in range(0, max(1, len(rows)), _ROWS_AT_A_TIME)]
    return np.concatenate([_coordinates_of_some(matrix[part][:, :end], vectors.directions) for part in parts])


def _coordinates_of_some(rows: sp.csr_matrix, directions: np.ndarray) -> np.ndarray:
    """The same with the columns alone that these rows have: there may be a million others."""
    used = np.zeros(rows.shape[1], dtype=bool)
    used[rows.indices] = True
    columns = np.flatnonzero(used)
    place = np.cumsum(used) - 1
    narrow = sp.csr_matrix((rows.data, place[rows.indices], rows.indptr), (rows.shape[0], len(columns)))
    return coordinates(narrow, directions[:, columns])
