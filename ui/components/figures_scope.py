"""What the figures cover: the days, and the moment as of which the ledger is read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from matching.reporting.period import Period, quarter_of, year_of
from ui.access import settings, t, worded_key
from ui.components.moments import today

_ALL: Final = "all"
_OTHER: Final = "other"
_RANGES: Final = (_ALL, "this_year", "this_quarter", "last_quarter", "last_year", _OTHER)


def choose_scope() -> tuple[Period, datetime | None]:
    """The period, and the moment, None for now; both live in the address."""
    ranges, moment, first, last = st.columns(4)
    with ranges:
        chosen = st.selectbox(
            t("figures.range"),
            _RANGES,
            format_func=lambda each: t(f"figures.range_{each}"),
            key=worded_key("range"),
            bind="query-params",
        )
    fixed = _fixed(chosen, today())
    with moment:
        as_of = st.datetime_input(
            t("figures.as_of"),
            value=None,
            max_value=None,
            step=timedelta(minutes=1),
            format="YYYY-MM-DD",
            help=t("figures.as_of_help"),
            key="as_of",
            bind="query-params",
        )
    period = fixed
    if chosen != _ALL:
        with first:
            start = _day("from", fixed.first, disabled=chosen != _OTHER)
        with last:
            end = _day("to", fixed.last, disabled=chosen != _OTHER)
        period = Period(start, end)
    return period, None if as_of is None else _moment(as_of)


def _day(name: str, fixed: date | None, *, disabled: bool) -> date | None:
    label = t(f"figures.{name}")
    if disabled:
        st.text_input(label, value="" if fixed is None else f"{fixed:%Y-%m-%d}", disabled=True, key=f"{name}:{fixed}")
        return fixed
    return st.date_input(label, value=None, format="YYYY-MM-DD", key=name, bind="query-params")


def _fixed(chosen: str, day: date) -> Period:
    before = year_of(day).first
    match chosen:
        case "this_year":
            return year_of(day)
        case "last_year":
            return year_of(before - timedelta(days=1)) if before else Period()
        case "this_quarter":
            return quarter_of(day)
        case "last_quarter":
            first = quarter_of(day).first
            return quarter_of(first - timedelta(days=1)) if first else Period()
        case _:
            return Period()


def _moment(local: datetime) -> datetime:
    """A moment of the user's clock, not later than now."""
    given = local.replace(tzinfo=ZoneInfo(settings().timezone)).astimezone(UTC)
    return min(given, datetime.now(UTC))
