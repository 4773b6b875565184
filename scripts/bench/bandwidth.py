"""How fast memory is read and written: loops over arrays that are larger than the caches."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numba import njit

THREADS: Final = (1, 2)
_TIMES: Final = 7


@njit(nogil=True, fastmath=True)
def _triad(target: np.ndarray, first: np.ndarray, second: np.ndarray, factor: float) -> None:
    for place in range(len(target)):
        target[place] = first[place] + factor * second[place]


@njit(nogil=True, fastmath=True)
def _total(values: np.ndarray) -> float:
    total = 0.0
    for place in range(len(values)):
        total += values[place]
    return total


def bandwidth(megabytes: int) -> dict[str, dict[str, float]]:
    """GB/s by kind and number of threads, the best of several times, over arrays of so many MB each.

    `triad` is a = b + s c (McCalpin's STREAM: three arrays' bytes counted), `read` the sum of one array.
    """
    size = megabytes * 1_000_000 // 8
    target, first, second = np.zeros(size), np.ones(size), np.full(size, 2.0)
    works: dict[str, tuple[Callable[[slice], Any], int]] = {
        "triad": (lambda part: _triad(target[part], first[part], second[part], 3.0), 3),
        "read": (lambda part: _total(first[part]), 1),
    }
    return {
        name: {
            str(threads): max(arrays * size * 8 / _seconds(work, size, threads) / 1e9 for _ in range(_TIMES))
            for threads in THREADS
        }
        for name, (work, arrays) in works.items()
    }


def _seconds(work: Callable[[slice], Any], size: int, threads: int) -> float:
    ends = np.linspace(0, size, threads + 1).astype(np.int64)
    parts = [slice(start, end) for start, end in pairwise(ends)]
    with ThreadPoolExecutor(threads) as pool:
        # The first pass compiles and starts the threads.
        list(pool.map(work, [slice(0, 8)] * threads))
        began = time.perf_counter()
        list(pool.map(work, parts))
        return time.perf_counter() - began
