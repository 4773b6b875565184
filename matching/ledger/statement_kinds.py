"""What may be stated of a deal, from `datasets/policy/statements.toml`, and whether a value fits."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Final

from matching.data_files import data_path
from matching.errors import CallError, DataFileError, Problem
from matching.wording import DEFAULT_LANGUAGE

YES: Final = "yes"
NO: Final = "no"
TYPES: Final = ("yes_no", "amount", "text")
_FILE: Final = "statements.toml"
_AMOUNT: Final = re.compile(r"[0-9]+(?:\.[0-9]{1,2})?")
_PLACES: Final = Decimal("0.01")


@dataclass(frozen=True)
class StatementKind:
    """A fact that may be stated: its name, its type (`TYPES`), how it is called and asked for, what asks for it."""

    name: str
    type: str
    name_zh: str
    name_en: str
    question_zh: str
    question_en: str
    source: str

    def called(self, language: str = DEFAULT_LANGUAGE) -> str:
        """What it is called, in the reader's language."""
        return self.name_zh if language == DEFAULT_LANGUAGE else self.name_en

    def question(self, language: str = DEFAULT_LANGUAGE) -> str:
        """How it is asked for, in the reader's language."""
        return self.question_zh if language == DEFAULT_LANGUAGE else self.question_en


@dataclass(frozen=True)
class StatementRules:
    """The data file: kinds by name, in its order; most characters of a text, most digits before an amount's point."""

    kinds: Mapping[str, StatementKind]
    characters: int
    digits: int


@cache
def statement_rules() -> StatementRules:
    """The rules. Raises `DataFileError` for an entry that lacks something, is there twice, or of an unknown type."""
    with data_path("policy", _FILE).open("rb") as source:
        return parsed(tomllib.load(source))


def parsed(found: Mapping[str, object]) -> StatementRules:
    """The rules from the content of the data file; raises as `statement_rules` does."""
    kinds: dict[str, StatementKind] = {}
    try:
        for entry in found["statements"]:  # type: ignore[attr-defined]
            kind = StatementKind(**entry)
            if kind.type not in TYPES or kind.name in kinds or not all(vars(kind).values()):
                raise ValueError(kind.name)
            kinds[kind.name] = kind
        limits = found["limits"]
        return StatementRules(kinds, limits["text"], limits["digits"])  # type: ignore[index]
    except (KeyError, TypeError, ValueError) as error:
        raise DataFileError(Problem("statement.wrong_file", file=_FILE, values={"reason": error})) from error


def statement_kinds() -> Mapping[str, StatementKind]:
    """What may be stated, by name, in the order in which it is asked for."""
    return statement_rules().kinds


def fitting(name: str, value: str) -> str:
    """The value as it is kept: trimmed, an amount in yuan with two decimals; "" for nothing.

    Raises `CallError` for an unknown name and for a value that does not fit its type.

    >>> fitting("net_income", " 120,000.5 "), fitting("envoy", "")
    ('120000.50', '')
    """
    rules = statement_rules()
    kind = rules.kinds.get(name)
    if kind is None:
        raise CallError(Problem("statement.unknown", values={"name": name, "known": list(rules.kinds)}))
    text = value.strip()
    if not text:
        return ""
    match kind.type:
        case "yes_no" if text not in (YES, NO):
            raise CallError(Problem("statement.not_yes_no", values={"name": name, "value": text}))
        case "amount":
            return _amount(name, text, rules.digits)
        case "text" if len(text) > rules.characters:
            values: dict[str, object] = {"name": name, "length": len(text), "most": rules.characters}
            raise CallError(Problem("statement.too_long", values=values))
    return text


def _amount(name: str, written: str, digits: int) -> str:
    text = unicodedata.normalize("NFKC", written).replace(",", "")
    if not _AMOUNT.fullmatch(text) or len(text.partition(".")[0].lstrip("0")) > digits:
        raise CallError(Problem("statement.not_amount", values={"name": name, "value": written, "digits": digits}))
    return str(Decimal(text).quantize(_PLACES))
