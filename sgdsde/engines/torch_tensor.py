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

from sgdsde.arguments import choice
from sgdsde.codegen import SINGULAR
from sgdsde.engines import torch_cuda, torch_shares
from sgdsde.engines.observers import Observed, Tally, all_finite, places
from sgdsde.engines.registry import Outcome, Plan, moments_from_sums
from sgdsde.engines.torch_noise import tensor_noise

DTYPES = {"float64": torch.float64, "float32": torch.float32}

#: Updates between looks at whether any path is left: on a GPU each waits for the device.
_LOOK = 64
_ONE_ARGUMENT = ("sqrt", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan", "absolute", "sigmoid")


def _on_tensors(function: Callable[..., Any], like: Tensor) -> Callable[..., Any]:
    """Accept Python numbers among the arguments, as folded constants leave them."""

    def call(*arguments: Any) -> Any:
        return function(*(torch.as_tensor(a, dtype=like.dtype, device=like.device) for a in arguments))

    return call


def tensor_functions(like: Tensor) -> dict[str, Callable[..., Any]]:
    """What printed code may call, on tensors of the same type and device as this one."""
    table = {name: _on_tensors(getattr(torch, name), like) for name in (*_ONE_ARGUMENT, "maximum", "minimum")}

    def where(condition: Any, a: Any, b: Any) -> Any:
        test = torch.as_tensor(condition, device=like.device)
        return torch.where(test, *(torch.as_tensor(x, dtype=like.dtype, device=like.device) for x in (a, b)))

    def root_of(a: Any, reciprocal: Any) -> Any:
        return where(a == 0.0, a, a * reciprocal)

    zero = SINGULAR[str(like.dtype).removeprefix("torch.")]

    def mended_root(pivot: Any, diagonal: Any) -> Any:
        return torch.sqrt(where((pivot <= 0.0) & (pivot >= -zero * diagonal), 0.0, pivot))

    def softplus(x: Any) -> Any:
        return _on_tensors(torch.logaddexp, like)(x, 0.0)  # torch's own is x from 20 on

    table |= {
        "power": _on_tensors(torch.pow, like),
        **dict.fromkeys(("rsqrt", "rsqrt_of_positive"), _on_tensors(torch.rsqrt, like)),
    }
    return table | {"where": where, "root_of": root_of, "mended_root": mended_root, "softplus": softplus}


def device_of(name: str | None) -> torch.device:
    """The device of that name; ValueError when torch cannot use it."""
    try:
        device = torch.device(name or "cpu")
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"device must be one that this torch can use, got {name!r}: {error}".splitlines()[0]) from None
    return device


def run(plan: Plan) -> Outcome:
    """Run the plan on `plan.device` (default: the CPU), in shares of the paths that keep its memory bounded."""
    dtype = DTYPES[choice("dtype", plan.dtype, DTYPES)]
    device = device_of(plan.device)
    engine = torch_cuda.run if torch_cuda.suits(plan, device) else _run_share
    return torch_shares.run(plan, device, lambda share, first: engine(share, first, device, dtype))


@torch.no_grad()  # type: ignore[untyped-decorator]
def _run_share(plan: Plan, first_path: int, device: torch.device, dtype: torch.dtype) -> Outcome:
    """Paths `first_path`, first_path + 1, … of a run, one step after another on tensors."""
    d, shape, size = plan.dimension, (plan.paths,), plan.state_dimension
    whole = torch.tensor(plan.start, dtype=dtype, device=device)
    advance = plan.block.function(tensor_functions(whole))
    noise = tensor_noise(plan.noise, plan.seed, plan.paths, device, plan.updates * plan.substeps, first_path)
    state = list(whole)
    pairs = list(zip(*np.triu_indices(d), strict=True))
    reference = whole[:d].double()
    first = torch.zeros_like(reference)
    second = torch.zeros((len(pairs), plan.paths), dtype=torch.float64, device=device)
    firsts, seconds, origins = first.unbind(), second.unbind(), reference.unbind()
    watch, each = plan.observers, torch.arange(plan.paths, device=device)
    counts = torch.zeros((watch.cells, plan.paths), dtype=torch.int64, device=device)
    more = torch.zeros((watch.sums(d), plan.paths), dtype=torch.float64, device=device)
    inside = watch.function(tensor_functions(more))
    saved = np.full((plan.snapshots, plan.paths, d), np.nan)
    if plan.save_every:
        saved[0] = plan.start[:d].T
    constants = plan.constants_at(0)
    ended = torch.full(shape, -1, dtype=torch.int64, device=device)  # the region
    exit_step = ended.clone()
    for update in range(plan.updates):
        if update == plan.burn_in:
            reference = torch.stack(state[:d]).double()
            origins = reference.unbind()
        for step in range(update * plan.substeps, (update + 1) * plan.substeps):
            if plan.scheduled and step % plan.per_row == 0:
                constants = plan.constants_at(step)
            found = advance(*constants, *state, *noise(step).to(dtype).unbind())
            new = [
                x
                if isinstance(x, Tensor) and x.shape == shape
                else torch.as_tensor(x, dtype=dtype, device=device).expand(shape)
                for x in found
            ]
            if not plan.regions:
                state = new
                continue
            state = [torch.where(ended < 0, x, old) for x, old in zip(new, state, strict=False)]
            for region, margin in enumerate(new[size : size + plan.regions]):
                now = (ended < 0) & (margin > 0)
                ended.masked_fill_(now, region)
                exit_step.masked_fill_(now, step + 1)
        if update >= plan.burn_in:
            away = [row.double() - origin for row, origin in zip(state, origins, strict=False)]
            for total, row in zip(firsts, away, strict=True):
                total.add_(row)
            for total, (i, j) in zip(seconds, pairs, strict=True):
                total.addcmul_(away[i], away[j])
            if watch.any:
                states = [row.double() for row in state[:d]]
                powers = [*(row**3 for row in away), *(row**4 for row in away)] if watch.fourth else []
                for total, value in zip(more.unbind(), [*powers, *inside(*states)], strict=True):
                    total.add_(value)
                for place in places(watch, states, torch.where, lambda x: x.long()):
                    counts[place, each] += 1
        if plan.save_every and (update + 1) % plan.save_every == 0:
            here = torch.stack(state[:d]).double().masked_fill(ended >= 0, math.nan)
            saved[(update + 1) // plan.save_every] = here.cpu().numpy().T
        plan.progress((update + 1) / plan.updates)
        if (update + 1) % _LOOK == 0 and not ((ended < 0) & torch.stack(state).isfinite().all(dim=0)).any():
            break
    plan.progress(1.0)
    if plan.regions:
        ends = (each.cpu().numpy() for each in (exit_step, ended))
        return Outcome.of_ends(torch.stack(state).double().cpu().numpy(), saved, *ends)
    count, end = plan.updates - plan.burn_in, torch.stack(state).double().cpu().numpy()
    one, two, beside = (total.cpu().numpy() for total in (first, second, more))
    mean, covariance = moments_from_sums(reference.cpu().numpy(), one, two, count)
    tally = Tally.of(watch, counts.cpu().numpy(), all_finite(end, one, two, beside))
    return Outcome(end, mean, covariance, saved, observed=Observed.from_sums(watch, one, two, beside, count, tally))
