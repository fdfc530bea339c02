"""From the text of a kernel to LLVM code, without type inference: the few statements that our kernels are made of.

Numba spends seconds on what a kernel's text leaves open and ours do not: types are those of the signature, a name has
one type, loops are over ranges, and arrays are memory that was handed in. What is accepted is what the generated texts
of `sgdsde.engines` use; any other statement raises `NotImplementedError`. Functions that a text imports are compiled by
Numba, once (`sgdsde.engines.lane_library`), and linked in.

Numbers are computed as Numba computes them there: doubles with fused multiply-adds allowed and nothing else, integers
of 64 bits. Whole quotients and rests are those of numbers that are not negative.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard

from llvmlite import ir

_I64, _I1, _I32, _F64 = ir.IntType(64), ir.IntType(1), ir.IntType(32), ir.DoubleType()
_BYTES = ir.IntType(8).as_pointer()
_FUSED = ("contract",)
#: Kinds of values: bool, signed and unsigned integers of 64 bits, doubles; and of what arrays hold,
#: where words of 32 bits are read as unsigned integers, and floats are only handed on.
_SCALARS: dict[str, ir.Type] = {"b": _I1, "i": _I64, "u": _I64, "d": _F64}
_ELEMENTS: dict[str, tuple[str, ir.Type]] = {
    "I": ("i", _I64), "D": ("d", _F64), "W": ("u", _I32), "S": ("s", ir.FloatType()),
}  # fmt: skip
#: How far a kind is from a double: two kinds meet in the farther.
_ORDER = "biud"


@dataclass(frozen=True)
class Value:
    """A number that the kernel computes: its kind and where it is."""

    kind: str
    at: Any


@dataclass(frozen=True)
class Array:
    """Memory: the letter of its elements, where it begins, and its lengths, in rows."""

    letter: str
    at: Any
    lengths: tuple[Any, ...]


@dataclass
class Slot:
    """Where a name's value is kept; memory on the stack, which LLVM turns into registers."""

    kind: str
    at: Any


#: A number known now, one known later, memory, or several of them.
Found: TypeAlias = "bool | int | float | Value | Array | tuple[Any, ...]"
#: (module, name, letters of the arguments) → symbol; letters are those of `Value`, with the number where an integer is
#: known, for which the function is then compiled; for arrays those of `Array` with the rank.
Symbols: TypeAlias = Callable[[str, str, tuple[str, ...]], str]


def llvm_code(source: str, name: str, signature: str, symbols: Symbols) -> str:
    """LLVM assembly of the function `name` of a kernel's text.

    Parameters
    ----------
    source, name, signature : str
        As of `sgdsde.engines.machine_code.load`.
    symbols : callable
        Gives the symbol of an imported function for the kinds of its arguments.

    Raises
    ------
    NotImplementedError
        For a statement that no kernel has.
    """
    places: dict[str, str] = {}
    functions: dict[str, ast.FunctionDef] = {}
    for each in ast.parse(source).body:
        if isinstance(each, ast.ImportFrom):
            places |= {alias.name: each.module or "" for alias in each.names}
        elif isinstance(each, ast.FunctionDef):
            functions[each.name] = each
    tree = functions[name]
    compiler = _Compiler(name, [each.arg for each in tree.args.args], signature, places, symbols)
    compiler.run(tree.body)
    return str(compiler.module)


class _Compiler:
    def __init__(
        self, name: str, names: Sequence[str], signature: str, places: Mapping[str, str], symbols: Symbols
    ) -> None:
        self.module, self.places, self.symbols = ir.Module(name), places, symbols
        types = [_ELEMENTS[each][1].as_pointer() if each.isupper() else _SCALARS[each] for each in signature]
        self.function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), types), name)
        self.entry = self.function.append_basic_block("entry")
        self.b = ir.IRBuilder(self.function.append_basic_block("body"))
        self.names: dict[str, Any] = {}
        for each, argument, letter in zip(names, self.function.args, signature, strict=True):
            argument.name = each
            if letter.isupper():
                argument.add_attribute("noalias")
                self.names[each] = Array(letter, argument, ())
            else:
                self.names[each] = Value(letter, argument)
        self.loops: list[tuple[Any, Any]] = []
        self.declared: dict[str, Any] = {}

    def run(self, body: Sequence[ast.stmt]) -> None:
        stored = {each.id for part in body for each in ast.walk(part) if _is_stored(each)}
        for name, argument in self.names.items():
            if name in stored and isinstance(argument, Value):  # read in a loop before it is given there
                slot = self.names[name] = self.reserve(argument.kind)
                self.b.store(argument.at, slot.at)
        self.block(body)
        self.b.ret_void()
        ir.IRBuilder(self.entry).branch(self.function.basic_blocks[1])

    # Statements

    def block(self, body: Sequence[ast.stmt]) -> None:
        """Statements one after the other, up to one that leaves."""
        for statement in body:
            if self.b.block.is_terminated:
                return
            getattr(self, f"on_{type(statement).__name__}", self.refuse)(statement)

    def refuse(self, node: ast.AST) -> Any:
        raise NotImplementedError(f"no kernel has {ast.unparse(node)!r}")

    def on_Pass(self, statement: ast.Pass) -> None:
        pass

    def on_Expr(self, statement: ast.Expr) -> None:
        if not isinstance(statement.value, ast.Constant):
            self.value(statement.value)

    def on_Assign(self, statement: ast.Assign) -> None:
        (target,) = statement.targets
        found = self.value(statement.value)
        if isinstance(target, ast.Tuple):
            for each, part in zip(target.elts, found, strict=True):
                self.put(each, part)
        else:
            self.put(target, found)

    def on_AugAssign(self, statement: ast.AugAssign) -> None:
        load = ast.parse(ast.unparse(statement.target), mode="eval").body
        self.put(statement.target, self.binary(statement.op, self.value(load), self.value(statement.value)))

    def on_If(self, statement: ast.If) -> None:
        test = self.truth(self.value(statement.test))
        if isinstance(test, bool):
            self.block(statement.body if test else statement.orelse)
            return
        with self.b.if_else(test) as (then, otherwise):
            with then:
                self.block(statement.body)
            with otherwise:
                self.block(statement.orelse)

    def on_While(self, statement: ast.While) -> None:
        head, body, after = (self.function.append_basic_block(part) for part in ("while", "do", "done"))
        self.b.branch(head)
        self.b.position_at_end(head)
        test = self.truth(self.value(statement.test))
        if test is True:
            self.b.branch(body)
        else:
            self.b.cbranch(test, body, after)
        self.inside(statement.body, body, head, after)

    def on_For(self, statement: ast.For) -> None:
        assert isinstance(statement.iter, ast.Call)
        assert isinstance(statement.target, ast.Name)
        limits = [self.value(each) for each in statement.iter.args]
        first, last, by = [0, *limits, 1][-3:] if len(limits) < 2 else [*limits, 1][:3]
        slot = self.reserve("i")
        self.b.store(self.as_kind(first, "i"), slot.at)
        end = self.as_kind(last, "i")
        head, body, step, after = (self.function.append_basic_block(part) for part in ("for", "do", "next", "done"))
        self.b.branch(head)
        self.b.position_at_end(head)
        self.b.cbranch(self.b.icmp_signed("<", self.b.load(slot.at), end), body, after)
        self.b.position_at_end(step)
        self.b.store(self.b.add(self.b.load(slot.at), self.as_kind(by, "i"), flags=("nuw", "nsw")), slot.at)
        self.b.branch(head)
        outside = dict(self.names)
        self.names[statement.target.id] = slot
        self.inside(statement.body, body, step, after)
        self.names = outside  # a name first given in a loop ends with it, and may have another type in the next

    def inside(self, statements: Sequence[ast.stmt], body: Any, again: Any, after: Any) -> None:
        self.loops.append((again, after))
        self.b.position_at_end(body)
        self.block(statements)
        if not self.b.block.is_terminated:
            self.b.branch(again)
        self.loops.pop()
        self.b.position_at_end(after)

    def on_Break(self, statement: ast.Break) -> None:
        self.b.branch(self.loops[-1][1])

    def on_Continue(self, statement: ast.Continue) -> None:
        self.b.branch(self.loops[-1][0])

    def put(self, target: ast.expr, found: Found) -> None:
        """Give a name or an element of an array its value."""
        if isinstance(target, ast.Subscript):
            array = self.value(target.value)
            kind, element = _ELEMENTS[array.letter]
            at = self.element(array, target.slice)
            number = self.as_kind(found, kind)
            self.b.store(self.b.trunc(number, element) if element is _I32 else number, at)
            return
        assert isinstance(target, ast.Name)
        known = self.names.get(target.id)
        if isinstance(found, Array):
            self.put_array(target.id, known, found)
            return
        kind = found.kind if isinstance(found, Value) else _kind_of(found)
        if not isinstance(known, Slot):
            known = self.names[target.id] = self.reserve(kind)
        if _ORDER.index(kind) > _ORDER.index(known.kind):
            raise NotImplementedError(f"{target.id!r} is first {known.kind!r} and then {kind!r}")
        self.b.store(self.as_kind(found, known.kind), known.at)

    def put_array(self, name: str, known: Any, found: Array) -> None:
        """Arrays are kept like numbers, for one may be named under a condition."""
        lengths = tuple(each if isinstance(each, int) else self.fixed(each) for each in found.lengths)
        if not isinstance(known, Array) or not isinstance(known.at, Slot):
            known = Array(found.letter, Slot(found.letter, self.room(found.at.type)), lengths)
        self.names[name] = Array(found.letter, known.at, lengths)
        self.b.store(found.at, known.at.at)

    def fixed(self, length: Any) -> Value:
        """A length as it is now, whatever becomes of the names that it was made of."""
        return Value("i", self.as_kind(length, "i"))

    def reserve(self, kind: str) -> Slot:
        return Slot(kind, self.room(_SCALARS[kind]))

    def room(self, kind: ir.Type) -> Any:
        return ir.IRBuilder(self.entry).alloca(kind)

    # Expressions

    def value(self, node: ast.expr) -> Any:
        return getattr(self, f"of_{type(node).__name__}", self.refuse)(node)

    def of_Constant(self, node: ast.Constant) -> Any:
        return node.value

    def of_Name(self, node: ast.Name) -> Any:
        found = self.names[node.id]
        if isinstance(found, Slot):
            return Value(found.kind, self.b.load(found.at))
        if isinstance(found, Array) and isinstance(found.at, Slot):
            return Array(found.letter, self.b.load(found.at.at), found.lengths)
        return found

    def of_Tuple(self, node: ast.Tuple) -> tuple[Any, ...]:
        return tuple(self.value(each) for each in node.elts)

    def of_UnaryOp(self, node: ast.UnaryOp) -> Any:
        found = self.value(node.operand)
        if isinstance(node.op, ast.Not):
            test = self.truth(found)
            return not test if isinstance(test, bool) else Value("b", self.b.not_(test))
        if not isinstance(found, Value):
            return -found
        if found.kind == "d":
            return Value("d", self.b.fneg(found.at, flags=_FUSED))
        return Value("i", self.b.neg(found.at))

    def of_BinOp(self, node: ast.BinOp) -> Any:
        return self.binary(node.op, self.value(node.left), self.value(node.right))

    def binary(self, op: ast.operator, left: Any, right: Any) -> Any:
        if not isinstance(left, Value) and not isinstance(right, Value):
            return _KNOWN[type(op)](left, right)
        kind = max((_kind_of(each) for each in (left, right)), key=_ORDER.index)
        if isinstance(op, ast.Div):
            kind = "d"
        elif kind == "b" and not isinstance(op, ast.BitAnd | ast.BitOr | ast.BitXor):
            kind = "i"
        a, b = self.as_kind(left, kind), self.as_kind(right, kind)
        if kind == "d":
            return Value("d", getattr(self.b, _FLOATS[type(op)])(a, b, flags=_FUSED))
        compute = getattr(self.b, _INTEGERS[type(op)])
        exact = kind == "i" and isinstance(op, ast.Add | ast.Sub | ast.Mult)  # signed numbers do not wrap round
        return Value(kind, compute(a, b, flags=("nsw",)) if exact else compute(a, b))

    def of_Compare(self, node: ast.Compare) -> Any:
        (op,), (other,) = node.ops, node.comparators
        left, right = self.value(node.left), self.value(other)
        if not isinstance(left, Value) and not isinstance(right, Value):
            return _KNOWN[type(op)](left, right)
        kind = max((_kind_of(each) for each in (left, right)), key=_ORDER.index)
        a, b, sign = self.as_kind(left, kind), self.as_kind(right, kind), _SIGNS[type(op)]
        if kind == "d":
            compare = self.b.fcmp_unordered if sign == "!=" else self.b.fcmp_ordered
            return Value("b", compare(sign, a, b))
        return Value("b", (self.b.icmp_signed if kind == "i" else self.b.icmp_unsigned)(sign, a, b))

    def of_BoolOp(self, node: ast.BoolOp) -> Any:
        """`and` and `or`: what comes after is looked at only where it matters, if it divides."""
        every = isinstance(node.op, ast.And)
        found: Any = every
        for each in node.values:
            if isinstance(found, bool):
                found = self.truth(self.value(each)) if found == every else found
                continue
            if not _divides(each):
                other = self.truth(self.value(each))
                found = self.both(every, found, other)
                continue
            slot = self.reserve("b")
            self.b.store(found, slot.at)
            with self.b.if_then(found if every else self.b.not_(found)):
                self.b.store(self.as_kind(self.wrapped(self.truth(self.value(each))), "b"), slot.at)
            found = self.b.load(slot.at)
        return found if isinstance(found, bool) else Value("b", found)

    def both(self, every: bool, found: Any, other: Any) -> Any:
        if isinstance(other, bool):
            return found if other == every else other
        return self.b.and_(found, other) if every else self.b.or_(found, other)

    def of_IfExp(self, node: ast.IfExp) -> Any:
        """Both are computed and one is chosen, which vectorises, unless one divides integers."""
        test = self.truth(self.value(node.test))
        if isinstance(test, bool):
            return self.value(node.body if test else node.orelse)
        if _divides(node.body) or _divides(node.orelse):
            slot = self.reserve("i")
            with self.b.if_else(test) as (then, otherwise):
                for side, each in ((then, node.body), (otherwise, node.orelse)):
                    with side:
                        self.b.store(self.as_kind(self.value(each), "i"), slot.at)
            return Value("i", self.b.load(slot.at))
        return self.choose(test, self.value(node.body), self.value(node.orelse))

    def choose(self, test: Any, one: Any, other: Any) -> Value:
        kind = max(map(_kind_of, (one, other)), key=_ORDER.index)
        return Value(kind, self.b.select(test, self.as_kind(one, kind), self.as_kind(other, kind)))

    def of_Subscript(self, node: ast.Subscript) -> Any:
        array = self.value(node.value)
        if isinstance(node.slice, ast.Slice):
            assert node.slice.lower is not None
            assert node.slice.upper is not None
            first, last = self.value(node.slice.lower), self.value(node.slice.upper)
            return Array(array.letter, self.shifted(array, first), (self.binary(ast.Sub(), last, first),))
        if not isinstance(node.slice, ast.Tuple) and len(array.lengths) > 1:
            place: Any = self.value(node.slice)
            for length in array.lengths[1:]:
                place = self.binary(ast.Mult(), place, length)
            return Array(array.letter, self.shifted(array, place), array.lengths[1:])
        kind, element = _ELEMENTS[array.letter]
        loaded = self.b.load(self.element(array, node.slice))
        return Value(kind, self.b.zext(loaded, _I64) if element is _I32 else loaded)

    def element(self, array: Array, places: ast.expr) -> Any:
        """Address of an element."""
        indices = [self.value(each) for each in (places.elts if isinstance(places, ast.Tuple) else [places])]
        total = indices[0]
        for index, length in zip(indices[1:], array.lengths[1:], strict=True):
            total = self.binary(ast.Add(), self.binary(ast.Mult(), total, length), index)
        return self.shifted(array, total)

    def shifted(self, array: Array, by: Any) -> Any:
        return self.b.gep(array.at, [self.as_kind(by, "i")], inbounds=True)

    def of_Call(self, node: ast.Call) -> Any:
        assert isinstance(node.func, ast.Name)
        name, given = node.func.id, [self.value(each) for each in node.args]
        own = getattr(self, f"call_{name}", None)
        return self.linked(name, given) if own is None else own(*given)

    def call_wide_vectors(self) -> None:
        """See `lane_math.wide_vectors`."""
        set.add(self.function.attributes, '"prefer-vector-width"="512"')

    def call_carray(self, pointer: Array, shape: Any) -> Array:
        return Array(pointer.letter, pointer.at, shape if isinstance(shape, tuple) else (shape,))

    def call_uint64(self, number: Any) -> Value:
        return Value("u", self.as_kind(number, "u"))

    def call_int(self, number: Any) -> Value:
        return Value("i", self.as_kind(number, "i"))

    def call_min(self, one: Any, other: Any) -> Value:
        return self.choose(self.b.icmp_signed("<", self.as_kind(one, "i"), self.as_kind(other, "i")), one, other)

    def call_where(self, test: Any, one: Any, other: Any) -> Any:
        known = self.truth(test)
        if isinstance(known, bool):
            return one if known else other
        slot = self.reserve("d")
        with self.b.if_else(known) as (then, otherwise):
            with then:
                self.b.store(self.as_kind(one, "d"), slot.at)
            with otherwise:
                self.b.store(self.as_kind(other, "d"), slot.at)
        return Value("d", self.b.load(slot.at))

    def linked(self, name: str, given: Sequence[Any]) -> Any:
        """Call what Numba compiled: where to put the result, where to put an exception, the arguments.

        Numbers go in as they are, arrays as owner (none), parent (none), items, bytes of one, place, lengths, strides.
        """
        letters, arguments = [], []
        for each in given:
            if isinstance(each, Array):
                letters.append(f"{each.letter}{len(each.lengths)}")
                arguments += self.flat(each)
                continue
            kind = _kind_of(each) if _kind_of(each) != "b" else "i"
            letters.append(f"i{int(each)}" if kind == "i" and not isinstance(each, Value) else kind)
            arguments.append(self.as_kind(each, kind))
        symbol = self.symbols(self.places[name if name in self.places else "*"], name, tuple(letters))
        number = all(letter == "d" for letter in letters)
        result, error = self.room(_F64 if number else _BYTES), self.room(_BYTES)
        called = self.declared.get(symbol)
        if called is None:
            types = [result.type, error.type, *(each.type for each in arguments)]
            called = self.declared[symbol] = ir.Function(self.module, ir.FunctionType(_I32, types), symbol)
            for place in (0, 1):
                called.args[place].add_attribute("noalias")
        self.b.call(called, [result, error, *arguments])
        return Value("d", self.b.load(result)) if number else None

    def flat(self, array: Array) -> list[Any]:
        size = {"I": 8, "D": 8, "W": 4, "S": 4}[array.letter]
        lengths = [self.as_kind(each, "i") for each in array.lengths]
        strides, items = [ir.Constant(_I64, size)], lengths[-1]
        for length in lengths[:0:-1]:
            strides.insert(0, self.b.mul(strides[0], length, flags=("nuw", "nsw")))
        for length in lengths[:-1]:
            items = self.b.mul(items, length, flags=("nuw", "nsw"))
        none = ir.Constant(_BYTES, None)
        return [none, none, items, ir.Constant(_I64, size), array.at, *lengths, *strides]

    # Kinds

    def truth(self, found: Any) -> Any:
        """A bool known now, or a bit."""
        if not isinstance(found, Value):
            return bool(found)
        return found.at if found.kind == "b" else self.b.icmp_signed("!=", found.at, ir.Constant(_I64, 0))

    def wrapped(self, bit: Any) -> Any:
        return bit if isinstance(bit, bool) else Value("b", bit)

    def as_kind(self, found: Any, kind: str) -> Any:
        """A value of LLVM's of that kind."""
        if not isinstance(found, Value):
            return ir.Constant(_SCALARS[kind], float(found) if kind == "d" else int(found))
        if found.kind == kind or {found.kind, kind} == {"i", "u"}:
            return found.at
        if kind == "d":
            signed = found.kind == "i"
            return (self.b.sitofp if signed else self.b.uitofp)(found.at, _F64)
        if found.kind == "d":
            return self.b.fptosi(found.at, _I64)
        if found.kind != "b":
            raise NotImplementedError(f"no kernel takes {found.kind!r} for {kind!r}")
        return self.b.zext(found.at, _I64)


def _kind_of(found: Any) -> str:
    if isinstance(found, Value):
        return found.kind
    return {bool: "b", int: "i", float: "d"}[type(found)]


def _is_stored(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _divides(node: ast.AST) -> bool:
    """Whether it divides integers, which must not be tried with a zero."""
    return any(isinstance(each, ast.FloorDiv | ast.Mod) for each in ast.walk(node))


_KNOWN: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Eq: operator.eq, ast.NotEq: operator.ne,
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_,
}  # fmt: skip
_SIGNS: Mapping[type, str] = {
    ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_FLOATS: Mapping[type, str] = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
_INTEGERS: Mapping[type, str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.FloorDiv: "udiv", ast.Mod: "urem", ast.BitAnd: "and_",
    ast.BitOr: "or_", ast.BitXor: "xor",
}  # fmt: skip
