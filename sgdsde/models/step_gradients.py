"""What a training loop tells of its gradients, step by step."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sgdsde.arguments import integer, positive
from sgdsde.models.gradient_lengths import over_ranks, squared, total
from sgdsde.models.micro_batches import StepLengths, checked_lengths, weighted_sums, weights_or_equal
from sgdsde.models.two_batches import TwoBatchEstimates

#: |G|² after the first micro-batch of a step against that of its own gradient: gradients of earlier steps show.
ROUNDING = 1e-3


class GradientNoise:
    """Notes the lengths of gradients along training: see :func:`sgdsde.gradient_noise`, which makes it.

    Attributes
    ----------
    steps : int
        How many steps the estimate is from, at most the window.
    left_out : int
        Steps without an estimate so far: they had one micro-batch only, or a gradient that was not finite.
    """

    def __init__(
        self,
        parameters: Sequence[Tensor],
        network: Callable[[Any], Any] | None,
        loss: Callable[[Any, Any], Tensor] | None,
        window: int | None,
        n_examples: int | None,
        group: Any,
    ) -> None:
        self._parameters, self._network, self._loss = parameters, network, loss
        self._n_examples, self._group = n_examples, group
        self._pairs: deque[tuple[float, float]] = deque(maxlen=window)
        self.left_out = 0
        self._found: dict[int, Tensor] = {}
        self._norms: dict[int, Tensor] = {}
        self._hooks: list[Any] = []
        for k, p in enumerate(parameters):
            self._hooks += [
                p.register_hook(self._finding(k)),  # type: ignore[no-untyped-call]
                p.register_post_accumulate_grad_hook(self._noting(k)),  # type: ignore[no-untyped-call]
            ]
        self._begin()

    @property
    def steps(self) -> int:
        """How many steps the estimate is from, at most the window."""
        return len(self._pairs)

    def __repr__(self) -> str:
        return f"GradientNoise(steps={self.steps}, left_out={self.left_out}, {self.estimate()})"

    def _begin(self) -> None:
        self._sizes: list[int] = []
        self._weights: list[float | None] = []
        self._lengths: list[Tensor] = []
        self._sums: list[Tensor] = []  # |G|² after the first micro-batch, and after the latest
        self._norms.clear()

    def _finding(self, place: int) -> Callable[[Tensor], None]:
        def find(gradient: Tensor) -> None:  # of this pass alone, before it is added, or averaged over ranks
            self._found[place] = squared(gradient)

        return find

    def _noting(self, place: int) -> Callable[[Tensor], None]:
        def note(parameter: Tensor) -> None:  # by backward() only: torch.autograd.grad() adds to no .grad
            if place in self._norms:
                raise RuntimeError(
                    "gradient_noise met a second backward pass before after_micro_batch(): add the losses of a "
                    "micro-batch up and call backward() once"
                )
            self._norms[place] = self._found[place]

        return note

    def after_micro_batch(self, size: int, weight: float | None = None) -> None:
        """Call it after each ``backward()``, before gradients are clipped or unscaled.

        Parameters
        ----------
        size : int
            Examples of the micro-batch: of this rank, where there are ranks.
        weight : float, optional
            What the micro-batch's mean loss was multiplied by before ``backward()``, a gradient scaler's factor
            included. None in all calls of a step: 1/n for each of its n micro-batches, right for ``loss / n``.

        Raises
        ------
        ValueError
            When `size` is no positive integer, or `weight` no positive number.
        RuntimeError
            When no ``backward()`` reached a parameter since the last call.
        """
        if not self._norms:
            raise RuntimeError("after_micro_batch() must follow a backward() that reaches a parameter, and none did")
        self._sizes.append(integer("size", size, 1))
        self._weights.append(None if weight is None else positive("weight", weight))
        self._lengths.append(total(list(self._norms.values())))
        self._norms.clear()
        self._sums[1:] = [total([squared(p.grad) for p in self._parameters if p.grad is not None])]

    def backward(self, x: Any, y: Any, parts: int = 2) -> Tensor:
        """In place of ``loss(model(x), y).backward()``: the same gradient, by `parts` micro-batches.

        Parameters
        ----------
        x, y
            A batch: what ``len`` and slices are of examples.
        parts : int
            At least 2; there are fewer where there are not as many examples. Their sizes differ by one at most.

        Returns
        -------
        Tensor, ()
            The mean loss of the batch, detached.

        Raises
        ------
        ValueError
            When `gradient_noise` was given no loss or no module, or `parts` is not as above.
        """
        if self._loss is None or self._network is None:
            raise ValueError("gradient_noise must be given a module and a loss for backward()")
        n, parts = len(x), min(integer("parts", parts, 2), len(x))
        values = []
        for start, stop in pairwise(n * k // parts for k in range(parts + 1)):
            share = (stop - start) / n
            value = self._loss(self._network(x[start:stop]), y[start:stop]) * share
            value.backward()  # type: ignore[no-untyped-call]
            self.after_micro_batch(stop - start, share)
            values.append(value.detach())
        return torch.stack(values).sum()

    def after_step(self) -> None:
        """Call it once a step, after its last micro-batch; before or after ``optimizer.step()``; on every rank.

        Raises
        ------
        ValueError
            When some micro-batches of the step had a weight and others none.
        RuntimeError
            When there was no micro-batch, or gradients were not zeroed before the first.
        """
        if not self._sizes:
            raise RuntimeError("after_step() must follow after_micro_batch(), which was not called in this step")
        sizes, weights = np.array(self._sizes, float), weights_or_equal(self._weights)
        first, last = torch.stack([self._sums[0], self._sums[-1]]).tolist()
        lengths = np.array(torch.stack(self._lengths).tolist())
        self._begin()
        if self._group is None and abs(first - lengths[0]) > ROUNDING * lengths[0]:
            raise RuntimeError(
                "gradients must be zeroed before the first micro-batch of a step and left alone until the last: "
                f"|G|² was {first:g} after a micro-batch whose own gradient has {lengths[0]:g}"
            )
        sums = over_ranks(weighted_sums(weights, sizes, lengths), self._group)
        self._keep(StepLengths.of(sums, last))

    def add_step(
        self,
        sizes: Sequence[int],
        squared_norms: Sequence[float],
        squared_norm: float,
        weights: Sequence[float] | None = None,
    ) -> None:
        """A step whose gradients were measured by other means, on ranks or in another framework.

        Parameters
        ----------
        sizes : sequence of int, (n,)
            Examples of each of n ≥ 2 micro-batches or ranks.
        squared_norms : sequence of float, (n,)
            |g_j|², each of the mean gradient of its micro-batch alone.
        squared_norm : float
            |G|², G = Σ w_j g_j.
        weights : sequence of float, (n,), optional
            w_j; 1/n each by default.

        Raises
        ------
        ValueError
            When the lengths differ, n < 2, or a number is out of range.
        """
        self._keep(checked_lengths(sizes, squared_norms, squared_norm, weights))

    def _keep(self, lengths: StepLengths) -> None:
        found = lengths.estimates(self._n_examples)
        if found is None:
            self.left_out += 1
        else:
            self._pairs.append(found)

    def estimate(self) -> TwoBatchEstimates:
        """Tr F, |∇L|² and B_simple over the steps of the window; its interval is `estimate().interval(level)`."""
        return TwoBatchEstimates(*np.array(list(self._pairs)).reshape(-1, 2).T)

    def close(self) -> None:
        """Take the hooks off the parameters."""
        for hook in self._hooks:
            hook.remove()
