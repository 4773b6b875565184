"""Fields of single texts, as soon as they are typed: what `assign_fields` says of them, without the terms that decided.

Those terms take most of its time, and what ranks does not read them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from matching.fields.assignment import believed_in, features_in, learned_from, models_of, texts_of_records
from matching.fields.model import UNKNOWN, FieldModel
from matching.fields.rules import load_rules
from matching.fields.taxonomies import load_taxonomies
from matching.schema import FIELDS, TEXT


def field_models(corrections: pl.DataFrame | None = None) -> tuple[FieldModel, ...]:
    """The models that read fields in every taxonomy in use, after what agents corrected.

    `corrections` are as `assign_fields` takes them.
    """
    return tuple(learned_from(model, corrections, load_rules()) for model in models_of(tuple(load_taxonomies())))


def fields_of_texts(records: pl.DataFrame, id_column: str, models: Sequence[FieldModel]) -> pl.DataFrame:
    """Fields of records by their texts alone (`schema.FIELDS`, no terms); what a record states is not looked at."""
    rules = load_rules()
    texts = texts_of_records(records, rules)
    found: list[tuple[str, str, str, float, str, list[str]]] = []
    for model in models:
        features = features_in(texts, model)
        silent = features.getnnz(axis=1) == 0
        for taxonomy, classifier in model.classifiers.items():
            confidences = classifier.confidences(features)
            # A text without a single known n-gram says nothing, whatever the node's general share is.
            confidences[silent] = 0
            confidences[:, classifier.codes.index(UNKNOWN)] = 0
            found += [
                (records[id_column][row], taxonomy, classifier.codes[column], float(confidence), TEXT, [])
                for row, column, confidence in _assigned(confidences)
            ]
    return pl.DataFrame(found, schema=FIELDS, orient="row")


def _assigned(confidences: np.ndarray) -> list[tuple[int, int, float]]:
    """Row, column and confidence of what is believed."""
    rows, columns = believed_in(confidences, load_rules())
    return list(zip(rows.tolist(), columns.tolist(), confidences[rows, columns].tolist(), strict=True))
