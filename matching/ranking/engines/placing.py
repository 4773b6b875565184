"""What lists are found by, as it is brought to other processes: every array once, and texts as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import scipy.sparse as sp

from matching.ranking.engines.texts import texts_of
from matching.ranking.features import Pairs, Titles
from matching.ranking.topk import Index, build, search
from matching.ranking.vectors import Vectors


@dataclass(frozen=True)
class Sides:
    """Both lists as they were placed, and their titles in the order of the ids.

    In another process ids and titles are `texts.Texts`.
    """

    vectors: Vectors
    titles: Titles

    def __reduce__(self) -> tuple[type[Sides], tuple[Vectors, Titles]]:
        """Taken apart for another process."""
        ids = self.vectors.demand_ids, self.vectors.achievement_ids
        # As good as tuples for what looks texts up by their places.
        demands, achievements = (cast(tuple[str, ...], texts_of(each)) for each in ids)
        vectors = replace(self.vectors, demand_ids=demands, achievement_ids=achievements)
        return Sides, (vectors, (texts_of(self.titles[0]), texts_of(self.titles[1])))


def index_of(vectors: Vectors) -> Index:
    """The index of the achievements, without the rows where they are those of the vectors."""
    index = build(vectors.achievements)
    if np.shares_memory(index.rows.data, vectors.achievements.data):
        return replace(index, rows=index.rows[:0])
    return index


def lists_of_rows(sides: Sides, index: Index, asked: tuple[np.ndarray, int, int]) -> Pairs:
    """The own lists of some demands: their rows, which follow each other, the length of a list, threads to take."""
    rows, length, threads = asked
    if not index.rows.nnz:
        index = replace(index, rows=sp.csr_matrix(sides.vectors.achievements, dtype=np.float32))
    found, achievements, _ = search(index, sides.vectors.demands[rows[0] : rows[-1] + 1], length, threads=threads)
    return Pairs(found + rows[0], achievements)
