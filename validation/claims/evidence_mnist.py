"""Smith & Le, figure 2 as at ICLR 2018: zeros against ones of MNIST, true labels and tossed ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sgdsde.data import Dataset, zeros_and_ones
from sgdsde.plotting import accuracy_chart, evidence_chart
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.evidence.checks import choice_check, rank_check, sign_checks
from validation.evidence.tasks import TASKS, TITLES, Array, Studies, ratios, scores, studied
from validation.mnist.images import images

#: Training images: the paper's, and what the digits have of zeros and ones.
N_TRAIN = {"MNIST": 800, "digits": 200}
#: Up to this share of N a penalty leaves the model free to say much about the examples.
WEAK = 0.1


@dataclass(frozen=True)
class Size:
    """Choices of training images, and λ: from 10^−3 to 10^4, so many to a decade."""

    data_sets: int
    per_decade: float

    @property
    def penalties(self) -> tuple[float, ...]:
        """Every λ."""
        return tuple(np.logspace(-3, 4, round(7 * self.per_decade) + 1).tolist())


@claim(Size)
def evidence_mnist(context: Context) -> Found:
    size: Size = context.size
    source = images(context)
    whole: Dataset = source.load()
    n = N_TRAIN[source.name]
    seeds = [context.seed("images", k) for k in range(size.data_sets)]
    studies = studied(
        context, lambda labels, seed: _lit(zeros_and_ones(whole, labels, seed, n_train=n, leftover=True)),
        seeds, size.penalties,
    )  # fmt: skip
    tested = {labels: scores(studies[labels], "test", 1) for labels in TASKS}
    n_test = zeros_and_ones(whole, "random", seeds[0], n_train=n, leftover=True).n_test
    least, error = float(tested["informative"].max(axis=1).min()), 0.5 / np.sqrt(size.data_sets * n_test)
    yield from sign_checks(studies, WEAK * n)
    yield choice_check(studies["informative"])
    for labels in TASKS:
        yield rank_check(labels, studies[labels])
    label = f"test accuracy, {TITLES['random']}, λ = {size.penalties[0]:g}"
    yield Check(label, 0.5, float(tested["random"][:, 0].mean()), error, {"the other labelling": least})
    yield Check("best test accuracy, informative labels, is a coin's", 0.5, least, error)
    pixels = int(np.prod(whole.x_train.shape[1:]))
    yield Told({"n": n, "n_test": n_test, "weights": pixels + 1, **_facts(studies, size)}, source.notes, source.label)
    tasks = {TITLES[labels]: studies[labels] for labels in TASKS}
    yield Drawing("accuracy", accuracy_chart(tasks, same_scale=False))
    yield Drawing("evidence", evidence_chart(tasks, scale="log"))


def _lit(task: Dataset) -> Dataset:
    """Without pixels that are dark in all training images: their weights are 0, their λ_i is λ, and E is the same."""
    lit = task.x_train.any(axis=0)
    return replace(task, x_train=task.x_train[:, lit], x_test=task.x_test[:, lit])


def _facts(studies: Studies, size: Size) -> dict[str, object]:
    penalties, e = np.array(size.penalties), ratios(studies["informative"])
    test, accuracy = (scores(studies["informative"], "test", column) for column in (0, 1))
    off = [study.corrections[np.argmin(study.log_evidence_ratio)] for study in studies["informative"]]
    ratio = (test / test.min(axis=1, keepdims=True)).mean(axis=0)
    return {
        "count": len(penalties), "first": penalties[0],
        "least": e.min(axis=1).min(), "most": e.min(axis=1).max(), "low": min(off), "high": max(off),
        "fitted": scores(studies["random"], "train", 1)[:, 0].mean(),
        "chosen": _listed(penalties[e.argmin(axis=1)]), "best": _listed(penalties[test.argmin(axis=1)]),
        "curve": ", ".join(f"{value:.3g}" for value in ratio), "flat": np.ptp(accuracy.mean(axis=0)[penalties <= 100]),
    }  # fmt: skip


def _listed(values: Array) -> str:
    return ", ".join(f"{value:.2g}" for value in np.unique(values))
