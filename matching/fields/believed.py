"""Which of the assigned fields are shown: those that the program is sure of, and each record's best."""

from __future__ import annotations

import polars as pl

from matching.fields.rules import load_rules


def believed(fields: pl.DataFrame) -> pl.DataFrame:
    """Fields to be shown and filtered by: those that the program is sure of; weaker ones serve the ranking alone."""
    return fields.filter(pl.col("confidence") >= load_rules().sure)


def main_fields(fields: pl.DataFrame) -> pl.DataFrame:
    """Each record's field of highest confidence, with the columns of `fields`, all of one taxonomy; ties by code."""
    return fields.sort("record_id", pl.col("confidence").neg(), "code").unique(
        "record_id", keep="first", maintain_order=True
    )
