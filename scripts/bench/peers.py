"""Other programs' exact top-k, each as fast as its documentation lets it be, and this project's own.

A method takes the achievements once and gives a search: `search(queries, k, threads)` returns pairs as `topk` does, or
None where the scores are the method's own. Matrix methods take CSR rows, text methods lists of records' words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.sparse as sp

from bench import ours

# CSR rows, or each record's words.
Records = Any
Search = Callable[[Records, int, int], ours.Pairs | None]

# Memory that scikit-learn may take for a block of products, in MB: it goes through all achievements for each block.
_WORKING_MEMORY: Final = 2048
_HEAP: Final = 1_000_000_000
# Lengths of rows that differ by less are rounding.
_ROUNDING: Final = 1e-6


@dataclass(frozen=True)
class Method:
    """A way of finding the best; `threads` are the numbers it is measured with.

    A round has `least` queries at least, where there are so many: this project takes 32 together, and two threads need
    two such lots. `most` achievements are what it bears.
    """

    words: str
    make: Callable[[Records], Search]
    threads: tuple[int, ...] = (1,)
    reads_text: bool = False
    least: int = 256
    most: int = 10_000_000


def _ours(documents: sp.csr_matrix) -> Search:
    index = ours.index_of(documents)
    return lambda queries, k, threads: ours.best(index, queries, k, threads)


def _sparse_dot_topn(documents: sp.csr_matrix) -> Search:
    from sparse_dot_topn import sp_matmul_topn

    transposed = documents.T.tocsr()

    def search(queries: sp.csr_matrix, k: int, threads: int) -> ours.Pairs:
        found = sp_matmul_topn(queries, transposed, top_n=k, sort=True, n_threads=threads)
        rows = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
        return rows, found.indices, found.data

    return search


def _scikit_learn(documents: sp.csr_matrix) -> Search:
    """Cosine is all it has for sparse rows: one more column makes all achievements as long as the longest."""
    import sklearn
    from sklearn.neighbors import NearestNeighbors

    sklearn.set_config(working_memory=_WORKING_MEMORY)
    squares = np.asarray(documents.multiply(documents).sum(axis=1)).ravel()
    longest = float(squares.max())
    missing = np.sqrt(np.where(longest - squares > _ROUNDING, longest - squares, 0.0)).astype(np.float32)
    added = int(bool(missing.any()))
    rows = sp.hstack([documents, sp.csr_matrix(missing[:, np.newaxis])], format="csr") if added else documents
    nearest = NearestNeighbors(algorithm="brute", metric="cosine").fit(rows)

    def search(queries: sp.csr_matrix, k: int, threads: int) -> ours.Pairs:
        lengths = np.sqrt(np.asarray(queries.multiply(queries).sum(axis=1)).ravel()) * longest**0.5
        wide = sp.csr_matrix(
            (queries.data, queries.indices, queries.indptr), (queries.shape[0], queries.shape[1] + added)
        )
        distances, columns = nearest.kneighbors(wide, n_neighbors=min(k, documents.shape[0]))
        scores = (1.0 - distances) * lengths[:, np.newaxis]
        return np.repeat(np.arange(len(columns)), columns.shape[1]), columns.ravel(), scores.ravel()

    return search


def _bm25s(documents: list[list[str]]) -> Search:
    import bm25s

    number: dict[str, int] = {}
    ids = [[number.setdefault(word, len(number)) for word in words] for words in documents]
    index = bm25s.BM25(backend="numba", csc_backend="scipy", dtype="float32", int_dtype="int32")
    index.index((ids, number), show_progress=False)

    def search(queries: list[list[str]], k: int, threads: int) -> None:
        known = [[number[word] for word in words if word in number] for words in queries]
        index.retrieve(known, k=min(k, len(documents)), n_threads=threads, show_progress=False)

    return search


def _tantivy(documents: list[list[str]]) -> Search:
    import tantivy

    plain = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    schema = tantivy.SchemaBuilder().add_text_field("words", tokenizer_name="plain", index_option="freq").build()
    index = tantivy.Index(schema)
    index.register_tokenizer("plain", plain)
    # One writing thread and all its memory: as few segments as it can make.
    writer = index.writer(heap_size=_HEAP, num_threads=1)
    for words in documents:
        writer.add_document(tantivy.Document(words=[" ".join(words)]))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()

    def term(word: str, times: int) -> tuple[Any, Any]:
        query = tantivy.Query.term_query(schema, "words", word, "freq")
        return tantivy.Occur.Should, tantivy.Query.boost_query(query, times) if times > 1 else query

    def search(queries: list[list[str]], k: int, threads: int) -> None:
        for words in queries:
            query = tantivy.Query.boolean_query([term(*each) for each in Counter(words).items()])
            searcher.search(query, limit=k, count=False)

    return search


def _rank_bm25(documents: list[list[str]]) -> Search:
    from rank_bm25 import BM25Okapi

    index = BM25Okapi(documents)

    def search(queries: list[list[str]], k: int, threads: int) -> None:
        for words in queries:
            np.argsort(-index.get_scores(words))[:k]

    return search


METHODS: Final[dict[str, Method]] = {
    "ours": Method("this project", _ours, (1, 2)),
    "sparse_dot_topn": Method("sparse_dot_topn, sp_matmul_topn", _sparse_dot_topn, (1, 2)),
    "scikit_learn": Method("scikit-learn, NearestNeighbors (brute, cosine)", _scikit_learn),
    "bm25s": Method("bm25s, numba", _bm25s, (1, 2), reads_text=True),
    "tantivy": Method("tantivy, Python binding", _tantivy, reads_text=True),
    "rank_bm25": Method("rank_bm25, BM25Okapi", _rank_bm25, reads_text=True, least=16, most=10_000),
}
