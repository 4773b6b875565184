"""Reading the policy files of `datasets/policy`, and what breaks them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError

from matching.data_files import data_path
from matching.errors import DataFileError, Problem
from matching.fields.maturity import load_stages
from matching.reporting.policy.entries import (
    Document,
    DocumentFile,
    Entry,
    Form,
    RuleFile,
    StatementFile,
    ValueFile,
    ValueKind,
    WordFile,
    WrittenRule,
)
from matching.reporting.policy.expressions import Expression, Type, Value, parse
from matching.reporting.policy.rules import Amount, Condition, Rule, Rules
from matching.schema import CONTRACT_KINDS

_TYPES: Final[Mapping[str, Type]] = {"text": "text", "amount": "number", "yes_no": "truth"}
# What the league knows of an institution: its place, and what was paid under a version of the rule.
_OF_INSTITUTION: Final[Mapping[str, Type]] = {"rank": "number", "paid": "number"}
# Parameters and amounts that the program asks for by name.
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "transfer_institutions": ("kinds", "gross", "reward", "brokers"),
    "conversion_deadline": ("grace_years",),
    "eligible_maturity": ("stages",),
    "conversion_income": ("kinds",),
}
_Read = TypeVar("_Read", bound=Form)


@cache
def load_rules() -> Rules:
    """The rules that ship with the program. Raises `DataFileError` when a file breaks a rule."""
    return rules_of(data_path("policy"))


def rules_of(folder: Path) -> Rules:
    """The rules of a folder with the files of `datasets/policy`. Raises `DataFileError` with what is wrong."""
    documents = read_documents(folder)
    stated = read(folder / "statements.toml", StatementFile).statements
    values = {each.name: each for each in (*read(folder / "values.toml", ValueFile).value, *stated)}
    words = read(folder / "codes.toml", WordFile).word
    versions: dict[str, list[Rule]] = {}
    problems: list[Problem] = []
    for file in sorted((folder / "rules").glob("*.toml")):
        for written in read(file, RuleFile).rule:
            problems += broken_entry(written, documents, file.name)
            problems += _broken_names(written, values, versions, file.name)
            if not problems:
                rule = _rule(written, documents, values, versions, file.name)
                problems += _broken_rule(rule, versions, file.name)
                versions.setdefault(rule.code, []).append(rule)
    if problems:
        raise DataFileError(*problems)
    return Rules(
        documents,
        values,
        tuple(each.name for each in stated),
        {(each.family, each.code): (each.name_zh, each.name_en) for each in words},
        {code: tuple(sorted(each, key=lambda rule: rule.version, reverse=True)) for code, each in versions.items()},
    )


def read_documents(folder: Path) -> dict[str, Document]:
    """The documents by their codes. Raises `DataFileError` when the file is not in its form."""
    return {each.code: each for each in read(folder / "documents.toml", DocumentFile).document}


def read(file: Path, form: type[_Read]) -> _Read:
    """A file in a form. Raises `DataFileError` when it is not in that form."""
    try:
        return form.model_validate(tomllib.loads(file.read_text("utf-8")))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise DataFileError(Problem("policy.form", file.name, values={"reason": error})) from error


def broken_entry(entry: Entry, documents: Mapping[str, Document], file: str) -> Iterator[Problem]:
    """An entry's document is known, its days run forwards, what is no law in the document is none in the entry."""
    values: dict[str, object] = {"rule": entry.code, "document": entry.document}
    if entry.document not in documents:
        yield Problem("policy.no_document", file, values=values)
    elif (status := documents[entry.document].status) != "in_force" and entry.status != status:
        yield Problem("policy.not_law", file, values=values)
    ends = entry.valid_to
    if (ends is None and entry.status == "expired") or (ends is not None and ends < entry.valid_from):
        yield Problem("policy.days", file, values={"rule": entry.code})


def _broken_names(
    written: WrittenRule, values: Mapping[str, ValueKind], versions: Mapping[str, list[Rule]], file: str
) -> Iterator[Problem]:
    """No version stands twice, versions are about one thing, no name means two things, codes are known."""
    others = [rule for code, rules in versions.items() for rule in rules if code != written.code]
    taken = {amount.code for rule in others if rule.subject == written.subject for amount in rule.amounts}
    amounts = [amount.code for amount in written.amounts]
    twice = {code for code in amounts if amounts.count(code) > 1 or code in taken}
    twice |= {*amounts, *written.parameters} & {*values, *_OF_INSTITUTION}
    twice |= written.parameters.keys() & {*amounts, *taken}
    for name in sorted(twice):
        yield Problem("policy.name_twice", file, values={"rule": written.code, "name": name})
    for rule in versions.get(written.code, ()):
        if rule.version == written.valid_from or rule.subject != written.subject:
            yield Problem("policy.version_twice", file, values={"rule": written.code, "day": written.valid_from})
    for name, known in (("kinds", CONTRACT_KINDS), ("stages", [stage.code for stage in load_stages()])):
        for code in _listed(written.parameters.get(name)):
            if code not in known:
                yield Problem("policy.unknown_code", file, values={"rule": written.code, "code": code})
    for name in _NEEDED.get(written.code, ()):
        if name not in {*amounts, *written.parameters}:
            yield Problem("policy.lacks", file, values={"rule": written.code, "name": name})


def _listed(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _rule(
    written: WrittenRule,
    documents: Mapping[str, Document],
    values: Mapping[str, ValueKind],
    versions: Mapping[str, list[Rule]],
    file: str,
) -> Rule:
    types: dict[str, Type] = {
        name: "texts" if isinstance(value, tuple) else "number" for name, value in written.parameters.items()
    }
    if written.subject == "deal":
        types |= {name: _TYPES[value.type] for name, value in values.items()}
        types |= dict.fromkeys(_amounts_before(written.code, versions), "number")
    if written.subject == "institution":
        types |= _OF_INSTITUTION
    conditions = tuple(
        Condition(each.code, each.name_zh, each.name_en, _parsed(each.test, "truth", types, file, written.code))
        for each in written.conditions
    )
    amounts: list[Amount] = []
    for each in written.amounts:
        value = _parsed(each.value, "number", types, file, written.code)
        amounts.append(Amount(each.code, each.name_zh, each.name_en, each.bound, value))
        if written.subject == "institution":
            types[each.code] = "number"
    document = documents[written.document]
    return Rule(written, written.subject, document, written.parameters, conditions, tuple(amounts))


def _amounts_before(code: str, versions: Mapping[str, list[Rule]]) -> dict[str, Rule]:
    """Amounts that a rule may use: those of rules whose first version stands before its own, so that none is a ring."""
    codes = list(versions)
    before = codes[: codes.index(code)] if code in versions else codes
    return {
        amount.code: rule
        for each in before
        for rule in versions[each]
        if rule.subject == "deal"
        for amount in rule.amounts
    }


def _parsed(text: str, wanted: Type, types: Mapping[str, Type], file: str, rule: str) -> Expression:
    expression = parse(text, types, file=file, rule=rule)
    if expression.type != wanted:
        values: dict[str, object] = {"rule": rule, "text": text, "part": text}
        raise DataFileError(Problem("policy.does_not_fit", file, values=values))
    return expression


def _broken_rule(rule: Rule, versions: Mapping[str, list[Rule]], file: str) -> Iterator[Problem]:
    """What is computed from an estimate is an estimate."""
    before = _amounts_before(rule.code, versions) if rule.subject == "deal" else {}
    expressions = [*(each.test for each in rule.conditions), *(each.value for each in rule.amounts)]
    used = {name for each in expressions for name in each.names}
    if not rule.entry.estimate and any(before[name].entry.estimate for name in used & before.keys()):
        yield Problem("policy.must_estimate", file, values={"rule": rule.code})
