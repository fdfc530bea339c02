"""SGD in a valley of minima, and the slow equations that it is held against: for the claim ``valley_drift``."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

import sgdsde as sg
from validation.measure import Array, whole

#: N. Batches of one example are drawn with replacement, and as good as independent normals.
EXAMPLES = 512
#: Kinds of noise, by their factors in L = ½(1 + x²)y²; None is the landscape's own.
LABELS, ACROSS, BOTH = "F = σ²H", "F = f across", "F = f"
FACTORS: dict[str, Any] = {LABELS: None, ACROSS: [["0"], ["sigma"]], BOTH: [["sigma", "0"], ["0", "sigma"]]}
#: Times at which x is seen, and cells of a Fokker–Planck equation.
MARKS, CELLS = 10, 1200


class Valley(NamedTuple):
    """One simulation: noise of the strength Tσ² (or Tf) that lasts for ``time``, in τ = Tσ²s."""

    noise: str
    rate: float
    strength: float
    momentum: float = 0.0
    time: float = 2.0
    start: float = 1.5

    @property
    def config(self) -> sg.SGDConfig:
        return sg.SGDConfig(self.rate, 1, EXAMPLES, momentum=self.momentum, sampling="with_replacement")

    @property
    def landscape(self) -> sg.Landscape:
        sigma = (self.strength / self.config.temperature) ** 0.5
        return sg.landscapes.valley_of_minima(sigma=sigma, noise_factor=FACTORS[self.noise])

    @property
    def every(self) -> int:
        """Updates from mark to mark."""
        return max(1, round(self.time / (MARKS * self.strength * self.config.mean_loss_time_per_update)))

    @property
    def times(self) -> Array:
        """τ at the marks."""
        step = self.every * self.config.mean_loss_time_per_update * self.strength
        return np.asarray(step * np.arange(1, MARKS + 1))

    def run(self, paths: int, seed: int) -> Array:
        """x of SGD at the marks (MARKS, paths), from the spread across the valley that SGD has there."""
        landscape, h = self.landscape, 1 + self.start**2
        across = landscape.noise_covariance([self.start, 0.0])[1, 1]
        y = float(sg.theory.stationary_variance(h, across, self.config, "sgd")) ** 0.5
        run = sg.simulate_sgd(
            landscape, self.config, [self.start, y], MARKS * self.every, paths, save_every=self.every, seed=seed
        )
        return np.asarray(whole(run).snapshots[1:, :, 0])

    def course(self, times: Array, dynamics: str = "sgd", noise: str = "", factor: float = 1.0) -> Array:
        """Mean x at times τ by the slow equation, with `factor` times the drift of a noise; "sde": that of ε → 0."""
        if self.noise == BOTH:
            return self._diffusing(times, dynamics, noise or ACROSS, factor)

        def drift(_: float, x: Array) -> Any:
            h = 1 + x**2
            across = (h if (noise or self.noise) == LABELS else np.ones_like(h)) / self.config.temperature
            return factor * sg.theory.valley_drift(h, 2 * x, across, self.config, dynamics)

        found = solve_ivp(
            drift, (0, times[-1]), [self.start], "DOP853", t_eval=times, rtol=1e-10, atol=1e-12
        )  # fmt: skip
        return np.asarray(found.y[0])

    def _diffusing(self, times: Array, dynamics: str, noise: str, factor: float) -> Array:
        """Where noise along the valley moves x too, dx = −U' dτ + dW: by the Fokker–Planck equation of x."""
        width = self.rate / (2 * (1 + self.momentum)) if dynamics == "sgd" else 0.0
        potential = f"log(h/(1 - {width!r}*h))/4" if noise == ACROSS else "h/4"
        if noise == LABELS and width:
            potential = f"-log(1 - {width!r}*h)/{4 * width!r}"
        reach = 6 * float(times[-1]) ** 0.5
        slow = sg.Landscape(f"{factor!r}*({potential.replace('h', '(1 + x**2)')})", "x")
        equation = sg.theory.FokkerPlanck(slow, 1.0, (self.start - reach, self.start + reach), CELLS)
        density, x = equation.evolve(self.start, times), equation.axes[0]
        return np.asarray((density * x).sum(axis=-1) / density.sum(axis=-1))

    def __str__(self) -> str:
        momentum = f", m = {self.momentum:g}" if self.momentum else ""
        strength = "Tσ²" if self.noise == LABELS else "Tf"
        return f"{self.noise}, ε = {self.rate:g}{momentum}, {strength} = {self.strength:g}"
