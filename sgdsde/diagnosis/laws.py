"""Stationary covariances of SGD and of its SDEs at a place: exact in a bowl, by normal averages around one."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgdsde.config import SGDConfig
from sgdsde.diagnosis.place import Place
from sgdsde.drivers import DRIVERS
from sgdsde.theory import stationary_covariance

Array = NDArray[np.float64]

#: How much of the surroundings counts: H and F of the place; F averaged over where ω is; H averaged too.
BOWL, NOISE, WHOLE = 0, 1, 2
#: Averages are taken anew until S stays within this part of itself, at most so often.
SETTLED, MOST = 1e-8, 3000


class Model(NamedTuple):
    """What runs: ``"sgd"``, ``"sde"`` or ``"momentum_sde"``, the driver of an SDE, and the config, without decay."""

    dynamics: str
    driver: str
    config: SGDConfig

    @property
    def epochs(self) -> bool:
        """Whether its noise adds up to nothing in every epoch."""
        return self.config.permuted if self.dynamics == "sgd" else DRIVERS[self.driver].bridged


def covariance(place: Place, model: Model, level: int = WHOLE) -> Array | None:
    """S in the modes of the place, (k, k), or None where there is no stationary law.

    Parameters
    ----------
    place : Place
    model : Model
    level : int
        BOWL, NOISE or WHOLE. Above BOWL H and F are averages over normal ω of the very covariance that they lead to:
        exact where F is quadratic in ω and the loss too.
    """
    found = _law(np.diag(place.curvature), place.noise, model)
    if level == BOWL or place.around is None or found is None:
        return found
    drift = _drift(place, model)
    for _ in range(MOST):
        hessian, noise = place.around(found)
        if level == NOISE:
            hessian = np.diag(place.curvature)
        new = _law(hessian + drift, noise, model)
        if new is None or not np.isfinite(new).all():
            return None
        moved, found = np.abs(new - found).max(), new
        if moved <= SETTLED * np.abs(new).max():
            return found
    return None


def _law(hessian: Array, noise: Array, model: Model) -> Array | None:
    driver = None if model.dynamics == "sgd" else model.driver
    try:
        return stationary_covariance(hessian, noise, model.config, model.dynamics, driver=driver)
    except (ValueError, np.linalg.LinAlgError):  # beyond the stability limit, or an average that is no bowl
        return None


def _drift(place: Place, model: Model) -> Array | float:
    """What reshuffling, or a bridge, adds to H: (ε/4) c ∇∇Tr F (docs/theory.md, §5)."""
    if not model.epochs or place.trace_curvature is None:
        return 0.0
    config = model.config
    c = config.batch_noise if model.dynamics == "sgd" else 1 / config.batch_size
    return config.kick * c / 4 / (1 - config.momentum) * place.trace_curvature


def fresh(config: SGDConfig) -> SGDConfig:
    """The same with independent batches."""
    return replace(config, sampling="without_replacement", drop_last=False) if config.permuted else config


def whole_epochs(config: SGDConfig) -> SGDConfig:
    """The same with as many examples as fill its batches: laws of epochs are of equal batches."""
    if not config.remainder:
        return config
    batches = max(1, round(config.n_examples / config.batch_size))
    return replace(config, n_examples=max(2, batches * config.batch_size), drop_last=False)
