"""Checks of the claim ``mnist_sde``: what two runs share and where they differ, in means over replicas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sgdsde.statistics import Distance, energy_distance, grouped_mean, wasserstein1
from validation.claim import Check
from validation.mnist.sde.runs import (
    APPROXIMATIONS,
    ISOTROPIC,
    NOISELESS,
    NOISY,
    SDE,
    SGD,
    STRONGER,
    SVAG,
    Array,
    Key,
    Runs,
)


@dataclass(frozen=True)
class Statistic:
    """A number of a replica at a reading: what it is called, and the wrong noises that it tells from the right one.

    ``late``: at the end only, as the wrong ones have the same at first.
    """

    label: str
    rivals: tuple[str, ...]
    late: bool = False


STATISTICS: dict[str, Statistic] = {
    "excess": Statistic("training loss above gradient descent's", (NOISELESS, STRONGER, ISOTROPIC)),
    "weight_spread": Statistic("spread of weights, Tr Cov(ω)", (NOISELESS, STRONGER, ISOTROPIC)),
    "output_spread": Statistic("spread of outputs, E|p − Ep|", (NOISELESS, ISOTROPIC)),
    "test_accuracy": Statistic("test accuracy", (NOISELESS, ISOTROPIC)),
    "weight_norm": Statistic("weight norm |ω|", (ISOTROPIC,)),
    "hessian_trace": Statistic("tr H", (NOISELESS, ISOTROPIC), late=True),
}
#: Wrong noises and what shows that they are wrong, at the end.
WRONG = (
    (STRONGER, "excess"), (STRONGER, "weight_spread"),
    (ISOTROPIC, "excess"), (ISOTROPIC, "weight_spread"), (ISOTROPIC, "output_spread"),
)  # fmt: skip


def checks(runs: Runs) -> Iterator[Check]:
    """All of them: approximations against SGD at the smallest ε, wrong noises, and the largest ε."""
    size, last = runs.size, runs.size.readings - 1
    small, large = size.smallest, size.learning_rates[-1]
    for name, statistic in STATISTICS.items():
        for run in APPROXIMATIONS:
            for reading in [last] if statistic.late else range(size.readings):
                rivals = [(rival, small) for rival in statistic.rivals]
                yield _check(runs, name, (run, small), (SGD, small), reading, rivals)
    for run, name in WRONG:
        yield _check(runs, name, (run, small), (SGD, small), last)
    # The rival is what SGD does at that ε: an SVAG that were no nearer to the SDE would show it.
    for name in ("excess", "weight_spread"):
        yield _check(runs, name, (SVAG, large), (SDE, small), last, [(SGD, large)])
    yield _check(runs, "excess", (SGD, large), (SDE, small), last)


def _check(runs: Runs, name: str, run: Key, reference: Key, reading: int, rivals: list[Key] | None = None) -> Check:
    label = f"{runs.size.label(*run)} against {runs.size.label(*reference)}, T = {runs.size.times[reading]:g}"
    found = {key[0]: runs.statistic(key, name)[..., reading] for key in rivals or ()}
    measured, predicted = (runs.statistic(key, name)[..., reading] for key in (run, reference))
    return comparison(f"{STATISTICS[name].label}, {label}", measured, predicted, found)


def comparison(
    label: str, measured: Array, predicted: Array, rivals: Mapping[str, Array], scale: float | None = None
) -> Check:
    """The mean of one run's statistic against that of another, each (seed, replica), and what rivals have of it."""
    own, other = grouped_mean(measured), grouped_mean(predicted)
    beside = {name: float(values.mean()) for name, values in rivals.items()}
    _, error, dof = own - other
    return Check(label, other.value, own.value, error, beside, scale=scale, dof=dof)


def distances_from_sde(runs: Runs, name: str, seed: int) -> list[tuple[Distance, Distance]]:
    """For a dynamics at every ε, at the end: W1 of the training losses, and the energy distance of the outputs.

    Of what noise adds to either: networks of different seeds are not alike without noise.
    """
    reference = (SDE, runs.size.smallest)
    found = []
    for rate in runs.size.learning_rates:
        loss, outputs = (
            [runs.of_noise(key, of) for key in ((name, rate), reference)] for of in ("train_loss", "outputs")
        )
        found.append((wasserstein1(*loss, seed=seed), energy_distance(*outputs, seed=seed)))
    return found


def rate_notes(runs: Runs, distances: dict[str, list[tuple[Distance, Distance]]]) -> Iterator[str]:
    """How far each dynamics is from the SDE at each larger ε."""
    size = runs.size
    reference = grouped_mean(runs.statistic((SDE, size.smallest), "excess")[..., -1])
    for i, rate in enumerate(size.learning_rates[1:], 1):
        texts = []
        for name in (SGD, NOISY, SVAG):
            away = grouped_mean(runs.statistic((name, rate), "excess")[..., -1]) - reference
            loss, outputs = distances[name][i]
            texts.append(
                f"{size.label(name, rate)} {away.value:+.3f} ± {away.standard_error:.3f} (W1 {loss.value:.3f} ± "
                f"{loss.standard_error:.3f}, energy distance of outputs {outputs.value:.3f} ± "
                f"{outputs.standard_error:.3f})"
            )
        start = f"B = {size.batch_size * size.multiple(rate)}, training loss at the end less the SDE's: "
        yield (start + "; ".join(texts) + ".").replace("-", "−")
