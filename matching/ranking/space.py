"""A vector space that is fitted on both lists once, and in which any records are placed.

Fitting finds which terms, concepts and fields there are, how rare each is and in which directions texts differ. Placing
takes the space as it is: what it does not know is left out, and a record's row depends on this record alone, to the
last bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfTransformer

from matching.ranking.counting import NO_LOT, Counted, Counts, Lot
from matching.ranking.field_rows import FittedFields, field_rows, fields_of, fit_fields
from matching.ranking.latent import directions_of
from matching.ranking.weights import Weights
from matching.schema import Kind

# So many records are weighted at a time, in float64: it bounds the memory, not the result.
_AT_A_TIME: Final = 10_000
# Directions are fitted on at most so many records: every second, every third and so on of longer lists.
_DIRECTIONS_FROM: Final = 10_000


@dataclass(frozen=True)
class Terms:
    """Terms of a view (String, in order) and the weight of each, 1 + ln((1 + n) / (1 + df))."""

    names: pl.Series
    idf: np.ndarray


@dataclass(frozen=True)
class Space:
    """What was fitted: terms of each view, fields, and the four blocks' `shares` of the similarity, characters first.

    `directions` (dimensions x characters, float32) span the latent space of the characters. `fitted_on` are the numbers
    of demands and achievements.
    """

    characters: Terms
    words: Terms
    concepts: Terms
    fields: FittedFields
    shares: tuple[float, float, float, float]
    directions: np.ndarray
    fitted_on: tuple[int, int]

    @property
    def starts(self) -> tuple[int, ...]:
        """The first column of each block, and the number of columns."""
        names = (self.characters.names, self.words.names, self.concepts.names, self.fields.names)
        return (0, *np.cumsum([len(each) for each in names]).tolist())

    @cached_property
    def names(self) -> np.ndarray:
        """What each column stands for: a term, a concept, or "taxonomy:code" of a field."""
        parts = (self.characters.names, self.words.names, self.concepts.names, self.fields.names)
        return np.array([name for each in parts for name in each], dtype=object)

    @cached_property
    def rarity(self) -> np.ndarray:
        """ln((1 + n) / (1 + df)) of each column, 0 for the fields."""
        terms = (self.characters, self.words, self.concepts)
        return np.concatenate([*(each.idf - 1 for each in terms), np.zeros(len(self.fields.names))])


@dataclass(frozen=True)
class Placed:
    """Records of one list in a space, in the order of their ids.

    `rows` are canonical CSR of float32 with the columns of the space; `titles` have those of characters and words, and
    length 1 in each.
    """

    ids: tuple[str, ...]
    rows: sp.csr_matrix
    titles: sp.csr_matrix


def fit(
    demands: Counted,
    achievements: Counted,
    demand_fields: pl.DataFrame,
    achievement_fields: pl.DataFrame,
    weights: Weights,
) -> Space:
    """Fit the space on both lists; fields are frames of `schema.FIELDS`."""
    sides = demands, achievements
    lots = [*demands.lots, *achievements.lots]
    height = sum(len(each.ids) for each in sides)
    text = weights.text
    shares = (text * weights.characters, text * weights.words, text * weights.concepts, weights.field)
    characters = _terms([lot.characters for lot in lots], height)
    return Space(
        characters=characters,
        words=_terms([lot.words for lot in lots], height),
        concepts=_terms([lot.concepts for lot in lots], height),
        fields=fit_fields([each.ids for each in sides], [demand_fields, achievement_fields], weights),
        shares=shares,
        directions=_directions(characters, lots, height, shares[0]),
        fitted_on=(len(demands.ids), len(achievements.ids)),
    )


def _terms(counts: list[Counts], height: int) -> Terms:
    """The terms of all lots with scikit-learn's smoothed inverse document frequency."""
    names = pl.concat([pl.Series([], dtype=pl.String()), *(each.terms for each in counts)]).unique().sort()
    records_with = np.zeros(len(names))
    for each in counts:
        records_with[_columns(names, each.terms)] += np.bincount(each.rows.indices, minlength=len(each.terms))
    return Terms(names, np.log((1 + height) / (1 + records_with)) + 1)


def _columns(names: pl.Series, terms: pl.Series) -> np.ndarray:
    """The column of each term among the names, which are in order; -1 for a term that is not among them."""
    if names.is_empty():
        return np.full(len(terms), -1, dtype=np.int32)
    places = names.search_sorted(terms).to_numpy().astype(np.int32)
    places = np.minimum(places, len(names) - 1)
    return np.where((names.gather(places) == terms).to_numpy(), places, np.int32(-1))


def _directions(characters: Terms, lots: list[Lot], height: int, share: float) -> np.ndarray:
    step = max(1, -(-height // _DIRECTIONS_FROM))
    sample, begin = [sp.csr_matrix((0, len(characters.names)))], 0
    for lot in lots:
        counts = lot.characters.rows[-begin % step :: step]
        columns = _columns(characters.names, lot.characters.terms)
        sample.append(_weighted(counts, columns, characters, sublinear=True) * np.sqrt(share))
        begin += lot.characters.rows.shape[0]
    return directions_of(sp.vstack(sample, format="csr", dtype=np.float32)).astype(np.float32)


def place(space: Space, kind: Kind, counted: Counted, fields: pl.DataFrame, *, last: bool = False) -> Placed:
    """Place records of a kind in the space; `fields` is a frame of `schema.FIELDS`, of which basis and terms may lack.

    `last` says that the counts are not needed any more: each lot is given up when it is placed, for a large list's
    counts and rows would fill the memory together.
    """
    found = fields_of(space.fields, counted.ids, fields)
    views = [(lot.characters, lot.words, lot.concepts) for lot in counted.lots]
    of_titles = [(lot.title_characters, lot.title_words) for lot in counted.lots]
    height = len(counted.ids)
    rows = _Filled.empty((height, space.starts[-1]), len(found) + _values_in(views))
    titles = _Filled.empty((height, space.starts[2]), _values_in(of_titles))
    del views, of_titles
    for number, lot in enumerate(counted.lots):
        of_fields = field_rows(space.fields, kind, found, rows.height, rows.height + lot.characters.rows.shape[0])
        for part in _rows(space, lot, of_fields):
            rows.add(part)
        titles.add(_titles(space, lot))
        if last:
            counted.lots[number] = NO_LOT
    return Placed(counted.ids, rows.matrix(), titles.matrix())


def _values_in(counts: Iterable[tuple[Counts, ...]]) -> int:
    return sum(each.rows.nnz for lot in counts for each in lot)


def _rows(space: Space, lot: Lot, of_fields: sp.csr_matrix) -> Iterator[sp.csr_matrix]:
    """The rows of a lot, some neighbouring ones at a time."""
    roots = np.sqrt(space.shares)
    views = (
        (lot.characters, space.characters, True),
        (lot.words, space.words, True),
        (lot.concepts, space.concepts, False),
    )
    columns = [_columns(terms.names, counts.terms) for counts, terms, _ in views]
    height = lot.characters.rows.shape[0]
    for first in range(0, height, _AT_A_TIME):
        last = min(first + _AT_A_TIME, height)
        blocks = [
            _weighted(counts.rows[first:last], column, terms, sublinear)
            for (counts, terms, sublinear), column in zip(views, columns, strict=True)
        ]
        blocks.append(of_fields[first:last])
        yield sp.hstack([block * root for block, root in zip(blocks, roots, strict=True)], format="csr")


def _titles(space: Space, lot: Lot) -> sp.csr_matrix:
    views = ((lot.title_characters, space.characters), (lot.title_words, space.words))
    blocks = [_weighted(counts.rows, _columns(terms.names, counts.terms), terms, True) for counts, terms in views]
    return sp.csr_matrix(sp.hstack(blocks, format="csr"))


def _weighted(counts: sp.csr_matrix, columns: np.ndarray, terms: Terms, sublinear: bool) -> sp.csr_matrix:
    """TF-IDF of counts in the columns of the space, rows of length 1 or 0, float64.

    A term counts 1 + ln n or, where a count may be below 1, ln(1 + n).
    """
    shape = (counts.shape[0], len(terms.names))
    placed, values = columns[counts.indices], counts.data.astype(np.float64)
    begins, known = counts.indptr, placed >= 0
    if not known.all():
        begins = np.concatenate([[0], np.cumsum(known)])[begins].astype(np.int32)
        placed, values = placed[known], values[known]
    if not len(values):
        return sp.csr_matrix(shape)
    if not sublinear:
        values = np.log1p(values)
    weigher = TfidfTransformer(sublinear_tf=sublinear)
    weigher.idf_ = terms.idf
    return sp.csr_matrix(weigher.transform(sp.csr_matrix((values, placed, begins), shape), copy=False))


@dataclass
class _Filled:
    """Parts one below the other as float32, of which `height` rows and `values` values are there."""

    shape: tuple[int, int]
    indices: np.ndarray
    data: np.ndarray
    begins: np.ndarray
    height: int = 0
    values: int = 0

    @classmethod
    def empty(cls, shape: tuple[int, int], room: int) -> _Filled:
        """Nothing yet; `room` is how many values there may be, so that none is held twice."""
        begins = np.zeros(shape[0] + 1, dtype=np.int64)
        return cls(shape, np.empty(room, dtype=np.int32), np.empty(room, dtype=np.float32), begins)

    def add(self, part: sp.csr_matrix) -> None:
        """The next rows."""
        among = slice(self.values, self.values + part.nnz)
        self.indices[among], self.data[among] = part.indices, part.data
        self.begins[self.height + 1 : self.height + 1 + part.shape[0]] = self.values + part.indptr[1:]
        self.height, self.values = self.height + part.shape[0], self.values + part.nnz

    def matrix(self) -> sp.csr_matrix:
        """What was added."""
        return sp.csr_matrix((self.data[: self.values], self.indices[: self.values], self.begins), self.shape)
