"""Sums Σ_e v_e M[r_e, j … j + J) over rows of a matrix, J a few vectors of the processor, kept in its registers.

Loops over whole rows would write each partial sum to memory and read it again; these write each result once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

#: Bytes of a vector that x86-64 and ARM processors have, or halves of which they have.
BYTES = 32
_I64, _I32 = ir.IntType(64), ir.IntType(32)
#: Products may be added with one rounding.
_FUSED = ("contract",)
#: Places of arguments: what is kept of `out`, and what moves with it.
_KEEP, _MOVED = 8, 9


def scaled_rows(vectors: int) -> Any:
    """Make ``f(out, i, j, matrix, rows, values, begin, end)``: out[i, j …] = Σ_e values[e] matrix[rows[e], j …].

    It sums over begin ≤ e < end, in `vectors` vectors of columns, for floats or doubles in C order.
    """

    @intrinsic
    def sums(
        typing_context: Any, out: Any, i: Any, j: Any, matrix: Any, rows: Any, values: Any, begin: Any, end: Any
    ) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            loop = _Loop(context, builder, signature, arguments, vectors)
            for place, total in zip(loop.places(0), loop.sums(), strict=True):
                loop.store(total, place)
            return context.get_dummy_value()

        return types.void(out, i, j, matrix, rows, values, begin, end), codegen

    return sums


def less_rows(vectors: int) -> Any:
    """Make ``f(out, i, j, matrix, rows, values, begin, end, keep)``: out[i, j …] ← keep out[i, j …] − Σ_e ….

    With the sums of `scaled_rows`, of which nothing is left in memory.
    """

    @intrinsic
    def less(
        typing_context: Any, out: Any, i: Any, j: Any, matrix: Any, rows: Any, values: Any, begin: Any, end: Any,
        keep: Any,
    ) -> Any:  # fmt: skip
        return types.void(out, i, j, matrix, rows, values, begin, end, keep), partial(_less, vectors)

    return less


def moved_by_rows(vectors: int) -> Any:
    """Make ``f(out, i, j, matrix, rows, values, begin, end, keep, moved)``: `less_rows`, then moved ← moved + out."""

    @intrinsic
    def move(
        typing_context: Any, out: Any, i: Any, j: Any, matrix: Any, rows: Any, values: Any, begin: Any, end: Any,
        keep: Any, moved: Any,
    ) -> Any:  # fmt: skip
        return types.void(out, i, j, matrix, rows, values, begin, end, keep, moved), partial(_less, vectors)

    return move


def _less(vectors: int, context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    loop = _Loop(context, builder, signature, arguments, vectors)
    kept, places = loop.everywhere(arguments[_KEEP]), loop.places(0)
    others = loop.places(_MOVED) if len(arguments) > _MOVED else []
    totals = loop.sums()
    for k, (place, total) in enumerate(zip(places, totals, strict=True)):
        new = builder.fsub(builder.fmul(kept, loop.load(place), flags=_FUSED), total, flags=_FUSED)
        loop.store(new, place)
        if others:
            loop.store(builder.fadd(loop.load(others[k]), new), others[k])
    return context.get_dummy_value()


class _Loop:
    """The loop over e as LLVM code, and what stands around it."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Sequence[Any], vectors: int) -> None:
        self._context, self._builder, self._types = context, builder, signature.args
        self._arguments, self._vectors = arguments, vectors
        element = context.get_data_type(signature.args[3].dtype)
        self._size = context.get_abi_sizeof(element)
        self._lanes = BYTES // self._size
        self._vector = ir.VectorType(element, self._lanes)

    def _array(self, number: int) -> Any:
        return self._context.make_array(self._types[number])(self._context, self._builder, self._arguments[number])

    def places(self, number: int) -> list[Any]:
        """Where the vectors of an argument's row i are, from column j on; all are worked out before the loop."""
        return self._of_row(self._array(number), self._arguments[1])

    def _of_row(self, array: Any, row: Any) -> list[Any]:
        builder, j = self._builder, self._arguments[2]
        before = builder.mul(row, builder.extract_value(array.strides, 0))
        memory = builder.bitcast(array.data, ir.IntType(8).as_pointer())
        first = builder.gep(memory, [builder.add(before, builder.mul(j, _I64(self._size)))])
        vectors = builder.bitcast(first, self._vector.as_pointer())
        return [builder.gep(vectors, [_I32(k)]) for k in range(self._vectors)]

    def load(self, place: Any) -> Any:
        found = self._builder.load(place)
        found.align = self._size  # rows begin anywhere
        return found

    def store(self, value: Any, place: Any) -> None:
        self._builder.store(value, place).align = self._size

    def everywhere(self, number: Any) -> Any:
        """A vector of one number."""
        builder, undefined = self._builder, ir.Constant(self._vector, ir.Undefined)
        one = builder.insert_element(undefined, number, _I32(0))
        zeros = ir.Constant(ir.VectorType(_I32, self._lanes), [0] * self._lanes)
        return builder.shuffle_vector(one, undefined, zeros)

    def sums(self) -> list[Any]:
        """The loop; what stands after it comes behind."""
        builder, (begin, end) = self._builder, self._arguments[6:8]
        matrix, rows, values = self._array(3), self._array(4), self._array(5)
        before, zero = builder.block, ir.Constant(self._vector, None)
        loop, done = builder.append_basic_block("rows"), builder.append_basic_block("summed")
        builder.cbranch(builder.icmp_signed("<", begin, end), loop, done)
        builder.position_at_end(loop)
        e, totals = builder.phi(_I64), [builder.phi(self._vector) for _ in range(self._vectors)]
        row = builder.zext(builder.load(builder.gep(rows.data, [e])), _I64)
        value = self.everywhere(builder.load(builder.gep(values.data, [e])))
        added = [
            builder.fadd(total, builder.fmul(value, self.load(place), flags=_FUSED), flags=_FUSED)
            for total, place in zip(totals, self._of_row(matrix, row), strict=True)
        ]
        following = builder.add(e, _I64(1))
        for phi, first, later in zip((e, *totals), (begin, *[zero] * len(totals)), (following, *added), strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(later, loop)
        builder.cbranch(builder.icmp_signed("<", following, end), loop, done)
        builder.position_at_end(done)
        found = [builder.phi(self._vector) for _ in range(self._vectors)]
        for phi, later in zip(found, added, strict=True):
            phi.add_incoming(zero, before)
            phi.add_incoming(later, loop)
        return found
