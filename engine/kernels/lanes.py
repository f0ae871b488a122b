"""Four numbers at once: the processor's vectors, for sums and products over labels.

A row of labels is padded to whole vectors (`padded`). Left to itself the compiler must assume that
any store may change any array, and tests for it before each short loop over labels; with vectors
held in registers a pass over the judgments takes well under half the time.

Inside kernels a vector is made by `load` or `spread`, and takes part in +, -, * and / with other
vectors; it has no meaning outside.
"""

import operator
from typing import Any, cast

from llvmlite import ir as _ir
from numba.core import cgutils as _cgutils
from numba.core import types as _types
from numba.extending import intrinsic, models, overload, register_model

from engine.jit import FASTMATH, OPTIONS

# What numba and LLVM offer to builders of code bears no types.
ir: Any = _ir
cgutils: Any = _cgutils
types: Any = _types

WIDTH = 8
_VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)
_INT = ir.IntType(32)


def padded(labels: int) -> int:
    """The length of a row with room for so many labels: the next multiple of WIDTH."""
    return -(-labels // WIDTH) * WIDTH


class LanesType(_types.Type):
    """numba's type of a vector of WIDTH float64."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


_lanes = LanesType()


@register_model(LanesType)
class LanesModel(models.PrimitiveModel):
    """A vector is one machine register."""

    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)  # type: ignore[no-untyped-call]


def _address(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Where in the array the index points to; no place may be below 0."""
    array, index = signature.args[:2]
    view = context.make_array(array)(context, builder, args[0])
    places = [
        context.cast(builder, value, kind, types.intp)
        for value, kind in zip(cgutils.unpack_tuple(builder, args[1]), index.types, strict=True)
    ]
    return cgutils.get_item_pointer(
        context, builder, array, view, places, wraparound=False, boundscheck=False
    )


def _pointer(context: Any, builder: Any, signature: Any, args: Any) -> tuple[Any, Any, int]:
    """Where the vector lies, the vector type there, and the alignment."""
    dtype = signature.args[0].dtype
    vector = ir.VectorType(context.get_data_type(dtype), WIDTH)
    place = _address(context, builder, signature, args)
    return builder.bitcast(place, vector.as_pointer()), vector, dtype.bitwidth // 8


def _read(typing_context: Any, array: Any, index: Any) -> Any:
    del typing_context
    dtype = array.dtype
    kind = types.intp if isinstance(dtype, types.Integer) else types.float64

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = builder.load(_address(context, builder, signature, args))
        return context.cast(builder, value, dtype, kind)

    return kind(array, index), generate


def _load(typing_context: Any, array: Any, index: Any) -> Any:
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place, vector, align = _pointer(context, builder, signature, args)
        value = builder.load(place)
        value.align = align
        if isinstance(array.dtype, types.Integer):
            return builder.sitofp(value, _VECTOR)
        return value if vector == _VECTOR else builder.fpext(value, _VECTOR)

    return _lanes(array, index), generate


def _store(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place, vector, align = _pointer(context, builder, signature, args)
        if isinstance(array.dtype, types.Integer):
            stored = builder.fptosi(args[2], vector)
        else:
            stored = args[2] if vector == _VECTOR else builder.fptrunc(args[2], vector)
        builder.store(stored, place).align = align
        return context.get_dummy_value()

    return types.void(array, index, value), generate


def _fetch(typing_context: Any, array: Any, index: Any) -> Any:
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _address(context, builder, signature, args)
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, _INT, _INT, _INT])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        to_write, keep, data = (ir.Constant(_INT, value) for value in (1, 3, 1))
        builder.call(function, [builder.bitcast(place, byte), to_write, keep, data])
        return context.get_dummy_value()

    return types.void(array, index), generate


def _spread(typing_context: Any, number: Any) -> Any:
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = context.cast(builder, args[0], signature.args[0], types.float64)
        nothing = ir.Constant(_VECTOR, ir.Undefined)
        first = builder.insert_element(nothing, value, ir.Constant(_INT, 0))
        every = ir.Constant(ir.VectorType(_INT, WIDTH), [0] * WIDTH)
        return builder.shuffle_vector(first, nothing, every)

    return _lanes(number), generate


def _folded(join: Any) -> Any:
    """A function of all lanes: of two at a time, then of two results."""

    def fold(typing_context: Any, vector: Any) -> Any:
        del typing_context

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            del context, signature
            parts = [builder.extract_element(args[0], ir.Constant(_INT, i)) for i in range(WIDTH)]
            while len(parts) > 1:
                pairs = zip(parts[::2], parts[1::2], strict=True)
                parts = [join(builder, left, right) for left, right in pairs]
            return parts[0]

        return types.float64(vector), generate

    return fold


def _sum(builder: Any, left: Any, right: Any) -> Any:
    return builder.fadd(left, right)


def _larger(builder: Any, left: Any, right: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", left, right), left, right)


def _smaller(builder: Any, left: Any, right: Any) -> Any:
    return builder.select(builder.fcmp_ordered("<", left, right), left, right)


read: Any = intrinsic(_read)  # read(array, index): the number there, as int64 or float64
load: Any = intrinsic(_load)  # load(array, index): the WIDTH numbers from there on
store: Any = intrinsic(_store)  # store(array, index, vector)
fetch: Any = intrinsic(_fetch)  # fetch(array, index): have it in the cache soon
spread: Any = intrinsic(_spread)  # spread(number): in every lane
total: Any = intrinsic(_folded(_sum))  # total(vector): the sum of its lanes
highest: Any = intrinsic(_folded(_larger))  # highest(vector): its largest lane
lowest: Any = intrinsic(_folded(_smaller))  # lowest(vector): its smallest lane


def _arithmetic(instruction: str, *signs: Any) -> None:
    """Let + and its like work on vectors."""

    def compute(typing_context: Any, left: Any, right: Any) -> Any:
        del typing_context

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            del context, signature
            return getattr(builder, instruction)(*args, flags=sorted(FASTMATH))

        return _lanes(left, right), generate

    inner: Any = intrinsic(compute)

    def choose(left: Any, right: Any) -> Any:
        if isinstance(left, LanesType) and isinstance(right, LanesType):
            return cast("Any", lambda left, right: inner(left, right))  # noqa: PLW0108 - numba wants it
        return None

    for sign in signs:
        overload(sign, jit_options=OPTIONS, strict=False)(choose)


_arithmetic("fadd", operator.add, operator.iadd)
_arithmetic("fsub", operator.sub, operator.isub)
_arithmetic("fmul", operator.mul, operator.imul)
_arithmetic("fdiv", operator.truediv, operator.itruediv)
