"""Exact top-k against a dense loop."""

from __future__ import annotations

import random

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from matching.ranking import topk
from matching.ranking.topk import top_k

Pair = tuple[int, int, float]


def dense_loop(queries: np.ndarray, documents: np.ndarray, k: int) -> list[Pair]:
    """The oracle: every query with every document, sorted."""
    found: list[Pair] = []
    for row, query in enumerate(queries):
        scored = [(row, place, float(query @ document)) for place, document in enumerate(documents)]
        scored.sort(key=lambda pair: (-pair[2], pair[1]))
        found += [pair for pair in scored if pair[2] > 0][:k]
    return found


def pairs(queries: np.ndarray, documents: np.ndarray, k: int) -> list[Pair]:
    rows, columns, scores = top_k(sp.csr_matrix(queries), sp.csr_matrix(documents), k)
    assert rows.dtype == columns.dtype == np.int64
    assert scores.dtype == np.float64
    return list(zip(rows.tolist(), columns.tolist(), scores.tolist(), strict=True))


def matrices(most_rows: int, columns: int, least: int = 0) -> st.SearchStrategy[np.ndarray]:
    """Small whole numbers as floats: products are exact, zeros and ties are many."""
    shape = st.tuples(st.integers(0, most_rows), st.just(columns))
    return hnp.arrays(np.float64, shape, elements=st.sampled_from([0, 0, 0, 1, 2, 3, *range(least, 0)]).map(float))


@given(matrices(6, 4), matrices(12, 4), st.integers(1, 15))
def test_equals_the_dense_loop(queries: np.ndarray, documents: np.ndarray, k: int) -> None:
    assert pairs(queries, documents, k) == dense_loop(queries, documents, k)


@given(matrices(3, 3), matrices(4, 3), st.integers(1, 9))
def test_duplicates_come_in_the_order_of_rows(queries: np.ndarray, documents: np.ndarray, k: int) -> None:
    twice = np.vstack([documents, documents])
    assert pairs(queries, twice, k) == dense_loop(queries, twice, k)


@given(matrices(4, 3, -2), matrices(6, 3, -2), st.integers(1, 7))
def test_scores_below_nought_are_no_candidates(queries: np.ndarray, documents: np.ndarray, k: int) -> None:
    found = pairs(queries, documents, k)
    assert all(score > 0 for _, _, score in found)
    assert found == dense_loop(queries, documents, k)


@given(matrices(7, 3), matrices(6, 3), st.integers(1, 7), st.integers(1, 40))
def test_the_size_of_blocks_does_not_matter(queries: np.ndarray, documents: np.ndarray, k: int, size: int) -> None:
    expected = pairs(queries, documents, k)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(topk, "_PAIRS_AT_A_TIME", size)
        assert pairs(queries, documents, k) == expected


def test_the_size_of_blocks_changes_no_bit_of_real_numbers(rng: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = np.random.default_rng(rng.randrange(2**32))
    queries = numbers.random((40, 30)) * (numbers.random((40, 30)) < 0.3)
    documents = numbers.random((90, 30)) * (numbers.random((90, 30)) < 0.3)
    expected = pairs(queries, documents, 7)
    assert len(expected) == 40 * 7
    monkeypatch.setattr(topk, "_PAIRS_AT_A_TIME", 200)
    assert pairs(queries, documents, 7) == expected


def test_real_numbers_equal_the_dense_loop(rng: random.Random) -> None:
    numbers = np.random.default_rng(rng.randrange(2**32))
    queries = numbers.random((20, 50)) * (numbers.random((20, 50)) < 0.2)
    documents = numbers.random((60, 50)) * (numbers.random((60, 50)) < 0.2)
    found, expected = pairs(queries, documents, 9), dense_loop(queries, documents, 9)
    assert [pair[:2] for pair in found] == [pair[:2] for pair in expected]
    np.testing.assert_allclose([pair[2] for pair in found], [pair[2] for pair in expected], rtol=1e-12)


def test_order_and_ties() -> None:
    queries = np.array([[1.0, 0], [0, 1]])
    documents = np.array([[1.0, 1], [3, 0], [1, 0], [3, 1], [0, 0]])
    assert pairs(queries, documents, 3) == [
        *((0, 1, 3.0), (0, 3, 3.0), (0, 0, 1.0)),
        *((1, 0, 1.0), (1, 3, 1.0)),
    ]


def test_ties_at_the_last_place_go_to_the_first_row() -> None:
    documents = np.ones((50, 1))
    documents[30] = 2
    assert [place for _, place, _ in pairs(np.ones((1, 1)), documents, 4)] == [30, 0, 1, 2]


def test_a_query_without_anything_in_common_has_none() -> None:
    queries = np.array([[1.0, 0], [0, 0], [0, 1]])
    assert [row for row, _, _ in pairs(queries, np.array([[1.0, 0], [2, 0]]), 5)] == [0, 0]


@pytest.mark.parametrize(("queries", "documents"), [(0, 3), (3, 0), (0, 0)])
def test_nothing_to_compare(queries: int, documents: int) -> None:
    assert pairs(np.ones((queries, 2)), np.ones((documents, 2)), 3) == []


def test_stored_zeros_are_no_candidates() -> None:
    stored = sp.csr_matrix((np.array([0.0, 1.0]), np.array([0, 0]), np.array([0, 1, 2])), shape=(2, 1))
    rows, columns, scores = top_k(sp.csr_matrix(np.ones((1, 1))), stored, 5)
    assert (rows.tolist(), columns.tolist(), scores.tolist()) == ([0], [1], [1.0])


def test_progress_is_told_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topk, "_PAIRS_AT_A_TIME", 6)
    told: list[tuple[int, int]] = []
    ones = sp.csr_matrix(np.ones((5, 1)))
    top_k(ones, sp.csr_matrix(np.ones((3, 1))), 2, lambda done, total: told.append((done, total)))
    assert told == [(2, 5), (4, 5), (5, 5)]


def test_progress_of_one_block_ends_at_the_total() -> None:
    told: list[tuple[int, int]] = []
    ones = sp.csr_matrix(np.ones((5, 1)))
    top_k(ones, ones, 2, lambda done, total: told.append((done, total)))
    assert told == [(5, 5)]
