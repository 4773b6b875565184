"""Judgements: levels that agents set by hand, and what their decisions say; level models learned from them.

A level that stands, set by hand, counts before a decision. Entries are append-only; the newest of a pair stands.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from sqlalchemy import Engine, Select, func, insert, select

from matching.errors import CallError, Problem
from matching.ledger.database import now, reading, writing
from matching.ledger.decisions import STANDING, standing_decisions
from matching.ledger.frames import frame
from matching.ledger.presses import add_entry, entry_of
from matching.ledger.rights import permit
from matching.ledger.tables import level_model, pair_level
from matching.ranking.decided import load_decision_levels
from matching.schema import JUDGEMENTS, LEVELS


def set_level(engine: Engine, demand_id: str, achievement_id: str, level: int | None, agent: str, nonce: str) -> None:
    """Say of which level a pair is; None takes back what was said.

    The same nonce again, or what already stands, writes nothing. Raises `CallError` for a level that is not 1–4.
    """
    permit(engine, "decide", agent)
    if level is not None and level not in LEVELS:
        raise CallError(Problem("judgement.no_level", values={"level": level}))
    with writing(engine) as connection:
        standing = frame(connection, _standing_levels(demand_id), JUDGEMENTS).filter(achievement_id=achievement_id)
        same = standing["level"].to_list() == ([] if level is None else [level])
        if same or entry_of(connection, pair_level, agent, nonce) is not None:
            return
        values = {"demand_id": demand_id, "achievement_id": achievement_id, "level": level}
        add_entry(connection, pair_level, agent, nonce, values)


def _standing_levels(demand_id: str | None) -> Select[tuple[str, str, int]]:
    newest = select(func.max(pair_level.c.entry_id))
    if demand_id is not None:
        newest = newest.where(pair_level.c.demand_id == demand_id)
    newest = newest.group_by(pair_level.c.demand_id, pair_level.c.achievement_id)
    return select(pair_level.c.demand_id, pair_level.c.achievement_id, pair_level.c.level).where(
        pair_level.c.entry_id.in_(newest), pair_level.c.level.is_not(None)
    )


def set_levels(engine: Engine, demand_id: str) -> pl.DataFrame:
    """Levels set by hand that stand for pairs of a demand (`schema.JUDGEMENTS`)."""
    permit(engine, "read_candidates")
    with reading(engine) as connection:
        return frame(connection, _standing_levels(demand_id), JUDGEMENTS)


def judgements(engine: Engine, demand_id: str | None = None) -> pl.DataFrame:
    """What is judged, of all demands or of one (`schema.JUDGEMENTS`), by demand and achievement.

    A level set by hand, else what the standing decision says (`datasets/ranking/judgements.toml`).
    """
    permit(engine, "read_candidates")
    with reading(engine) as connection:
        by_hand = frame(connection, _standing_levels(demand_id), JUDGEMENTS)
        decided = frame(connection, standing_decisions(demand_id), STANDING)
    known = load_decision_levels()
    said = [known.level(verdict, reason) for verdict, reason in decided.select("verdict", "reason").iter_rows()]
    decided = decided.with_columns(level=pl.Series(said, dtype=pl.Int64())).drop_nulls("level")
    both = pl.concat([decided.select(JUDGEMENTS.keys()), by_hand])
    return both.unique(["demand_id", "achievement_id"], keep="last").sort("demand_id", "achievement_id")


def learned_model(engine: Engine) -> Mapping[str, object] | None:
    """Plain values of the newest level model learned on this ledger, if there is one."""
    permit(engine, "read_candidates")
    query = select(level_model.c.model).order_by(level_model.c.model_id.desc()).limit(1)
    with reading(engine) as connection:
        found: Mapping[str, object] | None = connection.execute(query).scalar_one_or_none()
    return found


def add_model(
    engine: Engine, model: Mapping[str, object], *, pairs: int, before: float, after: float, forced: bool, agent: str
) -> None:
    """Keep a level model, which counts from now on, with its held-out nDCG@10 beside that of the one before it."""
    permit(engine, "learn", agent)
    values = {"model": dict(model), "pairs": pairs, "ndcg_before": before, "ndcg_after": after, "forced": forced}
    with writing(engine) as connection:
        connection.execute(insert(level_model).values(**values, agent=agent, at=now()))
