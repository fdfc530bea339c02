"""The sharpness at which SGD stays: below the edge of stability of gradient descent, by what its noise makes."""

from __future__ import annotations

import math

from sgdsde.arguments import choice, positive, real
from sgdsde.config import SGDConfig
from sgdsde.theory.modes import learning_rate_limit

#: In the noise.
ORDERS = ("all", "first")


def edge_sharpness(
    sharpening: float, stabilisation: float, noise_covariance: float, config: SGDConfig, order: str = "all"
) -> float:
    """The sharpness S that SGD keeps where its loss sharpens all the way and oscillations flatten it.

    Along the direction x of the largest curvature S, dS = (α − β x²/2) ds between updates, and x sees the loss S x²/2.

    Parameters
    ----------
    sharpening, stabilisation : float
        α > 0, by which S grows per unit of time s where x = 0, and β > 0.
    noise_covariance : float
        σ² ≥ 0 of one example's gradient along x, divisor N − 1.
    config : SGDConfig
        Gives ε, B, N, m and the sampling, of independent batches.
    order : str
        ``"all"``: of the noise; ``"first"``: 2(1 + m)/ε − ε c βσ²/(4α(1 − m)), that of the paper with momentum.

    Returns
    -------
    float
        S, in units of the Hessian. 2(1 + m)/ε without noise.

    Raises
    ------
    ValueError
        When a number is out of range, batches are those of permutations, there is weight decay; or, at all orders, when
        no S is kept: at ε²cβσ² > 2α(1 − m²) noise alone keeps x² above 2α/β whatever S is, and S falls.

    Notes
    -----
    S stays where E x² = 2α/β; with the stationary E x² of the heavy ball (docs/theory.md, §3) that is
    εS = (1 + m)(1 + √(1 − κ)), κ = ε²cβσ²/(2α(1 − m²)). To first order in κ and for m = 0 this is the gap
    ΔS = εβσ²/(4α) of Liao, Kolomvaki & Kyrillidis, arXiv 2604.21016, σ² there being that of a batch. Fluctuations of S,
    of variance α without momentum and more with it, add O(εα/(1 − m)²) to the gap. The SDE has E x² = Tσ²/(2S), which
    only falls with S: it has no edge.

    Examples
    --------
    >>> config = SGDConfig(0.1, batch_size=1, n_examples=1000, sampling="with_replacement")
    >>> [round(edge_sharpness(0.01, 1.0, 0.04, config, order), 4) for order in ("first", "all")]
    [19.9001, 19.8996]
    """
    config.require_plain("weight_decay")
    if config.permuted:
        raise ValueError(f"sampling must draw batches independently for this law, got {config.sampling!r}")
    alpha, beta = positive("sharpening", sharpening), positive("stabilisation", stabilisation)
    noise, e, m = real("noise_covariance", noise_covariance, 0) * config.batch_noise, config.kick, config.momentum
    edge, kappa = learning_rate_limit(e, m), e**2 * beta * noise / (2 * alpha * (1 - m**2))
    if choice("order", order, ORDERS) == "first":
        return edge * (1 - kappa / 4)
    if kappa > 1:
        raise ValueError(
            f"noise_covariance must be at most {noise_covariance / kappa:.6g} for SGD to keep a sharpness, "
            f"got {noise_covariance!r}"
        )
    return edge * (1 + math.sqrt(1 - kappa)) / 2
