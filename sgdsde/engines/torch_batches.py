"""Batches of examples on tensors, many steps at a time: the picks of `sgdsde.engines.noise`."""

from __future__ import annotations

import torch
from torch import Tensor

#: Picks up to which all pairs of them are compared; beyond, marks of the examples already in the batch are cheaper.
_PAIRS = 96
#: Most marks, a byte each, by kind of device.
_MARKS = {"cpu": 2**22, "cuda": 2**28}


class Floyd:
    """Floyd's algorithm for batches of a table of `examples`, and the marks that it keeps from call to call."""

    def __init__(self, examples: int) -> None:
        self.examples = examples
        self.marks = torch.empty(0)

    def __call__(self, chosen: Tensor) -> Tensor:
        """In place; row i of (…, picks, paths) comes in uniform below examples − picks + i + 1.

        A pick that repeats one before it becomes the largest that its place allows, which no earlier place can have.
        """
        picks, paths = chosen.shape[-2:]
        if picks <= _PAIRS:
            _compare_pairs(chosen, self.examples - picks)
            return chosen
        width = max(1, min(paths, _MARKS.get(chosen.device.type, _MARKS["cpu"]) // self.examples))
        if not self.marks.numel():
            self.marks = torch.zeros((self.examples, width), dtype=torch.bool, device=chosen.device)
        for batch in chosen.flatten(0, -3) if chosen.dim() > 2 else chosen[None]:
            for begin in range(0, paths, width):
                part = batch[:, begin : begin + width]
                marks = self.marks[:, : part.shape[1]]
                _mark(part, self.examples - picks, marks)
                marks.scatter_(0, part, False)
        return chosen


def _compare_pairs(chosen: Tensor, first: int) -> None:
    for i in range(1, chosen.shape[-2]):
        row = chosen[..., i, :]
        repeats = chosen[..., :i, :] == row[..., None, :]
        row.masked_fill_(repeats.view(torch.uint8).amax(-2).bool(), first + i)  # three times as fast as any


def _mark(chosen: Tensor, first: int, marks: Tensor) -> None:
    for i in range(len(chosen)):
        row = chosen[i : i + 1]
        row.masked_fill_(marks.gather(0, row), first + i)
        marks.scatter_(0, row, True)


def deal(order: Tensor, first: int, others: Tensor) -> Tensor:
    """Deal places first, first + 1, … of the shuffle `order` (examples, paths), each swapped with its row of `others`.

    Rows already dealt are not kept up: nothing reads them again.
    """
    dealt = torch.empty(others.shape, dtype=order.dtype, device=order.device)
    for i in range(len(others)):
        other = others[i : i + 1]
        torch.gather(order, 0, other, out=dealt[i : i + 1])
        order.scatter_(0, other, order[first + i : first + i + 1].clone())
    return dealt


def sums(table: Tensor, chosen: Tensor) -> Tensor:
    """(…, columns, paths): sums of the columns of `table` (columns, examples) over the picks (…, picks, paths)."""
    flat = chosen.reshape(-1)
    return torch.stack([column.index_select(0, flat).view(chosen.shape).sum(dim=-2) for column in table], dim=-2)


def regression_gradients(x: Tensor, y: Tensor, w: Tensor) -> Tensor:
    """Σ_b x_b (x_bᵀω − y_b) of each path's batch, (R, d), from x (R, B, d), y (R, B) and ω (R, d)."""
    error = torch.baddbmm(y[:, :, None], x, w[:, :, None], beta=-1)
    return torch.bmm(x.mT, error)[:, :, 0]
