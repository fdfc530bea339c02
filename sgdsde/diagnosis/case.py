"""A run that is diagnosed: its config, where it is, and the SDE that is asked about."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sgdsde.config import SGDConfig
from sgdsde.diagnosis.bending import bending
from sgdsde.diagnosis.laws import BOWL, WHOLE, Model, covariance, fresh, whole_epochs
from sgdsde.diagnosis.place import Place
from sgdsde.drivers import DRIVERS
from sgdsde.layout import one_line

Array = NDArray[np.float64]

#: Most that third derivatives are believed to change a variance by.
MOST_BENT = 0.5


@dataclass(frozen=True, eq=False)
class Case:
    """What every effect is asked about.

    Attributes
    ----------
    given : SGDConfig
        As it was given.
    place : Place
    dynamics, driver : str
        The SDE that is judged.
    learning_rates, batch_sizes : (n,) or None
        The schedule.
    """

    given: SGDConfig
    place: Place
    dynamics: str
    driver: str
    learning_rates: Array | None = None
    batch_sizes: NDArray[np.int64] | None = None
    _known: dict[tuple[Model, int], Array | None] = field(default_factory=dict, repr=False)

    __repr__ = one_line

    @property
    def config(self) -> SGDConfig:
        """Without weight decay, which is in the curvature; with N a multiple of B where batches are permuted."""
        return replace(whole_epochs(self.given), weight_decay=0.0, hyperparameters={})

    @property
    def of_examples(self) -> SGDConfig:
        """With independent batches of all the examples there are, for laws of single examples."""
        return replace(fresh(self.given), weight_decay=0.0, hyperparameters={})

    @property
    def sgd(self) -> Model:
        """SGD as it runs."""
        return Model("sgd", "", self.config)

    @property
    def sgd_of_driver(self) -> Model:
        """SGD with batches that are independent where the driver's noise is."""
        return self.sgd if DRIVERS[self.driver].bridged else Model("sgd", "", fresh(self.config))

    @property
    def sde(self) -> Model:
        """The SDE that is judged."""
        return self.equation(self.dynamics, self.driver)

    @property
    def sde_with_memory(self) -> Model:
        """The same with a velocity, where SGD has one."""
        return self.equation("momentum_sde", self.driver) if self.config.momentum else self.sde

    def equation(self, dynamics: str, driver: str) -> Model:
        """Another SDE of this run."""
        return Model(dynamics, driver, self.config)

    def variances(self, model: Model, level: int = WHOLE) -> Array | None:
        """The variance of every mode, (k,), or None where there is no stationary law."""
        key = (model, level)
        if key not in self._known:
            found = covariance(self.place, model, level)
            self._known[key] = None if found is None else np.diagonal(found) * self._bent(model, level, found)
        return self._known[key]

    def _bent(self, model: Model, level: int, found: Array) -> float:
        """What third derivatives make of it: in proportion to S, as of the SDE of Brownian motion."""
        sde = covariance(self.place, Model("sde", "brownian", model.config), BOWL)
        if level != WHOLE or self.place.around is None or sde is None or not sde.any():
            return 1.0
        part = bending(self.place, model.config) * float(np.trace(found) / np.trace(sde))
        return 1 + min(max(part, -MOST_BENT), MOST_BENT)

    @property
    def bent(self) -> float:
        """By what part third derivatives change the variance of the SDE of Brownian motion, to first order."""
        return bending(self.place, self.config)

    def total(self, model: Model, level: int = WHOLE) -> float:
        """Tr Cov(ω); NaN where there is none."""
        found = self.variances(model, level)
        return math.nan if found is None else float(found.sum())

    def error(self, sde: Model, sgd: Model, level: int = BOWL) -> float:
        """By what part the first is more than the second; 0 where neither has any noise."""
        top, bottom = self.total(sde, level), self.total(sgd, level)
        if top == bottom:
            return 0.0
        return top / bottom - 1 if bottom else math.inf
