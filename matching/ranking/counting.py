"""Terms of records, counted: what scikit-learn's CountVectorizer gives over `analysis.weighted_terms`, much faster.

Texts are normalised column by column and joined into one array of code points, and compiled loops count in it; words
begin and end where the segmenter says. Only letters that this Python's Unicode does not know yet may be read in another
way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl
import rjieba
import scipy.sparse as sp

from matching.fields.lexicon import Lexicon, concepts_in
from matching.fields.terms import BETWEEN, normalised_texts
from matching.ranking.analysis import RUN
from matching.ranking.compiled.counting import LATIN, LETTER, find_characters, find_spans
from matching.ranking.compiled.sorting import gather_rows
from matching.ranking.compiled.term_table import POINT_BITS, POINTS
from matching.schema import ID, Kind

# Records are counted so many at a time: it bounds the memory, not the result.
RECORDS_AT_A_TIME: Final = 50_000
# So many texts are cut at a time: few enough for their words, objects of Python, to stay in the processor's cache.
_CUT: Final = 20
# The hash table begins with room for one term of so many occurrences, and has at least so many bits.
_POINTS_A_TERM: Final = 8
_TABLE_BITS: Final = 8
# Stands between texts. No word holds white space, and the segmenter reads what is on both sides of it apart.
_APART: Final = " "


@dataclass(frozen=True)
class Counts:
    """How often terms stand in records.

    `terms` (String) are in the order of their code points; `rows` is a canonical CSR matrix (records x terms) of the
    smallest unsigned integers that hold the counts, of float64 for concepts.
    """

    terms: pl.Series
    rows: sp.csr_matrix


@dataclass(frozen=True)
class Lot:
    """Neighbouring records of a list: terms of all their parts by weight, and of their titles alone, counted once."""

    characters: Counts
    words: Counts
    concepts: Counts
    title_characters: Counts
    title_words: Counts


@dataclass(frozen=True)
class Counted:
    """A list's records in the order of their ids, in lots that have terms of their own."""

    ids: tuple[str, ...]
    lots: list[Lot]


_NO_COUNTS: Final = Counts(pl.Series([], dtype=pl.String()), sp.csr_matrix((0, 0)))
NO_LOT: Final = Lot(_NO_COUNTS, _NO_COUNTS, _NO_COUNTS, _NO_COUNTS, _NO_COUNTS)


def count(
    records: pl.DataFrame, kind: Kind, parts: dict[str, int], lexicon: Lexicon, lot: int = RECORDS_AT_A_TIME
) -> Counted:
    """Count the terms of clean records, each as often as it stands in a part times the part's weight in `parts`.

    A part that the frame lacks and one of weight 0 say nothing. Records are counted `lot` at a time.
    """
    records = records.sort(ID[kind])
    weights = {part: weight for part, weight in parts.items() if weight and part in records.columns}
    return Counted(tuple(records[ID[kind]]), [_counted(some, weights, lexicon) for some in records.iter_slices(lot)])


def _counted(records: pl.DataFrame, weights: dict[str, int], lexicon: Lexicon) -> Lot:
    columns = {part: normalised_texts(part_texts(records[part])) for part in {**weights, "title": 1}}
    texts = _joined(columns.values())
    spans = _spans(texts)
    of_parts = np.arange(len(weights)), np.array([*weights.values()], dtype=np.int64)
    of_title = np.array([[*columns].index("title")]), np.ones(1, dtype=np.int64)
    return Lot(
        characters=_characters(texts, *of_parts),
        words=_words(texts, spans, *of_parts),
        concepts=_concepts([columns[part] for part in weights], [*weights.values()], records.height, lexicon),
        title_characters=_characters(texts, *of_title),
        title_words=_words(texts, spans, *of_title),
    )


def part_texts(column: pl.Series) -> pl.Series:
    """A part as one text for each record: texts of a list are joined so that no term is found across their border."""
    return column.list.join(BETWEEN) if column.dtype == pl.List(pl.String()) else column


@dataclass(frozen=True)
class _Texts:
    """Texts of several columns, one after the other, `_APART`; `starts` and `ends` are columns x records."""

    text: str
    points: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


def _joined(columns: Iterable[pl.Series]) -> _Texts:
    texts = [column.to_list() for column in columns]
    lengths = np.array([[len(text) for text in column] for column in texts], dtype=np.int64)
    ends = (np.cumsum(lengths + 1) - 1).reshape(lengths.shape)
    text = _APART.join(each for column in texts for each in column)
    return _Texts(text, np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32), ends - lengths, ends)


@cache
def _classes() -> np.ndarray:
    """Of each code point whether it is a Latin letter or digit, another letter or, 0, neither."""
    found = np.zeros(POINTS, dtype=np.uint8)
    for run in RUN.finditer("".join(map(chr, range(POINTS)))):
        found[slice(*run.span())] = LATIN if run.group().isascii() else LETTER
    return found


def _characters(texts: _Texts, chosen: np.ndarray, weights: np.ndarray) -> Counts:
    """Letters, pairs of them and Latin runs of the chosen columns."""
    starts, ends = texts.starts[chosen], texts.ends[chosen]
    table = _empty_table(int((ends - starts).sum()) // _POINTS_A_TERM)
    begins, terms, counts, seen, lengths = find_characters(texts.points, _classes(), starts, ends, weights, table)
    latin = _classes()[texts.points[seen]] == LATIN
    runs, others = np.flatnonzero(latin), np.flatnonzero(~latin)
    names = _slices(texts.text, seen[runs], lengths[runs])
    # Latin runs are ASCII and so come before all other letters; a letter comes before its pairs.
    first = texts.points[seen[others]].astype(np.int64)
    second = np.where(lengths[others] > 1, texts.points[seen[others] + lengths[others] - 1], 0)
    by_points = np.argsort(first << POINT_BITS | second)
    # NumPy reads a code point of 0 at the end of a text as its end.
    letters = np.column_stack([first, second])[by_points].astype(np.uint32).view("<U2").ravel().tolist()
    order = np.concatenate([runs[np.array(names.arg_sort(), dtype=np.int64)], others[by_points]])
    return _as_counts((begins, terms, counts), order, pl.concat([names.sort(), pl.Series(letters, dtype=pl.String())]))


def _empty_table(terms: int) -> np.ndarray:
    """A hash table with room for so many terms at first."""
    return np.full((1 << max(_TABLE_BITS, (2 * terms).bit_length()), 2), -1, dtype=np.int64)


def _spans(texts: _Texts) -> np.ndarray:
    """Where the segmenter's words and marks begin, and the end of the last."""
    ends = texts.ends.ravel()
    cuts = np.append(np.arange(0, len(ends), _CUT), len(ends))
    borders = np.concatenate([[0], ends[cuts[1:-1] - 1] + 1, [len(texts.text)]]).tolist() if len(ends) else [0]
    lengths = [
        np.fromiter(map(len, rjieba.cut(texts.text[start:end], hmm=False)), dtype=np.int64)
        for start, end in pairwise(borders)
    ]
    return np.cumsum(np.concatenate([[0], *lengths]), dtype=np.int64)


def _words(texts: _Texts, spans: np.ndarray, chosen: np.ndarray, weights: np.ndarray) -> Counts:
    """Words of two characters or more of the chosen columns."""
    firsts, lasts = (np.searchsorted(spans, edge[chosen]) for edge in (texts.starts, texts.ends))
    table = _empty_table(int((lasts - firsts).sum()) // _POINTS_A_TERM)
    begins, terms, counts, seen, lengths = find_spans(texts.points, _classes(), spans, firsts, lasts, weights, table)
    names = _slices(texts.text, seen, lengths)
    return _as_counts((begins, terms, counts), np.array(names.arg_sort(), dtype=np.int64), names.sort())


def _slices(text: str, starts: np.ndarray, lengths: np.ndarray) -> pl.Series:
    ends = (starts + lengths).tolist()
    return pl.Series([text[start:end] for start, end in zip(starts.tolist(), ends, strict=True)], dtype=pl.String())


def _as_counts(found: tuple[np.ndarray, np.ndarray, np.ndarray], order: np.ndarray, terms: pl.Series) -> Counts:
    """Occurrences by record (begins, terms, counts; see `compiled.counting`), the terms found in their final order."""
    column_of = np.empty(len(order), dtype=np.int32)
    column_of[order] = np.arange(len(order), dtype=np.int32)
    begins, columns, values = gather_rows(*found, column_of)
    small = values.astype(np.min_scalar_type(int(values.max(initial=0))))
    return Counts(terms, sp.csr_matrix((small, columns, begins.astype(np.int32)), (len(begins) - 1, len(order))))


def _concepts(parts: list[pl.Series], weights: list[int], height: int, lexicon: Lexicon) -> Counts:
    """The lexicon's concepts in the texts, broader ones included."""
    texts = pl.concat([pl.Series([], dtype=pl.String()), *(part.rename("") for part in parts)])
    said = (texts != "").arg_true()
    found = concepts_in(texts.gather(said), lexicon)
    terms = found["concept"].unique().sort()
    part, record = np.divmod(said.to_numpy()[found["row"].to_numpy()].astype(np.int64), max(1, height))
    keys = record * max(1, len(terms)) + terms.search_sorted(found["concept"]).to_numpy()
    places, inverse = np.unique(keys, return_inverse=True)
    counts = np.bincount(inverse, found["count"].to_numpy() * np.array(weights, dtype=np.float64)[part], len(places))
    row, column = np.divmod(places, max(1, len(terms)))
    begins = np.searchsorted(row, np.arange(height + 1))
    return Counts(
        terms, sp.csr_matrix((counts, column.astype(np.int32), begins.astype(np.int32)), (height, len(terms)))
    )
