"""One method in a process of its own: it builds, then searches as often as it is asked."""

from __future__ import annotations

import gc
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench import ours
from bench.matrices import rows_of, tokens_of
from bench.measuring import forget_most_memory, memory, most_memory, timed
from bench.peers import METHODS, Method, Records, Search
from matching.schema import Kind

# Achievements and queries that everything is loaded and compiled with before it is measured.
_WARM: Final = 500
_WARM_QUERIES: Final = 3
# Queries whose scores are compared.
COMPARED: Final = 50


def serve(name: str, folder: Path, matrix: str, k: int) -> Generator[dict[str, Any], dict[str, Any], None]:
    """What building took, then what each round took.

    A question has `queries`, how many of them, `times`, how often over, `threads` and `scores`, whether these are
    wanted; an answer `cpu` and `wall` seconds per query, `memory`, the most in MB, and `scores` by query and rank.
    """
    method = METHODS[name]

    documents, queries = (_records(method, folder, matrix, kind) for kind in ("achievements", "demands"))
    warm = method.make(documents[:_WARM])
    for threads in method.threads:
        warm(queries[:_WARM_QUERIES], k, threads)
    del warm
    gc.collect()
    before = memory()
    forget_most_memory()
    search, took = timed(partial(method.make, documents))
    built = {**took, "memory": most_memory(), "records": before}
    del documents
    gc.collect()
    forget_most_memory()
    question = yield {**built, "held": memory()}
    while True:
        some, times, threads = queries[: question["queries"]], question["times"], question["threads"]
        found, took = timed(partial(_over, search, some, k, threads, times))
        done = times * question["queries"]
        answer = {each: seconds / done for each, seconds in took.items()}
        scores = _scores(found, k) if question["scores"] else None
        del found
        question = yield {**answer, "memory": most_memory(), "scores": scores}


def _records(method: Method, folder: Path, matrix: str, kind: Kind) -> Records:
    if method.reads_text:
        return tokens_of(folder, kind)
    return rows_of(folder, matrix, kind)


def _over(search: Search, queries: Records, k: int, threads: int, times: int) -> ours.Pairs | None:
    for _ in range(times):
        found = search(queries, k, threads)
    return found


def _scores(found: ours.Pairs | None, k: int) -> np.ndarray | None:
    """Scores of the first queries by query and rank, 0 where there are fewer."""
    if found is None:
        return None
    rows, _, scores = found
    table = np.zeros((COMPARED, k))
    for row in range(COMPARED):
        own = np.sort(scores[rows == row])[::-1]
        table[row, : len(own)] = own
    return table


def stream(folder: Path, matrix: str, queries: int) -> float:
    """Bytes of postings per query that this project's search streams."""
    index = ours.index_of(rows_of(folder, matrix, "achievements"))
    some = rows_of(folder, matrix, "demands")[:queries]
    return ours.bytes_read(index, some) / some.shape[0]
