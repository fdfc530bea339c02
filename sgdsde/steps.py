"""How many steps the SDE takes for an update, and what they make wrong.

In a bowl h ω²/2 with constant noise a scheme is a linear map of its state, S ← M S + N z, whose stationary variance and
relaxation are a matter of linear algebra: that is what is expected of it. M and N are read off the scheme's own
program, so that there is no formula here for any scheme. Euler–Maruyama's variance is the SDE's times 1/(1 − hΔ/2).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgdsde import schemes
from sgdsde.codegen import NUMPY_FUNCTIONS
from sgdsde.landscapes import Landscape, WideLandscape
from sgdsde.landscapes.minimum import nearby_minimum

Array = NDArray[np.float64]

#: Largest error of ``substeps="auto"``; from which other steps are warned of; and the most steps that it takes.
TARGET, COARSE, MOST = 0.01, 0.025, 256
#: The same as the first where epoched Brownian motion drives the SDE: averaged over an epoch Euler–Maruyama's variance
#: is wrong by up to twice as much as with Brownian motion, where epochs are short (docs/theory.md).
EPOCHED_TARGET = TARGET / 2
#: Largest part of what is stable that a step is, at the start.
_STABLE = 0.5
#: Curvature × step (× step, with momentum) below which nothing can be seen of the error in float64.
_NOTHING = 1e-9
_STARTS = 8  # from which minima are looked for


@dataclass(frozen=True)
class StepError:
    """By what part steps are expected to make the SDE wrong in a bowl, with constant noise.

    Attributes
    ----------
    variance : float
        Of the stationary variance; infinite where there is none.
    relaxation : float
        Of what relaxes in a step, det(I − M).
    """

    variance: float
    relaxation: float

    @property
    def size(self) -> float:
        """The larger of the two, without sign; NaN where nothing is known."""
        return max(abs(self.variance), abs(self.relaxation))

    def told(self) -> dict[str, float] | None:
        """For the provenance; None where nothing is known."""
        return None if math.isnan(self.size) else asdict(self)

    def __str__(self) -> str:
        if math.isinf(self.variance):
            return "variance without bound"
        name = "variance" if abs(self.variance) >= abs(self.relaxation) / 2 else "relaxation"
        return f"{name} {getattr(self, name):+.3%}" if self.size < 1e-3 else f"{name} {getattr(self, name):+.1%}"


UNKNOWN = StepError(math.nan, math.nan)


def step_error(declaration: schemes.Declaration, curvature: float, step: float, friction: float = 1.0) -> StepError:
    """What a scheme is expected to make of a bowl of that curvature in steps of that length, in its equation's clock.

    Examples
    --------
    >>> from sgdsde.schemes import find
    >>> step_error(find("euler_maruyama"), curvature=2.0, step=0.01)     # 1/(1 − hΔ/2) − 1
    StepError(variance=0.0101..., relaxation=0.0100...)
    """
    moving = declaration.equation == "momentum"
    h = curvature * step * (step if moving else 1.0)  # in units of time in which the step is 1
    if not h > _NOTHING:
        return UNKNOWN if math.isnan(h) else StepError(0.0, 0.0)
    if math.isinf(h):
        return StepError(math.inf, math.inf)
    drag = friction * step
    m, n = _map(declaration, h, drag)
    if not (np.isfinite(m).all() and np.isfinite(n).all() and np.abs(np.linalg.eigvals(m)).max() < 1 - 1e-12):
        return StepError(math.inf, math.inf)
    size = len(m)
    stationary = np.linalg.solve(np.eye(size**2) - np.kron(m, m), (n @ n.T).ravel())[0]
    exact = _relaxed(h, drag) if moving else -math.expm1(-h)
    return StepError(float(2 * h * stationary - 1), float(np.linalg.det(np.eye(size) - m) / exact - 1))


def substeps_for(
    declaration: schemes.Declaration,
    curvature: float,
    update: float,
    friction: float = 1.0,
    *,
    target: float = TARGET,
    most: int = MOST,
) -> int:
    """The fewest steps, up to `most`, in which an update of that length makes errors of at most `target`.

    >>> from sgdsde.schemes import find
    >>> [substeps_for(find(name), 4.0, 0.5) for name in ("euler_maruyama", "exact_ou", "weak_taylor_2")]
    [101, 1, 11]
    """

    def good(steps: int) -> bool:
        return not step_error(declaration, curvature, update / steps, friction).size > target

    above = 1
    while above < most and not good(above):
        above = min(2 * above, most)
    return _least(good, above // 2 + 1, above)


@dataclass(frozen=True)
class Curvature:
    """The largest curvature where paths start, and where they go: at the minima below; NaN where none is known."""

    start: float
    well: float

    @classmethod
    def of(cls, landscape: Landscape | WideLandscape, starts: Array) -> Curvature:
        """At starts (n, d), of which the first few are followed down."""
        here = landscape.curvatures(starts)
        few = starts[: min(_STARTS, len(here))]  # one, where the curvature is the same everywhere
        minima = [nearby_minimum(landscape, start) for start in np.unique(few, axis=0)]
        wells = [_largest(landscape.curvatures(at[None])) for at in minima if at is not None]
        # with no minimum, the size of curvatures at the start stands for what steps have to resolve
        return cls(_largest(here), max(wells) if wells else _largest(np.abs(here)))


def automatic(
    declaration: schemes.Declaration,
    curvature: Curvature,
    update: float,
    friction: float,
    divides: int | None = None,
    target: float = TARGET,
) -> int:
    """The steps of ``substeps="auto"``; of those that divide `divides`, where that is given.

    So many that the error is at most `target` in the well, and a step at most half of what is stable at the start.
    """
    wished = substeps_for(declaration, curvature.well, update, friction, target=target)
    if not declaration.stable and curvature.start > 0 and math.isfinite(curvature.start):
        moving = declaration.equation == "momentum"
        along = curvature.start * update * (update if moving else 1.0) / (_STABLE * (4 if moving else 2))
        wished = max(wished, math.ceil(min(along ** (0.5 if moving else 1.0), MOST)))
    if divides is None:
        return wished
    low = [n for n in range(1, math.isqrt(divides) + 1) if not divides % n]
    found = sorted({*low, *(divides // n for n in low)})
    return next((n for n in found if n >= wished), divides)


def caution(
    declaration: schemes.Declaration,
    curvature: Curvature,
    update: float,
    friction: float,
    substeps: int,
    auto: bool,
    target: float = TARGET,
) -> str:
    """What to warn of with such steps; empty for nothing. `target` is that of `automatic`."""
    error = step_error(declaration, curvature.well, update / substeps, friction)
    if not error.size > COARSE:
        return ""
    wished = substeps_for(declaration, curvature.well, update, friction, target=target)
    if auto:
        advice = (
            f"'auto' takes no more than {MOST}, nor other ones than a given Brownian path has; some schemes need fewer"
        )
    elif wished > substeps:
        advice = f"substeps = 'auto' takes {wished}"
    else:
        advice = "more are needed than 'auto' takes; some schemes need fewer"
    return (
        f"with substeps = {substeps} the SDE is expected to miss its own law, in a bowl of the curvature "
        f"{curvature.well:.4g} that it goes to: {error}; {advice}"
    )


def _least(good: Callable[[int], bool], low: int, high: int) -> int:
    """The least number from low to high that is good, or high."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if good(middle) else (middle + 1, high)
    return high


def _largest(curvatures: Array) -> float:
    """The largest of (n, d); NaN where there is none."""
    return float(np.max(curvatures)) if len(curvatures) else math.nan


def _relaxed(h: float, drag: float) -> float:
    """det(I − e^A) of the SDE with momentum over a unit of time, A = (0 1; −h −γ)."""
    root = np.emath.sqrt(drag * drag / 4 - h)
    slow, fast = -h / (drag / 2 + root), -(drag / 2 + root)
    return float(np.real(np.expm1(slow) * np.expm1(fast)))


def _map(declaration: schemes.Declaration, h: float, drag: float) -> tuple[Array, Array]:
    """M (S, S) and N (S, numbers drawn) of a unit step, from a small state: some schemes are linear only there."""
    program, bowl = _program(declaration.name, declaration.function)
    values = {"dt": 1.0, "temperature": 1.0, "friction": drag}
    constants = program.constants(bowl.with_parameters(h=h), values)
    size, draws = program.state_dimension, len(program.block.arrays) - program.state_dimension
    small = 2.0**-20
    columns = small * np.eye(size + draws)
    with np.errstate(all="ignore"):
        found = program.block.function(NUMPY_FUNCTIONS)(*constants, *columns)
    both = np.stack([np.broadcast_to(each, size + draws) for each in found[:size]]) / small
    return both[:, :size], both[:, size:]


@functools.cache
def _program(name: str, function: Any) -> tuple[schemes.Program, Landscape]:
    """The scheme of that name and function, which may have been declared anew, in a bowl."""
    bowl = Landscape("h*x**2/2", "x", {"h": 1.0})
    return schemes.build(schemes.declarations()[name], bowl), bowl
