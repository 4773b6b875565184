"""Which rules all deals meet and what they give: the same answers as `judge` gives for one, for whole frames."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from matching.reporting.policy.deal_values import value_columns
from matching.reporting.policy.expression_columns import column_of
from matching.reporting.policy.judging import nearest_version
from matching.reporting.policy.rule_files import load_rules
from matching.reporting.policy.rules import Rule, Rules

JUDGED: Final[dict[str, pl.DataType]] = {
    "deal_id": pl.Int64(),
    "rule": pl.String(),
    "version": pl.Date(),
    "standing": pl.String(),
    "in_force": pl.Boolean(),
    "met": pl.Boolean(),
    "amount": pl.String(),
    "amount_fen": pl.Int64(),
    "estimate": pl.Boolean(),
}
_DAY: Final = "day of judging"
_SIGNED: Final = "signed by then"
_PLACE: Final = "place of the deal"


def judge_all(
    contracts: pl.DataFrame, statements: pl.DataFrame, as_of_day: date, rules: Rules | None = None
) -> pl.DataFrame:
    """Every rule about deals judged for every deal (`JUDGED`), in the order of deals, rules and amounts.

    `contracts` is the contract frame, `statements` has deal_id, name and value. There is a row for each amount that a
    rule gives (one with an empty `amount` where it gives none): count deals that meet a rule by distinct deal_id.
    """
    rules = rules or load_rules()
    signed = pl.when(pl.col("signed_on") <= as_of_day).then(pl.col("signed_on"))
    frame = value_columns(contracts, statements, rules).with_columns(
        signed.alias(_SIGNED), signed.fill_null(as_of_day).alias(_DAY)
    )
    frame = frame.with_row_index(_PLACE)
    parts = []
    for code in rules.of("deal"):
        law = [rule for rule in rules.versions[code] if rule.entry.status != "draft"]
        drafts = [rule for rule in rules.versions[code] if rule.entry.status == "draft"]
        if law:
            frame, rows = _by_law(frame, law)
            parts += rows
        parts += [_rows(rule, frame.with_columns(standing=pl.lit("draft"), met=False), None) for rule in drafts]
    if not parts:
        return pl.DataFrame(schema=JUDGED)
    return (
        pl.concat(parts)
        .sort(_PLACE, maintain_order=True)
        .select(pl.col(name).cast(dtype) for name, dtype in JUDGED.items())
    )


def _by_law(frame: pl.DataFrame, law: Sequence[Rule]) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """The frame with what the rule gives, for the rules that use it, and the rows of the answer."""
    days = frame[_DAY].unique().to_list()
    version = pl.col(_DAY).replace_strict(days, [nearest_version(law, day) for day in days], return_dtype=pl.Int64())
    judged, rows = [], []
    for place, rule in enumerate(law):
        here = frame.filter(version == place)
        if not here.is_empty():
            here = _met(here.with_columns(_standing(rule)), rule)
            rows += [_rows(rule, here, amount.code) for amount in rule.amounts] or [_rows(rule, here, None)]
            nothing = pl.when(pl.col("met") | pl.col("met").is_null())
            given = (nothing.then(pl.col(each.code)).otherwise(0).alias(each.code) for each in rule.amounts)
            judged.append(here.select(_PLACE, *given))
    if judged:
        frame = frame.join(pl.concat(judged, how="diagonal"), on=_PLACE, how="left", maintain_order="left")
    return frame, rows


def _standing(rule: Rule) -> pl.Expr:
    signed, days = pl.col(_SIGNED), rule.entry
    covered = signed.is_between(days.valid_from, days.valid_to or date.max)
    return (
        pl.when(signed.is_null())
        .then(pl.lit("not_signed"))
        .when(covered)
        .then(pl.lit("in_force"))
        .when(signed < days.valid_from)
        .then(pl.lit("before"))
        .otherwise(pl.lit("after"))
        .alias("standing")
    )


def _met(frame: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """With `met` and a column for each amount, in fen; null where it is not met or not known."""
    told = [column_of(each.test, frame, rule.parameters) for each in rule.conditions]
    asked = pl.DataFrame([each.alias(str(number)) for number, each in enumerate(told)])
    met = asked.select(pl.all_horizontal(pl.all())).to_series() if told else pl.repeat(True, frame.height, eager=True)
    in_force = pl.col("standing") == "in_force"
    frame = frame.with_columns(met=pl.when(in_force).then(met).otherwise(pl.lit(False)))
    values = [column_of(each.value, frame, rule.parameters).alias(each.code) for each in rule.amounts]
    return frame.with_columns(pl.when(pl.col("met")).then(each).alias(each.name) for each in values)


def _rows(rule: Rule, frame: pl.DataFrame, amount: str | None) -> pl.DataFrame:
    return frame.select(
        _PLACE,
        "deal_id",
        rule=pl.lit(rule.code),
        version=pl.lit(rule.version),
        standing=pl.col("standing"),
        in_force=pl.col("standing") == "in_force",
        met=pl.col("met"),
        amount=pl.lit(amount or ""),
        amount_fen=pl.col(amount) if amount else pl.lit(None, pl.Int64()),
        estimate=pl.lit(rule.entry.estimate),
    )
