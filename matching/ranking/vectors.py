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

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp

from matching.fields.lexicon import load_lexicon
from matching.ranking.analysis import WeightedParts
from matching.ranking.counting import count, part_texts
from matching.ranking.space import Placed, Space, fit, place
from matching.ranking.weights import Weights

BLOCKS: Final = ("characters", "words", "concepts", "fields")


@dataclass(frozen=True)
class Vectors:
    """Both lists in one space.

    `demands` and `achievements` are CSR matrices of float32, rows in the order of `demand_ids` and
    `achievement_ids`, which are sorted. `starts` are the blocks' first columns and the total; `names` says what
    each column stands for: a term, a concept, or "taxonomy:code" of a field. The titles alone stand in the columns
    of characters and words, as rows of length 1 in each. `rarity` is ln((1 + n) / (1 + df)) of each column, 0 for the
    fields; `shares` what each block has of the similarity; `directions` (dimensions x characters) span the latent
    space of the characters.
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
    directions: np.ndarray

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
    lexicon = load_lexicon()
    counted_demands = count(demands, "demands", weights.parts["demands"], lexicon)
    counted_achievements = count(achievements, "achievements", weights.parts["achievements"], lexicon)
    space = fit(counted_demands, counted_achievements, demand_fields, achievement_fields, weights)
    return vectors_of(
        space,
        place(space, "demands", counted_demands, demand_fields, last=True),
        place(space, "achievements", counted_achievements, achievement_fields, last=True),
    )


def vectors_of(space: Space, demands: Placed, achievements: Placed) -> Vectors:
    """Both lists as they were placed in the space."""
    return Vectors(
        demand_ids=demands.ids,
        achievement_ids=achievements.ids,
        demands=demands.rows,
        achievements=achievements.rows,
        demand_titles=demands.titles,
        achievement_titles=achievements.titles,
        starts=space.starts,
        names=space.names,
        rarity=space.rarity,
        shares=space.shares,
        directions=space.directions,
    )


def weighted_parts(records: pl.DataFrame, parts: dict[str, int]) -> list[WeightedParts]:
    """Each record's texts with the weights of their parts; parts that the frame lacks are left out."""
    present = {part: weight for part, weight in parts.items() if part in records.columns}
    columns = [part_texts(records[part]).to_list() for part in present]
    weights = tuple(present.values())
    return [tuple(zip(weights, texts, strict=True)) for texts in zip(*columns, strict=True)]
