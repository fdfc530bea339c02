"""All that a function's results follow from in this process: code and values, found by going from name to name.

What is the user's is looked into. Of Python, of installed packages and of this library, whose sources have a digest of
their own, only names count, and what the user has put in their place.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import importlib.util
import inspect
import itertools
import operator
import os
import runpy
import sys
import types
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sgdsde.sweeps.bytecode import Import, Uses, uses
from sgdsde.sweeps.contents import Contents, Unknown
from sgdsde.sweeps.owners import Owners, resolves
from sgdsde.sweeps.replaced import is_users, put_into_class, put_into_library

#: What they run or find is named by a text that is only there when they run.
_UNSEEN = (
    eval, exec, __import__, globals, importlib.import_module, importlib.reload, sys.modules, runpy.run_path,
    runpy.run_module, sys._getframe,
)  # fmt: skip
#: Attributes that lead to what no name does.
_UNSEEN_NAMES = {"__subclasses__", "__globals__", "f_globals", "f_back"}
#: With these any name of a module may be looked up.
_ANY_NAME = (getattr, vars, dir, operator.attrgetter, inspect.getmembers, inspect.getattr_static)
#: The code of all functions that choose by the type of their argument.
_DISPATCH: types.CodeType = functools.singledispatch(abs).__code__  # type: ignore[attr-defined]
#: Names by which a module tells about itself.
_ABOUT = {
    "__name__", "__file__", "__doc__", "__spec__", "__package__", "__loader__", "__path__", "__cached__",
    "__builtins__", "__annotations__",
}  # fmt: skip
#: Attributes of a class that Python made, or that have no effect on what it does.
_BOOKKEEPING = {
    "__dict__", "__weakref__", "__module__", "__slotnames__", "__firstlineno__", "__static_attributes__", "_abc_impl",
    "__abstractmethods__", "__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__",
    "__classdictcell__", "__orig_bases__", "__parameters__", "__dataclass_params__",
}  # fmt: skip
_ON_THE_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class that is not C's
_DEPTH = 8  # of modules in modules
#: Begins the name of a part that repeats others.
GLOBALS = "globals of "


class Reach:
    """What a function reaches.

    Parameters
    ----------
    function : callable
    owners : Owners

    Attributes
    ----------
    parts : dict of str to str
        What each part is called, such as ``"study.scale"``, and a digest of it.

    Raises
    ------
    ValueError
        When results may depend on what cannot be told; the message says on what.
    """

    def __init__(self, function: Callable[..., Any], owners: Owners) -> None:
        self.parts: dict[str, str] = {}
        self._owners = owners
        self._contents = Contents(self._refer, owners)
        self._names: set[str] = {"__getattr__"}
        self._any_name = False
        self._labels: dict[int, str] = {}
        self._taken: Counter[str] = Counter()
        self._kept: list[Any] = []  # so that no other value takes the id of one of them
        self._queue: deque[Callable[[], None]] = deque()
        self._modules: dict[str, types.ModuleType] = {}
        self._looked: set[tuple[str, str]] = set()
        self._others: dict[int, tuple[types.ModuleType, bool]] = {}
        self._entry("function", function)
        for label, value in put_into_library(owners):
            self._entry(label, value)
        while self._queue or self._look_into_modules():
            while self._queue:
                self._queue.popleft()()

    def _look_into_modules(self) -> bool:
        """All names of the user's modules that some code mentions; whether there are new ones."""
        before = len(self.parts)
        for label, module in sorted(self._modules.items()):
            here = vars(module)
            wanted = {name for name in here if not _is_about(name)} if self._any_name else self._names
            for name in sorted(wanted - _ABOUT):
                if (label, name) in self._looked:
                    continue
                self._looked.add((label, name))
                if name in here:
                    self._entry(f"{label}.{name}", here[name])
                elif "__getattr__" in here and (value := _asked(module, name)) is not None:
                    self._entry(f"{label}.{name}", value)
        for module, numbers in list(self._others.values()):
            self._look_for_the_users(module, numbers)
        return len(self.parts) > before

    def _entry(self, label: str, value: Any) -> str:
        """A part that is a value; its digest."""
        try:
            if any(value is each for each in _UNSEEN):
                name = getattr(value, "__name__", "sys.modules")
                raise Unknown(f"{name}, which finds what it uses only when it runs")
            self._any_name |= any(value is each for each in _ANY_NAME)
            digest = self._contents.digest(value).hex()[:16]
        except RecursionError:
            raise ValueError(_refused(label, "values that are nested too deep")) from None
        except Unknown as why:
            raise ValueError(_refused(label, str(why))) from None
        free = label
        for number in itertools.count(2):
            if self.parts.setdefault(free, digest) == digest:
                break
            free = f"{label} ({number})"
        return digest

    def _refer(self, value: Any) -> str:
        """The name of a function, a class or a module; what is the user's is put in line to be looked into."""
        if id(value) in self._labels:
            return self._labels[id(value)]
        if isinstance(value, types.ModuleType):
            return self._module(value)
        look: Callable[[Any], None]
        if isinstance(value, type):
            label, look = value.__qualname__, self._look_into_class
            named = not value.__flags__ & _ON_THE_HEAP or (
                not self._owners.own(value.__module__) and resolves(value.__module__, value.__qualname__, value)
            )
        else:
            label, look = f"{_space(value.__globals__)}.{value.__qualname__}", self._look_into
            named = not self._owners.own_function(value) and any(
                resolves(module, value.__qualname__, value)
                for module in (value.__globals__.get("__name__"), value.__module__)
                if not self._owners.own(module)
            )
        if named:
            if isinstance(value, type):
                self._queue.append(lambda: self._look_for_methods(value))
                self._labels[id(value)] = f"{value.__module__}.{value.__qualname__}"
                self._kept.append(value)
            return f"{value.__module__}.{value.__qualname__}"
        label = self._label(value, label)
        self._queue.append(lambda: look(value))
        return label

    def _module(self, module: types.ModuleType) -> str:
        if not self._owners.own_module(module):
            self._others[id(module)] = module, True
            return str(module.__name__)
        label = self._label(module, _space(vars(module)))
        self._modules[label] = module
        return label

    def _label(self, value: Any, text: str) -> str:
        """A name of a thing's own: others may be called the same."""
        self._taken[text] += 1
        label = text if self._taken[text] == 1 else f"{text} ({self._taken[text]})"
        self._labels[id(value)] = label
        self._kept.append(value)
        return label

    def _look_into(self, function: types.FunctionType) -> None:
        label, code = self._labels[id(function)], function.__code__
        if code is _DISPATCH:  # around it there are caches, which change
            self._entry(f"{label}.registry", vars(function).get("registry"))
            return
        self._entry(f"the code of {label}", code)
        if function.__defaults__ or function.__kwdefaults__:
            self._entry(f"defaults of {label}", (function.__defaults__, function.__kwdefaults__))
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            if (held := _held(cell)) is not cell:
                self._entry(f"{name} around {label}", held)
        for name, value in sorted(vars(function).items()):
            self._entry(f"{label}.{name}", value)
        if self._owners.own_function(function):
            self._follow(label, function.__globals__, uses(code))

    def _follow(self, label: str, namespace: dict[str, Any], used: Uses) -> None:
        """What a code names."""
        self._names |= used.names
        self._any_name |= "__dict__" in used.names
        for name in sorted(used.names & _UNSEEN_NAMES):
            raise ValueError(_refused(label, f"{name}, which leads to what no name does"))
        modules, found_here = [], []
        for name in sorted(used.globals - _ABOUT):
            value = namespace.get(name, vars(builtins).get(name))
            if name in namespace or not _is_pythons(value):
                found_here.append((name, self._entry(f"{_space(namespace)}.{name}", value)))
            if isinstance(value, types.ModuleType):
                modules.append(value)
        if found_here:  # which of two namespaces of one name it has
            self._entry(f"{GLOBALS}{label}", found_here)
        for found in used.imports:
            for module in self._imported(found, namespace):
                modules.append(module)
                if self._owners.own_module(module):
                    self._refer(module)
                else:  # that it is loaded is chance, so that its numbers are left out
                    self._others.setdefault(id(module), (module, False))
        for module in modules:
            for name in sorted(used.names & set(vars(module))):
                value = vars(module)[name]
                if any(value is each for each in (*_UNSEEN, *_ANY_NAME)):
                    self._entry(f"{module.__name__}.{name} in {label}", value)

    def _imported(self, found: Import, namespace: dict[str, Any]) -> Iterator[types.ModuleType]:
        """Modules that an import inside a function leads to; installed ones are not loaded for it."""
        try:
            package = namespace.get("__package__") or namespace.get("__name__", "")
            name = importlib.util.resolve_name("." * found.level + found.module, package if found.level else None)
        except ImportError:
            return
        for each in dict.fromkeys([name.partition(".")[0], name, *(f"{name}.{word}" for word in found.names)]):
            if self._owners.own(each) and each not in sys.modules:
                try:
                    importlib.import_module(each)
                except (Exception, SystemExit):  # an attribute and no module; or the function will meet it too
                    continue
            if isinstance(module := sys.modules.get(each), types.ModuleType):
                yield module

    def _look_into_class(self, kind: type) -> None:
        label = self._labels[id(kind)]
        self._entry(f"the class {label}", (type(kind), kind.__bases__))
        for name, value in sorted(vars(kind).items()):
            if name not in _BOOKKEEPING and not isinstance(value, types.MemberDescriptorType):  # __slots__ has them
                self._entry(f"{label}.{name}", value)

    def _look_for_methods(self, kind: type) -> None:
        """Methods that the user may have put into a class that is not the user's."""
        for base in kind.__mro__:
            for name, value in put_into_class(base, self._owners):
                self._entry(f"{base.__module__}.{base.__qualname__}.{name}", value)

    def _look_for_the_users(self, module: types.ModuleType, numbers: bool, depth: int = 0) -> None:
        """Functions, classes and numbers that the user may have put into a module that is not the user's."""
        for name in sorted(self._names & set(vars(module))):
            value = vars(module)[name]
            if is_users(value, self._owners) or (numbers and type(value) in (bool, int, float, complex)):
                self._entry(f"{module.__name__}.{name}", value)
            elif isinstance(value, types.ModuleType) and id(value) not in self._others and depth < _DEPTH:
                self._look_for_the_users(value, False, depth + 1)


def _asked(module: types.ModuleType, name: str) -> Any:
    """An attribute of a module that makes its attributes when they are asked for."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return getattr(module, name, None)
    except Exception:
        return None


def _held(cell: types.CellType) -> Any:
    """What a cell holds; itself where it is empty."""
    try:
        return cell.cell_contents
    except ValueError:
        return cell


def _is_pythons(value: Any) -> bool:
    """Whether it is a builtin as it should be, and nothing to be said of it; so is what is not there."""
    if any(value is each for each in (*_UNSEEN, *_ANY_NAME)):
        return False
    return value is None or getattr(value, "__module__", None) == "builtins"


def _is_about(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _space(namespace: Mapping[str, Any]) -> str:
    """The name of a module, the same for a script and for the module that it is when imported."""
    name = namespace.get("__name__") or "__main__"
    if name not in ("__main__", "__mp_main__"):
        return str(name)
    if not isinstance(file := namespace.get("__file__"), str):
        return "__main__"
    package, stem = namespace.get("__package__"), os.path.splitext(os.path.basename(file))[0]
    return f"{package}.{stem}" if package else stem


def _refused(label: str, what: str) -> str:
    return (
        f"function depends on {what}, in {label}: what results follow from cannot be told. Hand it in as an argument, "
        f"or name a version="
    )
