"""Mandt, Hoffman & Blei; Smith & Le, §2: SGD as a sampler of the posterior, where that is known exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.theory.evidence import laplace_evidence
from validation.claim import Check, Finding, Plan, claim
from validation.context import Context
from validation.posterior.isotropic import STEP, isotropic_checks, isotropic_snapshots
from validation.posterior.pictures import clouds_picture, divergence_picture, ratios_picture
from validation.posterior.rates import RATES, Rates, divergence, measured_rates, preconditioned_checks, preconditioners
from validation.posterior.runs import (
    BATCH,
    batch_config,
    momentum_checks,
    normal_law,
    sde_checks,
    sgd_checks,
    sgd_run,
)
from validation.posterior.samplers import GROUPS
from validation.posterior.target import Posterior, tumours
from validation.sizes import plans

Array = NDArray[np.float64]
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

    def plan(self, seconds: float) -> Plan:
        return Plan(11 + 8 + 4 + len(RATES) + 1 + 2, seconds, self)


@claim(
    title="SGD samples the posterior only if its noise is made isotropic, or preconditioned",
    statement=(
        "With isotropic noise of the right temperature the SDE samples exp(−C) of a logistic regression: mean, "
        "covariance, third moments, ⟨C⟩ and the evidence are the exact ones. With the noise of minibatches neither "
        "the SDE nor SGD does: variances are off by factors, as their own exact laws say. The constant ε of Mandt, "
        "Hoffman & Blei brings SGD as near as one ε can, and their preconditioner samples the posterior's covariance."
    ),
    formula=(
        "F = f I,  T f/2 = 1/N:  p = exp(−N L)/Z;    KL = ½[Tr(Σ⁻¹S) − P − ln det(Σ⁻¹S)]\n"
        "ε* = 2P(1 − m)/(N c Tr F),    K = 2(1 − m)/(N c) F⁻¹:  ω ← ω − K ĝ"
    ),
    source="Mandt, Hoffman & Blei, arXiv 1704.04289, §4; Smith & Le, arXiv 1710.06451, §2",
    plans=plans("posterior_sampling", Size),
)
def posterior_sampling(context: Context) -> Finding:
    size: Size = context.size
    posterior, runs = tumours(), (size.replicas, size.batches)
    isotropic = isotropic_snapshots(context, posterior, size.paths, size.snapshots)
    exact = isotropic_checks(context, posterior, isotropic, size.paths // 4)
    context.progress(0.2)
    best = sg.theory.optimal_learning_rate(posterior.hessian, posterior.noise, batch_config(posterior), dynamics="sgd")
    ratios = {"SDE, isotropic noise": (exact[2], exact[3])}
    ratios["SDE, noise of batches"] = sde_checks(context, posterior, best, size.sde, size.batches)
    ratios["SGD"] = sgd_checks(context, posterior, best * np.eye(2), *runs, "SGD")
    ratios[f"SGD, m = {MOMENTUM:g}"] = momentum_checks(context, posterior, best, *runs, MOMENTUM)
    full = preconditioners(posterior)["from F"]
    ratios["SGD, K from F"] = sgd_checks(context, posterior, full, *runs, "SGD with K from F")
    context.progress(0.6)
    rates = measured_rates(context, posterior, best, *runs)
    shaped = preconditioned_checks(context, posterior, rates.least, *runs)
    different = [
        Check(f"{check.label}: the posterior's", 1.0, check.measured, check.standard_error)
        for name in ("SDE, noise of batches", "SGD")
        for check in ratios[name]
    ]
    own = [check for name, pair in ratios.items() if name != "SDE, isotropic noise" for check in pair]
    clouds = {"SDE, isotropic noise": isotropic[-1][:CLOUD]}
    for name, matrix in {"SGD, one ε": best * np.eye(2), "SGD, K from F": full}.items():
        clouds[name] = sgd_run(context, posterior, matrix, CLOUD, 1, f"picture, {name}")[-1]
    return Finding(
        (*exact, *own, *different, *rates.divergences, rates.best, *shaped.values()),
        headline=rates.best.label,
        pictures=(
            clouds_picture(posterior, clouds),
            ratios_picture(ratios),
            divergence_picture(
                rates.at, rates.divergences, rates.line, rates.normal,
                {f"SGD, K {name}": check for name, check in shaped.items()},
            ),
        ),
        method=_method(posterior, size),
        notes=_notes(posterior, best, rates, ratios, shaped),
    )  # fmt: skip


def _method(posterior: Posterior, size: Size) -> str:
    return (
        f"{posterior.n_examples} tumours, malignant or not, by two measurements that are correlated by 0.67, in halves "
        f"of a standard deviation, without intercept; λ = {posterior.penalty:g}. Moments of the posterior are the "
        f"trapezoidal rule's. The SDE with isotropic noise, on {size.paths:,} paths, is integrated by Leimkuhler & "
        f"Matthews' scheme at steps of at most {STEP:g}/h: no bias is seen at four times that. Its evidence is "
        "−∫₀¹⟨H⟩_β dβ, by a Gauss–Legendre rule in β^¼. "
        f"SGD draws {BATCH} real examples with replacement for each update of each of {size.replicas:,} replicas. SGD, "
        "and the SDE with F(ω), in steps of Euler and Maruyama, are held against their own exact stationary laws, "
        "which satisfy E[f(ω′) − f(ω)] = 0 for all f: a normal density times a polynomial of degree 8. SGD with "
        "momentum is held against the law of single examples taken one by one at ε/B, whose noise is skewed as that of "
        "batches is, which the SDE leaves out. Variances are along the axes of the posterior's covariance and in "
        "its units; KL is that of normal laws with these covariances, bias removed and error from a jackknife over "
        f"{GROUPS} groups of replicas. ε* is the closed form corrected for SGD's law with constant H and F; the "
        "measured minimum is that of −ln ε plus a parabola in ε."
    )


def _notes(
    posterior: Posterior,
    best: float,
    rates: Rates,
    ratios: Mapping[str, tuple[Check, Check]],
    shaped: Mapping[str, Check],
) -> tuple[str, ...]:
    closed = sg.theory.optimal_learning_rate(posterior.hessian, posterior.noise, batch_config(posterior))
    constant = np.diag(posterior.axes.T @ normal_law(posterior, best * np.eye(2)) @ posterior.axes)
    sgd, sde = ratios["SGD"], ratios["SDE, noise of batches"]
    shaped_law = divergence(posterior, preconditioners(posterior)["from F"])
    curvatures = np.linalg.eigvalsh(posterior.n_examples * posterior.hessian)
    laplace = laplace_evidence(posterior.fit.cost, curvatures, posterior.penalty).log_evidence
    return (
        f"At ε* SGD has {sgd[0].measured:.3f} ± {sgd[0].standard_error:.3f} of the posterior's variance along the "
        f"narrow axis and {sgd[1].measured:.3f} ± {sgd[1].standard_error:.3f} along the wide one. Constant H and F "
        f"say {constant[0]:.3f} and {constant[1]:.3f}: noise and curvature that change with ω move them by "
        f"{_percent(sgd[0].predicted / constant[0])} and {_percent(sgd[1].predicted / constant[1])}. The SDE, in its "
        f"steps, has {sde[0].predicted:.3f} and {sde[1].predicted:.3f}.",
        f"ε*: {closed:.4f} in closed form, {best:.4f} for SGD with constant H and F, {rates.where:.4f} for SGD's exact "
        f"law, {rates.best.measured:.4f} ± {rates.best.standard_error:.4f} measured. The KL there is {rates.least:.3f} "
        f"nats, {divergence(posterior, best / 4 * np.eye(2)):.2f} at ε*/4 and "
        f"{divergence(posterior, 4 * best * np.eye(2)):.2f} at 4ε*.",
        f"Preconditioned by F⁻¹ it is {shaped_law:.5f} nats ({shaped['from F'].measured:.4f} ± "
        f"{shaped['from F'].standard_error:.4f}), by the diagonal of F {shaped['from diag F'].predicted:.3f} "
        f"({shaped['from diag F'].measured:.3f} ± {shaped['from diag F'].standard_error:.3f}).",
        f"ln evidence: {posterior.log_evidence():.3f} exactly, {laplace:.3f} by Laplace's method.",
    )


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.1f} %"
