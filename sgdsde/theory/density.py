"""The stationary density in one dimension, exact, for any loss and any noise (docs/theory.md, §6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real, real_array
from sgdsde.config import SGDConfig
from sgdsde.layout import one_line
from sgdsde.theory.clock import clock
from sgdsde.theory.panels import Panels, cut
from sgdsde.theory.surface import Line, Surface, line_of

Array = NDArray[np.float64]


@dataclass(frozen=True)
class StationaryDensity:
    """A density on a box, normalised there and zero outside: a function of arrays of any shape.

    Attributes
    ----------
    box : (float, float)
    line, temperature, panels
        What it is computed from.
    log_mass : float
        ln ∫ 2e^{−I}/(T F) over the box, I = 0 at its low end.
    """

    box: tuple[float, float]
    line: Line
    temperature: float
    panels: Panels
    log_mass: float

    __repr__ = one_line

    def __call__(self, x: ArrayLike) -> Array:
        """Density per unit of ω at each x (...)."""
        at = real_array("x", x)
        within = np.clip(np.where(np.isnan(at), self.box[0], at), *self.box)
        log_noise = np.log(self.temperature * self.line(within)[1] / 2)
        density = np.exp(-self.panels.exponent_at(within) - log_noise - self.log_mass)
        return np.asarray(np.where(np.isnan(at), np.nan, np.where(at == within, density, 0.0)))

    def masses(self, edges: ArrayLike) -> Array:
        """Probabilities (n − 1,) between n increasing numbers, which may be infinite.

        Raises
        ------
        ValueError
            When they are not increasing, or fewer than two.
        """
        given = real_array("edges", edges)
        if given.ndim != 1 or len(given) < 2 or not (np.diff(given) > 0).all():
            raise ValueError(f"edges must be at least two increasing numbers, got {edges!r}")
        within = np.clip(given, *self.box)
        panels = cut(self.line, self.temperature, np.unique([*self.box, *within]).tolist())
        below = panels.running(panels.log_speed).edges[[panels.index(edge) for edge in within]]
        return np.diff(np.exp(below - self.log_mass))


def stationary_density(landscape: Surface, config: SGDConfig | float, box: tuple[float, float]) -> StationaryDensity:
    """Density of the stationary law of dω = −L' ds + √(T F) dW (Itô) between reflecting ends.

    Parameters
    ----------
    landscape, config
        As in :func:`~sgdsde.theory.mean_exit_time`.
    box : (low, high)
        Where the density is normalised: wide enough, it is the law on the whole line.

    Returns
    -------
    StationaryDensity, a function of arrays.

    Raises
    ------
    ValueError
        When `box` is not two increasing numbers, and as :func:`~sgdsde.theory.mean_exit_time`.

    Notes
    -----
    ∝ (1/F) exp(−∫ 2L'/(T F)) (docs/theory.md, §6).

    Examples
    --------
    >>> from sgdsde.landscapes import Landscape
    >>> density = stationary_density(Landscape("x**2/2", "x"), 2.0, (-10.0, 10.0))   # N(0, T/2)
    >>> density([0.0, 1.0]).round(6), density.masses([-1.0, 0.0, 1.0]).round(6)
    (array([0.398942, 0.241971]), array([0.341345, 0.341345]))
    """
    line, temperature = line_of(landscape), clock(config).temperature
    try:
        low, high = (real("box", end) for end in box)
    except (TypeError, ValueError):
        low, high = 0.0, 0.0
    if not low < high:
        raise ValueError(f"box must be two finite numbers (low, high), low < high, got {box!r}")
    panels = cut(line, temperature, (low, high))
    return StationaryDensity((low, high), line, temperature, panels, panels.running(panels.log_speed).edges[-1])
