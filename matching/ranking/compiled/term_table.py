"""Terms by their code points: a hash table with open addresses, rows of key and number of the term.

The number is -1 where nothing stands. The key of a short span of code points is the span itself; spans with one key
are told apart by where they are first `seen` and by their `lengths`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

# What a number may be in compiled loops.
Int = int | np.int64

# How many code points there are; each has 21 bits, so that three make a key.
POINTS = 0x110000
POINT_BITS = 21
_SHORT = 3
_KEY, _TERM = 0, 1
# 2 ** 64 divided by the golden ratio (Knuth's multiplicative hashing), and a prime of xxHash.
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xC2B2AE3D27D4EB4F)


@njit(cache=True, nogil=True)
def _first_slot(key: Int, table: np.ndarray) -> Int:
    spread = np.uint64(key) * _SPREAD
    return np.int64((spread ^ (spread >> np.uint64(32))) & np.uint64(len(table) - 1))


@njit(cache=True, nogil=True)
def grown(table: np.ndarray) -> np.ndarray:
    """The same table with twice as many rows."""
    larger = np.full((2 * len(table), 2), -1, np.int64)
    for old in range(len(table)):
        if table[old, _TERM] >= 0:
            slot = _first_slot(table[old, _KEY], larger)
            while larger[slot, _TERM] >= 0:
                slot = (slot + 1) & (len(larger) - 1)
            larger[slot, _KEY], larger[slot, _TERM] = table[old, _KEY], table[old, _TERM]
    return larger


@njit(cache=True, nogil=True)
def longer(values: np.ndarray) -> np.ndarray:
    """The same values with as much room behind them."""
    more = np.empty(2 * len(values), values.dtype)
    more[: len(values)] = values
    return more


@njit(cache=True, nogil=True)
def _key_of(points: np.ndarray, start: Int, length: Int) -> Int:
    """The span itself, 0 or more, where it is short; else a hash of it, below 0."""
    if length <= _SHORT:
        key = np.int64(0)
        for place in range(start, start + length):
            key = (key << POINT_BITS) + np.int64(points[place]) + 1
        return key
    mixed = np.uint64(length)
    for place in range(start, start + length):
        mixed = (mixed ^ np.uint64(points[place])) * _MIX
        mixed ^= mixed >> np.uint64(29)
    return -1 - np.int64(mixed >> np.uint64(1))


@njit(cache=True, nogil=True)
def _same(points: np.ndarray, first: Int, second: Int, length: Int) -> bool:
    for place in range(length):  # noqa: SIM110 - Numba's `all` takes no generator.
        if points[first + place] != points[second + place]:
            return False
    return True


@njit(cache=True, nogil=True)
def term_of(
    points: np.ndarray, start: Int, length: Int, table: np.ndarray, seen: np.ndarray, lengths: np.ndarray, known: Int
) -> Int:
    """The number of a span's term: `known` if it has none yet, and then it is put down under this number."""
    key = _key_of(points, start, length)
    slot = _first_slot(key, table)
    while table[slot, _TERM] >= 0:
        if table[slot, _KEY] == key:
            term = table[slot, _TERM]
            if key >= 0 or (lengths[term] == length and _same(points, seen[term], start, length)):
                return np.int64(term)
        slot = (slot + 1) & (len(table) - 1)
    table[slot, _KEY], table[slot, _TERM] = key, known
    seen[known], lengths[known] = start, length
    return known


@njit(cache=True, nogil=True)
def pair_of(first: Int, second: Int, table: np.ndarray, known: Int) -> Int:
    """`term_of` for a span of two, in fewer steps: most lookups are of pairs."""
    key = ((first + 1) << POINT_BITS) + second + 1
    slot = _first_slot(key, table)
    while table[slot, _TERM] >= 0:
        if table[slot, _KEY] == key:
            return np.int64(table[slot, _TERM])
        slot = (slot + 1) & (len(table) - 1)
    table[slot, _KEY], table[slot, _TERM] = key, known
    return known
