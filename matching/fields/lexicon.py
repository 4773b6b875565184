"""The lexicon of the trade: groups of forms that mean the same, so that both sides of a pair meet.

A group has a preferred Chinese term, other Chinese names, English names and abbreviations; it may name broader
groups. Each file of `datasets/lexicon` holds the groups of one field of the province's system.
"""

from __future__ import annotations

import csv
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

import polars as pl

from matching.data_files import data_path
from matching.errors import DataFileError, Problem
from matching.fields.terms import closed_up, normalised, terms_in

KINDS: Final = ("material", "process", "device", "organism", "drug", "software", "product", "service", "concept")
COLUMNS: Final = ("term", "kind", "same", "english", "abbreviations", "broader")


@dataclass(frozen=True)
class Group:
    """One concept: preferred term, kind, all forms (the term first, normalised), broader terms, field, its row."""

    term: str
    kind: str
    forms: tuple[str, ...]
    broader: tuple[str, ...]
    field: str
    row: int

    @property
    def concept(self) -> str:
        """The normalised term, by which a group is known."""
        return self.forms[0]


@dataclass(frozen=True)
class Lexicon:
    """All groups, the words that no group may hold, and what a concept counts for its broader one (0–1)."""

    groups: tuple[Group, ...]
    ambiguous: frozenset[str]
    broader: float

    @cached_property
    def concept_of(self) -> Mapping[str, str]:
        """The concept of each form."""
        return {form: group.concept for group in self.groups for form in group.forms}

    @cached_property
    def _parents(self) -> Mapping[str, tuple[str, ...]]:
        return {group.concept: tuple(map(normalised, group.broader)) for group in self.groups}

    @cached_property
    def steps(self) -> pl.DataFrame:
        """Columns concept, broader, share: the concept itself with 1, each step up times `broader`."""
        rows = [
            (concept, above, self.broader**distance)
            for concept in self._parents
            for above, distance in self.above(concept).items()
        ]
        return pl.DataFrame(
            rows, schema={"concept": pl.String, "broader": pl.String, "share": pl.Float64}, orient="row"
        )

    def above(self, concept: str) -> dict[str, int]:
        """The concept and all broader ones, with the shortest number of steps to each."""
        steps = {concept: 0}
        edge = [concept]
        while edge:
            edge = [parent for each in edge for parent in self._parents.get(each, ()) if parent not in steps]
            steps |= {parent: max(steps.values()) + 1 for parent in edge}
        return steps


@cache
def load_lexicon() -> Lexicon:
    """The lexicon that ships with the program. Raises `DataFileError` when it breaks a rule."""
    lexicon = read_lexicon(data_path("lexicon"))
    if problems := broken_rules(lexicon):
        raise DataFileError(*problems)
    return lexicon


def read_lexicon(folder: Path) -> Lexicon:
    """The lexicon of a folder, unchecked but for its form. Raises `DataFileError` for a file of another form."""
    with (folder / "lexicon.toml").open("rb") as source:
        rules = tomllib.load(source)
    groups = tuple(group for file in sorted(folder.glob("*.csv")) for group in _groups(file))
    return Lexicon(groups, frozenset(map(normalised, rules["ambiguous"])), rules["broader"])


def _groups(file: Path) -> Iterator[Group]:
    with file.open(encoding="utf-8", newline="") as source:
        rows = csv.reader(source)
        if tuple(next(rows, ())) != COLUMNS:
            raise DataFileError(Problem("lexicon.columns", file.name, values={"columns": list(COLUMNS)}))
        for number, row in enumerate(rows, start=2):
            if len(row) != len(COLUMNS):
                raise DataFileError(Problem("lexicon.cells", file.name, number, values={"count": len(COLUMNS)}))
            term, kind, same, english, abbreviations, broader = row
            forms = [term, *_split(same), *_split(english), *_split(abbreviations)]
            yield Group(term, kind, tuple(map(normalised, forms)), tuple(_split(broader)), file.stem, number)


def _split(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]


def broken_rules(lexicon: Lexicon) -> list[Problem]:
    """Forms are long enough, say something, and stand once; broader terms exist and never lead back."""
    claims = Counter(form for group in lexicon.groups for form in group.forms)
    known = {group.concept for group in lexicon.groups}
    return [
        Problem(key, f"{group.field}.csv", group.row, values=values)
        for group in lexicon.groups
        for key, values in _broken(group, lexicon, claims, known)
    ]


def _broken(
    group: Group, lexicon: Lexicon, claims: Counter[str], known: set[str]
) -> Iterator[tuple[str, dict[str, object]]]:
    for form in group.forms:
        if too_short(form):
            yield "lexicon.short", {"form": form}
        if form in lexicon.ambiguous:
            yield "lexicon.ambiguous", {"form": form}
        if claims[form] > 1:
            yield "lexicon.twice", {"form": form}
    if group.kind not in KINDS:
        yield "lexicon.kind", {"kind": group.kind, "kinds": list(KINDS)}
    if len(group.forms) < 2:
        yield "lexicon.alone", {"term": group.term}
    for broader in group.broader:
        if normalised(broader) not in known:
            yield "lexicon.no_broader", {"broader": broader}
        elif group.concept in lexicon.above(normalised(broader)):
            yield "lexicon.circular", {"broader": broader}


def too_short(form: str) -> bool:
    """One character, or one to two Latin letters or digits: such forms mean something else in the next field."""
    return len(form) < 2 or (len(form) < 3 and form.isascii() and form.isalnum())


def concepts_in(texts: pl.Series, lexicon: Lexicon) -> pl.DataFrame:
    """Concepts that normalised texts name, as often as they stand, and the broader ones above them.

    Columns: row (of the text), concept, count; a broader concept counts `share` of what leads to it, and the
    largest such count alone.
    """
    found = terms_in(closed_up(texts), list(lexicon.concept_of))
    return (
        pl.DataFrame({"row": pl.Series(range(len(texts)), dtype=pl.Int64), "form": found})
        .explode("form")
        .drop_nulls("form")
        .with_columns(concept=pl.col("form").replace_strict(lexicon.concept_of, return_dtype=pl.String()))
        .group_by("row", "concept")
        .agg(count=pl.len().cast(pl.Float64))
        .join(lexicon.steps, on="concept")
        .group_by("row", concept="broader")
        .agg(count=(pl.col("count") * pl.col("share")).max())
        .sort("row", "concept")
    )
