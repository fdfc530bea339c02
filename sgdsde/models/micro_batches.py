"""Tr F and |∇L|² from the lengths of the gradients of one step's micro-batches and of their sum: arithmetic only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import integers, real, real_array

Array = NDArray[np.float64]


class StepLengths(NamedTuple):
    """What a step's gradient G = Σ w_j g_j, of micro-batches of b_j examples, says of the noise.

    Attributes
    ----------
    weight, squared_weights, noise : float
        Σ w, Σ w² and Σ w²/b.
    micro : float
        Σ w_j²|g_j|².
    whole : float
        |G|².
    """

    weight: float
    squared_weights: float
    noise: float
    micro: float
    whole: float

    @classmethod
    def of(cls, sums: Array, whole: float) -> StepLengths:
        """From what :func:`weighted_sums` gives, of one rank or added up."""
        weight, squared_weights, noise, micro = sums.tolist()
        return cls(weight, squared_weights, noise, micro, whole)

    def estimates(self, n_examples: int | None) -> tuple[float, float] | None:
        """Tr F and |∇L|² without bias; None where one micro-batch has all the weight, or lengths are not finite.

        ⟨|G|²⟩ − Σ w²⟨|g|²⟩ = ((Σ w)² − Σ w²) D and Σ w²⟨|g|²⟩ = Σ w² D + Σ(w²/b) Tr F, with D = |∇L|² of the
        population that the examples are from; it is |∇L|² − Tr F/N where they are drawn from N without replacement.

        >>> StepLengths(weight=1.0, squared_weights=0.5, noise=0.25, micro=3.0, whole=4.0).estimates(None)
        (8.0, 2.0)
        """
        pairs = self.weight**2 - self.squared_weights
        if not pairs > 1e-9 * self.weight**2 or not np.isfinite([self.micro, self.whole]).all():
            return None
        slope = (self.whole - self.micro) / pairs
        trace = (self.micro - self.squared_weights * slope) / self.noise
        return float(trace), float(slope + trace / n_examples if n_examples else slope)


def weighted_sums(weights: Array, sizes: Array, squared_lengths: Array) -> Array:
    """The first four of :class:`StepLengths`, of w_j, b_j and w_j²|g_j|²: sums, so that ranks add."""
    squares = np.square(weights)
    return np.array([weights.sum(), squares.sum(), (squares / sizes).sum(), squared_lengths.sum()])


def weights_or_equal(given: Sequence[float | None]) -> Array:
    """The weights of a step's micro-batches: 1/n each where none was given."""
    known = [w for w in given if w is not None]
    if known and len(known) < len(given):
        raise ValueError("weight must be given for all micro-batches of a step or for none")
    return np.array(known, dtype=float) if known else np.full(len(given), 1 / len(given))


def checked_lengths(sizes: object, squared_norms: object, squared_norm: object, weights: object) -> StepLengths:
    """The lengths of a step that a user measured: arguments of :meth:`sgdsde.models.GradientNoise.add_step`."""
    b, norms = np.array(integers("sizes", sizes, 1), np.float64), real_array("squared_norms", squared_norms)
    if len(b) < 2:
        raise ValueError(f"sizes must be at least two, got {sizes!r}")
    w = np.full(b.shape, 1 / len(b)) if weights is None else real_array("weights", weights)
    for name, given in (("squared_norms", norms), ("weights", w)):
        if given.shape != b.shape or not (given >= 0).all():
            raise ValueError(f"{name} must be {len(b)} numbers ≥ 0, one for each of sizes, got {given.tolist()}")
    return StepLengths.of(weighted_sums(w, b, w**2 * norms), real("squared_norm", squared_norm))
