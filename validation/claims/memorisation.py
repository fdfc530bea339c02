"""Three Factors: ε/B decides how many random labels a network learns, and how well it generalises then."""

from __future__ import annotations

from collections.abc import Iterator

from validation.claim import Check, Drawing, Found, claim
from validation.context import Context
from validation.mnist.descents import lacking
from validation.mnist.images import images
from validation.mnist.memorisation import Runs, Size, memory_figure, run_all, slopes_figure
from validation.mnist.networks import told
from validation.signs import mean_known, of_sign_in

#: What the paper has of larger ε/B: what, at equal what, the variables, and the sign.
EFFECTS = (
    ("test accuracy at equal accuracy on random labels", "test_accuracy", "memorised", 1),
    ("accuracy on random labels at equal training accuracy", "memorised", "train_accuracy", -1),
    ("ln tr H at equal accuracy on random labels", "trace", "memorised", -1),
    ("accuracy on random labels at equal Σ ε(k)", "memorised", "distance", -1),
    ("accuracy on random labels at equal epochs", "memorised", "epochs", 1),
)
#: What is compared where ε and B have a common factor, and the factors.
ALIKE = {"accuracy on random labels": "memorised", "test accuracy": "test_accuracy"}
FACTORS = (2, 4)
ALONE = "ε alone"


@claim(dict[str, Size])
def memorisation(context: Context) -> Found:
    source = images(context)
    size: Size = context.size[source.name]
    runs = run_all(context, source.name, size)
    for share in size.shares:
        for text, name, against, sign in EFFECTS:
            label = f"slope of {text}, {100 * share:g} % random"
            yield of_sign_in(label, runs.slopes(share, name, against), sign, size.least[name])
        for factor in FACTORS:
            yield from _alike(runs, share, factor)
    undecided = lacking(runs.missing(), "come to where they are compared")
    yield told(context, source, size, {"compared": "; ".join(_ranges(size))}, undecided=undecided)
    yield Drawing("learning", memory_figure(runs))
    yield Drawing("slopes", slopes_figure(runs))


def _alike(runs: Runs, share: float, factor: int) -> Iterator[Check]:
    """That ε and B times a factor change nothing at equal Σ ε(k), and ε alone does."""
    for text, name in ALIKE.items():
        both, alone = (mean_known(each) for each in runs.exchanged(share, factor, name))
        label = f"{text}, ε and B times {factor}, {100 * share:g} % random"
        yield Check(label, 0.0, *both[:2], {ALONE: alone[0]}, scale=1.0, dof=both[2])


def _ranges(size: Size) -> Iterator[str]:
    """Where runs are compared, in words."""
    for share, held in size.shares.items():
        texts = {
            "accuracies on random labels": held.memorised, "on all training images": held.train_accuracy,
            "Σ ε(k)": held.distance, "epochs": held.epochs,
        }  # fmt: skip
        ranges = ", ".join(f"{text} {low:g} to {high:g}" for text, (low, high) in texts.items())
        yield f"at {100 * share:g} % {ranges}"
