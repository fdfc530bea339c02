"""An exponential moving average of weights along training."""

from __future__ import annotations

from dataclasses import dataclass

from sgdsde.arguments import real
from sgdsde.models.networks import Weights


@dataclass(eq=False)
class Average:
    """ϑ ← ρϑ + (1 − ρ)ω after every update, and ϑ = ω after the first, as torch.optim.swa_utils has it.

    Attributes
    ----------
    decay : float
        ρ.
    weights : dict of str to torch.Tensor
        ϑ; before the first update they are overwritten by it.
    updates : int
        So many are in it.
    """

    decay: float
    weights: Weights
    updates: int = 0

    def follow(self, weights: Weights) -> None:
        """Take in the weights after one more update.

        >>> import torch
        >>> average = Average(0.75, {"w": torch.zeros(1)})
        >>> for w in (1.0, 5.0):
        ...     average.follow({"w": torch.tensor([w])})
        >>> average.weights["w"]
        tensor([2.])
        """
        for name, w in weights.items():
            if self.updates:
                self.weights[name].lerp_(w, 1 - self.decay)
            else:
                self.weights[name].copy_(w)
        self.updates += 1


def checked_decay(ema: object) -> float | None:
    """ρ, 0 ≤ ρ < 1, or None."""
    return None if ema is None else real("ema", ema, 0, below=1, also=", or None for no average")
