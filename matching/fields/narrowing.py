"""The part of the lexicon that a text can name at all.

To look for all forms at once an automaton is made of them, which takes a second; to look for those few that stand in a
short text takes none. What is found is the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from matching.fields.lexicon import Group, Lexicon
from matching.fields.terms import closed_up, normalised_texts

# Forms are looked up by so many of their first characters, then one by one.
_START: Final = 2


@dataclass(frozen=True)
class Forms:
    """A lexicon's forms with their concepts by their first characters, and its groups by their concepts."""

    lexicon: Lexicon
    by_start: Mapping[str, tuple[tuple[str, str], ...]]
    groups: Mapping[str, Group]


def forms_of(lexicon: Lexicon) -> Forms:
    """The forms of a lexicon, to be looked up."""
    by_start: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for form, concept in lexicon.concept_of.items():
        by_start[form[:_START]].append((form, concept))
    groups = {group.concept: group for group in lexicon.groups}
    return Forms(lexicon, {start: tuple(forms) for start, forms in by_start.items()}, groups)


def narrowed(forms: Forms, texts: Iterable[str]) -> Lexicon:
    """The groups of which a form stands in one of the texts, and all above them: they find there what all would."""
    plain = closed_up(normalised_texts(pl.Series(list(texts), dtype=pl.String())))
    named = {concept for text in plain.to_list() for concept in _named(forms, text)}
    wanted = {above for concept in named for above in forms.lexicon.above(concept)}
    groups = tuple(group for concept, group in forms.groups.items() if concept in wanted)
    return Lexicon(groups, forms.lexicon.ambiguous, forms.lexicon.broader)


def _named(forms: Forms, text: str) -> set[str]:
    """Concepts of which a form is a part of the text, be it of another word."""
    starts = {text[place : place + _START] for place in range(len(text))} & forms.by_start.keys()
    return {concept for start in starts for form, concept in forms.by_start[start] if form in text}
