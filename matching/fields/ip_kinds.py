"""Kinds of intellectual property as the registration of technology contracts lists them."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import polars as pl

from matching.fields.written_kinds import UNKNOWN, WrittenKinds, kinds_of, load_kinds, marked

_FILE: Final = "ip_kinds.toml"
_PATENT: Final = "patent"


def ip_kinds() -> WrittenKinds:
    """The kinds in the official order. Raises `DataFileError` when their file breaks a rule."""
    return load_kinds(_FILE)


def ip_kind_codes() -> tuple[str, ...]:
    """Their codes in the official order."""
    return ip_kinds().codes


def name(code: str, language: str) -> str:
    """The name of a kind in a language of the screens."""
    return ip_kinds().name(code, language)


def ip_kinds_of(texts: pl.Series) -> pl.Series:
    """The code of what each text names: of several the first of the official order, "unknown" where it names none."""
    return kinds_of(texts, ip_kinds())


@lru_cache(maxsize=4096)
def ip_kind_of(written: str) -> str:
    """`ip_kinds_of` of one text."""
    return str(ip_kinds_of(pl.Series([written], dtype=pl.String()))[0])


def are_invention_patents(texts: pl.Series) -> pl.Series:
    """Whether each text names an invention patent, granted or applied for; null where the text leaves it open.

    Open is a patent of no stated kind, and what names no kind at all.
    """
    written = texts.fill_null("")
    found = pl.DataFrame(
        {
            "kind": ip_kinds_of(written),
            "invention": marked(written, ip_kinds(), "invention"),
            "other_patent": marked(written, ip_kinds(), "other_patent"),
        }
    )
    kind = pl.col("kind")
    answer = (
        pl.when(kind == _PATENT, "invention")
        .then(pl.lit(True))
        .when((kind == UNKNOWN) | (kind == _PATENT) & ~pl.col("other_patent"))
        .then(None)
        .otherwise(pl.lit(False))
    )
    return found.select(answer).to_series().alias(texts.name)


@lru_cache(maxsize=4096)
def is_invention_patent(written: str) -> bool | None:
    """`are_invention_patents` of one text."""
    answer = are_invention_patents(pl.Series([written], dtype=pl.String()))[0]
    return None if answer is None else bool(answer)
