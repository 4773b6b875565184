"""A cell's value as the text a person would have typed."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, time, timedelta
from functools import cache

from matching.data_files import data_path


def cell_text(value: object) -> str:
    """Trimmed text: whole numbers without a decimal point, days and moments in ISO form, yes and no in Chinese."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return _truth_words()[str(value).lower()]
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value)


@cache
def _truth_words() -> dict[str, str]:
    with data_path("columns", "cells.toml").open("rb") as source:
        words: dict[str, str] = tomllib.load(source)["truth"]
    return words
