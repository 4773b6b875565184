"""The latent space: its directions, and rows placed in it."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.utils.extmath import randomized_svd

from matching.ranking.latent import coordinates, directions_of

ROWS = sp.csr_matrix(np.array([[3.0, 4, 0, 0, 0], [0, 1, 1, 0, 2], [0, 0, 0, 0, 0], [1, 0, 1, 1, 0], [0, 2, 0, 1, 1]]))


def test_directions_are_orthonormal_and_the_strongest() -> None:
    found = directions_of(ROWS)
    assert found.shape == (4, 5)
    assert found @ found.T == pytest.approx(np.eye(4), abs=1e-9)
    expected = np.linalg.svd(ROWS.toarray())[1][:4]
    assert np.sqrt(((ROWS @ found.T) ** 2).sum(axis=0)) == pytest.approx(expected, abs=1e-9)


def test_directions_are_those_of_scikit_learn() -> None:
    """The same subspace from the same random start, on rows with more columns and a strength that falls slowly."""
    numbers = np.random.default_rng(5)
    rows = sp.random(300, 900, 0.05, format="csr", random_state=7, data_rvs=lambda n: numbers.random(n) + 0.5)
    found = directions_of(rows)
    *_, expected = randomized_svd(rows, 100, n_iter=5, random_state=0)
    assert np.linalg.svd(found @ expected.T)[1] == pytest.approx(np.ones(100), abs=1e-6)
    assert np.abs((found * expected).sum(axis=1)) == pytest.approx(np.ones(100), abs=1e-4)


def test_equal_rows_have_one_direction() -> None:
    rows = sp.csr_matrix(np.tile(np.array([[3.0, 4, 0, 0]]), (5, 1)))
    assert np.abs(directions_of(rows)) == pytest.approx(np.array([[0.6, 0.8, 0, 0]]), abs=1e-9)


def test_rows_have_length_1_or_0() -> None:
    placed = coordinates(ROWS, directions_of(ROWS))
    assert np.sqrt((placed**2).sum(axis=1)) == pytest.approx([1, 1, 0, 1, 1], abs=1e-9)


def test_without_columns_or_rows_there_is_a_space_of_nothing() -> None:
    assert directions_of(sp.csr_matrix((3, 0))).shape == (0, 0)
    assert coordinates(sp.csr_matrix((3, 0)), np.zeros((0, 0))).tolist() == [[0.0]] * 3
    assert coordinates(sp.csr_matrix((0, 5)), directions_of(ROWS)).shape == (0, 4)
