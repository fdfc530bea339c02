"""What the code of a function says it uses: names of globals, attributes and imports; and when two are the same."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any

#: Reads of names that are not local ones, in functions and in the bodies of classes in them.
_READS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}


@dataclass(frozen=True)
class Import:
    """``from module import names`` inside a function; `level` counts the dots before the module."""

    module: str
    level: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class Uses:
    """Names that occur in a code and in those within it.

    Attributes
    ----------
    globals : frozenset of str
        Read as globals or builtins.
    names : frozenset of str
        Of attributes, and texts that could be such.
    imports : tuple of Import
    """

    globals: frozenset[str]
    names: frozenset[str]
    imports: tuple[Import, ...]


def uses(code: CodeType) -> Uses:
    """All names of a code.

    >>> found = uses((lambda x: scale * math.cos(x)).__code__)
    >>> sorted(found.globals), "cos" in found.names
    (['math', 'scale'], True)
    """
    read: set[str] = set()
    names: set[str] = set()
    imports: list[Import] = []
    for each in _within(code):
        names.update(each.co_names)
        names.update(text for text in _texts(each.co_consts) if text.isidentifier())
        before: list[Any] = [None, None]
        for step in dis.get_instructions(each):
            if step.opname in _READS:
                read.add(step.argval)
            elif step.opname == "IMPORT_NAME":
                level, wanted = before
                imports.append(Import(step.argval, level if isinstance(level, int) else 0, tuple(wanted or ())))
            if step.opname != "EXTENDED_ARG":
                before = [before[1], step.argval]
    return Uses(frozenset(read), frozenset(names), tuple(imports))


def essence(code: CodeType) -> tuple[Any, ...]:
    """What of a code decides on what it does; neither where it stands nor how it is laid out."""
    return (
        code.co_code, code.co_consts, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars,
        code.co_flags, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_exceptiontable,
    )  # fmt: skip


def _within(code: CodeType) -> Iterator[CodeType]:
    yield code
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from _within(value)


def _texts(values: tuple[Any, ...] | frozenset[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, (tuple, frozenset)):
            yield from _texts(value)
