"""What the user has put into code that is not the user's: in place of its own, or beside it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from types import FunctionType, ModuleType
from typing import Any

from sgdsde.sweeps.owners import Owners, is_library

#: Rooms of this library on which no result depends, but for the functions that sweeps are offered.
_NO_MATTER = {"cli", "plotting", "sweeps"}


def put_into_library(owners: Owners) -> Iterator[tuple[str, Any]]:
    """Functions and classes of the user's in this library's modules: in place of its own, or as schemes.

    Yields what each is called, and what it is.
    """
    for name, module in sorted(sys.modules.items()):
        if not is_library(name) or not isinstance(module, ModuleType) or not matters(name.split(".")[1:]):
            continue
        for word, value in sorted(vars(module).items()):
            if is_users(value, owners):
                yield f"{name}.{word}", value
            elif isinstance(value, type) and value.__module__ == name:
                yield from ((f"{name}.{word}.{key}", each) for key, each in put_into_class(value, owners))
            elif isinstance(value, dict) and not word.startswith("__"):
                for key, each in value.items():
                    if is_users(getattr(each, "function", each), owners):
                        yield f"{name}.{word}[{key!r}]", each


def put_into_class(kind: type, owners: Owners) -> Iterator[tuple[str, Any]]:
    """Functions of the user's in a class that is not the user's, by name."""
    return ((name, value) for name, value in sorted(vars(kind).items()) if is_users(value, owners))


def is_users(value: Any, owners: Owners) -> bool:
    """Whether it is a function or a class from one of the user's modules."""
    if isinstance(value, FunctionType):
        name = value.__globals__.get("__name__")
    elif isinstance(value, type):
        name = value.__module__
    else:
        return False
    return name in sys.modules and owners.users_own(name)


def matters(place: Sequence[str]) -> bool:
    """Whether results depend on a module of this library, given by the names of its rooms and its own.

    >>> matters(["theory", "escape"]), matters(["plotting", "style"]), matters(["sweeps", "functions"])
    (True, False, True)
    """
    return not set(place[:1]) & _NO_MATTER or list(place) == ["sweeps", "functions"]
