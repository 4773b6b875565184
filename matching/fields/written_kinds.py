"""What a text is, by the patterns of a data file: the first kind, in the file's order, that it speaks of."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import polars as pl

from matching.data_files import data_path
from matching.errors import DataFileError, Problem
from matching.fields.terms import normalised_texts
from matching.wording import say

UNKNOWN: Final = "unknown"


@dataclass(frozen=True)
class WrittenKind:
    """A kind with its names and the regular expressions that tell of it."""

    code: str
    name_zh: str
    name_en: str
    patterns: tuple[str, ...]

    def name(self, language: str) -> str:
        """The name in a language of the screens."""
        return self.name_en if language == "en" else self.name_zh

    @property
    def pattern(self) -> str:
        """One expression for all."""
        return _any(self.patterns)


@dataclass(frozen=True)
class WrittenKinds:
    """The kinds of a file in the order in which they are looked for, and their codes in the order of tables.

    `rewritten`: patterns and what takes the place of what they find, before the kinds are looked for; `marks`: patterns
    of further questions by their names.
    """

    file: str
    codes: tuple[str, ...]
    rewritten: tuple[tuple[str, str], ...]
    kinds: tuple[WrittenKind, ...]
    marks: Mapping[str, str]

    def name(self, code: str, language: str) -> str:
        """The name of a code; `KeyError` when there is none."""
        if code == UNKNOWN:
            return say("region.unknown", language)
        return {kind.code: kind for kind in self.kinds}[code].name(language)


@cache
def load_kinds(file: str) -> WrittenKinds:
    """The kinds of a file of `datasets/fields`. Raises `DataFileError` when it breaks a rule."""
    with data_path("fields", file).open("rb") as source:
        kinds = kinds_from(file, tomllib.load(source))
    if problems := broken_rules(kinds):
        raise DataFileError(*problems)
    return kinds


def kinds_from(file: str, written: Mapping[str, Any]) -> WrittenKinds:
    """The kinds of a file's content, unchecked."""
    return WrittenKinds(
        file,
        tuple(written["order"]),
        tuple((each["pattern"], each["by"]) for each in written.get("rewritten", ())),
        tuple(WrittenKind(**{**each, "patterns": tuple(each["patterns"])}) for each in written["kind"]),
        {each: _any(patterns) for each, patterns in written.get("marks", {}).items()},
    )


def broken_rules(kinds: WrittenKinds) -> list[Problem]:
    """No code stands twice or is that of the unknown; the order has them all; every pattern can be read by polars."""
    codes = Counter([*(kind.code for kind in kinds.kinds), UNKNOWN])
    twice = [code for code, count in codes.items() if count > 1]
    problems = [Problem("kinds.twice", kinds.file, values={"code": code}) for code in twice]
    if sorted(kinds.codes) != sorted(kind.code for kind in kinds.kinds):
        problems.append(Problem("kinds.order", kinds.file))
    patterns = [pattern for kind in kinds.kinds for pattern in kind.patterns]
    patterns += [pattern for pattern, _ in kinds.rewritten] + list(kinds.marks.values())
    wrong = [pattern for pattern in patterns if not _readable(pattern)]
    return problems + [Problem("kinds.pattern", kinds.file, values={"pattern": pattern}) for pattern in wrong]


def kinds_of(texts: pl.Series, kinds: WrittenKinds) -> pl.Series:
    """The code of the kind that each text speaks of; "unknown" for a missing text and for one that speaks of none."""
    different = texts.fill_null("").unique()
    written = pl.col("written")
    found = pl.coalesce(
        *(pl.when(written.str.contains(kind.pattern)).then(pl.lit(kind.code)) for kind in kinds.kinds), pl.lit(UNKNOWN)
    )
    codes = pl.DataFrame({"written": cleaned(different, kinds)}).select(found).to_series()
    return texts.fill_null("").replace_strict(different, codes, return_dtype=pl.String()).alias(texts.name)


def marked(texts: pl.Series, kinds: WrittenKinds, mark: str) -> pl.Series:
    """Whether each text has what the file's `marks` describes by a name."""
    return cleaned(texts.fill_null(""), kinds).str.contains(kinds.marks[mark])


def cleaned(texts: pl.Series, kinds: WrittenKinds) -> pl.Series:
    """Texts as the patterns see them: normalised, without white space beside Chinese characters, rewritten."""
    clean = normalised_texts(texts).str.replace_all(r"\s+", " ").str.strip_chars()
    clean = clean.str.replace_all(r"(\P{ASCII}) ", "$1").str.replace_all(r" (\P{ASCII})", "$1")
    for pattern, by in kinds.rewritten:
        clean = clean.str.replace_all(pattern, by)
    return clean


def _any(patterns: tuple[str, ...] | list[str]) -> str:
    return "|".join(f"(?:{pattern})" for pattern in patterns)


def _readable(pattern: str) -> bool:
    try:
        pl.Series([""]).str.contains(pattern)

    except pl.exceptions.ComputeError:
        return False
    return True
