"""One demand against a catalogue that is kept: its list, its scores and its reasons, as fast as somebody types.

The list is that of a run in the same space. What scores it sees the columns alone that the demand and the achievements
of its list have: they are thousands, those of the space a million, and sums over them are the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy.sparse as sp

from matching.fields.model import FieldModel
from matching.fields.narrowing import Forms, narrowed
from matching.fields.terms import normalised_texts
from matching.fields.typed import fields_of_texts
from matching.ranking.candidates import Shared, block_candidates, with_records
from matching.ranking.counting import count, part_texts
from matching.ranking.features import Pairs
from matching.ranking.kept import Kept, best_of, gathered
from matching.ranking.levels import STEPS, LevelModel
from matching.ranking.scoring import Taught
from matching.ranking.space import Placed, Space, place
from matching.ranking.vectors import Vectors
from matching.ranking.weights import Weights
from matching.schema import CANDIDATES


@dataclass(frozen=True)
class Catalogue:
    """What one demand after the other is ranked against.

    `records` has achievement_id, title and institute of the achievements of `kept`, in the order of their ids;
    `field_models` read the fields of a demand's text, and `forms` are those of the lexicon.
    """

    kept: Kept
    records: pl.DataFrame
    field_models: tuple[FieldModel, ...]
    forms: Forms
    model: LevelModel
    weights: Weights


def candidates_for(catalogue: Catalogue, demand: pl.DataFrame, top: int, fields: pl.DataFrame | None) -> pl.DataFrame:
    """The best `top` achievements for a demand, as `candidates` gives them without judgements (`schema.CANDIDATES`).

    `demand` is a frame of one row with demand_id, enterprise, title and any other part of a demand. `fields`
    (`schema.FIELDS`) are taken as they are; None has them read from the text.
    """
    if fields is None:
        fields = fields_of_texts(demand, "demand_id", catalogue.field_models)
    weights, space = catalogue.weights, catalogue.kept.space
    parts = weights.parts["demands"]
    texts = [part_texts(demand[part])[0] for part in parts if part in demand.columns]
    counted = count(demand, "demands", parts, narrowed(catalogue.forms, texts))
    asking = place(space, "demands", counted, fields)
    found, _ = best_of(catalogue.kept, asking.rows, max(top, weights.retrieved))
    if not len(found):
        return pl.DataFrame(schema=CANDIDATES)
    places = np.unique(found.achievements)
    lists = Pairs(found.demands, np.searchsorted(places, found.achievements))
    vectors = in_columns_of(space, asking, gathered(catalogue.kept, places))
    records = catalogue.records[places]
    titles = _compared(demand["title"]), _compared(records["title"])
    shared = Shared(vectors, titles, _nothing_taught(catalogue.model), None, catalogue.model, weights, top)
    return with_records(block_candidates(shared, np.zeros(1, np.int64), lists), demand, records)


def _nothing_taught(model: LevelModel) -> Taught:
    """What `scoring.teach` gives where nothing is judged."""
    none = np.zeros(0, np.int64)
    return Taught(Pairs(none, none), none, np.zeros((0, len(model.names))), np.zeros((0, len(STEPS))), [])


def _compared(titles: pl.Series) -> Sequence[str]:
    """Titles as `scoring.titles_of` has them."""
    return normalised_texts(titles).str.replace_all(r"\s", "").to_list()


def in_columns_of(space: Space, demands: Placed, achievements: Placed) -> Vectors:
    """Both as `vectors_of` gives them, without the columns of the space that none of them has."""
    matrices = (demands.rows, achievements.rows, demands.titles, achievements.titles)
    used = np.unique(np.concatenate([matrix.indices for matrix in matrices]))
    starts = np.searchsorted(used, space.starts).tolist()
    rows, others, titles, other_titles = (_in_columns(matrix, used) for matrix in matrices)
    return Vectors(
        demand_ids=demands.ids,
        achievement_ids=achievements.ids,
        demands=rows,
        achievements=others,
        demand_titles=titles[:, : starts[2]],
        achievement_titles=other_titles[:, : starts[2]],
        starts=tuple(starts),
        names=_names(space, used),
        rarity=space.rarity[used],
        shares=space.shares,
        directions=space.directions[:, used[: starts[1]]],
    )


def _in_columns(matrix: sp.csr_matrix, used: np.ndarray) -> sp.csr_matrix:
    """A matrix with some columns alone, which hold all its values."""
    columns = np.searchsorted(used, matrix.indices).astype(np.int32)
    return sp.csr_matrix((matrix.data, columns, matrix.indptr), (matrix.shape[0], len(used)))


def _names(space: Space, used: np.ndarray) -> np.ndarray:
    """What some columns stand for, in order."""
    names = (space.characters.names, space.words.names, space.concepts.names, space.fields.names)
    bounds = np.searchsorted(used, space.starts)
    parts = [
        each.gather(used[first:last] - start).to_list()
        for each, start, first, last in zip(names, space.starts, bounds, bounds[1:], strict=False)
    ]
    return np.array([name for part in parts for name in part], dtype=object)
