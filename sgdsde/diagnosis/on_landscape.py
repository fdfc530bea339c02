"""A place on a landscape: the minimum below a point, and what is around it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from sgdsde.config import SGDConfig
from sgdsde.diagnosis.around import SMALL, surroundings
from sgdsde.diagnosis.place import Place, Surroundings
from sgdsde.landscapes import Landscape, WideLandscape, named, weight_decayed
from sgdsde.landscapes.around import minima_around
from sgdsde.landscapes.minimum import nearby_minimum
from sgdsde.theory import stability_limit
from sgdsde.theory.stationary import law_between

Array = NDArray[np.float64]

#: Most modes in which single examples are looked at; and in which H and F are averaged around the minimum.
LOOKED_AT, AVERAGED = 8, 20
#: Slope of a point that counts as level, relative to the curvature.
LEVEL = 1e-6
#: Steps of the power method for growth.
POWERS = 100


def place_on(
    landscape: Landscape | WideLandscape | str,
    config: SGDConfig,
    w0: ArrayLike | None,
    examples: str | ArrayLike,
    seed: int,
) -> Place:
    """The minimum below `w0` as a `Place`; ValueError names what is wrong."""
    land: Any = named(landscape) if isinstance(landscape, str) else landscape
    at = _minimum(land, config, w0)
    land.validate_noise(at[None], "w0")
    curvature, basis = np.linalg.eigh(land.hessian(at) + config.weight_decay * np.eye(land.dimension))
    noise = basis.T @ land.noise_covariance(at) @ basis
    steep = slice(-LOOKED_AT, None)
    z = land.examples(examples, config.n_examples, seed)
    gradients = np.asarray(basis[:, steep].T @ land.noise_factor(at)).T
    gradients = np.sqrt(config.n_examples - 1) * gradients if land.own_examples else z @ gradients
    around = surroundings(land, config, at, basis) if land.dimension <= AVERAGED else None
    point = ", ".join(f"{name} = {x:.4g}" for name, x in zip(land.variables[:4], at + 0.0, strict=False))
    return Place(
        where=f"{land.name}, minimum at {point}{', …' if land.dimension > 4 else ''}; curvature {_range(curvature)}",
        curvature=curvature,
        noise=noise,
        gradients=gradients - gradients.mean(axis=0),
        steep=curvature[steep],
        limits=lambda of: _limits(of, curvature, noise, around),
        around=around,
    )


def _minimum(land: Any, config: SGDConfig, w0: ArrayLike | None) -> Array:
    if w0 is None:
        decayed = weight_decayed(land, config.weight_decay)
        known: Any = minima_around(decayed)[0] if isinstance(land, Landscape) else ()
        start = known[0] if len(known) else np.zeros(land.dimension)
    else:
        start = land.point(w0, "w0")
    decayed = weight_decayed(land, config.weight_decay)
    at = nearby_minimum(decayed, start)
    if at is not None:
        return at
    slope, hessian = decayed.gradient(start), decayed.hessian(start)
    shown = ", ".join(f"{x:.4g}" for x in start)
    if np.isfinite(hessian).all() and np.isfinite(slope).all():
        curvature, axes = np.linalg.eigh(hessian)
        if curvature[0] < 0 and np.abs(slope).max() <= LEVEL * np.abs(curvature).max():
            along = ", ".join(f"{x:.3g}" for x in axes[:, 0] + 0.0)
            raise ValueError(
                f"w0 must be in a well, and ({shown}) is not: the curvature along ({along}) is {curvature[0]:.4g}, so "
                "that ω escapes that way and nothing is stationary"
            )
    raise ValueError(
        f"w0 must be above a minimum with curvature in every direction: the way down from ({shown}) leads to none, but "
        "to a saddle, a flat direction or no end"
    )


def _limits(config: SGDConfig, curvature: Array, noise: Array, around: Surroundings | None) -> tuple[float, float]:
    """Where E|ω|² starts to grow by what F gains away from the minimum: of SGD with fresh batches, and of the SDE."""
    mean = stability_limit(curvature[-1:, None], config)
    if around is None or not config.batch_noise or not noise.any():
        return mean, np.inf
    natural = float(np.trace(law_between(curvature, config, "sde", driver="brownian").position * noise))
    small = SMALL * natural or SMALL**2

    def gained(covariance: Array) -> Array:
        """What F gains by a covariance, from a part of it so small that F is quadratic there."""
        scale = small / max(float(np.trace(covariance)), 1e-300)
        more = around.means(covariance * scale)[1] - noise
        rounding = 1e-12 * float(np.abs(noise).max())
        return np.asarray(np.where(np.abs(more) <= rounding, 0.0, more) / scale)

    def growth(rate: float, dynamics: str) -> float:
        """What a round of variance → noise → variance makes of it, less 1."""
        driver = None if dynamics == "sgd" else "brownian"
        law = law_between(curvature, replace(config, learning_rate=rate), dynamics, driver=driver).position
        found, size = law * np.eye(len(law)), 0.0
        for _ in range(POWERS):
            new = law * gained(found)
            before, size = size, float(np.trace(new) / np.trace(found))
            if not size > 0 or abs(size - before) <= 1e-7 * size:
                break
            found = new / np.trace(new)
        return size - 1

    limits = []
    for dynamics, top in (("sgd", mean * (1 - 1e-9)), ("sde", 1e6 * mean)):
        end = growth(top, dynamics)
        limits.append(float(brentq(growth, 1e-9 * mean, top, args=(dynamics,), rtol=1e-8)) if end > 0 else np.inf)
    return min(limits[0], mean), limits[1]


def _range(curvature: Array) -> str:
    low, high = curvature[0], curvature[-1]
    return f"{high:.4g}" if len(curvature) == 1 or high - low <= 1e-6 * high else f"{low:.3g} to {high:.3g}"
