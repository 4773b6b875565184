"""Plain scores to measure the ranking against: BM25 and TF-IDF over the same texts."""

from __future__ import annotations

from typing import Final

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from matching.ranking.analysis import WeightedParts, characters
from matching.ranking.features import Pairs, products

# As in Robertson & Zaragoza 2009 and in Lucene.
_K1: Final = 1.2
_B: Final = 0.75


def bm25(demands: list[WeightedParts], achievements: list[WeightedParts], pairs: Pairs) -> np.ndarray:
    """BM25 of pairs over pairs of neighbouring characters, all parts of a record counting alike.

    Robertson & Zaragoza 2009, with Lucene's ln(1 + (n - df + 1/2) / (df + 1/2)).
    """
    counter = CountVectorizer(analyzer=_bigrams, dtype=np.float64)
    try:
        counts = counter.fit_transform([*map(_plain, achievements), *map(_plain, demands)])
    except ValueError:
        # scikit-learn refuses an empty vocabulary: no text has a pair of characters, so no two are alike.
        return np.zeros(len(pairs))
    documents, queries = counts[: len(achievements)].tocoo(), counts[len(achievements) :]
    lengths = np.asarray(documents.sum(axis=1)).ravel()
    frequency = np.asarray((documents.tocsr() > 0).sum(axis=0)).ravel()
    rarity = np.log1p((len(achievements) - frequency + 0.5) / (frequency + 0.5))
    dampened = documents.data + _K1 * (1 - _B + _B * lengths[documents.row] / lengths.mean())
    weights = rarity[documents.col] * documents.data * (_K1 + 1) / dampened
    return products(queries.tocsr(), sp.csr_matrix((weights, (documents.row, documents.col)), documents.shape), pairs)


def tf_idf(demands: list[WeightedParts], achievements: list[WeightedParts], pairs: Pairs) -> np.ndarray:
    """Cosines of scikit-learn's TF-IDF over characters and their pairs, sublinear, all parts counting alike."""
    vectorizer = TfidfVectorizer(analyzer=_lower_characters, sublinear_tf=True)
    try:
        rows = vectorizer.fit_transform([*map(_plain, demands), *map(_plain, achievements)])
    except ValueError:
        # As above: all texts are empty.
        return np.zeros(len(pairs))
    return products(rows[: len(demands)], rows[len(demands) :], pairs)


def _plain(parts: WeightedParts) -> str:
    return "\n".join(text for _, text in parts)


def _bigrams(text: str) -> list[str]:
    return [term for term in _lower_characters(text) if len(term) > 1]


def _lower_characters(text: str) -> list[str]:
    return characters(text.lower())
