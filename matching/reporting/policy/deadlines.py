"""Results and their agreed conversion deadline: past it by more than the law allows, past it, or coming soon."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Annotated, Final

import polars as pl
from pydantic import Field

from matching.data_files import data_path
from matching.reporting.policy.entries import Form, Words
from matching.reporting.policy.rule_files import load_rules, read
from matching.reporting.policy.rules import Rules

RULE: Final = "conversion_deadline"
# In the order in which they are shown.
GROUPS: Final = ("overdue", "in_grace", "due_soon", "exempt")
DEADLINES: Final[dict[str, pl.DataType]] = {
    "achievement_id": pl.String(),
    "title": pl.String(),
    "institute": pl.String(),
    "funding": pl.String(),
    "conversion_deadline": pl.Date(),
    "days_past": pl.Int64(),
    "overdue_days": pl.Int64(),
    "group": pl.String(),
    "public_funds": pl.Boolean(),
}


class Reminder(Form):
    """How many days before a deadline a result is reminded of."""

    source: Words
    due_soon_days: Annotated[int, Field(ge=0)]


@cache
def reminder() -> Reminder:
    """The data file. Raises `DataFileError` when it is not in its form."""
    return read(data_path("policy", "deadlines.toml"), Reminder)


def deadlines(
    achievements: pl.DataFrame, as_of_day: date, converted: set[str] | pl.Series, rules: Rules | None = None
) -> pl.DataFrame:
    """Results whose deadline is past or comes soon (`DEADLINES`): by group, the oldest deadline first, then by id.

    `achievements` has achievement_id, title, institute, funding, conversion_deadline, exempt, in_use and public_funds
    (null where it is not known); `converted` are the ids that a deal was signed for by then. Results that are
    converted, out of use, without a deadline or from private funds alone are left out. `days_past` are days since the
    deadline (below zero before it), `overdue_days` days since it was past by the years of grace, null before. Nothing
    is told of a day on which the rule was no law.
    """
    rule = (rules or load_rules()).in_force(RULE, as_of_day)
    if rule is None:
        return pl.DataFrame(schema=DEADLINES)
    today, deadline = pl.lit(as_of_day), pl.col("conversion_deadline")
    grace_ends = deadline.dt.offset_by(f"{int(rule.number('grace_years'))}y")
    counted = achievements.filter(
        deadline.is_not_null(),
        pl.col("in_use"),
        pl.col("public_funds").fill_null(True),
        ~pl.col("achievement_id").is_in(list(converted)),
    )
    past = counted.with_columns(
        days_past=(today - deadline).dt.total_days(),
        overdue_days=pl.when(today > grace_ends).then((today - grace_ends).dt.total_days()),
    ).filter(pl.col("days_past") >= -reminder().due_soon_days)
    group = (
        pl.when(pl.col("exempt"))
        .then(pl.lit("exempt"))
        .when(pl.col("overdue_days").is_not_null())
        .then(pl.lit("overdue"))
        .when(pl.col("days_past") > 0)
        .then(pl.lit("in_grace"))
        .otherwise(pl.lit("due_soon"))
    )
    order = pl.col("group").replace_strict(GROUPS, range(len(GROUPS)), return_dtype=pl.Int64())
    return past.with_columns(group=group).sort(order, "conversion_deadline", "achievement_id").select(*DEADLINES)
