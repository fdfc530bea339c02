"""Which code a result is of: a digest of the function's source and of this library's."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

import sgdsde

#: Rooms on which no result depends; what is in `sweeps` and matters to a store is its FORMAT.
_NO_MATTER = ("cli", "plotting", "sweeps")
#: Of what a store holds; a change here makes stores of another version.
FORMAT = 1


@dataclass(frozen=True)
class CodeVersion:
    """What must be the same for two results to belong to one sweep.

    Attributes
    ----------
    function : str
        The qualified name of the function.
    source : str
        Digest of the whole file that the function is in; empty where the user has named a version.
    library : str
        sgdsde's version and the digest of its sources but those of the command line, pictures and sweeps; empty where
        the user has named a version.
    named : str
        The version that the user has named, or empty.
    format : int
        Of the store.
    """

    function: str
    source: str
    library: str
    named: str
    format: int = FORMAT

    @property
    def text(self) -> str:
        """All of it as JSON: what the keys of cells are made with."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=True)

    def __str__(self) -> str:
        code = f"version {self.named!r}" if self.named else f"file {self.source}, sgdsde {self.library}"
        return f"{self.function} ({code}, format {self.format})"


def code_version(function: Callable[..., Any], named: str | None = None) -> CodeVersion:
    """The version of a function: the file it is in and sgdsde's sources, or the name that a user gives.

    What else the function imports is not looked at, nor the versions of Python, NumPy and other packages: where these
    matter, name a version.

    Parameters
    ----------
    function : callable
        What a sweep calls.
    named : str, optional
        Taken for it in place of the digests.

    Raises
    ------
    ValueError
        When a function without a `named` version has no source file, or depends on more than its source: a closure, a
        bound method, a partial function.

    Examples
    --------
    >>> from sgdsde.theory import stationary_covariance
    >>> version = code_version(stationary_covariance)
    >>> version.function, len(version.source), code_version(max, "1").named
    ('stationary_covariance', 16, '1')
    """
    if not callable(function):
        raise ValueError(f"function must be callable, got {function!r}")
    if named is not None:
        if not isinstance(named, str) or not named:
            raise ValueError(f"version must be a text that is not empty, got {named!r}")
        return CodeVersion(_name_of(function), "", "", named)
    return CodeVersion(_name_of(function), source_digest(function), library_version(), "")


def source_digest(function: Callable[..., Any]) -> str:
    """Digest of the file, or of the notebook's cell, that a function is in, 16 hexadecimal digits."""
    inner = inspect.unwrap(function)
    if isinstance(inner, MethodType) or not isinstance(inner, FunctionType):
        raise ValueError(
            f"function must be one that is defined by def in a file, got {type(inner).__name__}: arguments that are "
            f"the same in every cell go into fixed=; for anything else name a version="
        )
    if inner.__closure__:
        raise ValueError(
            f"function must not depend on variables around it, {inner.__qualname__} is a closure of "
            f"{', '.join(inner.__code__.co_freevars)}: give them by fixed=, or name a version="
        )
    try:
        file = inspect.getsourcefile(inner)
        text = Path(file).read_bytes() if file and Path(file).exists() else inspect.getsource(inner).encode()
    except (OSError, TypeError):
        raise ValueError(
            f"function {inner.__qualname__} has no source file to tell its version by: name a version="
        ) from None
    return hashlib.sha256(text).hexdigest()[:16]


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
        if place.parts[0] not in _NO_MATTER:
            digest.update(f"{place.as_posix()}\n".encode() + path.read_bytes())
    return f"{sgdsde.__version__} {digest.hexdigest()[:16]}"


def _name_of(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__qualname__", type(function).__qualname__))
