"""Whether the noise of an example is the gradient of a function, as it is where every example has a loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sgdsde.landscapes.landscape import Landscape

#: Places that are looked at, the step of a difference there, and what is rounding beside the differences.
PLACES, STEP, ROUNDING = 5, 1e-5, 1e-5


def check_slopes(landscape: Landscape) -> None:
    """ValueError where a column A_k(ω) of the noise factor has ∂A_ak/∂ω_b ≠ ∂A_bk/∂ω_a: then it is no gradient.

    Over an epoch reshuffling adds −(ε/2) c Σ_k (A_k·∂)A_k to the mean drift of SGD, which is −(ε/4) c ∇Tr F only if
    these are equal: with A = (y, −x) it is +(ε/4) c ∇Tr F. In one dimension they are. Looked at in a few places, at the
    values that the parameters have.
    """
    d, names = landscape.dimension, landscape.variables
    if d == 1:
        return
    places = np.random.default_rng(0).normal(size=(PLACES, d))
    steps = STEP * np.eye(d)
    ahead, behind = (np.array([landscape.noise_factor(places + sign * step) for step in steps]) for sign in (1, -1))
    slopes = (ahead - behind) / (2 * STEP)  # (d of the derivative, places, d, k)
    scale = ROUNDING * (np.abs(slopes).max() + np.abs(ahead).max())
    for b in range(d):
        for a in range(b):
            away = np.abs(slopes[b, :, a] - slopes[a, :, b]).max(axis=0)
            if (away > scale).any():
                column = int(np.argmax(away > scale)) + 1
                raise ValueError(
                    f"landscape: with reshuffled batches {landscape.name} has no modified loss, because column "
                    f"{column} of its noise factor is not the gradient of a function of {', '.join(names)}: "
                    f"∂/∂{names[b]} of its row {a + 1} is not ∂/∂{names[a]} of its row {b + 1}"
                )
