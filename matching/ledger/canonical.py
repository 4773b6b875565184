"""Rows of the ledger in one form, whichever database keeps them: as they are stored, and as they are digested.

The *stored form* has texts, whole numbers, floats and bytes alone: lists and days as text, truth values as 0 and 1.
The *digested form* is CSV with a heading, in lots of `LOT` rows in the order of their places: columns by name, texts
quoted, floats as the 64 bits of their IEEE form, bytes as their SHA-256. Nothing stands for null and for a column's
default, and a column with nothing in it is left out of its lot, so that a column added later changes no digest.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

import polars as pl
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Date,
    Float,
    Integer,
    LargeBinary,
    Table,
    Text,
    cast,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.sql.schema import DefaultClause

# Rows that are digested together. A part of the form: another number gives other digests.
LOT: Final = 5_000
# The name under which the place of a row is read.
PLACE: Final = "place"
# Fewer rows than this are put into text faster one by one than by way of a frame.
_FEW: Final = 100

Row = tuple[Any, ...]


def own_key(table: Table) -> Column[int] | None:
    """The table's own whole-number key, where it has one: the order in which its rows came."""
    [*columns] = table.primary_key.columns
    single = len(columns) == 1 and isinstance(columns[0].type, Integer) and not columns[0].foreign_keys
    return columns[0] if single else None


def place_of(table: Table, dialect: str) -> ColumnElement[int]:
    """Where a row stands: its own key, else the row number that SQLite gives or the column that PostgreSQL counts."""
    key = own_key(table)
    if key is not None:
        return key
    return literal_column(f"{table.name}.{'rowid' if dialect == 'sqlite' else PLACE}", BigInteger())


@cache
def stored_schema(table: Table) -> dict[str, pl.DataType]:
    """Columns of a table with the types of the stored form."""
    return {column.name: _stored_type(column) for column in table.columns}


def _stored_type(column: Column[Any]) -> pl.DataType:
    match column.type:
        case Integer() | Boolean():
            return pl.Int64()
        case Float():
            return pl.Float64()
        case LargeBinary():
            return pl.Binary()
        case _:
            return pl.String()


def stored_rows(
    connection: Connection, table: Table, after: int = 0, *, streamed: bool = True
) -> Iterator[Sequence[Row]]:
    """Rows beyond a place in the stored form, the place of each before its columns, a lot at a time.

    Few rows are read faster when they are not streamed.
    """
    place = place_of(table, connection.dialect.name)
    query = select(place, *(_stored(column) for column in table.columns)).where(place > after).order_by(place)
    with connection.execute(query, execution_options={"stream_results": streamed}) as found:
        while rows := found.fetchmany(LOT):
            yield [tuple(row) for row in rows]


def _stored(column: Column[Any]) -> ColumnElement[Any]:
    match column.type:
        case JSON() | Date():
            return cast(column, Text)
        case Boolean():
            return cast(column, Integer)
        case _:
            return type_coerce(column, column.type)


def as_frame(table: Table, rows: Sequence[Row]) -> pl.DataFrame:
    """Rows as `stored_rows` gives them. Raises `TypeError` where a value is not of its column's type."""
    try:
        return pl.DataFrame(rows, schema={PLACE: pl.Int64(), **stored_schema(table)}, orient="row", strict=True)
    except pl.exceptions.PolarsError as error:
        raise TypeError(str(error)) from error


class Digest:
    """SHA-256 of rows given lot by lot, each of `LOT` rows but the last."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._hash = hashlib.sha256()
        self.rows = 0

    def add_frame(self, rows: pl.DataFrame) -> None:
        """Add a lot, as a frame in the stored form; columns that it lacks count as null."""
        self._add(rows.height, text_of_frame(self._table, rows))

    def add_rows(self, rows: Sequence[Row]) -> None:
        """Add a lot, as rows of `stored_rows`. Raises `TypeError` where a value is not of its column's type."""
        few = len(rows) < _FEW
        text = text_of_rows(self._table, rows) if few else text_of_frame(self._table, as_frame(self._table, rows))
        self._add(len(rows), text)

    def _add(self, rows: int, text: bytes) -> None:
        self._hash.update(text)
        self.rows += rows

    def hexdigest(self) -> str:
        """The digest of what was added so far."""
        return self._hash.hexdigest()


def text_of_frame(table: Table, rows: pl.DataFrame) -> bytes:
    """A lot in the digested form, from a frame in the stored form."""
    schema = stored_schema(table)
    defaults = _defaults(table)
    names = sorted(schema.keys() & set(rows.columns))
    digested = rows.select(_digested(name, schema[name], defaults.get(name)) for name in names)
    there = [column.name for column in digested if column.null_count() < column.len()]
    return digested.select(there).write_csv(quote_style="non_numeric").encode()


def _digested(name: str, dtype: pl.DataType, default: object) -> pl.Expr:
    column = pl.col(name).cast(dtype)
    if default is not None:
        column = pl.when(column != default).then(column)
    match dtype:
        case pl.Float64():
            # SQLite keeps no sign of zero, and null for what is no number.
            # Adding 0.0 would not do: polars takes it for nothing to be done.
            number = column.fill_nan(None)
            return pl.when(number == 0.0).then(pl.lit(0.0)).otherwise(number).alias(name).reinterpret(dtype=pl.Int64)
        case pl.Binary():
            return column.map_elements(lambda content: hashlib.sha256(content).hexdigest(), return_dtype=pl.String)
        case _:
            return column


def text_of_rows(table: Table, rows: Sequence[Row]) -> bytes:
    """The same from rows of `stored_rows`."""
    schema = stored_schema(table)
    defaults = _defaults(table)
    columns = {
        name: [_cell(value, schema[name], defaults.get(name)) for value in values]
        for name, values in zip(schema, list(zip(*rows, strict=True))[1:], strict=True)
    }
    there = sorted(name for name, cells in columns.items() if any(cells))
    heading = [f'"{name}"' for name in there]
    lines = zip(*(columns[name] for name in there), strict=True)
    return "".join(",".join(line) + "\n" for line in (heading, *lines)).encode()


def _cell(value: object, dtype: pl.DataType, default: object) -> str:
    match dtype, value:
        case _, None:
            return ""
        case pl.Float64(), float():
            return (
                ""
                if value == default or value != value
                else str(struct.unpack("<q", struct.pack("<d", value + 0.0))[0])
            )
        case pl.Int64(), int():
            return "" if value == default else str(value)
        case pl.String(), str():
            return "" if value == default else '"' + value.replace('"', '""') + '"'
        case pl.Binary(), bytes():
            return f'"{hashlib.sha256(value).hexdigest()}"'
        case _:
            raise TypeError(f"{value!r}: {dtype}")


@cache
def _defaults(table: Table) -> dict[str, object]:
    """Defaults of columns in the stored form: what rows have in a column that was added after them."""
    schema = stored_schema(table)
    return {
        column.name: int(str(column.server_default.arg)) if schema[column.name] == pl.Int64() else _default(column)
        for column in table.columns
        if isinstance(column.server_default, DefaultClause)
    }


def _default(column: Column[Any]) -> object:
    text = str(column.server_default.arg)  # type: ignore[union-attr]
    return float(text) if isinstance(column.type, Float) else text
