"""The torch engine: the same programs and the same random numbers on tensors, on CPU or GPU, in float64 or float32.

Random numbers are made and moments are summed in float64 whatever the `dtype` of the states.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sgdsde.engines.noise import ExampleBatches, GaussianIncrements, Noise
from sgdsde.engines.philox import MASK, MULTIPLIERS, ROUNDS, STREAM_BATCH, STREAM_NORMAL, WEYL, key_of, layout
from sgdsde.engines.registry import Outcome, Plan, moments_from_sums

DTYPES = {"float64": torch.float64, "float32": torch.float32}

_ONE_ARGUMENT = ("sqrt", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan", "absolute")


def _on_tensors(function: Callable[..., Any], like: Tensor) -> Callable[..., Any]:
    """Accept Python numbers among the arguments, as folded constants leave them."""

    def call(*arguments: Any) -> Any:
        return function(*(torch.as_tensor(a, dtype=like.dtype, device=like.device) for a in arguments))

    return call


def _functions(like: Tensor) -> dict[str, Callable[..., Any]]:
    table = {name: _on_tensors(getattr(torch, name), like) for name in (*_ONE_ARGUMENT, "maximum", "minimum")}

    def where(condition: Any, a: Any, b: Any) -> Any:
        test = torch.as_tensor(condition, device=like.device)
        return torch.where(test, *(torch.as_tensor(x, dtype=like.dtype, device=like.device) for x in (a, b)))

    return table | {"where": where, "power": _on_tensors(torch.pow, like)}


def philox(counter: tuple[Tensor, Tensor, Tensor, Tensor], key: tuple[int, int]) -> tuple[Tensor, ...]:
    """Philox4x32-10 on int64 tensors that hold words below 2³²; products wrap, and a mask after the shift mends it."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        p0, p1 = MULTIPLIERS[0] * c0, MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (p1 >> 32 & MASK) ^ c1 ^ k0, p1 & MASK, (p0 >> 32 & MASK) ^ c3 ^ k1, p0 & MASK
        k0, k1 = (k0 + WEYL[0]) & MASK, (k1 + WEYL[1]) & MASK
    return c0, c1, c2, c3


class TensorNoise:
    """z of each step, steps asked for in order; `sgdsde.engines.noise` says what the numbers mean."""

    def __init__(self, noise: Noise, seed: int, paths: int, device: torch.device) -> None:
        self.noise, self.seed, self.device = noise, seed, device
        self.paths = torch.arange(paths, device=device)
        self.numbers = noise.numbers if isinstance(noise, GaussianIncrements) else noise.picks
        self.steps, self.draws = layout(self.numbers)
        self.group, self.rows = -1, torch.empty(0)
        if isinstance(noise, ExampleBatches):
            self.table = torch.as_tensor(noise.table.T.copy(), device=device)
            self.order = torch.empty(0, dtype=torch.int64, device=device)

    def __call__(self, step: int) -> Tensor:
        """(k, paths) float64."""
        if isinstance(self.noise, GaussianIncrements):
            return self._rows(step, STREAM_NORMAL, _normals)
        picked = _PICK[self.noise.sampling](self, self.noise, step)
        return self.noise.weight * self.table[:, picked].sum(dim=1)

    def _rows(self, step: int, stream: int, finish: Callable[[Tensor], Tensor]) -> Tensor:
        group, place = divmod(step, self.steps)
        if group != self.group and self.draws:
            draw = torch.arange(self.draws, device=self.device)[:, None].expand(-1, len(self.paths))
            low = torch.full_like(draw, group & MASK)
            high = torch.full_like(draw, stream | (group >> 32) << 8)
            words = philox((low, draw, self.paths.expand_as(draw), high), key_of(self.seed))
            self.rows = finish(torch.stack(words, dim=1).reshape(4 * self.draws, -1))
            self.group = group
        return self.rows[place * self.numbers : (place + 1) * self.numbers]

    def below(self, step: int, bounds: Tensor) -> Tensor:
        """(picks, paths) integers: row i is uniform below bounds[i]."""
        return self._rows(step, STREAM_BATCH, lambda words: words) * bounds[:, None] >> 32


def _normals(words: Tensor) -> Tensor:
    radius_words, angle_words = words[0::2], words[1::2]
    uniform = ((radius_words << 16 | angle_words & 0xFFFF).double() + 0.5) * 2.0**-48
    radius = torch.sqrt(-2.0 * torch.log(uniform))
    angle = (2.0 * math.pi) * (angle_words.double() * 2.0**-32)
    return torch.stack([radius * torch.sin(angle), radius * torch.cos(angle)], dim=1).reshape(words.shape)


def _with_replacement(source: TensorNoise, noise: ExampleBatches, step: int) -> Tensor:
    return source.below(step, torch.full((noise.picks,), len(noise.table), device=source.device))


def _without_replacement(source: TensorNoise, noise: ExampleBatches, step: int) -> Tensor:
    if not noise.picks:
        return torch.empty((0, len(source.paths)), dtype=torch.int64, device=source.device)
    n = len(noise.table)
    chosen = source.below(step, torch.arange(n - noise.picks + 1, n + 1, device=source.device))
    for i in range(1, noise.picks):
        repeated = (chosen[:i] == chosen[i]).any(dim=0)
        chosen[i] = torch.where(repeated, n - noise.picks + i, chosen[i])
    return chosen


def _reshuffle(source: TensorNoise, noise: ExampleBatches, step: int) -> Tensor:
    n, b = len(noise.table), noise.batch_size
    first = step % (n // b) * b
    if first == 0:
        source.order = torch.arange(n, device=source.device)[:, None].repeat(1, len(source.paths))
    places = torch.arange(first, first + b, device=source.device)
    others = places[:, None] + source.below(step, n - places)
    order = source.order
    for place, other in zip(range(first, first + b), others, strict=True):
        dealt = order.gather(0, other[None])
        order.scatter_(0, other[None], order[place][None].clone())
        order[place] = dealt[0]
    return order[first : first + b]


_PICK = {
    "with_replacement": _with_replacement,
    "without_replacement": _without_replacement,
    "reshuffle": _reshuffle,
}


def _device(name: str | None) -> torch.device:
    try:
        device = torch.device(name or "cpu")
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"device must be one that this torch can use, got {name!r}: {error}".splitlines()[0]) from None
    return device


@torch.no_grad()  # type: ignore[untyped-decorator]
def run(plan: Plan) -> Outcome:
    """Run the plan on `plan.device` (default: the CPU)."""
    if plan.dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, got {plan.dtype!r}")
    device, d = _device(plan.device), plan.dimension
    state = torch.tensor(plan.start, dtype=DTYPES[plan.dtype], device=device)
    advance = plan.block.function(_functions(state))
    noise = TensorNoise(plan.noise, plan.seed, plan.paths, device)
    rows, columns = np.triu_indices(d)
    reference = state[:d].double()
    first = torch.zeros_like(reference)
    second = torch.zeros((len(rows), plan.paths), dtype=torch.float64, device=device)
    saved = np.empty((plan.snapshots, plan.paths, d))
    if plan.save_every:
        saved[0] = plan.start[:d].T
    for update in range(plan.updates):
        if update == plan.burn_in:
            reference = state[:d].double()
        for step in range(update * plan.substeps, (update + 1) * plan.substeps):
            new = advance(*plan.constants, *state, *noise(step).to(state.dtype))
            state = torch.stack([torch.as_tensor(x, dtype=state.dtype, device=device).expand(plan.paths) for x in new])
        if update >= plan.burn_in:
            deviation = state[:d].double() - reference
            first += deviation
            second += deviation[rows] * deviation[columns]
        if plan.save_every and (update + 1) % plan.save_every == 0:
            saved[(update + 1) // plan.save_every] = state[:d].double().cpu().numpy().T
        plan.progress((update + 1) / plan.updates)
    mean, covariance = moments_from_sums(
        reference.cpu().numpy(), first.cpu().numpy(), second.cpu().numpy(), plan.updates - plan.burn_in
    )
    return Outcome(state.double().cpu().numpy(), mean, covariance, saved)
