"""Smith & Le, figure 1: a model that memorises random labels still generalises where labels inform."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sgdsde.evidence import EvidenceStudy
from sgdsde.plotting import accuracy_chart
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.context import Context
from validation.evidence.tasks import PENALTIES, TASKS, TITLES, Array, Studies, gaussian_studies, scores
from validation.measure import mean_and_error
from validation.sizes import plans

#: λ at which test accuracies are checked: as weak as it gets, where evidence is most, and as strong as it gets.
CHECKED = (0, 17, 24)


@dataclass(frozen=True)
class Size:
    """Data sets."""

    data_sets: int

    def plan(self, seconds: float) -> Plan:
        return Plan(2 + 2 * len(CHECKED) + 1, seconds, self)


@claim(
    title="What memorises random labels generalises from informative ones",
    statement=(
        "Logistic regression with 200 weights fits 200 training labels without error when its penalty is weak, be they "
        "informative or random. From informative labels it generalises at every penalty, from random ones at none: "
        "training accuracy says nothing about it."
    ),
    formula="test accuracy = 1 − arccos(ω·1/(|ω||1|))/π  with informative labels,   ½  with random ones",
    source="Smith & Le, arXiv 1710.06451, figure 1, after Zhang et al., arXiv 1611.03530; the angle for normal inputs",
    plans=plans("evidence_figure_1", Size),
)
def evidence_figure_1(context: Context) -> Finding:
    size: Size = context.size
    studies = gaussian_studies(context.seeds[0], size.data_sets, PENALTIES, context.progress)
    predicted = {labels: _predicted(labels, studies) for labels in TASKS}
    checks = []
    for labels in TASKS:
        fitted = scores(studies[labels], "train", 1)[:, 0]
        least = float(fitted.min())
        checks.append(
            Check(f"least training accuracy, {TITLES[labels]}, λ = {PENALTIES[0]:g}", 1.0, least, 0.0, {"a coin": 0.5})
        )
    for labels, other in zip(TASKS, reversed(TASKS), strict=True):
        found = scores(studies[labels], "test", 1)
        for k in CHECKED:
            excess, error = mean_and_error(found[:, k] - predicted[labels][:, k])
            expected, wrong = (float(predicted[each][:, k].mean()) for each in (labels, other))
            label = f"test accuracy, {TITLES[labels]}, λ = {PENALTIES[k]:.3g}"
            checks.append(
                Check(label, expected, expected + excess, error, {"the other labelling": wrong}, dof=size.data_sets - 1)
            )
    memorised, error = mean_and_error(scores(studies["informative"], "test", 1)[:, 0])
    label = f"memorised labels tell nothing: test accuracy, informative labels, λ = {PENALTIES[0]:g}"
    checks.append(Check(label, 0.5, memorised, error, dof=size.data_sets - 1))
    caption = (
        f"Accuracy of training and test examples against the penalty, means over {size.data_sets} data sets; bands "
        "reach from the least to the greatest."
    )
    alt = "Both tasks are memorised at weak penalties; only informative labels are generalised from."
    tasks = {TITLES[labels]: studies[labels] for labels in TASKS}
    best = np.argmax(scores(studies["informative"], "test", 1).mean(axis=0))
    return Finding(
        tuple(checks),
        headline=checks[2 + len(CHECKED)].label,
        pictures=(Picture("accuracy", caption, alt, accuracy_chart(tasks)),),
        method=(
            f"{size.data_sets} data sets of 200 standard normal training inputs in 200 dimensions and 10 000 test "
            "inputs, components normalised to mean 0 and variance 1; the label is 1 where components sum to more than "
            "0, or a coin toss, in training and in test. No intercept. Newton's method to a gradient of 1e-10 at each "
            f"of {len(PENALTIES)} penalties, from strong to weak. Standard errors are from the scatter over data sets "
            "of measured less predicted accuracy; the prediction takes the angle between the weights found and the "
            "true direction, as normal inputs are alike in all directions."
        ),
        notes=(
            f"With informative labels the mean test accuracy is highest at λ = {PENALTIES[best]:.3g}, but changes "
            "little: what overfits at weak penalties is the confidence, not the decision.",
        ),
    )


def _predicted(labels: str, studies: Studies) -> Array:
    """Probability that the sign of x·ω is the label, x ~ N(0, I): (data sets, λ)."""
    if labels == "random":
        return np.full((len(studies[labels]), len(PENALTIES)), 0.5)
    return np.array([_overlap_accuracy(study) for study in studies[labels]])


def _overlap_accuracy(study: EvidenceStudy) -> Array:
    weights = np.array([fit.weights for fit in study.fits])
    cosine = weights.sum(axis=1) / (np.linalg.norm(weights, axis=1) * np.sqrt(weights.shape[1]))
    return np.asarray(1 - np.arccos(cosine) / np.pi)
