"""The engine of whole vectors: a step is a few products of matrices with (d, paths), on CPU or GPU.

A product is added to what is there by the same call of BLAS, in the memory of a vector that nothing reads any more
where there is one: for heavy ball v ← m v − ε H ω is one call, and ω ← ω + v the only pass besides. Random numbers are
made in float64 and moments are summed in float64 whatever the `dtype` of the states.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sgdsde.arguments import choice
from sgdsde.engines import torch_shares
from sgdsde.engines.moment_groups import group_edges
from sgdsde.engines.registry import Outcome, Plan
from sgdsde.engines.torch_batches import regression_gradients
from sgdsde.engines.torch_matrix_noise import vector_noise
from sgdsde.engines.torch_moments import GroupMoments
from sgdsde.engines.torch_tensor import DTYPES, device_of, tensor_functions
from sgdsde.matrix_block import BatchGradient, Centred, Elementwise, MatrixBlock, Product, Sum

#: Components of a share's vectors, by kind of device: a megabyte, which a core's cache holds, and half a gigabyte.
_TOGETHER = {"cpu": 2**17, "cuda": 2**26}
#: Fewest paths of a share, below which products are slow.
_FEWEST = 64
#: Numbers in the examples that batches gather at a time.
_GATHERED = {"cpu": 2**17, "cuda": 2**24}
#: Part of the examples from which on a batch is a vector of N counts, for products with all examples.
_DENSE = 0.25
#: Updates between looks at whether any path is left.
_LOOK = 64


def run(plan: Plan) -> Outcome:
    """Run the plan on `plan.device` (default: the CPU), in shares of the paths."""
    dtype = DTYPES[choice("dtype", plan.dtype, DTYPES)]
    device = device_of(plan.device)
    groups = group_edges(plan.dimension, plan.paths)

    def share(part: Plan, first: int) -> Outcome:
        own = groups[(groups >= first) & (groups <= first + part.paths)] - first
        return _run_share(part, first, own, device, dtype)

    outcome = torch_shares.run(plan, device, share, share_edges(plan, groups, device))
    return replace(outcome, edges=groups)


def share_edges(plan: Plan, groups: NDArray[np.int64], device: torch.device) -> list[int]:
    """Where shares of the paths begin, and the end of the last: between groups."""
    together = max(1, _TOGETHER.get(device.type, _TOGETHER["cpu"]) // plan.dimension)
    shares = -(-plan.paths // together)
    if device.type == "cpu":
        shares = max(shares, min(torch.get_num_threads(), plan.paths // _FEWEST), 1)
    wished = np.linspace(0, plan.paths, shares + 1)
    return [int(edge) for edge in np.unique(groups[np.searchsorted(groups, wished)])]


@torch.no_grad()  # type: ignore[untyped-decorator]
def _run_share(
    plan: Plan, first_path: int, groups: NDArray[np.int64], device: torch.device, dtype: torch.dtype
) -> Outcome:
    d, paths = plan.dimension, plan.paths
    machine = _Machine(plan, first_path, device, dtype)
    moments = GroupMoments(d, groups, device)
    saved = np.full((plan.snapshots, paths, d), np.nan)
    if plan.save_every:
        saved[0] = plan.start[:d].T
    scales = plan.constants_at(0)
    for update in range(plan.updates):
        if update == plan.burn_in:
            moments.begin(machine.w)
        for step in range(update * plan.substeps, (update + 1) * plan.substeps):
            if plan.scheduled and step % plan.per_row == 0:
                scales = plan.constants_at(step)
            machine.step(step, scales)
        if update >= plan.burn_in:
            moments.add(machine.w)
        if plan.save_every and (update + 1) % plan.save_every == 0:
            saved[(update + 1) // plan.save_every] = machine.w.double().cpu().numpy().T
        plan.progress((update + 1) / plan.updates)
        if (update + 1) % _LOOK == 0 and not machine.w.sum(dim=0).isfinite().any():
            break
    plan.progress(1.0)
    state = torch.cat(machine.state).double().cpu().numpy()
    return Outcome(state, *moments.result(), saved)


class _Machine:
    """The state of a share of the paths, and what makes a step of it."""

    def __init__(self, plan: Plan, first_path: int, device: torch.device, dtype: torch.dtype) -> None:
        block: MatrixBlock = plan.block
        self.block, self.device, self.dtype, self.paths = block, device, dtype, plan.paths

        def on_device(array: NDArray[np.float64]) -> Tensor:
            return torch.tensor(array, dtype=dtype, device=device)

        self.state = [on_device(part) for part in np.split(plan.start, plan.dimension * np.arange(1, len(block.state)))]
        self.matrices = {name: on_device(each) for name, each in block.matrices.items()}
        self.vectors = {name: on_device(each)[:, None] for name, each in block.vectors.items()}
        table = tensor_functions(self.w)
        self.functions = {
            name: (code.function(table), [on_device(column)[:, None] for column in constants.T])
            for name, (code, constants) in block.functions.items()
        }
        self.examples = None if block.examples is None else tuple(map(on_device, block.examples))
        steps = plan.updates * plan.substeps
        self.noise = {
            name: vector_noise(source, plan.seed, plan.paths, device, steps, first_path)
            for name, source in zip(block.draws, plan.noise, strict=True)
        }
        last = block.last_uses()
        self.unread = [name for name in block.state if name not in last]
        self.done = [
            [name for name in dict.fromkeys(each.sources) if last[name] == place and name not in block.draws]
            for place, each in enumerate(block.operations)
        ]
        self.free: dict[int, list[Tensor]] = {}
        self.now: dict[str, Tensor] = {}
        self.scales: list[float] = []

    @property
    def w(self) -> Tensor:
        """ω, (d, paths)."""
        return self.state[0]

    def step(self, step: int, scales: list[float]) -> None:
        """One step of the state."""
        self.scales, now = scales, dict(zip(self.block.state, self.state, strict=True))
        self.now = now
        for name, source in self.noise.items():
            drawn = source(step)
            now[name] = drawn.to(self.dtype) if drawn.is_floating_point() else drawn
        for name in self.unread:
            self._give(now[name])
        for operation, done in zip(self.block.operations, self.done, strict=True):
            made, kept = _MAKES[type(operation)](self, operation, done)
            for name in done:
                if name != kept:
                    self._give(now[name])
            now[operation.target] = made
        self.state = [now[name] for name in self.block.outputs]

    def room(self, rows: int) -> Tensor:
        """(rows, paths), with whatever was left in it."""
        free = self.free.get(rows)
        return free.pop() if free else torch.empty((rows, self.paths), dtype=self.dtype, device=self.device)

    def _give(self, tensor: Tensor) -> None:
        self.free.setdefault(len(tensor), []).append(tensor)


def _sum(machine: _Machine, operation: Sum, done: list[str]) -> tuple[Tensor, str | None]:
    """In the memory of the first vector of the sum that is read no more, unless a matrix is multiplied with it too."""
    now, scales = machine.now, machine.scales
    products = [term for term in operation.terms if term.matrix is not None]
    plain = [term for term in operation.terms if term.matrix is None]
    multiplied = {term.source for term in products}
    first = next((t for t in plain if t.source in done and t.source not in multiplied), plain[0] if plain else None)
    kept = first.source if first and first.source in done and first.source not in multiplied else None
    out = now[kept] if kept else machine.room(operation.rows)
    begun = first is not None
    beta = scales[first.scale] if first else 0.0
    if not products:
        if first is None:
            out.zero_()
        elif beta != 1.0 or not kept:
            torch.mul(now[first.source], beta, out=out)
    for term in products:
        matrix, source, alpha = machine.matrices[str(term.matrix)], now[term.source], scales[term.scale]
        base = now[first.source] if first and begun else out
        torch.addmm(base, matrix, source, beta=beta, alpha=alpha, out=out)
        beta, begun = 1.0, False
    for term in plain:
        if term is not first:
            out.add_(now[term.source], alpha=scales[term.scale])
    for name, scale in operation.vectors:
        out.add_(machine.vectors[name], alpha=scales[scale])
    return out, kept


def _elementwise(machine: _Machine, operation: Elementwise, done: list[str]) -> tuple[Tensor, None]:
    source = machine.now[operation.sources[0]]
    call, constants = machine.functions[operation.function]
    (found,) = call(*constants, source)
    return machine.room(len(source)).copy_(torch.as_tensor(found, dtype=machine.dtype, device=machine.device)), None


def _product(machine: _Machine, operation: Product, done: list[str]) -> tuple[Tensor, None]:
    one, other = (machine.now[name] for name in operation.sources)
    return torch.mul(one, other, out=machine.room(len(one))), None


def _centred(machine: _Machine, operation: Centred, done: list[str]) -> tuple[Tensor, None]:
    source = machine.now[operation.sources[0]]
    return torch.sub(source, source.mean(dim=0), out=machine.room(len(source))), None


def _batch_gradient(machine: _Machine, operation: BatchGradient, done: list[str]) -> tuple[Tensor, None]:
    """By the rows of each batch, or by counts of all examples where batches are most of them."""
    assert machine.examples is not None
    x, y = machine.examples
    w, picks = (machine.now[name] for name in operation.sources)
    out, size = machine.room(len(w)), len(picks)
    if size >= _DENSE * len(x):
        counts = torch.zeros((len(x), machine.paths), dtype=x.dtype, device=x.device)
        counts.scatter_add_(0, picks, torch.ones((), dtype=x.dtype, device=x.device).expand(picks.shape))
        errors = torch.addmm(y[:, None], x, w, beta=-1).mul_(counts)
        return torch.mm(x.T, errors, out=out).div_(size), None
    width = max(1, _GATHERED.get(machine.device.type, _GATHERED["cpu"]) // (size * x.shape[1]))
    for begin in range(0, machine.paths, width):
        part = slice(begin, begin + width)
        chosen = picks[:, part].T
        out[:, part] = regression_gradients(x[chosen], y[chosen], w[:, part].T).T
    return out.div_(size), None


_MAKES: dict[type, Callable[[_Machine, Any, list[str]], tuple[Tensor, str | None]]] = {
    Sum: _sum,
    Elementwise: _elementwise,
    Product: _product,
    Centred: _centred,
    BatchGradient: _batch_gradient,
}
