"""Sums for many queries at once: each has a lane of the processor's vectors.

What it replaces, said in Python, is

    for at in range(start, end):
        for lane in range(LANES):
            sums[row, lane] += values[at] * weights[columns[at], lane]

which the compiler would carry out with the sums in memory, for it cannot know that the arrays do not overlap. Here
they stay in registers for all of a row.
"""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as typed_intrinsic

# As numba types it, whoever calls an intrinsic would have to give the typing context, which the compiler gives.
intrinsic: Any = typed_intrinsic

# Two vectors of 512 bits or four of 256.
LANES: Final = 32
# Sums that go on side by side, so that none waits for the one before.
_BESIDE: Final = 2

_INDEX: Final = ir.IntType(64)
_LANES: Final = ir.VectorType(ir.FloatType(), LANES)
_FIRST: Final = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
_ZERO: Final = ir.Constant(_LANES, [0.0] * LANES)
_NOTHING: Final = ir.Constant(_LANES, ir.Undefined)
# Side of the squares that are turned, its vector, and what laces the halves of two of them.
SQUARE: Final = 16
_SIDE: Final = ir.VectorType(ir.FloatType(), SQUARE)
_LACED: Final = tuple(
    ir.Constant(ir.VectorType(ir.IntType(32), SQUARE), [each for i in half for each in (i, i + SQUARE)])
    for half in (range(SQUARE // 2), range(SQUARE // 2, SQUARE))
)
# A float32 is aligned to so many bytes, and no more is known of a row.
_ALIGNED: Final = 4


def _loaded(builder: ir.IRBuilder, pointer: Any) -> Any:
    found = builder.load(pointer)
    found.align = _ALIGNED
    return found


def _row(context: Any, builder: ir.IRBuilder, of: Any, array: Any, row: Any) -> Any:
    """Where a row of an array of `LANES` columns lies."""
    begin = builder.gep(context.make_array(of)(context, builder, array).data, [builder.mul(row, _INDEX(LANES))])
    return builder.bitcast(begin, _LANES.as_pointer())


def _in_all_lanes(builder: ir.IRBuilder, value: Any) -> Any:
    first = builder.insert_element(_NOTHING, value, ir.IntType(32)(0))
    return builder.shuffle_vector(first, _NOTHING, _FIRST)


@intrinsic
def add_weighted(
    typing: Any, columns: Any, values: Any, start: Any, end: Any, weights: Any, sums: Any, row: Any
) -> tuple[Any, Any]:
    """Add the values from `start` to `end`, each times its column's row of `weights`, to a row of `sums`.

    `columns` are unsigned integers, the others float32; `weights` and `sums` have `LANES` columns and are contiguous.
    """
    signature = types.void(columns, values, types.int64, types.int64, weights, sums, types.int64)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        def data(place: int) -> Any:
            return context.make_array(signature.args[place])(context, builder, arguments[place]).data

        def lanes(place: int, number: Any) -> Any:
            return _row(context, builder, signature.args[place], arguments[place], number)

        def add(into: Any, at: Any) -> None:
            column = builder.zext(builder.load(builder.gep(data_of_columns, [at])), _INDEX)
            value = _in_all_lanes(builder, builder.load(builder.gep(data_of_values, [at])))
            product = builder.fmul(value, _loaded(builder, lanes(4, column)), flags=("fast",))
            builder.store(builder.fadd(builder.load(into), product, flags=("fast",)), into)

        data_of_columns, data_of_values = data(0), data(1)
        first, last = arguments[2], arguments[3]
        beside = [cgutils.alloca_once(builder, _LANES) for _ in range(_BESIDE)]
        for each in beside:
            builder.store(_ZERO, each)
        whole = builder.sub(last, builder.srem(builder.sub(last, first), _INDEX(_BESIDE)))
        with cgutils.for_range_slice(builder, first, whole, _INDEX(_BESIDE), _INDEX) as (at, _):
            for number, each in enumerate(beside):
                add(each, builder.add(at, _INDEX(number)))
        with cgutils.for_range_slice(builder, whole, last, _INDEX(1), _INDEX) as (at, _):
            add(beside[0], at)
        target = lanes(5, arguments[6])
        total = _loaded(builder, target)
        for each in beside:
            total = builder.fadd(total, builder.load(each), flags=("fast",))
        builder.store(total, target).align = _ALIGNED
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def turn(typing: Any, table: Any, first: Any, sums: Any, row: Any) -> tuple[Any, Any]:
    """Write `SQUARE` columns of a table, from `first` on, to as many rows of `sums`, from `row` on.

    The table has `LANES` rows; both are of float32 and contiguous. Vectors i and i + 8 of a square are laced together,
    for each i, four times: then its rows are its columns.
    """
    signature = types.void(table, types.int64, sums, types.int64)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        of_table, of_sums = (
            context.make_array(signature.args[place])(context, builder, arguments[place]) for place in (0, 2)
        )
        width = cgutils.unpack_tuple(builder, of_table.shape)[1]

        def square(of: Any, at: Any) -> Any:
            return builder.bitcast(builder.gep(of.data, [at]), _SIDE.as_pointer())

        for begin in range(0, LANES, SQUARE):
            side = []
            for lane in range(begin, begin + SQUARE):
                at = builder.add(builder.mul(width, _INDEX(lane)), arguments[1])
                side.append(_loaded(builder, square(of_table, at)))
            for _ in range(SQUARE.bit_length() - 1):
                half = SQUARE // 2
                side = [
                    builder.shuffle_vector(side[number], side[number + half], mask)
                    for number in range(half)
                    for mask in _LACED
                ]
            for number, each in enumerate(side):
                at = builder.add(builder.mul(builder.add(arguments[3], _INDEX(number)), _INDEX(LANES)), _INDEX(begin))
                builder.store(each, square(of_sums, at)).align = _ALIGNED
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def reaching(typing: Any, sums: Any, row: Any, rest: Any, query_rest: Any, asked: Any) -> tuple[Any, Any]:
    """Which lanes' bounds, `sums[row] + query_rest * rest`, are at least what is asked: a bit for each, as uint32."""
    signature = types.uint32(sums, types.int64, types.float32, query_rest, asked)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        own, factors, least = (
            _loaded(builder, _row(context, builder, signature.args[place], arguments[place], row))
            for place, row in ((0, arguments[1]), (3, _INDEX(0)), (4, _INDEX(0)))
        )
        product = builder.fmul(factors, _in_all_lanes(builder, arguments[2]), flags=("fast",))
        bound = builder.fadd(own, product, flags=("fast",))
        return builder.bitcast(builder.fcmp_ordered(">=", bound, least), ir.IntType(LANES))

    return signature, generate


@intrinsic
def raise_to(typing: Any, sums: Any, row: Any, greatest: Any, span: Any) -> tuple[Any, Any]:
    """Raise a row of `greatest` to a row of `sums` where that is greater."""
    signature = types.void(sums, types.int64, greatest, types.int64)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        own = _loaded(builder, _row(context, builder, signature.args[0], *arguments[:2]))
        pointer = _row(context, builder, signature.args[2], *arguments[2:])
        before = _loaded(builder, pointer)
        higher = builder.select(builder.fcmp_ordered(">", own, before), own, before)
        builder.store(higher, pointer).align = _ALIGNED
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def fetch(typing: Any, array: Any, at: Any) -> tuple[Any, Any]:
    """Have the processor bring what stands in an array from a place on into its first cache, without waiting for it."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pointer = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, number, number, number])
        call = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(call, [pointer, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate
