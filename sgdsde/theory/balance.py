"""Where SGD goes on ℓ = (u w x − y)²: the law of balance, and the stationary law of v = u w (docs/theory.md §12)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import cumulative_simpson

from sgdsde.arguments import positive, real_array
from sgdsde.layout import one_line
from sgdsde.whitened import squares_and_products

Array = NDArray[np.float64]

_POINTS, _NEGLIGIBLE = 20_001, 46.0  # of the grid in ln v, and −ln of the density, relative to its top, at its ends


@dataclass(frozen=True)
class BalanceLaw:
    """What of the data decides where SGD on ℓ = (u w x − y)² goes, with v = u w and ξ = v x² − x y.

    Attributes
    ----------
    square, product : float
        β1 = E x² and β2 = E x y; without noise v goes to β2/β1.
    square_variance, covariance, product_variance : float
        α1 = Var x², α2 = Cov(x², x y), α3 = Var x y, divisor N − 1.
    """

    square: float
    product: float
    square_variance: float
    covariance: float
    product_variance: float

    @property
    def critical_temperature(self) -> float:
        """T_c = β2/α3: at T ≥ T_c v shrinks to 0 for ever, although L is least at β2/β1."""
        return self.product / self.product_variance

    def noise(self, v: ArrayLike) -> Array:
        """D(v) = Var ξ = α1 v² − 2α2 v + α3: u² − w² decays by 4T D(v) in a unit of s."""
        at = np.asarray(v, dtype=np.float64)
        return np.asarray((self.square_variance * at - 2 * self.covariance) * at + self.product_variance)

    def growth(self, temperature: float) -> float:
        """E d(ln v)/ds where v → 0, 4(β2 − T α3): v leaves 0 where that is positive."""
        return 4 * (self.product - positive("temperature", temperature) * self.product_variance)

    def stationary(self, temperature: float) -> BalancedDensity:
        """The stationary law of v > 0 once u² = w²; see :class:`BalancedDensity`.

        Raises
        ------
        ValueError
            When T is not between 0 and `critical_temperature`: there is none.
        """
        t = positive("temperature", temperature)
        if not t < self.critical_temperature:
            raise ValueError(
                f"temperature must be below the critical one, {self.critical_temperature:.6g}, for v to have a "
                f"stationary law beside v = 0, got {t:.6g}"
            )
        top = np.log(self.product / self.square)
        shrinking = (self.critical_temperature / t - 1) / 2
        reach = (self.product_variance / self.square_variance) ** 0.5
        grid = np.linspace(top - 2 * _NEGLIGIBLE / shrinking, max(top, np.log(reach)) + _NEGLIGIBLE, _POINTS)
        for _ in range(3):  # ever nearer to where the law is
            height = self._log(grid, t)
            held = grid[height > height.max() - _NEGLIGIBLE]
            step = grid[1] - grid[0]
            grid = np.linspace(held[0] - step, held[-1] + step, _POINTS)
        height = self._log(grid, t)
        running = cumulative_simpson(np.exp(height - height.max()), x=grid, initial=0.0)
        return BalancedDensity(self, t, grid, running / running[-1], float(height.max() + np.log(running[-1])))

    def _log(self, log_v: Array, temperature: float) -> Array:
        """ln of v p(v), without its norm."""
        v, a3 = np.exp(log_v), self.product_variance
        root = np.sqrt(self.square_variance * a3 - self.covariance**2)
        share = self.product / (2 * a3 * temperature)
        turn = (a3 * self.square - self.covariance * self.product) / (2 * temperature * a3 * root)
        angle = np.arctan((self.square_variance * v - self.covariance) / root)
        return np.asarray((share - 0.5) * log_v - (1 + share / 2) * np.log(self.noise(v)) - turn * angle)


@dataclass(frozen=True, eq=False)
class BalancedDensity:
    """The stationary density of v = u w > 0 under dω = −∇L ds + √(T F) dW with u² = w²: a function of arrays.

    p(v) ∝ v^{β2/(2α3T) − 3/2} D(v)^{−1 − β2/(4α3T)} exp(−[(α3β1 − α2β2)/(2Tα3√Δ)] atan((α1v − α2)/√Δ)),
    Δ = α1α3 − α2². For large v it falls as v^{−7/2}. Paths with v > 0 keep it positive.

    Attributes
    ----------
    law, temperature
        What it is of.
    log_v, running : (n,)
        ln v, and the probability below it.
    log_norm : float
        ln of the integral of the formula above.
    """

    law: BalanceLaw
    temperature: float
    log_v: Array
    running: Array
    log_norm: float

    __repr__ = one_line

    def __call__(self, v: ArrayLike) -> Array:
        """Density per unit of v at each v (...); 0 where v ≤ 0."""
        at = real_array("v", v)
        log = np.log(np.where(at > 0, at, 1.0))
        return np.asarray(np.where(at > 0, np.exp(self.law._log(log, self.temperature) - log - self.log_norm), 0.0))

    def below(self, v: ArrayLike) -> Array:
        """The probability that v is below each of (...) numbers."""
        at = real_array("v", v)
        found = np.interp(np.log(np.where(at > 0, at, 1.0)), self.log_v, self.running)
        return np.asarray(np.where(at > 0, found, 0.0))

    def quantile(self, probability: ArrayLike) -> Array:
        """v below which each of these probabilities (...) lies."""
        return np.exp(np.interp(real_array("probability", probability), self.running, self.log_v))

    @property
    def mean(self) -> float:
        """E v; u² − w² decays by 4T E D(v) = 4(β2 − β1 E v) in a unit of s."""
        middle = np.exp((self.log_v[1:] + self.log_v[:-1]) / 2)
        return float(middle @ np.diff(self.running))


def balance_law(x: ArrayLike, y: ArrayLike) -> BalanceLaw:
    """The moments of data that decide where SGD on ℓ = (u w x − y)² goes.

    Parameters
    ----------
    x, y : array_like, (N,)
        Inputs and labels, as of :func:`sgdsde.landscapes.two_weights`.

    Returns
    -------
    BalanceLaw

    Raises
    ------
    ValueError
        As :func:`sgdsde.landscapes.two_weights`.

    Notes
    -----
    Ziyin, Li & Ueda, arXiv 2308.06671. The noise moves u and w by κ(w, u): SGD by κ = −2ε ξ̄, so that exactly
    u² − w² → (1 − 4ε²ξ̄²)(u² − w²) in every update, whatever the sampling; the SDE by d(u² − w²)/ds = −4T D(v)(u² − w²).
    On u = w, d ln v = −4(β1v − β2 + T D) ds + 4√(T D) dW.

    Examples
    --------
    >>> law = balance_law([0.5, 0.5, 1.0, 1.0, 1.5, 1.5], [1.0, 0.0, 2.0, 0.5, 1.0, 2.0])
    >>> round(law.critical_temperature, 4), law.stationary(0.2).below(law.stationary(0.2).quantile([0.1, 0.9])).round(3)
    (0.9804, array([0.1, 0.9]))
    """
    table, _ = squares_and_products(x, y)
    (a1, a2), (_, a3) = np.cov(table.T).tolist()
    b1, b2 = table.mean(axis=0).tolist()
    if not b2 > 0:
        raise ValueError(f"x and y must have products x y of a positive mean, got {b2:.6g}: turn the sign of y")
    return BalanceLaw(b1, b2, a1, a2, a3)
