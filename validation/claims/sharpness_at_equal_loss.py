"""Three Factors: at equal training loss sharpness falls with ε/B, whichever of the two is varied."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from validation.claim import Check, Drawing, Found, claim
from validation.context import Context
from validation.mnist.descents import Array, lacking
from validation.mnist.images import images
from validation.mnist.networks import told
from validation.mnist.sharpness import Runs, Size, run_all, sharpness_figure
from validation.signs import NONE, mean_known, of_sign_in

SHARPNESS = {"ln tr H": "trace", "ln λ_max": "largest"}
#: The slope of ln tr H at equal loss, were E[L] = ε tr H/(4B).
QUADRATIC = -1.0


@claim(dict[str, Size])
def sharpness_at_equal_loss(context: Context) -> Found:
    source = images(context)
    size: Size = context.size[source.name]
    runs = run_all(context, source.name, size)
    for text, name in SHARPNESS.items():
        for varied, scan in size.scans().items():
            yield of_sign_in(f"slope of {text}, {varied} varied", runs.slopes(scan, name), -1, size.least["sharpness"])
    for text, name in SHARPNESS.items():
        yield _alike(f"slope of {text}, by ε less by B", runs, name)
    middle = len(size.batches) // 2
    for part, scan in (("smaller", size.batches[: middle + 1]), ("larger", size.batches[middle:])):
        label = f"slope of ln tr H, B varied, {part} half of ε/B"
        yield of_sign_in(label, runs.slopes(scan, "trace"), -1, size.least["sharpness"])
    yield _quadratic(runs.slopes(size.batches, "trace"))
    label = f"slope of ln tr H, B varied, N = {size.many_examples}"
    yield of_sign_in(label, runs.slopes(size.many, "trace", size.many_examples), -1, size.least["sharpness"])
    accuracies = runs.slopes(size.batches, "test_accuracy")
    yield of_sign_in("slope of test accuracy, B varied", accuracies, 1, size.least["test_accuracy"])
    facts = {
        "rate": size.batches[0].setting[0], "batch": size.rates[0].setting[1], "least_ratio": size.batches[0].ratio,
        "largest_ratio": size.batches[-1].ratio, "local": ", ".join(_local(runs)),
    }  # fmt: skip
    yield told(context, source, size, facts, undecided=lacking(runs.missing()))
    yield Drawing("sharpness", sharpness_figure(runs))


def _alike(label: str, runs: Runs, name: str) -> Check:
    """That both scans have one slope; the rivals are that one of ε and B changes nothing."""
    by_batch, by_rate = (runs.slopes(scan, name) for scan in runs.size.scans().values())
    value, error, dof = mean_known(by_rate - by_batch)
    rivals = {"ε alone": mean_known(by_rate)[0], "B alone": -mean_known(by_batch)[0]}
    return Check(label, 0.0, value, error, rivals, scale=1.0, dof=dof)


def _quadratic(found: Array) -> Check:
    value, error, dof = mean_known(found, QUADRATIC)
    return Check("slope of ln tr H by E[L] = ε tr H/(4B)", QUADRATIC, value, error, {NONE: 0.0}, dof=dof)


def _local(runs: Runs) -> Iterator[str]:
    """Slopes of ln tr H from point to point, with the ε/B that lies between."""
    scan = runs.size.batches
    values = np.array([mean_known(each, np.nan)[0] for each in runs.values(scan, "trace", runs.size.n_examples)])
    logs = np.log([run.ratio for run in scan])
    for low, high, slope in zip(logs, logs[1:], np.diff(values) / np.diff(logs), strict=False):
        yield f"{slope:+.2f} at {np.exp((low + high) / 2):.2g}".replace("-", "−")
