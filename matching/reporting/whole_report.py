"""The report: its cover, and all its tables or some cuts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from matching.errors import CallError, Problem
from matching.fields.taxonomies import first_taxonomy
from matching.ledger.links import sealed_at
from matching.reporting.cut_sheets import conversion_sheet, coverage_sheet, cut_sheet, funnel_sheet, heat_sheet
from matching.reporting.definitions import definitions_sheet
from matching.reporting.dimensions import dimensions
from matching.reporting.facts import Facts
from matching.reporting.period import Period
from matching.reporting.plan_sheets import plan_sheets
from matching.reporting.policy_sheets import deadline_sheet, league_sheet, rules_sheet, subsidy_sheets
from matching.reporting.registration_sheet import registration_sheet
from matching.reporting.sheets import Report, Sheet
from matching.reporting.small_counts import hides, smallest_shown
from matching.wording import say

# Figures that stand in the report by field and quarter.
_GRIDS: Final = ("accepted", "signed")
_ACROSS: Final = "quarter"


def whole_report(engine: Engine, facts: Facts, period: Period, language: str) -> Report:
    """Everything that officials report, for the viewer of the ledger."""
    hide = hides(engine)
    field = first_taxonomy().code
    sheets = [
        funnel_sheet(facts, period, language, hide=hide),
        *(cut_sheet(facts, (dimension,), period, language, hide=hide) for dimension in dimensions()),
        *(heat_sheet(facts, (field, _ACROSS), figure, period, language, hide=hide) for figure in _GRIDS),
        conversion_sheet(facts, field, period, language, hide=hide),
        *(coverage_sheet(facts, dimension, language, hide=hide) for dimension in (field, "institute")),
        *plan_sheets(facts, language),
        *(league_sheet(facts, year, language, hide=hide) for year in (facts.today.year - 1, facts.today.year)),
        *subsidy_sheets(facts, language, hide=hide),
        deadline_sheet(facts, language),
        registration_sheet(facts, period, language, hide=hide),
        rules_sheet(language),
        definitions_sheet(language),
    ]
    return report_of(engine, facts, sheets, period, language)


def cut_report(engine: Engine, facts: Facts, cuts: Sequence[Sequence[str]], period: Period, language: str) -> Report:
    """All figures by some dimensions, a table for each one or two of them."""
    hide = hides(engine)
    sheets = [cut_sheet(facts, by, period, language, hide=hide) for by in cuts]
    return report_of(engine, facts, sheets, period, language)


def only(report: Report, codes: Sequence[str]) -> Report:
    """A report with some of its tables. Raises `CallError` for one that it does not have."""
    known = [sheet.code for sheet in report.sheets]
    if unknown := [code for code in codes if code not in known]:
        raise CallError(Problem("stats.unknown_table", values={"names": unknown, "known": known}))
    return replace(report, sheets=tuple(sheet for sheet in report.sheets if sheet.code in codes))


def report_of(engine: Engine, facts: Facts, sheets: Sequence[Sheet], period: Period, language: str) -> Report:
    """A report of some sheets, with a cover that says what it covers and what ledger it was made of."""
    zone = ZoneInfo(facts.timezone)
    link = sealed_at(engine, facts.as_of)
    lines = [
        ("report.moment", exact_moment(facts)),
        ("report.timezone", facts.timezone),
        ("report.period", _period_text(period, language)),
        ("report.sealed", say("report.no_link", language) if link is None else f"{link.link_id} · {link.hash}"),
        ("report.amounts", say("report.amounts_text", language)),
        ("report.definitions", say("report.definitions_text", language)),
    ]
    if hides(engine):
        lines.append(("report.hidden", say("report.hidden_text", language, below=smallest_shown())))
    cover = tuple((say(key, language), text) for key, text in lines)
    return Report(say("report.title", language), cover, tuple(sheets), facts.as_of.astimezone(zone), language)


def exact_moment(facts: Facts) -> str:
    """The moment of the facts to the millisecond, as `--as-of` takes it."""
    local = facts.as_of.astimezone(ZoneInfo(facts.timezone))
    return local.replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")


def _period_text(period: Period, language: str) -> str:
    if period.first is None and period.last is None:
        return say("report.all_days", language)
    first, last = (
        say("report.open_day", language) if day is None else f"{day:%Y-%m-%d}" for day in (period.first, period.last)
    )
    return say("report.days", language, first=first, last=last)
