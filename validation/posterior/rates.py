"""How far SGD is from a posterior at several learning rates, and preconditioned, beside its exact laws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar

import sgdsde as sg
from sgdsde.models.posterior_rates import least_rate
from sgdsde.posterior import Divergence, LogisticPosterior
from sgdsde.theory import optimal_preconditioner
from validation.claim import Check
from validation.context import Context
from validation.measure import Array
from validation.posterior.runs import WARM, WARMER, batch_config, sgd_run

#: Learning rates in units of ε*, and replicas in units of those of other runs: at ε* KL is least, and so is the margin;
#: far beyond it the law has long tails, and relaxes in few updates. And those rates to which a parabola is fitted.
RATES = {0.25: 1, 0.5: 1, 2**-0.5: 1, 1.0: 2, 2**0.5: 2, 2.0: 2, 4.0: 4}
FITTED = slice(1, 6)
#: Of replicas, which the jackknife leaves out in turn.
GROUPS = 64
#: Exact laws along the curve KL(ε).
KNOTS = 13


@dataclass(frozen=True, eq=False)
class Rates:
    """KL at the learning rates `at`, the rate where it is least, and lines: SGD's exact law and that of constant H, F.

    `least` is the exact law's least KL of one ε for all weights, at the rate `where`.
    """

    at: Array
    divergences: tuple[Check, ...]
    best: Check
    where: float
    least: float
    fine: Array
    curve: Array
    normal: Array


def divergence(posterior: LogisticPosterior, rates: float | Array) -> float:
    """KL of SGD's exact law with ε or K = `rates` from the posterior, in nats."""
    matrix = np.asarray(rates * np.eye(2) if np.ndim(rates) == 0 else rates)
    return posterior.divergence(sg.posterior.sgd_law(posterior, batch_config(posterior), matrix).covariance)


def measured_rates(context: Context, posterior: LogisticPosterior, best: float, runs: tuple[int, int]) -> Rates:
    """Run SGD at `RATES` times `best`, and find where its KL is least."""
    at = best * np.array(list(RATES))
    exact = np.array([divergence(posterior, rate) for rate in at.tolist()])
    # Exact laws by a spline through a few of them: to 1e-4 nats.
    knots = np.geomspace(at[0], WARMER * at[-1], KNOTS)
    curve = CubicSpline(np.log(knots), [divergence(posterior, rate) for rate in knots.tolist()])
    found, checks = [], []
    for (factor, times), rate, law in zip(RATES.items(), at.tolist(), exact.tolist(), strict=True):
        label = f"KL, ε = {factor:.3g} ε*"
        run = sgd_run(context, posterior, batch_config(posterior, rate), (times * runs[0], runs[1]), label)
        found.append(sg.posterior.sampled_divergence(posterior, run, GROUPS))
        checks.append(_check(label, law, found[-1], float(curve(math.log(WARMER * rate)))))
    search = minimize_scalar(curve, bounds=np.log([best / 2, 2 * best]), method="bounded", options={"xatol": 1e-6})
    where, fine = math.exp(float(search.x)), np.geomspace(at[0], at[-1], 80)
    measured, error = _measured_least(at[FITTED], found[FITTED], exact[FITTED], where)
    # Where F = H, as for a model that is true, ε* = 2P/(N c Tr H).
    equal = 4 / (posterior.n_examples * batch_config(posterior).batch_noise * posterior.hessian.trace())
    check = Check("ε of least KL", where, measured, error, {"F = H": float(equal)})
    normal = [sg.posterior.normal_law(posterior, batch_config(posterior, rate)).covariance for rate in fine.tolist()]
    lines = fine, curve(np.log(fine)), np.array([posterior.divergence(law) for law in normal])
    return Rates(at, tuple(checks), check, where, float(search.fun), *lines)


def _measured_least(rates: Array, found: Sequence[Divergence], exact: Array, where: float) -> tuple[float, float]:
    """ε of the least measured KL, and its standard error."""
    errors = np.array([each.standard_error for each in found])
    # The parabola's own error is a factor: that of exact laws.
    bias = where / least_rate(rates, exact, errors, 2)
    values, spread = np.array([each.value for each in found]), 0.0
    # Each rate has runs of its own: leave out one group of one rate at a time.
    for k, each in enumerate(found):
        moved = np.tile(values, (GROUPS, 1))
        moved[:, k] += each.without - each.without.mean()
        spread += (GROUPS - 1) * float(np.var([least_rate(rates, row, errors, 2) for row in moved]))
    return bias * least_rate(rates, values, errors, 2), bias * math.sqrt(spread)


def preconditioned_checks(
    context: Context, posterior: LogisticPosterior, least: float, runs: tuple[int, int]
) -> dict[str, Check]:
    """KL of SGD preconditioned by F⁻¹ and by its diagonal: the first is not `least`, the KL of the best ε."""
    found = {}
    for name, matrix in preconditioners(posterior).items():
        snapshots = sgd_run(context, posterior, batch_config(posterior), runs, name, matrix)
        run = sg.posterior.sampled_divergence(posterior, snapshots, GROUPS)
        if name == "from F":
            # So near to 0 KL is a square, whose error is not normal: its own law is tested by variances instead.
            label = "KL, K from F: that of the best ε"
            found[name] = Check(label, least, run.value, run.standard_error, dof=GROUPS - 1)
        else:
            wrong = divergence(posterior, WARMER * matrix)
            found[name] = _check(f"KL, K {name}", divergence(posterior, matrix), run, wrong, least)
    return found


def preconditioners(posterior: LogisticPosterior) -> dict[str, Array]:
    """Mandt, Hoffman & Blei's K, (2, 2) each, from F at the minimum and from its diagonal."""
    config = batch_config(posterior)
    return {
        "from F": optimal_preconditioner(posterior.noise_covariance, config),
        "from diag F": optimal_preconditioner(posterior.noise_covariance, config, diagonal=True),
    }


def _check(label: str, law: float, found: Divergence, wrong: float, scale: float | None = None) -> Check:
    return Check(label, law, found.value, found.standard_error, {WARM: wrong}, scale=scale, dof=GROUPS - 1)
