"""How complete a record is, whether it is too vague to be matched, and which sentence would mend it.

The rules are those of `datasets/quality/rules.toml`. Texts are compared after NFKC normalisation and in lower case;
the texts of several columns are joined by line ends. White space counts neither in lengths nor in shares.
"""

from __future__ import annotations

import hashlib
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import polars as pl

from matching.data_files import data_path
from matching.errors import DataFileError, Problem
from matching.schema import ID, KINDS, RECORD, Kind
from matching.wording import DEFAULT_LANGUAGE

Test = Literal["length", "figures", "named", "slogans", "present"]
_FILE: Final = "rules.toml"
# The limit that a test compares with.
_LIMITS: Final = {"length": "least", "figures": "least", "named": "least", "slogans": "most", "present": ""}
# So many of the rules that tell vagueness must fail: a clear record may well lack figures, or praise itself.
_VAGUE_FROM: Final = 2


@dataclass(frozen=True)
class QualityRule:
    """What is asked of some columns of a record, the points it earns, and what to add where it fails.

    `least` is a number of characters, figures or distinct words; `most` the share (0–1) of slogans in the text.
    """

    code: str
    kind: Kind
    test: Test
    columns: tuple[str, ...]
    points: int
    vague: bool
    advice_zh: str
    advice_en: str
    least: int | None = None
    most: float | None = None


@dataclass(frozen=True)
class QualityRules:
    """The rules of both lists, the pattern (of Rust's regex) of a figure, and the words, the longest first."""

    figures: str
    named: tuple[str, ...]
    slogans: tuple[str, ...]
    rules: tuple[QualityRule, ...]


def rules_version() -> str:
    """Hash (16 hex digits) of the rules' file: scores under other rules cannot be compared."""
    return hashlib.sha256(data_path("quality", _FILE).read_bytes()).hexdigest()[:16]


@cache
def load_rules(kind: Kind) -> tuple[QualityRule, ...]:
    """The rules of a list, in the order in which they are told. Raises `DataFileError` when the file breaks a rule."""
    return tuple(rule for rule in _shipped().rules if rule.kind == kind)


def assess(records: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Score clean records: a row for each, in their order.

    Returns record_id; quality (0–100), the points of the rules met; vague, whether two or more of the rules that tell
    vagueness fail; lacks, the codes of the rules that fail, in the order of the rules.
    """
    rules, words = load_rules(kind), _shipped()
    texts = _texts(records, {rule.columns for rule in rules if rule.test != "present"})
    met = records.with_columns(texts).select(
        pl.col(ID[kind]).alias("record_id"), *(_met(rule, words).alias(rule.code) for rule in rules)
    )
    return met.select(
        "record_id",
        quality=pl.sum_horizontal(pl.col(rule.code).cast(pl.Int64()) * rule.points for rule in rules),
        vague=pl.sum_horizontal(~pl.col(rule.code) for rule in rules if rule.vague) >= _VAGUE_FROM,
        lacks=pl.concat_list(pl.when(~pl.col(rule.code)).then(pl.lit(rule.code)) for rule in rules).list.drop_nulls(),
    )


def advice(kind: Kind, codes: Iterable[str], language: str = DEFAULT_LANGUAGE) -> list[str]:
    """What to add for each failed rule, in the order of the codes. Raises `KeyError` for a code that no rule has."""
    by_code = {rule.code: rule for rule in load_rules(kind)}
    return [by_code[code].advice_en if language == "en" else by_code[code].advice_zh for code in codes]


def _texts(records: pl.DataFrame, sets: set[tuple[str, ...]]) -> list[pl.Series]:
    """The normalised text of each set of columns; each column is normalised once, which is most of the work."""
    single = {name for columns in sets for name in columns}
    plain = records.select(pl.col(name).str.normalize("NFKC").str.to_lowercase() for name in sorted(single))
    joined = (pl.concat_str(columns, separator="\n", ignore_nulls=True).alias(str(columns)) for columns in sets)
    return plain.select(joined).rechunk().get_columns()


def _met(rule: QualityRule, words: QualityRules) -> pl.Expr:
    """Whether a record meets a rule, over a frame with the texts of `_texts`."""
    text = pl.col(str(rule.columns))
    match rule.test:
        case "length":
            return _length(text) >= rule.least
        case "figures":
            return text.str.count_matches(words.figures) >= rule.least
        case "named":
            return _found(text, words.named).list.n_unique() >= rule.least
        case "slogans":
            # An empty text has no slogans: its share is 0.
            return _length(_found(text, words.slogans).list.join("")) / _length(text).clip(1) <= rule.most
        case "present":
            return pl.any_horizontal(_filled(name, RECORD[rule.kind][name]) for name in rule.columns)


def _length(text: pl.Expr) -> pl.Expr:
    return text.str.replace_all(r"\s+", "").str.len_chars()


def _found(text: pl.Expr, words: tuple[str, ...]) -> pl.Expr:
    return text.str.extract_many(pl.lit(pl.Series([list(words)])), leftmost=True)


def _filled(name: str, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.String:
        return pl.col(name).str.len_bytes().fill_null(0) > 0
    return pl.col(name).list.len().fill_null(0) > 0 if dtype == pl.List else pl.col(name).is_not_null()


@cache
def _shipped() -> QualityRules:
    return rules_of(data_path("quality", _FILE).read_text(encoding="utf-8"))


def rules_of(written: str) -> QualityRules:
    """The rules as a file states them. Raises `DataFileError` with each way in which they are broken."""
    try:
        stated = tomllib.loads(written)
        rules = tuple(QualityRule(**{**rule, "columns": tuple(rule["columns"])}) for rule in stated["rule"])
        # The first of the words that begin at a place is the one found.
        named, slogans = (tuple(sorted(stated[name]["words"], key=len, reverse=True)) for name in ("named", "slogans"))
        found = QualityRules(stated["figures"]["pattern"], named, slogans, rules)
        reasons = [*_broken_words(found), *_broken_lists(rules), *(_broken_rule(rule) for rule in rules)]
    except (ValueError, KeyError, TypeError, pl.exceptions.ComputeError) as error:
        reasons = [f"{type(error).__name__}: {error}"]
    if problems := [Problem("quality.bad_rules", _FILE, values={"reason": reason}) for reason in reasons if reason]:
        raise DataFileError(*problems)
    return found


def _broken_words(rules: QualityRules) -> Iterator[str]:
    for word in (*rules.named, *rules.slogans):
        if not word or word != unicodedata.normalize("NFKC", word).lower():
            yield f"{word!r} is not in normalised form"
    if pl.Series([""]).str.count_matches(rules.figures).item():
        yield "the pattern finds a figure where nothing stands"


def _broken_lists(rules: tuple[QualityRule, ...]) -> Iterator[str]:
    for kind in KINDS:
        own = [rule for rule in rules if rule.kind == kind]
        if (points := sum(rule.points for rule in own)) != 100:
            yield f"{kind}: points sum to {points}, not to 100"
        if len({rule.code for rule in own}) < len(own):
            yield f"{kind}: a code stands twice"


def _broken_rule(rule: QualityRule) -> str:
    types = {RECORD[rule.kind][name] for name in rule.columns}
    limits = ", ".join(limit for limit in ("least", "most") if getattr(rule, limit) is not None)
    readable = types == {pl.String()} or (types and rule.test == "present")
    if readable and limits == _LIMITS[rule.test] and rule.advice_zh and rule.advice_en:
        return ""
    return f"{rule.kind} {rule.code}: columns, limit or advice do not fit the test {rule.test}"
