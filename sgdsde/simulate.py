"""The front door: SGD and its stochastic differential equation, on the same landscape, with the same answer."""

from __future__ import annotations

import hashlib
import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import sgdsde
from sgdsde import engines, schemes
from sgdsde.config import SGDConfig
from sgdsde.engines.noise import ExampleBatches, GaussianIncrements, Noise
from sgdsde.engines.registry import ENGINES, Plan
from sgdsde.ensemble import Ensemble
from sgdsde.landscapes import Landscape
from sgdsde.whitened import whitened_examples


class StabilityWarning(UserWarning):
    """The step is beyond what is stable at the start: paths will diverge unless the landscape flattens."""


def simulate_sde(
    landscape: Landscape,
    config: SGDConfig,
    w0: ArrayLike,
    updates: int,
    paths: int,
    *,
    scheme: str = "euler_maruyama",
    substeps: int = 1,
    seed: int = 0,
    burn_in: int = 0,
    save_every: int | None = None,
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
        A scheme that integrates SDEs; see ``sgdsde.schemes.declarations()``.
    substeps : int
        Steps per update.
    seed : int
        Path p of a seed is the same whatever the engine, the device, the number of paths and of threads.
    burn_in : int
        Updates before the averages begin.
    save_every : int, optional
        Keep the states of all paths at updates 0, save_every, ….
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
    declaration = schemes.find(scheme, ("ito", "stratonovich"))
    steps = _integer("substeps", substeps, 1)
    step = config.mean_loss_time_per_update / steps
    return _simulate(
        landscape, config, w0, updates, paths, declaration, lambda: GaussianIncrements(landscape.noise_dimension),
        label=f"SDE {scheme}", substeps=steps, dt=step, limit=2 / step, seed=seed, burn_in=burn_in,
        save_every=save_every, engine=engine, device=device, dtype=dtype, progress=progress, examples=None,
    )  # fmt: skip


def simulate_sgd(
    landscape: Landscape,
    config: SGDConfig,
    w0: ArrayLike,
    updates: int,
    paths: int,
    *,
    scheme: str = "sgd",
    seed: int = 0,
    examples: str | ArrayLike = "gaussian",
    burn_in: int = 0,
    save_every: int | None = None,
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
    landscape, config, w0, updates, paths, seed, burn_in, save_every, engine, device, dtype, progress
        As in :func:`simulate_sde`.
    scheme : str
        A map driven by batches: ``"sgd"`` is heavy ball.
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
    v ← m v − ε ĝ, ω ← ω + v with v = 0 at the start. Smith & Le, arXiv 1710.06451, §4–5.

    Examples
    --------
    >>> bowl = Landscape("x**2/2", "x")
    >>> config = SGDConfig(0.1, batch_size=64, n_examples=64)             # all examples: no noise is left
    >>> float(simulate_sgd(bowl, config, 1.0, updates=1, paths=2).final[0, 0])
    0.9
    """
    _check_types(landscape, config)
    declaration = schemes.find(scheme, ("update",))
    seed = _integer("seed", seed, 0, 2**64 - 1)
    return _simulate(
        landscape, config, w0, updates, paths, declaration,
        lambda: ExampleBatches(
            whitened_examples(examples, config.n_examples, landscape.noise_dimension, seed),
            config.batch_size,
            config.sampling,
        ),
        label=f"SGD {config.sampling}", substeps=1, dt=config.mean_loss_time_per_update,
        limit=2 * (1 + config.momentum) / config.learning_rate, seed=seed, burn_in=burn_in, save_every=save_every,
        engine=engine, device=device, dtype=dtype, progress=progress,
        examples=examples,
    )  # fmt: skip


def _simulate(
    landscape: Landscape,
    config: SGDConfig,
    w0: ArrayLike,
    updates: int,
    paths: int,
    declaration: schemes.Declaration,
    noise: Callable[[], Noise],
    *,
    label: str,
    substeps: int,
    dt: float,
    limit: float,
    seed: int,
    burn_in: int,
    save_every: int | None,
    engine: str,
    device: str | None,
    dtype: str,
    progress: Callable[[float], None] | None,
    examples: str | ArrayLike | None,
) -> Ensemble:
    """Check every argument, then build the program and run it."""
    if not isinstance(engine, str) or engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, got {engine!r}")
    for name, given in (("dtype", dtype), ("device", device or "cpu")):
        if not isinstance(given, str):
            raise ValueError(f"{name} must be a name such as 'float64' or 'cpu', got {given!r}")
    updates, paths = _integer("updates", updates, 1), _integer("paths", paths, 1, 2**32 - 1)
    seed, burn_in = _integer("seed", seed, 0, 2**64 - 1), _integer("burn_in", burn_in, 0, updates - 1)
    if save_every is not None:
        save_every = _integer("save_every", save_every, 1, updates)
    starts = landscape.points(w0, "w0")
    if starts.shape not in ((landscape.dimension,), (paths, landscape.dimension)):
        raise ValueError(
            f"w0 must have shape {(landscape.dimension,)} or (paths, d) = {(paths, landscape.dimension)}, "
            f"got {starts.shape}"
        )
    distinct = starts.reshape(-1, landscape.dimension)
    landscape.validate_noise(distinct, "w0")
    _warn_if_unstable(landscape, distinct, limit, label)
    source = noise()
    program = schemes.build(declaration, landscape)
    scalars = {
        "dt": dt,
        "temperature": config.temperature,
        "learning_rate": config.learning_rate,
        "momentum": config.momentum,
        **landscape.scalars,
    }
    start = np.zeros((program.state_dimension, paths))
    start[: landscape.dimension] = starts.T if starts.ndim == 2 else starts[:, None]
    plan = Plan(
        block=program.block, constants=program.block.constant_values(scalars), noise=source, start=start,
        dimension=landscape.dimension, updates=updates, substeps=substeps, burn_in=burn_in, save_every=save_every,
        seed=seed, device=device, dtype=dtype, progress=progress or (lambda fraction: None),
    )  # fmt: skip
    return Ensemble.from_outcome(
        engines.run(engine, plan),
        label=label, parameters=landscape.variables, config=config, updates=updates, burn_in=burn_in, paths=paths,
        save_every=save_every,
        provenance={
            "landscape": landscape.name, "loss": landscape.text, "noise": landscape.noise.kind,
            "noise_entries": [list(row) for row in landscape.noise.entries],
            "landscape_parameters": dict(landscape.parameters),
            "w0": starts.tolist() if starts.ndim == 1 else _fingerprint(starts), "updates": updates, "paths": paths,
            "burn_in": burn_in, "save_every": save_every, "scheme": declaration.name, "substeps": substeps,
            "seed": seed, "engine": engine, "device": device or "cpu", "dtype": dtype,
            "sgdsde_version": sgdsde.__version__,
            **({} if examples is None else {"examples": _name_or_fingerprint(examples)}),
        },
    )  # fmt: skip


def _check_types(landscape: Landscape, config: SGDConfig) -> None:
    for name, value, kind in (("landscape", landscape, Landscape), ("config", config, SGDConfig)):
        if not isinstance(value, kind):
            raise ValueError(f"{name} must be a {kind.__name__}, got {value!r}")


def _warn_if_unstable(landscape: Landscape, starts: np.ndarray[Any, Any], limit: float, label: str) -> None:
    """Largest curvature against what the step can take: 2(1+m)/ε for heavy ball, 2/Δ for an explicit scheme."""
    hessians = landscape.hessian(starts)
    finite = np.isfinite(hessians).all(axis=(1, 2))
    curvature = np.linalg.eigvalsh(hessians[finite]).max(initial=-np.inf)
    if curvature > limit:
        warnings.warn(
            f"{label}: curvature {curvature:.4g} at w0 is beyond the stability limit {limit:.4g} of this "
            f"learning_rate; paths diverge unless the landscape flattens",
            StabilityWarning,
            stacklevel=4,
        )


def _name_or_fingerprint(examples: str | ArrayLike) -> str:
    return examples if isinstance(examples, str) else _fingerprint(examples)


def _fingerprint(array: ArrayLike) -> str:
    """What stands for an array in the provenance: whoever has the array can tell whether it is the same."""
    values = np.ascontiguousarray(array, dtype=np.float64)
    return f"float64 array {values.shape}, SHA-256 {hashlib.sha256(values.tobytes()).hexdigest()}"


def _integer(name: str, value: Any, least: int, most: int | None = None) -> int:
    accepted = f"at least {least}" if most is None else f"between {least} and {most}"
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be an integer {accepted}, got {value!r}") from None
    if isinstance(value, bool) or number < least or (most is not None and number > most):
        raise ValueError(f"{name} must be an integer {accepted}, got {value!r}")
    return number
