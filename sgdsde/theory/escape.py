"""Exit times and splitting probabilities in one dimension, exact, for any loss and any noise (§6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer, real, real_array
from sgdsde.config import SGDConfig
from sgdsde.theory.clock import clock
from sgdsde.theory.interval import interval
from sgdsde.theory.panels import Panels, cut, open_end
from sgdsde.theory.surface import Surface, line_of

Array = NDArray[np.float64]

_SHARE = -18.0  # ln of the most that the outermost panel at an open end may hold of an integral


def mean_exit_time(
    landscape: Surface,
    config: SGDConfig | float,
    w0: float,
    left: float | None = None,
    right: float | None = None,
    *,
    stop: str | Mapping[str, str] | None = None,
) -> float:
    """Mean time after which a path of dω = −L' ds + √(T F) dW (Itô) first leaves an interval.

    Parameters
    ----------
    landscape : Landscape
        Of one variable; F positive wherever paths go. Kinks and jumps cost time, not accuracy.
    config : SGDConfig or float
        What gives T, without weight decay; or T > 0 itself.
    w0 : float
        Between `left` and `right`, outside of `stop`.
    left, right : float or None
        Ends of the interval. None is an open side, with no end to leave by; one of the two is a number.
    stop : str, or mapping of str to str; optional
        In place of `left` and `right`, a condition such as ``"x > 0 or x < -2"``, or several by name: the interval is
        what is between the places where one holds (:mod:`sgdsde.regions`; those that are not affine in the variable are
        looked for from 1e-12 to 1e12 from `w0`, at distances that grow by 0.14 %).

    Returns
    -------
    float
        In updates with a config, as `exits.update` of an ensemble; with a number T in the time s of the SDE, of which
        an update is ε/(1 − m). inf beyond the range of floats.

    Raises
    ------
    ValueError
        When an argument is not as above; when no end is reached, or nothing holds the paths on an open side, so that
        the mean is infinite; where F is not positive; or when T is too small for the panels to resolve e^{−2L/(TF)}.

    Notes
    -----
    Accurate to about 1e-10, whatever the barrier. With nothing on the left (docs/theory.md, §6),

        τ = 2 ∫_{x0}^{b} e^{I(y)} ∫_{−∞}^{y} e^{−I(z)}/(T F(z)) dz dy,    I(x) = ∫ 2L'/(T F);

    between two ends the inner integral is weighted by Green's function (Gardiner, Handbook of Stochastic Methods,
    first passage times). The factor 1/F is what tells Itô's sense from others.

    Examples
    --------
    >>> from sgdsde.landscapes import Landscape
    >>> well = Landscape("x**4/4 - x**2/2", "x", noise_covariance="1 + x**2/2")
    >>> round(mean_exit_time(well, 0.2, -1.0, right=0.0), 4)
    18.7459
    >>> from sgdsde.config import SGDConfig
    >>> config = SGDConfig(learning_rate=0.105, batch_size=1, n_examples=21, momentum=0.5)   # T = 0.2, s = 0.21
    >>> round(mean_exit_time(well, config, -1.0, stop="x > 0"), 4)                           # 18.7459/0.21 updates
    89.2663
    >>> mean_exit_time(Landscape("0", "x"), 1.0, 0.5, left=0.0, right=2.0)      # x(b − x)/T
    0.75
    """
    return float(exit_time_moments(landscape, config, w0, left, right, moments=1, stop=stop)[0])


def exit_time_moments(
    landscape: Surface,
    config: SGDConfig | float,
    w0: float,
    left: float | None = None,
    right: float | None = None,
    moments: int = 2,
    *,
    stop: str | Mapping[str, str] | None = None,
) -> Array:
    """E τ, E τ², … of the first exit time; far below a barrier τ is exponential, and E τⁿ = n!(E τ)ⁿ.

    Parameters
    ----------
    landscape, config, w0, left, right, stop
        As in :func:`mean_exit_time`.
    moments : int
        How many.

    Returns
    -------
    ndarray, (moments,), in powers of an update, or of the time s where `config` is a number.

    Raises
    ------
    ValueError
        As :func:`mean_exit_time`; and when a moment is infinite because an open side lets paths stray too far.

    Notes
    -----
    E τⁿ solves −L' u' + (T F/2) u'' = −n E τⁿ⁻¹ with u = 0 at the ends (Gardiner, first passage times).

    Examples
    --------
    >>> from sgdsde.landscapes import Landscape
    >>> first, second = exit_time_moments(Landscape("x**4/4 - x**2/2", "x"), 0.05, -1.0, right=0.5)
    >>> float(round(second / first**2, 3))
    2.0
    """
    moments = integer("moments", moments, 1)
    line, (temperature, unit) = line_of(landscape), clock(config)
    x0, ends = interval(landscape, w0, left, right, stop)
    low, high = ends
    asked = "{} must be a number" if stop is None else "stop must hold somewhere on the {}"
    if low is None and high is not None:
        low = open_end(line, temperature, x0, high, moments, asked.format("left"))
    elif high is None and low is not None:
        high = open_end(line, temperature, x0, low, moments, asked.format("right"))
    assert low is not None
    assert high is not None
    panels = cut(line, temperature, (low, x0, high))
    at, log_time, found = panels.index(x0), np.zeros_like(panels.exponent), []
    for order in range(1, moments + 1):
        source = panels.log_speed + log_time + np.log(order)
        log_time, here = (
            _between(panels, source, at) if None not in ends else _past(panels, source, at, ends[0] is None, asked)
        )
        found.append(here)
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(found - np.arange(1, moments + 1) * np.log(unit)))


def splitting_probability(
    landscape: Surface, config: SGDConfig | float, w0: ArrayLike, left: float, right: float
) -> Any:
    """Probability that a path from `w0` reaches `right` before `left`: the committor from left to right.

    Parameters
    ----------
    landscape, config
        As in :func:`mean_exit_time`.
    w0 : float or array of them
        Between `left` and `right`; an array of any shape takes no more integrals than one number.
    left, right : float
        On either side of `w0`.

    Returns
    -------
    float, or ndarray of the shape of `w0`.

    Raises
    ------
    ValueError
        As :func:`mean_exit_time`.

    Notes
    -----
    ∫_left^w0 e^{I} / ∫_left^right e^{I} with I(x) = ∫ 2L'/(T F) (Gardiner); small ones keep their digits.

    Examples
    --------
    >>> from sgdsde.landscapes import Landscape
    >>> well = Landscape("x**4/4 - x**2/2", "x")
    >>> round(splitting_probability(well, 0.1, 0.5, -1.0, 1.0), 6)
    0.974482
    >>> splitting_probability(well, 0.1, [-0.5, 0.0, 0.5], -1.0, 1.0).round(6)
    array([0.025518, 0.5     , 0.974482])
    """
    line, (temperature, _) = line_of(landscape), clock(config)
    starts = real_array("w0", w0)
    if not starts.size:
        raise ValueError("w0 must have a number at least, got none")
    ends = real("left", left), real("right", right)
    for start in {float(starts.min()), float(starts.max())}:
        interval(landscape, start, *ends)
    inner, places = np.unique(starts, return_inverse=True)
    panels = cut(line, temperature, (ends[0], *inner.tolist(), ends[1]))
    scale = panels.running(panels.exponent).edges
    found = np.exp(scale[[panels.index(start) for start in inner]] - scale[-1])[places.reshape(starts.shape)]
    return found if starts.ndim else float(found)


def _past(panels: Panels, source: Array, at: int, open_left: bool, asked: str) -> tuple[Array, float]:
    """Logarithm of ∫ e^I ∫ source from the open side: at the nodes, and at the edge `at`."""
    inner = panels.running(source, from_right=not open_left)
    edges = inner.edges if open_left else inner.edges[::-1]
    if edges[1] - edges[-1] > _SHARE:
        asked = asked.format("left" if open_left else "right")
        raise ValueError(f"{asked}: paths stray so far on that side that a moment may be infinite")
    outer = panels.running(panels.exponent + inner.nodes, from_right=open_left)
    return outer.nodes, outer.edges[at]


def _between(panels: Panels, source: Array, at: int) -> tuple[Array, float]:
    """Logarithm of ∫ G source, G Green's function of both ends: at the nodes, and at the edge `at`."""
    rising, falling = panels.running(panels.exponent), panels.running(panels.exponent, from_right=True)
    below = panels.running(rising.nodes + source)
    above = panels.running(falling.nodes + source, from_right=True)
    nodes, edges = (np.logaddexp(falling[i] + below[i], rising[i] + above[i]) - rising.edges[-1] for i in range(2))
    return nodes, edges[at]
