"""Results past their conversion deadline: the edges of each group, and who is left out."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.reporting.policy.deadlines import DEADLINES, GROUPS, deadlines, reminder

TODAY: Final = date(2025, 3, 1)
RESULTS: Final[dict[str, pl.DataType]] = {
    "achievement_id": pl.String(),
    "title": pl.String(),
    "institute": pl.String(),
    "funding": pl.String(),
    "conversion_deadline": pl.Date(),
    "exempt": pl.Boolean(),
    "in_use": pl.Boolean(),
    "public_funds": pl.Boolean(),
}


def result(number: str, deadline: date | None, **values: object) -> dict[str, object]:
    texts = {"title": f"成果{number}", "institute": "研究院", "funding": "省科技厅"}
    flags = {"exempt": False, "in_use": True, "public_funds": True}
    return {"achievement_id": number, "conversion_deadline": deadline, **texts, **flags, **values}


def of(*results: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(results, RESULTS)


@pytest.mark.parametrize(
    ("deadline", "group", "days_past", "overdue_days"),
    [
        (date(2024, 2, 28), "overdue", 367, 1),
        (date(2024, 3, 1), "in_grace", 365, None),
        (date(2020, 3, 1), "overdue", 1826, 1461),
        (date(2025, 2, 28), "in_grace", 1, None),
        (TODAY, "due_soon", 0, None),
        (date(2025, 8, 28), "due_soon", -180, None),
        (date(2025, 8, 29), None, None, None),
    ],
)
def test_the_edges_of_the_groups(
    deadline: date, group: str | None, days_past: int | None, overdue_days: int | None
) -> None:
    found = deadlines(of(result("A", deadline)), TODAY, set())
    assert dict(found.schema) == DEADLINES
    wanted = [] if group is None else [(group, days_past, overdue_days)]
    assert found.select("group", "days_past", "overdue_days").rows() == wanted


def test_the_year_of_a_leap_day_ends_on_the_last_of_february() -> None:
    leap = of(result("A", date(2024, 2, 29)))
    assert deadlines(leap, date(2025, 2, 28), set())["group"].to_list() == ["in_grace"]
    assert deadlines(leap, date(2025, 3, 1), set())["group"].to_list() == ["overdue"]


def test_who_is_left_out_and_who_stands_apart() -> None:
    past = date(2020, 1, 1)
    found = deadlines(
        of(
            result("A", past, exempt=True),
            result("B", past, in_use=False),
            result("C", past, public_funds=False),
            result("D", past, public_funds=None),
            result("E", past),
            result("F", None),
            result("G", date(2025, 1, 1)),
            result("H", date(2025, 4, 1)),
            result("I", date(2019, 1, 1)),
        ),
        TODAY,
        {"E"},
    )
    assert found.select("achievement_id", "group").rows() == [
        ("I", "overdue"),
        ("D", "overdue"),
        ("G", "in_grace"),
        ("H", "due_soon"),
        ("A", "exempt"),
    ]
    assert found["public_funds"].to_list() == [True, None, True, True, True]
    assert found["title"][0] == "成果I"


def test_converted_ids_may_be_a_column() -> None:
    found = deadlines(of(result("A", date(2020, 1, 1))), TODAY, pl.Series(["A"]))
    assert found.is_empty()


def test_nothing_is_told_of_days_on_which_the_rule_was_no_law() -> None:
    results = of(result("A", date(2015, 1, 1)))
    assert deadlines(results, date(2017, 10, 25), set()).is_empty()
    assert deadlines(results, date(2017, 10, 26), set())["group"].to_list() == ["overdue"]


def plainly(deadline: date, today: date) -> str | None:
    """The group as one would say it."""
    leap = (deadline.month, deadline.day) == (2, 29)
    grace_ends = date(deadline.year + 1, 2, 28) if leap else deadline.replace(year=deadline.year + 1)
    if today > grace_ends:
        return "overdue"
    if today > deadline:
        return "in_grace"
    return "due_soon" if deadline - today <= timedelta(days=reminder().due_soon_days) else None


@given(
    st.lists(st.dates(date(2021, 1, 1), date(2027, 1, 1)), max_size=20),
    st.dates(date(2022, 1, 1), date(2026, 1, 1)),
)
def test_groups_are_those_of_a_plain_reading(days: list[date], today: date) -> None:
    results = of(*(result(f"{number:03}", day) for number, day in enumerate(days)))
    found = dict(deadlines(results, today, set()).select("achievement_id", "group").iter_rows())
    wanted = {f"{number:03}": plainly(day, today) for number, day in enumerate(days)}
    assert found == {number: group for number, group in wanted.items() if group}
    assert set(found.values()) <= set(GROUPS)
