"""Checks of a grid of runs: at each ε SGD against its SDE, SVAG against it, and noisy gradient descent against SGD."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sgdsde.statistics import GroupedMean, grouped_mean
from validation.claim import Check
from validation.mnist.sde.checks import comparison
from validation.mnist.sde.grid import FRESH, INDEPENDENT, SHUFFLED, Key, Row, Size
from validation.mnist.sde.grid_runs import Runs
from validation.mnist.sde.runs import NOISY, SDE, SGD, SVAG, Array

#: Each is what noise does, 0 without. With permutations a little noise does not raise the loss: then its logarithm is
#: compared, of which a share of what noise does would be nothing.
LOSS, LOG_LOSS = "excess", "log_loss"
OTHERS = {
    "flattening": "tr H below gradient descent's",
    "weight_spread": "spread of weights, Tr Cov(ω)",
    "output_spread": "spread of outputs, E|p − Ep|",
}
STATISTICS = {
    FRESH: {LOSS: "training loss above gradient descent's", **OTHERS},
    SHUFFLED: {LOG_LOSS: "ln training loss less gradient descent's", **OTHERS},
}
#: Those by which SVAG and noisy gradient descent are judged: SGD and the SDE are furthest apart in them.
FEW = (LOSS, LOG_LOSS, "weight_spread")


def found_in(runs: Runs, key: Key, name: str, window: int) -> GroupedMean:
    """The mean of a statistic in a window."""
    return grouped_mean(runs.statistic(key, name)[..., window])


def checks(runs: Runs) -> Iterator[Check]:
    """All of them, width by width."""
    for hidden in runs.size.widths:
        for row in runs.size.rows:
            for window in runs.size.compared:
                yield from _of_row(runs, hidden, row, window)


def _of_row(runs: Runs, hidden: int, row: Row, window: int) -> Iterator[Check]:
    sde, wrong = runs.sde(hidden, row), runs.wrong(hidden, row)
    fresh = Key(INDEPENDENT, hidden, row.ratio, row.learning_rates[0])
    rivals = wrong | ({fresh.run: fresh} if fresh in runs.found else {})
    for name in STATISTICS[runs.sampling]:
        for rate in row.learning_rates:
            yield _check(runs, name, Key(SGD, hidden, row.ratio, rate), sde, window, rivals)
        if fresh in runs.found:  # what Brownian motion says of batches of one permutation
            slowest = Key(SGD, hidden, row.ratio, row.learning_rates[0])
            yield _check(runs, name, slowest, fresh, window, {})
    for name in (each for each in STATISTICS[runs.sampling] if each in FEW):
        for rate in row.svag:  # the rival is what SGD does at that ε: an SVAG that were no nearer would show it
            same = Key(SGD, hidden, row.ratio, rate)
            yield _check(runs, name, same._replace(run=SVAG), sde, window, {SGD: same})
        for rate in row.noisy:
            same = Key(SGD, hidden, row.ratio, rate)
            yield _check(runs, name, same._replace(run=NOISY), same, window, {SDE: sde})


def _check(runs: Runs, name: str, key: Key, reference: Key, window: int, rivals: Mapping[str, Key]) -> Check:
    def values(of: Key) -> Array:
        return runs.statistic(of, name)[..., window]

    label, scale = text(runs, name, key, reference, window), 1.0 if name == LOG_LOSS else None
    beside = {rival: values(each) for rival, each in rivals.items()}
    return comparison(label, values(key), values(reference), beside, scale)


def text(runs: Runs, name: str, key: Key, reference: Key, window: int) -> str:
    """The label of a check."""
    what = f"{label(runs.size, key)} against {reference.run}, {key.hidden} units, {runs.size.window(window)}"
    return f"{STATISTICS[runs.sampling][name]}, {what}, ε/B = 1/{key.ratio}"


def label(size: Size, key: Key) -> str:
    """A run with its ε, and l for SVAG."""
    name = f"SVAG({size.svag_steps(key.rate)})" if key.run == SVAG else key.run
    return f"{name} at ε = {key.rate:g}"
