"""A landscape near one of its minima: constant H and F, and what follows from them for a comparison."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde import theory
from sgdsde.config import SGDConfig
from sgdsde.landscapes import Landscape, weight_decayed
from sgdsde.landscapes.minimum import nearby_minimum
from sgdsde.schemes import Declaration, find
from sgdsde.steps import step_error, substeps_for

Array = NDArray[np.float64]

FINE = 0.002  # largest error of the SDE's variance that the command's own steps make
RELAXATIONS = 10  # before averages begin


@dataclass(frozen=True, eq=False)
class Linearised:
    """A minimum ω* (d,), H and F there (d, d), and the stationary covariance by model, None where there is none."""

    at: Array
    hessian: Array
    noise_covariance: Array
    config: SGDConfig
    laws: dict[str, Array | None]

    @classmethod
    def near(
        cls, landscape: Landscape, start: ArrayLike, config: SGDConfig, driver: str | None = None
    ) -> Linearised | None:
        """Expand about the minimum that `start` leads to; None when it leads to none."""
        at = nearby_minimum(weight_decayed(landscape, config.weight_decay), start)
        if at is None:
            return None
        hessian, noise_covariance = landscape.hessian(at), landscape.noise_covariance(at)
        drivers = {"sde": driver, "momentum_sde": driver, "sgd": None}
        laws = {name: _law(hessian, noise_covariance, config, name, own) for name, own in drivers.items()}
        return cls(at, hessian, noise_covariance, config, laws)

    @property
    def relaxation(self) -> float:
        """Updates in which the slower of SDE and SGD forgets all but 1/e of its start."""
        return theory.relaxation_time(self.hessian, self.config, "slower")

    @property
    def burn_in(self) -> int:
        """Updates after which the start no longer matters."""
        return math.ceil(RELAXATIONS * self.relaxation)

    @property
    def substeps(self) -> int:
        """Steps per update that make the error of integrating the SDE small."""
        return substeps_for(*self._stiffest, self.config.mean_loss_time_per_update, target=FINE)

    def integration_error(self, substeps: int) -> float:
        """By what part Euler–Maruyama's variance is expected to be wrong in the stiffest direction."""
        return step_error(*self._stiffest, self.config.mean_loss_time_per_update / substeps).variance

    @property
    def _stiffest(self) -> tuple[Declaration, float]:
        """The scheme of the SDE, and the largest curvature, with the weight decay."""
        curvature = float(np.linalg.eigvalsh(self.hessian)[-1]) + self.config.weight_decay
        return find("euler_maruyama"), curvature


def _law(hessian: Array, noise_covariance: Array, config: SGDConfig, model: str, driver: str | None) -> Array | None:
    try:
        return theory.stationary_covariance(hessian, noise_covariance, config, dynamics=model, driver=driver)
    except ValueError:  # beyond the stability limit, batches that have no law, or F is no covariance there
        return None
