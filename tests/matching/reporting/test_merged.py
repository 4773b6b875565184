"""Records that were merged into another: what they are then, what counts them, and when they are themselves again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product
from typing import Any, Final

import polars as pl
import pytest
from generated_facts import ZONE
from generated_ledgers import EMPTY_CANDIDATE
from records import listed
from sqlalchemy import Engine

from matching.ledger import presence, runs, uploads, withdrawal
from matching.ledger.moments import settled
from matching.reporting.coverage import coverage, never_shown, without_fit
from matching.reporting.facts import Facts, facts
from matching.reporting.figures import cut
from matching.reporting.merged import as_counted, as_one
from matching.reporting.period import Period
from matching.reporting.policy_sheets import deadline_sheet
from matching.schema import CANDIDATES, CHOICES, FIELDS, Kind

ALWAYS: Final = Period()
VISIBILITIES: Final = CHOICES["demands"]["visibility"]


def load(engine: Engine, kind: Kind, *rows: dict[str, object]) -> None:
    uploads.add(engine, listed(kind, *rows), pl.DataFrame(schema=FIELDS), "甲")


@pytest.fixture
def three(ledger: Engine) -> Engine:
    """Three achievements of three institutes, each in an upload of its own, two demands, and a pair of D1 and A1."""
    for number, institute in enumerate(("甲所", "乙所", "丙所"), start=1):
        row: dict[str, object] = {"achievement_id": f"A{number}", "title": f"题{number}", "institute": institute}
        row["conversion_deadline"] = date(2020, 1, number)
        load(ledger, "achievements", row)
    load(ledger, "demands", {"demand_id": "D1", "city": "哈尔滨市"}, {"demand_id": "D2", "city": "大庆市"})
    rows = [{**EMPTY_CANDIDATE, "demand_id": "D1", "achievement_id": "A1", "rank": 1, "level": 4}]
    runs.add_run(ledger, pl.DataFrame(rows, schema=CANDIDATES), "1", top=1, demands=2, achievements=3, agent="甲")
    return ledger


def merge(engine: Engine, kind: Kind, record_id: str, other: str, *, same: bool = True) -> None:
    presence.settle_near(engine, kind, record_id, other, same=same, agent="甲")


def now(engine: Engine) -> Facts:
    return facts(engine, settled(engine), ZONE)


def said_of(found: Facts, achievement_id: str) -> tuple[Any, ...]:
    """What an achievement is: its institute and title, whether it is in use and has a day, and what it is part of."""
    row = found.achievements.filter(pl.col("achievement_id") == achievement_id).row(0, named=True)
    return row["institute"], row["title"], row["in_use"], row["day"] is not None, row["into"]


def shown_by_institute(found: Facts) -> dict[str, tuple[int, int]]:
    """Achievements and candidates of each institute."""
    table = cut(found, ("institute",), ALWAYS, ("achievements", "candidates"))
    return {name: (achievements, candidates) for name, achievements, candidates in table.rows()}


def test_a_merged_record_is_what_the_other_one_is_until_they_are_split(three: Engine) -> None:
    assert shown_by_institute(now(three)) == {"甲所": (1, 1), "乙所": (1, 0), "丙所": (1, 0)}
    merge(three, "achievements", "A1", "A2")
    found = now(three)
    assert said_of(found, "A1") == ("乙所", "题2", False, False, "A2")
    assert said_of(found, "A2") == ("乙所", "题2", True, True, None)
    assert shown_by_institute(found) == {"乙所": (1, 1), "丙所": (1, 0)}
    assert found.pairs.select("demand_id", "achievement_id").rows() == [("D1", "A1")]
    # Said again of a third one: that is what it is now.
    merge(three, "achievements", "A1", "A3")
    assert said_of(now(three), "A1") == ("丙所", "题3", False, False, "A3")
    merge(three, "achievements", "A1", "A3", same=False)
    assert said_of(now(three), "A1") == ("甲所", "题1", True, True, None)


def test_what_was_brought_forward_of_one_was_so_of_the_other(three: Engine) -> None:
    assert never_shown(now(three))["achievement_id"].to_list() == ["A2", "A3"]
    assert without_fit(now(three))["demand_id"].to_list() == ["D2"]
    merge(three, "achievements", "A1", "A2")
    merge(three, "demands", "D1", "D2")
    found = now(three)
    assert never_shown(found)["achievement_id"].to_list() == ["A3"]
    assert without_fit(found).is_empty()
    assert coverage(found, ()).row(0) == (2, 1, 0.5, 1, 0, 0.0)


def test_a_result_is_converted_by_the_contract_of_the_one_that_was_merged_into_it(three: Engine) -> None:
    def overdue() -> list[str]:
        found = now(three)
        signed = found.pairs.with_columns(signed=pl.lit(date(2021, 1, 1)))
        return deadline_sheet(replace(found, pairs=signed), "zh_CN").rows["achievement_id"].to_list()

    assert overdue() == ["A2", "A3"]
    merge(three, "achievements", "A1", "A2")
    assert overdue() == ["A3"]


def test_one_merged_into_a_withdrawn_record_is_that_one(three: Engine) -> None:
    merge(three, "achievements", "A1", "A2")
    withdrawal.withdraw(three, "achievements", "A2", "甲", "不再提供")
    found = now(three)
    assert said_of(found, "A1") == ("乙所", "题2", False, False, "A2")
    assert said_of(found, "A2") == ("乙所", "题2", False, True, None)


def test_one_merged_into_a_record_that_is_not_there_any_more_counts_for_itself(three: Engine) -> None:
    merge(three, "achievements", "A1", "A3")
    uploads.take_back(three, 3, "甲")
    found = now(three)
    assert found.achievements["achievement_id"].to_list() == ["A1", "A2"]
    # It is out of use as long as nobody splits the two, which the lists of the catalogue say as well.
    assert said_of(found, "A1") == ("甲所", "题1", False, True, None)
    assert shown_by_institute(found) == {"甲所": (1, 1), "乙所": (1, 0)}


@pytest.mark.parametrize(("own", "other"), [*product(VISIBILITIES, repeat=2)])
def test_of_two_demands_the_more_secret_one_decides(own: str, other: str) -> None:
    rows = [("D1", "D2", own, "甲厂", True, None), ("D2", None, other, "乙厂", True, None)]
    columns = ["demand_id", "into", "visibility", "enterprise", "in_use", "day"]
    schema = {**dict.fromkeys(columns, pl.String()), "in_use": pl.Boolean(), "day": pl.Date()}
    demands = pl.DataFrame(rows, schema=schema, orient="row")
    most = max(own, other, key=VISIBILITIES.index)
    assert as_one(demands, "demand_id").rows() == [("D1", "D2", most, "乙厂", False, None), rows[1]]
    pairs = pl.DataFrame({"demand_id": ["D2", "D9", "D1"], "place": [1, 2, 3]})
    assert as_counted(pairs, demands, "demand_id").rows() == [("D2", 1), ("D9", 2), ("D2", 3)]
