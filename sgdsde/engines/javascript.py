"""A block as JavaScript: two functions of typed arrays, and the scripts that give them the random numbers of a seed.

What is printed is the block's own text, read as a tree of the few kinds of nodes that `sgdsde.printing` writes: nothing
else has a translation, so no user's text can reach a page as code. `scripts/` has what the functions call: Philox, the
noise sources of `sgdsde.engines.noise`, and the loop over steps.
"""

from __future__ import annotations

import ast
import math
import re
from importlib import resources

from sgdsde.codegen import SINGULAR, Block

#: In the order in which they use each other.
SCRIPTS = ("functions", "philox", "noise", "batches", "run")

_OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.BitAnd: "&&", ast.BitOr: "||",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "===", ast.NotEq: "!==",
}  # fmt: skip
_FUNCTIONS = {
    **{name: f"Math.{name}" for name in ("sqrt", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan")},
    "absolute": "Math.abs", "maximum": "Math.max", "minimum": "Math.min", "power": "Math.pow",
    **{name: name for name in ("softplus", "sigmoid", "mended_root", "rsqrt", "rsqrt_of_positive", "root_of")},
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def translated(code: str) -> str:
    """Text of an expression of a block, in JavaScript.

    Raises
    ------
    ValueError
        For what no block holds.

    Examples
    --------
    >>> translated("where((w0 > 0.0) & (p0 < 1.0), absolute(w0)/2.0, -t1)")
    '(((w0 > 0.0) && (p0 < 1.0)) ? (Math.abs(w0) / 2.0) : (-t1))'
    >>> translated("__import__('os')")
    Traceback (most recent call last):
    ValueError: no JavaScript for "__import__('os')"
    """
    return _text(ast.parse(code, mode="eval").body)


def _text(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) if _NAME.fullmatch(name):
            return name
        case ast.Constant(value=float() | int() as value) if not isinstance(value, bool):
            return repr(value) if math.isfinite(value) else "Infinity"
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"(-{_text(operand)})"
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return f"({_text(left)} {_OPERATORS[type(op)]} {_text(right)})"
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
            return f"({_text(left)} {_OPERATORS[type(op)]} {_text(right)})"
        case ast.Call(func=ast.Name(id="where"), args=[test, value, other], keywords=[]):
            return f"({_text(test)} ? {_text(value)} : {_text(other)})"
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            return f"{_FUNCTIONS[name]}({', '.join(map(_text, arguments))})"
    raise ValueError(f'no JavaScript for "{ast.unparse(node)}"')


def program(block: Block, kept: int | None = None) -> str:
    """The block as an object literal of JavaScript.

    ``scalars`` are the names of the run-time numbers that it uses, ``arrays`` those of its arrays. ``constants(s)``
    makes its constants of an object of such numbers. ``step(rows, into, c, paths)`` reads `rows`, an array for each of
    the block's arrays of one number for each path, with the constants c, and writes each output to an array of `into`.

    Parameters
    ----------
    block : Block
        Of any number of arrays.
    kept : int, optional
        How many outputs are written; the others are not computed. All by default.
    """
    outputs = block.outputs[:kept]
    lines = _needed(block.lines, outputs)
    constants = _needed(block.constants, [code for _, code in lines] + list(outputs))
    scalars = [name for name in block.scalars if any(name in _names(code) for _, code in constants)]
    used = set().union(*(_names(code) for _, code in lines), *map(_names, outputs))
    read = [(i, name) for i, name in enumerate(block.arrays) if name in used]
    body = "".join(f"const {name} = {translated(code)};\n" for name, code in lines)
    return (
        f"{{scalars: {_list(scalars)}, arrays: {_list(block.arrays)}, outputs: {len(outputs)},\n"
        f"constants(s) {{\n{_unpacked('s', scalars, named=True)}"
        + "".join(f"const {name} = {translated(code)};\n" for name, code in constants)
        + f"return [{', '.join(name for name, _ in constants)}];\n}},\n"
        f"step(rows, into, c, paths) {{\n{_unpacked('c', [name for name, _ in constants])}"
        + "".join(f"const of_{name} = rows[{i}];\n" for i, name in read)
        + "".join(f"const into{i} = into[{i}];\n" for i, _ in enumerate(outputs))
        + "for (let i = 0; i < paths; i++) {\n"
        + "".join(f"const {name} = of_{name}[i];\n" for _, name in read)
        + body
        + "".join(f"into{i}[i] = {translated(code)};\n" for i, code in enumerate(outputs))
        + "}\n}}"
    )


def formulas(block: Block) -> str:
    """The block as an object literal whose ``at(c, w)`` maps constants and one state to an array of the outputs."""
    constants = _needed(block.constants, [*(code for _, code in block.lines), *block.outputs])
    scalars = [name for name in block.scalars if any(name in _names(code) for _, code in constants)]
    return (
        f"{{scalars: {_list(scalars)},\n"
        f"constants(s) {{\n{_unpacked('s', scalars, named=True)}"
        + "".join(f"const {name} = {translated(code)};\n" for name, code in constants)
        + f"return [{', '.join(name for name, _ in constants)}];\n}},\n"
        f"at(c, w) {{\n{_unpacked('c', [name for name, _ in constants])}{_unpacked('w', list(block.arrays))}"
        + "".join(f"const {name} = {translated(code)};\n" for name, code in block.lines)
        + f"return [{', '.join(map(translated, block.outputs))}];\n}}}}"
    )


def runtime() -> str:
    """All scripts, as one text."""
    folder = resources.files("sgdsde.engines") / "scripts"
    found = "\n".join((folder / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    return found.replace("SINGULAR_PIVOT", repr(SINGULAR["float64"]))


def _needed(lines: tuple[tuple[str, str], ...], wanted: list[str] | tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The lines that those wanted depend on."""
    names = set().union(*map(_names, wanted))
    found: list[tuple[str, str]] = []
    for name, code in reversed(lines):
        if name in names:
            found.append((name, code))
            names |= _names(code)
    return tuple(reversed(found))


def _names(code: str) -> set[str]:
    return set(_NAME.findall(code))


def _list(names: list[str] | tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def _unpacked(source: str, names: list[str], named: bool = False) -> str:
    if not names:
        return ""
    return f"const {{{', '.join(names)}}} = {source};\n" if named else f"const [{', '.join(names)}] = {source};\n"
