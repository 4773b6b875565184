"""Codes of dimensions, and the dimensions themselves, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from matching.fields import ip_kinds, regions
from matching.fields.maturity import load_stages
from matching.fields.taxonomies import load_taxonomies
from matching.reporting.codes import HIDDEN, UNKNOWN
from matching.reporting.period import EVERY
from matching.wording import say

_CODES: Final[Mapping[str, Callable[[str, str], str]]] = {
    "city": regions.name,
    "ip_kind": ip_kinds.name,
    "maturity": lambda code, language: _stages(language)[code],
    "contract_kind": lambda code, language: say(f"contract.{code}", language),
}


def dimension_name(dimension: str, language: str) -> str:
    """What figures are cut by, in words; a taxonomy by its name."""
    taxonomy = load_taxonomies().get(dimension)
    return taxonomy.name(language) if taxonomy else say(f"cut.{dimension}", language)


def code_name(dimension: str, code: str, language: str) -> str:
    """One code of a dimension in words; names of organisations and people, months and quarters are their own."""
    if code in (UNKNOWN, HIDDEN):
        return say(f"stats.{code}", language)
    if dimension in load_taxonomies():
        return load_taxonomies()[dimension].node(code).name(language)
    return _CODES[dimension](code, language) if dimension in _CODES else code


def worded(codes: pl.Series, dimension: str, language: str) -> pl.Series:
    """A column of codes in words."""
    different = codes.unique(maintain_order=True)
    names = pl.Series([code_name(dimension, code, language) for code in different], dtype=pl.String)
    return codes.replace_strict(different, names, return_dtype=pl.String)


def is_a_period(dimension: str) -> bool:
    """Whether a dimension is one of time."""
    return dimension in EVERY


def _stages(language: str) -> dict[str, str]:
    return {stage.code: stage.name(language) for stage in load_stages()}
