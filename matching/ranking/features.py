"""Features of pairs of demand and achievement, for the level model.

All are taken from the two lists as `vectorize` placed them and from the titles as written. None needs more of an
achievement than its title; those that end in `_with_text` are the same features once more, times how much of the
achievement's text is not its title, so that the model can read long texts in its own way. Those that end in
`_in_list` say by how many standard deviations a pair is above the mean of its demand's own list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse as sp
from rapidfuzz import fuzz, process

from matching.ranking.compiled.pairs import Csr, beside, compare, products_of
from matching.ranking.latent_rows import Latent, latent_of
from matching.ranking.processors import cores
from matching.ranking.vectors import BLOCKS, Vectors

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
# What the compiled loop sums up, in its order.
_SUMS: Final = (
    *BLOCKS,
    *(f"fields_{each}" for each in _TAXONOMIES),
    *(
        f"{view}_{each}"
        for view in _TEXT_VIEWS
        for each in ("title_title", "title_whole", "whole_title", "demand_covered", "achievement_covered", "shared")
    ),
)
_OTHERS: Final = (
    *("latent_whole", "latent_title", "feedback", "title_partial"),
    *("length_demand_title", "length_achievement_title", "length_demand", "length_text"),
)
_NAMES: Final = (
    *(*_SUMS, *_OTHERS),
    *(f"{name}_with_text" for name in _FOR_TEXT),
    *(f"{name}_in_list" for name in _COMPARED),
    *("place_rank", "place_below_best"),
)
_PLACE: Final = {name: column for column, name in enumerate(_NAMES)}

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


def given_lists(vectors: Vectors, pairs: Pairs) -> Pairs:
    """The same pairs as the demands' own lists, each once: demand by demand, best first, ties by id."""
    each = np.unique(np.column_stack([pairs.demands, pairs.achievements]), axis=0)
    once = Pairs(each[:, 0], each[:, 1])
    scores = products(vectors.demands, vectors.achievements, once)
    return once.of(np.lexsort((once.achievements, -scores, once.demands)))


def products(demands: sp.csr_matrix, achievements: sp.csr_matrix, pairs: Pairs) -> np.ndarray:
    """Dot product of each pair."""
    return np.asarray(products_of(csr(demands), csr(achievements), pairs.demands, pairs.achievements))


def csr(matrix: sp.csr_matrix) -> Csr:
    """The arrays of a matrix as the compiled loops take them."""
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    return matrix.indptr.astype(np.int64, copy=False), matrix.indices.astype(np.int32, copy=False), matrix.data


@dataclass(frozen=True)
class Features:
    """Features of pairs: `values` has a row for each pair and a column for each of `names`."""

    names: tuple[str, ...]
    values: np.ndarray


def features_of(vectors: Vectors, titles: Titles, pairs: Pairs, lists: Pairs, latent: Latent | None = None) -> Features:
    """Features of pairs, also beside the demands' own lists.

    `titles` are those of demands and achievements, in the order of the vectors' ids. `lists` has each pair once; a
    demand without one has 0 in every feature that compares with it. `latent` are the achievements in the latent space,
    where they are placed already. What a pair's features are does not depend on the pairs of other demands.
    """
    width = max(1, len(vectors.achievement_ids))
    asked, own = (each.demands * width + each.achievements for each in (pairs, lists))
    keys = np.union1d(asked, own)
    every = Pairs(keys // width, keys % width)
    values = _values(vectors, titles, every, np.isin(keys, own, assume_unique=True), latent)
    if len(keys) == len(asked) and np.array_equal(keys, asked):
        return Features(_NAMES, values)
    return Features(_NAMES, values[np.searchsorted(keys, asked)])


def _values(vectors: Vectors, titles: Titles, pairs: Pairs, listed: np.ndarray, latent: Latent | None) -> np.ndarray:
    """All features of pairs that come by demand and achievement, of which some are `listed`."""
    values = np.zeros((len(pairs), len(_NAMES)))
    demands, firsts = np.unique(pairs.demands, return_index=True)
    starts = np.append(firsts, len(pairs)).astype(np.int64)
    sums, feedback, score, in_title = _summed(vectors, demands, starts, pairs.achievements, listed)
    values[:, : len(_SUMS)] = sums
    for name, found in (
        *_latent(vectors, pairs, latent).items(),
        ("feedback", feedback),
        *_by_titles(titles, pairs).items(),
        ("length_demand", np.log1p(np.diff(vectors.demands.indptr)[pairs.demands])),
        ("length_text", 1.0 - in_title),
    ):
        values[:, _PLACE[name]] = found
    for name in _FOR_TEXT:
        values[:, _PLACE[f"{name}_with_text"]] = values[:, _PLACE[name]] * values[:, _PLACE["length_text"]]
    compared = np.array([_PLACE[name] for name in _COMPARED])
    beside(starts, listed, score, compared, _NOTHING, values, _PLACE[f"{_COMPARED[0]}_in_list"])
    return values


def _summed(
    vectors: Vectors, demands: np.ndarray, starts: np.ndarray, achievements: np.ndarray, listed: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What is summed over columns (`_SUMS`), feedback, dot products, and what share of a text is its title."""
    count = len(achievements)
    sums, feedback, score, in_title = np.zeros((count, len(_SUMS))), np.zeros(count), np.zeros(count), np.zeros(count)
    wholes, titles = (vectors.demands, vectors.achievements), (vectors.demand_titles, vectors.achievement_titles)
    sides = csr(wholes[0]), csr(wholes[1]), csr(titles[0]), csr(titles[1])
    bounds, taxonomies = np.array(vectors.starts, dtype=np.int64), _taxonomies(vectors)
    given = demands, achievements, listed, sides, bounds, taxonomies, len(_TAXONOMIES), vectors.rarity, _NOTHING

    def of_some(first: int, last: int) -> None:
        compare(first, last, starts, *given, sums, feedback, score, in_title)

    in_threads(len(demands), of_some)
    for place, share in enumerate(vectors.shares):
        sums[:, place] /= share or 1.0
    for place, view in enumerate(_TEXT_VIEWS):
        root = vectors.shares[place] ** 0.5 or 1.0
        for name in ("title_whole", "whole_title"):
            sums[:, _PLACE[f"{view}_{name}"]] /= root
        shown = sums[:, _PLACE[f"{view}_shared"]]
        np.log1p(shown, out=shown)
    return sums, feedback, score, in_title


def in_threads(count: int, work: Callable[[int, int], None]) -> None:
    """Divide `count` pieces of work among the processors: no two of them may write to the same place."""
    workers = max(1, min(cores(), count))
    bounds = [count * each // workers for each in range(workers + 1)]
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, bounds[:-1], bounds[1:]))


def _taxonomies(vectors: Vectors) -> np.ndarray:
    """The number of each field's taxonomy, -1 where it is none of those that are looked at."""
    number = {taxonomy: place for place, taxonomy in enumerate(_TAXONOMIES)}
    names = vectors.names[vectors.block("fields")]
    return np.array([number.get(str(name).split(":", 1)[0], -1) for name in names], dtype=np.int64)


def _latent(vectors: Vectors, pairs: Pairs, achievements: Latent | None) -> dict[str, np.ndarray]:
    """Cosines in the latent space, of the whole texts and of the titles."""
    demands = latent_of(vectors, pairs.demands, vectors.demands, vectors.demand_titles)
    achievements = achievements or latent_of(
        vectors, pairs.achievements, vectors.achievements, vectors.achievement_titles
    )
    found = zip(demands.of(pairs.demands), achievements.of(pairs.achievements), strict=True)
    return dict(zip(("latent_whole", "latent_title"), (_dot(*sides) for sides in found), strict=True))


def _by_titles(titles: Titles, pairs: Pairs) -> dict[str, np.ndarray]:
    demands = [titles[0][row] for row in pairs.demands.tolist()]
    achievements = [titles[1][row] for row in pairs.achievements.tolist()]
    ratio = process.cpdist(demands, achievements, scorer=fuzz.partial_ratio, dtype=np.float64, workers=cores()) / 100
    return {
        "title_partial": ratio,
        "length_demand_title": np.log1p([len(title) for title in demands]),
        "length_achievement_title": np.log1p([len(title) for title in achievements]),
    }


def _dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("ij,ij->i", first, second))
