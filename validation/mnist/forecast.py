"""How long training will take, said before it begins, from rates measured then."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from validation.context import Context
from validation.mnist.networks import Cells
from validation.progress import duration

#: Batch sizes at which updates are timed; between them their time is a straight line.
TIMED = (1, 8, 32, 128, 512)
#: An image that a network is evaluated on takes a third of an example of an update; and there are so many for testing.
EVALUATED, TESTED = 1 / 3, 10_000


def seconds(fixed: Mapping[str, Any], batch_size: int) -> float:
    """What a cell with these arguments takes, whose replicas are trained as many at once as there are threads."""
    hidden, device, marks = fixed["hidden"], fixed["device"], fixed.get("marks", ())
    updates, readings = (marks[-1], len(marks)) if marks else (fixed["updates"], fixed["readings"])
    update = float(np.interp(batch_size, TIMED, [_update(hidden, b, device) for b in TIMED]))
    images = readings * (fixed["n_examples"] + TESTED)
    evaluated = images * EVALUATED * _update(hidden, TIMED[-1], device) / TIMED[-1]
    return float(fixed["replicas"] * (updates * update * max(1.0, batch_size / TIMED[-1]) + evaluated))


def forecast(
    context: Context, function: Callable[..., Any], source: str, size: Any, jobs: Sequence[Cells], seed: str
) -> None:
    """Say how long those cells take that are not in the store; in the preset "full", as others are soon over."""
    if context.preset != "full":
        return
    left, every, time_left = 0, 0, 0.0
    for cells in jobs:
        fixed = cells.fixed(context, source, size)
        for batch_size in cells.values:
            number = context.remaining(function, {"batch_size": [batch_size]}, fixed, seed)
            left, every = left + number, every + len(context.seeds)
            time_left += number * seconds(fixed, batch_size) if number else 0.0
    took = f", about {duration(time_left)} by the rates measured now" if left else ""
    context.say(f"{context.claim}: {left} of {every} cells are to be trained{took}")


@cache
def _update(hidden: int, batch_size: int, device: str) -> float:
    """Seconds for an update of a network, of as many as there are threads, on numbers in place of images."""
    import torch

    import sgdsde as sg
    from sgdsde.data import Dataset

    threads, n = torch.get_num_threads(), max(512, batch_size)
    generator = np.random.default_rng(0)
    x, y = generator.random((n, 784), dtype=np.float32), np.arange(n) % 10
    data, model = Dataset("numbers", x, y, x[:10], y[:10]), sg.models.mlp(784, hidden, 10)
    config = sg.SGDConfig(0.01, batch_size, n, 0.9)

    def timed(updates: int) -> float:
        began = time.perf_counter()
        sg.models.train(model, data, config, updates, threads, device=device)
        return time.perf_counter() - began

    few = max(2, 1024 // batch_size)
    timed(few)
    return max(timed(5 * few) - timed(few), 1e-9) / (4 * few * threads)
