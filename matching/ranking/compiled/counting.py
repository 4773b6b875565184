"""Terms of many texts, found in one walk over their code points.

Texts come as one array of code points; `starts` and `ends` (parts x records) say where each part of each record stands
in it and `weights` what an occurrence in a part counts. A term is a span of code points. Terms are numbered in the
order in which they are first seen and come out occurrence by occurrence: where each record begins, which terms stand in
it, what each occurrence counts; then for each term where it stands first and its length.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from matching.ranking.compiled.term_table import POINTS, Int, grown, longer, pair_of, term_of

# Classes of code points; 0 is a mark.
LATIN, LETTER = 1, 2


@njit(cache=True, nogil=True)
def _characters_of(
    points: np.ndarray,
    classes: np.ndarray,
    place: Int,
    stop: Int,
    letters: np.ndarray,
    table: np.ndarray,
    seen: np.ndarray,
    lengths: np.ndarray,
    known: Int,
    terms: np.ndarray,
) -> tuple[Int, Int]:
    """Terms of one text into `terms`; gives how many are known after it and how many stand in it."""
    end = 0
    while place < stop:
        kind = classes[points[place]]
        if kind == LETTER:
            letter = points[place]
            if letters[letter] < 0:
                letters[letter] = known
                seen[known], lengths[known] = place, 1
                known += 1
            terms[end] = letters[letter]
            end += 1
            place += 1
            if place < stop and classes[points[place]] == LETTER:
                term = pair_of(np.int64(letter), np.int64(points[place]), table, known)
                if term == known:
                    seen[known], lengths[known] = place - 1, 2
                    known += 1
                terms[end] = term
                end += 1
        elif kind == LATIN:
            start = place
            while place < stop and classes[points[place]] == LATIN:
                place += 1
            term = term_of(points, start, place - start, table, seen, lengths, known)
            known += term == known
            terms[end] = term
            end += 1
        else:
            place += 1
    return known, end


@njit(cache=True, nogil=True)
def find_characters(
    points: np.ndarray,
    classes: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    weights: np.ndarray,
    table: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Letters, pairs of neighbouring letters and whole Latin runs; `classes` of all code points, 0 for marks.

    `table` is an empty one, of a power of two rows: the larger it is, the less often it has to grow.
    """
    parts, records = starts.shape
    room = 2 * (ends - starts).sum()
    terms, counts = np.empty(room, np.int32), np.empty(room, np.int32)
    begins = np.zeros(records + 1, np.int64)
    letters = np.full(POINTS, -1, np.int32)
    seen, lengths = np.empty(len(table), np.int64), np.empty(len(table), np.int32)
    known: Int = 0
    end: Int = 0
    for record in range(records):
        for part in range(parts):
            start, stop = starts[part, record], ends[part, record]
            # At most half of the table is used, and each letter may bring two terms.
            while 2 * (known + 2 * (stop - start)) > len(table):
                table, seen, lengths = grown(table), longer(seen), longer(lengths)
            known, found = _characters_of(
                points, classes, start, stop, letters, table, seen, lengths, known, terms[end:]
            )
            counts[end : end + found] = weights[part]
            end += found
        begins[record + 1] = end
    return begins, terms[:end], counts[:end], seen[:known].copy(), lengths[:known].copy()


@njit(cache=True, nogil=True)
def _has_letter(points: np.ndarray, classes: np.ndarray, start: Int, length: Int) -> bool:
    for place in range(start, start + length):  # noqa: SIM110 - as above
        if classes[points[place]]:
            return True
    return False


@njit(cache=True, nogil=True)
def _spans_of(
    points: np.ndarray,
    classes: np.ndarray,
    spans: np.ndarray,
    table: np.ndarray,
    seen: np.ndarray,
    lengths: np.ndarray,
    known: Int,
    terms: np.ndarray,
) -> tuple[Int, Int]:
    """As `_characters_of`, the spans of one text."""
    end = 0
    for span in range(len(spans) - 1):
        start, length = spans[span], spans[span + 1] - spans[span]
        if length > 1 and _has_letter(points, classes, start, length):
            term = term_of(points, start, length, table, seen, lengths, known)
            known += term == known
            terms[end] = term
            end += 1
    return known, end


@njit(cache=True, nogil=True)
def find_spans(
    points: np.ndarray,
    classes: np.ndarray,
    spans: np.ndarray,
    firsts: np.ndarray,
    lasts: np.ndarray,
    weights: np.ndarray,
    table: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Spans of two code points or more that hold a letter or digit.

    `spans` says where they begin and, last, where the last one ends; `firsts` and `lasts` (parts x records) which of
    them a part has. `table` as in `find_characters`.
    """
    parts, records = firsts.shape
    room = (lasts - firsts).sum()
    terms, counts = np.empty(room, np.int32), np.empty(room, np.int32)
    begins = np.zeros(records + 1, np.int64)
    seen, lengths = np.empty(len(table), np.int64), np.empty(len(table), np.int32)
    known: Int = 0
    end: Int = 0
    for record in range(records):
        for part in range(parts):
            first, last = firsts[part, record], lasts[part, record]
            while 2 * (known + last - first) > len(table):
                table, seen, lengths = grown(table), longer(seen), longer(lengths)
            known, found = _spans_of(points, classes, spans[first : last + 1], table, seen, lengths, known, terms[end:])
            counts[end : end + found] = weights[part]
            end += found
        begins[record + 1] = end
    return begins, terms[:end], counts[:end], seen[:known].copy(), lengths[:known].copy()
