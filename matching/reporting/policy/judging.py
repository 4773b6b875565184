"""Which rules one deal meets, why not, and what each gives: the sheet of a deal.

A deal is judged by the rules that are law on the day it is signed. A rule that is not is shown with the version that
is nearest; drafts are shown too, and never met.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from matching.reporting.policy.deal_values import on_day
from matching.reporting.policy.expression_columns import fen, yuan
from matching.reporting.policy.expressions import Expression, Value, evaluate
from matching.reporting.policy.rule_files import load_rules
from matching.reporting.policy.rules import Amount, Condition, Rule, Rules

# Whether a rule is law for a deal, and why not: not signed, signed before or after, a draft.
Standing = Literal["in_force", "not_signed", "before", "after", "draft"]
STANDINGS: Final[tuple[Standing, ...]] = ("in_force", "not_signed", "before", "after", "draft")


@dataclass(frozen=True)
class JudgedCondition:
    """A condition, the values it saw by their names, and whether it is met; None where `missing` must be stated."""

    condition: Condition
    seen: Mapping[str, Value]
    met: bool | None

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of values that are not known and leave the condition open."""
        return _unknown(self.seen) if self.met is None else ()


@dataclass(frozen=True)
class JudgedAmount:
    """What a rule gives, in yuan to the fen; None where the rule is not met or `seen` lacks a value."""

    amount: Amount
    seen: Mapping[str, Value]
    yuan: Decimal | None


@dataclass(frozen=True)
class Judged:
    """What a version of a rule says of a deal. `met` is None where something that decides is not known."""

    rule: Rule
    standing: Standing
    conditions: tuple[JudgedCondition, ...]
    met: bool | None
    amounts: tuple[JudgedAmount, ...]

    @property
    def in_force(self) -> bool:
        """Whether the rule is law for the deal."""
        return self.standing == "in_force"

    @property
    def estimate(self) -> bool:
        """Whether an authority chooses, so that the amounts are estimates."""
        return self.rule.entry.estimate

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of values that must be stated before it is told whether the rule is met, or how much it gives."""
        if not self.in_force or self.met is False:
            return ()
        open_conditions = [name for each in self.conditions for name in each.missing]
        open_amounts = [name for each in self.amounts if each.yuan is None for name in _unknown(each.seen)]
        return tuple(dict.fromkeys([*open_conditions, *open_amounts]))

    def source(self, language: str) -> tuple[str, str]:
        """Title of the document and the clause, in a language of the screens."""
        return self.rule.document.title(language), self.rule.entry.clause(language)


def judge(
    values: Mapping[str, Value], signed_on: date | None, as_of: date, rules: Rules | None = None
) -> tuple[Judged, ...]:
    """Every rule about deals, judged for one deal with these values (`deal_values`), in the order of the files.

    To see what a deal would earn if it were signed on a day, give that day as `signed_on` and `as_of`.
    """
    rules = rules or load_rules()
    signed = on_day(signed_on, as_of)
    known = dict(values)
    judged: list[Judged] = []
    for code in rules.of("deal"):
        for version, standing in shown_versions(rules.versions[code], signed, as_of):
            found = _judged(version, standing, known)
            judged.append(found)
            if standing != "draft":
                known |= {each.amount.code: _given(found, each) for each in found.amounts}
    return tuple(judged)


def shown_versions(versions: Sequence[Rule], signed: date | None, as_of: date) -> Iterator[tuple[Rule, Standing]]:
    """The version of a rule that counts for a deal, or the nearest, and every draft, each with how it stands."""
    law = [rule for rule in versions if rule.entry.status != "draft"]
    if law:
        chosen = nearest_version(law, signed or as_of)
        yield law[chosen], _standing(law[chosen], signed)
    for rule in versions:
        if rule.entry.status == "draft":
            yield rule, "draft"


def nearest_version(law: Sequence[Rule], day: date) -> int:
    """Place of the version that is law on a day; else of the newest that began by then, else of the oldest."""
    covering = (place for place, rule in enumerate(law) if rule.entry.covers(day))
    begun = (place for place, rule in enumerate(law) if rule.version <= day)
    return next(covering, next(begun, len(law) - 1))


def _standing(rule: Rule, signed: date | None) -> Standing:
    if signed is None:
        return "not_signed"
    if rule.entry.covers(signed):
        return "in_force"
    return "before" if signed < rule.version else "after"


def _judged(rule: Rule, standing: Standing, known: Mapping[str, Value]) -> Judged:
    told = {**known, **rule.parameters}
    conditions = tuple(
        JudgedCondition(each, _seen(each.test, known, rule), _truth(evaluate(each.test, told)))
        for each in rule.conditions
    )
    met = _all_met(conditions) if standing == "in_force" else False
    amounts = tuple(
        JudgedAmount(each, _seen(each.value, known, rule), _rounded(evaluate(each.value, told)) if met else None)
        for each in rule.amounts
    )
    return Judged(rule, standing, conditions, met, amounts)


def _all_met(conditions: Sequence[JudgedCondition]) -> bool | None:
    told = [each.met for each in conditions]
    return False if False in told else None if None in told else True


def _given(judged: Judged, amount: JudgedAmount) -> Decimal | None:
    """What an amount is to rules that use it: nothing where its rule is not met, None where that is not known."""
    return yuan(0) if judged.met is False else amount.yuan


def _seen(expression: Expression, known: Mapping[str, Value], rule: Rule) -> dict[str, Value]:
    return {name: known.get(name) for name in expression.names if name not in rule.parameters}


def _unknown(seen: Mapping[str, Value]) -> tuple[str, ...]:
    return tuple(name for name, value in seen.items() if value is None)


def _truth(value: Value) -> bool | None:
    return value if isinstance(value, bool) else None


def _rounded(value: Value) -> Decimal | None:
    return yuan(fen(value)) if isinstance(value, Decimal) else None
