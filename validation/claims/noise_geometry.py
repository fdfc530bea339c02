"""Noises of the same trace in a sharp bowl: it is the direction of the noise that decides who leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

import sgdsde as sg
from sgdsde.plotting import Rate, paths_over_contours, success_rates
from sgdsde.statistics import mean
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.context import Context
from validation.escape.two_bowls import ESCAPED, FLOOR, RIDGE, START, bowls, escape_probability, noises, paired_examples
from validation.measure import whole
from validation.sizes import plans

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
    """ε where SGD is the SDE, paths of each noise and of the paper's experiment, cells of the equation for p."""

    rate: float
    paths: int
    paper: int
    cells: tuple[int, int]

    def plan(self, seconds: float) -> Plan:
        return Plan(2 * len(noises()) + len(DIRECTED) + 2, seconds, self)


@claim(
    title="Of noises with the same trace, those along the sharp direction leave a sharp bowl",
    statement=(
        "In a bowl ten times as sharp in one direction as in the other, F of the data, the Hessian and its top "
        "eigenvector put nine tenths of the noise and more into the sharp direction, where the ridge is lowest; "
        "isotropic noise puts half there. With the same trace at every point the directed noises leave the bowl eight "
        "to nine times as often, gradient descent never, and the diagonal of F is no better than isotropic: here it is "
        "the same matrix. SDE and SGD at small ε have the probabilities of the Fokker–Planck equation."
    ),
    formula="P(left by s) = 1 − ∫ p(ω, s) dω,   ∂p = ∇·(p∇L) + ½ Σ ∂ᵢ∂ⱼ(T Fᵢⱼ p),   T tr F the same for all",
    source="Zhu, Wu, Yu, Wu & Ma, The Anisotropic Noise in SGD, arXiv 1803.00195, §4.1 and github.com/uuujf/SGDNoise",
    plans=plans("noise_geometry", Size),
)
def noise_geometry(context: Context) -> Finding:
    size: Size = context.size
    theory, laws = {}, {}
    for noise in noises():
        law = "isotropic" if noise == "diagonal" else noise  # the same matrix
        theory[noise] = escape_probability(law, STRENGTH, TIME, size.cells)
        laws[noise] = escape_probability(law, STRENGTH, TIME, size.cells, every=size.rate)
    context.progress(0.3)
    checks: Checks = {}
    for noise in noises():
        other = "isotropic" if noise in DIRECTED else "covariance"
        rivals = {f"{other} noise": theory[other]}
        for model in ("SDE", "SGD"):
            value, error = _escaped(context, noise, model)
            label = f"left by s = {TIME:g}, {noise}, {model}"
            checks[noise, model] = Check(label, (laws if model == "SGD" else theory)[noise], value, error, rivals)
            if noise in DIRECTED and model == "SGD":
                label = f"left as often as with isotropic noise, {noise}, SGD"
                checks[noise, "isotropic"] = Check(label, theory["isotropic"], value, error)
        context.progress(0.3 + 0.6 * (1 + noises().index(noise)) / len(noises()))
    still = _descended(size.rate, 10 * round(TIME / size.rate), RIDGE)
    label = "left by ten times as long, gradient descent"
    checks["none", "GD"] = Check(label, 0.0, still, 0.0, {"the noise of batches": theory["covariance"]})
    value, error = _escaped(context, "covariance", "SGD", PAPER)
    label = f"left by s = {TIME:g} as the SDE says, covariance, SGD at ε = {PAPER:g}"
    checks["covariance", "large ε"] = Check(label, theory["covariance"], value, error)
    paper = {noise: _paper_rate(context, noise) for noise in noises()}
    return Finding(
        tuple(checks.values()),
        headline=checks["covariance", "SGD"].label,
        pictures=(_bars(checks, paper, size), _paths(context)),
        method=(
            f"{size.paths:,} independent paths from the bottom of the sharp bowl, ε = {size.rate:g}, B = {BATCH}, "
            f"N = {N} normal examples and their negatives, with replacement; the SDE in steps of ε. SGD is seen after "
            "updates only, and its law is corrected for that; what is left of order ε is below half a percent at "
            "ε = 0.0001 (for isotropic noise, one). F is divided by its trace "
            f"at every point, in both bowls, as in the paper; T tr F = {STRENGTH:g}. A path has left when it is past "
            f"the ridge, which is rounded over {RIDGE:g} units of loss, so that steps and cells resolve it. The "
            "Hessian is that of the bowls, blended over the ridge as F is; the top eigenvector leaves "
            f"{100 * FLOOR:g} % of the trace across it. The Fokker–Planck equation is solved by finite volumes on "
            f"{size.cells[0]} × {size.cells[1]} cells and fewer, extrapolated."
        ),
        notes=(
            f"Directed noise leaves {theory['covariance'] / theory['isotropic']:.1f} (F), "
            f"{theory['Hessian'] / theory['isotropic']:.1f} (Hessian) and "
            f"{theory['top eigenvector'] / theory['isotropic']:.1f} (top eigenvector) times as often as isotropic.",
            f"At the paper's ε = {PAPER:g} a step is a whole relaxation time of the sharp direction, εh = 1, "
            f"and SGD leaves {value / theory['covariance']:.2f} ± {error / theory['covariance']:.2f} times as often as "
            "the SDE says.",
            f"The paper's own experiment (ridge rounded over {PAPER_RIDGE:g}, {PAPER_UPDATES} updates of noise of "
            "trace 0.01 at ε = 0.005, success where both coordinates end below −0.5): "
            + ", ".join(f"{noise} {100 * rate.value:.3g} %" for noise, rate in paper.items())
            + f" of {size.paper:,} runs each.",
        ),
    )


def _config(rate: float) -> sg.SGDConfig:
    return sg.SGDConfig(rate, BATCH, N, sampling="with_replacement")


def _escaped(context: Context, noise: str, model: str, rate: float = 0.0) -> tuple[float, float]:
    """Fraction of paths that have left, and its standard error."""
    rate, paths = rate or context.size.rate, context.size.paths
    config, updates = _config(rate), round(TIME / rate)
    landscape, seed = bowls(noise, STRENGTH / config.temperature), context.seed(noise, model, rate)
    if model == "SGD":
        run = sg.simulate_sgd(landscape, config, START, updates, paths, examples=EXAMPLES, seed=seed, stop=ESCAPED)
    else:
        run = sg.simulate_sde(landscape, config, START, updates, paths, substeps=1, seed=seed, stop=ESCAPED)
    exits = whole(run).exits
    assert exits is not None
    found = mean(exits.ended.astype(float))
    return float(found.value), float(found.standard_error)


def _descended(rate: float, updates: int, ridge: float) -> float:
    """Fraction in the flat bowl after gradient descent, SGD with all examples in every batch: no noise is left."""
    still = sg.SGDConfig(rate, N, N)
    run = whole(sg.simulate_sgd(bowls("covariance", 1.0, ridge=ridge), still, START, updates, 2))
    return float((run.final < -0.5).all(axis=1).mean())


def _paper_rate(context: Context, noise: str) -> Rate:
    """At the paper's ε: success rate, with its Wilson interval of 95 %."""
    config, paths = _config(PAPER), context.size.paper
    trace = PAPER_TRACE / (PAPER * config.temperature)
    run = sg.simulate_sgd(
        bowls(noise, trace, ridge=PAPER_RIDGE), config, START, PAPER_UPDATES, paths, examples=EXAMPLES,
        seed=context.seed("paper", noise),
    )  # fmt: skip
    return _rate(noise, int((whole(run).final < -0.5).all(axis=1).sum()), paths)


def _rate(label: str, successes: int, paths: int, predicted: float | None = None) -> Rate:
    ends = binomtest(successes, paths).proportion_ci(0.95, method="wilson")
    return Rate(label, successes / paths, (float(ends.low), float(ends.high)), predicted)


def _bars(checks: Checks, paper: dict[str, Rate], size: Size) -> Picture:
    def panel(model: str) -> list[Rate]:
        found = [checks[noise, model] for noise in noises()]
        return [
            _rate(noise, round(check.measured * size.paths), size.paths, check.predicted)
            for noise, check in zip(noises(), found, strict=True)
        ]

    still = Rate("gradient descent", checks["none", "GD"].measured, (checks["none", "GD"].measured,) * 2)
    descended = _descended(PAPER, PAPER_UPDATES, PAPER_RIDGE)
    theirs = [*paper.values(), Rate("gradient descent", descended, (descended, descended))]
    figure = success_rates(
        {
            "SDE": panel("SDE"),
            f"SGD, ε = {size.rate:g}": [*panel("SGD"), still],
            f"SGD, ε = {PAPER:g}": theirs,
        }
    )
    caption = (
        f"Fraction of paths that leave the sharp bowl: by s = {TIME:g} of the SDE and of SGD at small ε, black marks "
        "being the Fokker–Planck equation; and, at ε = 0.005, in the paper's experiment. All noises "
        "have the same trace. Intervals are Wilson's, 95 %."
    )
    alt = "Covariance, Hessian and top eigenvector have long bars, isotropic and diagonal short ones, descent none."
    return Picture("rates", caption, alt, figure)


def _paths(context: Context) -> Picture:
    """A few paths of SGD for three noises, and where they have got to."""
    config = _config(2e-4)
    walks = {}
    for noise in ("isotropic", "covariance", "Hessian"):
        run = sg.simulate_sgd(
            bowls(noise, STRENGTH / config.temperature), config, START, round(TIME / 2e-4), 6, examples=EXAMPLES,
            seed=context.seed("paths", noise), save_every=10,
        )  # fmt: skip
        walks[noise] = whole(run).snapshots
    line = np.linspace(-2.0, 2.0, 160)
    plane = np.stack(np.meshgrid(line, line), axis=-1)
    loss = bowls("isotropic", 1.0).loss(plane)
    figure = paths_over_contours(line, line, loss, walks, [0.5, 1, 2, 3, 4, 5, 6, 8, 10])
    caption = (
        f"Six paths of SGD for each noise over the lines of equal loss, from (1, 1) to s = {TIME:g}; dots are their "
        "ends. The sharp bowl is long across (1, 1), the ridge is lowest along it."
    )
    alt = "Isotropic noise spreads paths along the sharp bowl; covariance and Hessian send some of them over the ridge."
    return Picture("paths", caption, alt, figure)
