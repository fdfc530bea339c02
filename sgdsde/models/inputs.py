"""A layer's inputs X, and its two products with them: X Mᵀ on the way up, errorsᵀ X on the way down.

Of inputs that are mostly 0, as images of MNIST are, the first layer's products take the others alone. Its matrix (H, D)
and its velocity are then kept in memory by columns, the weights of a pixel in a row: a product with an image is a sum
of the rows of its pixels. Numbers are those of the dense products up to the order of sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from sgdsde.models.sparse_calls import sparse_kernel

#: Where more of the inputs are not 0, dense products are as fast (measured on 784–800).
DENSE = 1 / 3
#: So many examples at a time: what their errors are then stays in cache while pixel after pixel is summed.
EXAMPLES = 256


def by_columns(matrix: Tensor) -> Tensor:
    """The same (…, H, D) with each column in a row of memory.

    >>> by_columns(torch.ones(1, 3, 2)).stride()
    (6, 1, 3)
    """
    return matrix.mT.contiguous().mT


@dataclass(frozen=True, eq=False)
class DenseInputs:
    """Inputs (n, D), or (R, n, D) of R replicas."""

    x: Tensor

    def __getitem__(self, which: slice) -> DenseInputs:
        """Some examples."""
        return DenseInputs(self.x[..., which, :])

    def squared(self) -> DenseInputs:
        """The squares of all numbers."""
        return DenseInputs(self.x.square())

    def times(self, matrix: Tensor) -> Tensor:
        """X Mᵀ (…, n, H) for a matrix (…, H, D)."""
        return torch.matmul(self.x, matrix.mT)

    def take_from(self, velocity: Tensor, errors: Tensor, keep: float) -> None:
        """velocity ← keep velocity − errorsᵀ X, in place: (…, H, D) and (…, n, H)."""
        product = velocity.addmm_ if velocity.ndim == 2 else velocity.baddbmm_
        product(errors.mT, self.x, beta=keep, alpha=-1)


@dataclass(frozen=True, eq=False)
class SparseInputs:
    """Inputs (n, D) by what is not 0 in them: of example i the entries from `first[i]` to `last[i]`.

    Attributes
    ----------
    first, last : Tensor, (n,), int64
        Entries of each example; they may be any, in any order.
    columns, values : Tensor, (entries,)
        Places in an input, int32, and numbers there.
    width : int
        D.
    """

    first: Tensor
    last: Tensor
    columns: Tensor
    values: Tensor
    width: int

    @classmethod
    def of(cls, x: Tensor) -> SparseInputs | None:
        """Inputs (n, D) on a CPU, or None where dense products are as fast."""
        dense = x.numpy()
        if np.count_nonzero(dense) > DENSE * dense.size:
            return None
        ends = np.cumsum(np.count_nonzero(dense, axis=1))
        places = np.flatnonzero(dense)
        values, columns = dense.reshape(-1)[places], (places % dense.shape[1]).astype(np.int32)
        last = torch.from_numpy(ends)
        first = torch.from_numpy(np.concatenate([[0], ends[:-1]]))
        return cls(first, last, torch.from_numpy(columns), torch.from_numpy(values), dense.shape[1])

    def __len__(self) -> int:
        """n."""
        return len(self.first)

    def __getitem__(self, which: Tensor | slice) -> SparseInputs:
        """Some examples."""
        first, last = self.first[which].contiguous(), self.last[which].contiguous()
        return SparseInputs(first, last, self.columns, self.values, self.width)

    def squared(self) -> SparseInputs:
        """The squares of all numbers."""
        return replace(self, values=self.values.square())

    def times(self, matrix: Tensor) -> Tensor:
        """X Mᵀ (n, H) for a matrix (H, D) kept `by_columns`; of one replica both may have an axis before."""
        n, h = len(self), matrix.shape[-2]
        out = self.values.new_empty(*matrix.shape[:-2], n, h)
        self._call("multiply", (*self._entries(), _rows(matrix), out), n, self.width, h, len(self.values))
        return out

    def take_from(self, velocity: Tensor, errors: Tensor, keep: float) -> None:
        """velocity ← keep velocity − errorsᵀ X, in place, (H, D) kept `by_columns` and (n, H); axes as in `times`."""
        for begin in range(0, len(self), EXAMPLES):
            now = slice(begin, begin + EXAMPLES)
            self[now]._take_from(velocity, errors[..., now, :].contiguous(), 1.0 if begin else keep)

    def descend(self, layers: Sequence[tuple[Tensor, Tensor]], y: Tensor, a: Tensor, n: int, momentum: float) -> None:
        """Updates v ← m v − Σ a_i ∇C_i, ω ← ω + v with n examples each, one after the other, in place.

        Parameters
        ----------
        layers : sequence of (parameter, velocity)
            Of a network with one hidden layer of ReLUs and the cross-entropy: W₁ (H, D) kept `by_columns`, b₁ (H),
            W₂ (C, H) and b₂ (C).
        y, a : Tensor, (k n,)
            Labels and coefficients.
        n : int
            Examples of an update.
        momentum : float
            m.
        """
        (matrix, velocity), *others = layers
        (c, h), d, part = others[1][0].shape, self.width, min(n, EXAMPLES)
        taken = part * int((self.last - self.first).max())
        linear, errors, hidden = (self.values.new_empty(n, h) for _ in range(3))
        begins, rows = torch.empty(d + 1, dtype=torch.int64), torch.empty(taken, dtype=torch.int32)
        moved = [tensor for pair in others for tensor in pair]
        assert all(tensor.is_contiguous() for tensor in (*moved, y, a))
        arrays = (
            *self._entries(), _rows(matrix), _rows(velocity), *moved, y, a, linear, errors, hidden,
            self.values.new_empty(n, c), begins, rows, self.values.new_empty(taken),
        )  # fmt: skip
        numbers = (len(y) // n, n, d, h, c, part, len(self.values), taken, momentum)
        self._call("descend_sparse", arrays, *numbers)

    def _take_from(self, velocity: Tensor, errors: Tensor, keep: float) -> None:
        (n, h), d = errors.shape[-2:], self.width
        taken = int((self.last - self.first).sum())
        begins = torch.empty(d + 1, dtype=torch.int64)
        by_column = begins, torch.empty(taken, dtype=torch.int32), self.values.new_empty(taken)
        self._call("turn", (*self._entries(), *by_column), n, d, len(self.values), taken)
        self._call("take_away", (*by_column, errors, _rows(velocity)), n, d, h, taken, keep)

    def _entries(self) -> tuple[Tensor, ...]:
        return self.first, self.last, self.columns, self.values

    def _call(self, name: str, arrays: tuple[Tensor, ...], *numbers: float) -> None:
        sparse_kernel(name, self.values.dtype)(*(array.data_ptr() for array in arrays), *numbers)


def _rows(matrix: Tensor) -> Tensor:
    """The memory (D, H) of a matrix (H, D), of one replica."""
    assert matrix.mT.is_contiguous(), "sparse inputs are multiplied with a matrix kept by columns"
    assert matrix.shape[:-2].numel() == 1, "sparse inputs are of one replica"
    return matrix.mT


Inputs: TypeAlias = DenseInputs | SparseInputs
