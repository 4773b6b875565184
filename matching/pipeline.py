"""The only place that composes stages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
from sqlalchemy import Engine

from matching.errors import CallError, NothingToDo, Problem
from matching.fields.assignment import assign_fields
from matching.fields.taxonomies import load_taxonomies
from matching.fields.terms import BETWEEN
from matching.intake.reading import Reading
from matching.ledger import catalogue, corrections
from matching.ledger.catalogue import Difference
from matching.ledger.runs import Run, add_run
from matching.ranking.candidates import candidates
from matching.ranking.evaluation import Quality, quality
from matching.ranking.explanation import Explanation, explain_pair
from matching.ranking.vectors import Vectors, pair_scores, vectorize
from matching.ranking.weights import Weights, load_weights
from matching.schema import ID, JUDGEMENTS, KINDS, RECORD

_CLASSIFIED: Final = ("code", "name", "parent_name", "confidence", "terms")
# Stands beside a table's own columns, which may have any name a person would give.
_PLACE: Final = "\x1fplace"
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


def classify(table: pl.DataFrame, columns: Sequence[str], taxonomy: str) -> pl.DataFrame:
    """The main field of every row of any table, in one taxonomy.

    The first of `columns` is read as a title, the others as texts. The table's columns are kept; added are code,
    name and parent_name (of the top level, the name itself if it stands there; both Chinese), confidence (0–1) and
    terms, all null where the field is unknown. Raises `CallError` for a column or taxonomy that there is not, and for
    a table that has one of the added columns.
    """
    known = load_taxonomies()
    if taxonomy not in known:
        raise CallError(Problem("field.no_taxonomy", values={"taxonomy": taxonomy, "known": list(known)}))
    for column in columns:
        if column not in table.columns:
            raise CallError(Problem("call.no_column", values={"column": column, "columns": table.columns}))
    for column in _CLASSIFIED:
        if column in table.columns:
            raise CallError(Problem("call.column_taken", values={"column": column}))
    numbered = table.with_row_index(_PLACE).with_columns(pl.col(_PLACE).cast(pl.String()))
    texts = pl.concat_str([pl.col(column).fill_null("") for column in columns[1:]] or [pl.lit("")], separator=BETWEEN)
    records = numbered.select(_PLACE, title=pl.col(columns[0]).fill_null(""), summary=texts)
    fields = assign_fields(records, _PLACE, taxonomies=[taxonomy]).unique("record_id", keep="first")
    nodes = {node.code: (node.name_zh, known[taxonomy].top(node.code).name_zh) for node in known[taxonomy].nodes}
    named = fields.select(
        "record_id",
        "code",
        name=pl.col("code").replace_strict({code: name for code, (name, _) in nodes.items()}),
        parent_name=pl.col("code").replace_strict({code: parent for code, (_, parent) in nodes.items()}),
        confidence=pl.col("confidence").round(4),
        terms=pl.col("terms").list.join("；"),
    )
    joined = numbered.join(named, left_on=_PLACE, right_on="record_id", how="left", maintain_order="left")
    return joined.select(*table.columns, *_CLASSIFIED)


def load(engine: Engine, read: Reading, agent: str, progress: Progress | None = None) -> Difference:
    """Put a file that was read into the ledger, with the fields of its records; see `catalogue.add`."""
    if progress:
        progress("fields", 0, 1)
    fields = assign_fields(read.frame, ID[read.kind], corrections.corrected_records(engine))
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
    learn_fields(engine, agent, progress)
    ranking = rank(
        demands,
        achievements,
        top,
        demand_fields=catalogue.current_fields(engine, "demands", terms=False),
        achievement_fields=catalogue.current_fields(engine, "achievements", terms=False),
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


def learn_fields(engine: Engine, agent: str, progress: Progress | None = None) -> int:
    """Assign all fields anew when anything was ever corrected; how many assignments became others.

    What agents corrected stays as they said; elsewhere only assignments with other codes than before are written.
    """
    if not corrections.newest_correction(engine):
        return 0
    said = corrections.corrected_records(engine)
    changed = 0
    for place, kind in enumerate(KINDS):
        if progress:
            progress("learn", place, len(KINDS))
        records = catalogue.current_records(engine, kind)
        versions = records.select("version", record_id=ID[kind])
        before = _by_taxonomy(catalogue.current_fields(engine, kind))
        after = _by_taxonomy(assign_fields(records, ID[kind], said))
        known = ["record_id", "taxonomy"]
        was = before.select(*known, was="codes")
        other = after.join(was, on=known, how="full", coalesce=True, maintain_order="left")
        other = other.with_columns(pl.col("codes", "was", "confidences", "terms").fill_null([]))
        other = other.filter(pl.col("codes") != pl.col("was")).drop("was").join(versions, on="record_id")
        other = other.join(corrections.corrected(engine, kind), on=known, how="anti")
        if other.height:
            corrections.add_learned(engine, kind, other, agent)
        changed += other.height
    if progress:
        progress("learn", len(KINDS), len(KINDS))
    return changed


def _by_taxonomy(fields: pl.DataFrame) -> pl.DataFrame:
    """Fields as lists, a row for each record and taxonomy: codes, confidences and terms by falling confidence."""
    return (
        fields.sort("record_id", "taxonomy", pl.col("confidence").neg(), "code")
        .group_by("record_id", "taxonomy", maintain_order=True)
        .agg(codes="code", confidences="confidence", terms="terms")
    )
