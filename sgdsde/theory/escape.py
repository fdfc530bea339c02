"""Exit times and splitting probabilities in one dimension, exact, for any loss and any noise (§6)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sgdsde.theory.panels import Panels, cut, open_end
from sgdsde.theory.surface import Surface, line_of, number, positive

Array = NDArray[np.float64]

_SHARE = -18.0  # ln of the most that the outermost panel at an open end may hold of an integral


def mean_exit_time(
    landscape: Surface, temperature: float, start: float, left: float | None = None, right: float | None = None
) -> float:
    """Mean time after which a path of dω = −L' ds + √(T F) dW (Itô) first leaves the interval from `left` to `right`.

    Parameters
    ----------
    landscape : Landscape
        Of one variable; F positive wherever paths go. Kinks and jumps cost time, not accuracy.
    temperature : float
        T > 0.
    start : float
        Between `left` and `right`.
    left, right : float or None
        Ends of the interval. None is an open side, with no end to leave by; one of the two is a number.

    Returns
    -------
    float, in the time s of the SDE, of which an update is ε/(1 − m); inf beyond the range of floats.

    Raises
    ------
    ValueError
        When an argument is not as above; when the landscape does not hold the paths on an open side, so that the mean
        is infinite; where F is not positive; or when T is too small for the panels to resolve e^{−2L/(TF)}.

    Notes
    -----
    Accurate to about 1e-10, whatever the barrier. With nothing on the left (docs/theory.md, §6),

        τ = 2 ∫_{x0}^{b} e^{I(y)} ∫_{−∞}^{y} e^{−I(z)}/(T F(z)) dz dy,    I(x) = ∫ 2L'/(T F);

    between two ends the inner integral is weighted by Green's function (Gardiner, Handbook of Stochastic Methods,
    §5.5). The factor 1/F is what tells Itô's sense from others.

    Examples
    --------
    >>> from sgdsde.landscapes import Landscape
    >>> well = Landscape("x**4/4 - x**2/2", "x", covariance="1 + x**2/2")
    >>> round(mean_exit_time(well, 0.2, -1.0, right=0.0), 4)
    18.7459
    >>> mean_exit_time(Landscape("0", "x"), 1.0, 0.5, left=0.0, right=2.0)      # x(b − x)/T
    0.75
    """
    return float(exit_time_moments(landscape, temperature, start, left, right, moments=1)[0])


def exit_time_moments(
    landscape: Surface,
    temperature: float,
    start: float,
    left: float | None = None,
    right: float | None = None,
    moments: int = 2,
) -> Array:
    """E τ, E τ², … of the first exit time; far below a barrier τ is exponential, and E τⁿ = n!(E τ)ⁿ.

    Parameters
    ----------
    landscape, temperature, start, left, right
        As in :func:`mean_exit_time`.
    moments : int
        How many.

    Returns
    -------
    ndarray, (moments,), in powers of the time s.

    Raises
    ------
    ValueError
        As :func:`mean_exit_time`; and when a moment is infinite because an open side lets paths stray too far.

    Notes
    -----
    E τⁿ solves −L' u' + (T F/2) u'' = −n E τⁿ⁻¹ with u = 0 at the ends (Gardiner, §5.5).

    Examples
    --------
    >>> from sgdsde.landscapes import Landscape
    >>> first, second = exit_time_moments(Landscape("x**4/4 - x**2/2", "x"), 0.05, -1.0, right=0.5)
    >>> float(round(second / first**2, 3))
    2.0
    """
    if isinstance(moments, bool) or not isinstance(moments, (int, np.integer)) or moments < 1:
        raise ValueError(f"moments must be a positive integer, got {moments!r}")
    line, temperature = line_of(landscape), positive("temperature", temperature)
    x0, ends = _interval(start, left, right)
    low, high = ends
    if low is None and high is None:
        raise ValueError("left or right must be a number: with neither there is no end to leave by")
    if low is None and high is not None:
        low = open_end(line, temperature, x0, high, moments, "left")
    elif high is None and low is not None:
        high = open_end(line, temperature, x0, low, moments, "right")
    assert low is not None
    assert high is not None
    panels = cut(line, temperature, (low, x0, high))
    at, log_time, found = panels.index(x0), np.zeros_like(panels.exponent), []
    for order in range(1, moments + 1):
        source = panels.log_speed + log_time + np.log(order)
        log_time, here = _between(panels, source, at) if None not in ends else _past(panels, source, at, left is None)
        found.append(here)
    with np.errstate(over="ignore"):
        return np.exp(found)


def splitting_probability(landscape: Surface, temperature: float, start: float, left: float, right: float) -> float:
    """Probability that a path from `start` reaches `right` before `left`.

    Parameters
    ----------
    landscape, temperature, start
        As in :func:`mean_exit_time`.
    left, right : float
        On either side of `start`.

    Raises
    ------
    ValueError
        As :func:`mean_exit_time`.

    Notes
    -----
    ∫_left^start e^{I} / ∫_left^right e^{I} with I(x) = ∫ 2L'/(T F) (Gardiner, §5.5); small ones keep their digits.

    Examples
    --------
    >>> from sgdsde.landscapes import Landscape
    >>> round(splitting_probability(Landscape("x**4/4 - x**2/2", "x"), 0.1, 0.5, -1.0, 1.0), 6)
    0.974482
    """
    line, temperature = line_of(landscape), positive("temperature", temperature)
    x0, (low, high) = _interval(start, number("left", left), number("right", right))
    assert low is not None
    assert high is not None
    panels = cut(line, temperature, (low, x0, high))
    scale = panels.running(panels.exponent).edges
    return float(np.exp(scale[panels.index(x0)] - scale[-1]))


def _past(panels: Panels, source: Array, at: int, open_left: bool) -> tuple[Array, float]:
    """Logarithm of ∫ e^I ∫ source from the open side: at the nodes, and at the edge `at`."""
    inner = panels.running(source, from_right=not open_left)
    edges = inner.edges if open_left else inner.edges[::-1]
    if edges[1] - edges[-1] > _SHARE:
        side = "left" if open_left else "right"
        raise ValueError(f"{side} must be a number: paths stray so far on that side that a moment may be infinite")
    outer = panels.running(panels.exponent + inner.nodes, from_right=open_left)
    return outer.nodes, outer.edges[at]


def _between(panels: Panels, source: Array, at: int) -> tuple[Array, float]:
    """Logarithm of ∫ G source, G Green's function of both ends: at the nodes, and at the edge `at`."""
    rising, falling = panels.running(panels.exponent), panels.running(panels.exponent, from_right=True)
    below = panels.running(rising.nodes + source)
    above = panels.running(falling.nodes + source, from_right=True)
    nodes, edges = (np.logaddexp(falling[i] + below[i], rising[i] + above[i]) - rising.edges[-1] for i in range(2))
    return nodes, edges[at]


def _interval(start: float, left: float | None, right: float | None) -> tuple[float, tuple[float | None, float | None]]:
    x0 = number("start", start)
    low = None if left is None else number("left", left)
    high = None if right is None else number("right", right)
    if low is not None and not low < x0:
        raise ValueError(f"left must be below start = {x0:g}, got {left!r}")
    if high is not None and not x0 < high:
        raise ValueError(f"right must be above start = {x0:g}, got {right!r}")
    return x0, (low, high)
