"""Terms in texts, compared after normalisation."""

from __future__ import annotations

import unicodedata
from typing import Final

import polars as pl

# Put between texts that are read as one, so that no term is found across their border.
BETWEEN: Final = ";"
# Latin words and numbers are set off by this mark in texts and terms alike, so that "led" is not found in "controlled".
_EDGE: Final = "\x1f"
# Chinese characters and the marks that stand among them.
_CHINESE: Final = r"[\p{Han}\x{3000}-\x{303f}\x{ff00}-\x{ffef}]"
_LATIN_RUN: Final = r"[a-z0-9]+(?:\.[0-9]+)*"


def normalised(text: str) -> str:
    """NFKC and lower case: １２０ＫＷ → 120kw. Doing it twice changes nothing."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())


def normalised_texts(texts: pl.Series) -> pl.Series:
    """`normalised` of every text of a column, several times as fast."""
    return texts.str.normalize("NFKC").str.to_lowercase().str.normalize("NFKC")


def closed_up(texts: pl.Series) -> pl.Series:
    """Normalised texts without the white space beside Chinese characters, which parts no words."""
    return texts.str.replace_all(rf"({_CHINESE})\s+", "$1").str.replace_all(rf"\s+({_CHINESE})", "$1")


def terms_in(texts: pl.Series, terms: list[str]) -> pl.Series:
    """For each text the list of terms that stand in it, from the left, the longest first, as often as they stand.

    Both are normalised. A term inside a longer one that is also in the list does not count there, and a Latin
    word or a number counts only as a whole.
    """
    ordered = sorted(terms, key=lambda term: (-len(term), term))
    patterns = _edged(pl.Series("pattern", ordered, dtype=pl.String()))
    found = _edged(texts).str.extract_many(patterns.implode(), leftmost=True)
    names = dict(zip(patterns, ordered, strict=True))
    return found.list.eval(pl.element().replace_strict(names, return_dtype=pl.String()))


def _edged(texts: pl.Series) -> pl.Series:
    return texts.str.replace_all(f"({_LATIN_RUN})", f"{_EDGE}$1{_EDGE}")
