"""Mean exit times of SGD and its SDE at several noise scales, beside what theory says, in one call."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import check_steps, integer
from sgdsde.config import SGDConfig
from sgdsde.drivers import driver_of
from sgdsde.engines import footprint
from sgdsde.ensemble import Ensemble
from sgdsde.escapes.boxes import box_around, ends_of
from sgdsde.escapes.checks import box_around_start, dynamics_to_run, has_theory, noise_scales, start_outside
from sgdsde.escapes.predictions import predict
from sgdsde.escapes.result import Escape, EscapeStudy
from sgdsde.escapes.saddles import passes_of
from sgdsde.escapes.steps import largest_curvature, substeps_for
from sgdsde.landscapes import Landscape, weight_decayed
from sgdsde.memory import check_memory
from sgdsde.run import CoarseStepWarning, check_landscape
from sgdsde.schemes import Declaration
from sgdsde.simulate import simulate_sde, simulate_sgd
from sgdsde.statistics import ExitTime, mean_exit_time
from sgdsde.whitened import whitened_examples

Array = NDArray[np.float64]

SIMULATED = 0.95  # of the progress; the rest is theory
_LABELS = {
    "euler_maruyama": "SDE", "baoab": "momentum SDE", "sgd": "SGD", "euler_maruyama_rmsprop": "RMSprop SDE",
    "euler_maruyama_adam": "Adam SDE",
}  # fmt: skip


def escape_study(
    landscape: Landscape,
    config: SGDConfig,
    w0: ArrayLike,
    stop: str | Mapping[str, str],
    *,
    batch_sizes: Sequence[int] | None = None,
    paths: int = 2000,
    updates: int = 20_000,
    dynamics: Sequence[str] | None = None,
    schemes: Mapping[str, str] | None = None,
    examples: str | ArrayLike = "gaussian",
    driver: str | None = None,
    saddle: ArrayLike | None = None,
    box: ArrayLike | None = None,
    seed: int = 0,
    engine: str = "numba",
    device: object = None,
    progress: Callable[[float], None] | None = None,
) -> EscapeStudy:
    """Run SDE and SGD from a start until a condition holds, at several noise scales, and ask theory for the same.

    Parameters
    ----------
    landscape : Landscape
        Where, and with what noise.
    config : SGDConfig
        Its batch size is used when there are no `batch_sizes`.
    w0 : (d,)
        Where paths begin, near a minimum; a number when d = 1.
    stop : str or mapping of str to str
        Where they end, as in :func:`simulate_sde`.
    batch_sizes : sequence of int, optional
        The noise scales g = ε N c/(1 − m), one for each B.
    paths, updates : int
        Paths of each run, at least two, and the most updates; paths that are still inside are censored.
    dynamics : sequence of str, optional
        What is run, by the names of :func:`simulate_sde` and :func:`simulate_sgd`. By default ``"sde"`` and ``"sgd"``,
        and with momentum ``"momentum_sde"`` too.
    schemes : mapping of str to str, optional
        What integrates the SDEs among them, where it is not the usual scheme: ``{"sde": "heun"}``.
    examples : str or (N, k)
        Of SGD, as in :func:`simulate_sgd`.
    driver : str, optional
        Of the SDEs, as in :func:`simulate_sde`.
    saddle : (d,), optional
        Near the saddle of Kramers' formula. By default the saddles to the minima that exit points lead down to.
    box : ((low, high), (low, high)), optional
        Of the Fokker–Planck equation in two variables; by default one that holds the paths.
    seed : int
        Of examples and noise. Every run has noise of its own, the same whichever others there are.
    engine, device
        As in :func:`simulate_sde`.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    EscapeStudy
        Printed, it is a table.

    Raises
    ------
    ValueError
        For an argument that is not accepted, before any work; the message names it.

    Warns
    -----
    CensoredWarning, StabilityWarning, DivergenceWarning
        As the simulations do.

    Notes
    -----
    Steps of the SDE: to first order, Euler–Maruyama's step Δ changes a mean exit time by the part hΔ/4 or less,
    whatever the barrier (:mod:`sgdsde.escapes.steps`). So many substeps are taken that this is below 1 %, at most 256,
    with h the largest curvature at the start, the minimum below it, and a `saddle` that is given. BAOAB has hΔ²/8 in
    its place. This is for constant F. Where F varies, as it does when it jumps on a ridge, no step may be short enough:
    the SDE is run in half as many steps too, and the result says by how much they differ.

    SGD is looked at after whole updates: a path that crosses and comes back within one has not ended. Where the region
    begins on a barrier this alone makes SGD's times longer; without momentum, as if the edge were 0.58 √(T F ε) further
    away (Siegmund, Adv. Appl. Prob. 11 (1979) 701). Where it begins well beyond the barrier, times are hardly longer.

    Theory is that of the overdamped SDE without a step: exact in one variable, the Fokker–Planck equation in two where
    F is positive definite, Eyring–Kramers where F = σ²I or with one variable, and a saddle is known (docs/theory.md,
    §6–7); of rules whose SDE is another it says nothing. Several saddles share the escapes by their rates.

    Examples
    --------
    >>> well = Landscape("x**4/4 - x**2/2", "x", noise_covariance=8.0)
    >>> config = SGDConfig(learning_rate=0.05, batch_size=4, n_examples=64)
    >>> found = escape_study(well, config, -1.0, "x > 0", batch_sizes=(1, 2), paths=200)
    >>> [(escape.label, escape.config.batch_size, escape.time.exits) for escape in found.escapes]
    [('SDE', 1, 200), ('SGD', 1, 200), ('SDE', 2, 200), ('SGD', 2, 200)]
    >>> found.predictions.updates["exact"].round(1)
    array([162.6, 668.6])
    """
    check_landscape(landscape)
    if not isinstance(config, SGDConfig):
        raise ValueError(f"config must be a SGDConfig, got {config!r}")
    at, regions = start_outside(landscape, w0, stop)
    configs, run = noise_scales(config, batch_sizes), dynamics_to_run(config, dynamics, schemes)
    for each in configs:
        driver_of(driver, each)
    paths, updates, seed = integer("paths", paths, 2), integer("updates", updates, 1), integer("seed", seed, 0)
    decayed = weight_decayed(landscape, config.weight_decay)
    given = box_around_start(landscape, box, at)
    table = whitened_examples(examples, config.n_examples, landscape.noise_dimension, seed)
    curvature = largest_curvature(decayed, at, passes_of(decayed, at, regions, np.empty((0, len(at))), saddle))
    constant = not landscape.symbolic.noise_factor.free_symbols & set(landscape.symbolic.state)
    kept, d = len(configs) * len(run), landscape.dimension
    size = kept * footprint.paths_size(d, d, 1, paths)
    check_memory(size, f"paths or batch_sizes must be fewer: {kept} runs of {paths} paths")
    for each in configs:
        for scheme in run:
            check_steps(updates, substeps_for(scheme, each, curvature)[0] + 1)
    escapes: list[Escape] = []
    for each in configs:
        for scheme in run:
            done, total = len(escapes), len(configs) * len(run)

            def tell(fraction: float, done: int = done, total: int = total) -> None:
                if progress:
                    progress(SIMULATED * (done + fraction) / total)

            substeps, error = substeps_for(scheme, each, curvature)
            own = np.random.SeedSequence([seed, each.batch_size, *scheme.name.encode()]).generate_state(2, np.uint64)
            options: dict[str, Any] = {
                scheme.kind: scheme.name, "stop": stop, "engine": engine, "device": device, "progress": tell,
            }  # fmt: skip
            halved = None
            if scheme.interpretation == "update":
                options |= {"examples": table, "seed": int(own[0])}
                ensemble = simulate_sgd(landscape, each, at, updates, paths, **options)
            else:
                if not constant:
                    substeps += substeps % 2
                    fewer = options | {"substeps": substeps // 2, "seed": int(own[1]), "driver": driver}
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore", CoarseStepWarning)  # to see what that does is the purpose
                        halved = _time(scheme, each, simulate_sde(landscape, each, at, updates, paths, **fewer))
                options |= {"substeps": substeps, "seed": int(own[0]), "driver": driver}
                ensemble = simulate_sde(landscape, each, at, updates, paths, **options)
            time = _time(scheme, each, ensemble)
            escapes.append(Escape(_label(scheme), each, substeps, error, ensemble, time, halved, has_theory(scheme)))
    ensembles = [escape.ensemble for escape in escapes]
    ends = np.concatenate([ends_of(each) for each in ensembles])
    passes = passes_of(decayed, at, regions, ends, saddle)
    landmarks = [at] if isinstance(passes, str) else [at, *(each.saddle for each in passes)]
    boxes = [
        given if given is not None or len(at) != 2 else box_around(landmarks, ensembles[k : k + len(run)], ends)
        for k in range(0, len(escapes), len(run))
    ]
    predictions = predict(decayed, configs, at, stop, passes, boxes, given is None)
    if progress:
        progress(1.0)
    return EscapeStudy(landscape, tuple(at.tolist()), stop, updates, configs, tuple(escapes), predictions)


def _label(scheme: Declaration) -> str:
    beside = {"overdamped": "SDE ", "momentum": "momentum SDE "}
    return _LABELS.get(scheme.name, beside.get(scheme.equation, "") + scheme.name)


def _time(scheme: Declaration, config: SGDConfig, ensemble: Ensemble) -> ExitTime:
    kept = ensemble.finite
    if ensemble.exits is None or not kept.any():
        raise ValueError(
            f"learning_rate is too large: all paths of the {_label(scheme)} diverged at B = {config.batch_size}"
        )
    return mean_exit_time(ensemble.exits.update[kept], ensemble.exits.ended[kept])
