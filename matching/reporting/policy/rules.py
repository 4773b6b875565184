"""The rules of policy, each in as many dated versions as there are.

A new version of a rule is one more entry with the same code and a later `valid_from`; the older one stays. Of versions
that are law on the same day the newest counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from matching.reporting.policy.entries import Bound, Document, Entry, Subject, ValueKind, in_language
from matching.reporting.policy.expressions import Expression, Value


@dataclass(frozen=True)
class Condition:
    """What a rule asks. `test` is a truth."""

    code: str
    name_zh: str
    name_en: str
    test: Expression

    def name(self, language: str) -> str:
        """The words in a language of the screens."""
        return in_language(self, "name", language)


@dataclass(frozen=True)
class Amount:
    """What a rule gives: `value` is a number of yuan, and `bound` whether no less or no more may be given."""

    code: str
    name_zh: str
    name_en: str
    bound: Bound
    value: Expression

    def name(self, language: str) -> str:
        """The words in a language of the screens."""
        return in_language(self, "name", language)


@dataclass(frozen=True)
class Rule:
    """A version of a rule: its entry, the document it stands in, and what it asks and gives."""

    entry: Entry
    subject: Subject
    document: Document
    parameters: Mapping[str, Value]
    conditions: tuple[Condition, ...]
    amounts: tuple[Amount, ...]

    @property
    def code(self) -> str:
        """The code that all versions of the rule share."""
        return self.entry.code

    @property
    def version(self) -> date:
        """The first day of this version."""
        return self.entry.valid_from

    def amount(self, code: str) -> Amount:
        """One of what it gives. Raises `KeyError` where it has none of that code."""
        return {each.code: each for each in self.amounts}[code]

    def number(self, name: str) -> Decimal:
        """A parameter that is a number. Raises `TypeError` where it is none."""
        if not isinstance(found := self.parameters[name], Decimal):
            raise TypeError(name)
        return found

    def codes(self, name: str) -> tuple[str, ...]:
        """A parameter that is a list of codes. Raises `TypeError` where it is none."""
        if not isinstance(found := self.parameters[name], tuple):
            raise TypeError(name)
        return found


@dataclass(frozen=True)
class Rules:
    """Everything that the policy files state.

    `versions` has the versions of each rule, the newest first; `stated` the names of the values that people state of a
    deal, the other values stand in its contract.
    """

    documents: Mapping[str, Document]
    values: Mapping[str, ValueKind]
    stated: tuple[str, ...]
    words: Mapping[tuple[str, str], tuple[str, str]]
    versions: Mapping[str, tuple[Rule, ...]]

    def of(self, subject: Subject) -> tuple[str, ...]:
        """Codes of the rules about something, in the order of the files."""
        return tuple(code for code, versions in self.versions.items() if versions[0].subject == subject)

    def in_force(self, code: str, day: date) -> Rule | None:
        """The version that is law on a day; None where there is none."""
        return next((rule for rule in self.versions.get(code, ()) if rule.entry.covers(day)), None)

    def word(self, family: str, code: str, language: str) -> str:
        """The words of a code of the policy tables. Raises `KeyError` for one that has none."""
        return self.words[family, code][language == "en"]
