"""Final states of many paths at several step sizes on the same Brownian motion, with the exact ones beside them."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sgdsde import schemes
from sgdsde.brownian import BrownianPath
from sgdsde.convergence.problem import Problem
from sgdsde.ensemble import DivergenceWarning
from sgdsde.integration import integrate
from sgdsde.run import StabilityWarning
from sgdsde.schemes.registry import PATH_DRAWS

Array = NDArray[np.float64]

#: Paths integrated at a time: their state stays in the processor's cache.
CHUNK = 8192
#: What stands for the solution where none is known, by what is measured, equation and kind of noise: the scheme, the
#: one for testing that scheme itself, and their steps for each of the finest one tested. Expectations are extrapolated.
REFERENCES = {
    ("strong", "overdamped", "additive"): ("sra1", "sra3", 8),
    ("strong", "overdamped", "diagonal"): ("taylor_15", "sriw1", 8),
    ("strong", "overdamped", "commutative"): ("milstein", "heun", 16),
    ("strong", "overdamped", "any"): ("milstein_levy", "sri2", 16),
    ("weak", "overdamped", "additive"): ("sra1", "sra3", 4),
    ("weak", "overdamped", "diagonal"): ("taylor_15", "sriw1", 4),
    ("weak", "overdamped", "commutative"): ("milstein", "heun", 8),
    ("weak", "overdamped", "any"): ("heun", "euler_heun", 8),
    ("strong", "momentum", "any"): ("baoab", "obabo", 16),
    ("weak", "momentum", "any"): ("baoab", "obabo", 8),
}
_COARSE = 8  # so many times fewer steps will do for a scheme of strong order ½


def final_states(
    problem: Problem, scheme: str, which: str, steps: Sequence[int], paths: int, seed: int, engine: str
) -> Iterator[tuple[list[Array], list[tuple[float, Array]]]]:
    """Chunks of ([final (paths, d) for each number of steps], exact finals (paths, d) with weights).

    Exact is the problem's solution, or where none is known another scheme with far smaller steps. ``which`` is
    ``"strong"`` or ``"weak"``: expectations are taken of two step sizes of that scheme, extrapolated.

    Raises
    ------
    ValueError
        When the scheme's noise is not increments of a Brownian motion.
    """
    declaration = schemes.find(scheme)
    program = schemes.build(declaration, problem.landscape)
    if others := set(program.draws) - set(PATH_DRAWS):
        raise ValueError(f"scheme {scheme!r} approximates no path: it draws {', '.join(sorted(others))} in place of ΔW")
    known = problem.solution is not None and declaration.equation == "overdamped"
    other, refinement = reference(problem, scheme, which)
    finest = math.lcm(*steps) if known else math.lcm(*steps, max(steps) * refinement)
    for chunk, first in enumerate(range(0, paths, CHUNK)):
        count = min(CHUNK, paths - first)
        path = _path(problem.landscape.noise_dimension, problem.time, finest, seed + chunk)
        found = [run(problem, scheme, n, count, path, engine) for n in steps]
        if known:
            assert problem.solution is not None
            yield found, [(1.0, problem.solution(path.between(0.0, problem.time, count)))]
        else:
            yield (
                found,
                [
                    (weight, _reference(problem, other, finest // ratio, count, seed + chunk, finest, engine))
                    for weight, ratio in _weights(problem, other, which)
                ],
            )


def _weights(problem: Problem, scheme: str, which: str) -> list[tuple[float, int]]:
    """Weights of the reference's step sizes, each with its ratio to the finest."""
    order = schemes.find(scheme).order("weak", problem.kind)
    if which == "strong" or order is None:
        return [(1.0, 1)]
    gain = 2.0**order
    return [(gain / (gain - 1), 1), (-1 / (gain - 1), 2)]


@functools.lru_cache(maxsize=2)
def _path(dimension: int, time: float, steps: int, seed: int) -> BrownianPath:
    """The path that several schemes are measured on one after the other."""
    return BrownianPath(dimension, time, steps, seed=seed, keep=True)


@functools.lru_cache(maxsize=64)
def _reference(problem: Problem, scheme: str, steps: int, paths: int, seed: int, finest: int, engine: str) -> Array:
    path = _path(problem.landscape.noise_dimension, problem.time, finest, seed)
    return run(problem, scheme, steps, paths, path, engine)


def reference(problem: Problem, scheme: str, which: str) -> tuple[str, int]:
    """Scheme that stands for the exact solution, and its steps for each of the finest step tested."""
    kind = problem.kind if problem.equation == "overdamped" else "any"
    first, second, refinement = REFERENCES[which, problem.equation, kind]
    order = schemes.find(scheme).order("strong", kind)
    if which == "strong" and order is not None and order <= 0.5:
        refinement = max(2, refinement // _COARSE)
    return second if first == scheme else first, refinement


def run(problem: Problem, scheme: str, steps: int, paths: int, path: BrownianPath | None, engine: str) -> Array:
    """(paths, d) final states."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StabilityWarning)
        warnings.simplefilter("ignore", DivergenceWarning)
        return integrate(
            problem.landscape, problem.w0, problem.time, steps, paths, temperature=problem.temperature,
            friction=problem.friction, scheme=scheme, brownian=path, engine=engine,
        ).final  # fmt: skip
