"""Why a pair has its similarity and its score: shared terms and fields, features, judgements, with exact parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from matching.ranking import levels
from matching.ranking.compiled.shared_terms import shared_columns
from matching.ranking.features import Pairs, csr
from matching.ranking.levels import LevelModel
from matching.ranking.scoring import Scored
from matching.ranking.vectors import BLOCKS, Vectors
from matching.ranking.weights import Weights
from matching.schema import LEARNED_PART


@dataclass(frozen=True)
class Explanation:
    """A pair's similarity and its score taken apart.

    `terms` has columns view ("characters", "words" or "concepts"), term, contribution; `fields` has taxonomy, code,
    contribution; both fall by contribution. The contributions of the terms sum to `text_part`, those of the
    fields to `field_part`, and the parts to `similarity`. `text_score` and `field_score` are the same in 0–1, before
    their share in the similarity is applied.

    `score`, `level` and `certainty` are None for a pair that the retrieval did not put on its demand's list. `features`
    has columns feature, value, part, and `learned` has demand_id, achievement_id, level, part: judgements that moved
    the pair. `base`, both parts' sums and `limited`, what the limits of probabilities take off, make the score.
    """

    demand_id: str
    achievement_id: str
    similarity: float
    text_score: float
    field_score: float
    text_part: float
    field_part: float
    terms: pl.DataFrame
    fields: pl.DataFrame
    score: float | None
    level: int | None
    certainty: float | None
    base: float
    features: pl.DataFrame
    learned: pl.DataFrame
    limited: float


def contributions(vectors: Vectors, pairs: Pairs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The columns of the space that both sides of pairs have, and what each adds to the similarity.

    Given are three arrays: where each pair begins in the others, and where the last one ends; columns, which rise
    within a pair; amounts.
    """
    sides = csr(vectors.demands), csr(vectors.achievements)
    starts, places, parts = shared_columns(*sides, pairs.demands, pairs.achievements)
    return starts, places, parts


def explain_pair(
    vectors: Vectors, scored: Scored, model: LevelModel, weights: Weights, demand_id: str, achievement_id: str
) -> Explanation:
    """Take the similarity and the score of a pair apart. Raises `KeyError` for an id that was not ranked."""
    row = row_of(vectors.demand_ids, demand_id)
    column = row_of(vectors.achievement_ids, achievement_id)
    _, places, parts = contributions(vectors, Pairs(np.array([row]), np.array([column])))
    in_text = places < vectors.block("fields").start
    text_part, field_part = float(parts[in_text].sum()), float(parts[~in_text].sum())
    names = vectors.names[places]
    terms = pl.DataFrame(
        {
            "view": np.array(BLOCKS, dtype=object)[np.searchsorted(vectors.starts, places[in_text], side="right") - 1],
            "term": names[in_text],
            "contribution": parts[in_text],
        },
        schema={"view": pl.String, "term": pl.String, "contribution": pl.Float64},
    )
    split = [str(name).split(":", 1) for name in names[~in_text]]
    fields = pl.DataFrame(
        {
            "taxonomy": [taxonomy for taxonomy, _ in split],
            "code": [code for _, code in split],
            "contribution": parts[~in_text],
        },
        schema={"taxonomy": pl.String, "code": pl.String, "contribution": pl.Float64},
    )
    found = np.flatnonzero((scored.pairs.demands == row) & (scored.pairs.achievements == column))
    place = int(found[0]) if len(found) else None
    base = levels.base_score(model)
    features, learned = _features(scored, model, place), _learned(vectors, scored, place)
    score = None if place is None else float(scored.score[place])
    return Explanation(
        demand_id=demand_id,
        achievement_id=achievement_id,
        similarity=text_part + field_part,
        text_score=text_part / weights.text if weights.text else 0.0,
        field_score=field_part / weights.field if weights.field else 0.0,
        text_part=text_part,
        field_part=field_part,
        terms=terms.sort(pl.col("contribution").neg(), "view", "term"),
        fields=fields.sort(pl.col("contribution").neg(), "taxonomy", "code"),
        score=score,
        level=None if place is None else int(scored.level[place]),
        certainty=None if place is None else float(levels.certainty(scored.reached, scored.level)[place]),
        base=base,
        features=features,
        learned=learned,
        limited=0.0 if score is None else score - base - float(features["part"].sum()) - float(learned["part"].sum()),
    )


def _features(scored: Scored, model: LevelModel, place: int | None) -> pl.DataFrame:
    """What each feature of a pair adds to its score, strongest first."""
    chosen = [] if place is None else [place]
    value_of = dict(zip(scored.features.names, scored.features.values[chosen].T, strict=True))
    table = pl.DataFrame(
        {
            "feature": model.names if chosen else [],
            "value": [float(value_of[name][0]) for name in model.names] if chosen else [],
            "part": levels.parts(model, scored.standardised[chosen]).ravel(),
        },
        schema={"feature": pl.String, "value": pl.Float64, "part": pl.Float64},
    )
    return table.sort(pl.col("part").abs().neg(), "feature")


def _learned(vectors: Vectors, scored: Scored, place: int | None) -> pl.DataFrame:
    """What each judgement that moved a pair adds to its score, strongest first."""
    row = scored.learned.amounts[[] if place is None else [place]]
    pairs = scored.alike.pairs.of(row.indices)
    table = pl.DataFrame(
        {
            "demand_id": [vectors.demand_ids[each] for each in pairs.demands],
            "achievement_id": [vectors.achievement_ids[each] for each in pairs.achievements],
            "level": scored.judged[row.indices],
            "part": row.data,
        },
        schema=LEARNED_PART.to_schema(),
    )
    return table.sort(pl.col("part").abs().neg(), "demand_id", "achievement_id")


def row_of(ids: tuple[str, ...], wanted: str) -> int:
    """The row of an id in the vectors; `KeyError` where it is not there."""
    try:
        return ids.index(wanted)
    except ValueError:
        raise KeyError(wanted) from None
