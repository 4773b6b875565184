"""What the entries of the policy files look like: where a rule comes from, when it is law, what it asks and gives.

A file is checked against these forms when it is read. Decimals are written as texts, so that none is ever a float.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

Status = Literal["in_force", "expired", "draft"]
Subject = Literal["deal", "institution", "achievement", "definition"]
# What an amount is to the figure that is computed: that itself, no less, no more.
Bound = Literal["exact", "least", "most"]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Words = Annotated[str, StringConstraints(min_length=1)]


def _decimal(written: object) -> object:
    if not isinstance(written, str):
        return written
    try:
        number = Decimal(written)
    except InvalidOperation:
        return written
    return number if number.is_finite() else written


Number = Annotated[Decimal, BeforeValidator(_decimal)]
# A decimal, or a list of codes.
Parameter = Number | tuple[Code, ...]


def _tuple(written: object) -> object:
    return tuple(written) if isinstance(written, list) else written


def in_language(entry: object, attribute: str, language: str) -> str:
    """A text that an entry has in both languages of the screens."""
    text: str = getattr(entry, f"{attribute}_{'en' if language == 'en' else 'zh'}")
    return text


class Form(BaseModel):
    """A part of a file; nothing may stand in it that is not named here."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Document(Form):
    """A public document: its title, number ("" where it has none), day or days, and whether it is law."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]*$")]
    title_zh: Words
    title_en: Words
    number: str
    date_zh: Words
    date_en: Words
    issued_on: date | None = None
    status: Status

    def title(self, language: str) -> str:
        """The title with its number, in a language of the screens."""
        title = in_language(self, "title", language)
        return f"{title} {self.number}".rstrip()

    def dated(self, language: str) -> str:
        """When it was issued, as precisely as is known."""
        return in_language(self, "date", language)


class Entry(Form):
    """What every dated entry states: names, what it says, its source, and from when to when it is law."""

    code: Code
    name_zh: Words
    name_en: Words
    says_zh: Words
    says_en: Words
    document: str
    clause_zh: Words
    clause_en: Words
    valid_from: date
    valid_to: date | None = None
    status: Status
    estimate: bool = False

    def name(self, language: str) -> str:
        """The name in a language of the screens."""
        return in_language(self, "name", language)

    def says(self, language: str) -> str:
        """What it says, in a language of the screens."""
        return in_language(self, "says", language)

    def clause(self, language: str) -> str:
        """Where in its document it stands."""
        return in_language(self, "clause", language)

    def covers(self, day: date) -> bool:
        """Whether it is law on a day. A draft never is."""
        return self.status != "draft" and self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class WrittenCondition(Form):
    """What a rule asks: an expression that is true where it is met."""

    code: Code
    name_zh: Words
    name_en: Words
    test: Words


class WrittenAmount(Form):
    """What a rule gives, in yuan: an expression."""

    code: Code
    name_zh: Words
    name_en: Words
    bound: Bound = "exact"
    value: Words


class WrittenRule(Entry):
    """A rule as a file writes it."""

    subject: Subject
    parameters: dict[Code, Annotated[Parameter, BeforeValidator(_tuple)]] = {}
    conditions: Annotated[tuple[WrittenCondition, ...], BeforeValidator(_tuple)] = ()
    amounts: Annotated[tuple[WrittenAmount, ...], BeforeValidator(_tuple)] = ()


class ValueKind(Form):
    """A value that rules are judged by: its name, its type, its words."""

    name: Code
    type: Literal["text", "amount", "yes_no"]
    name_zh: Words
    name_en: Words

    def words(self, language: str) -> str:
        """The name in a language of the screens."""
        return in_language(self, "name", language)


class Word(Form):
    """The words of a code of the policy tables; `family` is what kind of code it is."""

    family: Code
    code: Code
    name_zh: str
    name_en: str


class DocumentFile(Form):
    """documents.toml."""

    source: Words
    document: list[Document]


class RuleFile(Form):
    """A file of the folder `rules`."""

    source: Words
    rule: list[WrittenRule]


class ValueFile(Form):
    """values.toml."""

    source: Words
    value: list[ValueKind]


class WordFile(Form):
    """codes.toml."""

    source: Words
    word: list[Word]


class Statement(ValueKind):
    """A fact that people state of a deal; what else its file says is not needed here."""

    model_config = ConfigDict(extra="ignore")


class StatementFile(Form):
    """statements.toml."""

    model_config = ConfigDict(extra="ignore")

    statements: list[Statement]
