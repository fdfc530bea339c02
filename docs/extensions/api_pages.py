"""Makes the pages of the API in docs/api/: one for each module that users see, with the names that it has for them."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

from claim_pages import write
from docutils.nodes import Element
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

import sgdsde

INDEX = """API
===

What is there for users, by module. ``import sgdsde as sg`` brings all of it: names load when they are used.

.. toctree::
   :maxdepth: 1

{rooms}
"""
ROOM = """{name}
{line}

.. automodule:: {name}
   :no-members:

.. currentmodule:: {name}

{lists}
"""
LIST = """.. autosummary::
{options}   :nosignatures:

{members}
"""


def _pages(app: Sphinx, config: Config) -> None:
    rooms = [sgdsde, *(getattr(sgdsde, name) for name in sgdsde.__all__ if inspect.ismodule(getattr(sgdsde, name)))]
    pages = {"index.rst": INDEX.format(rooms="\n".join(f"   {room.__name__}" for room in rooms))}
    write(Path(app.srcdir) / "api", pages | {f"{room.__name__}.rst": _page(room) for room in rooms})


def _page(room: ModuleType) -> str:
    """A page with the names that have pages of their own, and with those that the library itself has too."""
    names = sorted((name for name in room.__all__ if _ours(getattr(room, name))), key=str.lower)
    above = [name for name in names if room is not sgdsde and name in sgdsde.__all__]
    lists = [("   :toctree: generated\n", [name for name in names if name not in above])]
    lists += [("", [f"~sgdsde.{name}" for name in above])] if above else []
    made = [LIST.format(options=options, members="\n".join(f"   {name}" for name in held)) for options, held in lists]
    return ROOM.format(name=room.__name__, line="=" * len(room.__name__), lists="\n".join(made))


def _ours(value: Any) -> bool:
    """Whether it is a function, a class or what else has a docstring, and no other library's; tables have none."""
    defined = inspect.isclass(value) or (callable(value) and bool(inspect.getdoc(value)))
    return defined and value.__module__.startswith("sgdsde")


def _found(app: Sphinx, env: BuildEnvironment, node: pending_xref, text: Element) -> Element | None:
    """Lead a name to its page, wherever it is defined; what is there but has no page is shown without a link."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    *before, last = target.split(".")
    short = f"{before[-1]}.{last}" if before and before[-1][:1].isupper() else last
    pages = {held.docname for name, held in env.domains.python_domain.objects.items() if name.endswith(f".{short}")}
    if len(pages) == 1:
        (page,) = pages
        (name, *_) = (each for each in env.domains.python_domain.objects if each.endswith(f".{short}"))
        return make_refnode(app.builder, node["refdoc"], page, name, text, name)
    return text if _importable(target) else None


def _importable(name: str) -> bool:
    module, _, rest = name.rpartition(".")
    try:
        return bool(importlib.import_module(name))
    except ImportError:
        return bool(module) and hasattr(importlib.import_module(module), rest)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("config-inited", _pages)
    app.connect("missing-reference", _found)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
