"""Noises of the same trace in a sharp bowl: it is the direction of the noise that decides who leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest

import sgdsde as sg
from sgdsde.landscapes import BOWL_NOISES, two_bowls
from sgdsde.plotting import Figure, Rate, paths_over_contours, success_rates
from sgdsde.statistics import Estimate, mean
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.escape.two_bowls import ESCAPED, RIDGE, START, escape_probability, paired_examples
from validation.measure import exits_of, whole

#: T tr F, and the time s in which a path has to leave the sharp bowl, whose curvatures are 200 and 20.
STRENGTH, TIME = 4.0, 0.5
BATCH, N = 4, 512
EXAMPLES = paired_examples(N, 0)
#: ε of the paper: εh = 1 along the sharp direction.
PAPER = 0.005
#: The experiment of the paper: ε = 0.005, 500 updates, the covariance of the noise in an update of trace 0.01.
PAPER_UPDATES, PAPER_TRACE, PAPER_RIDGE = 500, 0.01, 0.1
DIRECTED = ("covariance", "Hessian", "top eigenvector")
Checks = dict[tuple[str, str], Check]


@dataclass(frozen=True)
class Size:
    """ε where SGD is the SDE; paths of directed noises, of others, which seldom leave, and of the paper's experiment.

    And cells of the Fokker–Planck equation.
    """

    rate: float
    paths: int
    rare: int
    paper: int
    cells: tuple[int, int]

    def of(self, noise: str) -> int:
        return self.paths if noise in DIRECTED else self.rare


@claim(Size)
def noise_geometry(context: Context) -> Found:
    size: Size = context.size
    theory = {noise: _probability(noise, size) for noise in BOWL_NOISES}
    checks: Checks = {}
    for noise in BOWL_NOISES:
        for key, check in _checks(context, noise, theory):
            checks[key] = check
            yield check
    still = _descended(size.rate, 10 * round(TIME / size.rate), RIDGE)
    rivals = {"the noise of batches": theory["covariance"]}
    checks["none", "GD"] = Check("left by ten times as long, gradient descent", 0.0, still, 0.0, rivals)
    yield checks["none", "GD"]
    large = _escaped(context, "covariance", "SGD", PAPER)
    label = f"left by s = {TIME:g} as the SDE says, covariance, SGD at ε = {PAPER:g}"
    yield Check.of(label, theory["covariance"], large, {})
    paper = {noise: _paper_rate(context, noise) for noise in BOWL_NOISES}
    unit, more = theory["covariance"], [theory[noise] / theory["isotropic"] for noise in DIRECTED]
    yield Told({"seen": float(large.value) / unit, "seen_error": float(large.standard_error) / unit})
    yield Told(dict(zip(("data", "curved", "top", "across", "along"), (*more, *size.cells), strict=True)))
    yield Told({"theirs": ", ".join(f"{noise} {100 * rate.value:.3g} %" for noise, rate in paper.items())})
    yield Drawing("rates", _bars(checks, paper, size))
    yield Drawing("paths", _paths(context))


def _probability(noise: str, size: Size, every: float = 0.0) -> float:
    """By the Fokker–Planck equation; the diagonal of F is here isotropic."""
    same = "isotropic" if noise == "diagonal" else noise
    return escape_probability(same, STRENGTH, TIME, size.cells, every)


def _checks(context: Context, noise: str, theory: dict[str, float]) -> Iterator[tuple[tuple[str, str], Check]]:
    """The SDE and SGD against the equation, and directed noises against isotropic ones."""
    other = "isotropic" if noise in DIRECTED else "covariance"
    rivals = {f"{other} noise": theory[other]}
    for model in ("SDE", "SGD"):
        law = theory[noise] if model == "SDE" else _probability(noise, context.size, every=context.size.rate)
        found = _escaped(context, noise, model)
        yield (noise, model), Check.of(f"left by s = {TIME:g}, {noise}, {model}", law, found, rivals)
    if noise in DIRECTED:
        label = f"left as often as with isotropic noise, {noise}, SGD"
        yield (noise, "isotropic"), Check.of(label, theory["isotropic"], found, {})


def _config(rate: float) -> sg.SGDConfig:
    return sg.SGDConfig(rate, BATCH, N, sampling="with_replacement")


def _escaped(context: Context, noise: str, model: str, rate: float = 0.0) -> Estimate:
    """Fraction of paths that have left."""
    seed, rate = context.seed(noise, model, rate or context.size.rate), rate or context.size.rate
    config, updates, paths = _config(rate), round(TIME / rate), context.size.of(noise)
    landscape = two_bowls(noise, STRENGTH / config.temperature, ridge=RIDGE)
    options: dict[str, Any] = {"seed": seed, "stop": ESCAPED}
    if model == "SGD":
        run = sg.simulate_sgd(landscape, config, START, updates, paths, examples=EXAMPLES, **options)
    else:
        run = sg.simulate_sde(landscape, config, START, updates, paths, substeps=1, **options)
    return mean(exits_of(run).ended.astype(float))


def _descended(rate: float, updates: int, ridge: float) -> float:
    """Fraction in the flat bowl after gradient descent, SGD with all examples in every batch: no noise is left."""
    bowls = two_bowls("covariance", 1.0, ridge=ridge)
    run = whole(sg.simulate_sgd(bowls, sg.SGDConfig(rate, N, N), START, updates, 2))
    return float((run.final < -0.5).all(axis=1).mean())


def _paper_rate(context: Context, noise: str) -> Rate:
    """At the paper's ε: success rate, with its Wilson interval of 95 %."""
    config, paths = _config(PAPER), context.size.paper
    bowls = two_bowls(noise, PAPER_TRACE / (PAPER * config.temperature), ridge=PAPER_RIDGE)
    seed = context.seed("paper", noise)
    run = sg.simulate_sgd(bowls, config, START, PAPER_UPDATES, paths, examples=EXAMPLES, seed=seed)
    return _rate(noise, int((whole(run).final < -0.5).all(axis=1).sum()), paths)


def _rate(label: str, successes: int, paths: int, predicted: float | None = None) -> Rate:
    ends = binomtest(successes, paths).proportion_ci(0.95, method="wilson")
    return Rate(label, successes / paths, (float(ends.low), float(ends.high)), predicted)


def _bars(checks: Checks, paper: dict[str, Rate], size: Size) -> Figure:
    def panel(model: str) -> list[Rate]:
        own = [(noise, checks[noise, model], size.of(noise)) for noise in BOWL_NOISES]
        return [_rate(noise, round(check.measured * paths), paths, check.predicted) for noise, check, paths in own]

    still, theirs = (
        Rate("gradient descent", rate, (rate, rate))
        for rate in (checks["none", "GD"].measured, _descended(PAPER, PAPER_UPDATES, PAPER_RIDGE))
    )
    return success_rates(
        {
            "SDE": panel("SDE"),
            f"SGD, ε = {size.rate:g}": [*panel("SGD"), still],
            f"SGD as in the paper, ε = {PAPER:g}": [*paper.values(), theirs],
        }
    )


def _paths(context: Context) -> Figure:
    """A few paths of SGD for three noises, and where they have got to."""
    config, walks = _config(2e-4), dict[str, np.ndarray]()
    for noise in ("isotropic", "covariance", "Hessian"):
        bowls = two_bowls(noise, STRENGTH / config.temperature, ridge=RIDGE)
        run = sg.simulate_sgd(
            bowls, config, START, round(TIME / 2e-4), 6, examples=EXAMPLES, seed=context.seed("paths", noise),
            save_every=10,
        )  # fmt: skip
        walks[noise] = whole(run).snapshots
    line = np.linspace(-2.0, 2.0, 160)
    loss = two_bowls("isotropic", 1.0, ridge=RIDGE).loss(np.stack(np.meshgrid(line, line), axis=-1))
    return paths_over_contours(line, line, loss, walks, [0.5, 1, 2, 3, 4, 5, 6, 8, 10])
