"""Progress towards the plan's targets: industrialised results by year and by group of fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Final

import polars as pl
from pydantic import Field

from matching.data_files import data_path
from matching.errors import DataFileError, Problem
from matching.fields.taxonomies import first_taxonomy
from matching.reporting.policy.entries import Bound, Document, Entry, Form, Number, Words
from matching.reporting.policy.rule_files import broken_entry, read, read_documents

UNKNOWN: Final = "unknown"
BY_YEAR: Final[dict[str, pl.DataType]] = {
    "year": pl.Int64(),
    "target": pl.Int64(),
    "done": pl.Int64(),
    "share": pl.Float64(),
    "forecast": pl.Int64(),
    "gap": pl.Int64(),
}
BY_GROUP: Final[dict[str, pl.DataType]] = {
    "group": pl.String(),
    "target": pl.Int64(),
    "done": pl.Int64(),
    "share": pl.Float64(),
    "forecast_year": pl.Int64(),
    "forecast_plan": pl.Int64(),
    "gap": pl.Int64(),
}
_Count = Annotated[int, Field(ge=1)]


class YearTarget(Form):
    """How many are to be industrialised in a year."""

    year: int
    target: _Count


class GroupTarget(Form):
    """How many of a group of fields are to be industrialised over the plan."""

    group: str
    target: _Count


class Plan(Entry):
    """The plan: its days are those of its entry, both splits sum to `total`."""

    total: _Count
    year: list[YearTarget]
    group: list[GroupTarget]
    valid_to: date


class Target(Entry):
    """Another target: yuan by the end of a year, no less of it where `bound` says so."""

    year: int
    yuan: Number
    bound: Bound


class PlanFile(Form):
    """plan.toml."""

    source: Words
    pace_days: _Count
    plan: Plan
    target: list[Target]


@dataclass(frozen=True)
class Targets:
    """The plan with its document, the days whose pace a forecast takes, the other targets each with their document."""

    pace_days: int
    plan: Plan
    document: Document
    others: tuple[tuple[Target, Document], ...]


@cache
def load_targets() -> Targets:
    """The targets that ship with the program. Raises `DataFileError` when the file breaks a rule."""
    return targets_of(data_path("policy"))


def targets_of(folder: Path) -> Targets:
    """The targets of a folder with the files of `datasets/policy`. Raises `DataFileError` with what is wrong."""
    documents, found = read_documents(folder), read(folder / "plan.toml", PlanFile)
    problems = [each for entry in (found.plan, *found.target) for each in broken_entry(entry, documents, "plan.toml")]
    if problems := [*problems, *_broken_plan(found.plan)]:
        raise DataFileError(*problems)
    return Targets(
        found.pace_days,
        found.plan,
        documents[found.plan.document],
        tuple((each, documents[each.document]) for each in found.target),
    )


def _broken_plan(plan: Plan) -> Iterator[Problem]:
    """Both splits sum to the whole, no part stands twice, groups are those of the taxonomy, years those of the plan."""
    values: dict[str, object] = {"total": plan.total}
    if {sum(each.target for each in split) for split in (plan.year, plan.group)} != {plan.total}:
        yield Problem("policy.sums", "plan.toml", values=values)
    years, groups = Counter(each.year for each in plan.year), Counter(each.group for each in plan.group)
    known = {node.group for node in first_taxonomy().nodes if node.group}
    parts: list[object] = [
        year for year, times in years.items() if times > 1 or not plan.valid_from.year <= year <= plan.valid_to.year
    ]
    parts += [group for group, times in groups.items() if times > 1 or group not in known]
    for part in [*parts, *sorted(known - groups.keys())]:
        yield Problem("policy.plan_part", "plan.toml", values={"part": part})


def progress_by_year(industrialised: pl.DataFrame, as_of_day: date, targets: Targets | None = None) -> pl.DataFrame:
    """A row for each year of the plan (`BY_YEAR`).

    `industrialised` has achievement_id, day and group; a result counts once, at its first day, and only up to
    `as_of_day`. `share` is done/target; `forecast` is what will be done at the year's end at the pace of the last
    `pace_days` of the file, what was done for a finished year, null for one to come; `gap` is target less done, below
    zero where more was done.
    """
    targets = targets or load_targets()
    plan, days = targets.plan, targets.pace_days
    firsts = _firsts(industrialised, as_of_day)
    done = dict(firsts.group_by(pl.col("day").dt.year()).len().iter_rows())
    pace = _paces(firsts, as_of_day, days)
    rows = []
    for each in sorted(plan.year, key=lambda each: each.year):
        count = int(done.get(each.year, 0))
        coming = each.year > as_of_day.year
        forecast = None if coming else _forecast(count, pace.total(), days, date(each.year, 12, 31) - as_of_day)
        rows.append((each.year, each.target, count, count / each.target, forecast, each.target - count))
    return pl.DataFrame(rows, schema=BY_YEAR, orient="row")


def progress_by_group(industrialised: pl.DataFrame, as_of_day: date, targets: Targets | None = None) -> pl.DataFrame:
    """A row for each group of fields in the order of the file, then one for `UNKNOWN` without a target (`BY_GROUP`).

    As `progress_by_year`; `done` counts the days of the plan. `forecast_year` is for the end of the year of
    `as_of_day`, `forecast_plan` for the end of the plan; both are null before the plan begins.
    """
    targets = targets or load_targets()
    plan, days = targets.plan, targets.pace_days
    firsts = _firsts(industrialised, as_of_day)
    known = [each.group for each in plan.group]
    named = pl.when(pl.col("group").is_in(known)).then(pl.col("group")).otherwise(pl.lit(UNKNOWN))
    firsts = firsts.with_columns(group=named)
    in_plan = firsts.filter(pl.col("day").is_between(plan.valid_from, plan.valid_to))
    done = dict(in_plan.group_by("group").len().iter_rows())
    pace = _paces(firsts, as_of_day, days)
    year_end = min(date(as_of_day.year, 12, 31), plan.valid_to)
    rows = []
    for group, target in [*((each.group, each.target) for each in plan.group), (UNKNOWN, None)]:
        count = int(done.get(group, 0))
        ends: list[int | None] = [None, None]
        if as_of_day >= plan.valid_from:
            ends = [_forecast(count, pace[group], days, end - as_of_day) for end in (year_end, plan.valid_to)]
        share, gap = (None, None) if target is None else (count / target, target - count)
        rows.append((group, target, count, share, *ends, gap))
    return pl.DataFrame(rows, schema=BY_GROUP, orient="row")


def _firsts(industrialised: pl.DataFrame, as_of_day: date) -> pl.DataFrame:
    """Each result at its first day by then; of one day the first group by name."""
    by_then = industrialised.filter(pl.col("day") <= as_of_day)
    return by_then.sort("day", "group", nulls_last=True).unique("achievement_id", keep="first", maintain_order=True)


def _paces(firsts: pl.DataFrame, as_of_day: date, days: int) -> Counter[str]:
    """How many of each group were first industrialised in the last `days`, the day itself among them."""
    recent = firsts.filter(pl.col("day") > as_of_day - timedelta(days=days))
    return Counter(recent["group"].fill_null(UNKNOWN).to_list())


def _forecast(done: int, pace: int, days: int, left: timedelta) -> int:
    """Done + pace x days that are left / days of the pace, a half rounded up."""
    return done + (2 * pace * max(left.days, 0) + days) // (2 * days)
