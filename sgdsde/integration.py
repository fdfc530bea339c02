"""Integrate the SDE of a landscape in its own time, without the words of SGD."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde import schemes
from sgdsde.arguments import check_steps, integer, moderate, positive, real
from sgdsde.brownian import BrownianPath
from sgdsde.engines.noise import Noise
from sgdsde.ensemble import Ensemble
from sgdsde.observe import Observe
from sgdsde.run import (
    AnyLandscape,
    AnyProgram,
    Request,
    check_landscape,
    drawn_sources,
    execute,
    recorded,
)

AREA_METHOD = "mrongowius_roessler"


def integrate(
    landscape: AnyLandscape,
    w0: ArrayLike,
    time: float,
    steps: int,
    paths: int,
    *,
    temperature: float = 1.0,
    friction: float = 1.0,
    scheme: str = "euler_maruyama",
    seed: int = 0,
    brownian: BrownianPath | None = None,
    burn_in: int | None = None,
    save_every: int | None = None,
    observe: Observe | None = None,
    stop: str | Mapping[str, str] | None = None,
    bridge: bool = True,
    engine: str | None = None,
    device: object = None,
    dtype: object = "float64",
    progress: Callable[[float], None] | None = None,
) -> Ensemble:
    """Integrate dω = −∇L ds + √T A(ω) dW (Itô) over `time` in equal steps, with any scheme.

    Schemes of the momentum SDE integrate dω = p dτ, dp = −(γp + ∇L)dτ + √(γT) A(ω) dW, from p = 0.

    Parameters
    ----------
    landscape : Landscape or WideLandscape
        Loss L and noise factor A.
    w0 : (d,) or (paths, d)
        Where paths start; a number when d = 1.
    time : float
        Length, in the equation's own clock.
    steps, paths : int
        Number of equal steps, and of independent paths.
    temperature, friction : float
        T and γ.
    scheme : str
        One of ``sgdsde.schemes.declarations()``; each says what noise it takes and its orders.
    seed : int
        Path p of a seed is the same whatever the engine, the device, the number of paths and of threads.
    brownian : BrownianPath, optional
        The Brownian motion to follow; runs with other schemes and step sizes can share it.
    burn_in : int, optional
        Steps before the averages over time begin; by default the moments are those of the end.
    save_every : int, optional
        Keep the states of all paths at steps 0, save_every, … and the last.
    observe : Observe, optional
        What to gather beside mean and covariance, after the steps from `burn_in` on (so by default of the end alone):
        third and fourth moments, histograms, shares of time in regions; not with `stop`. Found in ``skewness``,
        ``kurtosis``, ``histograms``, ``occupancy``.
    stop : str or mapping of str to str, optional
        Where paths end: a condition such as ``"x > 0"``, or several, ``{"left": "x < -1", "right": "x > 1"}``, of
        comparisons joined by ``and`` and ``or``. The ends are in ``exits``; paths still inside at the end are censored.
    bridge : bool
        With `stop`, count crossings of straight boundaries inside a step too, by the law of a Brownian bridge between
        its ends; ``exits.crossings`` says how well it is known.
    engine, device, dtype, progress
        As in :func:`sgdsde.simulate_sde`.

    Returns
    -------
    Ensemble
        In which an update is a step.

    Raises
    ------
    ValueError
        For an argument that is not accepted, before any work; the message names it.

    Examples
    --------
    >>> from sgdsde import Landscape
    >>> bowl = Landscape("x**2/2", "x")
    >>> path = BrownianPath(dimension=1, time=1.0, steps=64, seed=1)
    >>> coarse, fine = (integrate(bowl, 1.0, 1.0, n, paths=3, brownian=path).final for n in (16, 64))
    >>> bool(abs(coarse - fine).max() < 0.1)
    True
    """
    check_landscape(landscape, arrays=True)
    declaration = schemes.find(scheme)
    steps, length = integer("steps", steps, 1), positive("time", time)
    check_steps(steps, name="steps")
    return execute(
        plan_sde(
            landscape, declaration, moderate("time / steps", length / steps),
            moderate("temperature", real("temperature", temperature, 0)),
            moderate("friction", positive("friction", friction)),
            brownian=brownian, steps=steps, paths=paths, w0=w0, updates=steps,
            seed=seed, burn_in=steps - 1 if burn_in is None else burn_in, save_every=save_every,
            observe=observe, stop=stop, bridge=bridge, engine=engine, device=device, dtype=dtype, progress=progress,
            time_per_update=length / steps, label=f"SDE {declaration.name}",
        )
    )  # fmt: skip


def plan_sde(
    landscape: AnyLandscape,
    declaration: schemes.Declaration,
    dt: float | NDArray[np.float64],
    temperature: float | NDArray[np.float64],
    friction: float,
    *,
    brownian: BrownianPath | None,
    steps: int,
    paths: int,
    epoched: Mapping[str, NDArray[np.float64]] | None = None,
    values: Mapping[str, Any] | None = None,
    beside: Mapping[str, Any] | None = None,
    **options: Any,
) -> Request:
    """Request of a run of `steps` steps of `dt` in the clock of the scheme's equation; arrays are by update.

    `epoched` is that of a request, and so are `values`, beside those of dt, T and γ. What is in `beside` goes into the
    provenance too.
    """
    shortest, longest = float(np.min(dt)), float(np.max(dt))
    if brownian is not None:
        if epoched:
            raise ValueError(
                "brownian must be left out with driver 'epoched': the bridges that runs of different steps make of one "
                "Brownian motion are different; or driver must be 'brownian'"
            )
        if shortest < longest:
            raise ValueError("brownian has steps of one length, and learning_rates makes those of the run differ")
        _check_brownian(brownian, landscape, longest * steps)

    def sources(program: AnyProgram) -> Sequence[Noise]:
        if brownian is None:
            return drawn_sources(program, shortest, AREA_METHOD)
        shared = [name for name in program.draws if name != "uniform"]
        own = drawn_sources(program, shortest, AREA_METHOD)[len(shared) :]
        return [brownian.source(steps, paths, shared), *own] if shared else own

    return Request(
        landscape=landscape, declaration=declaration, sources=sources, paths=paths, epoched=epoched,
        values={"dt": dt, "temperature": temperature, "friction": friction, **(values or {})},
        limit=math.inf
        if declaration.stable
        else {"overdamped": 2 / longest, "momentum": 4 / longest**2}[declaration.equation],
        provenance={
            "dt": recorded(dt), "temperature": recorded(temperature), "friction": friction,
            "brownian": None if brownian is None else brownian.describe(), **(beside or {}),
        },
        **options,
    )  # fmt: skip


def _check_brownian(brownian: Any, landscape: AnyLandscape, time: float) -> None:
    if not isinstance(brownian, BrownianPath):
        raise ValueError(f"brownian must be a BrownianPath, got {brownian!r}")
    if brownian.dimension != landscape.noise_dimension:
        raise ValueError(
            f"brownian has {brownian.dimension} components; the noise of this landscape has {landscape.noise_dimension}"
        )
    if not math.isclose(brownian.time, time, rel_tol=1e-9):
        raise ValueError(f"brownian lasts {brownian.time:g}; the run lasts {time:g} in the clock of its equation")
