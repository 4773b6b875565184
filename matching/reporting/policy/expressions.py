"""Arithmetic and conditions of the rule files: a few lines of text, read by a whitelist and never run as code.

An expression is a tree of decimal numbers as they are written, names, + - * / and unary minus, comparisons, `in`,
and/or/not, `min`, `max` and `first_known`. Logic has three values: what is not known (None) makes a result not known
unless and/or decide without it. A division by zero gives what is not known.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from typing import Any, Final, Literal, cast

from matching.errors import DataFileError, Problem

Type = Literal["number", "truth", "text", "texts"]
Value = Decimal | bool | str | tuple[str, ...] | None

# Digits that no sum of money times a few rates can reach: nothing is rounded before the end.
EXACT: Final = Context(prec=100)
_NUMBER: Final = re.compile(r"[0-9_]+(\.[0-9_]+)?")
ARITHMETIC: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
EQUALITIES: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], Any]]] = {ast.Eq: operator.eq, ast.NotEq: operator.ne}
ORDERS: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
FUNCTIONS: Final = ("min", "max", "first_known")


@dataclass(frozen=True)
class Expression:
    """A checked expression: its text, its tree, the type of its result and the names it uses, in their order."""

    text: str
    tree: ast.expr
    type: Type
    names: tuple[str, ...]


def parse(text: str, types: Mapping[str, Type], *, file: str, rule: str) -> Expression:
    """Read and check an expression over names of these types.

    Raises `DataFileError` that names file and rule: not an expression, a name that there is not, a part that is not
    allowed, or one that does not fit (a sum of texts).
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _refused("policy.not_read", file, rule=rule, text=text) from error
    reader = _Reader(text.strip(), types, file, rule)
    return Expression(text.strip(), tree, reader.type_of(tree), tuple(dict.fromkeys(reader.names)))


def _refused(key: str, file: str, **values: object) -> DataFileError:
    return DataFileError(Problem(key, file, values=values))


class _Reader:
    """Finds the type of each part; numbers are kept as they are written, so that none becomes a float."""

    def __init__(self, text: str, types: Mapping[str, Type], file: str, rule: str) -> None:
        self.text, self.types, self.file, self.rule = text, types, file, rule
        self.names: list[str] = []

    def type_of(self, node: ast.expr) -> Type:
        match node:
            case ast.Constant():
                return self._number(node)
            case ast.Name(id=name):
                return self._named(name)
            case ast.UnaryOp(op=ast.USub(), operand=part):
                return self._all("number", [part], node)
            case ast.UnaryOp(op=ast.Not(), operand=part):
                return self._all("truth", [part], node)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in ARITHMETIC:
                return self._all("number", [left, right], node)
            case ast.BoolOp(values=parts):
                return self._all("truth", parts, node)
            case ast.Compare(left=left, ops=[sign], comparators=[right]):
                return self._compared(left, sign, right, node)
            case ast.Call(func=ast.Name(id=name), args=[_, _, *_] as parts, keywords=[]) if name in FUNCTIONS:
                return self._all("number", parts, node)
        raise self._wrong("policy.not_allowed", node)

    def _number(self, node: ast.Constant) -> Type:
        written = self._written(node)
        if not _NUMBER.fullmatch(written):
            raise self._wrong("policy.not_allowed", node)
        node.value = written
        return "number"

    def _named(self, name: str) -> Type:
        if name not in self.types:
            raise _refused("policy.unknown_name", self.file, rule=self.rule, text=self.text, name=name)
        self.names.append(name)
        return self.types[name]

    def _all(self, wanted: Type, parts: Iterable[ast.expr], whole: ast.expr) -> Type:
        if any(self.type_of(part) != wanted for part in parts):
            raise self._wrong("policy.does_not_fit", whole)
        return wanted

    def _compared(self, left: ast.expr, sign: ast.cmpop, right: ast.expr, whole: ast.expr) -> Type:
        sides = self.type_of(left), self.type_of(right)
        fits: dict[type[ast.cmpop], bool] = {
            **dict.fromkeys((ast.In, ast.NotIn), sides == ("text", "texts")),
            **dict.fromkeys(EQUALITIES, sides in (("number", "number"), ("text", "text"))),
            **dict.fromkeys(ORDERS, sides == ("number", "number")),
        }
        if type(sign) not in fits:
            raise self._wrong("policy.not_allowed", whole)
        if not fits[type(sign)]:
            raise self._wrong("policy.does_not_fit", whole)
        return "truth"

    def _written(self, node: ast.expr) -> str:
        return ast.get_source_segment(self.text, node) or ""

    def _wrong(self, key: str, node: ast.expr) -> DataFileError:
        return _refused(key, self.file, rule=self.rule, text=self.text, part=self._written(node))


def evaluate(expression: Expression, values: Mapping[str, Value]) -> Value:
    """What an expression gives for these values; a name that has none is not known."""
    with localcontext(EXACT):
        return _value(expression.tree, values)


def number_in(node: ast.Constant) -> Decimal:
    """The decimal that a number of a checked expression is."""
    return Decimal(cast("str", node.value))


def _value(node: ast.expr, values: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant():
            return number_in(node)
        case ast.Name(id=name):
            return values.get(name)
        case ast.UnaryOp(op=sign, operand=part):
            found = _value(part, values)
            if found is None:
                return None
            return not found if isinstance(sign, ast.Not) else -cast("Decimal", found)
        case ast.BoolOp(op=sign, values=parts):
            return _joined(isinstance(sign, ast.Or), [cast("bool | None", _value(part, values)) for part in parts])
        case ast.BinOp(left=left, op=sign, right=right):
            return _computed(sign, _value(left, values), _value(right, values))
        case ast.Compare(left=left, ops=[sign], comparators=[right]):
            return _told(sign, _value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id=name), args=parts):
            return _called(name, [cast("Decimal | None", _value(part, values)) for part in parts])
    raise TypeError(ast.dump(node))


def _joined(deciding: bool, found: list[bool | None]) -> bool | None:
    """`or` is decided by one True, `and` by one False; else one that is not known leaves it open."""
    if deciding in found:
        return deciding
    return None if None in found else not deciding


def _computed(sign: ast.operator, left: Value, right: Value) -> Value:
    if left is None or right is None or (isinstance(sign, ast.Div) and right == 0):
        return None
    return cast("Decimal", ARITHMETIC[type(sign)](left, right))


def _told(sign: ast.cmpop, left: Value, right: Value) -> bool | None:
    if left is None or right is None:
        return None
    if isinstance(sign, ast.In | ast.NotIn):
        return (left in cast("tuple[str, ...]", right)) is isinstance(sign, ast.In)
    return bool({**EQUALITIES, **ORDERS}[type(sign)](left, right))


def _called(name: str, found: list[Decimal | None]) -> Decimal | None:
    known = [each for each in found if each is not None]
    if name == "first_known":
        return known[0] if known else None
    if len(known) < len(found):
        return None
    return min(known) if name == "min" else max(known)
