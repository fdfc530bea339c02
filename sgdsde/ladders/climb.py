"""The ladder from SGD to its SDE in one call: every rung as an ensemble, and how far each is from the SDE."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde import dynamics as dynamics_of
from sgdsde.arguments import check_steps, choice, integer, integers
from sgdsde.brownian import BrownianPath
from sgdsde.clock import CLOCKS
from sgdsde.config import SGDConfig
from sgdsde.drivers import DRIVERS, driver_of
from sgdsde.dynamics.limits import LIMITS
from sgdsde.engines import footprint
from sgdsde.engines.registry import snapshots_of
from sgdsde.ensemble import Ensemble
from sgdsde.ladders.result import Ladder, Rung
from sgdsde.memory import check_memory
from sgdsde.requests import power_of_two
from sgdsde.run import AnyLandscape, CoarseStepWarning, check_landscape
from sgdsde.simulate import simulate_sde, simulate_sgd
from sgdsde.statistics import Distances, distances

Array = NDArray[np.float64]

_LEAST = 4  # paths from which a distance can be had
_BROWNIAN = "Brownian path"


@dataclass(frozen=True, eq=False)
class _Run:
    label: str
    steps: int
    noise: str  # runs of the same noise are paired, path by path
    simulate: Callable[..., Ensemble]


def ladder(
    landscape: AnyLandscape,
    config: SGDConfig,
    w0: ArrayLike,
    updates: int,
    paths: int,
    *,
    dynamics: str = "sgd",
    svag: Sequence[int] = (1, 2, 4, 8),
    substeps: int | str = 16,
    against: str | None = None,
    seed: int = 0,
    examples: str | ArrayLike = "gaussian",
    driver: str | None = None,
    at: Sequence[int] = (),
    engine: str | None = None,
    device: object = None,
    dtype: object = "float64",
    progress: Callable[[float], None] | None = None,
) -> Ladder:
    """Run SGD, SVAG(l), noisy gradient descent and the SDE, and measure how far each is from the SDE.

    Two things part SGD from its SDE: its noise is not normal, and its steps are finite. SVAG(l) makes both fade as
    1/l. Noisy gradient descent has normal noise and SGD's steps, and the SDE in fewer steps leads on from there.

    Parameters
    ----------
    landscape, config, w0, updates, paths, engine, device, dtype
        As in :func:`simulate_sde`; at least four paths, and some thousands for errors of a few per cent.
    dynamics : str
        The rule: the rungs are it, with batches, SVAG and normal noise, and its SDE, where one is known.
    svag : sequence of int
        The l of the rungs SVAG(l). SVAG(1) is SGD in law, on other batches.
    substeps : int or ``"auto"``
        Steps of the SDE for an update, by Euler and Maruyama; half of them and so on, down to noisy gradient descent,
        are rungs that show what is left of the step's error. ``"auto"``: the power of two from which on
        :func:`simulate_sde` expects an error of at most 1 %, up to 256. The printed table says what error is expected.
    against : str, optional
        Label of the rung from which distances are measured: ``"SDE"``, ``"SGD"``, ``"SVAG(8)"``, ``"momentum SDE"`` ….
        None: the last rung, which is the SDE where there is one.
    seed : int
        Of examples and noise. The same seed gives the same rungs, whichever others there are.
    examples : str or (N, k)
        As in :func:`simulate_sgd`; SGD and SVAG have the same.
    driver : str, optional
        Of the SDE and of normal noise, as in :func:`simulate_sde`.
    at : sequence of int
        Updates after which distances are measured, besides the last. The states of all paths are kept at the multiples
        of their greatest common divisor.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    Ladder

    Raises
    ------
    ValueError
        For an argument that is not accepted, before any work; and when fewer than four paths of the reference are
        left, or its states have a singular covariance.

    Warns
    -----
    StabilityWarning, DivergenceWarning
        As the simulations do. Diverged paths are left out of the distances, with their pair.

    Notes
    -----
    The SDE with any number of steps, noisy gradient descent without momentum (which is Euler–Maruyama in steps of an
    update) and the momentum SDE follow one Brownian path each p, so their distances are paired, with smaller errors.
    Everything else has noise of its own, and so has every rung where batches are reshuffled, whose SDE epoched Brownian
    motion drives. The reference is common to all rungs: their distances are correlated.
    The SDE in half the steps is about as far from the reference as that is from the exact SDE: take more `substeps`
    until this is little, above all with momentum, where an update is ε/(1 − m) long.
    SVAG needs independent batches and no momentum, and is absent otherwise; for adaptive rules it divides ε by √l and
    1 − β by l. With momentum there is one more rung, the momentum SDE, by BAOAB. In more than one dimension the energy
    distance takes time ∝ paths² per rung. Theory: Li, Malladi & Arora, arXiv 2102.12470 (SVAG); Wu et al., arXiv
    1906.07405 (noisy gradient descent); Malladi et al., arXiv 2205.10287 (adaptive rules).

    Examples
    --------
    >>> from sgdsde import Landscape
    >>> bowl = Landscape("x**2/2", "x")
    >>> found = ladder(bowl, SGDConfig(0.8, batch_size=1, n_examples=64), 0.0, updates=20, paths=1000, svag=(2, 8))
    >>> [rung.label for rung in found.rungs]
    ['SGD', 'SVAG(2)', 'SVAG(8)', 'noisy GD', 'SDE, 2 steps', 'SDE, 4 steps', 'SDE, 8 steps', 'SDE again']
    >>> found["SGD"].distances.covariance_distance.value > found["SVAG(8)"].distances.covariance_distance.value
    True
    """
    check_landscape(landscape, arrays=True)
    if not isinstance(config, SGDConfig):
        raise ValueError(f"config must be a SGDConfig, got {config!r}")
    if not config.temperature > 0:
        raise ValueError(f"config must leave SGD some noise, got T = 0: batch_size = {config.batch_size} takes it all")
    updates, paths = integer("updates", updates, 1), integer("paths", paths, _LEAST)
    driver = driver_of(driver, config)
    seed = integer("seed", seed, 0, 2**64 - 1)
    steps = power_of_two(landscape, config, w0, dynamics) if substeps == "auto" else integer("substeps", substeps, 1)
    rungs_of_svag = _ascending("svag", svag)
    check_steps(updates, max([steps, *rungs_of_svag]), each="substeps or svag")
    before = tuple(time for time in _ascending("at", at, updates) if time < updates)
    times = (*before, updates)
    table = landscape.examples(examples, config.n_examples, seed)
    runs, absent = _runs(landscape, config, updates, rungs_of_svag, steps, table, dynamics, driver)
    reference = runs[-1] if against is None else _find(against, runs, absent)
    every = math.gcd(*before) if before else None
    d, k = landscape.dimension, snapshots_of(updates, every)
    kept = footprint.saved_size(d, k + 2, paths) + footprint.moments_size(d, paths, landscape.pooled)
    check_memory(kept * (len(runs) + 1), f"paths or at must be fewer: {len(runs) + 1} rungs of {paths} paths")
    options = {
        "w0": w0, "updates": updates, "paths": paths, "engine": engine, "device": device, "dtype": dtype,
        "save_every": every,
    }  # fmt: skip

    def ensemble(run: _Run, place: int) -> Ensemble:
        def tell(fraction: float) -> None:
            if progress:
                progress((place + fraction / 2) / (len(runs) + 1))  # the other half is for the distances

        own = int(np.random.SeedSequence([seed, *run.noise.encode()]).generate_state(1, np.uint64)[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CoarseStepWarning)  # rungs are coarse on purpose; the table says how much
            return replace(run.simulate(seed=own, progress=tell, **options), label=run.label)

    base, rungs = ensemble(reference, 0), []
    if base.paths - base.diverged < _LEAST:
        raise ValueError(f"against = {reference.label!r}: {base.diverged} of its {paths} paths diverged")
    others = [run for run in runs if run is not reference]
    again = replace(reference, label=f"{reference.label} again", noise="again")
    for place, run in enumerate([*others, again], 1):
        found = ensemble(run, place)
        if found.paths - found.diverged < _LEAST:
            absent[run.label] = f"{found.diverged} of {paths} paths diverged"
            continue
        paired = run.noise == reference.noise
        rungs.append(Rung(run.label, run.steps, found, paired, tuple(_apart(found, base, k, paired) for k in times)))
    if again.label in absent:
        raise ValueError(f"against = {reference.label!r}: run again, {absent[again.label]}")
    if progress:
        progress(1.0)
    return Ladder(base, reference.steps, tuple(rungs), times, absent)


def _runs(
    landscape: AnyLandscape,
    config: SGDConfig,
    updates: int,
    svag: Sequence[int],
    substeps: int,
    examples: Array,
    name: str,
    driver: str,
) -> tuple[list[_Run], dict[str, str]]:
    """What there is to run, from a rule to its SDE; and what there is not."""
    rule = dynamics_of.find(name, config).rule
    label = name.upper() if len(name) < 4 else name
    noisy = "noisy GD" if name == "sgd" else f"noisy {label}"

    def descent(noise: str, steps: int = 1) -> Callable[..., Ensemble]:
        def run(**options: Any) -> Ensemble:
            options |= {"dynamics": name, "noise": noise, "substeps": steps, "examples": examples}
            options |= {"driver": driver} if noise == "normal" else {}
            return simulate_sgd(landscape, config, **options)

        return run

    def sde(steps: int, of: str) -> Callable[..., Ensemble]:
        update = CLOCKS[LIMITS[of].equation](config.kick, 1.0, config.momentum).update

        def run(seed: int, **options: Any) -> Ensemble:
            if shared:
                # the same unit normals in any clock are the same Brownian motion: γ dτ of one is ds of the other
                path = BrownianPath(landscape.noise_dimension, updates * update, updates * substeps, seed=seed)
                options |= {"brownian": path}
            return simulate_sde(landscape, config, dynamics=of, substeps=steps, seed=seed, driver=driver, **options)

        return run

    shared = not DRIVERS[driver].bridged  # the bridges that other steps make of one Brownian motion are others

    def driven(label: str, steps: int, of: str) -> _Run:
        return _Run(label, steps, _BROWNIAN if shared else label, sde(steps, of))

    runs, absent = [_Run(label, 1, label, descent("batches"))], {}
    if why := dynamics_of.all_noises()["svag"].refuses(rule, config):
        absent["SVAG"] = f"it {why}"
    else:
        runs += [_Run(f"SVAG({steps})", steps, f"SVAG({steps})", descent("svag", steps)) for steps in svag]
    main = next((of for of in rule.sdes if of != "momentum_sde"), None)
    if name == "sgd" and not config.momentum:  # Euler–Maruyama in steps of an update
        if substeps > 1:
            runs.append(driven(noisy, 1, "sde"))
        else:
            absent[noisy] = "it is the SDE in one step an update"
    else:
        # its normals are drawn update by update and are no sums of finer ones
        runs.append(_Run(noisy, 1, noisy, descent("normal")))
    if config.momentum and "momentum_sde" in rule.sdes:
        runs.append(driven("momentum SDE", substeps, "momentum_sde"))
    if main is None:
        absent["SDE"] = f"none is known for {name!r}"
        return runs, absent
    halves = [substeps >> k for k in range(substeps.bit_length() - 1, 0, -1) if not substeps % (1 << k)]
    runs += [driven(f"SDE, {steps} steps", steps, main) for steps in halves if steps > 1]
    return [*runs, driven("SDE", substeps, main)], absent


def _find(against: str, runs: Sequence[_Run], absent: Mapping[str, str]) -> _Run:
    named = {run.label: run for run in runs}
    word = next((label for label in named if label.lower() == str(against).lower()), against)
    missing = "".join(f" (no {name}: {why})" for name, why in absent.items())
    return named[choice("against", word, named, missing)]


def _apart(a: Ensemble, b: Ensemble, update: int, paired: bool) -> Distances:
    """Distances of the finite paths after an update."""
    first, second = (x.after(update) for x in (a, b))
    kept, other = (np.isfinite(x).all(axis=1) for x in (first, second))
    if paired:
        kept = other = kept & other
    try:
        return distances(first[kept], second[other], paired=paired)
    except ValueError as error:
        raise ValueError(f"against: {b.label} after {update} updates cannot be measured from: {error}") from error


def _ascending(name: str, given: Any, most: int | None = None) -> tuple[int, ...]:
    """Integers from 1, once each, in ascending order."""
    return tuple(sorted(set(integers(name, given, 1, most))))
