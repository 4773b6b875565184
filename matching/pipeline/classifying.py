"""The main field of every row of any table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from matching.errors import CallError, Problem
from matching.fields.assignment import assign_fields
from matching.fields.taxonomies import load_taxonomies
from matching.fields.terms import BETWEEN

_CLASSIFIED: Final = ("code", "name", "parent_name", "confidence", "terms")
# Stands beside a table's own columns, which may have any name a person would give.
_PLACE: Final = "\x1fplace"


def classify(table: pl.DataFrame, columns: Sequence[str], taxonomy: str) -> pl.DataFrame:
    """The main field of every row of any table, in one taxonomy.

    The first of `columns` is read as a title, the others as texts. The table's columns are kept; added are code,
    name and parent_name (of the top level, the name itself if it stands there; both Chinese), confidence (0–1) and
    terms, all null where the field is unknown. Raises `CallError` for a column or taxonomy that there is not, and for
    a table that has one of the added columns.
    """
    known = load_taxonomies()
    if taxonomy not in known:
        raise CallError(Problem("field.no_taxonomy", values={"taxonomy": taxonomy, "known": list(known)}))
    for column in columns:
        if column not in table.columns:
            raise CallError(Problem("call.no_column", values={"column": column, "columns": table.columns}))
    for column in _CLASSIFIED:
        if column in table.columns:
            raise CallError(Problem("call.column_taken", values={"column": column}))
    numbered = table.with_row_index(_PLACE).with_columns(pl.col(_PLACE).cast(pl.String()))
    texts = pl.concat_str([pl.col(column).fill_null("") for column in columns[1:]] or [pl.lit("")], separator=BETWEEN)
    records = numbered.select(_PLACE, title=pl.col(columns[0]).fill_null(""), summary=texts)
    fields = assign_fields(records, _PLACE, taxonomies=[taxonomy]).unique("record_id", keep="first")
    nodes = {node.code: (node.name_zh, known[taxonomy].top(node.code).name_zh) for node in known[taxonomy].nodes}
    named = fields.select(
        "record_id",
        "code",
        name=pl.col("code").replace_strict({code: name for code, (name, _) in nodes.items()}),
        parent_name=pl.col("code").replace_strict({code: parent for code, (_, parent) in nodes.items()}),
        confidence=pl.col("confidence").round(4),
        terms=pl.col("terms").list.join("；"),
    )
    joined = numbered.join(named, left_on=_PLACE, right_on="record_id", how="left", maintain_order="left")
    return joined.select(*table.columns, *_CLASSIFIED)
