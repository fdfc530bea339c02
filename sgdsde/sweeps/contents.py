"""Digests of what values hold, the same in every process: what a function depends on beside its code.

Nothing is guessed: of a value that cannot be told by its contents, Unknown is raised.
"""

from __future__ import annotations

import contextlib
import copyreg
import dataclasses
import functools
import hashlib
import inspect
import os
import random
import sys
import types
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgdsde.sweeps.bytecode import essence
from sgdsde.sweeps.owners import Owners

_LOCKS = tuple({type(sys.modules["_thread"].allocate_lock()), type(sys.modules["_thread"].RLock())})
_DESCRIPTORS = (
    types.WrapperDescriptorType, types.MethodDescriptorType, types.ClassMethodDescriptorType,
    types.GetSetDescriptorType, types.MemberDescriptorType,
)  # fmt: skip
_FIELD = ("name", "default", "default_factory", "init", "repr", "hash", "compare", "metadata", "kw_only")


_PICKLING = ("__reduce_ex__", "__reduce__", "__getstate__")


class Unknown(Exception):
    """A value whose contents cannot be told; the message says which."""


class Contents:
    """Digests of values.

    Parameters
    ----------
    refer : callable
        Given a function, a class or a module, which have digests of their own; returns the name of it.
    owners : Owners
    """

    def __init__(self, refer: Callable[[Any], str], owners: Owners) -> None:
        self._refer = refer
        self._owners = owners
        self._done: dict[int, bytes] = {}
        self._kept: list[Any] = []  # so that no other value takes the id of one of them
        self._open: list[int] = []

    def digest(self, value: Any) -> bytes:
        """The SHA-256 of a value's contents, 32 bytes.

        Raises
        ------
        Unknown
            When it, or something in it, is nothing that can be told by its contents.
        """
        write = _SIMPLE.get(type(value))
        if write is not None:
            return _hash(type(value).__name__, write(value))
        if isinstance(value, (types.FunctionType, type, types.ModuleType)):
            return _hash("refer", self._refer(value).encode())
        at = id(value)
        if at in self._done:
            return self._done[at]
        if at in self._open:  # a value that holds itself
            return _hash("above", str(len(self._open) - self._open.index(at)).encode())
        self._open.append(at)
        try:
            found = _hash(type(value).__qualname__, *self._parts(value))
        finally:
            self._open.pop()
        self._kept.append(value)
        self._done[at] = found
        return found

    def _all(self, *values: Any) -> Iterable[bytes]:
        return [self.digest(value) for value in values]

    def _parts(self, value: Any) -> Iterable[bytes]:
        kind = type(value)
        if kind in _HELD:
            return self._all(*_HELD[kind](value))
        if kind in (set, frozenset):
            return sorted(self._all(*value))
        if isinstance(value, np.ndarray) and kind is np.ndarray and not value.dtype.hasobject:
            return _array(value)
        if isinstance(value, np.generic) and not isinstance(value, np.void):
            return [value.dtype.str.encode(), value.tobytes()]
        if isinstance(value, (types.BuiltinFunctionType, types.MethodWrapperType)):
            return self._of_c(value)
        if isinstance(value, _DESCRIPTORS):
            return [self.digest(value.__objclass__), value.__name__.encode()]
        if isinstance(value, np.ufunc):
            return [self._package_of(value, value.__name__), value.__name__.encode()]
        if isinstance(value, _LOCKS) or _is_everyones(value):
            return []
        for module, make in _BY_MODULE.items():
            if kind.__module__.split(".")[0] == module and (found := make(value)) is not None:
                return self._all(*found)
        return self._of_instance(value)

    def _of_c(self, value: Any) -> Iterable[bytes]:
        """A function without code that can be read."""
        owner = value.__self__
        if owner is not None and not isinstance(owner, types.ModuleType):
            return [value.__name__.encode(), self.digest(owner)]
        module = value.__module__ or getattr(owner, "__name__", "")
        return [f"{module}.{value.__qualname__}".encode(), *self._file(module)]

    def _named(self, value: Any, module: str, name: str) -> Iterable[bytes]:
        """What is pickled by its name: a function of Cython's, a type variable."""
        found: Any = sys.modules.get(module)
        for each in name.split("."):
            found = getattr(found, each, None)
        if found is not value:
            raise Unknown(f"{value!r}, which is not found as {module}.{name}")
        return [f"{module}.{name}".encode(), *self._file(module)]

    def _file(self, module: str) -> Iterable[bytes]:
        """A digest of a compiled module of the user's, of which nothing else is known."""
        file = getattr(sys.modules.get(module), "__file__", None)
        if file and self._owners.own(module) and not file.endswith(".py"):
            with open(file, "rb") as compiled:
                yield hashlib.file_digest(compiled, "sha256").digest()

    def _package_of(self, value: Any, name: str) -> bytes:
        """The installed package that has it under this name."""
        tops = {
            module.partition(".")[0]
            for module, each in list(sys.modules.items())
            if getattr(each, "__dict__", {}).get(name) is value and not self._owners.own(module)
        }
        if not tops:
            raise Unknown(f"{value!r}, made by no installed package")
        return min(tops).encode()

    def _of_instance(self, value: Any) -> Iterable[bytes]:
        """As pickle would see it, and for a class of the user's all that it has in Python too."""
        kind = type(value)
        plain = all(getattr(kind, name) is getattr(object, name) for name in _PICKLING)
        try:
            registered = copyreg.dispatch_table.get(kind)
            reduced = registered(value) if registered else value.__reduce_ex__(4)
        except Exception as error:
            raise Unknown(f"a value of type {kind.__module__}.{kind.__qualname__} ({error})") from None
        if isinstance(reduced, str):
            module = getattr(value, "__module__", None) or kind.__module__
            return self._named(value, module, reduced)
        make, arguments, state, items, pairs = (*reduced, *[None] * 5)[:5]
        found = [kind, make, arguments, list(items or ()), [tuple(pair) for pair in pairs or ()]]
        if not plain:
            found += [state, *reduced[5:]]
        if plain or self._owners.own(kind.__module__):
            found.append(_held(value))
        return self._all(*found)


def _held(value: Any) -> dict[str, Any]:
    """Attributes of an instance, but for cached properties: these follow from the others."""
    kind = type(value)
    found: dict[str, Any] = {}
    for name in ("__dict__", *copyreg._slotnames(kind)):  # type: ignore[attr-defined]
        with contextlib.suppress(AttributeError):  # a slot that is empty; not what a __getattr__ of the user's says
            held = object.__getattribute__(value, name)
            found |= held if name == "__dict__" else {name: held}
    return {name: held for name, held in found.items() if not _is_cached(kind, name)}


def _is_cached(kind: type, name: str) -> bool:
    return isinstance(inspect.getattr_static(kind, name, None), functools.cached_property)


def _array(value: NDArray[Any]) -> list[bytes]:
    about = f"{value.dtype.descr if value.dtype.names else value.dtype.str} {value.shape}"
    whole = np.ascontiguousarray(value)
    return [about.encode(), hashlib.sha256(whole.data if whole.dtype.kind in "biufc" else whole.tobytes()).digest()]


def _is_everyones(value: Any) -> bool:
    """Whether it is the environment, or a generator that all functions of a module share: these are not looked at."""
    numpy = getattr(sys.modules.get("numpy.random.mtrand"), "_rand", None)
    shared = (numpy, getattr(random, "_inst", None))
    return isinstance(value, type(os.environ)) or any(value is each for each in shared if each is not None)


def _tensor(value: Any) -> list[Any] | None:
    if type(value).__name__ not in ("Tensor", "Parameter") or not hasattr(value, "detach"):
        return None
    torch: Any = sys.modules["torch"]
    raw = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8) if value.numel() else value.new_empty(0)
    data = raw.cpu().numpy() if value.numel() else b""
    return [type(value).__name__, str(value.dtype), tuple(value.shape), value.device.type, value.requires_grad, data]


def _compiled(value: Any) -> list[Any] | None:
    """A function of Numba's: what it was made of, not what it has compiled."""
    if not isinstance(getattr(value, "py_func", None), types.FunctionType):
        return None
    return [value.py_func, dict(getattr(value, "targetoptions", {}))]


def _hash(kind: str, *parts: bytes) -> bytes:
    found = hashlib.sha256()
    for part in (kind.encode(), *parts):
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.digest()


#: Type → its value as bytes.
_SIMPLE: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda value: b"",
    type(...): lambda value: b"",
    type(NotImplemented): lambda value: b"",
    bool: lambda value: bytes([value]),
    int: lambda value: value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True),
    float: lambda value: np.float64(value).tobytes(),
    complex: lambda value: np.complex128(value).tobytes(),
    str: lambda value: value.encode("utf-8", "surrogatepass"),
    bytes: lambda value: value,
    bytearray: bytes,
    memoryview: lambda value: value.tobytes(),
}
#: Type → the values that make it up, in order.
_HELD: dict[type, Callable[[Any], Iterable[Any]]] = {
    tuple: lambda value: value,
    list: lambda value: value,
    dict: lambda value: value.items(),
    types.MappingProxyType: lambda value: value.items(),
    types.CodeType: essence,
    types.MethodType: lambda value: (value.__func__, value.__self__),
    property: lambda value: (value.fget, value.fset, value.fdel),
    staticmethod: lambda value: (value.__func__,),
    classmethod: lambda value: (value.__func__,),
    functools.cached_property: lambda value: (value.func,),
    type(functools.lru_cache(abs)): lambda value: (value.__wrapped__, value.cache_parameters()),
    dataclasses.Field: lambda value: [getattr(value, name, None) for name in _FIELD],
    np.ma.MaskedArray: lambda value: (value.data, np.ma.getmaskarray(value), value.fill_value),
    np.dtype: lambda value: (str(value.descr if value.names else value.str),),
}
#: Package → the values that make up what its own pickles do not tell in a way that lasts.
_BY_MODULE: dict[str, Callable[[Any], list[Any] | None]] = {"torch": _tensor, "numba": _compiled}
