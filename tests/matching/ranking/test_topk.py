"""Exact top-k against a dense loop: ties, empty rows, duplicates, lists longer than the rows, blocks of every size."""

from __future__ import annotations

import random

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from matching.ranking import topk
from matching.ranking.topk import build, bytes_read, search

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
    rows, columns, scores = search(build(sp.csr_matrix(documents)), sp.csr_matrix(queries), k)
    assert rows.dtype == columns.dtype == np.int64
    assert scores.dtype == np.float64
    return list(zip(rows.tolist(), columns.tolist(), scores.tolist(), strict=True))


def matrices(most_rows: int, columns: int) -> st.SearchStrategy[np.ndarray]:
    """Small whole numbers as floats: products are exact, zeros and ties are many."""
    shape = st.tuples(st.integers(0, most_rows), st.just(columns))
    return hnp.arrays(np.float64, shape, elements=st.sampled_from([0, 0, 0, 1, 2, 3]).map(float))


def cut_small(patch: pytest.MonkeyPatch, block: int = 512, first: int = 256) -> None:
    """Blocks so small that few rows need several, and tiers however few values they have."""
    patch.setattr(topk, "_VALUES", 0)
    patch.setattr(topk, "_BLOCK", block)
    patch.setattr(topk, "_FIRST", first)


def zipfian(numbers: np.random.Generator, rows: int, columns: int, terms: int, *, whole: bool) -> sp.csr_matrix:
    """Rows of a vocabulary of which few columns are in most rows; whole numbers make ties."""
    shares = 1 / np.arange(1, columns + 1)
    drawn = numbers.choice(columns, (rows, terms), p=shares / shares.sum())
    values = numbers.integers(1, 3, drawn.shape) if whole else numbers.random(drawn.shape)
    starts = np.arange(0, rows * terms + 1, terms)
    found = sp.csr_matrix((values.ravel().astype(np.float32), drawn.ravel(), starts), (rows, columns))
    found.sum_duplicates()
    return found


@given(matrices(6, 4), matrices(12, 4), st.integers(1, 15))
def test_equals_the_dense_loop(queries: np.ndarray, documents: np.ndarray, k: int) -> None:
    assert pairs(queries, documents, k) == dense_loop(queries, documents, k)


@given(matrices(3, 3), matrices(4, 3), st.integers(1, 9))
def test_duplicates_come_in_the_order_of_rows(queries: np.ndarray, documents: np.ndarray, k: int) -> None:
    twice = np.vstack([documents, documents])
    assert pairs(queries, twice, k) == dense_loop(queries, twice, k)


@pytest.mark.parametrize("negative", ["queries", "documents"])
def test_negative_values_are_refused(negative: str) -> None:
    sides = {"queries": np.ones((2, 3)), "documents": np.ones((4, 3))}
    sides[negative][1, 2] = -1
    with pytest.raises(ValueError, match="negative"):
        pairs(sides["queries"], sides["documents"], 2)


@given(matrices(7, 3), matrices(40, 3), st.integers(1, 50), st.sampled_from([256, 512]), st.sampled_from([128, 256]))
def test_the_size_of_blocks_does_not_matter(
    queries: np.ndarray, documents: np.ndarray, k: int, block: int, first: int
) -> None:
    documents = np.tile(documents, (40, 1))
    expected = dense_loop(queries, documents, k)
    with pytest.MonkeyPatch.context() as patch:
        cut_small(patch, block, first)
        assert pairs(queries, documents, k) == expected


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(("k", "few"), [(1, topk._FEW), (4, topk._FEW), (50, 0), (700, topk._FEW)])
def test_long_lists_with_bounds(
    rng: random.Random, monkeypatch: pytest.MonkeyPatch, whole: bool, k: int, few: int
) -> None:
    """Every way through the search: common and rare columns, rows left out, later blocks, cuts, ties over the room.

    Postings are numbered as those of a small index, and as those of one with more than 2**32.
    """
    monkeypatch.setattr(topk, "_FEW", few)
    numbers = np.random.default_rng(rng.randrange(2**32))
    documents = zipfian(numbers, 6_000, 300, 12, whole=whole)
    documents = sp.vstack([documents, documents[:900]], format="csr")
    queries = zipfian(numbers, 45, 300, 9, whole=whole)
    cut_small(monkeypatch, 1_024)
    index = build(documents)
    assert 0 < index.edges[3] < index.edges[2] < index.edges[1] < index.edges[0] < 100
    assert index.entry_starts.dtype == (np.uint32 if few else np.int64)
    products = queries.astype(np.float64) @ documents.astype(np.float64).T.tocsr()
    rows, columns, scores = search(index, queries, k)
    for query in range(45):
        exact = products[query].toarray().ravel()
        best = np.lexsort((np.arange(len(exact)), -np.round(exact, 9)))[:k]
        assert columns[rows == query].tolist() == best[exact[best] > 0].tolist()
        assert scores[rows == query] == pytest.approx(exact[best][exact[best] > 0], rel=1e-12)


def test_more_equal_rows_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    cut_small(monkeypatch)
    monkeypatch.setattr(topk, "_ROOM", 8)
    documents = np.tile(np.array([[1.0, 2.0, 0.0]]), (3_000, 1))
    documents[2_000] = [1, 3, 0]
    found = pairs(np.array([[1.0, 1.0, 1.0]]), documents, 5)
    assert found == [(0, 2_000, 4.0), *((0, place, 3.0) for place in range(4))]


@pytest.mark.parametrize("block", [512, 32_768])
def test_threads_and_other_queries_change_no_bit(
    rng: random.Random, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    """More threads than there are lots of queries share the rows."""
    cut_small(monkeypatch, block)
    numbers = np.random.default_rng(rng.randrange(2**32))
    index = build(zipfian(numbers, 5_000, 300, 12, whole=False))
    queries = zipfian(numbers, 40, 300, 9, whole=False)
    alone = search(index, queries, 20)
    for threads in (2, 3, 7):
        for one, other in zip(alone, search(index, queries, 20, threads=threads), strict=True):
            assert one.tobytes() == other.tobytes()
    few = alone[0] < 7
    for one, other in zip(alone, search(index, queries[:7], 20), strict=True):
        assert one[few].tobytes() == other.tobytes()


def test_a_given_order_decides_ties_and_leaves_rows_out() -> None:
    documents = np.array([[2.0, 0], [1, 1], [2, 0], [3, 0], [2, 0]])
    index = build(sp.csr_matrix(documents), order=np.array([4, 1, 0, -1, 2]))
    rows, found, scores = search(index, sp.csr_matrix(np.array([[1.0, 0]])), 3)
    assert (rows.tolist(), found.tolist(), scores.tolist()) == ([0, 0, 0], [0, 2, 4], [2.0, 2.0, 2.0])


@given(matrices(5, 4), matrices(20, 4), st.integers(1, 6), st.lists(st.integers(0, 20), min_size=5, max_size=5))
def test_what_reaches_the_least_asked_for_is_found(
    queries: np.ndarray, documents: np.ndarray, k: int, asked: list[int]
) -> None:
    least = np.array(asked[: len(queries)], dtype=np.float64)
    rows, columns, scores = search(build(sp.csr_matrix(documents)), sp.csr_matrix(queries), k, least=least)
    found = list(zip(rows.tolist(), columns.tolist(), scores.tolist(), strict=True))
    expected = [pair for pair in dense_loop(queries, documents, k) if pair[2] >= least[pair[0]]]
    assert [pair for pair in found if pair[2] >= least[pair[0]]] == expected


def test_bytes_are_counted_for_what_is_read() -> None:
    documents = sp.csr_matrix(np.array([[1.0, 0, 1, 1], *[[0.0, 0, 1, 0]] * 99]))
    queries = sp.csr_matrix(np.array([[1.0, 1, 1, 0], [1, 0, 0, 1]]))
    index = build(documents)
    assert index.edges == (1,)
    # Three postings of six bytes; a value of each row, where its tier begins, and the length of the rest.
    assert bytes_read(index, queries) == 3 * 6 + 100 * 6 + 100 * 8 + 100 * 4


def test_rows_that_cannot_be_among_the_best_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that have nothing rare in common with the query are not scored once better ones are known."""
    cut_small(monkeypatch, 512, 128)
    documents = np.tile(np.array([[1.0, 0, 0, 0, 0]]), (2_000, 1))
    documents[:100, 1] = 30
    scored = []
    own = topk.searching.add_others
    monkeypatch.setattr(topk.searching, "add_others", lambda *given: scored.append(own(*given)))
    assert len(pairs(np.array([[1.0, 1, 0, 0, 0]]), documents, 1)) == 1
    assert scored == [128, 0, 0, 0, 0]


def test_real_numbers_equal_the_dense_loop(rng: random.Random) -> None:
    numbers = np.random.default_rng(rng.randrange(2**32))
    queries = (numbers.random((20, 50)) * (numbers.random((20, 50)) < 0.2)).astype(np.float32).astype(np.float64)
    documents = (numbers.random((60, 50)) * (numbers.random((60, 50)) < 0.2)).astype(np.float32).astype(np.float64)
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
    rows, columns, scores = search(build(stored), sp.csr_matrix(np.ones((1, 1))), 5)
    assert (rows.tolist(), columns.tolist(), scores.tolist()) == ([0], [1], [1.0])


def test_progress_is_told_block_by_block() -> None:
    told: list[tuple[int, int]] = []
    ones = sp.csr_matrix(np.ones((70, 1)))
    search(build(sp.csr_matrix(np.ones((3, 1)))), ones, 2, progress=lambda done, total: told.append((done, total)))
    assert told == [(32, 70), (64, 70), (70, 70)]


def test_progress_of_one_block_ends_at_the_total() -> None:
    told: list[tuple[int, int]] = []
    ones = sp.csr_matrix(np.ones((5, 1)))
    search(build(ones), ones, 2, progress=lambda done, total: told.append((done, total)))
    assert told == [(5, 5)]
