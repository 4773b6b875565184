"""The similarity of pairs taken apart: blocks, terms that both texts share, fields."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from matching.ranking.analysis import characters
from matching.ranking.compiled.shared_terms import block_sums, merged_terms
from matching.ranking.explanation import contributions
from matching.ranking.features import Pairs
from matching.ranking.per_pair import lists_of
from matching.ranking.vectors import Vectors
from matching.ranking.weights import Weights
from matching.schema import CANDIDATES

# What may own others: a pair of characters after a word.
_CHARACTERS: Final = 1
_WORD: Final = 2


def similarity_parts(vectors: Vectors, pairs: Pairs, weights: Weights) -> pl.DataFrame:
    """The similarity of pairs taken apart; rows in their order, columns of `schema.CANDIDATES`."""
    starts, places, parts = contributions(vectors, pairs)
    sums = block_sums(starts, places, parts, np.array(vectors.starts[1:]))
    pair = np.repeat(np.arange(len(pairs)), np.diff(starts))
    in_text = places < vectors.block("fields").start
    terms, others = _terms(vectors, pair[in_text], places[in_text], parts[in_text], len(pairs), weights.terms)
    return pl.DataFrame(
        {
            "demand_id": [vectors.demand_ids[row] for row in pairs.demands.tolist()],
            "achievement_id": [vectors.achievement_ids[column] for column in pairs.achievements.tolist()],
            "similarity": sums.sum(axis=1),
            "character_part": sums[:, 0],
            "word_part": sums[:, 1],
            "concept_part": sums[:, 2],
            "field_part": sums[:, 3],
            "text_score": _share(sums[:, :3].sum(axis=1), weights.text),
            "field_score": _share(sums[:, 3], weights.field),
            "shared_terms": terms,
            "other_terms": others,
            "shared_fields": _fields(vectors, pair[~in_text], places[~in_text], parts[~in_text], len(pairs)),
        },
        schema_overrides={"demand_id": pl.String(), "achievement_id": pl.String()},
    )


def _share(part: np.ndarray, share: float) -> np.ndarray:
    """A part of the similarity in 0–1, up to the rounding of rows, before its share is applied; 0 where it has none."""
    return part / share if share else np.zeros_like(part)


def _fields(vectors: Vectors, pair: np.ndarray, places: np.ndarray, parts: np.ndarray, count: int) -> pl.Series:
    """Names of the fields that each pair shares, by what they add."""
    order = np.lexsort((places, -parts, pair))
    names = pl.Series("name", vectors.names[places[order]].tolist(), dtype=pl.String())
    return lists_of(pl.DataFrame({"pair": pair[order], "name": names}), count, CANDIDATES["shared_fields"])


def _terms(
    vectors: Vectors, pair: np.ndarray, places: np.ndarray, parts: np.ndarray, count: int, most: int
) -> tuple[pl.Series, np.ndarray]:
    """The strongest terms of each pair with their contributions, and the sum of those of the rest; ties by term.

    All views hold the same text, so that a word comes as such, as its characters and as pairs of these. What is part of
    a shared word, or of a shared pair, is counted with it.
    """
    used, column = np.unique(places, return_inverse=True)
    names, number = np.unique(vectors.names[used].astype(str), return_inverse=True)
    terms = names.tolist()
    place_of = {term: place for place, term in enumerate(terms)}
    made_of = [characters(term) for term in terms]
    lengths = np.array([len(term) for term in terms], dtype=np.int64)
    order = np.empty(len(terms), dtype=np.int64)
    order[np.lexsort((np.arange(len(terms)), -lengths))] = np.arange(len(terms))
    # A concept that one side writes in other words has no part in the characters that both write.
    made_of_numbers = np.array([place_of.get(part, -1) for each in made_of for part in each], dtype=np.int64)
    part_starts = np.cumsum([0, *(len(each) for each in made_of)])
    term = number[column]
    owning = np.where(places >= vectors.block("words").start, _WORD, np.where(lengths[term] > 1, _CHARACTERS, 0))
    starts = np.searchsorted(pair, np.arange(count + 1))
    begins, found, amounts, rest = merged_terms(starts, term, parts, owning, order, part_starts, made_of_numbers, most)
    shown = pl.DataFrame(
        {
            "pair": np.repeat(np.arange(count), np.diff(begins)),
            "term": pl.Series(terms, dtype=pl.String()).gather(found),
            "contribution": amounts,
        }
    )
    return lists_of(shown, count, CANDIDATES["shared_terms"]), rest
