"""Expectations over every branch of a scheme whose noise takes few values: no sampling, and no sampling error."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sgdsde import schemes
from sgdsde.codegen import NUMPY_FUNCTIONS
from sgdsde.convergence.problem import Problem

Array = NDArray[np.float64]

#: Values and odds of one number of a draw.
_BRANCHES = {
    "two": ((1.0, -1.0), (0.5, 0.5)),
    "sign": ((1.0, -1.0), (0.5, 0.5)),
    "three": ((-math.sqrt(3.0), 0.0, math.sqrt(3.0)), (1 / 6, 2 / 3, 1 / 6)),
}
MOST_LEAVES = 2_000_000


def branches(program: schemes.Program) -> int | None:
    """Branches of one step; None when its noise is continuous."""
    if not program.draws or not set(program.draws) <= set(_BRANCHES):
        return None
    each: int = math.prod(len(_BRANCHES[name][0]) ** numbers for name, numbers in program.draws.items())
    return each


def expectation(problem: Problem, program: schemes.Program, steps: int, observable: Callable[[Array], Array]) -> float:
    """E φ(ω) after `steps` steps, summed over all branches.

    Raises
    ------
    ValueError
        When there are more than `MOST_LEAVES` of them, or the noise is continuous.
    """
    each = branches(program)
    if each is None or each**steps > MOST_LEAVES:
        raise ValueError(f"steps must be few enough for {MOST_LEAVES} branches, got {steps} steps of {each} branches")
    one_by_one = [_BRANCHES[name] for name, numbers in program.draws.items() for _ in range(numbers)]
    noise = np.array(list(itertools.product(*(values for values, _ in one_by_one)))).T
    odds = np.array(list(map(math.prod, itertools.product(*(weights for _, weights in one_by_one)))))
    numbers = {"dt": problem.time / steps, "temperature": problem.temperature, "friction": problem.friction}
    constants = program.constants(problem.landscape, numbers)
    advance = program.block.function(NUMPY_FUNCTIONS)
    state, weight = np.zeros((program.state_dimension, 1)), np.ones(1)
    state[: program.dimension, 0] = problem.w0
    for _ in range(steps):
        leaves = state.shape[1]
        grown = advance(*constants, *np.repeat(state, each, axis=1), *np.tile(noise, leaves))
        state = np.stack(np.broadcast_arrays(*grown, np.empty(leaves * each))[:-1])
        weight = np.repeat(weight, each) * np.tile(odds, leaves)
    return float(weight @ observable(state[: program.dimension].T))
