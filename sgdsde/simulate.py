"""The front door: SGD and its stochastic differential equation, on the same landscape, with the same answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sgdsde import schemes
from sgdsde.brownian import BrownianPath
from sgdsde.config import SAMPLINGS, SGDConfig
from sgdsde.engines.noise import ExampleBatches, GaussianIncrements, Noise
from sgdsde.engines.philox import STREAM_OTHER_BATCH
from sgdsde.ensemble import Ensemble
from sgdsde.integration import plan_sde
from sgdsde.landscapes import Landscape, weight_decayed
from sgdsde.run import Request, StabilityWarning, check_landscape, execute, fingerprint, integer, recorded
from sgdsde.schedules import batch_size_schedule, learning_rate_schedule
from sgdsde.whitened import whitened_examples

__all__ = ["StabilityWarning", "simulate_sde", "simulate_sgd"]


def simulate_sde(
    landscape: Landscape,
    config: SGDConfig,
    w0: ArrayLike,
    updates: int,
    paths: int,
    *,
    scheme: str = "euler_maruyama",
    substeps: int = 1,
    learning_rates: ArrayLike | None = None,
    batch_sizes: ArrayLike | None = None,
    seed: int = 0,
    brownian: BrownianPath | None = None,
    burn_in: int = 0,
    save_every: int | None = None,
    stop: str | Mapping[str, str] | None = None,
    bridge: bool = True,
    engine: str = "numba",
    device: str | None = None,
    dtype: str = "float64",
    progress: Callable[[float], None] | None = None,
) -> Ensemble:
    """Integrate dω = −∇L ds + √(T F(ω)) dW; one update of SGD is s = ε/(1 − m).

    Parameters
    ----------
    landscape : Landscape
        Where, and with what noise.
    config : SGDConfig
        Gives T = g/N and the time of an update.
    w0 : (d,) or (paths, d)
        Where paths start; a number when d = 1.
    updates, paths : int
        Length in updates of SGD, and number of independent paths. Memory does not grow with `updates`.
    scheme : str
        A scheme that integrates SDEs; see ``sgdsde.schemes.declarations()``. Those of the momentum SDE integrate
        dω = p dτ, dp = −(γp + ∇L)dτ + √(γT F) dW with γ = (1 − m)/√ε, one update being τ = √ε, from p = 0.
    substeps : int
        Steps per update.
    learning_rates, batch_sizes : (≥ updates,), optional
        ε(k) and B(k) of every update in place of the config's (`sgdsde.schedules` makes some): T and the time of an
        update follow them. Schemes of the momentum SDE take `batch_sizes` alone.
    seed : int
        Path p of a seed is the same whatever the engine, the device, the number of paths and of threads.
    brownian : BrownianPath, optional
        The Brownian motion to follow, in the clock of the SDE: `updates` last updates × ε/(1 − m), or updates × √ε for
        schemes of the momentum SDE. By default each step draws its own increments from the seed.
    burn_in : int
        Updates before the averages begin.
    save_every : int, optional
        Keep the states of all paths at updates 0, save_every, ….
    stop : str or mapping of str to str, optional
        Where paths end: a condition such as ``"x > 0"``, or several, ``{"left": "x < -1", "right": "x > 1"}``, of
        comparisons joined by ``and`` and ``or``. The ends are in ``exits``; paths still inside at the end are censored.
    bridge : bool
        With `stop`, count crossings of linear boundaries inside a step too, by the probability of a Brownian bridge.
    engine, device, dtype : str
        ``"numba"`` (CPU, float64), ``"torch"`` (any device, float64 or float32), ``"numpy"`` (the reference, slow).
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    Ensemble

    Raises
    ------
    ValueError
        For an argument that is not accepted, before any work; the message names it.

    Warns
    -----
    StabilityWarning
        When the step is unstable for the curvature at `w0`.
    DivergenceWarning
        When paths left the finite numbers.

    Notes
    -----
    Smith & Le, arXiv 1710.06451, eqs 3–5, in the clock s = N t. Random numbers: Philox4x32-10 (Salmon et al. 2011).

    Examples
    --------
    >>> bowl = Landscape("h*x**2/2", "x", {"h": 2.0})
    >>> config = SGDConfig(learning_rate=0.05, batch_size=4, n_examples=64)
    >>> sde = simulate_sde(bowl, config, 0.0, updates=2000, paths=512, substeps=4, burn_in=200)
    >>> bool(abs(sde.covariance[0, 0] - config.temperature / 4) < 5 * sde.standard_error.covariance[0, 0] + 1e-4)
    True
    """
    _check_types(landscape, config)
    steps, updates = integer("substeps", substeps, 1), integer("updates", updates, 1)
    declaration = schemes.find(scheme, ("ito", "stratonovich"))
    rates, sizes = _schedules(config, learning_rates, batch_sizes, updates)
    kicks = rates * (1 - config.dampening)
    if declaration.equation == "momentum":
        if learning_rates is not None:
            raise ValueError(
                f"learning_rates must be left out for scheme {scheme!r}: the clock of the momentum SDE is that of one ε"
            )
        friction, update = (1 - config.momentum) / math.sqrt(config.kick), math.sqrt(config.kick)
    else:
        friction, update = 1.0, kicks / (1 - config.momentum)
    noise = SAMPLINGS[config.sampling](config.n_examples, sizes)
    return execute(
        plan_sde(
            weight_decayed(landscape, config.weight_decay), declaration, update / steps,
            kicks * noise / (1 - config.momentum), friction,
            brownian=brownian, steps=updates * steps, paths=paths,
            w0=w0, updates=updates, substeps=steps, seed=seed, burn_in=burn_in, save_every=save_every, stop=stop,
            bridge=bridge, engine=engine,
            device=device, dtype=dtype, progress=progress, label=f"SDE {declaration.name}", config=config,
        )
    )  # fmt: skip


def simulate_sgd(
    landscape: Landscape,
    config: SGDConfig,
    w0: ArrayLike,
    updates: int,
    paths: int,
    *,
    scheme: str = "sgd",
    substeps: int = 1,
    learning_rates: ArrayLike | None = None,
    batch_sizes: ArrayLike | None = None,
    seed: int = 0,
    examples: str | ArrayLike = "gaussian",
    burn_in: int = 0,
    save_every: int | None = None,
    stop: str | Mapping[str, str] | None = None,
    engine: str = "numba",
    device: str | None = None,
    dtype: str = "float64",
    progress: Callable[[float], None] | None = None,
) -> Ensemble:
    """Run SGD with batches of N real examples whose gradients have mean ∇L(ω) and covariance F(ω), both exactly.

    Example i has the gradient ∇L(ω) + A(ω) z_i, with z_1, …, z_N whitened vectors. Arguments are those of
    :func:`simulate_sde`, and

    Parameters
    ----------
    landscape, config, w0, updates, paths, learning_rates, batch_sizes, seed, burn_in, save_every, stop, engine, \
    device, dtype, progress
        As in :func:`simulate_sde`.
    scheme : str
        ``"sgd"`` (heavy ball), ``"nesterov"``, ``"noisy_gd"`` (heavy ball with normal noise of the same covariance) or
        ``"svag"``, which tends to the SDE as its l = `substeps` grows.
    substeps : int
        l of SVAG: so many of its steps stand for an update. 1 for the others.
    examples : str or (N, k)
        ``"gaussian"``, ``"rademacher"``, ``"student_t:5"`` or vectors of the user's, which are whitened.

    Returns
    -------
    Ensemble

    Raises
    ------
    ValueError
        For an argument that is not accepted, before any work; the message names it.

    Notes
    -----
    v ← m v − ε(k) ĝ, ω ← ω + v with v = 0 at the start. Smith & Le, arXiv 1710.06451, §4–5. Where ε changes this is
    Polyak's v, not torch's buffer, which a new ε multiplies too.

    Examples
    --------
    >>> bowl = Landscape("x**2/2", "x")
    >>> config = SGDConfig(0.1, batch_size=64, n_examples=64)             # all examples: no noise is left
    >>> float(simulate_sgd(bowl, config, 1.0, updates=1, paths=2).final[0, 0])
    0.9
    """
    _check_types(landscape, config)
    declaration = schemes.find(scheme, ("update",))
    seed, updates = integer("seed", seed, 0, 2**64 - 1), integer("updates", updates, 1)
    steps = _checked_substeps(scheme, integer("substeps", substeps, 1), config)
    rates, sizes = _schedules(config, learning_rates, batch_sizes, updates)
    kicks = rates * (1 - config.dampening)
    table = whitened_examples(examples, config.n_examples, landscape.noise_dimension, seed)
    batches = np.repeat(sizes, steps) if np.ndim(sizes) else int(sizes)

    def sources(program: schemes.Program) -> Sequence[Noise]:
        made: dict[str, Callable[[int], Noise]] = {
            "batch": lambda numbers: ExampleBatches(table, batches, config.sampling, apart="other" in program.draws),
            "other": lambda numbers: ExampleBatches(table, batches, config.sampling, STREAM_OTHER_BATCH, apart=True),
            "z": GaussianIncrements,
        }
        return [made[name](numbers) for name, numbers in program.draws.items()]

    return execute(
        Request(
            weight_decayed(landscape, config.weight_decay), w0, updates, paths, declaration, sources,
            values={
                "learning_rate": kicks / steps, "momentum": config.momentum, "spread": math.sqrt(2 * steps - 1),
                "batch_noise": SAMPLINGS[config.sampling](config.n_examples, sizes),
            },
            label=f"{scheme.upper() if len(scheme) < 5 else scheme} {config.sampling}", substeps=steps,
            limit=2 * (1 + config.momentum) * steps / float(np.max(kicks)), seed=seed, burn_in=burn_in,
            save_every=save_every, stop=stop, engine=engine, device=device, dtype=dtype, progress=progress,
            config=config,
            provenance={
                "examples": examples if isinstance(examples, str) else fingerprint(np.asarray(examples)),
                "learning_rates": recorded(rates), "batch_sizes": recorded(sizes),
            },
        )
    )  # fmt: skip


def _check_types(landscape: Landscape, config: SGDConfig) -> None:
    check_landscape(landscape)
    if not isinstance(config, SGDConfig):
        raise ValueError(f"config must be a SGDConfig, got {config!r}")


def _schedules(
    config: SGDConfig, learning_rates: ArrayLike | None, batch_sizes: ArrayLike | None, updates: int
) -> tuple[Any, Any]:
    """ε and B, a number or one for each update."""
    rates = config.learning_rate if learning_rates is None else learning_rate_schedule(learning_rates, updates)
    sizes = config.batch_size if batch_sizes is None else batch_size_schedule(batch_sizes, config, updates)
    return rates, sizes


def _checked_substeps(scheme: str, substeps: int, config: SGDConfig) -> int:
    """l of SVAG; what else its construction needs."""
    if scheme != "svag":
        if substeps > 1:
            raise ValueError(f"substeps must be 1 for scheme {scheme!r}, whose step is an update; got {substeps}")
        return 1
    if config.momentum or config.sampling == "reshuffle":
        given = f"momentum = {config.momentum:g}" if config.momentum else "sampling = 'reshuffle'"
        raise ValueError(f"scheme 'svag' is made for SGD without momentum and independent batches, got {given}")
    return substeps
