"""Packages that an extra of this library brings, and what is said where one is missing."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

#: Package that `pip install sgdsde` does not bring → the extra that does.
EXTRAS = {"torch": "networks", "curvlinops": "evidence", "dynesty": "evidence", "distributed": "sweeps"}


class MissingExtraError(ModuleNotFoundError):
    """What was asked for needs a package that is not installed; the message names the extra that brings it."""


def load(module: str, what: str | None = None) -> ModuleType:
    """Import a module that may need an extra.

    Parameters
    ----------
    module : str
        Of this library, or a package of `EXTRAS`.
    what : str, optional
        What needs it, as the message is to begin; the module by default.

    Raises
    ------
    MissingExtraError
        When a package of an extra is missing, by which `name` it is called.

    Examples
    --------
    >>> load("math").floor(2.5)
    2
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if isinstance(error, MissingExtraError) or not missing_extra(error):
            raise
        package = str(error.name).partition(".")[0]
        raise MissingExtraError(
            f'{what or module} needs {package}, which is not installed: pip install "sgdsde[{EXTRAS[package]}]"',
            name=package,
        ) from error


def missing_extra(error: BaseException | None) -> bool:
    """Whether a package that an extra brings is what could not be imported."""
    return isinstance(error, ModuleNotFoundError) and str(error.name).partition(".")[0] in EXTRAS


def lazily(room: str, namespace: dict[str, Any], home: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package whose names load when they are used (PEP 562).

    Parameters
    ----------
    room : str
        The package.
    namespace : dict
        Its globals, where a name is kept once it is loaded.
    home : mapping of str to str
        Name → module that has it; a name that is a module of the package leads to that.
    """

    def get(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        module = load(home[name], f"{room}.{name}")
        value = module if home[name] == f"{room}.{name}" else getattr(module, name)
        namespace[name] = value
        return value

    return get
