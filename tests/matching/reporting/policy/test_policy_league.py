"""The league of transfer institutions, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from matching.reporting.policy.league import LEAGUE, RULE, league
from matching.reporting.policy.rule_files import load_rules
from matching.reporting.policy.rules import Rules
from matching.schema import CONTRACT_KINDS

CONTRACTS: Final[dict[str, pl.DataType]] = {
    "deal_id": pl.Int64(),
    "transfer_institution": pl.String(),
    "contract_kind": pl.String(),
    "total_fen": pl.Int64(),
    "technical_fen": pl.Int64(),
    "signed_on": pl.Date(),
    "registered_on": pl.Date(),
    "buyer_in_province": pl.Boolean(),
}
PAYMENTS: Final[dict[str, pl.DataType]] = {"deal_id": pl.Int64(), "amount_fen": pl.Int64(), "paid_on": pl.Date()}
YUAN: Final = 100
MAY: Final = date(2023, 5, 1)
Contract = tuple[int, str, str, int, int | None, date | None, date | None, bool | None]


def contracts(*rows: Contract) -> pl.DataFrame:
    return pl.DataFrame(rows, CONTRACTS, orient="row")


def payments(*rows: tuple[int, int, date]) -> pl.DataFrame:
    return pl.DataFrame(rows, PAYMENTS, orient="row")


def by_name(found: pl.DataFrame) -> dict[str, dict[str, object]]:
    return {row["transfer_institution"]: row for row in found.iter_rows(named=True)}


def test_a_year_worked_out_by_hand() -> None:
    agreed = contracts(
        # 甲: 3,000,000 + 500,000.50 in the province, one registered; one outside, one of an unknown place.
        (1, "甲", "transfer", 3_000_000 * YUAN, 2_000_000 * YUAN, MAY, date(2023, 6, 1), True),
        (2, "甲", "service", 500_000 * YUAN + 50, None, date(2023, 12, 31), None, True),
        (3, "甲", "development", 9_000_000 * YUAN, 1, MAY, date(2023, 6, 1), False),
        (4, "甲", "consulting", 70_000 * YUAN, 1, date(2023, 1, 1), date(2023, 6, 1), None),
        # Signed the year before, when the rule was law: what it pays now counts, its total does not.
        (5, "甲", "licence", 8_000_000 * YUAN, 1, date(2022, 12, 1), date(2022, 12, 20), True),
        # Signed before the rule was law: paid, but nothing is given for it.
        (6, "甲", "licence", 8_000_000 * YUAN, 1, date(2022, 11, 24), date(2022, 12, 20), True),
        # 乙: 50,000,000; the reward reaches its limit.
        (7, "乙", "transfer", 50_000_000 * YUAN, 50_000_000 * YUAN, MAY, date(2023, 6, 1), True),
        # 丙 has only contracts of an unknown place; 丁 an investment; nobody brought about the last two.
        (8, "丙", "transfer", 100 * YUAN, 100, MAY, date(2023, 6, 1), None),
        (9, "丁", "investment", 100 * YUAN, 100, MAY, date(2023, 6, 1), True),
        (10, "", "transfer", 100 * YUAN, 100, MAY, date(2023, 6, 1), True),
        (11, "甲", "transfer", 100 * YUAN, 100, None, None, True),
    )
    paid = payments(
        (1, 1_000_000 * YUAN + 17, date(2023, 7, 1)),
        (1, 1_000_000 * YUAN, date(2024, 1, 1)),
        (2, 400_000 * YUAN, date(2023, 12, 31)),
        (3, 400_000 * YUAN, date(2023, 12, 31)),
        (4, 400_000 * YUAN, date(2023, 12, 31)),
        (5, 200_000 * YUAN, date(2023, 1, 1)),
        (6, 300_000 * YUAN, date(2023, 1, 1)),
        (7, 40_000_000 * YUAN, date(2023, 8, 1)),
    )
    found = league(agreed, paid, 2023)
    assert dict(found.schema) == LEAGUE
    assert found["transfer_institution"].to_list() == ["乙", "甲", "丙"]
    rows = by_name(found)
    assert rows["甲"] == {
        "rank": 2,
        "transfer_institution": "甲",
        "total_fen": 3_500_000 * YUAN + 50,
        "contracts": 2,
        "technical_fen": 2_000_000 * YUAN,
        "registered": 1,
        "paid_fen": 1_500_000 * YUAN + 17,
        "rewarded_fen": 1_200_000 * YUAN + 17,
        # 3 % of 1,200,000.17 is 36,000.0051, half of 36,000.01 is 18,000.005.
        "reward_fen": 36_000 * YUAN + 1,
        "brokers_fen": 18_000 * YUAN + 1,
        "unplaced": 1,
        "unplaced_fen": 70_000 * YUAN,
        "estimate": False,
    }
    assert (rows["乙"]["rank"], rows["乙"]["reward_fen"], rows["乙"]["brokers_fen"]) == (1, 10**8, 5 * 10**7)
    assert (rows["丙"]["rank"], rows["丙"]["total_fen"], rows["丙"]["reward_fen"]) == (None, 0, None)
    assert (rows["丙"]["unplaced"], rows["丙"]["unplaced_fen"]) == (1, 100 * YUAN)


def many(totals: list[int]) -> pl.DataFrame:
    return contracts(
        *((place, f"机构{place:02}", "transfer", total, 0, MAY, MAY, True) for place, total in enumerate(totals))
    )


def test_equal_totals_share_a_rank_and_the_first_ten_are_rewarded() -> None:
    found = league(many([900, 900, *range(800, 100, -100), 50, 50, 10]), payments(), 2023)
    assert found["rank"].to_list() == [1, 1, 3, 4, 5, 6, 7, 8, 9, 10, 10, 12]
    assert found["reward_fen"].to_list() == [0] * 11 + [None]
    assert found["transfer_institution"].to_list() == [f"机构{place:02}" for place in range(12)]


def test_a_year_in_which_the_rule_is_no_law_has_ranks_and_no_rewards() -> None:
    agreed = many([500]).with_columns(signed_on=pl.lit(date(2027, 2, 1)))
    (row,) = league(agreed, payments((0, 100, date(2027, 3, 1))), 2027).iter_rows(named=True)
    assert (row["rank"], row["paid_fen"], row["rewarded_fen"], row["reward_fen"]) == (1, 100, 0, None)


def with_a_change(first: date, rate: str) -> Rules:
    """The shipped rules with a later version of the league's."""
    rules = load_rules()
    (shipped,) = rules.versions[RULE]
    entry = shipped.entry.model_copy(update={"valid_from": first})
    newer = replace(shipped, entry=entry, parameters={**shipped.parameters, "rate": Decimal(rate)})
    return replace(rules, versions={**rules.versions, RULE: (newer, shipped)})


def test_a_change_of_the_rate_counts_for_contracts_signed_after_it() -> None:
    agreed = contracts(
        (1, "甲", "transfer", 100, 0, date(2023, 6, 30), MAY, True),
        (2, "甲", "transfer", 100, 0, date(2023, 7, 1), MAY, True),
    )
    paid = payments((1, 1_000_000 * YUAN, date(2023, 8, 1)), (2, 1_000_000 * YUAN, date(2023, 8, 1)))
    (row,) = league(agreed, paid, 2023, with_a_change(date(2023, 7, 1), "0.05")).iter_rows(named=True)
    assert row["reward_fen"] == (30_000 + 50_000) * YUAN
    (row,) = league(agreed, paid, 2023).iter_rows(named=True)
    assert row["reward_fen"] == 60_000 * YUAN


def test_nothing_agreed_is_an_empty_league() -> None:
    found = league(contracts(), payments(), 2023)
    assert (found.height, dict(found.schema)) == (0, LEAGUE)


row = st.tuples(
    st.sampled_from(["", "甲", "乙", "丙"]),
    st.sampled_from(CONTRACT_KINDS),
    st.integers(0, 10**9),
    st.none() | st.integers(0, 10**6),
    st.none() | st.dates(date(2022, 6, 1), date(2024, 6, 1)),
    st.none() | st.just(MAY),
    st.sampled_from([True, False, None]),
)


@given(st.lists(row, max_size=20))
def test_the_parts_sum_to_the_whole_and_the_order_of_rows_does_not_matter(
    rows: list[tuple[str, str, int, int | None, date | None, date | None, bool | None]],
) -> None:
    agreed = contracts(*((number, *each) for number, each in enumerate(rows)))
    paid = payments(*((number, 1000, date(2023, 3, 1)) for number in range(len(rows))))
    found = league(agreed, paid, 2023)
    counted = agreed.filter(
        pl.col("signed_on").dt.year() == 2023,
        pl.col("transfer_institution") != "",
        pl.col("contract_kind") != "investment",
    )
    assert found["total_fen"].sum() == counted.filter(pl.col("buyer_in_province"))["total_fen"].sum()
    assert found["unplaced_fen"].sum() == counted.filter(pl.col("buyer_in_province").is_null())["total_fen"].sum()
    assert found.equals(league(agreed.reverse(), paid.reverse(), 2023))
    assert (found["rewarded_fen"] <= found["paid_fen"]).all()
