"""Smith & Le, figure 2: E by Laplace's method follows the test cross-entropy; the evidence itself does not."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sgdsde.data import gaussian_task
from sgdsde.evidence import EvidenceEstimate, EvidenceStudy, TossedLabels, sampled_log_evidence, tossed_labels
from sgdsde.evidence.threads import in_threads
from sgdsde.plotting import evidence_chart
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.evidence import checks
from validation.evidence.tasks import PENALTIES, TASKS, TITLES, Studies, gaussian_studies, ratios, scores

#: Up to here the prior is weak enough for the model to say much of 200 examples.
WEAK = 20.0
#: λ at which labels are tossed: the strongest of the figure, and one where two orders of Laplace's method suffice.
STRONG, STRONGER = 1e3, 1e4


@dataclass(frozen=True)
class Size:
    """Data sets; tosses of labels at each of two penalties; of how many data sets evidence is measured, and at which λ.

    Indices of λ, from the weakest to the strongest, are those of the figure.
    """

    data_sets: int
    tosses: int
    measured: int
    particles: int
    at: tuple[int, ...]


@claim(Size)
def evidence_figure_2(context: Context) -> Found:
    size: Size = context.size
    studies = gaussian_studies(context.part(0, 0.3), size.data_sets)
    measured = _measured(context.part(0.3, 0.8), studies, size)
    tosses = []
    for penalty, own in context.part(0.8, 1).shares((STRONG, STRONGER)):
        seed = context.seed("tosses", penalty)
        x = gaussian_task("informative", seed, n_test=2).x_train
        tosses.append(tossed_labels(x, penalty, size.tosses, seed=seed, progress=own.progress))
    yield from checks.sign_checks(studies, WEAK)
    yield checks.place_check(studies["informative"])
    for labels in TASKS:
        yield checks.rank_check(labels, studies[labels])
    yield checks.law_check(tosses[1])
    yield checks.chance_check(tosses[0])
    for labels in TASKS:
        for k, (study, found) in enumerate(zip(studies[labels], measured[labels], strict=False)):
            yield from _against_measured(labels, k, study, found, list(size.at))
    yield Told(facts={"penalties": len(PENALTIES), "strong": STRONG, "stronger": STRONGER, **_facts(studies, tosses)})
    doubted = sum(int((~np.asarray(each.trusted)).sum()) for several in measured.values() for each in several)
    yield Told({"doubted": doubted})
    shown, points = {TITLES[each]: studies[each] for each in TASKS}, {TITLES[each]: measured[each] for each in TASKS}
    yield Drawing("evidence", evidence_chart(shown, points))


def _measured(context: Context, studies: Studies, size: Size) -> dict[str, list[EvidenceEstimate]]:
    """The evidence of the first data sets by annealing, which does not use Laplace's method."""
    penalties = np.array(PENALTIES)[list(size.at)]

    def one(cell: tuple[str, int]) -> EvidenceEstimate:
        model, seed = studies[cell[0]][cell[1]].model, context.seed("annealing", *cell)
        return sampled_log_evidence(model, penalties, particles=size.particles, seed=seed)

    cells = [(labels, k) for labels in TASKS for k in range(size.measured)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a note says it
        found = in_threads(one, cells, context.progress)
    return {labels: found[j * size.measured : (j + 1) * size.measured] for j, labels in enumerate(TASKS)}


def _against_measured(labels: str, k: int, study: EvidenceStudy, found: EvidenceEstimate, at: list[int]) -> list[Check]:
    """Laplace's E is the measured one under a strong prior. Under a weak one it is not, nor does it rise as Laplace's.

    By the paper, E is greater at the weakest λ than at the one of least test cross-entropy.
    """
    value, error = (np.asarray(each) for each in (found.log_evidence, found.standard_error))
    laplace = [study.evidences[j] for j in at]
    best = int(np.argmin(scores([study], "test", 0)[0][at]))
    rise = laplace[best].log_evidence - laplace[0].log_evidence
    measured = (value[best] - value[0], math.hypot(error[0], error[best]))
    name, words = f"{TITLES[labels]}, data set {k + 1}", f"rise of E from the best λ to λ = {PENALTIES[at[0]]:.3g}"
    last = laplace[-1]
    return [
        Check(
            f"ln evidence at λ = {PENALTIES[at[-1]]:.3g}, Laplace and annealing, {name}",
            last.log_evidence, value[-1], error[-1], {checks.NO_HALF: checks.without_half(last)}, dof=found.dof,
        ),
        Check(f"{words}, none by annealing, {name}", 0.0, *measured, {"Laplace": rise}, scale=abs(rise), dof=found.dof)
        if labels == "informative"
        else Check(f"{words}, Laplace's by annealing, {name}", rise, *measured, dof=found.dof),
    ]  # fmt: skip


def _facts(studies: Studies, tosses: Sequence[TossedLabels]) -> dict[str, object]:
    random, informative = (ratios(studies[labels]) for labels in TASKS)
    off = np.array([study.corrections for study in studies["informative"]])
    at_best, least = off[np.arange(len(off)), informative.argmin(axis=1)], informative.min(axis=1)
    never = float((random > 0).all(axis=1).mean())
    negative = [p for p, e in zip(PENALTIES, random.min(axis=0), strict=True) if e <= 0]
    return {
        "least": least.min(), "most": least.max(), "low": at_best.min(),
        "high": at_best.max(), "never": never, "chance": float((tosses[0].log_evidence_ratio < 0).mean()),
        "lowest": tosses[0].log_evidence_ratio.min(),
        "weakest": f"; the weakest penalty with a negative E is {min(negative):.3g}" if negative else "",
    }  # fmt: skip
