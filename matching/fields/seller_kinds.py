"""What the seller of a technology is: the kinds that the registration of technology contracts tells apart."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import polars as pl

from matching.fields.written_kinds import WrittenKinds, kinds_of, load_kinds

_FILE: Final = "seller_kinds.toml"


def seller_kinds() -> WrittenKinds:
    """The kinds. Raises `DataFileError` when their file breaks a rule."""
    return load_kinds(_FILE)


def seller_kind_codes() -> tuple[str, ...]:
    """Their codes in the official order."""
    return seller_kinds().codes


def name(code: str, language: str) -> str:
    """The name of a kind in a language of the screens."""
    return seller_kinds().name(code, language)


def seller_kinds_of(names: pl.Series) -> pl.Series:
    """The code of each organisation by its name; "unknown" where it is missing or tells nothing."""
    return kinds_of(names, seller_kinds())


@lru_cache(maxsize=4096)
def seller_kind_of(organisation: str) -> str:
    """`seller_kinds_of` of one name."""
    return str(seller_kinds_of(pl.Series([organisation], dtype=pl.String()))[0])
