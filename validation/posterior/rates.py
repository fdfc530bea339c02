"""How far SGD is from a posterior at several learning rates, and preconditioned, beside its exact laws."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar

from sgdsde.theory import optimal_preconditioner
from validation.claim import Check
from validation.context import Context
from validation.posterior.isotropic import WARM, WARMER
from validation.posterior.runs import batch_config, normal_law, sgd_law, sgd_run
from validation.posterior.samplers import GROUPS, Divergence, measured_divergence
from validation.posterior.target import Posterior

Array = NDArray[np.float64]

#: Learning rates in units of ε*, and those of them to which a parabola is fitted.
RATES = (0.25, 0.5, 2**-0.5, 1.0, 2**0.5, 2.0, 4.0)
FITTED = slice(1, 6)
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
    line: tuple[Array, Array]
    normal: Array


def divergence(posterior: Posterior, rates: Array) -> float:
    """KL of SGD's exact law with K = `rates` from the posterior, in nats."""
    return posterior.divergence(sgd_law(posterior, rates))


def measured_rates(context: Context, posterior: Posterior, best: float, replicas: int, snapshots: int) -> Rates:
    """Run SGD at `RATES` times `best`, and find where its KL is least."""
    at, plain = best * np.array(RATES), np.eye(2)
    exact = np.array([divergence(posterior, rate * plain) for rate in at])
    curve = _curve(posterior, at[0], WARMER * at[-1])
    found, checks = [], []
    for factor, rate, law in zip(RATES, at.tolist(), exact.tolist(), strict=True):
        label = f"KL, ε = {factor:.3g} ε*"
        run = sgd_run(context, posterior, rate * plain, replicas, snapshots, label)
        found.append(measured_divergence(posterior, run))
        checks.append(_check(label, law, found[-1], float(curve(math.log(WARMER * rate)))))
    search = minimize_scalar(curve, bounds=np.log([best / 2, 2 * best]), method="bounded", options={"xatol": 1e-6})
    where, fine = math.exp(float(search.x)), np.geomspace(at[0], at[-1], 80)
    # Those of exact laws too: the parabola's own error is a factor.
    errors = np.array([each.error for each in found])[FITTED]
    bias = where / least_rate(at[FITTED], exact[FITTED], errors)
    values = np.array([each.value for each in found])[FITTED]
    without = np.array([each.without for each in found])[FITTED].T
    # Each rate has runs of its own: leave out one group of one rate at a time.
    spread = 0.0
    for k in range(len(values)):
        moved = np.tile(values, (GROUPS, 1))
        moved[:, k] += without[:, k] - without[:, k].mean()
        spread += (GROUPS - 1) * float(np.var([least_rate(at[FITTED], row, errors) for row in moved]))
    # Where F = H, as for a model that is true, ε* = 2P/(N c Tr H).
    equal = 2 * len(plain) / (posterior.n_examples * batch_config(posterior).batch_noise * posterior.hessian.trace())
    error = bias * float(np.sqrt(spread))
    check = Check("ε of least KL", where, bias * least_rate(at[FITTED], values, errors), error, {"F = H": float(equal)})
    return Rates(
        at,
        tuple(checks),
        check,
        where,
        float(search.fun),
        (fine, curve(np.log(fine))),
        np.array([_normal(posterior, rate * plain) for rate in fine]),
    )


def preconditioned_checks(
    context: Context, posterior: Posterior, least: float, replicas: int, snapshots: int
) -> Mapping[str, Check]:
    """KL of SGD preconditioned by F⁻¹ and by its diagonal: the first is not `least`, the KL of the best ε."""
    found = {}
    for name, matrix in preconditioners(posterior).items():
        run = measured_divergence(posterior, sgd_run(context, posterior, matrix, replicas, snapshots, name))
        if name == "from F":
            # So near to 0 KL is a square, whose error is not normal: its own law is tested by variances instead.
            found[name] = Check("KL, K from F: that of the best ε", least, run.value, run.error, dof=GROUPS - 1)
        else:
            wrong = divergence(posterior, WARMER * matrix)
            found[name] = _check(f"KL, K {name}", divergence(posterior, matrix), run, wrong, least)
    return found


def preconditioners(posterior: Posterior) -> dict[str, Array]:
    """Mandt, Hoffman & Blei's K, (2, 2) each, from F at the minimum and from its diagonal."""
    config = batch_config(posterior)
    return {
        "from F": optimal_preconditioner(posterior.noise, config),
        "from diag F": optimal_preconditioner(posterior.noise, config, diagonal=True),
    }


def least_rate(rates: Array, divergences: Array, errors: Array) -> float:
    """Where the fit −ln ε + a + b ε + c ε² is least: ε with 2c ε² + b ε = 1; P = 2 weights, and c = 0 for the SDE.

    >>> rates = np.array([0.5, 0.7, 1.0, 1.4, 2.0])
    >>> round(least_rate(rates, 3 + 0.8 * rates + 0.1 * rates**2 - np.log(rates), np.ones(5)), 9)
    1.0
    """
    c, b, _ = np.polyfit(rates, divergences + np.log(rates), 2, w=1 / errors)
    return float(2 / (b + np.sqrt(b * b + 8 * c)))


def _curve(posterior: Posterior, low: float, high: float) -> CubicSpline:
    """Exact KL as a function of ln ε, by a spline through `KNOTS` values: exact to 1e-4 nats."""
    knots = np.geomspace(low, high, KNOTS)
    return CubicSpline(np.log(knots), [divergence(posterior, rate * np.eye(2)) for rate in knots])


def _check(label: str, law: float, found: Divergence, wrong: float, scale: float | None = None) -> Check:
    return Check(label, law, found.value, found.error, {WARM: wrong}, scale=scale, dof=GROUPS - 1)


def _normal(posterior: Posterior, rates: Array) -> float:
    return posterior.divergence(posterior.axes.T @ normal_law(posterior, rates) @ posterior.axes)
