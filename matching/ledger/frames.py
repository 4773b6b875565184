"""Results of queries as polars frames, and frames as rows of tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import polars as pl
from sqlalchemy import Connection, Select, Table, insert

# Rows sent to the database at a time.
_ROWS: Final = 5_000

Schema = Mapping[str, pl.DataType | type[pl.DataType]]


def frame(connection: Connection, query: Select[*tuple[object, ...]], schema: Schema) -> pl.DataFrame:
    """Rows of a query whose columns stand in the schema's order, with the schema's names and types."""
    rows = [tuple(row) for row in connection.execute(query)]
    return pl.DataFrame(rows, schema=dict(schema), orient="row")


def write_frames(
    connection: Connection,
    frames: Sequence[tuple[Table, pl.DataFrame]],
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Insert frames into tables whose columns they are named by, batch by batch.

    `progress` is called with the batches written and their total.
    """
    batches = [(table, batch) for table, rows in frames for batch in rows.iter_slices(_ROWS)]
    for done, (table, batch) in enumerate(batches, start=1):
        connection.execute(insert(table), batch.to_dicts())
        if progress:
            progress(done, len(batches))
