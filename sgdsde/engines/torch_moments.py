"""Means and covariances over groups of paths and over time, of vectors of many components."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]

#: Vectors of a group that are kept until their products are summed at one go: with fewer, sums of d² numbers are read
#: and written more than they are worked on. Updates that are kept, at most.
_TOGETHER, _MOST = 128, 32


class GroupMoments:
    """Sums of ω − ω₀ and of its products, ω₀ being the median of the paths where `begin` was called."""

    def __init__(self, dimension: int, edges: NDArray[np.int64], device: torch.device) -> None:
        sizes, counts = np.unique(np.diff(edges)[::-1], return_counts=True)
        self.parts: list[_Equal] = []
        first = 0
        for size, groups in sorted(zip(sizes.tolist(), counts.tolist(), strict=True), reverse=True):
            self.parts.append(_Equal(dimension, first, groups, size, device))
            first += groups * size
        self.origin = torch.zeros((dimension, 1), dtype=torch.float64, device=device)

    def begin(self, w: Tensor) -> None:
        """Sum deviations from the median of (d, paths), which no path on its way to infinity moves."""
        finite = w[:, w.isfinite().all(dim=0)].double()
        if finite.shape[1]:
            self.origin = finite.median(dim=1, keepdim=True).values

    def add(self, w: Tensor) -> None:
        """Observe (d, paths)."""
        for part in self.parts:
            part.add(w, self.origin)

    def result(self) -> tuple[Array, Array]:
        """Mean (groups, d), and covariance (groups, d, d) about each group's own mean."""
        means, covariances = zip(*(part.result() for part in self.parts), strict=True)
        return np.concatenate(means) + self.origin.T.cpu().numpy(), np.concatenate(covariances)


class _Equal:
    """Groups of one size, side by side."""

    def __init__(self, dimension: int, first: int, groups: int, size: int, device: torch.device) -> None:
        options: dict[str, object] = {"dtype": torch.float64, "device": device}
        self.paths, self.shape = slice(first, first + groups * size), (groups, size)
        self.together = min(_MOST, -(-_TOGETHER // size))
        self.kept = torch.empty((groups, dimension, self.together, size), **options)  # type: ignore[call-overload]
        self.first = torch.zeros((groups, dimension), **options)  # type: ignore[call-overload]
        self.second = torch.zeros((groups, dimension, dimension), **options)  # type: ignore[call-overload]
        self.waiting, self.count = 0, 0

    def add(self, w: Tensor, origin: Tensor) -> None:
        away = self.kept[:, :, self.waiting]
        torch.sub(w[:, self.paths].view(len(w), *self.shape).transpose(0, 1), origin, out=away)
        self.waiting += 1
        self.count += self.shape[1]
        if self.waiting == self.together:
            self._sum_up()

    def _sum_up(self) -> None:
        rows = self.kept[:, :, : self.waiting].flatten(2)
        self.first.add_(rows.sum(dim=2))
        self.second.baddbmm_(rows, rows.mT)
        self.waiting = 0

    def result(self) -> tuple[Array, Array]:
        if self.waiting:
            self._sum_up()
        mean = self.first / self.count
        covariance = self.second.div_(self.count).baddbmm_(mean[:, :, None], mean[:, None], alpha=-1)
        return mean.cpu().numpy(), covariance.cpu().numpy()
