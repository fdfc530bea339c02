"""Engines run programs on many paths. They know nothing of landscapes or SGD."""

from sgdsde.engines.registry import ENGINES, run

__all__ = ["ENGINES", "run"]
