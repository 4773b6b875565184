"""Rows of counts in the order of their columns."""

from __future__ import annotations

import numpy as np
from numba import njit

_RADIX_BITS = 8
# Rows up to this length are sorted by insertion, which is quicker for them.
_SHORT = 48


@njit(cache=True, nogil=True)
def gather_rows(
    begins: np.ndarray, terms: np.ndarray, counts: np.ndarray, column_of: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Occurrences of terms, record by record, become a canonical CSR matrix's begins, columns and values.

    What an occurrence counts (`counts`) is summed up by column. The arrays given are worked in and no longer of use.
    """
    longest, bits = 0, 0
    for row in range(len(begins) - 1):
        longest = max(longest, begins[row + 1] - begins[row])
    while len(column_of) >> bits:
        bits += 1
    spare_columns, spare_values = np.empty(longest, np.int32), np.empty(longest, np.int32)
    digits = np.empty(1 << _RADIX_BITS, np.int64)
    gathered, end = np.zeros(len(begins), np.int64), 0
    for row in range(len(begins) - 1):
        columns, values = terms[begins[row] : begins[row + 1]], counts[begins[row] : begins[row + 1]]
        for place in range(len(columns)):
            columns[place] = column_of[columns[place]]
        if len(columns) < _SHORT:
            _insertion_sort(columns, values)
        else:
            for shift in range(0, bits, _RADIX_BITS):
                _sort_by_bits(columns, values, spare_columns, spare_values, digits, shift)
        for place in range(len(columns)):
            if place and columns[place] == columns[place - 1]:
                counts[end - 1] += values[place]
            else:
                terms[end], counts[end] = columns[place], values[place]
                end += 1
        gathered[row + 1] = end
    return gathered, terms[:end].copy(), counts[:end].copy()


@njit(cache=True, nogil=True)
def _insertion_sort(columns: np.ndarray, values: np.ndarray) -> None:
    for place in range(1, len(columns)):
        column, value, back = columns[place], values[place], place
        while back and columns[back - 1] > column:
            columns[back], values[back] = columns[back - 1], values[back - 1]
            back -= 1
        columns[back], values[back] = column, value


@njit(cache=True, nogil=True)
def _sort_by_bits(
    columns: np.ndarray,
    values: np.ndarray,
    spare_columns: np.ndarray,
    spare_values: np.ndarray,
    digits: np.ndarray,
    shift: int,
) -> None:
    """One round of a radix sort: stable, by the bits from `shift` on."""
    mask = len(digits) - 1
    digits[:] = 0
    for place in range(len(columns)):
        digits[columns[place] >> shift & mask] += 1
    total = 0
    for digit in range(len(digits)):
        total, digits[digit] = total + digits[digit], total
    for place in range(len(columns)):
        digit = columns[place] >> shift & mask
        spare_columns[digits[digit]], spare_values[digits[digit]] = columns[place], values[place]
        digits[digit] += 1
    columns[:] = spare_columns[: len(columns)]
    values[:] = spare_values[: len(values)]
