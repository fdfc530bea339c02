"""Why a path left the finite numbers: run again up to there, and looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sgdsde import engines
from sgdsde.engines.observers import Observers
from sgdsde.engines.registry import Plan
from sgdsde.landscapes import Landscape, WideLandscape

Array = NDArray[np.float64]
AnyLandscape: TypeAlias = Landscape | WideLandscape

#: Steps within which the end of a path is looked for: a run is repeated some twenty times, for its first paths only.
_LONGEST = {"numba": 2**17, "torch": 2**13, "numpy": 2**13}
_AROUND = 3.0  # steps: how far from a point a scheme may look
_NAMED = 8  # components of a point that are all told
_NEGATIVE = 1e-10  # least eigenvalue of a covariance, relative to the largest
_CUT = "cut=True cuts such covariances at 0, as noise_covariance='hessian' does; in one variable so does max(…, 0)"


def reason(engine: str, plan: Plan, landscape: AnyLandscape, path: int) -> str:
    """A sentence for the warning: where the path was last, and what is wrong there.

    Parameters
    ----------
    engine : str
        That ran the plan.
    plan : Plan
        Of whose paths this one is no longer finite.
    landscape : Landscape
        On which it ran.
    path : int
        Its index; it and those before it are run again.
    """
    found = _last_states(engine, plan, path)
    if found is None:
        long = plan.updates * plan.substeps > _LONGEST[engine]
        return f". Path {path} did after more than {_LONGEST[engine]} steps; save_every shows where" if long else ""
    steps, before, last = found
    d = plan.dimension
    unit = "updates" if plan.substeps == 1 else f"steps ({plan.substeps} an update)"
    with np.errstate(all="ignore"):  # these numbers are near the end of their range
        reach = _AROUND * float(np.abs(last[:d] - before[:d]).max())
        problem = _problem(landscape, last[:d], reach)
    return f". Path {path} was at {_named(landscape, last[:d])} after {steps} {unit}, {problem}"


def _last_states(engine: str, plan: Plan, path: int) -> tuple[int, Array, Array] | None:
    """Steps after which the path is finite for the last time, and its states a step before and then."""
    single = plan.rows is None or plan.per_row == 1  # an update of several steps may then count as several updates
    each = plan.substeps if single else 1
    whole, substeps = plan.updates * each, plan.substeps // each

    def after(steps: int) -> Array:
        if steps == 0:
            return plan.start[:, path]
        short = replace(
            plan, start=plan.start[:, : path + 1], updates=steps, substeps=substeps, burn_in=0, save_every=None,
            observers=Observers(), progress=lambda fraction: None,
        )  # fmt: skip
        return np.asarray(engines.run(engine, short).state[:, path])

    good, bad = 0, 1
    while np.isfinite(after(min(bad, whole))).all():
        if bad >= min(whole, _LONGEST[engine]):
            return None
        good, bad = bad, 2 * bad
    bad = min(bad, whole)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if np.isfinite(after(middle)).all() else (good, middle)
    return good * substeps, after(max(good - 1, 0)), after(good)


def _problem(landscape: AnyLandscape, point: Array, reach: float) -> str:
    if isinstance(landscape, WideLandscape):
        return f"from where the next step is not finite (the largest slope is {_slope(landscape, point):.3g})"
    covariance = landscape.typed_noise_covariance(point)
    gradient = landscape.gradient(point)
    if not np.isfinite(gradient).all():
        return "where the gradient of the loss is not finite"
    if not np.isfinite(covariance).all():
        return "where the noise covariance F is not finite"
    axes = np.eye(len(point), dtype=bool)
    ways = [np.where(axes, way, 0.0) for way in (reach, -reach) if np.isfinite(point + way).all()]
    for place, at in enumerate(point + np.concatenate([np.zeros((1, len(point))), *ways])):
        curved = landscape.typed_noise_covariance(at)
        values = np.linalg.eigvalsh(curved) if np.isfinite(curved).all() else np.zeros(1)
        if values[0] < -_NEGATIVE * np.abs(values).max():
            where = f", and F has none at {_named(landscape, at)} within a step or so" if place else ""
            start = "where the noise covariance F has no root" if not place else "where it needs a root of F"
            return f"{start}{where}: its least eigenvalue is {values[0]:.3g}. {_CUT}"
    return f"from where the next step is not finite (the largest slope is {_slope(landscape, point):.3g})"


def _slope(landscape: AnyLandscape, point: Array) -> float:
    return float(np.abs(landscape.gradient(point)).max())


def _named(landscape: AnyLandscape, point: Array) -> str:
    if len(point) > _NAMED:
        return f"a distance of {np.linalg.norm(point):.6g} from 0"
    return ", ".join(f"{name} = {value:.6g}" for name, value in zip(landscape.variables, point, strict=True))
