"""Deals judged by the rules: amounts worked out by hand, why not, dates of rules; one by one and all at once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.reporting.policy.deal_values import deal_values
from matching.reporting.policy.entries import WrittenRule
from matching.reporting.policy.expression_columns import fen
from matching.reporting.policy.expressions import Value
from matching.reporting.policy.judging import Judged, judge
from matching.reporting.policy.judging_frames import JUDGED, judge_all
from matching.reporting.policy.rule_files import load_rules
from matching.reporting.policy.rules import Rule, Rules
from matching.schema import CONTRACT_KINDS

SIGNED: Final = date(2023, 5, 4)
AS_OF: Final = date(2026, 11, 22)
FIRST, LAST = date(2022, 1, 29), date(2025, 12, 31)
SUBSIDISED: Final[dict[str, Value]] = {
    "contract_kind": "transfer",
    "buyer_in_province": True,
    "paid": Decimal("2345678.95"),
}
PATENT: Final[dict[str, Value]] = {
    "contract_kind": "investment",
    "seller_provincial": True,
    "invention_patent": True,
    "high_value_patent": True,
    "paid": Decimal("987654.35"),
}


def judged(code: str, values: dict[str, Value], signed_on: date | None = SIGNED, as_of: date = AS_OF) -> Judged:
    (found,) = [each for each in judge(values, signed_on, as_of) if each.rule.code == code]
    return found


def given_by(code: str, values: dict[str, Value], signed_on: date | None = SIGNED) -> dict[str, str | None]:
    return {
        each.amount.code: None if each.yuan is None else str(each.yuan)
        for each in judged(code, values, signed_on).amounts
    }


@pytest.mark.parametrize(
    ("paid", "subsidy"),
    [
        ("1000000", "100000.00"),
        ("999999.99", None),
        ("1000000.04", "100000.00"),
        ("1000000.05", "100000.01"),
        ("2345678.95", "234567.90"),
        ("10000000", "1000000.00"),
        ("250000000", "1000000.00"),
    ],
)
def test_the_buyer_earns_a_tenth_of_what_was_paid(paid: str, subsidy: str | None) -> None:
    found = judged("buyer_subsidy", {**SUBSIDISED, "paid": Decimal(paid)})
    assert found.met is (subsidy is not None)
    assert given_by("buyer_subsidy", {**SUBSIDISED, "paid": Decimal(paid)}) == {"buyer_subsidy": subsidy}
    assert found.estimate


@pytest.mark.parametrize(
    ("change", "met", "failed"),
    [
        ({}, True, []),
        ({"buyer_in_province": False}, False, ["buyer"]),
        ({"buyer_in_province": None}, None, []),
        ({"buyer_in_province": None, "contract_kind": "licence"}, False, ["kind"]),
        ({"contract_kind": "development"}, True, []),
        ({"contract_kind": None}, None, []),
        ({"contract_kind": "service", "paid": Decimal(1)}, False, ["kind", "amount"]),
    ],
)
def test_each_condition_says_why_not(change: dict[str, Value], met: bool | None, failed: list[str]) -> None:
    found = judged("buyer_subsidy", {**SUBSIDISED, **change})
    assert found.met is met
    assert [each.condition.code for each in found.conditions if each.met is False] == failed


def test_a_condition_names_what_it_saw_and_what_must_be_stated() -> None:
    found = judged("buyer_subsidy", {**SUBSIDISED, "buyer_in_province": None})
    buyer, kind, amount = found.conditions
    assert (dict(buyer.seen), buyer.missing) == ({"buyer_in_province": None}, ("buyer_in_province",))
    assert (dict(kind.seen), kind.missing) == ({"contract_kind": "transfer"}, ())
    assert dict(amount.seen) == {"paid": Decimal("2345678.95")}
    assert found.missing == ("buyer_in_province",)
    assert found.amounts[0].yuan is None
    title, clause = found.source("zh_CN")
    assert "2022" in title
    assert clause


@pytest.mark.parametrize(
    ("change", "subsidy"),
    [
        ({}, "98765.44"),
        ({"paid": Decimal("1000000.10")}, "100000.00"),
        ({"contract_kind": "licence"}, "98765.44"),
        ({"contract_kind": "development"}, None),
        ({"high_value_patent": False}, None),
        ({"high_value_patent": None}, None),
        ({"seller_provincial": False}, None),
        ({"invention_patent": False}, None),
    ],
)
def test_a_high_value_patent_is_stated_and_never_guessed(change: dict[str, Value], subsidy: str | None) -> None:
    assert given_by("high_value_patent", {**PATENT, **change}) == {"patent_subsidy": subsidy}


@pytest.mark.parametrize(
    ("change", "voucher"),
    [
        ({}, "40000.01"),
        ({"service_cost": Decimal("30000.50")}, "15000.25"),
        ({"service_cost": Decimal("0")}, "0.00"),
        ({"paid": Decimal("200000.02")}, "100000.00"),
        ({"contract_kind": "consulting"}, None),
    ],
)
def test_a_voucher_is_half_of_the_cost(change: dict[str, Value], voucher: str | None) -> None:
    values: dict[str, Value] = {"contract_kind": "service", "paid": Decimal("80000.01"), **change}
    assert given_by("innovation_voucher", values) == {"voucher": voucher}


def test_completers_share_net_income_without_a_limit() -> None:
    values: dict[str, Value] = {"service_invention": True, "converted_in_province": True}
    assert given_by("completers_reward", {**values, "net_income": Decimal("98765432.15")}) == {
        "completers_and_contributors": "69135802.51"
    }
    assert given_by("completers_reward", {**values, "net_income": Decimal(-5)}) == {
        "completers_and_contributors": "0.00"
    }
    found = judged("completers_reward", values)
    assert (found.met, found.missing) == (True, ("net_income",))
    assert judged("completers_reward", {**values, "converted_in_province": False}).met is False


def test_provincial_institutes_give_two_shares() -> None:
    values: dict[str, Value] = {"seller_provincial": True, "net_income": Decimal("100000.05")}
    assert given_by("institute_reward", values) == {"completers": "70000.04", "contributors": "10000.01"}
    assert [each.amount.bound for each in judged("institute_reward", values).amounts] == ["least", "least"]
    assert judged("institute_reward", {**values, "seller_provincial": False}).met is False


@pytest.mark.parametrize(
    ("change", "met", "share"),
    [
        ({}, True, "23456.79"),
        ({"envoy": False}, False, None),
        ({"envoy": None}, None, None),
        ({"paid": Decimal("999999")}, False, None),
        ({"buyer_in_province": None}, None, None),
        ({"contract_kind": "licence"}, False, None),
    ],
)
def test_the_envoy_shares_the_buyers_subsidy(change: dict[str, Value], met: bool | None, share: str | None) -> None:
    values = {**SUBSIDISED, "envoy": True, **change}
    assert judged("envoy", values).met is met
    assert given_by("envoy", values) == {"envoy_share": share}


def test_where_the_buyer_earns_nothing_any_more_there_is_nothing_to_share() -> None:
    values = {**SUBSIDISED, "envoy": True}
    assert judged("envoy", values, LAST).met is True
    found = judged("envoy", values, LAST + timedelta(days=1))
    assert (found.standing, found.met) == ("in_force", False)


@pytest.mark.parametrize(
    ("signed_on", "as_of", "standing"),
    [
        (FIRST, AS_OF, "in_force"),
        (FIRST - timedelta(days=1), AS_OF, "before"),
        (LAST, AS_OF, "in_force"),
        (LAST + timedelta(days=1), AS_OF, "after"),
        (None, AS_OF, "not_signed"),
        (SIGNED, SIGNED, "in_force"),
        (SIGNED, SIGNED - timedelta(days=1), "not_signed"),
    ],
)
def test_a_deal_is_judged_by_the_rules_of_its_signing_day(signed_on: date | None, as_of: date, standing: str) -> None:
    found = judged("buyer_subsidy", SUBSIDISED, signed_on, as_of)
    assert (found.standing, found.met) == (standing, standing == "in_force")
    assert (found.amounts[0].yuan is None) == (standing != "in_force")


def with_versions(code: str, *changes: Callable[[Rule], Rule]) -> Rules:
    """The shipped rules with more versions of one."""
    rules = load_rules()
    (shipped,) = rules.versions[code]
    versions = sorted([shipped, *(change(shipped) for change in changes)], key=lambda rule: rule.version, reverse=True)
    return replace(rules, versions={**rules.versions, code: tuple(versions)})


def version(first: date, rate: str, *, last: date | None = LAST, draft: bool = False) -> Callable[[Rule], Rule]:
    """Another version of a rule with another rate."""

    def change(rule: Rule) -> Rule:
        status = "draft" if draft else "in_force"
        entry = rule.entry.model_copy(update={"valid_from": first, "valid_to": last, "status": status})
        assert isinstance(entry, WrittenRule)
        return replace(rule, entry=entry, parameters={**rule.parameters, "rate": Decimal(rate)})

    return change


def test_a_rule_change_changes_only_deals_signed_after_it() -> None:
    changed = date(2024, 7, 1)
    rules = with_versions("buyer_subsidy", version(changed, "0.20"))
    for day, subsidy in ((changed - timedelta(days=1), "234567.90"), (changed, "469135.79")):
        found = next(each for each in judge(SUBSIDISED, day, AS_OF, rules) if each.rule.code == "buyer_subsidy")
        assert str(found.amounts[0].yuan) == subsidy


def test_drafts_are_listed_and_never_met() -> None:
    rules = with_versions("buyer_subsidy", version(date(2021, 2, 1), "0.50", last=None, draft=True))
    found = [each for each in judge({**SUBSIDISED, "envoy": True}, SIGNED, AS_OF, rules) if each.met]
    assert [(each.rule.code, each.standing) for each in found] == [("buyer_subsidy", "in_force"), ("envoy", "in_force")]
    assert str(found[1].amounts[0].yuan) == "23456.79"
    draft = next(each for each in judge(SUBSIDISED, SIGNED, AS_OF, rules) if each.standing == "draft")
    assert (draft.met, draft.in_force, draft.amounts[0].yuan) == (False, False, None)


SCHEMA: Final[dict[str, pl.DataType]] = {
    "deal_id": pl.Int64(),
    "signed_on": pl.Date(),
    "registered_on": pl.Date(),
    "contract_kind": pl.String(),
    "total_fen": pl.Int64(),
    "technical_fen": pl.Int64(),
    "paid_fen": pl.Int64(),
    "buyer_in_province": pl.Boolean(),
    "ip_kind": pl.String(),
    "seller_kind": pl.String(),
}
STATEMENTS: Final[dict[str, pl.DataType]] = {"deal_id": pl.Int64(), "name": pl.String(), "value": pl.String()}
days = st.none() | st.dates(date(2017, 1, 1), date(2027, 12, 31))
fens = st.integers(0, 3 * 10**8) | st.sampled_from([10**8, 10**8 - 1, 10**9, 10**9 + 5])
contracts = st.fixed_dictionaries(
    {
        "signed_on": days,
        "registered_on": days,
        "contract_kind": st.sampled_from([None, *CONTRACT_KINDS]),
        "total_fen": st.none() | fens,
        "technical_fen": st.none() | fens,
        "paid_fen": fens,
        "buyer_in_province": st.sampled_from([None, True, True, False]),
        "ip_kind": st.sampled_from(["patent", "unknown", "none"]),
        "seller_kind": st.sampled_from(["institute", "unknown"]),
    }
)
facts = st.fixed_dictionaries(
    {},
    optional={
        name: st.sampled_from(["yes", "yes", "no"])
        if load_rules().values[name].type == "yes_no"
        else fens.map(lambda amount: f"{amount // 100}.{amount % 100:02}")
        for name in load_rules().stated
    },
)
VERSIONED: Final = with_versions(
    "buyer_subsidy",
    version(date(2023, 1, 1), "0.155", last=date(2023, 12, 31)),
    version(date(2021, 2, 1), "0.5", last=None, draft=True),
)


def one_by_one(
    deals: list[tuple[dict[str, object], dict[str, str]]], as_of: date, rules: Rules
) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for number, (contract, stated) in enumerate(deals):
        signed_on = contract["signed_on"]
        assert signed_on is None or isinstance(signed_on, date)
        for each in judge(deal_values(contract, stated, rules), signed_on, as_of, rules):
            head = (number, each.rule.code, each.rule.version, each.standing, each.in_force, each.met)
            if each.standing == "draft":
                rows.append((*head, "", None, each.estimate))
                continue
            rows += [
                (*head, one.amount.code, None if one.yuan is None else fen(one.yuan), each.estimate)
                for one in each.amounts
            ]
    return rows


@settings(max_examples=25)
@given(st.lists(st.tuples(contracts, facts), max_size=8), st.dates(date(2022, 1, 1), date(2028, 1, 1)))
def test_all_at_once_gives_the_same_as_one_by_one(
    deals: list[tuple[dict[str, object], dict[str, str]]], as_of: date
) -> None:
    frame = pl.DataFrame([{"deal_id": number, **each} for number, (each, _) in enumerate(deals)], SCHEMA)
    stated = [(number, name, text) for number, (_, facts) in enumerate(deals) for name, text in facts.items()]
    found = judge_all(frame, pl.DataFrame(stated, STATEMENTS, orient="row"), as_of, VERSIONED)
    assert dict(found.schema) == JUDGED
    assert found.rows() == one_by_one(deals, as_of, VERSIONED)


def test_what_is_stated_stands_before_what_the_contract_says() -> None:
    contract = {**dict.fromkeys(SCHEMA), "paid_fen": 150, "buyer_in_province": False, "ip_kind": "unknown"}
    rules = load_rules()
    assert deal_values(contract, {}, rules)["buyer_in_province"] is False
    values = deal_values(contract, {"buyer_in_province": "yes", "net_income": "12.50", "other": "x"}, rules)
    assert (values["buyer_in_province"], values["net_income"], values["paid"]) == (
        True,
        Decimal("12.50"),
        Decimal("1.5"),
    )
    assert (values["ip_kind"], values["registered"], values["total"]) == (None, False, None)


@pytest.mark.parametrize(
    ("in_contract", "stated", "met"), [(False, "yes", True), (True, "no", False), (None, "yes", True)]
)
def test_what_is_stated_stands_first_for_all_deals_too(in_contract: bool | None, stated: str, met: bool) -> None:
    deal = {"signed_on": SIGNED, "contract_kind": "transfer", "paid_fen": 10**8, "buyer_in_province": in_contract}
    frame = pl.DataFrame([{**dict.fromkeys(SCHEMA), "deal_id": 1, **deal}], SCHEMA)
    statements = pl.DataFrame([(1, "buyer_in_province", stated)], STATEMENTS, orient="row")
    found = judge_all(frame, statements, AS_OF).filter(pl.col("rule") == "buyer_subsidy")
    assert found["met"].to_list() == [met]


def test_a_hundred_thousand_deals(record_property: Callable[[str, object], None]) -> None:
    chance, deals = random.Random(7), 100_000
    first = date(2017, 1, 1).toordinal()
    frame = pl.DataFrame(
        {
            "deal_id": range(deals),
            "signed_on": [date.fromordinal(first + chance.randrange(4000)) for _ in range(deals)],
            "registered_on": [None] * deals,
            "contract_kind": chance.choices(CONTRACT_KINDS, k=deals),
            "total_fen": [chance.randrange(10**10) for _ in range(deals)],
            "technical_fen": [None] * deals,
            "paid_fen": [chance.randrange(10**10) for _ in range(deals)],
            "buyer_in_province": chance.choices([True, False, None], k=deals),
            "ip_kind": ["patent"] * deals,
            "seller_kind": ["unknown"] * deals,
        },
        SCHEMA,
    )
    rules = load_rules()
    texts = {"yes_no": "yes", "amount": "1234.56"}
    stated = pl.concat(
        pl.DataFrame({"deal_id": range(0, deals, step)}).with_columns(
            name=pl.lit(name), value=pl.lit(texts[rules.values[name].type])
        )
        for step, name in enumerate(rules.stated, start=1)
    )
    begun = time.perf_counter()
    found = judge_all(frame, stated, AS_OF)
    seconds = time.perf_counter() - begun
    record_property("seconds", round(seconds, 2))
    assert found.height == deals * 7
    assert seconds < 3
