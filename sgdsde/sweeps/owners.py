"""Whose code a module holds: the user's, which is looked into, this library's, which has a digest, or others'."""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterable
from types import FunctionType, ModuleType

_INSTALLED = {"site-packages", "dist-packages"}
_STANDARD = tuple(
    os.path.realpath(folder) + os.sep for key in ("stdlib", "platstdlib") if (folder := sysconfig.get_paths().get(key))
)
_MAIN = ("__main__", "__mp_main__")
LIBRARY = "sgdsde"
_NAMEDTUPLE = "namedtuple_"  # begins the name that these give to where their constructors are made
#: Packages that are not looked into even where a function of theirs is swept.
_TOOLS = {"", LIBRARY, "matplotlib", "numba", "numpy", "pandas", "scipy", "sklearn", "sympy", "torch", "xarray"}


class Owners:
    """Answers by the top name of a module, once for each.

    Parameters
    ----------
    users : iterable of str, optional
        Top names of the user's code, as another process has found them; by default told by where the files are: what is
        neither Python's own nor in ``site-packages``.
    """

    def __init__(self, users: Iterable[str] | None = None) -> None:
        self._known = None if users is None else frozenset(users)
        self._found: dict[str, bool] = {}
        self._claimed: str | None = None

    @property
    def users(self) -> tuple[str, ...]:
        """Top names that were found to be the user's."""
        return tuple(sorted(top for top, own in self._found.items() if own))

    def claim(self, name: str | None) -> None:
        """Look into the package of a module too, though it be installed; not into those that are nobody's own."""
        top = (name or "").partition(".")[0]
        if top not in _TOOLS and (top not in sys.stdlib_module_names or not _is_installed(top)):
            self._claimed = top

    def own(self, name: str | None) -> bool:
        """Whether to look into a module of this name; what was made without a module is the user's, too."""
        return self.users_own(name) or str(name).partition(".")[0] == self._claimed

    def users_own(self, name: str | None) -> bool:
        """The same without the package that was claimed."""
        if not isinstance(name, str) or not name or name in _MAIN:
            return True
        if is_library(name) or name.startswith(_NAMEDTUPLE):
            return False
        top = name.partition(".")[0]
        if top not in self._found:
            self._found[top] = top in self._known if self._known is not None else not _is_installed(top)
        return self._found[top]

    def own_module(self, module: ModuleType) -> bool:
        """Whether a module is the user's."""
        return self.own(vars(module).get("__name__"))

    def own_function(self, function: FunctionType) -> bool:
        """Whether a function is; where it was defined counts, not its ``__module__``, which decorators copy.

        What was made by ``exec`` is the user's, whatever name it was given; a copy of an installed function is not.
        """
        name = function.__globals__.get("__name__")
        if self.own(name):
            return True
        there = getattr(sys.modules.get(str(name)), "__dict__", {})
        if there is function.__globals__ or str(name).startswith(_NAMEDTUPLE):
            return False
        return os.path.basename(str(there.get("__file__"))) != os.path.basename(function.__code__.co_filename)


def is_library(name: str) -> bool:
    """Whether a module is one of this library's."""
    return name == LIBRARY or name.startswith(f"{LIBRARY}.")


def resolves(module: str | None, qualified: str, value: object) -> bool:
    """Whether a name in a module that is loaded leads to this very object."""
    found: object = sys.modules.get(module or "")
    for name in qualified.split("."):
        found = getattr(found, "__dict__", {}).get(name)
        found = found.__func__ if isinstance(found, (staticmethod, classmethod)) else found
    return found is value


def _is_installed(top: str) -> bool:
    if top in sys.builtin_module_names:
        return True
    try:
        spec = getattr(sys.modules.get(top), "__spec__", None) or importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        spec = None
    if spec is None:  # a module that was made by hand
        return False
    if spec.origin in ("built-in", "frozen"):
        return True
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
    return bool(places) and all(_is_installed_file(place) for place in places)


def _is_installed_file(place: str) -> bool:
    return bool(_INSTALLED & set(place.split(os.sep))) or os.path.realpath(place).startswith(_STANDARD)
