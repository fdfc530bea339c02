"""Which code a result is of: what the function reaches, and a digest of this library's sources."""

from __future__ import annotations

import functools
import hashlib
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import sgdsde
from sgdsde.sweeps.owners import LIBRARY, Owners
from sgdsde.sweeps.reach import GLOBALS, Reach
from sgdsde.sweeps.replaced import matters

#: The format of what a store holds; a change here makes stores of another version.
FORMAT = 2
_KEY = ("function", "code", "library", "python", "named", "format")
_SHOWN = 5  # differences that a message lists


@dataclass(frozen=True)
class CodeVersion:
    """What must be the same for two results to belong to one sweep.

    Attributes
    ----------
    function : str
        The qualified name of the function.
    code : str
        Digest of `parts`; empty where the user has named a version, as `library` and `python` are.
    library : str
        sgdsde's version and the digest of its sources but those of the command line, pictures and sweeps.
    python : str
        Whose bytecode it is, such as ``"cpython-311"``.
    named : str
        The version that the user has named, or empty.
    format : int
        Of the store.
    parts : tuple of (str, str)
        All code and values of the user's that the function reaches: what each is called, and a digest.
    users : tuple of str
        Packages that were taken for the user's.
    """

    function: str
    code: str
    library: str
    python: str
    named: str
    format: int = FORMAT
    parts: tuple[tuple[str, str], ...] = ()
    users: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All that must be the same, as JSON: what the keys of cells are made with."""
        return json.dumps({name: getattr(self, name) for name in _KEY}, sort_keys=True, ensure_ascii=True)

    def __str__(self) -> str:
        code = f"version {self.named!r}" if self.named else f"code {self.code}, sgdsde {self.library}, {self.python}"
        return f"{self.function} ({code}, format {self.format})"


def code_version(
    function: Callable[..., Any], named: str | None = None, *, users: Iterable[str] | None = None
) -> CodeVersion:
    """The version of a function: all that it reaches of the user's, and sgdsde's sources; or the name that is given.

    Looked into, by bytecode and by contents and not by files: the function and what it wraps, its defaults, the
    variables around it, its object if it is a method or an instance; the globals and attributes of modules that it
    names, and what these name in turn, classes with all their methods and helpers in other files among them. Of Python
    and of packages in ``site-packages`` only names count, and what the user has put in their place.

    Not looked at: files that are read, the environment, the state of global random generators, the versions of
    packages. Where these matter, name a version.

    Parameters
    ----------
    function : callable
        What a sweep calls.
    named : str, optional
        Taken for it in place of the digests.
    users : iterable of str, optional
        Packages to take for the user's; by default told by where their files are.

    Raises
    ------
    ValueError
        When a function without a `named` version depends on what cannot be told: an open file, a generator, ``eval``,
        ``exec``, ``globals``, ``import_module``, ``sys.modules``, ``__subclasses__``.

    Examples
    --------
    >>> from sgdsde.theory import stationary_covariance
    >>> version = code_version(stationary_covariance)
    >>> version.function, len(version.code), code_version(max, "1").named
    ('stationary_covariance', 16, '1')
    >>> scale = 2
    >>> double = code_version(lambda x: scale * x)
    >>> scale = 3
    >>> double == code_version(lambda x: scale * x)
    False
    """
    if not callable(function):
        raise ValueError(f"function must be callable, got {function!r}")
    name = _name_of(function)
    if named is not None:
        if not isinstance(named, str) or not named:
            raise ValueError(f"version must be a text that is not empty, got {named!r}")
        return CodeVersion(name, "", "", "", named)
    owners = Owners(users)
    owners.claim(_home(function))
    parts = tuple(sorted(Reach(function, owners).parts.items()))
    code = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
    python = str(sys.implementation.cache_tag)
    return CodeVersion(name, code, library_version(), python, "", parts=parts, users=owners.users)


def differences(one: CodeVersion, other: CodeVersion) -> str:
    """What of the code differs, in words: ``"study.scale, the code of study.f"``; empty where nothing is known of it.

    >>> scale = 2
    >>> one = code_version(lambda x: scale * x)
    >>> scale = 3
    >>> differences(one, code_version(lambda x: scale * x)).endswith(".scale")
    True
    """
    words = {"library": LIBRARY, "python": "Python"}
    found = [word for name, word in words.items() if getattr(one, name) != getattr(other, name)]
    ours, theirs = dict(one.parts), dict(other.parts)
    if ours and theirs and one.python == other.python:
        differ = [name for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name)]
        found += [name for name in differ if not name.startswith(GLOBALS)] or differ
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return ", ".join(found[:_SHOWN] + more)


@functools.cache
def library_version() -> str:
    """sgdsde's version number and the digest of its sources on which results depend.

    >>> library_version().startswith(sgdsde.__version__ + " ")
    True
    """
    root = Path(sgdsde.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root)
        if matters(place.with_suffix("").parts):
            digest.update(f"{place.as_posix()}\n".encode() + path.read_bytes())
    return f"{sgdsde.__version__} {digest.hexdigest()[:16]}"


def _home(function: Callable[..., Any]) -> str | None:
    """The module in which a function or the class of an instance was defined; None for what is not Python."""
    while isinstance(function, (functools.partial, MethodType)):
        function = function.func if isinstance(function, functools.partial) else function.__func__
    if isinstance(function, FunctionType):
        return str(function.__globals__.get("__name__"))  # decorators copy __module__ from another function
    if isinstance(function, BuiltinFunctionType):
        return None
    return (function if isinstance(function, type) else type(function)).__module__


def _name_of(function: Callable[..., Any]) -> str:
    if isinstance(function, functools.partial):
        return f"partial of {_name_of(function.func)}"
    return str(getattr(function, "__qualname__", type(function).__qualname__))
