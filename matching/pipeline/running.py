"""What the ledger holds is ranked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
from sqlalchemy import Engine

from matching.errors import NothingToDo, Problem
from matching.ledger import catalogue
from matching.ledger import judgements as judging
from matching.ledger.rights import permit
from matching.ledger.runs import Run, add_run, latest_run
from matching.pipeline.index_state import index_folder
from matching.pipeline.keeping import updated
from matching.pipeline.learning import current_model, learn_fields
from matching.pipeline.loading import assess_all
from matching.pipeline.reranking import ranking_fingerprint, rerank
from matching.progress import Progress, step
from matching.ranking.engines.named import HERE
from matching.ranking.engines.opening import opened
from matching.ranking.weights import load_weights
from matching.schema import KINDS, TAKING_PART


def match_ledger(
    engine: Engine,
    top: int,
    agent: str,
    progress: Progress | None = None,
    *,
    index: Path | None = None,
    refit: bool = False,
    notice: Callable[[Problem], None] | None = None,
    ranked_by: str = HERE,
) -> Run:
    """Rank what the ledger holds and write the run; the newest run again when nothing has changed since.

    Demands that are closed or expired and achievements that are transferred or withdrawn take no part. Only what
    changed since the last run is placed and ranked anew; `index` is the folder for indexes that the user chose, `refit`
    asks for new weights, and `notice` is told what is worth saying. `ranked_by` is the ranking's engine, as in `rank`.
    Raises `NothingToDo` when either list is empty.
    """
    permit(engine, "match", agent)
    demands = catalogue.current_records(engine, "demands").filter(pl.col("status").is_in(TAKING_PART["demands"]))
    achievements = catalogue.current_records(engine, "achievements").filter(
        pl.col("status").is_in(TAKING_PART["achievements"])
    )
    if demands.is_empty() or achievements.is_empty():
        raise NothingToDo(Problem("ledger.no_records"))
    assess_all(engine)
    learn_fields(engine, agent, progress)
    folder = index_folder(engine.url, index)
    weights, model, judged = load_weights(), current_model(engine), judging.judgements(engine)
    fields = [catalogue.current_fields(engine, kind, terms=False) for kind in KINDS]
    placing = step(progress, "vectors")
    if placing:
        placing(0, 1)
    found = updated(folder, demands, achievements, fields[0], fields[1], weights, refit=refit)
    if placing:
        placing(1, 1)
    key = ranking_fingerprint(found, judged, weights, model, top)
    newest = latest_run(engine)
    told = found.problems()
    if newest is not None and newest.fingerprint == key:
        run = newest
    else:
        with opened(ranked_by) as running:
            ranked = rerank(folder, found, demands, achievements, judged, weights, model, top, progress, running)
        told += [Problem("index.ranking_damaged")] if ranked.damaged else []
        run = add_run(
            engine,
            ranked.candidates,
            key,
            top=top,
            demands=demands.height,
            achievements=achievements.height,
            agent=agent,
            progress=step(progress, "write"),
        )
    if notice:
        for problem in told:
            notice(problem)
    return run
