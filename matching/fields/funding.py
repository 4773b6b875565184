"""Whether an achievement was made with public funds, by what its record says of its funding."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import polars as pl

from matching.fields.written_kinds import WrittenKinds, kinds_of, load_kinds

_FILE: Final = "funding.toml"
_ANSWERS: Final = {"public": True, "own": False}


def funding_kinds() -> WrittenKinds:
    """Public funds and others. Raises `DataFileError` when their file breaks a rule."""
    return load_kinds(_FILE)


def public_funds_of(texts: pl.Series) -> pl.Series:
    """Whether public funds took part, alone or among others; null where a text is missing or does not tell."""
    found = kinds_of(texts, funding_kinds())
    return found.replace_strict(_ANSWERS, default=None, return_dtype=pl.Boolean())


@lru_cache(maxsize=4096)
def public_funds(written: str) -> bool | None:
    """`public_funds_of` of one text."""
    answer = public_funds_of(pl.Series([written], dtype=pl.String()))[0]
    return None if answer is None else bool(answer)
