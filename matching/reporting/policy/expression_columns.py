"""The expressions of the rule files over whole frames: the same answers as one by one, in exact integers.

A number is a column of 128-bit integers with as many decimals as its parts have; what does not fit into them, and
every division, is worked out row by row.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import reduce
from typing import Final

import polars as pl

from matching.reporting.policy.expressions import (
    ARITHMETIC,
    EQUALITIES,
    EXACT,
    ORDERS,
    Expression,
    Value,
    evaluate,
    number_in,
)

# Decimals of the fen columns, digits of a 64-bit integer, and digits that 128 bits hold.
FEN: Final = 2
_AMOUNT_DIGITS: Final = 19
_MOST_DIGITS: Final = 38


class _Inexact(Exception):
    """A part cannot be told exactly in integers."""


@dataclass(frozen=True)
class _Number:
    """Integers that stand for value x 10^scale, and how many digits they can have."""

    column: pl.Expr
    scale: int
    digits: int

    def at(self, scale: int) -> _Number:
        """The same with more decimals."""
        added = scale - self.scale
        return _number(self.column * _literal(10**added), scale, self.digits + added) if added else self


def fen(amount: Decimal) -> int:
    """Yuan as fen, a half rounded away from zero."""
    with localcontext(EXACT):
        return int((amount * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def yuan(amount_fen: int) -> Decimal:
    """Fen as yuan with two decimals."""
    return Decimal(amount_fen).scaleb(-FEN, EXACT)


def column_of(expression: Expression, frame: pl.DataFrame, parameters: Mapping[str, Value]) -> pl.Series:
    """What an expression gives for each row of a frame whose columns are the values.

    Numbers are Int64 fen in the frame and in the answer (a half rounded away from zero), truths Boolean, texts String;
    null is what is not known.
    """
    try:
        column = _Columns(frame.schema, parameters).of(expression)
    except _Inexact:
        return _by_rows(expression, frame, parameters)
    found = frame.select(answer=column)["answer"]
    # What polars finds to be the same for all rows, it gives once.
    return found if len(found) == frame.height else found.new_from_index(0, frame.height)


def _by_rows(expression: Expression, frame: pl.DataFrame, parameters: Mapping[str, Value]) -> pl.Series:
    names = [name for name in expression.names if name not in parameters]
    numbers = {name for name in names if frame.schema[name] == pl.Int64()}
    answers = []
    # Counted, so that an expression without names has as many answers as there are rows.
    for row in frame.select(pl.int_range(pl.len()).alias(""), *names).iter_rows(named=True):
        known = {name: yuan(cell) if name in numbers and cell is not None else cell for name, cell in row.items()}
        answers.append(evaluate(expression, {**known, **parameters}))
    if expression.type == "number":
        rounded = [fen(answer) if isinstance(answer, Decimal) else None for answer in answers]
        return pl.Series("answer", rounded, pl.Int64())
    return pl.Series("answer", answers, pl.Boolean())


def _literal(number: int) -> pl.Expr:
    return pl.lit(number, dtype=pl.Int128())


def _number(column: pl.Expr, scale: int, digits: int) -> _Number:
    if digits > _MOST_DIGITS:
        raise _Inexact
    return _Number(column, scale, digits)


class _Columns:
    """Makes columns of the parts of an expression."""

    def __init__(self, schema: pl.Schema, parameters: Mapping[str, Value]) -> None:
        self.schema, self.parameters = schema, parameters

    def of(self, expression: Expression) -> pl.Expr:
        if expression.type == "truth":
            return self._truth(expression.tree)
        found = self._numeric(expression.tree)
        found = found.at(max(found.scale, FEN))
        unit, column = 10 ** (found.scale - FEN), found.column
        half_up = (_size(column) + _literal(unit // 2)) // _literal(unit)
        return pl.when(column < _literal(0)).then(_literal(0) - half_up).otherwise(half_up).cast(pl.Int64())

    def _numeric(self, node: ast.expr) -> _Number:
        match node:
            case ast.Constant():
                return _written(number_in(node))
            case ast.Name(id=name):
                stated = self.parameters.get(name)
                if isinstance(stated, Decimal):
                    return _written(stated)
                return _number(pl.col(name).cast(pl.Int128()), FEN, _AMOUNT_DIGITS)
            case ast.UnaryOp(operand=part):
                found = self._numeric(part)
                return _number(_literal(0) - found.column, found.scale, found.digits)
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                first, second = self._numeric(left), self._numeric(right)
                digits = first.digits + second.digits
                return _number(first.column * second.column, first.scale + second.scale, digits)
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as sign, right=right):
                first, second = self._level([left, right])
                column = ARITHMETIC[type(sign)](first.column, second.column)
                return _number(column, first.scale, max(first.digits, second.digits) + 1)
            case ast.Call(func=ast.Name(id=name), args=parts):
                return self._called(name, self._level(parts))
        raise _Inexact

    def _level(self, parts: list[ast.expr]) -> list[_Number]:
        """Numbers with as many decimals as the one that has most."""
        found = [self._numeric(part) for part in parts]
        scale = max(each.scale for each in found)
        return [each.at(scale) for each in found]

    def _called(self, name: str, found: list[_Number]) -> _Number:
        columns = [each.column for each in found]
        if name == "first_known":
            column = pl.coalesce(columns)
        else:
            chosen = reduce(_smaller if name == "min" else _larger, columns)
            column = pl.when(pl.all_horizontal(each.is_not_null() for each in columns)).then(chosen)
        return _number(column, found[0].scale, max(each.digits for each in found))

    def _truth(self, node: ast.expr) -> pl.Expr:
        match node:
            case ast.UnaryOp(operand=part):
                return ~self._truth(part)
            case ast.BoolOp(op=sign, values=parts):
                truths = [self._truth(part) for part in parts]
                return pl.any_horizontal(truths) if isinstance(sign, ast.Or) else pl.all_horizontal(truths)
            case ast.Compare(left=left, ops=[sign], comparators=[right]):
                return self._told(left, sign, right)
            case ast.Name(id=name):
                return pl.col(name)
        raise _Inexact

    def _told(self, left: ast.expr, sign: ast.cmpop, right: ast.expr) -> pl.Expr:
        if isinstance(sign, ast.In | ast.NotIn) and isinstance(left, ast.Name) and isinstance(right, ast.Name):
            among = self.parameters[right.id]
            found = pl.col(left.id).is_in(list(among) if isinstance(among, tuple) else [])
            return found if isinstance(sign, ast.In) else ~found
        compare = {**EQUALITIES, **ORDERS}[type(sign)]
        if isinstance(left, ast.Name) and self.schema.get(left.id) == pl.String():
            if not isinstance(right, ast.Name):
                raise _Inexact
            of_texts: pl.Expr = compare(pl.col(left.id), pl.col(right.id))
            return of_texts
        first, second = self._level([left, right])
        of_numbers: pl.Expr = compare(first.column, second.column)
        return of_numbers


def _written(number: Decimal) -> _Number:
    scale = max(-int(number.as_tuple().exponent), 0)
    whole = int(number.scaleb(scale, EXACT))
    return _number(_literal(whole), scale, len(str(abs(whole))))


def _size(column: pl.Expr) -> pl.Expr:
    return pl.when(column < _literal(0)).then(_literal(0) - column).otherwise(column)


def _smaller(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    return pl.when(left <= right).then(left).otherwise(right)


def _larger(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    return pl.when(left >= right).then(left).otherwise(right)
