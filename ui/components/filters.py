"""Filters that several screens share."""

from __future__ import annotations

from typing import Final

import polars as pl
import streamlit as st

from matching.fields.assignment import load_rules
from matching.fields.taxonomies import load_taxonomy
from matching.reporting.statistics import UNKNOWN
from ui.access import language, t, worded_key

_ALL: Final = ""


def field_name(code: str | None) -> str:
    """Name of a field of the first taxonomy in the session's language; what has none is called unknown."""
    if code in (None, UNKNOWN):
        return t("field.unknown")
    return load_taxonomy(load_rules().taxonomies[0]).node(str(code)).name(language())


def choose_field(key: str) -> str:
    """A field's code, UNKNOWN, or "" for all."""
    codes = [node.code for node in load_taxonomy(load_rules().taxonomies[0]).fields]
    return st.selectbox(
        t("filter.field"),
        [_ALL, *codes, UNKNOWN],
        format_func=lambda code: t("filter.all_fields") if code == _ALL else field_name(code),
        key=worded_key(key),
        bind="query-params",
    )


def with_field(records: pl.DataFrame, code: str) -> pl.DataFrame:
    """Records whose main field is the chosen one."""
    if code == _ALL:
        return records
    return records.filter(pl.col("main_field").is_null() if code == UNKNOWN else pl.col("main_field") == code)


def with_words(records: pl.DataFrame, text: str, columns: tuple[str, ...]) -> pl.DataFrame:
    """Records that hold every word of the search text in one of the columns."""
    for word in text.split():
        holds = [pl.col(column).str.to_lowercase().str.contains(word.lower(), literal=True) for column in columns]
        records = records.filter(pl.any_horizontal(holds))
    return records
