"""How long training will take, said before it begins, from rates measured then."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from validation.context import Context
from validation.progress import duration

#: Batch sizes at which updates are timed; between them their time is a straight line.
TIMED = (1, 8, 32, 128, 512)
#: An image that a network is evaluated on takes a third of an example of an update; and there are so many for testing.
EVALUATED, TESTED = 1 / 3, 10_000


@dataclass(frozen=True)
class Planned:
    """Cells of a sweep: ``updates`` at each of these batch sizes, ``readings`` of them; ``fixed`` has the rest."""

    batch_sizes: tuple[int, ...]
    fixed: Mapping[str, Any]
    updates: int
    readings: int

    def seconds(self, batch_size: int, device: str) -> float:
        """What a cell takes, whose replicas are trained as many at once as there are threads."""
        hidden, times = self.fixed["hidden"], [_update(self.fixed["hidden"], b, device) for b in TIMED]
        update = float(np.interp(batch_size, TIMED, times)) * max(1.0, batch_size / TIMED[-1])
        images = self.readings * (self.fixed["n_examples"] + TESTED)
        each = self.updates * update + images * EVALUATED * _update(hidden, TIMED[-1], device) / TIMED[-1]
        return float(self.fixed["replicas"] * each)


def forecast(context: Context, function: Callable[..., Any], seed: str, plans: Sequence[Planned]) -> None:
    """Say how long the cells take that are not in the store; in the preset "full", as others are soon over."""
    if context.preset != "full":
        return
    cells = [(plan, b, _left(context, function, seed, plan, b)) for plan in plans for b in plan.batch_sizes]
    left, of = sum(number for _, _, number in cells), len(cells) * len(context.seeds)
    if left:
        seconds = sum(number * plan.seconds(b, context.place.device) for plan, b, number in cells if number)
        took = f"about {duration(seconds)} by the rates measured now"
    context.say(f"{context.claim}: {left} of {of} cells are to be trained{f', {took}' if left else ''}")


def _left(context: Context, function: Callable[..., Any], seed: str, plan: Planned, batch_size: int) -> int:
    return context.remaining(function, {"batch_size": [batch_size]}, plan.fixed, seed)


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
