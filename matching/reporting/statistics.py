"""Figures of the ledger: the funnel, and its cuts by field, institute and month.

A pair is *reviewed* when its standing decision is accept or reject. Deals count by the furthest state they have
reached, as long as their acceptance stands. A record counts under its main field, the one of highest confidence,
so that the rows of a cut sum to the whole; UNKNOWN collects what has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl
from sqlalchemy import Engine, select

from matching.fields.taxonomies import first_taxonomy
from matching.ledger import catalogue, deals, decisions
from matching.ledger.database import reading
from matching.ledger.frames import frame
from matching.ledger.review_queue import both_count
from matching.ledger.rights import permit, unrestricted
from matching.ledger.tables import candidate
from matching.schema import DEAL_STATES

UNKNOWN: Final = "unknown"
FUNNEL: Final = (
    "demands",
    "demands_with_candidates",
    "candidates",
    "reviewed",
    "accepted",
    *DEAL_STATES[1:],
)
_PAIR: Final = ("demand_id", "achievement_id")


@dataclass(frozen=True)
class Statistics:
    """Figures at a moment.

    funnel: step, count. by_field: code, demands, achievements, reviewed, accepted, signed; every field of the
    first taxonomy in its order, then UNKNOWN. by_institute: institute, achievements, shown, reviewed, accepted,
    signed, most accepted first. by_month: month (YYYY-MM), reviewed, accepted, rejected, moved (deal events).
    """

    at: datetime
    achievements: int
    funnel: pl.DataFrame
    by_field: pl.DataFrame
    by_institute: pl.DataFrame
    by_month: pl.DataFrame


def statistics(engine: Engine, timezone: str, at: datetime | None = None) -> Statistics:
    """Compute all figures from the ledger; months are those of `timezone`.

    They count every record, also those that their reader is not shown.
    """
    permit(engine, "read_figures")
    engine = unrestricted(engine)
    demands = catalogue.current_records(engine, "demands", ["demand_id"])
    achievements = catalogue.current_records(engine, "achievements", ["achievement_id", "institute"])
    standing = decisions.standing(engine)
    shown = _pairs_shown(engine)
    reached = _reached(engine, standing)
    reviewed = standing.filter(pl.col("verdict") != "later")
    first = first_taxonomy().code
    demand_field = main_fields(catalogue.current_fields(engine, "demands", first, terms=False))
    achievement_field = main_fields(catalogue.current_fields(engine, "achievements", first, terms=False))
    return Statistics(
        at=at or datetime.now(UTC),
        achievements=achievements.height,
        funnel=_funnel(demands.height, shown, reviewed, reached),
        by_field=_by_field(demands, achievements, reviewed, reached, demand_field, achievement_field),
        by_institute=_by_institute(achievements, shown, reviewed, reached),
        by_month=_by_month(reviewed, deals.deal_events(engine), timezone),
    )


def main_fields(fields: pl.DataFrame) -> pl.DataFrame:
    """Each record's field of highest confidence, with the columns of `fields`, all of one taxonomy; ties by code."""
    return fields.sort("record_id", pl.col("confidence").neg(), "code").unique(
        "record_id", keep="first", maintain_order=True
    )


def _pairs_shown(engine: Engine) -> pl.DataFrame:
    """Pairs that any run has brought forward."""
    query = select(candidate.c.demand_id, candidate.c.achievement_id).where(*both_count()).distinct()
    with reading(engine) as connection:
        return frame(connection, query, {name: pl.String() for name in _PAIR})


def _reached(engine: Engine, standing: pl.DataFrame) -> pl.DataFrame:
    """Pairs whose acceptance stands, with the place in DEAL_STATES of the furthest state reached (`reached`)."""
    accepted = standing.filter(pl.col("verdict") == "accept").select(_PAIR)
    place = {state: number for number, state in enumerate(DEAL_STATES)}
    furthest = (
        deals.deal_events(engine)
        .with_columns(place=pl.col("state").replace_strict(place, default=0, return_dtype=pl.Int64))
        .group_by("deal_id")
        .agg(reached=pl.col("place").max())
    )
    known = deals.all_deals(engine).select("deal_id", *_PAIR).join(furthest, on="deal_id")
    return accepted.join(known, on=_PAIR, how="left").with_columns(pl.col("reached").fill_null(0))


def _funnel(demands: int, shown: pl.DataFrame, reviewed: pl.DataFrame, reached: pl.DataFrame) -> pl.DataFrame:
    counts = [demands, shown["demand_id"].n_unique(), shown.height, reviewed.height, reached.height]
    counts += [reached.filter(pl.col("reached") >= place).height for place in range(1, len(DEAL_STATES))]
    return pl.DataFrame({"step": FUNNEL, "count": counts}, schema={"step": pl.String, "count": pl.Int64})


def _signed() -> pl.Expr:
    return (pl.col("reached") >= DEAL_STATES.index("signed")).sum().cast(pl.Int64).alias("signed")


def _by_field(
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    reviewed: pl.DataFrame,
    reached: pl.DataFrame,
    demand_field: pl.DataFrame,
    achievement_field: pl.DataFrame,
) -> pl.DataFrame:
    def cut(rows: pl.DataFrame, key: str, fields: pl.DataFrame, figure: pl.Expr) -> pl.DataFrame:
        placed = rows.join(fields.select("record_id", "code"), left_on=key, right_on="record_id", how="left")
        known = pl.when(pl.col("code").is_in(codes)).then("code").otherwise(pl.lit(UNKNOWN))
        return placed.group_by(known.alias("code")).agg(figure)

    count = pl.len().cast(pl.Int64)
    codes = [node.code for node in first_taxonomy().fields]
    table = pl.DataFrame({"code": [*codes, UNKNOWN]})
    for figures in (
        cut(demands, "demand_id", demand_field, count.alias("demands")),
        cut(achievements, "achievement_id", achievement_field, count.alias("achievements")),
        cut(reviewed, "demand_id", demand_field, count.alias("reviewed")),
        cut(reached, "demand_id", demand_field, count.alias("accepted")),
        cut(reached, "demand_id", demand_field, _signed()),
    ):
        table = table.join(figures, on="code", how="left", maintain_order="left")
    return table.with_columns(pl.exclude("code").fill_null(0))


def _by_institute(
    achievements: pl.DataFrame, shown: pl.DataFrame, reviewed: pl.DataFrame, reached: pl.DataFrame
) -> pl.DataFrame:
    institutes = achievements.select("achievement_id", "institute")
    count = pl.len().cast(pl.Int64)
    table = institutes.group_by("institute").agg(count.alias("achievements"))
    for rows, figure in (
        (shown, count.alias("shown")),
        (reviewed, count.alias("reviewed")),
        (reached, count.alias("accepted")),
        (reached, _signed()),
    ):
        cut = rows.join(institutes, on="achievement_id").group_by("institute").agg(figure)
        table = table.join(cut, on="institute", how="left")
    return table.with_columns(pl.exclude("institute").fill_null(0)).sort(
        pl.col("accepted").neg(), pl.col("achievements").neg(), "institute"
    )


def _by_month(reviewed: pl.DataFrame, events: pl.DataFrame, timezone: str) -> pl.DataFrame:
    zone = str(ZoneInfo(timezone))

    def month(rows: pl.DataFrame) -> pl.DataFrame:
        moment = pl.col("at").str.to_datetime(time_unit="ms", time_zone="UTC").dt.convert_time_zone(zone)
        return rows.with_columns(month=moment.dt.strftime("%Y-%m"))

    verdict = pl.col("verdict")
    decided = (
        month(reviewed)
        .group_by("month")
        .agg(
            reviewed=pl.len().cast(pl.Int64),
            accepted=(verdict == "accept").sum().cast(pl.Int64),
            rejected=(verdict == "reject").sum().cast(pl.Int64),
        )
    )
    moved = month(events).group_by("month").agg(moved=pl.len().cast(pl.Int64))
    return (
        decided.join(moved, on="month", how="full", coalesce=True)
        .with_columns(pl.exclude("month").fill_null(0))
        .sort("month")
    )
