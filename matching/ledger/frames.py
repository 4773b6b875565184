"""Results of queries as polars frames, and rows on their way to the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, Select

# Rows sent to the database at a time.
_ROWS: Final = 5_000

Schema = Mapping[str, pl.DataType | type[pl.DataType]]


def frame(connection: Connection, query: Select[*tuple[object, ...]], schema: Schema) -> pl.DataFrame:
    """Rows of a query whose columns stand in the schema's order, with the schema's names and types."""
    rows = [tuple(row) for row in connection.execute(query)]
    return pl.DataFrame(rows, schema=dict(schema), orient="row")


def batched(rows: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    """The rows in batches of a size that a database takes well."""
    for start in range(0, len(rows), _ROWS):
        yield rows[start : start + _ROWS]
