"""The league of transfer institutions of a year, and what the rule would give the first of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

import polars as pl

from matching.reporting.policy.expression_columns import fen, yuan
from matching.reporting.policy.expressions import Value, evaluate
from matching.reporting.policy.rule_files import load_rules
from matching.reporting.policy.rules import Rule, Rules

RULE: Final = "transfer_institutions"
LEAGUE: Final[dict[str, pl.DataType]] = {
    "rank": pl.Int64(),
    "transfer_institution": pl.String(),
    "total_fen": pl.Int64(),
    "contracts": pl.Int64(),
    "technical_fen": pl.Int64(),
    "registered": pl.Int64(),
    "paid_fen": pl.Int64(),
    "rewarded_fen": pl.Int64(),
    "reward_fen": pl.Int64(),
    "brokers_fen": pl.Int64(),
    "unplaced": pl.Int64(),
    "unplaced_fen": pl.Int64(),
    "estimate": pl.Boolean(),
}
_VERSION: Final = "version of the rule"


def league(contracts: pl.DataFrame, payments: pl.DataFrame, year: int, rules: Rules | None = None) -> pl.DataFrame:
    """The transfer institutions that brought about contracts in a year, the largest total first (`LEAGUE`).

    `contracts` is the contract frame, `payments` has deal_id, amount_fen and paid_on. What counts are technology
    contracts with a buyer inside the province: `total_fen`, `contracts`, `technical_fen` and `registered` of those
    signed in the year; equal totals share a `rank`. `paid_fen` was paid in the year for registered ones, signed
    whenever; `rewarded_fen` of it for those signed while the rule was law. `reward_fen` and `brokers_fen` are null
    where the rule gives nothing. Contracts of the year whose buyer's place is not known stand apart in `unplaced` and
    `unplaced_fen`; an institution that has no others has no rank.
    """
    rules = rules or load_rules()
    versions = rules.versions.get(RULE, ())
    newest = _newest(versions, year)
    ours = _ours(contracts, versions, newest)
    own = ours.filter(pl.col("signed_on").dt.year() == year)
    placed = pl.col("buyer_in_province")
    sums = own.group_by("transfer_institution").agg(
        total_fen=pl.col("total_fen").filter(placed).sum(),
        contracts=placed.sum(),
        technical_fen=pl.col("technical_fen").filter(placed).sum(),
        registered=(placed & pl.col("registered_on").is_not_null()).sum(),
        unplaced=placed.is_null().sum(),
        unplaced_fen=pl.col("total_fen").filter(placed.is_null()).sum(),
    )
    sums = sums.filter((pl.col("contracts") > 0) | (pl.col("unplaced") > 0))
    paid = _paid(ours, payments, year)
    paid_to = {key[0]: part for key, part in paid.partition_by("transfer_institution", as_dict=True).items()}
    ranked = sums.with_columns(
        rank=pl.when(pl.col("contracts") > 0).then(pl.col("total_fen")).rank("min", descending=True).cast(pl.Int64())
    ).sort("rank", "transfer_institution", nulls_last=True)
    rows = [
        {**row, **_reward(row["rank"], paid_to.get(row["transfer_institution"]), versions, newest)}
        for row in ranked.iter_rows(named=True)
    ]
    return pl.DataFrame(rows, schema=LEAGUE)


def _newest(versions: Sequence[Rule], year: int) -> Rule | None:
    """The newest version that is law on some day of a year."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    return next((rule for rule in versions if rule.entry.covers(max(first, min(rule.version, last)))), None)


def _ours(contracts: pl.DataFrame, versions: Sequence[Rule], newest: Rule | None) -> pl.DataFrame:
    """Contracts that an institution brought about, with the place of the version that was law when they were signed."""
    kinds = (newest or versions[0]).codes("kinds") if versions else ()
    days = contracts["signed_on"].drop_nulls().unique().to_list()
    covering = [next((place for place, rule in enumerate(versions) if rule.entry.covers(day)), None) for day in days]
    version = pl.col("signed_on").replace_strict(days, covering, default=None, return_dtype=pl.Int64())
    return contracts.filter(
        (pl.col("transfer_institution") != "")
        & pl.col("contract_kind").is_in(list(kinds))
        & pl.col("signed_on").is_not_null()
    ).with_columns(version.alias(_VERSION))


def _paid(ours: pl.DataFrame, payments: pl.DataFrame, year: int) -> pl.DataFrame:
    """transfer_institution, version and amount_fen: payments of the year for registered contracts in the province."""
    counted = ours.filter(pl.col("buyer_in_province") & pl.col("registered_on").is_not_null())
    of_year = payments.filter(pl.col("paid_on").dt.year() == year)
    joined = counted.select("deal_id", "transfer_institution", _VERSION).join(
        of_year.select("deal_id", "amount_fen"), on="deal_id"
    )
    return joined.group_by("transfer_institution", _VERSION).agg(pl.col("amount_fen").sum())


def _reward(
    rank: int | None, paid: pl.DataFrame | None, versions: Sequence[Rule], newest: Rule | None
) -> dict[str, object]:
    """What was paid, and what the newest version of the year makes of it."""
    sums: dict[int | None, int] = {} if paid is None else dict(paid.select(_VERSION, "amount_fen").iter_rows())
    under_law = {place: amount for place, amount in sums.items() if place is not None}
    given: dict[str, int | None] = {"gross": None, "reward": None, "brokers": None}
    if newest is not None and rank is not None:
        known: dict[str, Value] = {**newest.parameters, "rank": Decimal(rank), "paid": yuan(sum(under_law.values()))}
        if all(evaluate(each.test, known) for each in newest.conditions):
            parts = [_gross(versions[place], amount) for place, amount in under_law.items()]
            given = _given(newest, known, sum(parts, Decimal(0)))
    return {
        "paid_fen": sum(sums.values()),
        "rewarded_fen": sum(under_law.values()),
        "reward_fen": given["reward"],
        "brokers_fen": given["brokers"],
        "estimate": newest is not None and newest.entry.estimate,
    }


def _gross(rule: Rule, paid_fen: int) -> Decimal:
    found = evaluate(rule.amount("gross").value, {**rule.parameters, "paid": yuan(paid_fen)})
    return found if isinstance(found, Decimal) else Decimal(0)


def _given(rule: Rule, known: Mapping[str, Value], gross: Decimal) -> dict[str, int | None]:
    """Each amount in fen; an amount that uses another takes it as it is given, to the fen."""
    told = {**known, "gross": gross}
    for amount in rule.amounts:
        if amount.code != "gross":
            found = evaluate(amount.value, told)
            told[amount.code] = yuan(fen(found)) if isinstance(found, Decimal) else None
    return {code: fen(value) for code, value in told.items() if isinstance(value, Decimal)}
