"""Runs of the ranking and their candidates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import polars as pl
from sqlalchemy import Connection, Engine, insert, select

from matching.ledger.database import now, reading, writing
from matching.ledger.decisions import STANDING, standing_decisions
from matching.ledger.frames import frame, write_frames
from matching.ledger.organisation_names import with_names
from matching.ledger.rights import permit
from matching.ledger.tables import achievement, candidate, run
from matching.ledger.versions import newest_version
from matching.schema import CANDIDATES

_SCORE: Final = {
    column: CANDIDATES[column]
    for column in (
        "rank",
        "achievement_id",
        "score",
        "level",
        "certainty",
        "reach_two",
        "reach_three",
        "reach_four",
        "base",
        "feature_parts",
        "learned",
        "other_parts",
        "unlimited",
        "covariances",
        "similarity",
        "character_part",
        "word_part",
        "concept_part",
        "field_part",
        "text_score",
        "field_score",
        "shared_terms",
        "other_terms",
        "shared_fields",
    )
}
_DECIDED: Final = {name: dtype for name, dtype in STANDING.items() if name not in ("demand_id", "achievement_id")}
CANDIDATE_ROWS: Final[dict[str, pl.DataType]] = {
    "demand_id": pl.String(),
    **_SCORE,
    "title": pl.String(),
    "institute": pl.String(),
    **_DECIDED,
}


@dataclass(frozen=True)
class Run:
    """A run: what it was made of and how many candidates it found."""

    run_id: int
    fingerprint: str
    top: int
    demands: int
    achievements: int
    candidates: int
    agent: str
    at: str


def latest_run(engine: Engine) -> Run | None:
    """The newest run, if there is one."""
    permit(engine, "read_records")
    with reading(engine) as connection:
        return _latest(connection)


def _latest(connection: Connection) -> Run | None:
    row = connection.execute(select(run).order_by(run.c.run_id.desc()).limit(1)).one_or_none()
    return Run(**row._mapping) if row else None


def add_run(
    engine: Engine,
    candidates: pl.DataFrame,
    fingerprint: str,
    *,
    top: int,
    demands: int,
    achievements: int,
    agent: str,
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """Write a run and its candidates in one transaction; the newest run again when nothing has changed since."""
    permit(engine, "match", agent)
    with writing(engine) as connection:
        newest = _latest(connection)
        if newest is not None and newest.fingerprint == fingerprint:
            return newest
        values = {
            "fingerprint": fingerprint,
            "top": top,
            "demands": demands,
            "achievements": achievements,
            "candidates": candidates.height,
            "agent": agent,
            "at": now(),
        }
        row = connection.execute(insert(run).values(values).returning(run)).one()
        made = Run(**row._mapping)
        rows = candidates.select("demand_id", *_SCORE).with_columns(run_id=pl.lit(made.run_id))
        write_frames(connection, [(candidate, rows)], progress)
    return made


def candidates_of(engine: Engine, run_id: int, demand_id: str) -> pl.DataFrame:
    """Candidates of a demand by rank (`CANDIDATE_ROWS`); the decision's columns are null where none stands."""
    permit(engine, "read_candidates")
    standing = standing_decisions(demand_id).subquery()
    newest = newest_version(achievement, candidate.c.achievement_id)
    query = (
        select(
            candidate.c.demand_id,
            *(candidate.c[name] for name in _SCORE),
            achievement.c.title,
            achievement.c.institute,
            *(standing.c[name] for name in _DECIDED),
        )
        .select_from(candidate)
        .join(
            achievement,
            (achievement.c.achievement_id == candidate.c.achievement_id) & (achievement.c.version == newest),
        )
        .outerjoin(standing, candidate.c.achievement_id == standing.c.achievement_id)
        .where(candidate.c.run_id == run_id, candidate.c.demand_id == demand_id)
        .order_by(candidate.c.rank)
    )
    with reading(engine) as connection:
        return with_names(connection, frame(connection, query, CANDIDATE_ROWS), "institute")
