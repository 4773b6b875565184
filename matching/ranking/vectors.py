"""Demands and achievements as rows of one vector space, in which a dot product is a score.

A row is made of four blocks: TF-IDF over characters, over words and over the lexicon's concepts, and fields. Each
block is brought to length 1 (that of the fields to less where a taxonomy knows nothing of a record) and multiplied by
the square root of its share in the score, so that

    demand . achievement = the sum over the blocks of share x cosine,

which lies in 0–1 and falls apart exactly into terms and fields. TF-IDF is scikit-learn's, with
(1 + ln tf) x (1 + ln((1 + n) / (1 + df))); concepts count ln(1 + tf), since a broader one may count less than 1.

A field stands in its block with confidence / sqrt(how common it is in the record's list), so that agreeing on a rare
field says more: sum p q / prior is how much likelier two records are to share their field than any two. Taxonomies
have shares of their own in the block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final, cast

import numpy as np
import polars as pl
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from matching.fields.lexicon import concepts_in, load_lexicon
from matching.fields.terms import BETWEEN, normalised_texts
from matching.ranking.analysis import WeightedParts, weighted_terms
from matching.ranking.weights import Weights
from matching.schema import ID, Kind

BLOCKS: Final = ("characters", "words", "concepts", "fields")


@dataclass(frozen=True)
class Vectors:
    """Both lists in one space.

    `demands` and `achievements` are CSR matrices of float64, rows in the order of `demand_ids` and
    `achievement_ids`, which are sorted. `starts` are the blocks' first columns and the total; `names` says what
    each column stands for: a term, a concept, or "taxonomy:code" of a field. The titles alone stand in the columns
    of characters and words, as rows of length 1 in each. `rarity` is ln((1 + n) / (1 + df)) of each column, 0 for the
    fields; `shares` what each block has of the similarity.
    """

    demand_ids: tuple[str, ...]
    achievement_ids: tuple[str, ...]
    demands: sp.csr_matrix
    achievements: sp.csr_matrix
    demand_titles: sp.csr_matrix
    achievement_titles: sp.csr_matrix
    starts: tuple[int, ...]
    names: np.ndarray
    rarity: np.ndarray
    shares: tuple[float, ...]

    def block(self, name: str) -> slice:
        """The columns of a block."""
        start, end = list(pairwise(self.starts))[BLOCKS.index(name)]
        return slice(start, end)


@dataclass(frozen=True)
class _Block:
    """Rows of both lists in one block, what its columns stand for and how rare they are."""

    rows: sp.csr_matrix
    names: np.ndarray
    rarity: np.ndarray


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
    titles = [*demands["title"], *achievements["title"]]
    characters, character_titles = _tf_idf(texts, "characters", titles)
    words, word_titles = _tf_idf(texts, "words", titles)
    of_titles = sp.hstack([character_titles, word_titles], format="csr")
    blocks = [
        (characters, weights.text * weights.characters),
        (words, weights.text * weights.words),
        (_concepts(texts), weights.text * weights.concepts),
        (_fields(demands, achievements, demand_fields, achievement_fields, weights), weights.field),
    ]
    stacked = sp.hstack([block.rows * np.sqrt(share) for block, share in blocks], format="csr")
    return Vectors(
        demand_ids=tuple(demands["demand_id"]),
        achievement_ids=tuple(achievements["achievement_id"]),
        demands=stacked[: demands.height],
        achievements=stacked[demands.height :],
        demand_titles=of_titles[: demands.height],
        achievement_titles=of_titles[demands.height :],
        starts=tuple(np.cumsum([0, *(block.rows.shape[1] for block, _ in blocks)]).tolist()),
        names=np.concatenate([block.names for block, _ in blocks]),
        rarity=np.concatenate([block.rarity for block, _ in blocks]),
        shares=tuple(share for _, share in blocks),
    )


def weighted_parts(records: pl.DataFrame, parts: dict[str, int]) -> list[WeightedParts]:
    """Each record's texts with the weights of their parts; parts that the frame lacks are left out."""
    present = {part: weight for part, weight in parts.items() if part in records.columns}
    columns = [
        records[part].list.join(BETWEEN).to_list()
        if records[part].dtype == pl.List(pl.String())
        else records[part].to_list()
        for part in present
    ]
    weights = tuple(present.values())
    return [tuple(zip(weights, texts, strict=True)) for texts in zip(*columns, strict=True)]


def _tf_idf(texts: list[WeightedParts], view: str, titles: Sequence[str]) -> tuple[_Block, sp.csr_matrix]:
    """A view of all texts, and of the titles alone with the same columns and weights."""
    counter = CountVectorizer(analyzer=partial(weighted_terms, view=view), dtype=np.float64)
    try:
        counts = counter.fit_transform(texts)
    except ValueError:
        # scikit-learn refuses an empty vocabulary: no text has a term in this view, so the block is empty.
        return _no_block(len(texts)), sp.csr_matrix((len(titles), 0))
    weigher = TfidfTransformer(sublinear_tf=True).fit(counts)
    of_titles = counter.transform([((1, title),) for title in titles])
    block = _Block(weigher.transform(counts), counter.get_feature_names_out(), weigher.idf_ - 1)
    return block, weigher.transform(of_titles)


def _no_block(height: int) -> _Block:
    return _Block(sp.csr_matrix((height, 0)), np.array([], dtype=object), np.zeros(0))


def _concepts(texts: list[WeightedParts]) -> _Block:
    """TF-IDF over the lexicon's concepts, broader ones included."""
    rows = np.repeat(np.arange(len(texts)), [len(parts) for parts in texts])
    flat = [part for parts in texts for part in parts]
    found = concepts_in(normalised_texts(pl.Series([text for _, text in flat], dtype=pl.String())), load_lexicon())
    names = np.array(sorted(found["concept"].unique()), dtype=object)
    if not len(names):
        return _no_block(len(texts))
    weights = np.array([weight for weight, _ in flat], dtype=np.float64)[found["row"].to_numpy()]
    columns = np.searchsorted(names.astype(str), found["concept"].to_numpy().astype(str))
    counts = sp.csr_matrix(
        (found["count"].to_numpy() * weights, (rows[found["row"].to_numpy()], columns)), (len(texts), len(names))
    )
    counts.eliminate_zeros()
    counts.data = np.log1p(counts.data)
    weigher = TfidfTransformer().fit(counts)
    return _Block(weigher.transform(counts), names, weigher.idf_ - 1)


def _fields(
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    demand_fields: pl.DataFrame,
    achievement_fields: pl.DataFrame,
    weights: Weights,
) -> _Block:
    """Confidences by record and field over the root of how common the field is; rows as in the stacked matrix.

    The fields of a record in one taxonomy have length sqrt(share of the taxonomy).
    """
    sides = (
        ("demands", demands, demand_fields, 0),
        ("achievements", achievements, achievement_fields, demands.height),
    )
    height = demands.height + achievements.height
    common = pl.col("confidence").sum().over("taxonomy", "code")
    placed = pl.concat(
        fields.sort("record_id", "taxonomy", "code")
        .join(records.select(record_id=ID[cast(Kind, kind)]).with_row_index("row", offset=offset), on="record_id")
        .select(
            pl.col("row").cast(pl.Int64),
            "taxonomy",
            name=pl.col("taxonomy") + ":" + pl.col("code"),
            value=pl.col("confidence") / (common / records.height).sqrt(),
        )
        .sort("row", "name")
        for kind, records, fields, offset in sides
    ).with_columns(value=pl.col("value") / pl.col("value").pow(2).sum().over("row", "taxonomy").sqrt())
    if placed.is_empty():
        return _no_block(height)
    taxonomies = sorted(placed["taxonomy"].unique())
    importance = {taxonomy: weights.taxonomies.get(taxonomy, 1.0) for taxonomy in taxonomies}
    share = {taxonomy: (each / sum(importance.values())) ** 0.5 for taxonomy, each in importance.items()}
    values = placed["value"] * placed["taxonomy"].replace_strict(share, return_dtype=pl.Float64())
    names = np.array(sorted(placed["name"].unique()), dtype=object)
    place = {name: column for column, name in enumerate(names)}
    columns = np.array([place[name] for name in placed["name"]], dtype=np.int64)
    rows = sp.csr_matrix((values.to_numpy(), (placed["row"].to_numpy(), columns)), (height, len(names)))
    return _Block(rows, names, np.zeros(len(names)))
