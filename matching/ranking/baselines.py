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
    counts = counter.fit_transform([*map(_plain, achievements), *map(_plain, demands)])
    documents, queries = counts[: len(achievements)].tocoo(), counts[len(achievements) :]
    lengths = np.asarray(documents.sum(axis=1)).ravel()
    frequency = np.asarray((documents.tocsr() > 0).sum(axis=0)).ravel()
    rarity = np.log1p((len(achievements) - frequency + 0.5) / (frequency + 0.5))
    dampened = documents.data + _K1 * (1 - _B + _B * lengths[documents.row] / lengths.mean())
    weights = rarity[documents.col] * documents.data * (_K1 + 1) / dampened
    return products(queries.tocsr(), sp.csr_matrix((weights, (documents.row, documents.col)), documents.shape), pairs)


def tf_idf(demands: list[WeightedParts], achievements: list[WeightedParts], pairs: Pairs) -> np.ndarray:
    """Cosines of scikit-learn's TF-IDF over characters and their pairs, sublinear, all parts counting alike."""
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)
    rows = vectorizer.fit_transform([*map(_plain, demands), *map(_plain, achievements)])
    return products(rows[: len(demands)], rows[len(demands) :], pairs)


def _plain(parts: WeightedParts) -> str:
    return "\n".join(text for _, text in parts)


def _bigrams(text: str) -> list[str]:
    return [term for term in characters(text.lower()) if len(term) > 1]
