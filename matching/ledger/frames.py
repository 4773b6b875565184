"""Results of queries as polars frames, and frames as rows of tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import polars as pl
from sqlalchemy import Connection, Select, Table
from sqlalchemy.exc import DBAPIError

from matching.ledger.canonical import LOT, PLACE
from matching.ledger.sealing import note_frame

Schema = Mapping[str, pl.DataType | type[pl.DataType]]
# How COPY writes what would end a value or a row, or stands for null; the backslash first.
_ESCAPES = (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))


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
    batches = [
        (table, batch, number == 0) for table, rows in frames for number, batch in enumerate(rows.iter_slices(LOT))
    ]
    for done, (table, batch, starts) in enumerate(batches, start=1):
        stored = batch.select(_stored(name, dtype) for name, dtype in batch.schema.items() if name in table.c)
        note_frame(connection, table, stored, starts=starts)
        insert_stored(connection, table, stored)
        if progress:
            progress(done, len(batches))


def _stored(name: str, dtype: pl.DataType) -> pl.Expr:
    """A column in the stored form (see `canonical`)."""
    column = pl.col(name)
    match dtype:
        case pl.List():
            # The encoder takes structs alone: {"v":[…]}.
            return pl.struct(v=column).struct.json_encode().str.slice(5).str.head(-1).alias(name)
        case pl.Date():
            return column.dt.to_string("%Y-%m-%d")
        case pl.Boolean():
            return column.cast(pl.Int64())
        case pl.Float64() | pl.Float32():
            return column.cast(pl.Float64()).fill_nan(None)
        case _:
            return column


def insert_stored(connection: Connection, table: Table, rows: pl.DataFrame) -> None:
    """Insert rows in the stored form through the driver, in their order; a column `PLACE` says where each stands."""
    if connection.dialect.name == "sqlite":
        _insert(connection, table, rows)
    else:
        _copy(connection, table, rows)


def _insert(connection: Connection, table: Table, rows: pl.DataFrame) -> None:
    quoted = connection.dialect.identifier_preparer.quote
    names = ", ".join("rowid" if name == PLACE else quoted(name) for name in rows.columns)
    places = ", ".join("?" * rows.width)
    statement = f"INSERT INTO {quoted(table.name)} ({names}) VALUES ({places})"  # noqa: S608
    connection.exec_driver_sql(statement, rows.rows())


def _copy(connection: Connection, table: Table, rows: pl.DataFrame) -> None:
    quoted = connection.dialect.identifier_preparer.quote
    statement = f"COPY {quoted(table.name)} ({', '.join(map(quoted, rows.columns))}) FROM STDIN"
    text = rows.select(_copied(name, dtype) for name, dtype in rows.schema.items()).write_csv(
        include_header=False, separator="\t", quote_style="never", null_value="\\N"
    )
    driver = connection.dialect.loaded_dbapi
    try:
        with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[attr-defined]
            copy.write(text)
    except driver.Error as error:
        raise DBAPIError.instance(statement, None, error, driver.Error, dialect=connection.dialect) from error


def _copied(name: str, dtype: pl.DataType) -> pl.Expr:
    """A column as the text form of COPY takes it."""
    column = pl.col(name)
    match dtype:
        case pl.String():
            for character, written in _ESCAPES:
                column = column.str.replace_all(character, written, literal=True)
            return column
        case pl.Binary():
            return pl.concat_str(pl.lit("\\\\x"), column.bin.encode("hex")).alias(name)
        case _:
            return column
