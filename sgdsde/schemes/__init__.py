"""One-step maps as a few lines of mathematics each, found by name through one registry."""

from sgdsde.schemes.exits import bridged, crossings
from sgdsde.schemes.program import Program, build, fits
from sgdsde.schemes.registry import Declaration, declarations, find

__all__ = ["Declaration", "Program", "bridged", "build", "crossings", "declarations", "find", "fits"]
