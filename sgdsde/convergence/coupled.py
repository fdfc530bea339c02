"""Final states of many paths at several step sizes on the same Brownian motion, with the exact ones beside them."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sgdsde import schemes
from sgdsde.brownian import SHARED, BrownianPath
from sgdsde.convergence.problem import Problem
from sgdsde.ensemble import DivergenceWarning
from sgdsde.integration import integrate
from sgdsde.run import StabilityWarning

Array = NDArray[np.float64]

#: Paths integrated at a time: their state stays in the processor's cache.
CHUNK = 8192
#: Steps of the reference for each of the finest step tested, where no solution is known.
REFINEMENT = 16
#: What integrates the reference, by equation and kind of noise: first choice, and second for testing the first.
REFERENCES = {
    ("overdamped", "additive"): ("sra1", "euler_maruyama"),
    ("overdamped", "diagonal"): ("taylor_15", "milstein"),
    ("overdamped", "commutative"): ("milstein", "milstein_levy"),
    ("overdamped", "any"): ("milstein_levy", "sri2"),
    ("momentum", "any"): ("baoab", "obabo"),
}


def final_states(
    problem: Problem, scheme: str, steps: Sequence[int], paths: int, seed: int, engine: str
) -> Iterator[tuple[list[Array], Array]]:
    """Chunks of ([final (paths, d) for each number of steps], exact final (paths, d)).

    Exact is the problem's solution, or where none is known the reference scheme with `REFINEMENT` times as many steps.

    Raises
    ------
    ValueError
        When the scheme's noise is not increments of a Brownian motion.
    """
    declaration = schemes.find(scheme, ("ito", "stratonovich"))
    program = schemes.build(declaration, problem.landscape)
    if others := set(program.draws) - set(SHARED):
        raise ValueError(f"scheme {scheme!r} approximates no path: it draws {', '.join(sorted(others))} in place of ΔW")
    known = problem.solution is not None and declaration.equation == "overdamped"
    finest = math.lcm(*steps) * (1 if known else REFINEMENT)
    for chunk, first in enumerate(range(0, paths, CHUNK)):
        count = min(CHUNK, paths - first)
        path = _path(problem.landscape.noise_dimension, problem.time, finest, seed + chunk)
        found = [run(problem, scheme, n, count, path, engine) for n in steps]
        if known:
            assert problem.solution is not None
            yield found, problem.solution(path.between(0.0, problem.time, count))
        else:
            yield found, _reference(problem, reference_scheme(problem, scheme), finest, count, seed + chunk, engine)


@functools.lru_cache(maxsize=1)
def _path(dimension: int, time: float, steps: int, seed: int) -> BrownianPath:
    """The path that several schemes are measured on one after the other."""
    return BrownianPath(dimension, time, steps, seed=seed, keep=True)


@functools.lru_cache(maxsize=64)
def _reference(problem: Problem, scheme: str, steps: int, paths: int, seed: int, engine: str) -> Array:
    path = _path(problem.landscape.noise_dimension, problem.time, steps, seed)
    return run(problem, scheme, steps, paths, path, engine)


def reference_scheme(problem: Problem, scheme: str) -> str:
    """Name of the scheme that stands for the exact solution."""
    kind = problem.kind if problem.equation == "overdamped" else "any"
    first, second = REFERENCES[problem.equation, kind]
    return second if first == scheme else first


def run(problem: Problem, scheme: str, steps: int, paths: int, path: BrownianPath | None, engine: str) -> Array:
    """(paths, d) final states."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StabilityWarning)
        warnings.simplefilter("ignore", DivergenceWarning)
        return integrate(
            problem.landscape, problem.w0, problem.time, steps, paths, temperature=problem.temperature,
            friction=problem.friction, scheme=scheme, brownian=path, engine=engine,
        ).final  # fmt: skip
