"""Cells of the matrix of schemes, with what fits told by the problems' own words.

Telling it by algebra takes seconds, and those of every worker before its first test; that both say the same is tested.
"""

import pytest

from sgdsde import convergence
from sgdsde.convergence import matrix
from sgdsde.convergence.problems import PROBLEMS
from sgdsde.landscapes import Landscape
from sgdsde.schemes import Declaration
from sgdsde.schemes.registry import NOISE_KINDS

KINDS = {problem.landscape: problem.kind for problem in PROBLEMS.values()}
QUADRATIC = {PROBLEMS[name].landscape for name in ("ornstein_uhlenbeck", "correlated")}


def fits_by_words(declaration: Declaration, landscape: Landscape) -> bool:
    special = NOISE_KINDS.index(KINDS[landscape]) <= NOISE_KINDS.index(declaration.noise)
    return special and (declaration.loss == "any" or landscape in QUADRATIC)


def cells(count: int = 2) -> list[convergence.Cell]:
    """As `convergence.cells`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matrix, "fits", fits_by_words)
        return list(convergence.cells(count))
