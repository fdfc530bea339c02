"""Runs of SGD, and of the SDE with its noise, on a posterior: how long, from where, and their exact laws."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.clock import overdamped
from sgdsde.theory import stationary_covariance
from validation.claim import Check
from validation.context import Context
from validation.posterior.isotropic import WARM, WARMER
from validation.posterior.laws import Steps, batch_noise, euler_steps, sgd_steps, stationary_law
from validation.posterior.samplers import Length, run_sde, run_sgd, whitened_covariance
from validation.posterior.target import Posterior

Array = NDArray[np.float64]

#: Examples in a batch, drawn with replacement.
BATCH = 16
#: Time step of the SDE with F(ω): 0.03 over the largest curvature.
SDE_STEP = 0.3
#: Relaxation times of the mean before the first snapshot, from the normal law of constant H and F on.
SETTLED = 4
AXES = ("narrow", "wide")


def batch_config(posterior: Posterior, rate: float = 1.0, momentum: float = 0.0) -> sg.SGDConfig:
    """What SGD is run with."""
    return sg.SGDConfig(rate, BATCH, posterior.n_examples, momentum, sampling="with_replacement")


def normal_law(posterior: Posterior, rates: Array) -> Array:
    """Covariance (2, 2) of ω ← ω − K ĝ for constant H and F, K = `rates`: that of SGD in u = K^(−1/2) ω, ε = 1."""
    values, vectors = np.linalg.eigh(rates)
    root = vectors * np.sqrt(values) @ vectors.T
    hessian, noise = ((m + m.T) / 2 for m in (root @ posterior.hessian @ root, root @ posterior.noise @ root))
    return np.asarray(root @ stationary_covariance(hessian, noise, batch_config(posterior), dynamics="sgd") @ root)


def whitened_law(posterior: Posterior, steps: Steps, rates: Array) -> Array:
    """Covariance (2, 2) of the exact law of these steps, in the posterior's units; `rates` for where to begin."""
    law = stationary_law(steps, posterior.fit.weights, normal_law(posterior, rates))
    return np.asarray(posterior.axes.T @ law.covariance @ posterior.axes)


def sgd_law(posterior: Posterior, rates: Array) -> Array:
    """The same of SGD with K = `rates`."""
    return whitened_law(posterior, sgd_steps(posterior, BATCH, rates), rates)


def sgd_run(
    context: Context, posterior: Posterior, rates: Array, replicas: int, snapshots: int, label: str,
    momentum: float = 0.0,
) -> Array:  # fmt: skip
    """Snapshots (snapshots, replicas, 2) of SGD with K = `rates`, a relaxation time apart."""
    slow = np.linalg.eigvals(rates @ posterior.hessian).real.min() / (1 - momentum)
    start = _start(context, posterior, overdamped(rates, 1.0, momentum).update, replicas, label)
    every = math.ceil(1 / slow)
    length = Length(SETTLED * every, every, snapshots)
    return run_sgd(posterior, BATCH, rates, start, length, context.seed("SGD", label), momentum)


def sde_run(context: Context, posterior: Posterior, rate: float, replicas: int, snapshots: int) -> Array:
    """The same of the SDE with the noise of SGD at this rate."""
    start = _start(context, posterior, rate * np.eye(2), replicas, "SDE")
    every = math.ceil(1 / (np.linalg.eigvalsh(posterior.hessian)[0] * SDE_STEP))
    length = Length(SETTLED * every, every, snapshots)
    temperature = batch_config(posterior, rate).temperature
    return run_sde(posterior, temperature, SDE_STEP, start, length, context.seed("SDE"))


def variance_checks(
    posterior: Posterior, label: str, snapshots: Array, law: Array, wrong: Array, rounding: Array | None = None
) -> tuple[Check, Check]:
    """Variances along the posterior's axes, in its units, of snapshots (S, R, 2) against a law's covariance (2, 2)."""
    found = whitened_covariance(posterior, snapshots)
    values, errors = np.asarray(found.value), np.asarray(found.standard_error)
    narrow, wide = (
        Check(
            f"variance, {name} axis, {label}", law[i, i], values[i, i], errors[i, i], {WARM: wrong[i, i]},
            rounding=0.0 if rounding is None else abs(float(rounding[i, i])),
        )
        for i, name in enumerate(AXES)
    )  # fmt: skip
    return narrow, wide


def sde_checks(
    context: Context, posterior: Posterior, rate: float, replicas: int, snapshots: int
) -> tuple[Check, Check]:
    """Check the SDE with F(ω) against the law of its own steps."""
    found, noise = sde_run(context, posterior, rate, replicas, snapshots), batch_noise(posterior)
    temperature, rates = batch_config(posterior, rate).temperature, rate * np.eye(2)
    law, wrong = (
        whitened_law(
            posterior, euler_steps(posterior, warmth * temperature / SDE_STEP, SDE_STEP * np.eye(2), noise), rates
        )
        for warmth in (1.0, WARMER)
    )
    return variance_checks(posterior, "SDE with F(ω)", found, law, wrong)


def sgd_checks(
    context: Context, posterior: Posterior, rates: Array, replicas: int, snapshots: int, label: str
) -> tuple[Check, Check]:
    """Check SGD with K = `rates` against its exact law."""
    found = sgd_run(context, posterior, rates, replicas, snapshots, label)
    return variance_checks(posterior, label, found, sgd_law(posterior, rates), sgd_law(posterior, WARMER * rates))


def momentum_checks(
    context: Context, posterior: Posterior, rate: float, replicas: int, snapshots: int, momentum: float
) -> tuple[Check, Check]:
    """Check SGD with momentum, at the noise scale of plain SGD with this rate, against the exact law of small steps."""
    label = f"SGD with m = {momentum:g}"
    config = batch_config(posterior, rate * (1 - momentum), momentum)
    rates = config.learning_rate * np.eye(2)
    found = sgd_run(context, posterior, rates, replicas, snapshots, label, momentum)
    # Single examples, one at a time at ε/B: their kicks are skewed as those here are, and a step is short.
    law, wrong = (
        whitened_law(posterior, sgd_steps(posterior, 1, warmth * rate / BATCH * np.eye(2)), rate * np.eye(2))
        for warmth in (1.0, WARMER)
    )
    # What a step's length adds to it for constant H and F.
    sde, sgd = (stationary_covariance(posterior.hessian, posterior.noise, config, model) for model in ("sde", "sgd"))
    return variance_checks(posterior, label, found, law, wrong, posterior.axes.T @ (sgd - sde) @ posterior.axes)


def _start(context: Context, posterior: Posterior, rates: Array, replicas: int, label: str) -> Array:
    generator = np.random.default_rng(context.seed("start", label))
    root = np.linalg.cholesky(normal_law(posterior, rates))
    return np.asarray(posterior.fit.weights + generator.standard_normal((replicas, 2)) @ root.T)
