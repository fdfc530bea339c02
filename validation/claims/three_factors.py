"""Three Factors: ε/B decides how sharp the minimum is that SGD finds, and ε and B may be exchanged."""

from __future__ import annotations

from collections.abc import Iterator

from validation.claim import Check, Drawing, Found, claim
from validation.context import Context
from validation.measure import mean_and_error
from validation.mnist.descents import Array, Run, lacking
from validation.mnist.images import images
from validation.mnist.networks import told
from validation.mnist.three_factors import Runs, Size, present, run_all
from validation.mnist.three_factors_figures import cycle_figure, memory_figure, sharpness_figure
from validation.signs import mean_known, of_sign_in

#: What is compared at equal training loss: the words of a check and the variable; logarithms but for the accuracy.
COMPARED = {"ln tr H": "trace", "ln distance Σ ε(k)": "distance", "test accuracy": "test_accuracy"}
#: A slope against ln(ε/B) counts from here on.
LEAST = 0.05
#: What the paper has of random labels: a slope against ln(ε/B) in words, of what, where what else has which value, and
#: its sign there, and from which size on it counts.
PAPER = (
    ("accuracy on random labels at training accuracy 0.8", "memorised", "train_accuracy", 0.8, -1, LEAST),
    ("test accuracy at accuracy 0.8 on random labels", "test_accuracy", "memorised", 0.8, 1, 0.03),
)


@claim(dict[str, Size])
def three_factors(context: Context) -> Found:
    source = images(context)
    size: Size = context.size[source.name]
    runs = run_all(context, source.name, size)
    for text, name in (("ln λ_max", "largest"), ("ln tr H", "trace")):
        yield of_sign_in(f"slope of {text} against ln(ε/B)", runs.slopes(name), -1, LEAST)
    one, largest = size.scaled[1], max(size.scaled)
    yield from _same("ε and B times 2", runs, one, size.scaled[2], (size.alone, "ε doubled alone"))
    for factor in [factor for factor in size.kept if factor > 2]:
        fallen = runs.at_loss(size.scaled[factor], "trace") - runs.at_loss(one, "trace")
        yield _unchanged(f"ln tr H, ε and B times {factor}", fallen)
    rise = runs.lowest(size.scaled[largest]) - runs.lowest(one)
    yield _unchanged(f"ln lowest training loss, ε and B times {largest}", rise)
    yield from _same("cycle of B for one of ε", runs, *size.cycles, (size.hottest, "constant at the largest ε/B"))
    for share in size.memories:
        yield from _memory(runs, share)
    facts = {
        "half": size.period // 2,
        "few": size.scan[-1].setting[1], "many": size.scan[0].setting[1], "rate": size.scan[0].setting[0],
        "cycle_of_rate": size.cycles[0], "cycle_of_batch": size.cycles[1], "largest_factor": largest,
    }  # fmt: skip
    yield told(context, source, size, facts, undecided=lacking(runs.missing()))
    yield Drawing("sharpness", sharpness_figure(runs))
    yield Drawing("cycles", cycle_figure(runs))
    yield Drawing("random-labels", memory_figure(runs))


def _same(what: str, runs: Runs, one: Run, other: Run, rival: tuple[Run, str]) -> Iterator[Check]:
    """That `other` is like `one` at equal training loss, and the rival is not."""
    for text, name in COMPARED.items():
        base, tried, wrong = (runs.at_loss(run, name) for run in (one, other, rival[0]))
        reference = float(present(base).mean()) if name == "test_accuracy" else 0.0
        apart = present(tried - base)
        value, error = mean_and_error(apart)
        rivals = {rival[1]: reference + float(present(wrong - base).mean())}
        yield Check(f"{text}, {what}", reference, reference + value, error, rivals, scale=1.0, dof=len(apart) - 1)


def _memory(runs: Runs, share: float) -> Iterator[Check]:
    """Random labels: what happens at equal distance and at equal loss; and by the paper, at equal accuracies."""
    named = f"against ln(ε/B), {100 * share:g} % random"
    early = runs.slopes_where("memorised", "distance", runs.size.early, share)
    yield of_sign_in(f"slope of accuracy on random labels {named}", early, -1, LEAST)
    yield of_sign_in(f"slope of ln tr H {named}", runs.slopes("trace", share), -1, LEAST)
    for text, name, where, value, sign, least in PAPER:
        yield of_sign_in(f"slope of {text} {named}", runs.slopes_where(name, where, value, share), sign, least)


def _unchanged(label: str, values: Array) -> Check:
    """That the mean of replicas is 0; what fewer than two of them have is unknown by 1."""
    value, error, dof = mean_known(values)
    return Check(label, 0.0, value, error, scale=1.0, dof=dof)
