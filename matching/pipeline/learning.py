"""What agents decided and corrected is learned from: the level model and the fields."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from sqlalchemy import Engine

from matching.errors import NothingToDo, Problem
from matching.fields.assignment import assign_fields
from matching.ledger import catalogue, corrections
from matching.ledger import judgements as judging
from matching.ledger.rights import permit
from matching.pipeline.measuring import examine, score_folds, scored
from matching.progress import Progress
from matching.ranking.decided import load_decision_levels
from matching.ranking.evaluation import Quality, quality
from matching.ranking.folds import FOLDS, by_folds, families_of_demands, unseen
from matching.ranking.levels import Examples, LevelModel, fit, load_model, model_of, together
from matching.ranking.weights import load_weights
from matching.schema import ID, KINDS


def current_model(engine: Engine) -> LevelModel:
    """The level model that counts for a ledger: the newest that was learned there, else the one that ships."""
    values = judging.learned_model(engine)
    return load_model() if values is None else model_of(values)


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
    permit(engine, "learn", agent)
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
    old = quality(scored(judged, found, *before))
    new = quality(scored(judged, found, *score_folds(found, folds, weights, also)))
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
    permit(engine, "match", agent)
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
