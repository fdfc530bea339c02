"""One-step maps as a few lines of mathematics each, found by name through one registry."""

from sgdsde.schemes.exits import bridged, crossings
from sgdsde.schemes.matrix_program import MatrixProgram, build_on_arrays
from sgdsde.schemes.program import Program, build, fits
from sgdsde.schemes.registry import Declaration, declarations, find, scheme

__all__ = [
    "Declaration",
    "MatrixProgram",
    "Program",
    "bridged",
    "build",
    "build_on_arrays",
    "crossings",
    "declarations",
    "find",
    "fits",
    "scheme",
]
