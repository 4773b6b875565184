"""What waits for a decision: the pairs of a run, what was decided on them, and the demands that they belong to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import polars as pl
from sqlalchemy import ColumnElement, Engine, select

from matching.ledger.database import reading
from matching.ledger.frames import frame
from matching.ledger.presence import out_of_use
from matching.ledger.review_rules import review_rules
from matching.ledger.rights import permit
from matching.ledger.tables import achievement, candidate, demand
from matching.ledger.versions import without_version
from matching.schema import ID, KINDS

RUN_PAIRS: Final[dict[str, pl.DataType]] = {
    "demand_id": pl.String(),
    "achievement_id": pl.String(),
    "rank": pl.Int64(),
    "score": pl.Float64(),
    "level": pl.Int64(),
}
# How a pair stands: without a decision, put off, put off so long ago that it waits again, decided.
OPEN: Final = "open"
LATER: Final = "later"
RETURNED: Final = "returned"
DECIDED: Final = "decided"
QUEUE: Final[dict[str, pl.DataType]] = {
    "demand_id": pl.String(),
    "candidates": pl.Int64(),
    "waiting": pl.Int64(),
    "later": pl.Int64(),
    "decided": pl.Int64(),
    "best": pl.Float64(),
}


def run_pairs(engine: Engine, run_id: int) -> pl.DataFrame:
    """Pairs of a run of which both records are still in use, by demand and rank (`RUN_PAIRS`)."""
    permit(engine, "read_candidates")
    # Left without an order, the database reads them from the index alone.
    query = select(*(candidate.c[name] for name in RUN_PAIRS)).where(candidate.c.run_id == run_id, *both_count())
    with reading(engine) as connection:
        found = frame(connection, query, RUN_PAIRS).sort("demand_id", "rank")
        for kind in KINDS:
            out = out_of_use(connection, kind).select(pl.col("record_id").alias(ID[kind]))
            found = found.join(out, on=ID[kind], how="anti", maintain_order="left")
    return found


def both_count() -> tuple[ColumnElement[bool], ...]:
    """Conditions for candidates of which both records are still in the ledger's lists."""
    return (
        candidate.c.demand_id.not_in(without_version(demand)),
        candidate.c.achievement_id.not_in(without_version(achievement)),
    )


def with_standing(pairs: pl.DataFrame, standing: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """Pairs with `verdict`, `agent`, `decided_at` (null without a decision) and `state` at a moment.

    `standing` is a frame of `decisions.STANDING`; a pair that was put off waits again after `later_days` of
    `datasets/review/rules.toml`.
    """
    due = (at - timedelta(days=review_rules().later_days)).isoformat(timespec="milliseconds")
    decided = standing.select("demand_id", "achievement_id", "verdict", "agent", decided_at="at")
    put_off = pl.col("verdict") == "later"
    return pairs.join(decided, on=["demand_id", "achievement_id"], how="left", maintain_order="left").with_columns(
        state=pl.when(pl.col("verdict").is_null())
        .then(pl.lit(OPEN))
        .when(put_off & (pl.col("decided_at") < due))
        .then(pl.lit(RETURNED))
        .when(put_off)
        .then(pl.lit(LATER))
        .otherwise(pl.lit(DECIDED))
    )


def by_demand(pairs: pl.DataFrame) -> pl.DataFrame:
    """Demands with how many of their pairs wait, are put off and are decided (`QUEUE`), by id.

    `pairs` is what `with_standing` gives; those that wait are the open ones and those that have come back.
    """
    state = pl.col("state")
    return (
        pairs.group_by("demand_id")
        .agg(
            candidates=pl.len(),
            waiting=state.is_in([OPEN, RETURNED]).sum(),
            later=(state == LATER).sum(),
            decided=(state == DECIDED).sum(),
            best=pl.col("score").max(),
        )
        .cast(QUEUE)  # type: ignore[arg-type]
        .sort("demand_id")
    )
