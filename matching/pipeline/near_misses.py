"""What the newest run nearly matched: pairs that are good otherwise and fail on one thing alone."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl
from sqlalchemy import Engine

from matching.ledger import catalogue, reverse
from matching.ledger.decisions import standing
from matching.ledger.rights import permit
from matching.ledger.runs import latest_run
from matching.ranking import near_misses as ranking
from matching.ranking.near_misses import ACHIEVEMENT_COLUMNS, DEMAND_COLUMNS, FAILED
from matching.schema import DEMAND, TAKING_PART
from matching.wording import DEFAULT_LANGUAGE

# The columns of `ranking.NEAR_MISSES` between what people know the two records by, and the decision that stands.
NEAR_MISS_ROWS: Final[dict[str, pl.DataType]] = {
    "condition": pl.String(),
    "demand_id": pl.String(),
    "demand_title": pl.String(),
    "enterprise": pl.String(),
    "city": DEMAND["city"],
    "rank": pl.Int64(),
    "achievement_id": pl.String(),
    "achievement_title": pl.String(),
    "institute": pl.String(),
    "score": pl.Float64(),
    "level": pl.Int64(),
    "demand_says": pl.String(),
    "achievement_says": pl.String(),
    "change": pl.String(),
    "verdict": pl.String(),
}
# Records that still take part in matching.


def near_misses(engine: Engine, today: date, language: str = DEFAULT_LANGUAGE) -> pl.DataFrame:
    """Near misses of the newest run (`NEAR_MISS_ROWS`), condition by condition, the best score first.

    Records are as they stand now; pairs of which one has been closed or withdrawn since are left out. Empty where
    nothing was ranked yet. `verdict` is null where no decision stands.
    """
    return with_verdicts(engine, undecided(engine, today, language))


def with_verdicts(engine: Engine, found: pl.DataFrame) -> pl.DataFrame:
    """Rows of `undecided` with the verdict that stands on each pair."""
    permit(engine, "read_candidates")
    decided = standing(engine).select("demand_id", "achievement_id", "verdict")
    return found.join(decided, on=["demand_id", "achievement_id"], how="left", maintain_order="left")


def undecided(engine: Engine, today: date, language: str = DEFAULT_LANGUAGE) -> pl.DataFrame:
    """`near_misses` without the verdicts, to be kept until the run or the records change."""
    permit(engine, "read_candidates")
    run = latest_run(engine)
    if run is None:
        return pl.DataFrame(schema=NEAR_MISS_ROWS).drop("verdict")
    demands = catalogue.current_records(engine, "demands", [*DEMAND_COLUMNS, "title", "enterprise", "city", "status"])
    achievements = catalogue.current_records(
        engine, "achievements", [*ACHIEVEMENT_COLUMNS, "title", "institute", "status"]
    )
    demands = demands.filter(pl.col("status").is_in(TAKING_PART["demands"]))
    achievements = achievements.filter(pl.col("status").is_in(TAKING_PART["achievements"]))
    scores = reverse.scores_of(engine, run.run_id)
    found = ranking.near_misses(scores, demands, achievements, today, language)
    titles = (
        demands.select("demand_id", "enterprise", "city", demand_title="title"),
        achievements.select("achievement_id", "institute", achievement_title="title"),
    )
    return (
        found.join(titles[0], on="demand_id")
        .join(titles[1], on="achievement_id")
        .select([name for name in NEAR_MISS_ROWS if name != "verdict"])
        .sort(
            pl.col("condition").cast(pl.Enum(ranking.CONDITIONS)), pl.col("score").neg(), "demand_id", "achievement_id"
        )
    )


def conditions_of(
    engine: Engine, demand_id: str, achievement_ids: list[str], today: date, language: str = DEFAULT_LANGUAGE
) -> pl.DataFrame:
    """All conditions that candidates of one demand fail (`ranking.near_misses.FAILED`), in the order of the ids."""
    permit(engine, "read_candidates")
    if not achievement_ids:
        return pl.DataFrame(schema=FAILED)
    demands = reverse.some_records(engine, "demands", [demand_id], DEMAND_COLUMNS)
    achievements = reverse.some_records(engine, "achievements", achievement_ids, ACHIEVEMENT_COLUMNS)
    pairs = pl.DataFrame({"achievement_id": achievement_ids}).select(
        demand_id=pl.lit(demand_id), achievement_id=pl.col("achievement_id")
    )
    return ranking.conditions(pairs, demands, achievements, today, language)
