"""Smith & Le, figure 2: the evidence, from training examples alone, tells what the test cross-entropy will be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sgdsde.data import gaussian_task
from sgdsde.plotting import evidence_chart
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.context import Context
from validation.evidence.checks import (
    Tosses,
    chance_check,
    law_check,
    place_check,
    rank_check,
    rank_note,
    sign_checks,
    tossed_labels,
)
from validation.evidence.tasks import PENALTIES, TASKS, TITLES, gaussian_studies, ratios
from validation.sizes import plans

#: Up to here the prior is weak enough for the model to say much of 200 examples.
WEAK = 20.0
#: λ at which labels are tossed: the strongest of the figure, and one where two orders of Laplace's method suffice.
STRONG, STRONGER = 1e3, 1e4


@dataclass(frozen=True)
class Size:
    """Data sets, and tosses of labels at each of two penalties."""

    data_sets: int
    tosses: int

    def plan(self, seconds: float) -> Plan:
        return Plan(7, seconds, self)


@claim(
    title="The evidence follows the test cross-entropy, the training cross-entropy does not",
    statement=(
        "The log evidence ratio E, computed on training examples, falls and rises with the test cross-entropy as the "
        "penalty changes. With informative labels E < 0 at suitable penalties, and is least near the penalty that "
        "predicts best. With random labels E > 0: the null model is better, however well they are fitted; but at "
        "penalties so strong that both models say nearly the same, chance alone makes it negative."
    ),
    formula="E = C(ω0) + ½ Σ ln(λ_i/λ) − N ln 2;    ⟨e^−E⟩ = 1 over tossed labels",
    source=(
        "Smith & Le, arXiv 1710.06451, eq. 2 and figure 2; the law of tossed labels is that p(y|model) sums to 1; the "
        "next order of Laplace's method, Shun & McCullagh, J. R. Stat. Soc. B 57 (1995) 749"
    ),
    plans=plans("evidence_figure_2", Size),
)
def evidence_figure_2(context: Context) -> Finding:
    size: Size = context.size
    studies = gaussian_studies(context.seeds[0], size.data_sets, PENALTIES, lambda done: context.progress(0.6 * done))
    tosses: list[Tosses] = []
    for k, penalty in enumerate((STRONG, STRONGER)):
        seed = context.seed("tosses", penalty)
        task = gaussian_task("informative", seed, n_test=2)

        def tell(done: float, k: int = k) -> None:
            context.progress(0.6 + 0.2 * (k + done))

        tosses.append(tossed_labels(task, penalty, size.tosses, seed, tell))
    checks: list[Check] = [
        *sign_checks(studies, WEAK),
        place_check(studies["informative"]),
        *(rank_check(labels, studies[labels]) for labels in TASKS),
        law_check(tosses[1]),
        chance_check(tosses[0]),
    ]
    random = ratios(studies["random"])
    ever = float((random > 0).all(axis=1).mean())
    strongest = min(p for p, least in zip(PENALTIES, random.min(axis=0), strict=True) if least <= 0) if ever < 1 else 0
    least = ratios(studies["informative"]).min(axis=1)
    off = np.array([study.corrections for study in studies["informative"]])
    best = np.array([np.argmin(study.log_evidence_ratio) for study in studies["informative"]])
    at_best = off[np.arange(len(off)), best]
    caption = (
        "Above: cross-entropies per example against the penalty. Below: the log evidence ratio, negative where the "
        f"evidence is for the model. Means over {size.data_sets} data sets; bands reach from the least to the greatest."
    )
    alt = "With informative labels E and the test cross-entropy are least at about the same penalty."
    return Finding(
        tuple(checks),
        headline=checks[2].label,
        pictures=(
            Picture("evidence", caption, alt, evidence_chart({TITLES[labels]: studies[labels] for labels in TASKS})),
        ),
        method=(
            f"The tasks of figure 1: {size.data_sets} data sets, {len(PENALTIES)} penalties, both labellings. E is by "
            "Laplace's method with all eigenvalues of the exact Hessian. Rank correlations are over the penalties, one "
            "for each data set; their intervals are from the scatter over data sets. Labels are tossed "
            f"{size.tosses:,} times on one set of inputs at each of λ = {STRONG:g} and {STRONGER:g}, and what is known "
            "exactly of the mean of e^−E to second order in 1/λ is taken out as a control variate."
        ),
        notes=(
            *(rank_note(labels, studies[labels]) for labels in ("informative", "random")),
            f"Least E with informative labels: from {least.min():.1f} to {least.max():.1f} nats over the data sets. "
            f"The next order of Laplace's method changes ln evidence there by {at_best.min():+.1f} to "
            f"{at_best.max():+.1f} nats: with as many weights as examples E itself is good to some nats only. "
            "The evidence by annealing (claim laplace_evidence) levels off at weak penalties and has no optimum in "
            "this task: the λ of least E, and the rise of E towards weak penalties, are Laplace's method's own. What "
            "follows the test cross-entropy of the most probable weights is Laplace's reading of the evidence at them.",
            f"The paper has E > 0 at every penalty with random labels. That holds in {ever:.0%} of the data sets"
            + (f"; the weakest penalty with a negative E is {strongest:.3g}. " if ever < 1 else ". ")
            + f"At λ = {STRONG:g}, {(tosses[0].ratios < 0).mean():.0%} of tossed labels have E < 0, the least "
            f"{tosses[0].ratios.min():.2f}. It cannot be by much: as e^−E averages to 1, E ≤ −t has at most the "
            "probability e^−t.",
        ),
    )
