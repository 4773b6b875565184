"""Candidates of a run from the other side: the demands that an achievement is a candidate of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl
from sqlalchemy import Engine, select

from matching.ledger.database import reading
from matching.ledger.decisions import STANDING, standing_decisions
from matching.ledger.frames import frame
from matching.ledger.organisation_names import with_names
from matching.ledger.presence import out_of_use
from matching.ledger.review_queue import both_count, run_pairs
from matching.ledger.rights import permit
from matching.ledger.runs import CANDIDATE_ROWS
from matching.ledger.tables import RECORD_TABLE, candidate, decision, demand
from matching.ledger.versions import newest_version, newest_versions
from matching.schema import DEMAND, ID, ORGANISATION, RECORD, Kind

_SCORE: Final = {name: dtype for name, dtype in CANDIDATE_ROWS.items() if name in candidate.c}
_DEMAND: Final = {name: DEMAND[name] for name in ("title", "enterprise", "city", "investment_yuan", "deadline")}
_DECIDED: Final = {name: dtype for name, dtype in STANDING.items() if name not in ("demand_id", "achievement_id")}
DEMAND_ROWS: Final[dict[str, pl.DataType]] = {**_SCORE, **_DEMAND, **_DECIDED}
ACHIEVEMENT_QUEUE: Final[dict[str, pl.DataType]] = {
    "achievement_id": pl.String(),
    "demands": pl.Int64(),
    "best": pl.Float64(),
}
SCORES: Final = {name: _SCORE[name] for name in ("demand_id", "achievement_id", "rank", "score", "level", "similarity")}


def demands_of(engine: Engine, run_id: int, achievement_id: str) -> pl.DataFrame:
    """Demands that an achievement is a candidate of, the best score first (`DEMAND_ROWS`).

    `rank` is that of the achievement among the demand's candidates; the decision's columns are null where none stands.
    Amounts are yuan; enterprises have their confirmed names. Demands that are out of use are left out.
    """
    permit(engine, "read_candidates")
    query = (
        select(*(candidate.c[name] for name in _SCORE), *(demand.c[name] for name in _DEMAND))
        .select_from(candidate)
        .join(
            demand,
            (demand.c.demand_id == candidate.c.demand_id)
            & (demand.c.version == newest_version(demand, candidate.c.demand_id)),
        )
        .where(candidate.c.run_id == run_id, candidate.c.achievement_id == achievement_id)
        .order_by(candidate.c.score.desc(), candidate.c.demand_id)
    )
    decided = standing_decisions().where(decision.c.achievement_id == achievement_id)
    with reading(engine) as connection:
        found = with_names(connection, frame(connection, query, {**_SCORE, **_DEMAND}), "enterprise")
        stands = frame(connection, decided, STANDING).drop("achievement_id")
        out = out_of_use(connection, "demands").select(demand_id="record_id")
    found = found.join(out, on="demand_id", how="anti", maintain_order="left")
    return found.join(stands, on="demand_id", how="left", maintain_order="left").select(DEMAND_ROWS.keys())


def best_achievements(engine: Engine, run_id: int) -> pl.DataFrame:
    """Achievements that are candidates in a run, with how many demands they are candidates of and their best score.

    Columns: `ACHIEVEMENT_QUEUE`; the best score first, ties by id. Records that are out of use do not count.
    """
    return (
        run_pairs(engine, run_id)
        .group_by("achievement_id")
        .agg(demands=pl.len().cast(pl.Int64), best=pl.col("score").max())
        .sort(pl.col("best").neg(), "achievement_id")
    )


def scores_of(engine: Engine, run_id: int) -> pl.DataFrame:
    """All candidates of a run without the parts of their scores (`SCORES`), by demand and rank."""
    permit(engine, "read_candidates")
    query = (
        select(*(candidate.c[name] for name in SCORES))
        .where(candidate.c.run_id == run_id, *both_count())
        .order_by(candidate.c.demand_id, candidate.c.rank)
    )
    with reading(engine) as connection:
        return frame(connection, query, SCORES)


def some_records(engine: Engine, kind: Kind, record_ids: Sequence[str], columns: Sequence[str]) -> pl.DataFrame:
    """The named columns of the newest versions of a few records, in the order of ids; confirmed names of organisations.

    For the candidates of one demand, where reading whole lists takes too long. They are shown whole, to agents alone.
    """
    permit(engine, "read_candidates")
    table, identity = RECORD_TABLE[kind], ID[kind]
    newest = newest_versions(table).where(table.c[identity].in_(record_ids)).subquery()
    query = (
        select(*(table.c[name] for name in columns))
        .join(newest, (table.c[identity] == newest.c[identity]) & (table.c.version == newest.c.version))
        .order_by(table.c[identity])
    )
    with reading(engine) as connection:
        found = frame(connection, query, {name: RECORD[kind][name] for name in columns})
        return with_names(connection, found, ORGANISATION[kind]) if ORGANISATION[kind] in columns else found
