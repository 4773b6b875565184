"""The only place that composes stages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl
from sqlalchemy import Engine

from matching.errors import CallError, NothingToDo, Problem
from matching.fields.assignment import assign_fields
from matching.intake.reading import Reading
from matching.ledger import catalogue
from matching.ledger.catalogue import Difference
from matching.ledger.runs import Run, add_run
from matching.ranking.candidates import candidates
from matching.ranking.evaluation import Quality, quality
from matching.ranking.explanation import Explanation, explain_pair
from matching.ranking.vectors import Vectors, pair_scores, vectorize
from matching.ranking.weights import Weights, load_weights
from matching.schema import ID, JUDGEMENTS, KINDS, RECORD

# Told how far a step has come: the step's name, what is done, and the total.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Ranking:
    """Candidates of every demand, and what is needed to take any pair's score apart.

    `candidates` is a frame of `schema.CANDIDATES`; `fingerprint` is the SHA-256 of inputs, weights and the
    length of the lists: equal fingerprints mean equal lists.
    """

    candidates: pl.DataFrame
    vectors: Vectors
    weights: Weights
    fingerprint: str


def rank(
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    top: int = 10,
    *,
    demand_fields: pl.DataFrame | None = None,
    achievement_fields: pl.DataFrame | None = None,
    weights: Weights | None = None,
    progress: Progress | None = None,
) -> Ranking:
    """Rank all achievements for each demand and keep the best `top`.

    `demands` and `achievements` are clean frames, as `read_demands` and `read_achievements` give them. Fields
    that are already known, from the ledger, are taken as they are; otherwise they are assigned. Raises `CallError`
    for a `top` below 1.
    """
    if top < 1:
        raise CallError(Problem("call.top", values={"top": top}))
    weights = weights or load_weights()
    vectors = _vectors(demands, achievements, demand_fields, achievement_fields, weights, progress)
    found = candidates(vectors, demands, achievements, weights, top, _step(progress, "rank"))
    return Ranking(found, vectors, weights, fingerprint(demands, achievements, vectors, weights, top))


def explain(ranking: Ranking, demand_id: str, achievement_id: str) -> Explanation:
    """Why a pair has its score, term by term and field by field; `KeyError` for an id that was not ranked."""
    weights = ranking.weights
    return explain_pair(ranking.vectors, demand_id, achievement_id, weights.text, weights.field)


def evaluate(
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    judgements: pl.DataFrame,
    weights: Weights | None = None,
    progress: Progress | None = None,
) -> Quality:
    """nDCG@10 and MAP of the ranking on judged pairs (`schema.JUDGEMENTS`).

    A judged achievement that is not among `achievements`, for want of a title, scores 0.
    """
    weights = weights or load_weights()
    vectors = _vectors(demands, achievements, None, None, weights, progress)
    return quality(judgements.select(JUDGEMENTS.keys()).with_columns(score=pair_scores(vectors, judgements)))


def fingerprint(demands: pl.DataFrame, achievements: pl.DataFrame, vectors: Vectors, weights: Weights, top: int) -> str:
    """SHA-256 of all that decides the list: records and fields as placed in the space, weights, length."""
    digest = hashlib.sha256(json.dumps({"weights": weights.as_values(), "top": top}, sort_keys=True).encode())
    for kind, records in zip(KINDS, (demands, achievements), strict=True):
        digest.update(records.select(RECORD[kind].keys()).sort(ID[kind]).write_ndjson().encode())
    digest.update(json.dumps([vectors.starts, vectors.names.tolist()], ensure_ascii=False).encode())
    for matrix in (vectors.demands, vectors.achievements):
        for part in (matrix.indptr, matrix.indices, matrix.data):
            digest.update(part.tobytes())
    return digest.hexdigest()


def _vectors(
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    demand_fields: pl.DataFrame | None,
    achievement_fields: pl.DataFrame | None,
    weights: Weights,
    progress: Progress | None,
) -> Vectors:
    if progress:
        progress("fields", 0, 1)
    if demand_fields is None:
        demand_fields = assign_fields(demands, "demand_id")
    if achievement_fields is None:
        achievement_fields = assign_fields(achievements, "achievement_id")
    if progress:
        progress("fields", 1, 1)
        progress("vectors", 0, 1)
    vectors = vectorize(demands, achievements, demand_fields, achievement_fields, weights)
    if progress:
        progress("vectors", 1, 1)
    return vectors


def _step(progress: Progress | None, name: str) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    return lambda done, total: progress(name, done, total)


def load(engine: Engine, read: Reading, agent: str, progress: Progress | None = None) -> Difference:
    """Put a file that was read into the ledger, with the fields of its records; see `catalogue.add`."""
    if progress:
        progress("fields", 0, 1)
    fields = assign_fields(read.frame, ID[read.kind])
    if progress:
        progress("fields", 1, 1)
    return catalogue.add(engine, read, fields, agent, _step(progress, "write"))


def match_ledger(engine: Engine, top: int, agent: str, progress: Progress | None = None) -> Run:
    """Rank what the ledger holds and write the run; the newest run again when nothing has changed since.

    Demands that are closed or expired and achievements that are transferred or withdrawn take no part. Raises
    `NothingToDo` when either list is empty.
    """
    demands = catalogue.current_records(engine, "demands").filter(pl.col("status").is_in(["open", "matched"]))
    achievements = catalogue.current_records(engine, "achievements").filter(
        pl.col("status").is_in(["available", "negotiating"])
    )
    if demands.is_empty() or achievements.is_empty():
        raise NothingToDo(Problem("ledger.no_records"))
    ranking = rank(
        demands,
        achievements,
        top,
        demand_fields=catalogue.current_fields(engine, "demands"),
        achievement_fields=catalogue.current_fields(engine, "achievements"),
        progress=progress,
    )
    return add_run(
        engine,
        ranking.candidates,
        ranking.fingerprint,
        top=top,
        demands=demands.height,
        achievements=achievements.height,
        agent=agent,
        progress=_step(progress, "write"),
    )
