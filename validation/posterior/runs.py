"""Runs of SGD, and of the SDE with its noise, on a posterior, beside their own exact laws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import sgdsde as sg
from sgdsde.logistic import LogisticRegression
from sgdsde.posterior import LogisticPosterior
from validation.claim import Check
from validation.context import Context
from validation.measure import Array

#: Examples in a batch, drawn with replacement.
BATCH = 16
#: Time step of the SDE with F(ω): 0.03 over the largest curvature.
SDE_STEP = 0.3
#: The temperature of the rival, in units of the right one.
WARMER = 1.1
WARM = "noise stronger by 10 %"
AXES = ("narrow", "wide")


def tumours() -> LogisticPosterior:
    """Malignant (1) and benign (0) tumours by mean radius and concavity of cell nuclei, correlated by 0.67.

    All 569 patients of the Wisconsin diagnostic data (Street, Wolberg & Mangasarian 1993), as scikit-learn ships them.
    The inputs are deviations from the mean, rounded to halves of a standard deviation and counted in these, so that
    many patients are alike and a landscape's text holds them all; there is no intercept.
    """
    from sklearn.datasets import load_breast_cancer

    table = load_breast_cancer()
    columns = [list(table.feature_names).index(name) for name in ("mean radius", "mean concavity")]
    chosen = table.data[:, columns]
    inputs = np.round(2 * (chosen - chosen.mean(axis=0)) / chosen.std(axis=0))
    return LogisticPosterior(LogisticRegression(inputs, 1 - table.target), 1.0)


def batch_config(posterior: LogisticPosterior, rate: float = 1.0, momentum: float = 0.0) -> sg.SGDConfig:
    """What SGD is run with; a preconditioner takes the place of the rate."""
    return sg.SGDConfig(rate, BATCH, posterior.n_examples, momentum, sampling="with_replacement")


def sgd_run(
    context: Context, posterior: LogisticPosterior, config: sg.SGDConfig, runs: tuple[int, int], label: str,
    matrix: Array | None = None,
) -> Array:  # fmt: skip
    """Snapshots (S, R, 2) of SGD, a relaxation time apart, in ``runs`` = R replicas and S snapshots."""
    start = sg.posterior.normal_law(posterior, config, matrix).normal(runs[0], context.seed("start", label))
    return sg.posterior.sample_sgd(posterior, config, start, runs[1], context.seed("SGD", label), matrix)


def variance_checks(
    posterior: LogisticPosterior, label: str, snapshots: Array, law: Array, wrong: Array, rounding: Array | None = None
) -> tuple[Check, Check]:
    """Variances along the posterior's axes, in its units, of snapshots (S, R, 2) against a law's covariance (2, 2)."""
    found = sg.posterior.sampled_covariance(posterior, snapshots)
    values, errors, right, false, extra = (
        np.diagonal(each)
        for each in (found.value, found.standard_error, posterior.relative(law), posterior.relative(wrong),
                     np.zeros((2, 2)) if rounding is None else abs(posterior.relative(rounding)))
    )  # fmt: skip
    narrow, wide = (
        Check(f"variance, {name} axis, {label}", right[i], values[i], errors[i], {WARM: false[i]}, rounding=extra[i])
        for i, name in enumerate(AXES)
    )
    return narrow, wide


def sde_checks(
    context: Context, posterior: LogisticPosterior, rate: float, runs: tuple[int, int]
) -> tuple[Check, Check]:
    """Check the SDE with F(ω) of SGD at this rate against the law of its own steps."""
    config = batch_config(posterior, rate)
    start = sg.posterior.normal_law(posterior, config).normal(runs[0], context.seed("start", "SDE"))
    temperature = config.temperature
    found = sg.posterior.sample_sde(posterior, temperature, SDE_STEP, start, runs[1], context.seed("SDE"))
    law, wrong = (sg.posterior.sde_law(posterior, warmth * temperature, SDE_STEP) for warmth in (1.0, WARMER))
    return variance_checks(posterior, "SDE with F(ω)", found, law.covariance, wrong.covariance)


def sgd_checks(
    context: Context, posterior: LogisticPosterior, rates: Array, runs: tuple[int, int], label: str
) -> tuple[Check, Check]:
    """Check SGD with K = `rates`, (2, 2), against its exact law."""
    config = batch_config(posterior)
    found = sgd_run(context, posterior, config, runs, label, rates)
    law, wrong = (sg.posterior.sgd_law(posterior, config, warmth * rates) for warmth in (1.0, WARMER))
    return variance_checks(posterior, label, found, law.covariance, wrong.covariance)


def momentum_checks(
    context: Context, posterior: LogisticPosterior, rate: float, runs: tuple[int, int], momentum: float
) -> tuple[Check, Check]:
    """Check SGD with momentum, at the noise scale of plain SGD with this rate, against the exact law of small steps."""
    label, config = f"SGD with m = {momentum:g}", batch_config(posterior, rate * (1 - momentum), momentum)
    found = sgd_run(context, posterior, config, runs, label)
    # Single examples, one at a time at ε/B: their kicks are skewed as those here are, and a step is short.
    single = replace(batch_config(posterior), batch_size=1)
    law, wrong = (
        sg.posterior.sgd_law(posterior, replace(single, learning_rate=warmth * rate / BATCH))
        for warmth in (1.0, WARMER)
    )
    # What a step's length adds to it for constant H and F.
    sde, sgd = (
        sg.theory.stationary_covariance(posterior.hessian, posterior.noise_covariance, config, dynamics=dynamics)
        for dynamics in ("sde", "sgd")
    )
    return variance_checks(posterior, label, found, law.covariance, wrong.covariance, sgd - sde)
