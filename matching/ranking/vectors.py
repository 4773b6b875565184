"""Demands and achievements as rows of one vector space, in which a dot product is a score.

A row is made of three blocks: TF-IDF over characters, TF-IDF over words, and field confidences. Each block is
brought to length 1 and multiplied by the square root of its share in the score, so that

    demand . achievement = characters share x cosine + words share x cosine + field share x cosine,

which lies in 0–1 and falls apart exactly into terms and fields. TF-IDF is scikit-learn's, sublinear
(1 + ln tf) x (1 + ln((1 + n) / (1 + df))).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final, cast

import numpy as np
import polars as pl
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.preprocessing import normalize

from matching.ranking.analysis import WeightedParts, weighted_terms
from matching.ranking.weights import Weights
from matching.schema import ID, Kind

BLOCKS: Final = ("characters", "words", "fields")


@dataclass(frozen=True)
class Vectors:
    """Both lists in one space.

    `demands` and `achievements` are CSR matrices of float64, rows in the order of `demand_ids` and
    `achievement_ids`, which are sorted. `starts` are the blocks' first columns and the total; `names` says what
    each column stands for: a term, or "taxonomy:code" of a field.
    """

    demand_ids: tuple[str, ...]
    achievement_ids: tuple[str, ...]
    demands: sp.csr_matrix
    achievements: sp.csr_matrix
    starts: tuple[int, ...]
    names: np.ndarray

    def block(self, name: str) -> slice:
        """The columns of a block."""
        start, end = list(pairwise(self.starts))[BLOCKS.index(name)]
        return slice(start, end)


def vectorize(
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    demand_fields: pl.DataFrame,
    achievement_fields: pl.DataFrame,
    weights: Weights,
) -> Vectors:
    """Fit the space on both lists and place all records in it.

    `demands` and `achievements` are clean frames, the others frames of `schema.FIELDS`. The order of rows does
    not matter: records are taken in the order of their ids.
    """
    demands = demands.sort("demand_id")
    achievements = achievements.sort("achievement_id")
    texts = [
        *weighted_parts(demands, weights.parts["demands"]),
        *weighted_parts(achievements, weights.parts["achievements"]),
    ]
    blocks = [
        (*_tf_idf(texts, "characters"), weights.text * weights.characters),
        (*_tf_idf(texts, "words"), weights.text * weights.words),
        (*_field_confidences(demands, achievements, demand_fields, achievement_fields), weights.field),
    ]
    stacked = sp.hstack([_unit_rows(block) * np.sqrt(share) for block, _, share in blocks], format="csr")
    return Vectors(
        demand_ids=tuple(demands["demand_id"]),
        achievement_ids=tuple(achievements["achievement_id"]),
        demands=stacked[: demands.height],
        achievements=stacked[demands.height :],
        starts=tuple(np.cumsum([0, *(block.shape[1] for block, _, _ in blocks)]).tolist()),
        names=np.concatenate([names for _, names, _ in blocks]),
    )


def weighted_parts(records: pl.DataFrame, parts: dict[str, int]) -> list[WeightedParts]:
    """Each record's texts with the weights of their parts; parts that the frame lacks are left out."""
    present = {part: weight for part, weight in parts.items() if part in records.columns}
    columns = [
        records[part].list.join("\n").to_list()
        if records[part].dtype == pl.List(pl.String())
        else records[part].to_list()
        for part in present
    ]
    weights = tuple(present.values())
    return [tuple(zip(weights, texts, strict=True)) for texts in zip(*columns, strict=True)]


def _unit_rows(block: sp.csr_matrix) -> sp.csr_matrix:
    """Rows brought to length 1, empty ones left empty; scikit-learn refuses a matrix without rows or columns."""
    return normalize(block) if min(block.shape) else block


def _tf_idf(texts: list[WeightedParts], view: str) -> tuple[sp.csr_matrix, np.ndarray]:
    counter = CountVectorizer(analyzer=partial(weighted_terms, view=view), dtype=np.float64)
    try:
        counts = counter.fit_transform(texts)
    except ValueError:
        # scikit-learn refuses an empty vocabulary: no text has a term in this view, so the block is empty.
        return sp.csr_matrix((len(texts), 0)), np.array([], dtype=object)
    return TfidfTransformer(sublinear_tf=True, norm=None).fit_transform(counts), counter.get_feature_names_out()


def _field_confidences(
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    demand_fields: pl.DataFrame,
    achievement_fields: pl.DataFrame,
) -> tuple[sp.csr_matrix, np.ndarray]:
    """Confidences by record and field; rows as in the stacked matrix."""
    sides = (
        ("demands", demands, demand_fields, 0),
        ("achievements", achievements, achievement_fields, demands.height),
    )
    placed = pl.concat(
        fields.join(
            records.select(record_id=ID[cast(Kind, kind)]).with_row_index("row", offset=offset),
            on="record_id",
        ).select(
            pl.col("row").cast(pl.Int64),
            (pl.col("taxonomy") + ":" + pl.col("code")).alias("name"),
            "confidence",
        )
        for kind, records, fields, offset in sides
    )
    names = np.array(sorted(placed["name"].unique()), dtype=object)
    place = {name: column for column, name in enumerate(names)}
    columns = np.array([place[name] for name in placed["name"]], dtype=np.int64)
    shape = (demands.height + achievements.height, len(names))
    return sp.csr_matrix((placed["confidence"].to_numpy(), (placed["row"].to_numpy(), columns)), shape), names


def pair_scores(vectors: Vectors, pairs: pl.DataFrame) -> np.ndarray:
    """Scores of given pairs (columns demand_id, achievement_id), 0–1; 0 where a side is not in the space."""
    row_of = {identity: row for row, identity in enumerate(vectors.demand_ids)}
    column_of = {identity: column for column, identity in enumerate(vectors.achievement_ids)}
    rows = np.array([row_of.get(identity, -1) for identity in pairs["demand_id"]], dtype=np.int64)
    columns = np.array([column_of.get(identity, -1) for identity in pairs["achievement_id"]], dtype=np.int64)
    known = (rows >= 0) & (columns >= 0)
    scores = np.zeros(len(rows))
    products = vectors.demands[rows[known]].multiply(vectors.achievements[columns[known]])
    scores[known] = np.asarray(products.sum(axis=1)).ravel()
    return scores
