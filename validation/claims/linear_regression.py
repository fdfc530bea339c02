"""Liu, Ziyin & Ueda: the noise of linear regression feeds on itself. Mandt, Hoffman & Blei: the best rate to sample."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar

import sgdsde as sg
from sgdsde.models import LinearRegression, sgd_on_regression
from sgdsde.plotting import Line, Series, against_theory
from sgdsde.theory import (
    linear_regression_covariance,
    optimal_learning_rate,
    posterior_divergence,
    stationary_covariance,
)
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.context import Context
from validation.sizes import plans

CONSTANT = "the SDE with constant noise"
LABEL_VARIANCE, LEAST_CURVATURE = 1.0, 0.5
#: Every example new: N and the sampling play no part.
MANY = 10**9
#: Relaxation times left out before averaging: the transient is then about 1e-4 of what is averaged.
SETTLED = 7
#: Learning rates of the divergence, in units of the closed form, and groups of replicas, from which its errors follow.
RATES, GROUPS = np.exp(np.linspace(-0.8, 0.5, 7)), 32
SPECTRUM = (1.0, 0.5, 0.25)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """Runs in P dimensions: all combinations of fractions of the stability limit, batch sizes and momenta.

    `replicas` run for `relaxations` relaxation times each; `n` examples, None: fresh ones.
    """

    p: int
    fractions: tuple[float, ...]
    batches: tuple[int, ...]
    momenta: tuple[float, ...]
    replicas: int
    relaxations: int = 16
    n: int | None = None
    dtype: str = "float64"

    @property
    def points(self) -> list[tuple[int, float, float]]:
        return [(b, m, f) for b in self.batches for m in self.momenta for f in self.fractions]


@dataclass(frozen=True)
class Size:
    """Cases, and (N, B, replicas) of each data set whose posterior is sampled."""

    cases: tuple[Case, ...]
    posteriors: tuple[tuple[int, int, int], ...]

    def plan(self, seconds: float) -> Plan:
        return Plan(sum(len(case.points) for case in self.cases) + len(self.posteriors), seconds, self)


@claim(
    title="On linear regression the noise feeds on itself, by a known law in any dimension",
    statement=(
        "The gradient noise of linear regression grows with the distance from the minimum, so that SGD spreads more "
        "than its SDE with the noise at the minimum, without bound as ε approaches a limit that many weights pull far "
        "below 2/h. The exact law of Liu, Ziyin & Ueda is met up to half that limit for 1 to 1000 weights. The "
        "constant ε that makes SGD sample the posterior best is that of Mandt, Hoffman & Blei, once SGD's own law "
        "replaces the SDE's."
    ),
    formula=(
        "Σ = (σ²/B)(1 + κ/B) ε G⁻¹,   G = 2(1−m) − ((1−m)/(1+m) + 1/B) εA,   κ = τ/(1 − τ/B),   τ = Tr[εA G⁻¹]\n"
        "ε* = 2P(1−m)/(N c Tr F) in the limit of small ε,   c ≈ 1/B"
    ),
    source="Liu, Ziyin & Ueda, arXiv 2012.03636; Mandt, Hoffman & Blei, arXiv 1704.04289",
    plans=plans("linear_regression", Size),
)
def linear_regression(context: Context) -> Finding:
    size: Size = context.size
    spreads: dict[tuple[Case, int, float, float], Check] = {}
    finite: list[str] = []
    for case in size.cases:
        spectrum = np.linspace(LEAST_CURVATURE, 1.0, case.p) if case.p > 1 else 1.0
        problem = LinearRegression.gaussian(
            case.p, case.n, spectrum, LABEL_VARIANCE, seed=context.seed("examples", case.p, case.n)
        )
        for b, m, fraction in case.points:
            context.progress(len(spreads) / context_points(size))
            spreads[case, b, m, fraction], note = _spread(context, case, problem, b, m, fraction)
            finite += [note] if note else []
    optima = [_optimum(context, *posterior) for posterior in size.posteriors]
    headline = next(check for (case, *_, f), check in reversed(spreads.items()) if f == 0.5 and not case.n)
    return Finding(
        (*spreads.values(), *(optimum.check for optimum in optima)),
        headline=headline.label,
        pictures=(_spread_picture(spreads), _divergence_picture(optima)),
        method=(
            "Independent replicas start at the minimum and are averaged over time after "
            f"{SETTLED} relaxation times; errors are over replicas. Inputs are Gaussian with curvatures from "
            f"{LEAST_CURVATURE:g} to 1, every batch is new or, where N is given, drawn with replacement from N fixed "
            "examples. The limit is the ε at which Tr[εA G⁻¹] = B and the variance has no bound. For ε*, SGD runs on N "
            f"examples at {len(RATES)} learning rates; KL(q‖p) of its measured covariance from the posterior, plus "
            "(P/2) ln ε, is fitted by a parabola in ε, weighted by its errors, and the minimum's error is a jackknife "
            f"over {GROUPS} groups of replicas."
        ),
        notes=(
            *finite,
            *(optimum.note for optimum in optima),
        ),
    )


def context_points(size: Size) -> int:
    """Runs of a preset, a posterior counted as its learning rates."""
    return sum(len(case.points) for case in size.cases) + len(RATES) * len(size.posteriors)


def rate_limit(curvature: Array, batch: int, momentum: float) -> float:
    """The ε at which Tr[εA G⁻¹] = B, beyond which fresh Gaussian examples give no finite variance."""

    def excess(rate: float) -> float:
        g = 2 * (1 - momentum) - ((1 - momentum) / (1 + momentum) + 1 / batch) * rate * curvature
        return float((rate * curvature / g).sum()) - batch

    pole = 2 * (1 - momentum) / (((1 - momentum) / (1 + momentum) + 1 / batch) * curvature.max())
    return float(brentq(excess, 0.0, pole * (1 - 1e-12)))


def _spread(
    context: Context, case: Case, problem: LinearRegression, batch: int, momentum: float, fraction: float
) -> tuple[Check, str]:
    """Tr Σ against the exact law, and for a finite data set how far that is from the law for N → ∞."""
    endless = LinearRegression(np.diag(np.linspace(LEAST_CURVATURE, 1.0, case.p)), np.zeros(case.p), LABEL_VARIANCE)
    endless = problem if case.n is None else endless
    rate = fraction * rate_limit(endless.curvature, batch, momentum)
    config = sg.SGDConfig(rate, batch, case.n or MANY, momentum, "with_replacement")
    time = sg.theory.relaxation_time(problem.hessian, config) / (2 * (1 - fraction))  # of the slowest variance
    burn_in, label = int(np.ceil(SETTLED * time)), f"B = {batch}, m = {momentum:g}, ε = {fraction:g} of the limit"
    runs = sgd_on_regression(
        problem,
        config,
        burn_in + int(np.ceil(case.relaxations * (1 + 4 * fraction**2) * time)),  # tails are longer near the limit
        case.replicas,
        burn_in,
        seed=context.seed("spread", case.p, case.n, batch, momentum, fraction),
        dtype=case.dtype,
    )
    if bool(runs.diverged.any()):
        raise RuntimeError(f"{int(runs.diverged.sum())} replicas diverged: P = {case.p}, {label}")
    law = float(problem.stationary_covariance(config).trace())
    # The trace of S + H⁻¹SH = T H⁻¹F: half of T Tr(H⁻¹F), without solving for S.
    additive = config.temperature / 2 * np.trace(np.linalg.solve(problem.hessian, problem.gradient_covariance()))
    check = Check(
        f"Tr Σ, P = {case.p}{f', N = {case.n}' if case.n else ''}, {label}",
        law,
        float(runs.trace),
        float(runs.trace_standard_error),
        {CONSTANT: float(additive)},
        dof=case.replicas - 1,
    )
    if endless is problem:
        return check, ""
    own = linear_regression_covariance(problem.hessian, problem.label_variance, config).trace()
    return check, (
        f"The law of Liu, Ziyin & Ueda is for N → ∞. On the N = {case.n:,} examples drawn ({label}) the exact law of "
        f"that data set, which the check is against, is {law / endless.stationary_covariance(config).trace() - 1:+.2%} "
        "away, "
        f"with the data's own A and σ² put into theirs {law / own - 1:+.2%}: its fourth moments are not quite Gaussian."
    )


@dataclass(frozen=True)
class Optimum:
    """The learning rate of least divergence on one data set, and the divergences it was found from."""

    check: Check
    note: str
    label: str
    closed: float
    measured: Array
    error: Array
    line: tuple[Array, Array, Array]
    exact: Array


def _optimum(context: Context, n: int, batch: int, replicas: int) -> Optimum:
    problem = LinearRegression.gaussian(len(SPECTRUM), n, SPECTRUM, LABEL_VARIANCE, seed=context.seed("posterior", n))
    hessian, noise = problem.hessian, problem.gradient_covariance()
    config = sg.SGDConfig(0.1, batch, n, sampling="with_replacement")
    closed = optimal_learning_rate(hessian, noise, config)
    constant = optimal_learning_rate(hessian, noise, config, dynamics="sgd")

    def exact(rate: float) -> float:
        law = problem.stationary_covariance(replace(config, learning_rate=rate))
        return posterior_divergence(hessian, law, n)

    def sde(rate: float) -> float:
        law = stationary_covariance(hessian, noise, replace(config, learning_rate=rate))
        return posterior_divergence(hessian, law, n)

    rates, groups = closed * RATES, []
    for rate in rates:
        here = replace(config, learning_rate=float(rate))
        time = sg.theory.relaxation_time(problem.hessian, here) / 2
        burn_in = int(np.ceil(SETTLED * time))
        updates = burn_in + int(np.ceil(32 * time))
        seed = context.seed("optimum", n, batch, rate / closed)
        runs = sgd_on_regression(problem, here, updates, replicas, burn_in, seed, covariance_groups=GROUPS)
        groups.append(runs.covariance.values)
    table = np.array(groups)
    mean, rest = table.mean(axis=1), (table.sum(axis=1, keepdims=True) - table) / (GROUPS - 1)

    def divergences(covariances: Array) -> Array:
        return np.array([posterior_divergence(hessian, s, n) for s in covariances])

    # The jackknife's bias is removed: −ln det of an estimate is too large on average.
    left = np.array([divergences(rest[:, k]) for k in range(GROUPS)])
    measured = GROUPS * divergences(mean) - (GROUPS - 1) * left.mean(axis=0)
    error = np.sqrt((GROUPS - 1) * left.var(axis=0))
    law = np.array([exact(float(rate)) for rate in rates])
    best = float(minimize_scalar(exact, bounds=(rates[0], rates[-1]), method="bounded", options={"xatol": 1e-9}).x)
    bias = best / _least(rates, law, error)
    found = bias * _least(rates, measured, error)
    without = bias * np.array([_least(rates, row, error) for row in left])
    label = f"N = {n}, B = {batch}"
    check = Check(
        f"ε* of least KL, {label}",
        best,
        found,
        float(np.sqrt((GROUPS - 1) * without.var())),
        {"the closed form of the SDE": closed},
        dof=GROUPS - 1,
    )
    note = (
        f"{label}: ε* is {closed:.4f} in closed form, {constant:.4f} with SGD's exact law and constant noise, "
        f"{best:.4f} with the noise that grows, {found:.4f} ± {check.standard_error:.4f} measured. The least KL is "
        f"{exact(best):.3f} nats: one ε cannot fit three curvatures."
    )
    fine = closed * np.geomspace(RATES[0], RATES[-1], 60)
    line = (fine, np.array([exact(float(e)) for e in fine]), np.array([sde(float(e)) for e in fine]))
    return Optimum(check, note, label, closed, measured, error, line, law)


def _least(rates: Array, divergences: Array, error: Array) -> float:
    """Where the fit −(P/2) ln ε + a + b ε + c ε² is least: ε with 2c ε² + b ε = P/2.

    In the SDE's law c = 0; the exact law adds the curvature.
    """
    half = len(SPECTRUM) / 2
    c, b, _ = np.polyfit(rates, divergences + half * np.log(rates), 2, w=1 / error)
    return float(2 * half / (b + np.sqrt(b * b + 8 * c * half)))


def _spread_picture(spreads: dict[tuple[Case, int, float, float], Check]) -> Picture:
    groups: dict[str, list[tuple[float, Check]]] = {}
    for (case, _, m, fraction), check in spreads.items():
        name = f"P = {case.p}, N = {case.n:,}" if case.n else f"P = {case.p}, m = {m:g}"
        groups.setdefault(name, []).append((fraction, check))
    series = [
        Series(
            name,
            [fraction for fraction, _ in rows],
            [check.measured / check.rivals[CONSTANT] for _, check in rows],
            [check.standard_error / check.rivals[CONSTANT] for _, check in rows],
            [check.predicted / check.rivals[CONSTANT] for _, check in rows],
        )
        for name, rows in groups.items()
    ]
    fine = np.linspace(0.0, 0.55, 100)
    lines = (Line("1/(1 − x)", fine, 1 / (1 - fine)), Line("SDE, constant noise", fine, np.ones_like(fine)))
    figure = against_theory(
        series, "ε / limit   (1: the variance has no bound)", "Tr Σ / Tr Σ of the SDE", lines, "linear", "linear"
    )
    caption = (
        "The spread of SGD on linear regression in units of the SDE's. With equal curvatures the exact law is 1/(1 − "
        "x) for every P, B and m; the curvatures here differ by a factor of two. Bars are one standard error."
    )
    return Picture("spread", caption, "All points follow 1/(1 − x), away from the SDE's constant 1.", figure)


def _divergence_picture(optima: list[Optimum]) -> Picture:
    series = [Series(o.label, o.closed * RATES, o.measured, o.error, o.exact, o.line[0], o.line[1]) for o in optima]
    lines = [Line(f"SDE, {o.label}", o.line[0], o.line[2]) for o in optima]
    figure = against_theory(series, "learning rate ε", "KL(SGD ‖ posterior)   (nats)", lines, y_scale="linear")
    caption = (
        "How far the stationary law of SGD is from the posterior. Coloured lines: SGD's exact law; grey: the SDE's, "
        "whose minimum is the closed form of Mandt, Hoffman & Blei. Bars are one standard error."
    )
    return Picture("divergence", caption, "Measured divergences lie on the exact law, with one minimum each.", figure)
