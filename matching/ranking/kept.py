"""A catalogue placed in a space once and for all: demands are ranked against it without placing it anew.

The catalogue lies in segments. What comes later is a further segment, placed in the same space; what it replaces, and
what has gone, stays in its segment and is not found any more. Places are those in the sorted ids of what is there.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from matching.ranking.features import Pairs
from matching.ranking.processors import cores
from matching.ranking.space import Placed, Space
from matching.ranking.topk import Index, best_of_parts, build, search
from matching.ranking.vectors import Vectors, vectors_of


@dataclass(frozen=True)
class Segment:
    """Achievements placed together: ids as stored, their index, and their titles' rows.

    The index's order is an achievement's place among the ids of the whole catalogue, -1 where it has gone.
    """

    ids: tuple[str, ...]
    index: Index
    titles: sp.csr_matrix


@dataclass(frozen=True)
class Kept:
    """A space and a catalogue in it, of one segment at least; `ids` are those of the achievements there, sorted."""

    space: Space
    ids: tuple[str, ...]
    segments: tuple[Segment, ...]

    @cached_property
    def located(self) -> tuple[np.ndarray, np.ndarray]:
        """Segment and row of each place."""
        segments, rows = np.empty(len(self.ids), np.int64), np.empty(len(self.ids), np.int64)
        for number, segment in enumerate(self.segments):
            stored = np.flatnonzero(segment.index.order >= 0)
            places = segment.index.order[stored]
            segments[places], rows[places] = number, stored
        return segments, rows


def kept_of(space: Space, placed: Placed) -> Kept:
    """A catalogue of one segment."""
    return with_segments(space, [Segment(placed.ids, build(placed.rows), placed.titles)], ())


def with_placed(kept: Kept, placed: Placed, gone: Collection[str] = ()) -> Kept:
    """The catalogue with further achievements, which replace those of the same id, and without those that have gone."""
    segment = [Segment(placed.ids, build(placed.rows), placed.titles)] if placed.ids else []
    there = {*kept.ids, *placed.ids}.difference(gone)
    known = {identity for each in kept.segments for identity in each.ids}
    return with_segments(kept.space, [*kept.segments, *segment], known - there)


def with_segments(space: Space, segments: list[Segment], gone: Collection[str]) -> Kept:
    """A catalogue of segments, of which a later one replaces the achievements of an earlier one."""
    newest = {identity: number for number, segment in enumerate(segments) for identity in segment.ids}
    for identity in gone:
        newest.pop(identity, None)
    ids = tuple(sorted(newest))
    place = {identity: each for each, identity in enumerate(ids)}
    ordered = [
        replace(
            segment,
            index=replace(
                segment.index,
                order=np.array(
                    [place[identity] if newest.get(identity) == number else -1 for identity in segment.ids], np.int32
                ),
            ),
        )
        for number, segment in enumerate(segments)
    ]
    return Kept(space, ids, tuple(ordered))


def best_of(kept: Kept, demands: sp.csr_matrix, length: int) -> tuple[Pairs, np.ndarray]:
    """Each demand's `length` best achievements, by their places, and their scores: as `topk.search` gives them."""
    return best_among(tuple(segment.index for segment in kept.segments), (demands, length, cores()))


def best_among(indexes: tuple[Index, ...], asked: tuple[sp.csr_matrix, int, int]) -> tuple[Pairs, np.ndarray]:
    """`best_of` among the indexes of a catalogue's segments; `asked` are demands, length and threads."""
    demands, length, threads = asked
    parts = [search(index, demands, length, threads=threads) for index in indexes]
    rows, places, scores = best_of_parts(parts, length)
    return Pairs(rows, places), scores


def gathered(kept: Kept, places: np.ndarray) -> Placed:
    """The achievements at some places, which rise."""
    segments, rows = (each[places] for each in kept.located)
    ids = tuple(kept.ids[place] for place in places.tolist())
    return Placed(
        ids,
        _gathered([segment.index.rows for segment in kept.segments], segments, rows),
        _gathered([segment.titles for segment in kept.segments], segments, rows),
    )


def _gathered(matrices: list[sp.csr_matrix], segments: np.ndarray, rows: np.ndarray) -> sp.csr_matrix:
    """Rows out of several matrices, in the order asked for."""
    order = np.argsort(segments, kind="stable")
    parts = [matrix[rows[order[segments[order] == number]]] for number, matrix in enumerate(matrices)]
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return sp.csr_matrix(sp.vstack(parts, format="csr")[back])


def beside(kept: Kept, demands: Placed, pairs: Pairs) -> tuple[Vectors, Pairs]:
    """Demands and the achievements of some pairs alone, as vectors, and the pairs in these."""
    places = np.unique(pairs.achievements)
    found = vectors_of(kept.space, demands, gathered(kept, places))
    return found, Pairs(pairs.demands, np.searchsorted(places, pairs.achievements))
