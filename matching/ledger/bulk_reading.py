"""Results of queries over many rows as frames, several times faster than `frames.frame`.

The database joins each column into one text, which polars takes apart: no value becomes an object of Python. Rows in
parts, by a number that each has, are read by two threads. The program's own SQLite does it: a library that brings a
second SQLite into the process, as the fast readers do, lets go of the locks of the first when it closes the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import polars as pl
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Integer,
    Select,
    String,
    Text,
    cast,
    func,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.pool import Pool, QueuePool

from matching.ledger.database import reading
from matching.ledger.frames import Schema, frame

# What stands between values, and for null: characters that hardly any text has. That no value has them is counted.
_BETWEEN: Final = "\x1e"
_NULL: Final = "\x1d"
# Numbers that a part spans: its longest text must stay below what a database joins, 1,000,000,000 bytes.
_SPAN: Final = 250_000
_THREADS: Final = 2
# Characters up to which taking a text apart value by value is faster than having polars do it.
_SHORT: Final = 10_000

Query = Select[*tuple[Any, ...]]
Read = TypeVar("Read")


def read(engine: Engine, query: Query, schema: Schema, by: ColumnElement[int] | None = None) -> pl.DataFrame:
    """Rows of a query whose columns stand in the schema's order, with the schema's names and types, in no order.

    `by` is a whole number of each row, indexed, such as its key: the rows are read in parts, by more than one
    connection. What is written meanwhile may be in it or not, so the query is to name what counts.
    """
    parts = [query] if by is None else _parts(engine, query, by)
    if len(parts) == 1 or not isinstance(engine.pool, QueuePool):
        return pl.concat([_read(engine, part, schema) for part in parts])
    with ThreadPoolExecutor(_THREADS) as threads:
        return pl.concat(threads.map(lambda part: _read(engine, part, schema), parts))


def together(readings: Sequence[Callable[[], Read]], pool: Pool) -> list[Read]:
    """What several functions read of a ledger, in their order; more than one at a time where it has the connections."""
    if not isinstance(pool, QueuePool):
        return [each() for each in readings]
    with ThreadPoolExecutor(_THREADS) as threads:
        return list(threads.map(lambda each: each(), readings))


def _parts(engine: Engine, query: Query, by: ColumnElement[int]) -> list[Query]:
    """The query in parts, each of the rows between two numbers."""
    with reading(engine) as connection:
        froms = query.get_final_froms()
        # Each by itself: together they would have the whole index read.
        ends = (select(end).select_from(*froms).scalar_subquery() for end in (func.min(by), func.max(by)))
        first, last = connection.execute(select(*ends)).one()
    if first is None or last - first < _SPAN:
        return [query]
    number = -(-(last - first + 1) // _SPAN)
    span = -(-(last - first + 1) // number)
    return [query.where(by >= start, by < start + span) for start in range(first, last + 1, span)]


def _read(engine: Engine, query: Query, schema: Schema) -> pl.DataFrame:
    with reading(engine) as connection:
        # The texts of floats that SQLite makes are not exact.
        exact = all(dtype not in (pl.Float64, pl.Float32, pl.Binary) for dtype in schema.values())
        found = _joined(connection, query, schema) if exact else None
        return frame(connection, query, schema) if found is None else found


def _joined(connection: Connection, query: Query, schema: Schema) -> pl.DataFrame | None:
    """Rows by way of one text for each column; None where a value has a character that stands between values."""
    rows = query.order_by(None).subquery()
    # SQLite joins what it has stored, and is faster without being told to make texts of it.
    join, text_of = (
        (func.group_concat, lambda column: type_coerce(column, Text))
        if connection.dialect.name == "sqlite"
        else (func.string_agg, _text)
    )
    # Written into the query: SQLite takes twice as long with what it is given beside it.
    between, null = (literal(each, literal_execute=True) for each in (_BETWEEN, _NULL))
    always = [isinstance(column, Column) and not column.nullable for column in query.selected_columns]
    values = [
        text_of(column) if known else func.coalesce(text_of(column), null)
        for column, known in zip(rows.c, always, strict=True)
    ]
    texts = [join(value, between) for value in values]
    there = [func.count() if known else func.count(column) for column, known in zip(rows.c, always, strict=True)]
    height, *found = connection.execute(select(func.count(), *texts, *there).select_from(rows)).one()
    if not height:
        return pl.DataFrame(schema=dict(schema))
    columns = []
    for (name, dtype), text, known in zip(schema.items(), found[: len(schema)], found[len(schema) :], strict=True):
        if text.count(_BETWEEN) != height - 1 or text.count(_NULL) != height - known:
            return None
        columns.append(_typed(_apart(name, text, has_nulls=known < height), dtype))
    return pl.DataFrame(columns)


def _text(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A value as text: a truth value as 0 or 1."""
    match column.type:
        case String():
            return column
        case Boolean():
            return cast(cast(column, Integer), Text)
        case _:
            return cast(column, Text)


def _apart(name: str, text: str, *, has_nulls: bool) -> pl.Series:
    if len(text) < _SHORT:
        return pl.Series(name, [None if each == _NULL else each for each in text.split(_BETWEEN)], pl.String)
    values = pl.Series(name, [text]).str.split(_BETWEEN).explode()
    return values.set(values == _NULL, None) if has_nulls else values


def _typed(values: pl.Series, dtype: pl.DataType | type[pl.DataType]) -> pl.Series:
    match dtype:
        case pl.List():
            return values.str.json_decode(dtype)
        case pl.Date():
            return values.str.to_date("%Y-%m-%d")
        case pl.Boolean():
            return values.cast(pl.Int64).cast(pl.Boolean)
        case _:
            return values.cast(dtype)
