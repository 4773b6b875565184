"""Two lists become ranked candidates whose scores can be taken apart."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from matching.errors import CallError, Problem
from matching.fields.assignment import assign_fields
from matching.progress import Progress, step
from matching.ranking.candidates import Ranked, candidates
from matching.ranking.engines.named import HERE
from matching.ranking.engines.opening import opened
from matching.ranking.explanation import Explanation, explain_pair, row_of
from matching.ranking.levels import LevelModel, load_model
from matching.ranking.scoring import Scored
from matching.ranking.vectors import Vectors, vectorize
from matching.ranking.weights import Weights, load_weights
from matching.schema import ID, JUDGEMENTS, KINDS, RECORD

# So many records are taken at a time where the memory for all at once would be too much.
_RECORDS_AT_A_TIME: Final = 50_000


@dataclass(frozen=True)
class Ranking:
    """Candidates of every demand, and what is needed to take any pair's score apart.

    `candidates` is a frame of `schema.CANDIDATES`; `ranked` can score the pairs that were considered once more.
    `fingerprint` is the SHA-256 of inputs, judgements, weights, level model and length of the lists: equal fingerprints
    mean equal lists.
    """

    candidates: pl.DataFrame
    ranked: Ranked
    vectors: Vectors
    weights: Weights
    model: LevelModel
    fingerprint: str

    @property
    def scored(self) -> Scored:
        """All pairs that were considered: a row of features for each, so ask for it where there are few."""
        return self.ranked.scored


def rank(
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    top: int = 10,
    *,
    demand_fields: pl.DataFrame | None = None,
    achievement_fields: pl.DataFrame | None = None,
    judgements: pl.DataFrame | None = None,
    weights: Weights | None = None,
    model: LevelModel | None = None,
    progress: Progress | None = None,
    engine: str = HERE,
) -> Ranking:
    """Rank all achievements for each demand and keep the best `top`.

    `demands` and `achievements` are clean frames, as `read_demands` and `read_achievements` give them. Fields
    that are already known, from the ledger, are taken as they are; otherwise they are assigned. Judgements of pairs
    (`schema.JUDGEMENTS`) move the other pairs of their demand. `engine` says where that is done, with the same result:
    here, in processes of this machine (`local:4`), or on a Dask cluster (`dask://host:port`). Raises `CallError` for a
    `top` below 1 and for an engine that is not there.
    """
    if top < 1:
        raise CallError(Problem("call.top", values={"top": top}))
    weights, model = weights or load_weights(), model or load_model()
    judgements = no_judgements() if judgements is None else judgements
    with opened(engine) as running:
        vectors = placed(demands, achievements, demand_fields, achievement_fields, weights, progress)
        told = step(progress, "rank")
        found = candidates(vectors, demands, achievements, judgements, weights, model, top, told, running)
    key = fingerprint(demands, achievements, vectors, judgements, weights, model, top)
    return Ranking(found.candidates, found, vectors, weights, model, key)


def no_judgements() -> pl.DataFrame:
    """An empty frame of `schema.JUDGEMENTS`."""
    return pl.DataFrame(schema=JUDGEMENTS)


def explain(ranking: Ranking, demand_id: str, achievement_id: str) -> Explanation:
    """Why a pair has its similarity and, if it was considered, its score; `KeyError` for an id that was not ranked."""
    scored = ranking.ranked.scored_of(np.array([row_of(ranking.vectors.demand_ids, demand_id)]))
    return explain_pair(ranking.vectors, scored, ranking.model, ranking.weights, demand_id, achievement_id)


def fingerprint(
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    vectors: Vectors,
    judgements: pl.DataFrame,
    weights: Weights,
    model: LevelModel,
    top: int,
) -> str:
    """SHA-256 of all that decides the list: records and fields as placed in the space, judgements, weights, length."""
    values = {"weights": weights.as_values(), "model": model.as_values(), "top": top}
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    said = judgements.unique(["demand_id", "achievement_id"], keep="last", maintain_order=True)
    digest.update(said.sort("demand_id", "achievement_id").write_ndjson().encode())
    for kind, records in zip(KINDS, (demands, achievements), strict=True):
        order = records[ID[kind]].arg_sort()
        for start in range(0, len(order), _RECORDS_AT_A_TIME):
            some = records.select(RECORD[kind].keys())[order[start : start + _RECORDS_AT_A_TIME]]
            digest.update(some.write_ndjson().encode())
    digest.update(json.dumps([vectors.starts, vectors.names.tolist()], ensure_ascii=False).encode())
    for matrix in (vectors.demands, vectors.achievements):
        for part in (matrix.indptr, matrix.indices, matrix.data):
            digest.update(part.tobytes())
    return digest.hexdigest()


def placed(
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    demand_fields: pl.DataFrame | None,
    achievement_fields: pl.DataFrame | None,
    weights: Weights,
    progress: Progress | None,
) -> Vectors:
    """Both lists in the space of terms and fields; fields that are not given are assigned."""
    if progress:
        progress("fields", 0, 1)
    if demand_fields is None:
        demand_fields = _fields_of(demands, "demand_id")
    if achievement_fields is None:
        achievement_fields = _fields_of(achievements, "achievement_id")
    if progress:
        progress("fields", 1, 1)
        progress("vectors", 0, 1)
    vectors = vectorize(demands, achievements, demand_fields, achievement_fields, weights)
    if progress:
        progress("vectors", 1, 1)
    return vectors


def _fields_of(records: pl.DataFrame, id_column: str) -> pl.DataFrame:
    """Fields as the vectors need them: why a record has a field would take more memory than all else."""
    empty = assign_fields(records.clear(), id_column)
    parts = (assign_fields(some, id_column) for some in records.iter_slices(_RECORDS_AT_A_TIME))
    return pl.concat(part.drop("basis", "terms") for part in (empty, *parts))
