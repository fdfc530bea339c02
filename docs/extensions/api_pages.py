"""Makes the pages of the API in docs/api/: one for each module that users see, with the names that it has for them."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

from claim_pages import write
from sphinx.application import Sphinx
from sphinx.config import Config

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

.. autosummary::
   :toctree: generated
   :nosignatures:

{members}
"""


def _pages(app: Sphinx, config: Config) -> None:
    rooms = [sgdsde, *(getattr(sgdsde, name) for name in sgdsde.__all__ if inspect.ismodule(getattr(sgdsde, name)))]
    pages = {"index.rst": INDEX.format(rooms="\n".join(f"   {room.__name__}" for room in rooms))}
    write(Path(app.srcdir) / "api", pages | {f"{room.__name__}.rst": _page(room) for room in rooms})


def _page(room: ModuleType) -> str:
    names = [name for name in room.__all__ if _documented(getattr(room, name))]
    members = "\n".join(f"   {name}" for name in sorted(names, key=str.lower))
    return ROOM.format(name=room.__name__, line="=" * len(room.__name__), members=members)


def _documented(value: object) -> bool:
    """Whether it has a docstring of its own: functions and classes do, tables and types that are made of others don't."""
    return inspect.isclass(value) or inspect.isfunction(value) or (callable(value) and bool(inspect.getdoc(value)))


def setup(app: Sphinx) -> dict[str, Any]:
    """Of Sphinx."""
    importlib.import_module("sgdsde")
    app.connect("config-inited", _pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
