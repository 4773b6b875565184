"""Progress towards the plan, worked out by hand and against its definition."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from math import floor
from pathlib import Path
from shutil import copytree
from typing import Final

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.data_files import data_path
from matching.errors import DataFileError
from matching.reporting.policy.plan import (
    BY_GROUP,
    BY_YEAR,
    UNKNOWN,
    load_targets,
    progress_by_group,
    progress_by_year,
    targets_of,
)

DONE: Final = {"achievement_id": pl.String(), "day": pl.Date(), "group": pl.String()}
YEARS: Final = {2022: 60, 2023: 70, 2024: 80, 2025: 90, 2026: 100}
GROUPS: Final = {
    "digital": 50,
    "bio": 150,
    "ice_snow_creative": 20,
    "equipment": 70,
    "materials": 30,
    "traditional": 60,
    "services": 20,
}


def done(*rows: tuple[str, date, str | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, DONE, orient="row")


def test_the_targets_are_those_of_the_plan() -> None:
    targets = load_targets()
    assert {each.year: each.target for each in targets.plan.year} == YEARS
    assert {each.group: each.target for each in targets.plan.group} == GROUPS
    assert (targets.plan.total, targets.document.code) == (400, "D4")
    assert {
        each.code: (int(each.yuan), each.year, each.status, document.code) for each, document in targets.others
    } == {
        "investment": (5_000_000_000, 2026, "in_force", "D4"),
        "output": (10_000_000_000, 2026, "in_force", "D4"),
        "turnover": (50_000_000_000, 2025, "draft", "D3"),
    }
    assert [each.code for each, _ in targets.others if each.bound == "least"] == ["turnover"]


def test_a_plan_worked_out_by_hand() -> None:
    results = done(
        *((f"B{number}", date(2022, 3, 1), "bio") for number in range(66)),
        # Counted once, at the first day, in the group of that day.
        ("B0", date(2024, 3, 1), "digital"),
        *((f"D{number}", date(2023, 6, 30), "digital") for number in range(7)),
        *((f"M{number}", date(2024, 1, 31), "materials") for number in range(10)),
        *((f"X{number}", date(2024, 6, 30), None) for number in range(3)),
        # Before the plan, and after the day.
        ("Z1", date(2021, 12, 31), "bio"),
        ("Z2", date(2024, 7, 1), "bio"),
    )
    day = date(2024, 6, 30)
    # 13 in the 365 days up to the day (from 2023-07-02 on): 13 x 184 / 365 = 6.55 until the year's end.
    by_year = progress_by_year(results, day)
    assert dict(by_year.schema) == BY_YEAR
    assert by_year.rows() == [
        (2022, 60, 66, 1.1, 66, -6),
        (2023, 70, 7, 0.1, 7, 63),
        (2024, 80, 13, 13 / 80, 20, 67),
        (2025, 90, 0, 0.0, None, 90),
        (2026, 100, 0, 0.0, None, 100),
    ]
    by_group = progress_by_group(results, day)
    assert dict(by_group.schema) == BY_GROUP
    assert by_group["group"].to_list() == [*GROUPS, UNKNOWN]
    rows = {row[0]: row[1:] for row in by_group.iter_rows()}
    assert rows["bio"] == (150, 66, 0.44, 66, 66, 84)
    assert rows["digital"] == (50, 7, 0.14, 7, 7, 43)
    # 10 x 184 / 365 = 5.04; to 2026-12-31 there are 914 days: 10 x 914 / 365 = 25.04.
    assert rows["materials"] == (30, 10, 1 / 3, 15, 35, 20)
    assert rows[UNKNOWN] == (None, 3, None, 5, 11, None)


@pytest.mark.parametrize(("day", "pace"), [(date(2024, 6, 30), 1), (date(2024, 7, 1), 0)])
def test_the_pace_is_that_of_365_days(day: date, pace: int) -> None:
    results = done(*((f"A{number}", date(2023, 7, 2), "bio") for number in range(365)))
    rows = {row[0]: row[4] for row in progress_by_year(results, day).iter_rows()}
    assert rows[2024] == pace * (date(2024, 12, 31) - day).days


def test_a_half_is_rounded_up() -> None:
    day = date(2025, 12, 31) - timedelta(days=73)
    results = done(*((f"A{number}", day, "bio") for number in range(5)))
    assert progress_by_year(results, day)["forecast"][3] == 6
    results = done(*((f"A{number}", date(2025, 6, 1), "bio") for number in range(365)))
    # 5 x 73 / 365 is 1; a day before the end n results are n / 365.
    half = date(2025, 12, 31) - timedelta(days=1)
    assert progress_by_year(results, half)["forecast"][3] == 366
    for number, forecast in ((183, 184), (182, 182)):
        few = results.head(number)
        assert progress_by_year(few, half)["forecast"][3] == forecast


def test_before_and_after_the_plan() -> None:
    results = done(("A", date(2021, 5, 1), "bio"), ("B", date(2026, 12, 31), "bio"), ("C", date(2027, 1, 1), "bio"))
    before = progress_by_group(results, date(2021, 12, 31))
    assert before["done"].sum() == 0
    assert before["forecast_year"].null_count() == before["forecast_plan"].null_count() == before.height
    assert progress_by_year(results, date(2021, 12, 31))["forecast"].null_count() == 5
    after = progress_by_group(results, date(2027, 6, 1))
    assert after.filter(pl.col("group") == "bio").select("done", "forecast_year", "forecast_plan").row(0) == (1, 1, 1)
    assert progress_by_year(results, date(2027, 6, 1))["forecast"].to_list() == [0, 0, 0, 0, 1]


events = st.lists(
    st.tuples(
        st.sampled_from([f"A{number}" for number in range(12)]),
        st.dates(date(2021, 6, 1), date(2027, 6, 1)),
        st.sampled_from([None, "bio", "digital", "services", "elsewhere"]),
    ),
    max_size=30,
)


@given(events, st.dates(date(2022, 1, 1), date(2027, 6, 1)))
def test_years_and_groups_sum_to_the_same(rows: list[tuple[str, date, str | None]], day: date) -> None:
    results = done(*rows)
    firsts = {number: min(on for each, on, _ in rows if each == number) for number, _, _ in rows}
    counted = [on for on in firsts.values() if date(2022, 1, 1) <= on <= min(day, date(2026, 12, 31))]
    by_year, by_group = progress_by_year(results, day), progress_by_group(results, day)
    assert by_year["done"].sum() == by_group["done"].sum() == len(counted)
    assert by_group.equals(progress_by_group(results.reverse(), day))
    if day.year <= 2026:
        pace = sum(day - timedelta(days=365) < on <= day for on in firsts.values())
        now = sum(on.year == day.year for on in counted)
        exact = now + Fraction(pace * (date(day.year, 12, 31) - day).days, 365)
        forecast = by_year.filter(pl.col("year") == day.year)["forecast"].item()
        assert forecast == floor(exact + Fraction(1, 2))


@pytest.mark.parametrize(
    ("was", "now", "key"),
    [
        ("target = 60", "target = 61", "policy.sums"),
        ("total = 400", "total = 401", "policy.sums"),
        ("year = 2023", "year = 2022", "policy.plan_part"),
        ("year = 2022", "year = 2027", "policy.plan_part"),
        ('group = "bio"', 'group = "biology"', "policy.plan_part"),
        ('group = "bio"', 'group = "digital"', "policy.plan_part"),
        ('document = "D3"', 'document = "D8"', "policy.no_document"),
        ('status = "draft"', 'status = "in_force"', "policy.not_law"),
        ('yuan = "5000000000"', "yuan = 5000000000.0", "policy.form"),
    ],
)
def test_a_plan_that_does_not_add_up_is_refused(tmp_path: Path, was: str, now: str, key: str) -> None:
    folder = Path(copytree(data_path("policy"), tmp_path / "policy"))
    text = (folder / "plan.toml").read_text("utf-8")
    assert was in text
    (folder / "plan.toml").write_text(text.replace(was, now, 1), "utf-8")
    with pytest.raises(DataFileError) as caught:
        targets_of(folder)
    assert key in [problem.key for problem in caught.value.problems]
    assert caught.value.text("zh_CN")
