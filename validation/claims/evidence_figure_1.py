"""Smith & Le, figure 1: a model that memorises random labels still generalises where labels inform."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sgdsde.data import gaussian_accuracy
from sgdsde.plotting import accuracy_chart
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.evidence.checks import over_sets
from validation.evidence.tasks import PENALTIES, TASKS, TITLES, Array, Studies, gaussian_studies, scores
from validation.measure import mean_and_error

#: λ at which test accuracies are checked: as weak as it gets, where evidence is most, and as strong as it gets.
CHECKED = (0, 17, 24)


@dataclass(frozen=True)
class Size:
    """Data sets."""

    data_sets: int


@claim(Size)
def evidence_figure_1(context: Context) -> Found:
    size: Size = context.size
    studies = gaussian_studies(context, size.data_sets)
    predicted = {labels: _predicted(labels, studies) for labels in TASKS}
    for labels in TASKS:
        least = float(scores(studies[labels], "train", 1)[:, 0].min())
        label = f"least training accuracy, {TITLES[labels]}, λ = {PENALTIES[0]:g}"
        yield Check(label, 1.0, least, 0.0, {"a coin": 0.5})
    for labels, other in zip(TASKS, reversed(TASKS), strict=True):
        found = scores(studies[labels], "test", 1)
        for k in CHECKED:
            excess, error = mean_and_error(found[:, k] - predicted[labels][:, k])
            expected, wrong = (float(predicted[each][:, k].mean()) for each in (labels, other))
            label = f"test accuracy, {TITLES[labels]}, λ = {PENALTIES[k]:.3g}"
            rivals = {"the other labelling": wrong}
            yield Check(label, expected, expected + excess, error, rivals, dof=size.data_sets - 1)
    memorised = scores(studies["informative"], "test", 1)
    label = f"memorised labels tell nothing: test accuracy, informative labels, λ = {PENALTIES[0]:g}"
    yield over_sets(label, 0.5, memorised[:, 0])
    yield Told(facts={"penalties": len(PENALTIES), "best": PENALTIES[np.argmax(memorised.mean(axis=0))]})
    yield Drawing("accuracy", accuracy_chart({TITLES[labels]: studies[labels] for labels in TASKS}))


def _predicted(labels: str, studies: Studies) -> Array:
    """Probability that the sign of x·ω is the label, x ~ N(0, I): (data sets, λ)."""
    if labels == "random":
        return np.full((len(studies[labels]), len(PENALTIES)), 0.5)
    return np.array([[gaussian_accuracy(fit.weights) for fit in study.fits] for study in studies[labels]])
