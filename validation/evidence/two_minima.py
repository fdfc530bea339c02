"""Two minima, a deep sharp A and a shallow wide B: by evidence, by exact laws of noise, and by the sides of paths."""

from __future__ import annotations

from typing import Any, NamedTuple

from scipy.integrate import quad
from scipy.optimize import brentq

import sgdsde as sg
from sgdsde.escapes import log_odds_of_sides
from sgdsde.statistics import Estimate
from validation.escape import occupancy
from validation.escape.occupancy import EXAMPLES, LONGEST_STEP, NOISE, N
from validation.evidence.wells import A, B, marginal, ridge, wells

#: Longest ε of an SDE where F is not constant, as log ratios are off by 0.02 at 0.03.
SHORT = 0.01
#: Between these temperatures lie all crossings.
CROSSINGS = (0.08, 0.7)


class Case(NamedTuple):
    """A run: D = Tσ²/2, P, the share of F that follows the curvature, and SGD's batch size, 0 for the SDE."""

    temperature: float
    dimension: int = 1
    aligned: float = 0.0
    batch: int = 0

    @property
    def noise(self) -> str:
        """In words."""
        return {0.0: "isotropic", 1.0: "F ∝ H"}.get(self.aligned, f"{100 * self.aligned:g} % of F follows H")

    @property
    def model(self) -> str:
        """In words.

        >>> Case(0.3, 4).model, Case(0.25, aligned=0.1, batch=2).model
        ('SDE, isotropic, P = 4', 'SGD, 10 % of F follows H, B = 2')
        """
        dimension = "" if self.aligned else f", P = {self.dimension}"
        return f"{'SGD' if self.batch else 'SDE'}, {self.noise}{dimension}" + (f", B = {self.batch}" * bool(self.batch))

    @property
    def landscape(self) -> sg.Landscape:
        return wells(self.dimension, self.aligned)

    @property
    def exact(self) -> float:
        """ln(p_B/p_A): the evidence where F is σ² I, else the stationary law of the SDE or of SGD's updates."""
        if self.batch:
            return occupancy.update_log_ratio(self.landscape, config_for(self.temperature, self.batch), ridge())
        if self.aligned:
            return preference(self.landscape, self.temperature)
        return evidence_preference(self.temperature, self.dimension)

    def at(self, temperature: float) -> Case:
        """The same at another temperature."""
        return self._replace(temperature=temperature)


def config_for(temperature: float, batch: int = 0, longest: float = LONGEST_STEP) -> sg.SGDConfig:
    """SGD with Tσ²/2 = `temperature`, with replacement; without a batch size the largest whose ε is a step of an SDE.

    >>> config = config_for(0.3, batch=2)
    >>> round(config.temperature * NOISE / 2, 12), round(config.learning_rate, 4)
    (0.3, 0.015)
    """
    return occupancy.config_at(2 * temperature / NOISE * N / (N - 1), batch, longest)


def preference(landscape: sg.Landscape, temperature: float) -> float:
    """Exact ln(p_B/p_A) of the SDE in one dimension."""
    return occupancy.log_ratio(landscape, 2 * temperature / NOISE, ridge())


def evidence_preference(temperature: float, dimension: int = 1) -> float:
    """Exact ln(Z_B/Z_A), Z = ∫ (λ/2π)^{P/2} e^{−L/D} dω over a side, where the integral over y is (2πD/k)^{(P−1)/2}."""
    return preference(marginal(temperature, dimension), temperature)


def hottest(case: Case) -> float:
    """TF/2 at A, where there is most noise."""
    return case.temperature * float(case.landscape.noise_covariance([A])[0, 0]) / NOISE


def tilt(aligned: float) -> float:
    """∫ L'σ²/F dx from A to B: D ln(p_A/p_B) as D → 0; where it is negative, the faintest noise chooses B.

    >>> round(tilt(0.0), 9), tilt(1.0) < 0
    (0.25, True)
    """
    landscape = wells(aligned=aligned)
    return float(quad(lambda x: landscape.gradient([x])[0] * NOISE / landscape.noise_covariance([x])[0, 0], A, B)[0])


def crossing(case: Case) -> float:
    """The temperature at which both sides are equally likely, by the exact law of such runs."""
    return float(brentq(lambda d: case.at(d).exact, *CROSSINGS, xtol=1e-12))


def measured_preference(case: Case, paths: int, seed: int, **length: Any) -> Estimate:
    """ln(p_B/p_A) of paths, from a run of this length. The SDE's schemes have a law of second order in the step."""
    config = config_for(case.temperature, case.batch, SHORT if case.aligned else LONGEST_STEP)
    line = case.landscape if case.dimension == 1 else marginal(case.temperature, case.dimension)
    sde: dict[str, Any] = {"scheme": "weak_taylor_2" if case.aligned else "leimkuhler_matthews", "substeps": 1}
    runs: dict[str, Any] = {"dynamics": "sgd", "examples": EXAMPLES} if case.batch else sde
    return log_odds_of_sides(case.landscape, config, (A, B), ridge(), paths, line=line, seed=seed, **length, **runs)
