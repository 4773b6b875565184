"""What people are told of a candidate: its levels' shares, groups of features, fields' names, places of shared terms.

Light to load, unlike what ranks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from matching.fields.taxonomies import load_taxonomy
from matching.fields.terms import normalised

# How features are put together where a person reads what they add; the first word of their name decides.
GROUPS: Final = {
    "characters": "characters",
    "words": "words",
    "concepts": "concepts",
    "fields": "fields",
    "latent": "latent",
    "feedback": "feedback",
    "title": "titles",
    "place": "place",
    "length": "length",
}


def shares(reached: Sequence[float]) -> list[float]:
    """Probabilities of the levels 1 to 4 from those of reaching 2, 3 and 4."""
    bounds = [1.0, *reached, 0.0]
    return [above - below for above, below in pairwise(bounds)]


def field_names(shared: list[str], language: str) -> list[str]:
    """Names of shared fields, "taxonomy:code" each, in a language of the screens."""
    split = (name.split(":", 1) for name in shared)
    return [load_taxonomy(taxonomy).node(code).name(language) for taxonomy, code in split]


def spans(text: str, terms: Iterable[str]) -> list[tuple[int, int]]:
    """Where normalised terms stand in a text as written: (start, end) of each stretch, in order, not overlapping.

    >>> spans("ＣＦＲＰ（碳纤维）板", ["cfrp", "碳纤", "纤维"])
    [(0, 4), (5, 8)]
    """
    plain, origin = _normalised_with_origin(text)
    marked = np.zeros(len(text), dtype=bool)
    for term in filter(None, terms):
        for match in re.finditer(_whole(term), plain):
            marked[origin[match.start(1)][0] : origin[match.end(1) - 1][1]] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _whole(term: str) -> str:
    """A pattern that finds every place of a term, Latin words and numbers only as wholes: 20 is not in 820."""
    before = "(?<![a-z0-9])" if term[0].isascii() else ""
    after = "(?![a-z0-9])" if term[-1].isascii() else ""
    return f"{before}(?=({re.escape(term)}){after})"


def _normalised_with_origin(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The normalised text and, for each of its characters, the stretch of the text that it came from.

    Marks are normalised together with the character they stand on, as in the whole text.
    """
    clusters: list[tuple[int, int]] = []
    for place, character in enumerate(text):
        if clusters and unicodedata.combining(unicodedata.normalize("NFKC", character)[0]):
            clusters[-1] = (clusters[-1][0], place + 1)
        else:
            clusters.append((place, place + 1))
    pieces = [(span, normalised(text[slice(*span)])) for span in clusters]
    return "".join(piece for _, piece in pieces), [span for span, piece in pieces for _ in piece]
