"""What the rules, the plan, the league and the deadlines make of the worked ledger, as worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import polars as pl
import pytest
from records import copied, made
from worked_ledger import MOMENTS, TIMEZONE, Row, day, fen, fill, table

from matching.reporting.facts import Facts, facts
from matching.reporting.plan_sheets import plan_sheets
from matching.reporting.policy.deadlines import deadlines
from matching.reporting.policy.deal_values import deal_values
from matching.reporting.policy.expression_columns import fen as in_fen
from matching.reporting.policy.judging import Judged, judge
from matching.reporting.policy.judging_frames import judge_all
from matching.reporting.policy.rule_files import load_rules
from matching.reporting.policy_sheets import deadline_sheet, league_sheet, subsidy_sheets

RULES: Final = (
    "buyer_subsidy",
    "high_value_patent",
    "innovation_voucher",
    "completers_reward",
    "institute_reward",
    "envoy",
)
LANGUAGE: Final = "zh_CN"


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Facts]:
    """The facts at each moment."""
    path = made(tmp_path_factory.mktemp("made") / "worked.sqlite", fill)
    with copied(path, tmp_path_factory.mktemp("known")) as engine:
        return {name: facts(engine, at, TIMEZONE) for name, at in MOMENTS.items()}


def rows_at(name: str, moment: str) -> list[Row]:
    return [row for row in table(name) if row["moment"] == moment]


def worked_rules(moment: str) -> dict[tuple[int, str], str]:
    """What each rule says of each deal: a word, and after "yes" the amounts in yuan ("?" where one is not known)."""
    return {(int(row["deal"]), rule): row[rule] for row in rows_at("expected_rules", moment) for rule in RULES}


def in_words(standing: str, met: bool | None, amounts: list[int | None]) -> str:
    """An answer of the program as the table writes it."""
    if standing != "in_force":
        return standing
    if met is None:
        return "open"
    told = ["?" if amount is None else f"{amount // 100}.{amount % 100:02d}" for amount in amounts]
    return " ".join(["yes", *told]) if met else "no"


def judged_together(found: Facts) -> dict[tuple[int, str], str]:
    frame = judge_all(found.contracts, found.statements, found.today)
    parts = frame.group_by("deal_id", "rule", maintain_order=True).agg(pl.col("standing", "met", "amount_fen"))
    return {
        (deal_id, rule): in_words(standing[0], met[0], amounts)
        for deal_id, rule, standing, met, amounts in parts.rows()
    }


def judged_alone(found: Facts) -> Iterator[tuple[int, Judged]]:
    rules = load_rules()
    for contract in found.contracts.iter_rows(named=True):
        stated = dict(found.statements.filter(deal_id=contract["deal_id"]).select("name", "value").iter_rows())
        for each in judge(deal_values(contract, stated, rules), contract["signed_on"], found.today):
            yield contract["deal_id"], each


@pytest.mark.parametrize("moment", ["first", "third"])
def test_every_rule_of_every_deal(known: dict[str, Facts], moment: str) -> None:
    assert judged_together(known[moment]) == worked_rules(moment)


@pytest.mark.parametrize("moment", ["first", "third"])
def test_the_sheet_of_a_deal_says_the_same(known: dict[str, Facts], moment: str) -> None:
    found = {
        (deal_id, each.rule.code): in_words(
            each.standing, each.met, [None if part.yuan is None else in_fen(part.yuan) for part in each.amounts]
        )
        for deal_id, each in judged_alone(known[moment])
    }
    assert found == worked_rules(moment)


def test_rules_between_two_corrections(known: dict[str, Facts]) -> None:
    worked = worked_rules("second")
    found = judged_together(known["second"])
    assert {key: found[key] for key in worked} == worked


def test_the_sum_of_each_rule(known: dict[str, Facts]) -> None:
    """The sheet of the rules adds up what the table of the deals says."""
    sheet = subsidy_sheets(known["third"], LANGUAGE, hide=False)[0]
    worked = worked_rules("third")
    sums = []
    for rule in RULES:
        cells = [text for (_, code), text in worked.items() if code == rule]
        met = [text.split()[1:] for text in cells if text.startswith("yes")]
        in_force = sum(text not in ("before", "after") for text in cells)
        for place in range(len(max(met, key=len))):
            # The one deal of the completers' reward whose income nobody stated has one amount as well.
            amounts = [fen(parts[place]) or 0 for parts in met if parts[place] != "?"]
            sums.append((in_force, len(met), cells.count("open"), sum(amounts)))
    assert sheet.rows.select("in_force", "met", "open", "amount_fen").rows() == sums


@pytest.mark.parametrize(("moment", "year"), [("first", 2023), ("third", 2023), ("third", 2025)])
def test_the_league(known: dict[str, Facts], moment: str, year: int) -> None:
    sheet = league_sheet(known[moment], year, LANGUAGE, hide=False)
    names = [name for name in sheet.rows.columns if name != "estimate"]
    worked = [row for row in rows_at("expected_league", moment) if row["year"] == str(year)]
    assert sheet.rows.select(names).rows(named=True) == [
        {name: _cell(name, row[name]) for name in names} for row in worked
    ]


def _cell(name: str, text: str) -> Any:
    if name == "transfer_institution":
        return text
    return fen(text) if name.endswith("_fen") else int(text) if text else None


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(("name", "place", "label"), [("years", 0, "year"), ("groups", 1, "group")])
def test_the_plan(known: dict[str, Facts], moment: str, name: str, place: int, label: str) -> None:
    """Year by year and group by group, the sum in the last row."""
    sheet = plan_sheets(known[moment], LANGUAGE)[place]
    worked = rows_at(f"expected_plan_{name}", moment)
    numbers = [column for column in worked[0] if column not in ("moment", label, "how")]
    assert sheet.rows.select(numbers).rows() == [
        tuple(int(row[column]) if row[column] else None for column in numbers) for row in worked
    ]
    shares = [int(row["done"]) / int(row["target"]) if row["target"] else None for row in worked]
    assert sheet.rows["plan_share"].to_list() == shares
    words = {row[label]: row[label] for row in worked if row[label]}
    if label == "group":
        words = {code: load_rules().word("plan_group", code, LANGUAGE) for code in words}
    assert sheet.rows[label].to_list()[:-1] == list(words.values())


@pytest.mark.parametrize("moment", MOMENTS)
def test_deadlines(known: dict[str, Facts], moment: str) -> None:
    found = known[moment]
    converted = found.pairs.filter(pl.col("signed").is_not_null())["achievement_id"].unique()
    names = ("group", "achievement_id", "conversion_deadline", "days_past", "overdue_days")
    worked = [
        (
            *(row["group"], row["achievement_id"], day(row["conversion_deadline"]), int(row["days_past"])),
            int(row["overdue_days"]) if row["overdue_days"] else None,
        )
        for row in rows_at("expected_deadlines", moment)
    ]
    assert deadlines(found.achievements, found.today, converted).select(names).rows() == worked
    shown = deadline_sheet(found, LANGUAGE).rows
    assert shown.select("achievement_id", "days_past", "overdue_days").rows() == [
        (each[1], each[3], each[4]) for each in worked
    ]
