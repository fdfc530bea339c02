"""Mandt, Hoffman & Blei; Smith & Le, §2: SGD as a sampler of the posterior, where that is known exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Figure, Line, Series, against_theory, samples_over_contours
from sgdsde.posterior import LogisticPosterior
from sgdsde.posterior.langevin import STEP
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.measure import Array
from validation.posterior.isotropic import isotropic_checks, isotropic_snapshots
from validation.posterior.rates import (
    GROUPS,
    Rates,
    divergence,
    measured_rates,
    preconditioned_checks,
    preconditioners,
)
from validation.posterior.runs import (
    AXES,
    BATCH,
    batch_config,
    momentum_checks,
    sde_checks,
    sgd_checks,
    sgd_run,
    tumours,
)

Pairs = Mapping[str, tuple[Check, ...]]
#: With momentum, at the same noise scale.
MOMENTUM = 0.5
#: Points of a panel.
CLOUD = 1_500


@dataclass(frozen=True)
class Size:
    """Paths of the SDE with isotropic noise and its snapshots; replicas of SGD and of the SDE with F(ω), snapshots."""

    paths: int
    snapshots: int
    replicas: int
    sde: int
    batches: int


@claim(Size)
def posterior_sampling(context: Context) -> Found:
    size: Size = context.size
    posterior, runs = tumours(), (size.replicas, size.batches)
    isotropic = isotropic_snapshots(context, posterior, size.paths, size.snapshots)
    exact = tuple(isotropic_checks(context, posterior, isotropic, size.paths // 2))
    yield from exact
    config, full = batch_config(posterior), preconditioners(posterior)["from F"]
    best = sg.theory.optimal_learning_rate(posterior.hessian, posterior.noise_covariance, config, dynamics="sgd")
    batches: dict[str, tuple[Check, ...]] = {}
    batches["SDE, noise of batches"] = sde_checks(context, posterior, best, (size.sde, size.batches))
    batches["SGD"] = sgd_checks(context, posterior, best * np.eye(2), runs, "SGD")
    for check in (*batches["SDE, noise of batches"], *batches["SGD"]):
        yield Check(f"{check.label}: the posterior's", 1.0, check.measured, check.standard_error)
    batches[f"SGD, m = {MOMENTUM:g}"] = momentum_checks(context, posterior, best, runs, MOMENTUM)
    batches["SGD, K from F"] = sgd_checks(context, posterior, full, runs, "SGD with K from F")
    for pair in batches.values():
        yield from pair
    rates = measured_rates(context, posterior, best, runs)
    yield from (*rates.divergences, rates.best)
    shaped = preconditioned_checks(context, posterior, rates.least, runs)
    yield from shaped.values()
    clouds = {"SDE, isotropic noise": isotropic[-1][:CLOUD]}
    for name, matrix in {"SGD, one ε": best * np.eye(2), "SGD, K from F": full}.items():
        clouds[name] = sgd_run(context, posterior, config, (CLOUD, 1), f"picture, {name}", matrix)[-1]
    yield Drawing("samples", _clouds(posterior, clouds))
    yield Drawing("ratios", _ratios({"SDE, isotropic noise": exact[2:4], **batches}))
    yield Drawing("divergence", _divergences(rates, shaped))
    yield Told(_facts(posterior, best, rates, batches, shaped))


def _facts(
    posterior: LogisticPosterior, best: float, rates: Rates, batches: Pairs, shaped: Mapping[str, Check]
) -> dict[str, object]:
    """Numbers that the protocol's texts name."""
    config, n = batch_config(posterior), posterior.n_examples
    constant = np.diagonal(posterior.relative(sg.posterior.normal_law(posterior, config, best * np.eye(2)).covariance))
    curvatures = np.linalg.eigvalsh(n * posterior.hessian)
    laplace = sg.theory.laplace_evidence(posterior.fit.cost, curvatures, posterior.regularization)
    facts: dict[str, object] = {"n": n, "penalty": posterior.regularization, "step": STEP, "batch": BATCH}
    for name, check, plain in zip(AXES, batches["SGD"], constant, strict=True):
        facts |= {name: _found(check, 3), f"{name}_moved": f"{100 * (check.predicted / plain - 1):+.1f} %"}
    facts |= {"constant": constant, "sde_laws": [check.predicted for check in batches["SDE, noise of batches"]]}
    facts |= {"groups": GROUPS, "best": best, "where": rates.where, "found": _found(rates.best, 4)}
    facts["closed"] = sg.theory.optimal_learning_rate(posterior.hessian, posterior.noise_covariance, config)
    facts |= {"least": rates.least, "quarter": divergence(posterior, best / 4), "four": divergence(posterior, 4 * best)}
    facts |= {"full_law": divergence(posterior, preconditioners(posterior)["from F"])}
    facts |= {"full": _found(shaped["from F"], 4), "diagonal": _found(shaped["from diag F"], 3)}
    facts["diagonal_law"] = shaped["from diag F"].predicted
    return facts | {"evidence": posterior.log_evidence(), "laplace": laplace.log_evidence}


def _found(check: Check, digits: int) -> str:
    return f"{check.measured:.{digits}f} ± {check.standard_error:.{digits}f}".replace("-", "−")


def _clouds(posterior: LogisticPosterior, clouds: Mapping[str, Array]) -> Figure:
    """A panel for each sampler: its points (n, 2) over lines of equal posterior density."""
    centre, spread = posterior.fit.weights, np.sqrt(np.diag(posterior.exact.covariance))
    u, v = (np.linspace(centre[i] - 4.5 * spread[i], centre[i] + 4.5 * spread[i], 120) for i in range(2))
    excess = posterior.cost(np.stack(np.meshgrid(u, v), axis=-1)) - posterior.fit.cost
    return samples_over_contours(u, v, excess, clouds, ("weight of radius", "weight of concavity"))


def _ratios(pairs: Pairs) -> Figure:
    """Variances along the posterior's axes in its units, by sampler."""
    lines = [
        Series(
            f"along the {name} axis",
            np.arange(len(pairs)) + shift,
            *([getattr(pair[i], field) for pair in pairs.values()]
              for field in ("measured", "standard_error", "predicted")),
        )
        for i, (name, shift) in enumerate(zip(AXES, (-0.05, 0.05), strict=True))
    ]  # fmt: skip
    ends = Line("the posterior", [-0.4, len(pairs) - 0.6], [1.0, 1.0])
    figure = against_theory(lines, "", "variance / posterior's", [ends], "linear", "log")
    figure.axes[1].set_xticks(range(len(pairs)), [name.replace(", ", ",\n", 1) for name in pairs])
    return figure


def _divergences(rates: Rates, preconditioned: Mapping[str, Check]) -> Figure:
    """KL against ε: points on SGD's exact law, and levels of the preconditioned runs."""
    measured, error, predicted = (
        [getattr(check, name) for check in rates.divergences] for name in ("measured", "standard_error", "predicted")
    )
    points = Series("SGD, one ε for all weights", rates.at, measured, error, predicted, rates.fine, rates.curve)
    lines = [Line("SGD for constant H and F", rates.fine, rates.normal)]
    for name, check in preconditioned.items():
        lines.append(Line(f"SGD, K {name}: {_found(check, 4)}", rates.fine[[0, -1]], [check.measured] * 2))
    return against_theory(
        [points], "learning rate ε", "KL(SGD ‖ posterior)   (nats)", lines, "log", "linear", columns=2
    )
