"""Days of moments, the bounds of a period, and the months, quarters and years that days fall into."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from generated_facts import ZONE
from hypothesis import given
from hypothesis import strategies as st

from matching.errors import CallError
from matching.reporting.figures import first_day
from matching.reporting.period import (
    EVERY,
    Period,
    code_of,
    codes_between,
    local_day,
    local_days,
    quarter_of,
    year_of,
)

ZONES: Final = (ZONE, "UTC", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Apia")
some_days = st.dates(date(1970, 1, 1), date(2199, 12, 31))
some_moments = st.datetimes(datetime(1970, 1, 2), datetime(2037, 12, 31))


def days(moments: list[str | None], timezone: str) -> list[date | None]:
    frame = pl.DataFrame({"at": moments}, schema={"at": pl.String})
    return frame.select(local_days(pl.col("at"), timezone))["at"].to_list()


def code(every: str, day: date) -> str:
    found: str = pl.select(code_of(every, pl.lit(day))).item()
    return found


@given(st.lists(some_moments), st.sampled_from(ZONES))
def test_local_days_are_those_of_the_calendar_there(moments: list[datetime], timezone: str) -> None:
    aware = [moment.replace(tzinfo=UTC) for moment in moments]
    expected = [moment.astimezone(ZoneInfo(timezone)).date() for moment in aware]
    assert days([moment.isoformat(timespec="milliseconds") for moment in aware], timezone) == expected
    assert [local_day(moment, timezone) for moment in aware] == expected


@pytest.mark.parametrize(
    ("moment", "timezone", "expected"),
    [
        ("2025-12-31T15:59:59.999+00:00", ZONE, date(2025, 12, 31)),
        ("2025-12-31T16:00:00.000+00:00", ZONE, date(2026, 1, 1)),
        # Berlin goes one hour ahead on 29 March 2026 and back on 25 October.
        ("2026-03-28T22:59:59.999+00:00", "Europe/Berlin", date(2026, 3, 28)),
        ("2026-03-28T23:00:00.000+00:00", "Europe/Berlin", date(2026, 3, 29)),
        ("2026-03-29T21:59:59.999+00:00", "Europe/Berlin", date(2026, 3, 29)),
        ("2026-03-29T22:00:00.000+00:00", "Europe/Berlin", date(2026, 3, 30)),
        ("2026-10-24T22:00:00.000+00:00", "Europe/Berlin", date(2026, 10, 25)),
        ("2026-10-25T22:59:59.999+00:00", "Europe/Berlin", date(2026, 10, 25)),
        ("2026-10-25T23:00:00.000+00:00", "Europe/Berlin", date(2026, 10, 26)),
        # Shanghai itself had summer time in 1990.
        ("1990-07-01T15:00:00.000+00:00", ZONE, date(1990, 7, 2)),
        ("2028-02-29T16:00:00.000+00:00", ZONE, date(2028, 3, 1)),
    ],
)
def test_days_at_their_borders(moment: str, timezone: str, expected: date) -> None:
    assert days([moment, None], timezone) == [expected, None]
    assert local_day(datetime.fromisoformat(moment), timezone) == expected


@pytest.mark.parametrize("written", ["2026-01-05", "2026-01-05T04:00:00.000", "5. 1. 2026"])
def test_a_moment_that_the_ledger_does_not_write_is_refused(written: str) -> None:
    with pytest.raises(pl.exceptions.PolarsError):
        days([written], ZONE)


@given(st.none() | some_days, st.none() | some_days, st.lists(some_days))
def test_both_ends_are_in(first: date | None, last: date | None, others: list[date]) -> None:
    if first is not None and last is not None:
        first, last = sorted((first, last))
    edges = [bound + timedelta(days=shift) for bound in (first, last) if bound for shift in (-1, 0, 1)]
    tried = [*others, *edges, None]
    frame = pl.DataFrame({"day": tried}, schema={"day": pl.Date})
    expected = [day is not None and (first is None or first <= day) and (last is None or day <= last) for day in tried]
    assert frame.select(Period(first, last).holds(pl.col("day")))["day"].to_list() == expected


def test_a_crossed_period_is_refused_in_words() -> None:
    with pytest.raises(CallError) as refused:
        Period(date(2026, 3, 2), date(2026, 3, 1))
    (problem,) = refused.value.problems
    assert problem.key == "stats.crossed"
    for language in ("zh_CN", "en"):
        text = problem.text(language)
        assert "2026-03-02" in text
        assert "2026-03-01" in text
        assert text != problem.key
    assert refused.value.exit_code == 2


def test_a_period_of_one_day() -> None:
    day = date(2026, 3, 1)
    assert Period(day, day) == Period(first=day, last=day)


@given(some_days)
def test_every_day_is_in_its_own_year_and_quarter_alone(day: date) -> None:
    for found, every in ((year_of(day), "year"), (quarter_of(day), "quarter")):
        assert found.first is not None
        assert found.last is not None
        assert found.first <= day <= found.last
        assert codes_between(every, found.first, found.last) == [code(every, day)]
        assert code(every, found.first - timedelta(days=1)) != code(every, day)
        assert code(every, found.last + timedelta(days=1)) != code(every, day)


@given(some_days)
def test_codes_by_hand(day: date) -> None:
    assert code("month", day) == f"{day.year}-{day.month:02d}"
    assert code("quarter", day) == f"{day.year}Q{(day.month + 2) // 3}"
    assert code("year", day) == str(day.year)
    assert first_day(code("month", day)) == day.replace(day=1)
    assert first_day(code("quarter", day)) == quarter_of(day).first
    assert first_day(code("year", day)) == year_of(day).first


@given(st.dates(date(1990, 1, 1), date(2030, 12, 31)), st.integers(0, 1500), st.sampled_from(tuple(EVERY)))
def test_codes_between_two_days_are_those_of_all_days(first: date, more: int, every: str) -> None:
    last = first + timedelta(days=more)
    every_day = pl.date_range(first, last, "1d", eager=True).alias("day").to_frame()
    expected = every_day.select(code_of(every, pl.col("day")))["day"].unique(maintain_order=True).to_list()
    assert codes_between(every, first, last) == expected


def test_codes_keep_the_name_of_their_column() -> None:
    frame = pl.DataFrame({"day": [date(2026, 12, 31), None]}, schema={"day": pl.Date})
    for every, expected in (("month", "2026-12"), ("quarter", "2026Q4"), ("year", "2026")):
        found: list[Any] = frame.select(code_of(every, pl.col("day")))["day"].to_list()
        assert found == [expected, None]
