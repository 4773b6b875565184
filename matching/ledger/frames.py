"""Results of queries as polars frames."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from sqlalchemy import Connection, Select

Schema = Mapping[str, pl.DataType | type[pl.DataType]]


def frame(connection: Connection, query: Select[*tuple[object, ...]], schema: Schema) -> pl.DataFrame:
    """Rows of a query whose columns stand in the schema's order, with the schema's names and types."""
    rows = [tuple(row) for row in connection.execute(query)]
    return pl.DataFrame(rows, schema=dict(schema), orient="row")
