"""The list of contracts for technology-contract registration, as `datasets/reporting/registration.toml` has it.

Contracts are listed from signing on, by day of signing. What is not of a registered kind or has been ended is left
out and counted in the note, which says as well what contracts lack that cannot be registered yet.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from matching.data_files import data_path
from matching.errors import DataFileError, Problem
from matching.reporting.codes import HIDDEN
from matching.reporting.sheets import Column, ColumnKind, Sheet
from matching.schema import CONTRACT_KINDS, DEAL_ENDED, DEAL_STATES
from matching.wording import say

_REGISTERED: Final = "registration_number"
# Numbers the rows within their order; no column of the contract frame.
_NUMBER: Final = "number"


class _Written(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class ListColumn(_Written):
    """A column of the list, as the data file writes it."""

    name: str
    take: list[str]
    kind: ColumnKind
    heading_zh: str
    heading_en: str
    coded: bool = False
    needed: bool = False

    def heading(self, language: str) -> str:
        """The heading in a language of the screens."""
        return self.heading_en if language == "en" else self.heading_zh


class ListForm(_Written):
    """The data file: which contracts are listed and the columns in their order."""

    source: str
    contract_kinds: list[str]
    states: list[str]
    unknown: list[str]
    column: list[ListColumn] = Field(min_length=1)

    @model_validator(mode="after")
    def _known(self) -> ListForm:
        names = [each.name for each in self.column]
        wrong = {*self.contract_kinds} - {*CONTRACT_KINDS} | {*self.states} - {*DEAL_STATES}
        wrong |= {name for name in names if names.count(name) > 1}
        wrong |= {each.name for each in self.column if not each.take and each.name != _NUMBER}
        if wrong:
            raise ValueError(", ".join(sorted(wrong)))
        return self


@cache
def list_form() -> ListForm:
    """The form that ships with the program. Raises `DataFileError` when its file breaks a rule."""
    return read_form(data_path("reporting", "registration.toml"))


def read_form(file: Path) -> ListForm:
    """The form of a file. Raises `DataFileError` when it names what there is not, or a column twice."""
    try:
        return ListForm.model_validate(tomllib.loads(file.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise DataFileError(Problem("registration.form", file.name, values={"reason": error})) from error


def registration_list(
    contracts: pl.DataFrame, language: str, words: Mapping[str, Callable[[str], str]] | None = None
) -> Sheet:
    """The list of a frame of contracts (that of matching/reporting/facts.py).

    `words` gives for a column of the list what words its codes: seller_kind, buyer_city, contract_field, ip_kind, or
    any other; kinds of contract have their words. A code without a function stands as it is.
    """
    form = list_form()
    worded = {"contract_kind": lambda code: say(f"contract.{code}", language)} | dict(words or {})
    started = contracts.filter(pl.col("state").is_in(form.states))
    listed = started.filter(pl.col("contract_kind").is_in(form.contract_kinds) | pl.col("contract_kind").is_null())
    listed = listed.sort("signed_on", "deal_id", nulls_last=True)
    rows = listed.select(_taken(each, form) for each in form.column)
    note = _note(
        rows,
        form,
        language,
        left_out=started.height - listed.height,
        ended=contracts.filter((pl.col("state") == DEAL_ENDED) & pl.col("signed_on").is_not_null()).height,
    )
    return Sheet(
        code="registration",
        title=say("registration.title", language),
        note=note,
        columns=tuple(Column(each.name, each.heading(language), each.kind) for each in form.column),
        rows=rows.with_columns(_in_words(rows, each, worded.get(each.name), language) for each in form.column),
    )


def _taken(column: ListColumn, form: ListForm) -> pl.Expr:
    """The first of a column's sources that says something; null where none does."""
    if not column.take:
        return pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(column.name)
    if column.kind != "text":
        return pl.coalesce(column.take).alias(column.name)
    said = [pl.col(name).cast(pl.String).str.strip_chars() for name in column.take]
    nothing = ["", *form.unknown]
    return pl.coalesce(pl.when(~each.is_in(nothing)).then(each) for each in said).alias(column.name)


def _in_words(rows: pl.DataFrame, column: ListColumn, word: Callable[[str], str] | None, language: str) -> pl.Series:
    values = rows[column.name]
    if column.kind != "text":
        return values
    codes = values.drop_nulls().unique(maintain_order=True).to_list()
    said = {code: word(code) if word and code != HIDDEN else code for code in codes}
    if HIDDEN in said:
        said[HIDDEN] = say("stats.hidden", language)
    return values.replace_strict(list(said), list(said.values()), default=None, return_dtype=pl.String)


def _note(rows: pl.DataFrame, form: ListForm, language: str, *, left_out: int, ended: int) -> str:
    """How many are listed, left out, and what is lacking to register the rest: a line each."""
    done = pl.col(_REGISTERED).is_not_null() if _REGISTERED in rows.columns else pl.lit(value=False)
    open_ones = rows.filter(~done)
    needed = [each for each in form.column if each.needed]
    lacking = [(each, open_ones[each.name].null_count()) for each in needed]
    incomplete = open_ones.filter(pl.any_horizontal(pl.col(each.name).is_null() for each in needed)).height
    lines = [
        say("registration.counted", language, count=rows.height, registered=rows.height - open_ones.height),
    ]
    if incomplete:
        named = [
            say("registration.lacking", language, column=each.heading(language), count=count)
            for each, count in lacking
            if count
        ]
        lines.append(say("registration.incomplete", language, count=incomplete, lacking=named))
    if left_out:
        lines.append(say("registration.investment", language, count=left_out))
    if ended:
        lines.append(say("registration.ended", language, count=ended))
    return "\n".join(lines)
