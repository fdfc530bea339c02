"""Liu, Ziyin & Ueda: the noise of linear regression feeds on itself. Mandt, Hoffman & Blei: the best rate to sample."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from itertools import product

import numpy as np

import sgdsde as sg
from sgdsde.models import LinearRegression, posterior_divergences, posterior_rate
from sgdsde.plotting import Line, Series, against_theory
from sgdsde.theory import linear_regression_covariance, linear_regression_limit
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.measure import series

CONSTANT = "the SDE with constant noise"
LABEL_VARIANCE, LEAST_CURVATURE = 1.0, 0.5
#: Every example new: N and the sampling play no part.
MANY = 10**9
#: Relaxation times left out before averaging: the transient is then about 1e-4 of what is averaged.
SETTLED = 7
#: Learning rates of the divergence, in units of the closed form, and groups of replicas, from which its errors follow.
RATES, GROUPS = np.exp(np.linspace(-0.8, 0.5, 7)), 128
SPECTRUM = (1.0, 0.5, 0.25)


@dataclass(frozen=True)
class Case:
    """Runs in P dimensions: all combinations of fractions of the stability limit, batch sizes and momenta.

    `replicas` run for `relaxations` relaxation times each; `n` examples, None: fresh ones, or of each batch the sum of
    their gradients, by `draws`.
    """

    p: int
    fractions: tuple[float, ...]
    batches: tuple[int, ...]
    momenta: tuple[float, ...]
    replicas: int
    relaxations: int = 16
    n: int | None = None
    draws: str = "examples"


@dataclass(frozen=True)
class Size:
    """Cases, and (N, B, replicas) of each data set whose posterior is sampled."""

    cases: tuple[Case, ...]
    posteriors: tuple[tuple[int, int, int], ...]


@claim(Size)
def linear_regression(context: Context) -> Found:
    size: Size = context.size
    spreads: dict[str, list[tuple[float, Check]]] = {}
    for case in size.cases:
        spectrum = np.linspace(LEAST_CURVATURE, 1.0, case.p) if case.p > 1 else 1.0
        endless = LinearRegression.gaussian(case.p, None, spectrum, LABEL_VARIANCE)
        seed = context.seed("examples", case.p, case.n)
        problem = LinearRegression.gaussian(case.p, case.n, spectrum, LABEL_VARIANCE, seed) if case.n else endless
        for b, m, fraction in product(case.batches, case.momenta, case.fractions):
            rate = fraction * linear_regression_limit(endless.hessian, sg.SGDConfig(1.0, b, MANY, m))
            config = sg.SGDConfig(rate, b, case.n or MANY, m, "with_replacement")
            check = _spread(context, case, problem, config, fraction)
            yield check
            if case.n:
                yield Told(notes=(_compared(problem, endless, config, check.label),))
            name = f"P = {case.p}, N = {case.n:,}" if case.n else f"P = {case.p}, m = {m:g}"
            spreads.setdefault(name, []).append((fraction, check))
    drawn = []
    for n, batch, replicas in size.posteriors:
        drawn.append((yield from _optimum(context, n, batch, replicas)))
    yield Told({"settled": SETTLED, "least": LEAST_CURVATURE, "rates": len(RATES), "groups": GROUPS})
    yield Drawing("spread", _spread_figure(spreads))
    points, lines = zip(*drawn, strict=True)
    y = "KL(SGD ‖ posterior)   (nats)"
    yield Drawing("divergence", against_theory(points, "learning rate ε", y, lines, y_scale="linear"))


def _spread(context: Context, case: Case, problem: LinearRegression, config: sg.SGDConfig, fraction: float) -> Check:
    """Tr Σ against the exact law."""
    batch, momentum = config.batch_size, config.momentum
    time = sg.theory.relaxation_time(problem.hessian, config) / (2 * (1 - fraction))  # of the slowest variance
    burn_in = int(np.ceil(SETTLED * time))
    runs = sg.models.sgd_on_regression(
        problem,
        config,
        burn_in + int(np.ceil(case.relaxations * (1 + 4 * fraction**2) * time)),  # tails are longer near the limit
        case.replicas,
        burn_in,
        seed=context.seed("spread", case.p, case.n, batch, momentum, fraction),
        draws=case.draws,
    )
    examples = f", N = {case.n}" if case.n else ""
    label = f"Tr Σ, P = {case.p}{examples}, B = {batch}, m = {momentum:g}, ε = {fraction:g} of the limit"
    if bool(runs.diverged.any()):
        raise RuntimeError(f"{int(runs.diverged.sum())} replicas diverged: {label}")
    law = float(problem.stationary_covariance(config).trace())
    # The trace of S + H⁻¹SH = T H⁻¹F: half of T Tr(H⁻¹F), without solving for S.
    additive = config.temperature / 2 * np.trace(np.linalg.solve(problem.hessian, problem.noise_covariance()))
    error, dof = float(runs.trace_standard_error), case.replicas - 1
    return Check(label, law, float(runs.trace), error, {CONSTANT: float(additive)}, dof=dof)


def _compared(problem: LinearRegression, endless: LinearRegression, config: sg.SGDConfig, label: str) -> str:
    """For a finite data set, how far its exact law is from that for N → ∞."""
    law, limit = (each.stationary_covariance(config).trace() for each in (problem, endless))
    own = linear_regression_covariance(problem.hessian, problem.label_variance, config).trace()
    return (
        f"The law of Liu, Ziyin & Ueda is for N → ∞. On the N = {problem.n_examples:,} examples drawn "
        f"({label.partition(f'N = {problem.n_examples}, ')[2]}) the exact law of that data set, which the check is "
        f"against, is {law / limit - 1:+.2%} away, with the data's own A and σ² put into theirs {law / own - 1:+.2%}: "
        "its fourth moments are not quite Gaussian."
    )


def _optimum(context: Context, n: int, batch: int, replicas: int) -> Generator[Check | Told, None, tuple[Series, Line]]:
    """ε of least KL on one data set, its divergences for a picture, and the SDE's."""
    problem = LinearRegression.gaussian(len(SPECTRUM), n, SPECTRUM, LABEL_VARIANCE, seed=context.seed("posterior", n))
    config = sg.SGDConfig(0.1, batch, n, sampling="with_replacement")
    closed, constant = (
        sg.theory.optimal_learning_rate(problem.hessian, problem.noise_covariance(), config, name)
        for name in ("sde", "sgd")
    )
    rates = closed * RATES
    seeds = [context.seed("optimum", n, batch, rate / closed) for rate in rates]
    found = posterior_rate(problem, config, rates, replicas, seeds, groups=GROUPS, settled=SETTLED)
    label, rivals = f"N = {n}, B = {batch}", {"the closed form of the SDE": closed}
    yield Check.of(f"ε* of least KL, {label}", found.exact, found.best, rivals, dof=GROUPS - 1)
    least = posterior_divergences(problem, config, found.exact)[0]
    note = (
        f"{label}: ε* is {closed:.4f} in closed form, {constant:.4f} with SGD's exact law and constant noise, "
        f"{found.exact:.4f} with the noise that grows, {found.best.value:.4f} ± {found.best.standard_error:.4f} "
        f"measured. The least KL is {least:.3f} nats: one ε cannot fit three curvatures."
    )
    yield Told(notes=(note,))
    fine, kl = closed * np.geomspace(RATES[0], RATES[-1], 60), found.divergence
    own, sde = (posterior_divergences(problem, config, fine, name) for name in ("sgd", "sde"))
    return Series(label, rates, kl.value, kl.standard_error, found.law, fine, own), Line(f"SDE, {label}", fine, sde)


def _spread_figure(spreads: dict[str, list[tuple[float, Check]]]) -> sg.plotting.Figure:
    points = []
    for name, rows in spreads.items():
        fractions, checks = zip(*rows, strict=True)
        points.append(series(name, fractions, checks, unit=np.array([check.rivals[CONSTANT] for check in checks])))
    fine = np.linspace(0.0, 0.55, 100)
    lines = (Line("1/(1 − x)", fine, 1 / (1 - fine)), Line("SDE, constant noise", fine, np.ones_like(fine)))
    x, y = "ε / limit   (1: the variance has no bound)", "Tr Σ / Tr Σ of the SDE"
    return against_theory(points, x, y, lines, "linear", "linear")
