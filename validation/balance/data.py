"""Data on which SGD of two weights in series is followed, and what rivals of its stationary law say."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import cumulative_simpson
from scipy.special import ndtr

import sgdsde as sg

Array = NDArray[np.float64]
N = 64
STRATONOVICH, CONSTANT, NORMAL = "noise in the sense of Stratonovich", "noise as without input spread", "a normal law"


class Data(NamedTuple):
    """x² is 1 ± `spread`, y = x ± `label_noise`, each pair of signs as often."""

    spread: float
    label_noise: float

    @property
    def pairs(self) -> tuple[Array, Array]:
        """x and y, (N,)."""
        signs = np.array([(one, other) for one in (-1, 1) for other in (-1, 1)] * (N // 4))
        x = np.sqrt(1 + self.spread * signs[:, 0])
        return x, x + self.label_noise * signs[:, 1]

    @property
    def law(self) -> sg.theory.BalanceLaw:
        return sg.theory.balance_law(*self.pairs)

    def config(self, temperature: float, batch: int = 1, sampling: str = "without_replacement") -> sg.SGDConfig:
        """SGD of this temperature ε(1/B − 1/N), at whatever ε that takes."""
        return sg.SGDConfig(temperature / (1 / batch - 1 / N), batch, N, sampling=sampling)


def rivals(law: sg.theory.BalanceLaw, temperature: float) -> dict[str, Callable[[Array], Array]]:
    """Distribution functions of v by other theories, by name."""
    best, t = law.product / law.square, temperature
    spread = np.sqrt(2 * best * t * float(law.noise(best)) / law.square)
    grid = np.linspace(-60.0, np.log(60.0), 40_001)
    v = np.exp(grid)
    below = {NORMAL: lambda at: np.asarray(ndtr((at - best) / spread))}
    noises = {STRATONOVICH: (law.noise(v), 0.5), CONSTANT: (np.full_like(v, law.product_variance), 1.0)}
    for name, (noise, power) in noises.items():
        # The density of q = ln v: drift −4(β1v − β2), and −4TD in Itô's sense, noise 16TD.
        pull = -(law.square * v - law.product) / (2 * t * noise) - (0.5 if power == 1.0 else 0.0)
        log = cumulative_simpson(pull, x=grid, initial=0.0) - power * np.log(noise)
        running = cumulative_simpson(np.exp(log - log.max()), x=grid, initial=0.0)
        below[name] = lambda at, running=running: np.interp(np.log(at), grid, running / running[-1])  # type: ignore[misc]
    return below
