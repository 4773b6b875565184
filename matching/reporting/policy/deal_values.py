"""What rules are told of a deal: its contract, and the facts that people state of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

import polars as pl

from matching.ledger.statement_kinds import NO, YES
from matching.reporting.policy.expression_columns import yuan
from matching.reporting.policy.expressions import Value
from matching.reporting.policy.rules import Rules

# Values that stand in the contract frame under another name.
_AMOUNTS: Final[Mapping[str, str]] = {"total": "total_fen", "technical": "technical_fen", "paid": "paid_fen"}
_REGISTERED: Final = "registered_on"
_NOT_KNOWN: Final = ("", "unknown")
_TRUTHS: Final[Mapping[str, bool]] = {YES: True, NO: False}
_DTYPES: Final[Mapping[str, pl.DataType]] = {"text": pl.String(), "amount": pl.Int64(), "yes_no": pl.Boolean()}


def deal_values(contract: Mapping[str, object], stated: Mapping[str, str], rules: Rules) -> dict[str, Value]:
    """The values of one deal, amounts in yuan.

    `contract` is a row of the contract frame, `stated` what is stated of the deal by name. What is stated stands
    before what the contract says; what neither tells is None.
    """
    values: dict[str, Value] = {name: _of_contract(name, contract) for name in rules.values}
    for name, text in stated.items():
        if name in rules.values and (told := _told(rules.values[name].type, text)) is not None:
            values[name] = told
    return values


def value_columns(contracts: pl.DataFrame, statements: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """The same for every deal: deal_id, signed_on and a column per value, amounts as Int64 fen.

    `contracts` is the contract frame; `statements` has deal_id, name and value (text).
    """
    frame = contracts.select(
        "deal_id", "signed_on", *(_contract_column(name, contracts, rules) for name in rules.values)
    )
    told = set(statements["name"].unique().to_list()) & rules.values.keys()
    for name in sorted(told):
        column = _statement_column(statements.filter(pl.col("name") == name), rules.values[name].type)
        frame = (
            frame.join(column, on="deal_id", how="left", maintain_order="left")
            .with_columns(pl.coalesce("told", name).alias(name))
            .drop("told")
        )
    return frame


def _of_contract(name: str, contract: Mapping[str, object]) -> Value:
    if name == "registered":
        return contract[_REGISTERED] is not None
    found = contract.get(_AMOUNTS.get(name, name))
    if isinstance(found, bool):
        return found
    if isinstance(found, int):
        return yuan(found)
    return found if isinstance(found, str) and found not in _NOT_KNOWN else None


def _contract_column(name: str, contracts: pl.DataFrame, rules: Rules) -> pl.Expr:
    column, dtype = _AMOUNTS.get(name, name), _DTYPES[rules.values[name].type]
    if name == "registered":
        found = pl.col(_REGISTERED).is_not_null()
    elif column not in contracts.columns:
        found = pl.lit(None, dtype)
    elif dtype == pl.String():
        found = pl.when(~pl.col(column).is_in(_NOT_KNOWN)).then(pl.col(column))
    else:
        found = pl.col(column)
    return found.cast(dtype).alias(name)


def _told(kind: str, text: str) -> Value:
    if kind == "yes_no":
        return _TRUTHS.get(text)
    if kind == "text":
        return text or None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _statement_column(statements: pl.DataFrame, kind: str) -> pl.DataFrame:
    """deal_id and told: texts of one kind of fact in the type of its column."""
    text = pl.col("value")
    if kind == "yes_no":
        told = text.replace_strict(_TRUTHS, default=None, return_dtype=pl.Boolean())
    elif kind == "amount":
        told = (text.str.to_decimal(scale=2) * 100).cast(pl.Int64())
    else:
        told = pl.when(text != "").then(text)
    return statements.select("deal_id", told=told)


def on_day(day: date | None, as_of: date) -> date | None:
    """The day of signing as of a day: a contract that is signed later is not signed yet."""
    return day if day is not None and day <= as_of else None
