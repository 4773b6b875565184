"""Rows of several pairs as one list for each pair."""

from __future__ import annotations

import numpy as np
import polars as pl


def lists_of(rows: pl.DataFrame, count: int, dtype: pl.DataType) -> pl.Series:
    """For each of `count` pairs the list of its rows, in their order: rows have its number, `pair`, and what is listed.

    Several columns become structs.
    """
    what = [name for name in rows.columns if name != "pair"]
    item = pl.struct(what) if len(what) > 1 else pl.col(what[0])
    found = rows.group_by("pair", maintain_order=True).agg(item.alias("items"))
    every = pl.DataFrame({"pair": np.arange(count)}).join(
        found.cast({"pair": pl.Int64}), on="pair", how="left", maintain_order="left"
    )
    return every["items"].cast(dtype).fill_null([])


def numbers_of(values: np.ndarray, widths: np.ndarray) -> pl.Series:
    """Numbers divided into lists of the given lengths."""
    pair = np.repeat(np.arange(len(widths)), widths)
    return lists_of(pl.DataFrame({"pair": pair, "value": values}), len(widths), pl.List(pl.Float64()))
