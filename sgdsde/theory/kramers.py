"""Times of escape over a saddle, where noise is weak (docs/theory.md, §7)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from sgdsde.arguments import real
from sgdsde.config import SGDConfig
from sgdsde.theory.clock import clock
from sgdsde.theory.surface import Surface
from sgdsde.theory.wells import climb, curvatures_at, exponential, log_noise, minimum_at, saddle_at


def eyring_kramers_time(landscape: Surface, config: SGDConfig | float, minimum: ArrayLike, saddle: ArrayLike) -> float:
    """Mean time to go from a minimum over a saddle and on to the other side, to leading order as T → 0.

    Parameters
    ----------
    landscape : Landscape
        With F = σ²·I, the same everywhere; with one variable, any positive F.
    config : SGDConfig or float
        What gives T, without weight decay; or T > 0 itself.
    minimum, saddle : (d,)
        Points without slope: no curvature is negative at the minimum, exactly one at the saddle.

    Returns
    -------
    float
        In updates with a config; with a number T in the time s of the SDE, of which an update is ε/(1 − m). inf beyond
        the range of floats. With one variable, the time to the saddle itself is half of it.

    Raises
    ------
    ValueError
        When a point is not what it is called, the saddle is not higher, or F is not as above.

    Notes
    -----
    With D = Tσ²/2, τ = (2π/|λ_s|) √(|det H_s|/det H_min) e^{ΔL/D}, λ_s the negative curvature (Eyring 1935, Kramers
    1940; proof: Bovier, Eckhoff, Gayrard & Klein, J. Eur. Math. Soc. 6 (2004) 399). It holds when this is the only
    saddle so low, and no minimum at least as deep is left on the side of the start.

    With one variable and F(x), Laplace's method on the exact integral of :func:`~sgdsde.theory.mean_exit_time` gives
    τ = 2π √(F_s/F_min) / √(L''_min |L''_s|) e^{ΔI}, ΔI = ∫ 2L'/(T F) from the minimum to the saddle. The relative error
    is O(T); for the half, which ends on the saddle, O(√T) where F' ≠ 0 there.

    Examples
    --------
    >>> from sgdsde.landscapes import Landscape
    >>> well = Landscape("x**4/4 - x**2/2", "x")
    >>> round(eyring_kramers_time(well, 0.1, -1.0, 0.0), 3)                       # √2 π e⁵
    659.382
    """
    temperature, unit = clock(config)
    low = minimum_at(landscape, minimum, "minimum")
    high = saddle_at(landscape, saddle, low)
    well, top = curvatures_at(landscape, low), curvatures_at(landscape, high)
    logs = np.log(np.abs(top)).sum() - np.log(well).sum() + log_noise(landscape, high) - log_noise(landscape, low)
    prefactor = math.log(2 * math.pi / (-top[0] * unit)) + logs / 2
    return exponential(prefactor + climb(landscape, low, high) / temperature)


def hessian_noise_escape_time(
    landscape: Surface, config: SGDConfig | float, minimum: ArrayLike, saddle: ArrayLike, *, share: float = 0.5
) -> float:
    """Mean time to escape over a saddle where F = |H|, as Xie, Sato & Sugiyama have it: exponential in sharpness.

    Parameters
    ----------
    landscape : Landscape
        Of which only the loss is used.
    config : SGDConfig or float
        What gives T, as in :func:`eyring_kramers_time`; T = ε/B in the paper's approximation.
    minimum, saddle : (d,)
        As in :func:`eyring_kramers_time`.
    share : float
        Part of the barrier, from 0 to 1, that is climbed with the noise of the minimum; the rest with the saddle's.

    Returns
    -------
    float, in updates with a config, in the time s of the SDE with a number T.

    Raises
    ------
    ValueError
        When `share` is not between 0 and 1, and as :func:`eyring_kramers_time`.

    Notes
    -----
    τ = (2π/|H_be|) exp[(2BΔL/ε)(s/H_ae + (1 − s)/|H_be|)] (arXiv 2002.03495, its theorem on SGD), e the direction of
    escape, here that of the saddle's negative curvature, H_ae and H_be the curvatures along it at minimum and saddle.

    The prefactor is that of noise with the current −D∇p. In Itô's sense, that of SGD, the current is −∇(Dp), and in one
    dimension the prefactor is 2π/H_ae: :func:`eyring_kramers_time` with F = |L''| has it. The exponent is the same.

    Examples
    --------
    >>> from sgdsde.landscapes import Landscape
    >>> wells = Landscape("h*(x**2/2 - max(x - 1, 0)**2)", "x", {"h": 1.0})       # curvature h below 1, −h above
    >>> times = [hessian_noise_escape_time(wells.with_parameters(h=h), 0.5, 0.0, 2.0) for h in (1.0, 2.0)]
    >>> [round(time, 3) for time in times]            # the noise has grown as the barrier: only the prefactor differs
    [343.05, 171.525]
    """
    temperature, unit = clock(config)
    share = real("share", share, 0, 1)
    low = minimum_at(landscape, minimum, "minimum")
    high = saddle_at(landscape, saddle, low)
    curvatures, axes = np.linalg.eigh(landscape.hessian(high))
    above, below = float(-curvatures[0]), float(axes[:, 0] @ landscape.hessian(low) @ axes[:, 0])
    climbed = 2 * float(landscape.loss(high) - landscape.loss(low)) / temperature
    return exponential(math.log(2 * math.pi / (above * unit)) + climbed * (share / below + (1 - share) / above))
