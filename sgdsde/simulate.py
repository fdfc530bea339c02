"""The front door: SGD and its stochastic differential equation, on the same landscape, with the same answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from numpy.typing import ArrayLike

from sgdsde.brownian import BrownianPath
from sgdsde.config import SGDConfig
from sgdsde.ensemble import Ensemble
from sgdsde.observe import Observe
from sgdsde.requests import sde_request, sgd_request
from sgdsde.run import AnyLandscape, CoarseStepWarning, StabilityWarning, execute

__all__ = ["CoarseStepWarning", "StabilityWarning", "simulate_sde", "simulate_sgd"]


def simulate_sde(
    landscape: AnyLandscape,
    config: SGDConfig,
    w0: ArrayLike,
    updates: int,
    paths: int,
    *,
    dynamics: str | None = None,
    scheme: str | None = None,
    substeps: int | str = "auto",
    learning_rates: ArrayLike | None = None,
    batch_sizes: ArrayLike | None = None,
    seed: int = 0,
    brownian: BrownianPath | None = None,
    driver: str | None = None,
    state0: Mapping[str, ArrayLike] | None = None,
    burn_in: int = 0,
    save_every: int | None = None,
    observe: Observe | None = None,
    stop: str | Mapping[str, str] | None = None,
    bridge: bool = True,
    engine: str | None = None,
    device: object = None,
    dtype: object = "float64",
    progress: Callable[[float], None] | None = None,
) -> Ensemble:
    """Integrate dω = −∇L ds + √(T F(ω)) dX; one update of SGD is s = ε/(1 − m).

    X is Brownian motion, or for reshuffled batches epoched Brownian motion: a Brownian bridge over every epoch.

    Parameters
    ----------
    landscape : Landscape or WideLandscape
        Where, and with what noise; those of arrays are :func:`sgdsde.landscapes.wide_quadratic` and others.
    config : SGDConfig
        Gives T and the time of an update.
    w0 : (d,) or (paths, d)
        Where paths start; a number when d = 1.
    updates, paths : int
        Length in updates of SGD, and number of independent paths. Memory does not grow with `updates`.
    dynamics : str, optional
        ``"sde"``; ``"momentum_sde"``: dω = p dτ, dp = −(γp + ∇L)dτ + √(γT) A dW with γ = (1 − m)/√ε, one update being
        τ = √ε, from p = 0; ``"rmsprop_sde"`` and ``"adam_sde"``, the limits of these rules
        (:mod:`sgdsde.schemes.adaptive`). By default that which `scheme` is for.
    scheme : str, optional
        What integrates it; see ``sgdsde.schemes.declarations()``. By default Euler–Maruyama, and BAOAB with momentum.
    substeps : int or ``"auto"``
        Steps per update. ``"auto"``: the fewest, up to 256, with which the scheme errs by at most 1 % in the stationary
        variance and the relaxation of a bowl with constant noise and the largest curvature h of the minimum below `w0`
        (at `w0`, where there is none), and which are at most half of what is stable at `w0`. Euler–Maruyama's variance
        is too large by the factor 1/(1 − hΔ/2), Δ = ε/(1 − m)/substeps, so that it takes about 50 ε h/(1 − m) steps;
        other schemes take fewer. What was taken, and the error expected, is in `provenance`, and printed. With epoched
        Brownian motion that error may be twice as large, and ``"auto"`` asks for half of it.
    learning_rates, batch_sizes : (≥ updates,), optional
        ε(k) and B(k) of every update in place of the config's (`sgdsde.schedules` makes some): T and the time of an
        update follow them. Schemes of the momentum SDE take `batch_sizes` alone.
    seed : int
        Path p of a seed is the same whatever the engine, the device, the number of paths and of threads.
    brownian : BrownianPath, optional
        The Brownian motion to follow, in the clock of the SDE: `updates` last updates × ε/(1 − m), or updates × √ε for
        schemes of the momentum SDE. By default each step draws its own increments from the seed.
    driver : str, optional
        What X is. ``"brownian"``: Brownian motion, with T = g/N. ``"epoched"``: for sampling ``"reshuffle"`` alone, a
        Brownian bridge over each epoch of N/B updates, independent of the others, with T = ε/(B(1 − m)); the noise of
        an epoch adds up to nothing, as that of the batches of one permutation does, each with its own B. By default
        ``"epoched"`` where the sampling is by permutations, else ``"brownian"``; it must be given as ``"brownian"`` for
        ``"shuffle_once"``, whose epochs are all alike, and where ``drop_last`` leaves examples out. Path p of a seed
        has the same normals with both.
    state0 : mapping of str to (d,) or (paths, d), optional
        Where what is carried beside ω starts, by its name in ``auxiliary``: 0 by default, but for the average of
        squares of ``"rmsprop_sde"``, which starts at the mean of ĝ². Numbers that correct biases, such as
        ``"bias_of_beta1"``, are (1,) or (paths, 1): 1 when there is nothing to correct any more.
    burn_in : int
        Updates before the averages begin.
    save_every : int, optional
        Keep the states of all paths at updates 0, save_every, … and the last.
    observe : Observe, optional
        What to gather beside mean and covariance, in memory that does not grow with `updates`: third and fourth
        moments, histograms, shares of time in regions; not with `stop`. Found in ``skewness``, ``kurtosis``,
        ``histograms``, ``occupancy``.
    stop : str or mapping of str to str, optional
        Where paths end: a condition such as ``"x > 0"``, or several, ``{"left": "x < -1", "right": "x > 1"}``, of
        comparisons joined by ``and`` and ``or``. The ends are in ``exits``; paths still inside at the end are censored.
    bridge : bool
        With `stop`, count crossings of straight boundaries inside a step too, by the law of a Brownian bridge between
        its ends; ``exits.crossings`` says how well it is known.
    engine, device, dtype : str
        ``"numba"`` (CPU, float64, the default), ``"torch"`` (any device, float64 or float32), ``"numpy"`` (the
        reference, slow); landscapes of arrays run on ``"torch"``. A ``torch.device`` and dtypes of torch and NumPy will
        do too.
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
    CoarseStepWarning
        When the steps are expected to make the variance or the relaxation wrong by more than 2.5 %.
    DivergenceWarning
        When paths left the finite numbers.

    Notes
    -----
    Smith & Le, arXiv 1710.06451, eqs 3–5, in the clock s = N t; epoched Brownian motion: Perko, arXiv 2512.04703. The
    clock of its bridge is the share of the epoch's examples that were seen, whatever the schedules: ε(k) and B(k) set T
    and the time of an update. Where a scheme's draws are not normal, or made for Brownian motion alone, it is refused.
    Random numbers: Philox4x32-10 (Salmon et al. 2011).

    Examples
    --------
    >>> from sgdsde import Landscape
    >>> bowl = Landscape("h*x**2/2", "x", {"h": 2.0})
    >>> config = SGDConfig(learning_rate=0.05, batch_size=4, n_examples=64)
    >>> sde = simulate_sde(bowl, config, 0.0, updates=2000, paths=512, substeps=4, burn_in=200)
    >>> bool(abs(sde.covariance[0, 0] - config.temperature / 4) < 5 * sde.standard_error.covariance[0, 0] + 1e-4)
    True
    """
    return execute(
        sde_request(
            landscape, config, w0, updates, paths, dynamics=dynamics, scheme=scheme, substeps=substeps,
            learning_rates=learning_rates, batch_sizes=batch_sizes, brownian=brownian, driver=driver, state0=state0,
            seed=seed, burn_in=burn_in, save_every=save_every, observe=observe, stop=stop, bridge=bridge, engine=engine,
            device=device, dtype=dtype, progress=progress,
        )
    )  # fmt: skip


def simulate_sgd(
    landscape: AnyLandscape,
    config: SGDConfig,
    w0: ArrayLike,
    updates: int,
    paths: int,
    *,
    dynamics: str = "sgd",
    noise: str | None = None,
    substeps: int = 1,
    learning_rates: ArrayLike | None = None,
    batch_sizes: ArrayLike | None = None,
    seed: int = 0,
    examples: str | ArrayLike = "gaussian",
    driver: str | None = None,
    state0: Mapping[str, ArrayLike] | None = None,
    burn_in: int = 0,
    save_every: int | None = None,
    observe: Observe | None = None,
    stop: str | Mapping[str, str] | None = None,
    engine: str | None = None,
    device: object = None,
    dtype: object = "float64",
    progress: Callable[[float], None] | None = None,
) -> Ensemble:
    """Run SGD with batches of N real examples whose gradients have mean ∇L(ω) and covariance F(ω), both exactly.

    Example i has the gradient ∇L(ω) + A(ω) z_i, with z_1, …, z_N whitened vectors. Arguments are those of
    :func:`simulate_sde`, and

    Parameters
    ----------
    landscape, config, w0, updates, paths, learning_rates, batch_sizes, seed, state0, burn_in, save_every, observe, \
    stop, engine, device, dtype, progress
        As in :func:`simulate_sde`.
    dynamics : str
        A rule, with batches unless `noise` says otherwise: ``"sgd"`` (with momentum), ``"heavy_ball"``, ``"nesterov"``,
        ``"rmsprop"``, ``"adam"``, ``"adamw"``, ``"signsgd"`` (see ``sgdsde.dynamics.all_rules()``; users' own by
        ``sgdsde.rule``); ``"noisy_gd"`` is SGD with ``noise="normal"``, ``"svag"`` SGD with ``noise="svag"``.
    noise : str, optional
        How the gradient of a step differs from ∇L: ``"batches"`` of examples; ``"normal"``, of the same covariance;
        ``"isotropic"`` and ``"diagonal"``, of its trace and of its diagonal; ``"svag"``, which tends to the SDE as its
        l = `substeps` grows.
    substeps : int
        l of SVAG: so many of its steps stand for an update. 1 for the others.
    examples : str or (N, k)
        ``"gaussian"``, ``"rademacher"``, ``"student_t:5"`` or vectors of the user's, which are whitened.
    driver : str, optional
        Of ``"noisy_gd"`` alone, as in :func:`simulate_sde`: with ``"epoched"`` the noise of its steps has between them
        the covariances of reshuffled batches too.

    Returns
    -------
    Ensemble

    Raises
    ------
    ValueError
        For an argument that is not accepted, before any work; the message names it.

    Notes
    -----
    ``"sgd"`` is b ← m b + ĝ, ω ← ω − ε(k) b with b = 0 at the start, as ``torch.optim.SGD``; Smith & Le, arXiv
    1710.06451, §4–5. Where ε changes, ``"heavy_ball"`` differs: Polyak's v ← m v − ε(k) ĝ, ω ← ω + v keeps what old
    learning rates made.

    Examples
    --------
    >>> from sgdsde import Landscape
    >>> bowl = Landscape("x**2/2", "x")
    >>> config = SGDConfig(0.1, batch_size=64, n_examples=64)             # all examples: no noise is left
    >>> float(simulate_sgd(bowl, config, 1.0, updates=1, paths=2).final[0, 0])
    0.9
    """
    return execute(
        sgd_request(
            landscape, config, w0, updates, paths, dynamics=dynamics, noise=noise, substeps=substeps,
            learning_rates=learning_rates, batch_sizes=batch_sizes, seed=seed, examples=examples, driver=driver,
            state0=state0, burn_in=burn_in, save_every=save_every, observe=observe, stop=stop, engine=engine,
            device=device, dtype=dtype, progress=progress,
        )
    )  # fmt: skip
