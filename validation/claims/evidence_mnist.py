"""Smith & Le, figures 1 and 2 of the journal version: zeros against ones of MNIST, true labels and tossed ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sgdsde.data import Dataset, zeros_and_ones
from sgdsde.plotting import accuracy_chart, evidence_chart
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.context import Context
from validation.evidence.checks import rank_note, sign_checks
from validation.evidence.tasks import TASKS, TITLES, Array, ratios, scores, studied, with_interval
from validation.measure import mean_and_error
from validation.mnist.images import images
from validation.sizes import plans

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

    def plan(self, seconds: float) -> Plan:
        return Plan(5, seconds, self)


@claim(
    title="On MNIST's zeros and ones the evidence tells true labels from tossed ones, and a penalty that predicts well",
    statement=(
        "Logistic regression on 800 zeros and ones, 784 weights and a bias: with true labels the evidence is for the "
        "model by hundreds of nats, and the penalty of most evidence has the best test accuracy. With tossed labels "
        "the evidence is for the null model, at weak penalties by hundreds of nats too. The training cross-entropy, "
        "least at the weakest penalty for both, does not tell them apart."
    ),
    formula="E = C(ω0) + ½ Σ ln(λ_i/λ) − N ln 2",
    source="Smith & Le, ICLR 2018, figures 1 and 2 (arXiv 1710.06451, later versions)",
    plans=plans("evidence_mnist", Size),
)
def evidence_mnist(context: Context) -> Finding:
    size: Size = context.size
    source = images(context)
    whole: Dataset = source.load()
    n = N_TRAIN[source.name]
    seeds = [context.seed("images", k) for k in range(size.data_sets)]
    studies = studied(
        lambda labels, k: zeros_and_ones(whole, labels, seeds[k], n_train=n),
        size.data_sets, size.penalties, context.progress,
    )  # fmt: skip
    fitted = {labels: scores(studies[labels], "train", 1)[:, 0] for labels in TASKS}
    tested = {labels: scores(studies[labels], "test", 1) for labels in TASKS}
    e = ratios(studies["informative"])
    best = float(tested["informative"].max(axis=1).mean())
    chosen = tested["informative"][np.arange(len(e)), e.argmin(axis=1)]
    missed, scatter = mean_and_error(tested["informative"].max(axis=1) - chosen)
    least = float(tested["informative"].max(axis=1).min())
    tosses, pooled = len(studies["random"]), float(tested["random"][:, 0].mean())
    n_test = zeros_and_ones(whole, "random", seeds[0], n_train=n).n_test
    error = 0.5 / np.sqrt(tosses * n_test)
    chance = Check(
        f"test accuracy, {TITLES['random']}, λ = {size.penalties[0]:g}",
        0.5,
        pooled,
        error,
        {"the other labelling": least},
    )
    penalties, lowest = np.array(size.penalties), e.min(axis=1)
    chosen_penalties = penalties[e.argmin(axis=1)]
    best_penalties = penalties[scores(studies["informative"], "test", 0).argmin(axis=1)]
    checks = [
        *sign_checks(studies, WEAK * n),
        Check(
            "test accuracy at the λ of most evidence, informative labels, is the best",
            best,
            best - missed,
            max(scatter, 1 / n_test),
            {"a coin": 0.5},
            dof=size.data_sets - 1,
        ),
        chance,
        Check("best test accuracy, informative labels, is a coin's", 0.5, least, error),
    ]
    about = f"Means over {size.data_sets} choices of images; bands reach from the least to the greatest."
    tasks = {TITLES[labels]: studies[labels] for labels in TASKS}
    off = np.array([study.corrections[np.argmin(study.log_evidence_ratio)] for study in studies["informative"]])
    weights = studies["random"][0].model.dimension
    return Finding(
        tuple(checks),
        headline=checks[2].label,
        pictures=(
            Picture(
                "accuracy", f"Accuracy against the penalty. {about}",
                "True labels are generalised from at all penalties, tossed labels at none.", accuracy_chart(tasks),
            ),
            Picture(
                "evidence", f"Cross-entropies and the log evidence ratio against the penalty. {about}",
                "With true labels E and the test cross-entropy are least at about the same penalty.",
                evidence_chart(tasks),
            ),
        ),
        method=(
            f"{size.data_sets} choices of {n} images of zeros and ones, as many of each, {weights} weights of which "
            "one is a bias, penalised like the others; the test images are all zeros and ones of the test part, as "
            "many of each. Labels are the true ones or coin tosses, in training and test. Newton's method to a "
            f"gradient of 1e-10 at {len(size.penalties)} penalties, E with all eigenvalues of the exact Hessian."
        ),
        notes=(
            *(rank_note(labels, studies[labels]) for labels in ("informative", "random")),
            f"Least E with informative labels: {lowest.min():.0f} to {lowest.max():.0f} nats, where the next order of "
            f"Laplace's method changes ln evidence by {off.min():+.1f} to {off.max():+.1f}.",
            f"Tossed labels are fitted with a training accuracy of {with_interval(fitted['random'])} at λ = "
            f"{size.penalties[0]:g}: pixels that are always dark leave fewer directions than images, so that not every "
            "labelling can be memorised.",
            f"λ of most evidence: {_listed(chosen_penalties)}; of least test cross-entropy: {_listed(best_penalties)}. "
            "Two such classes are told apart so well that the test cross-entropy hardly changes below λ = 1, and where "
            "it is least is up to a few images: the figure does not show that evidence finds its place, as it does in "
            "the toy task.",
            *source.notes,
        ),
        data=source.label,
    )  # fmt: skip


def _listed(values: Array) -> str:
    return ", ".join(f"{value:.2g}" for value in values)
