"""Text analysis: what counts as a term, in two views of the same text.

*Characters*: each Chinese character and each pair of neighbours, within a run of letters; Latin words and
numbers stay whole. *Words*: the words of two characters or more that the segmenter finds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

import rjieba

from matching.fields.terms import normalised

# A record's text, part by part, each with the weight of its part.
WeightedParts = tuple[tuple[int, str], ...]

# Latin words and numbers, or letters of any other script.
RUN: Final = re.compile(r"[a-z0-9]+|[^\W_a-z0-9]+")
_WORD: Final = re.compile(r"[^\W_]")


def characters(text: str) -> list[str]:
    """Characters and neighbouring pairs of a normalised text.

    >>> characters("碳纤维cfrp，强度")
    ['碳', '纤', '维', '碳纤', '纤维', 'cfrp', '强', '度', '强度']
    """
    found: list[str] = []
    for run in RUN.findall(text):
        if run.isascii():
            found.append(run)
        else:
            found += run
            found += [first + second for first, second in pairwise(run)]
    return found


def words(text: str) -> list[str]:
    """Words of two characters or more of a normalised text, as rjieba cuts it without guessing new words.

    >>> words("碳纤维增强复合材料的连接")
    ['碳纤维', '增强', '复合材料', '连接']
    """
    return [word for word in rjieba.cut(text, hmm=False) if len(word) > 1 and _WORD.search(word)]


VIEWS: Final[dict[str, Callable[[str], list[str]]]] = {"characters": characters, "words": words}


def weighted_terms(record: WeightedParts, view: str) -> list[str]:
    """Terms of a record in a view, each as often as it stands in a part times the part's weight."""
    return [term for part in _terms_by_part(record, VIEWS[view]) for term in part]


def _terms_by_part(record: WeightedParts, terms: Callable[[str], list[str]]) -> Iterator[list[str]]:
    for weight, text in record:
        yield terms(normalised(text)) * weight
