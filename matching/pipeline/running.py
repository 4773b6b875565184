"""What the ledger holds is ranked, and the lists of the review move with each judgement."""

from __future__ import annotations

import polars as pl
from sqlalchemy import Engine

from matching.errors import NothingToDo, Problem
from matching.ledger import catalogue
from matching.ledger import judgements as judging
from matching.ledger.rights import permit
from matching.ledger.runs import Run, add_run, candidates_of
from matching.pipeline.learning import current_model, learn_fields
from matching.pipeline.loading import assess_all
from matching.pipeline.progress import Progress, step
from matching.pipeline.ranking import rank
from matching.ranking.moving import moved
from matching.ranking.weights import load_weights


def match_ledger(engine: Engine, top: int, agent: str, progress: Progress | None = None) -> Run:
    """Rank what the ledger holds and write the run; the newest run again when nothing has changed since.

    Demands that are closed or expired and achievements that are transferred or withdrawn take no part. Raises
    `NothingToDo` when either list is empty.
    """
    permit(engine, "match", agent)
    demands = catalogue.current_records(engine, "demands").filter(pl.col("status").is_in(["open", "matched"]))
    achievements = catalogue.current_records(engine, "achievements").filter(
        pl.col("status").is_in(["available", "negotiating"])
    )
    if demands.is_empty() or achievements.is_empty():
        raise NothingToDo(Problem("ledger.no_records"))
    assess_all(engine)
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
        progress=step(progress, "write"),
    )


def review_list(engine: Engine, run_id: int, demand_id: str) -> pl.DataFrame:
    """Candidates of a demand (`runs.CANDIDATE_ROWS`), moved at once by what was judged since they were ranked."""
    rows = candidates_of(engine, run_id, demand_id)
    return moved(rows, judging.judgements(engine, demand_id), load_weights().likeness.noise)
