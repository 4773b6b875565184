"""The terms that decided: what in a record's text speaks for a field that it was assigned to.

They are the terms of the lexicon and of the taxonomies that stand in the text, and where none of them speaks for
a record's first field the n-grams themselves, ordered by what they add to the field's margin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp

from matching.fields.grams import CLOSE, OPEN, count_grams
from matching.fields.lexicon import load_lexicon
from matching.fields.model import Classifier, FieldModel, tf_idf
from matching.fields.taxonomies import load_taxonomies
from matching.fields.terms import closed_up, terms_in

_MARKS: Final = frozenset((OPEN, CLOSE))
# How strong an n-gram must be beside the strongest one of its record to be named with it.
_NEARLY: Final = 0.6


@cache
def known_terms() -> tuple[str, ...]:
    """All terms of the taxonomies and all forms of the lexicon, sorted."""
    of_taxonomies = {term for each in load_taxonomies().values() for node in each.fields for term in node.terms}
    return tuple(sorted(of_taxonomies | set(load_lexicon().concept_of)))


def named_terms(texts: pl.Series) -> pl.DataFrame:
    """Known terms in normalised texts, each once: columns row (of the text) and term (its place in `known_terms`)."""
    terms = known_terms()
    places = dict(zip(terms, range(len(terms)), strict=True))
    found = terms_in(closed_up(texts), list(terms))
    return (
        pl.DataFrame({"row": pl.Series(range(len(texts)), dtype=pl.Int64()), "term": found})
        .explode("term")
        .drop_nulls("term")
        .unique()
        .with_columns(pl.col("term").replace_strict(places, return_dtype=pl.Int64()))
    )


@dataclass(frozen=True)
class Evidence:
    """What is known of records: the terms that they name (`named_terms`) and their features in a model."""

    named: pl.DataFrame
    features: sp.csr_matrix
    model: FieldModel
    term_features: sp.csr_matrix

    def deciding(self, rows: np.ndarray, columns: np.ndarray, classifier: Classifier, most: int) -> pl.Series:
        """The strongest terms for each field, given by its record's row and its column in the classifier.

        Where no term speaks for the first field that is given of a record, n-grams are named.
        """
        fields = pl.DataFrame({"row": rows, "column": columns}).cast(pl.Int64()).with_row_index("place")
        worth = self.term_features @ classifier.weights
        pairs = fields.join(self.named, on="row")
        pairs = pairs.select(
            "place",
            word=pl.Series(known_terms(), dtype=pl.String()).gather(pairs["term"]),
            worth=pl.Series(worth[pairs["term"].to_numpy(), pairs["column"].to_numpy()]),
        ).filter(pl.col("worth") > 0)
        silent = fields.unique("row", keep="first", maintain_order=True).join(pairs, on="place", how="anti")
        strongest = pl.concat([pairs, self._grams(silent, classifier)]).sort("place", pl.col("worth").neg(), "word")
        chosen = strongest.group_by("place", maintain_order=True).agg(terms=pl.col("word").head(most))
        found = fields.join(chosen, on="place", how="left", maintain_order="left")["terms"]
        return found.fill_null(pl.Series([[]], dtype=pl.List(pl.String())))

    def _grams(self, fields: pl.DataFrame, classifier: Classifier) -> pl.DataFrame:
        """N-grams of two characters or more that speak for fields nearly as much as the strongest does."""
        features = self.features[fields["row"].to_numpy()]
        columns = np.repeat(fields["column"].to_numpy(), features.getnnz(axis=1))
        worth = features.data * classifier.weights[features.indices, columns] * self._telling[features.indices]
        spoken = worth > 0
        found = pl.DataFrame(
            {
                "place": np.repeat(fields["place"].to_numpy(), features.getnnz(axis=1))[spoken],
                "word": features.indices[spoken],
                "worth": worth[spoken],
            }
        ).filter(pl.col("worth") >= _NEARLY * pl.col("worth").max().over("place"))
        return found.with_columns(word=pl.Series(self.model.vocabulary.grams, dtype=pl.String()).gather(found["word"]))

    @cached_property
    def _telling(self) -> np.ndarray:
        """1 for n-grams that a reader understands: two characters or more, without marks; 0 for the others."""
        return np.array([len(gram) > 1 and not _MARKS & set(gram) for gram in self.model.vocabulary.grams])


def term_features(model: FieldModel) -> sp.csr_matrix:
    """The known terms as texts of their own, in the model's features."""
    joined = pl.Series(known_terms(), dtype=pl.String()).str.replace_all(r"\s+", "")
    return tf_idf(count_grams([(1.0, joined)], model.vocabulary), model.idf)


def evidence(texts: pl.Series, features: sp.csr_matrix, model: FieldModel, terms: sp.csr_matrix) -> Evidence:
    """What is known of records with these normalised texts and features; `terms` are of `term_features`."""
    return Evidence(named_terms(texts), features, model, terms)
