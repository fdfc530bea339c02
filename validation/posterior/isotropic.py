"""The SDE with isotropic noise, which samples a posterior exactly: its moments and its evidence."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import sgdsde as sg
from sgdsde.posterior import LogisticPosterior, Moments
from sgdsde.statistics import Estimate, mean
from validation.claim import Check
from validation.context import Context
from validation.measure import Array
from validation.posterior.runs import AXES, WARM, WARMER

#: The rival that is normal about the minimum: means are its weights, third moments 0.
NORMAL = "Laplace's normal law"
#: Gauss–Legendre nodes in the root of this order of the power β of the likelihood: ⟨H⟩ rises steeply towards β = 0.
NODES, ROOT = 10, 4


def isotropic_snapshots(
    context: Context, posterior: LogisticPosterior, paths: int, snapshots: int, power: float = 1.0
) -> Array:
    """Snapshots (snapshots, paths, 2) of the SDE for the likelihood to this power."""
    return sg.posterior.sample_langevin(posterior, paths, snapshots, context.seed("isotropic", power), power)


def isotropic_checks(context: Context, posterior: LogisticPosterior, snapshots: Array, paths: int) -> Iterator[Check]:
    """Moments and ⟨C⟩ of the snapshots, and the evidence by thermodynamic integration with `paths` for each power."""
    exact, warm, least = posterior.exact, posterior.moments(WARMER), posterior.fit.cost

    def check(label: str, predicted: float, value: float, error: float, wrong: float, **others: float) -> Check:
        return Check(f"{label}, isotropic noise", predicted, value, error, {WARM: wrong, **others}, scale=1.0)

    def each(found: Estimate, entry: tuple[int, ...]) -> tuple[float, float]:
        return float(np.asarray(found.value)[entry]), float(np.asarray(found.standard_error)[entry])

    means = mean(posterior.whitened(snapshots).mean(axis=0))
    shift, mode = (posterior.whitened(point) for point in (warm.mean, posterior.fit.weights))
    for i, name in enumerate(AXES):
        yield check(f"mean, {name} axis", 0.0, *each(means, (i,)), shift[i], **{NORMAL: mode[i]})
    covariance, warmer = sg.posterior.sampled_covariance(posterior, snapshots), posterior.relative(warm.covariance)
    for (i, j), name in {(0, 0): "narrow axis", (1, 1): "wide axis", (0, 1): "between the axes"}.items():
        yield check(f"covariance, {name}", float(i == j), *each(covariance, (i, j)), warmer[i, j])
    third = sg.posterior.sampled_third_moments(posterior, snapshots)
    cubes, warmest = (_rotated(moments, posterior.axes) for moments in (exact, warm))
    for entry in ((0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 1, 1)):
        axis = "".join(str(1 + i) for i in entry)
        yield check(f"third moment {axis}", cubes[entry], *each(third, entry), warmest[entry], **{NORMAL: 0.0})
    costs = mean(posterior.cost(snapshots).mean(axis=0))
    value, error = float(costs.value) - least, float(costs.standard_error)
    yield check("⟨C⟩ − C at the minimum", exact.cost - least, value, error, warm.cost - least)
    yield _evidence_check(context, posterior, paths)


def _evidence_check(context: Context, posterior: LogisticPosterior, paths: int) -> Check:
    """ln evidence = −∫₀¹ ⟨H⟩_β dβ, of the posteriors with the likelihood to the power β."""
    at, weights = np.polynomial.legendre.leggauss(NODES)
    root, weights = (at + 1) / 2, weights / 2
    powers, weights = root**ROOT, weights * ROOT * root ** (ROOT - 1)
    exact = [posterior.moments(power=float(power)).cross_entropy for power in powers]
    warm = [posterior.moments(WARMER, float(power)).cross_entropy for power in powers]
    values, errors = [], []
    for power in powers:
        snapshots = isotropic_snapshots(context, posterior, paths, 8, float(power))
        found = mean(posterior.cross_entropy(snapshots).mean(axis=0))
        values.append(float(found.value))
        errors.append(float(found.standard_error))
    truth = posterior.log_evidence()
    return Check(
        "ln evidence by thermodynamic integration", truth, -float(weights @ values),
        float(np.sqrt(weights**2 @ np.square(errors))), {WARM: -float(weights @ warm)},
        rounding=abs(truth + float(weights @ exact)),  # of the rule with exact ⟨H⟩
    )  # fmt: skip


def _rotated(moments: Moments, axes: Array) -> Array:
    return np.asarray(np.einsum("ijk,ia,jb,kc->abc", moments.third, axes, axes, axes))
