"""Features of pairs of demand and achievement, for the level model.

All are taken from the two lists as `vectorize` placed them and from the titles as written. None needs more of an
achievement than its title; those that end in `_with_text` are the same features once more, times how much of the
achievement's text is not its title, so that the model can read long texts in its own way. Those that end in
`_in_list` say by how many standard deviations a pair is above the mean of its demand's own list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse as sp
from rapidfuzz import fuzz, process
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd

from matching.ranking.topk import top_k
from matching.ranking.vectors import BLOCKS, Vectors

# Pairs are compared so many at a time: it bounds the memory, not the result.
_PAIRS_AT_A_TIME: Final = 20_000
# Latent semantic analysis is fitted on at most so many records of the two lists.
_LATENT_RECORDS: Final = 20_000
_LATENT_DIMENSIONS: Final = 100
_SEED: Final = 0
# What is below this is rounding.
_NOTHING: Final = 1e-9

_TAXONOMIES: Final = ("strategic_2018", "province_4567", "contract_fields", "national_high_tech")
_TEXT_VIEWS: Final = ("characters", "words")
# What is compared with the demand's own list, and what is given once more for long texts.
_COMPARED: Final = (
    *("characters", "words", "concepts", "fields", *(f"fields_{each}" for each in _TAXONOMIES)),
    *(f"{view}_{each}" for view in _TEXT_VIEWS for each in ("title_whole", "whole_title", "shared")),
    *(f"{view}_{side}_covered" for view in _TEXT_VIEWS for side in ("demand", "achievement")),
    *("words_title_title", "latent_whole", "latent_title", "feedback", "title_partial"),
)
_FOR_TEXT: Final = (
    *("characters", "words", "concepts", "fields", "characters_whole_title", "characters_title_whole"),
    *("characters_demand_covered", "latent_whole", "feedback"),
)
# How features are put together where a person reads what they add; the first word of their name decides.
GROUPS: Final = {
    "characters": "characters",
    "words": "words",
    "concepts": "concepts",
    "fields": "fields",
    "latent": "latent",
    "feedback": "feedback",
    "title": "titles",
    "place": "place",
    "length": "length",
}

# Titles of the demands and of the achievements.
Titles = tuple[Sequence[str], Sequence[str]]


@dataclass(frozen=True)
class Pairs:
    """Pairs as rows of the demands' and of the achievements' matrix, two arrays of equal length."""

    demands: np.ndarray
    achievements: np.ndarray

    def __len__(self) -> int:
        return len(self.demands)

    def of(self, chosen: np.ndarray | slice) -> Pairs:
        """Some of the pairs."""
        return Pairs(self.demands[chosen], self.achievements[chosen])


def retrieve(vectors: Vectors, length: int, progress: Callable[[int, int], None] | None = None) -> Pairs:
    """Each demand's own list: its `length` best achievements by the dot product, demand by demand, best first."""
    rows, columns, _ = top_k(vectors.demands, vectors.achievements, length, progress)
    return Pairs(rows, columns)


def given_lists(vectors: Vectors, pairs: Pairs) -> Pairs:
    """The same pairs as the demands' own lists, each once: demand by demand, best first, ties by id."""
    each = np.unique(np.column_stack([pairs.demands, pairs.achievements]), axis=0)
    once = Pairs(each[:, 0], each[:, 1])
    scores = products(vectors.demands, vectors.achievements, once)
    return once.of(np.lexsort((once.achievements, -scores, once.demands)))


def products(demands: sp.csr_matrix, achievements: sp.csr_matrix, pairs: Pairs) -> np.ndarray:
    """Dot product of each pair."""
    found = [_row_products(demands[part.demands], achievements[part.achievements]) for part in _batches(pairs)]
    return np.concatenate(found) if found else np.zeros(0)


def _batches(pairs: Pairs) -> Iterator[Pairs]:
    for start in range(0, len(pairs), _PAIRS_AT_A_TIME):
        yield pairs.of(slice(start, start + _PAIRS_AT_A_TIME))


@dataclass(frozen=True)
class Features:
    """Features of pairs: `values` has a row for each pair and a column for each of `names`."""

    names: tuple[str, ...]
    values: np.ndarray


@dataclass(frozen=True)
class _Space:
    """What pairs are compared by."""

    vectors: Vectors
    titles: Titles
    latent: _Latent
    list_weights: sp.csr_matrix
    list_sums: sp.csr_matrix


@dataclass(frozen=True)
class _Latent:
    """Both lists and their titles in the latent space, as rows of length 1 or 0."""

    demands: np.ndarray
    achievements: np.ndarray
    demand_titles: np.ndarray
    achievement_titles: np.ndarray


def features_of(vectors: Vectors, titles: Titles, pairs: Pairs, lists: Pairs) -> Features:
    """Features of pairs, also beside the demands' own lists.

    `titles` are those of demands and achievements, in the order of the vectors' ids. `lists` come demand by demand,
    best first; a demand without one has 0 in every feature that compares with it.
    """
    scores = products(vectors.demands, vectors.achievements, lists)
    weights = sp.csr_matrix(
        (scores, (lists.demands, lists.achievements)), (len(vectors.demand_ids), len(vectors.achievement_ids))
    )
    space = _Space(vectors, titles, _latent(vectors), weights, weights @ vectors.achievements)
    found, own = _compared(space, pairs), _compared(space, lists)
    text = found["length_text"]
    return _as_features(
        found
        | {f"{name}_with_text": found[name] * text for name in _FOR_TEXT}
        | {f"{name}_in_list": _in_list(found[name], pairs, own[name], lists) for name in _COMPARED}
        | _place(products(vectors.demands, vectors.achievements, pairs), pairs, scores, lists)
    )


def _as_features(found: dict[str, np.ndarray]) -> Features:
    return Features(tuple(found), np.column_stack(list(found.values())))


def _compared(space: _Space, pairs: Pairs) -> dict[str, np.ndarray]:
    parts = [_compared_batch(space, part) for part in _batches(pairs)] or [_compared_batch(space, pairs)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _compared_batch(space: _Space, pairs: Pairs) -> dict[str, np.ndarray]:
    vectors, latent = space.vectors, space.latent
    demands, achievements = vectors.demands[pairs.demands], vectors.achievements[pairs.achievements]
    demand_titles = vectors.demand_titles[pairs.demands]
    achievement_titles = vectors.achievement_titles[pairs.achievements]
    found = _by_block(vectors, demands.multiply(achievements).tocsc())
    for place, view in enumerate(_TEXT_VIEWS):
        columns = vectors.block(view)
        root, rarity = vectors.shares[place] ** 0.5 or 1.0, vectors.rarity[columns]
        title, whole = demand_titles[:, columns], demands[:, columns] * (1 / root)
        other_title, other_whole = achievement_titles[:, columns], achievements[:, columns] * (1 / root)
        found[f"{view}_title_title"] = _row_products(title, other_title)
        found[f"{view}_title_whole"] = _row_products(title, other_whole)
        found[f"{view}_whole_title"] = _row_products(whole, other_title)
        found[f"{view}_demand_covered"] = _covered(title, other_whole, rarity)
        found[f"{view}_achievement_covered"] = _covered(other_title, whole, rarity)
        found[f"{view}_shared"] = np.log1p(whole.sign().multiply(other_title.sign()) @ rarity)
    found["latent_whole"] = _dot(latent.demands[pairs.demands], latent.achievements[pairs.achievements])
    found["latent_title"] = _dot(latent.demand_titles[pairs.demands], latent.achievement_titles[pairs.achievements])
    found["feedback"] = _like_the_list(space, pairs, achievements)
    return found | _by_titles(space.titles, pairs) | _lengths(vectors, demands, achievements, achievement_titles)


def _by_block(vectors: Vectors, shared: sp.csc_matrix) -> dict[str, np.ndarray]:
    """Cosine of each block, and what each taxonomy adds to the product of the fields' block."""
    found = {}
    for name, share in zip(BLOCKS, vectors.shares, strict=True):
        found[name] = _row_sums(shared[:, vectors.block(name)]) / (share or 1.0)
    start = vectors.block("fields").start
    taxonomies = np.array([str(name).split(":", 1)[0] for name in vectors.names[start:]], dtype=object)
    for taxonomy in _TAXONOMIES:
        found[f"fields_{taxonomy}"] = _row_sums(shared[:, start + np.flatnonzero(taxonomies == taxonomy)])
    return found


def _by_titles(titles: Titles, pairs: Pairs) -> dict[str, np.ndarray]:
    demands = [titles[0][row] for row in pairs.demands]
    achievements = [titles[1][row] for row in pairs.achievements]
    ratio = process.cpdist(demands, achievements, scorer=fuzz.partial_ratio, dtype=np.float64) / 100
    return {
        "title_partial": ratio,
        "length_demand_title": np.log1p([len(title) for title in demands]),
        "length_achievement_title": np.log1p([len(title) for title in achievements]),
    }


def _lengths(
    vectors: Vectors, demands: sp.csr_matrix, achievements: sp.csr_matrix, titles: sp.csr_matrix
) -> dict[str, np.ndarray]:
    """How many terms a demand has (its logarithm); what share of an achievement's characters is not in its title."""
    columns = vectors.block("characters")
    whole, title = np.diff(achievements[:, columns].indptr), np.diff(titles[:, columns].indptr)
    return {
        "length_demand": np.log1p(np.diff(demands.indptr)),
        "length_text": 1.0 - np.divide(title, whole, out=np.ones(len(whole)), where=whole > 0),
    }


def _like_the_list(space: _Space, pairs: Pairs, achievements: sp.csr_matrix) -> np.ndarray:
    """Mean product of the achievement with the others of the demand's own list, weighted by their scores.

    The list speaks for what the demand is about (pseudo-relevance feedback, after Lavrenko & Croft 2001).
    """
    if not len(pairs):
        return np.zeros(0)
    own = np.asarray(space.list_weights[pairs.demands, pairs.achievements]).ravel()
    total = _row_sums(space.list_weights)[pairs.demands] - own
    others = _row_products(space.list_sums[pairs.demands], achievements) - own * _row_products(
        achievements, achievements
    )
    return np.asarray(np.divide(others, total, out=np.zeros(len(pairs)), where=total > _NOTHING))


def _latent(vectors: Vectors) -> _Latent:
    """Latent semantic analysis (Deerwester et al. 1990) of the characters of whatever is loaded."""
    columns = vectors.block("characters")
    sides = [
        matrix[:, columns]
        for matrix in (vectors.demands, vectors.achievements, vectors.demand_titles, vectors.achievement_titles)
    ]
    rows = sp.vstack(sides[:2], format="csr")
    dimensions = min(_LATENT_DIMENSIONS, min(rows.shape) - 1)
    if dimensions < 1:
        return _Latent(*(np.zeros((side.shape[0], 1)) for side in sides))
    every = -(-rows.shape[0] // _LATENT_RECORDS)
    # What scikit-learn's TruncatedSVD does, without its shares of variance, which are 0 / 0 where all rows are equal.
    *_, directions = randomized_svd(rows[::every], dimensions, n_iter=5, random_state=_SEED)
    return _Latent(*(normalize(side @ directions.T) if side.shape[0] else np.zeros((0, dimensions)) for side in sides))


def _in_list(values: np.ndarray, pairs: Pairs, own: np.ndarray, lists: Pairs) -> np.ndarray:
    """By how many standard deviations of the demand's own list a value is above the list's mean."""
    height = 1 + max(pairs.demands.max(initial=0), lists.demands.max(initial=0))
    count = np.maximum(np.bincount(lists.demands, minlength=height), 1)
    mean = np.bincount(lists.demands, own, minlength=height) / count
    spread = np.sqrt(np.bincount(lists.demands, (own - mean[lists.demands]) ** 2, minlength=height) / count)
    spread = spread[pairs.demands]
    return np.asarray(
        np.divide(values - mean[pairs.demands], spread, out=np.zeros(len(values)), where=spread > _NOTHING)
    )


def _place(values: np.ndarray, pairs: Pairs, scores: np.ndarray, lists: Pairs) -> dict[str, np.ndarray]:
    """Where a pair stands in its demand's own list: log2 of 1 + how many are better; how far below the best it is."""
    better = np.zeros(len(pairs))
    below = np.zeros(len(pairs))
    starts, ends = (np.searchsorted(lists.demands, pairs.demands, side) for side in ("left", "right"))
    for pair, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if start < end:
            better[pair] = np.count_nonzero(scores[start:end] > values[pair] + _NOTHING)
            best = scores[start:end].max()
            below[pair] = 1.0 - values[pair] / best if best > 0 else 0.0
    return {"place_rank": np.log2(1.0 + better), "place_below_best": below}


def _covered(wanted: sp.csr_matrix, given: sp.csr_matrix, rarity: np.ndarray) -> np.ndarray:
    """What share of the information of the terms wanted is in the terms given; 0 where nothing is wanted."""
    whole = np.asarray(wanted.sign() @ rarity)
    return np.asarray(
        np.divide(wanted.sign().multiply(given.sign()) @ rarity, whole, out=np.zeros(len(whole)), where=whole > 0)
    )


def _row_sums(matrix: sp.csr_matrix | sp.csc_matrix) -> np.ndarray:
    return np.asarray(matrix.sum(axis=1)).ravel()


def _row_products(first: sp.csr_matrix, second: sp.csr_matrix) -> np.ndarray:
    """Dot product of each row with its counterpart."""
    return _row_sums(first.multiply(second))


def _dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("ij,ij->i", first, second))
