"""The only place that composes stages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from sqlalchemy import Engine

from matching.errors import CallError, NothingToDo, Problem
from matching.fields.assignment import assign_fields
from matching.fields.taxonomies import load_taxonomies
from matching.fields.terms import BETWEEN
from matching.intake.reading import Reading
from matching.ledger import catalogue, corrections
from matching.ledger import judgements as judging
from matching.ledger.catalogue import Difference
from matching.ledger.runs import Run, add_run, candidates_of
from matching.ranking.baselines import bm25, tf_idf
from matching.ranking.candidates import candidates
from matching.ranking.decided import load_decision_levels
from matching.ranking.evaluation import Quality, quality
from matching.ranking.explanation import Explanation, explain_pair
from matching.ranking.features import Features, Pairs, features_of, given_lists, products
from matching.ranking.folds import FOLDS, by_folds, families_of_demands, seen, unseen, unseen_by_id
from matching.ranking.levels import Examples, LevelModel, fit, level_of, load_model, model_of, together
from matching.ranking.moving import moved
from matching.ranking.scoring import Scored, judge, place_in, places_of, titles_of, with_judged
from matching.ranking.vectors import Vectors, vectorize, weighted_parts
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

    `candidates` is a frame of `schema.CANDIDATES`; `scored` holds all pairs that were considered. `fingerprint` is the
    SHA-256 of inputs, judgements, weights, level model and length of the lists: equal fingerprints mean equal lists.
    """

    candidates: pl.DataFrame
    scored: Scored
    vectors: Vectors
    weights: Weights
    model: LevelModel
    fingerprint: str


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
) -> Ranking:
    """Rank all achievements for each demand and keep the best `top`.

    `demands` and `achievements` are clean frames, as `read_demands` and `read_achievements` give them. Fields
    that are already known, from the ledger, are taken as they are; otherwise they are assigned. Judgements of pairs
    (`schema.JUDGEMENTS`) move the other pairs of their demand. Raises `CallError` for a `top` below 1.
    """
    if top < 1:
        raise CallError(Problem("call.top", values={"top": top}))
    weights, model = weights or load_weights(), model or load_model()
    judgements = _no_judgements() if judgements is None else judgements
    vectors = _vectors(demands, achievements, demand_fields, achievement_fields, weights, progress)
    found = candidates(vectors, demands, achievements, judgements, weights, model, top, _step(progress, "rank"))
    key = fingerprint(demands, achievements, vectors, judgements, weights, model, top)
    return Ranking(found.candidates, found.scored, vectors, weights, model, key)


def _no_judgements() -> pl.DataFrame:
    return pl.DataFrame(schema=JUDGEMENTS)


def explain(ranking: Ranking, demand_id: str, achievement_id: str) -> Explanation:
    """Why a pair has its similarity and, if it was considered, its score; `KeyError` for an id that was not ranked."""
    return explain_pair(ranking.vectors, ranking.scored, ranking.model, ranking.weights, demand_id, achievement_id)


def score(
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    pairs: pl.DataFrame,
    judgements: pl.DataFrame | None = None,
    *,
    weights: Weights | None = None,
    model: LevelModel | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Score given pairs (columns demand_id, achievement_id): adds score (0–1) and level (1–4), rows in their order.

    Judgements (`schema.JUDGEMENTS`) are learned from, but no pair's own judgement is used for the pair. The pairs of a
    demand, given and judged, are its list. A pair of which a record is not there scores 0, at level 1.
    """
    weights, model = weights or load_weights(), model or load_model()
    judgements = _no_judgements() if judgements is None else judgements
    examined = examine(demands, achievements, pairs, judgements, weights, progress)
    found = judge(examined.vectors, examined.pairs, examined.features, examined.judged, model, weights.likeness)
    places = place_in(examined.pairs, examined.wanted)
    scores, levels = np.zeros(pairs.height), np.ones(pairs.height, dtype=np.int64)
    scores[examined.known], levels[examined.known] = found.score[places], found.level[places]
    return pairs.with_columns(score=pl.Series(scores), level=pl.Series(levels))


def missing(demands: pl.DataFrame, achievements: pl.DataFrame, pairs: pl.DataFrame) -> int:
    """How many pairs name a demand or an achievement that is not there."""
    known = pairs.join(demands, on="demand_id", how="semi").join(achievements, on="achievement_id", how="semi")
    return pairs.height - known.height


@dataclass(frozen=True)
class Examined:
    """Given pairs and judged ones with their features, each once and in order.

    `wanted` are the given pairs as they came, without those of which a record is not there; `known` are the rows of
    these; `judged` has the level of a judged pair and 0 for the others.
    """

    vectors: Vectors
    wanted: Pairs
    known: np.ndarray
    pairs: Pairs
    features: Features
    judged: np.ndarray


def examine(
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    pairs: pl.DataFrame,
    judgements: pl.DataFrame,
    weights: Weights,
    progress: Progress | None = None,
) -> Examined:
    """Place both lists in the space and take the features of given pairs and of judged ones."""
    vectors = _vectors(demands, achievements, None, None, weights, progress)
    wanted, known = places_of(vectors, pairs)
    judged, rows = places_of(vectors, judgements)
    together, levels = with_judged(wanted, judged, judgements["level"].to_numpy()[rows])
    features = features_of(vectors, titles_of(demands, achievements), together, given_lists(vectors, together))
    return Examined(vectors, wanted, known, together, features, levels)


def examples(demands: pl.DataFrame, achievements: pl.DataFrame, judgements: pl.DataFrame) -> Examples:
    """What the level model learns from judged pairs (`schema.JUDGEMENTS`)."""
    found = examine(demands, achievements, judgements, judgements, load_weights())
    return Examples(found.features, found.judged)


def evaluate(
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    judgements: pl.DataFrame,
    *,
    folds: bool = False,
    weights: Weights | None = None,
    model: LevelModel | None = None,
    also: Examples | None = None,
    progress: Progress | None = None,
) -> dict[str, Quality]:
    """Quality of several orders of judged pairs (`schema.JUDGEMENTS`), by the name of the order.

    bm25 and tf_idf are plain, retrieval is the similarity of this program, model its level model as it stands. With
    folds the level model is learned anew in each, from the other folds and from `also`: unseen, unseen_by_id and seen
    (see `ranking.folds`). A judged achievement that is not among `achievements`, for want of a title, scores 0. Raises
    `CallError` for folds where there are too few demands or pairs of a level.
    """
    weights, model = weights or load_weights(), model or load_model()
    key = ["demand_id", "achievement_id"]
    given = judgements.select(JUDGEMENTS.keys()).unique(key, keep="last", maintain_order=True)
    found = examine(demands, achievements, given, given, weights, progress)
    texts = (
        weighted_parts(demands.sort("demand_id"), weights.parts["demands"]),
        weighted_parts(achievements.sort("achievement_id"), weights.parts["achievements"]),
    )
    measured = {
        "bm25": quality(_scored(given, found, bm25(*texts, found.pairs))),
        "tf_idf": quality(_scored(given, found, tf_idf(*texts, found.pairs))),
        "retrieval": quality(
            _scored(given, found, products(found.vectors.demands, found.vectors.achievements, found.pairs))
        ),
    }
    unlearned = judge(found.vectors, found.pairs, found.features, np.zeros_like(found.judged), model, weights.likeness)
    measured["model"] = quality(_scored(given, found, unlearned.score, unlearned.reached))
    for name, fold in fold_plans(found, weights).items() if folds else ():
        if progress:
            progress(f"fold_{name}", 0, 1)
        measured[name] = quality(_scored(given, found, *score_folds(found, fold, weights, also)))
        if progress:
            progress(f"fold_{name}", 1, 1)
    return measured


def fold_plans(found: Examined, weights: Weights) -> dict[str, np.ndarray]:
    """The fold of each pair in each way of dividing them; `CallError` where there is too little to divide."""
    demands = len(np.unique(families_of_demands(found.vectors, found.pairs, weights.likeness.near)))
    rarest = int(np.bincount(found.judged, minlength=5)[1:].min())
    if min(demands, rarest) < FOLDS:
        raise CallError(
            Problem("call.too_few_for_folds", values={"folds": FOLDS, "demands": demands, "rarest": rarest})
        )
    return {
        "unseen": unseen(found.vectors, found.pairs, weights.likeness.near),
        "unseen_by_id": unseen_by_id(found.pairs),
        "seen": seen(found.judged),
    }


def score_folds(
    found: Examined, folds: np.ndarray, weights: Weights, also: Examples | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of judged pairs and their probabilities of reaching the levels 2, 3 and 4, each fold by the others."""

    def learn_model(places: np.ndarray) -> LevelModel:
        chosen = Features(found.features.names, found.features.values[places])
        return fit(together(Examples(chosen, found.judged[places]), also), weights.strength, "")

    return by_folds(found.vectors, found.pairs, found.features, found.judged, folds, weights.likeness, learn_model)


def _scored(
    judgements: pl.DataFrame, found: Examined, scores: np.ndarray, reached: np.ndarray | None = None
) -> pl.DataFrame:
    """Judgements with scores and, where they are known, levels; what is not in the space comes last, at level 1."""
    places = place_in(found.pairs, found.wanted)

    def spread(values: np.ndarray, missing: float) -> pl.Series:
        whole = np.full(judgements.height, missing)
        whole[found.known] = values[places]
        return pl.Series(whole)

    table = judgements.with_columns(score=spread(scores, 0.0))
    if reached is None:
        return table
    return table.with_columns(given_level=spread(level_of(reached), 1), reach_three=spread(reached[:, 1], 0.0))


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
        judgements=judging.judgements(engine),
        model=current_model(engine),
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


def current_model(engine: Engine) -> LevelModel:
    """The level model that counts for a ledger: the newest that was learned there, else the one that ships."""
    values = judging.learned_model(engine)
    return load_model() if values is None else model_of(values)


def review_list(engine: Engine, run_id: int, demand_id: str) -> pl.DataFrame:
    """Candidates of a demand (`runs.CANDIDATE_ROWS`), moved at once by what was judged since they were ranked."""
    rows = candidates_of(engine, run_id, demand_id)
    return moved(rows, judging.judgements(engine, demand_id), load_weights().likeness.noise)


@dataclass(frozen=True)
class Relearned:
    """A level model learned anew: held-out quality of the one before and of the new one, and whether it is kept."""

    before: Quality
    after: Quality
    pairs: int
    kept: bool


def learn_levels(
    engine: Engine, agent: str, *, also: Examples | None = None, force: bool = False, progress: Progress | None = None
) -> Relearned:
    """Fit the level model anew on what the ledger has judged, and on `also`; keep it if it is better.

    Both are measured on the ledger's pairs, the new one on folds of demands that it was not fitted on. It is kept when
    its nDCG@10 is higher, or by force. Raises `NothingToDo` where too little is judged.
    """
    demands = catalogue.current_records(engine, "demands")
    achievements = catalogue.current_records(engine, "achievements")
    judged = judging.judgements(engine)
    judged = judged.join(demands, on="demand_id", how="semi").join(achievements, on="achievement_id", how="semi")
    weights = load_weights()
    _check_enough(judged, also, judged["demand_id"].n_unique())
    found = examine(demands, achievements, judged, judged, weights, progress)
    # Demands near each other teach no more than one: they are held out together.
    apart = len(np.unique(families_of_demands(found.vectors, found.pairs, weights.likeness.near)))
    if apart < FOLDS:
        _check_enough(judged, also, apart)
    examples = together(Examples(found.features, found.judged), also)
    folds = unseen(found.vectors, found.pairs, weights.likeness.near)
    in_use = current_model(engine)
    before = by_folds(
        found.vectors,
        found.pairs,
        found.features,
        found.judged,
        folds,
        weights.likeness,
        lambda _: in_use,
    )
    old = quality(_scored(judged, found, *before))
    new = quality(_scored(judged, found, *score_folds(found, folds, weights, also)))
    kept = force or new.ndcg_at_10 > old.ndcg_at_10
    if kept:
        source = f"{judged.height} judgements of this ledger and {0 if also is None else len(also.levels)} others"
        model = fit(examples, weights.strength, source)
        figures = {"before": old.ndcg_at_10, "after": new.ndcg_at_10}
        judging.add_model(engine, model.as_values(), pairs=judged.height, forced=force, agent=agent, **figures)
    return Relearned(old, new, judged.height, kept)


def _check_enough(judged: pl.DataFrame, also: Examples | None, demands: int) -> None:
    least = load_decision_levels()
    values: dict[str, object] = {
        "pairs": judged.height,
        "demands": demands,
        "least_pairs": least.least_pairs,
        "least_demands": least.least_demands,
    }
    if judged.height < least.least_pairs or demands < least.least_demands:
        raise NothingToDo(Problem("learn.too_little", values=values))
    levels = np.concatenate([judged["level"].to_numpy(), np.zeros(0, np.int64) if also is None else also.levels])
    counts = np.bincount(levels, minlength=5)[1:]
    if counts.min() < least.least_each:
        rare: dict[str, object] = {
            "level": int(np.argmin(counts)) + 1,
            "count": int(counts.min()),
            "least": least.least_each,
        }
        raise NothingToDo(Problem("learn.level_too_rare", values=rare))


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
