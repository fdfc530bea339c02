"""Stationary covariances of SGD and of its SDEs at a place: exact in a bowl, by normal averages around one."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import LARGEST
from sgdsde.config import SGDConfig
from sgdsde.diagnosis.place import Place, Surroundings
from sgdsde.drivers import DRIVERS
from sgdsde.theory import stability_limit, stationary_covariance, stationary_variance

Array = NDArray[np.float64]

#: How much of the surroundings counts: H and F of the place; F averaged over where ω is; H averaged too.
BOWL, NOISE, WHOLE = 0, 1, 2
#: Averages are taken anew until S stays within this part of itself, at most so often.
SETTLED, MOST = 1e-8, 1000
#: So often they are taken at once to where they tend to.
EVERY = 5


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
        Where.
    model : Model
        What runs.
    level : int
        BOWL, NOISE or WHOLE. Above BOWL H and F are averages over normal ω of the very covariance that they lead to:
        exact where F is quadratic in ω and the loss too.
    """
    found = _changing(np.diag(place.curvature), place.noise, place.moved * place.noise, model)
    if level == BOWL or place.around is None or found is None:
        return found
    drift, apart = _drift(place.around, model), 1 - same_in_epochs(place.curvature, model)
    last = 0.0 * found
    for turn in range(MOST):
        hessian, noise = place.around.means(found)
        if level == NOISE:
            hessian = np.diag(place.curvature)
        new = _changing(hessian + drift, noise, place.around.changing(apart * found), model)
        if new is None or not np.abs(new).max() < LARGEST:
            return None
        step, found = new - found, new
        if np.abs(step).max() <= SETTLED * np.abs(new).max():
            return found
        part = float(np.vdot(step, last) / max(float(np.vdot(last, last)), 1e-300))
        if turn % EVERY == 0 and 0 < part < 1:  # steps that shrink by one factor: to where they lead
            found = found + step * part / (1 - part)
        last = step
    return None


def _changing(hessian: Array, noise: Array, apart: Array, model: Model) -> Array | None:
    """The law where a part of the noise is not the same all through an epoch, and does not cancel in it.

    What is left is as of fresh batches. With one permutation for all epochs it is the same force in all of them:
    H⁻¹FH⁻¹/N.
    """
    if not model.epochs or not apart.any():
        return _law(hessian, noise, model)
    if model.config.repeated:
        found = _law(hessian, noise, model)
        stays = np.linalg.solve(hessian, np.linalg.solve(hessian, apart).T) / model.config.n_examples
        return None if found is None else found + stays
    cancels = _law(hessian, noise - apart, model)
    left = _law(hessian, apart, Model("sgd", "", fresh(model.config)))
    return None if cancels is None or left is None else cancels + left


def same_in_epochs(curvature: Array, model: Model) -> Array:
    """How much of itself ω is still correlated with, on average over an epoch, in pairs of modes, (k, k).

    What the batches of an epoch push adds up to 0, so that the mean of ω over one is (start − end)/(nεh): its variance
    over that of ω is 2(1 − e^{−a}) S_end/(a² S), a = nεh/(1 − m), which is ½, as of a bridge, where epochs are short.
    With one permutation for all epochs it is 0.
    """
    config = model.config
    if not model.epochs or config.repeated:
        return np.zeros((len(curvature), len(curvature)))
    if not config.learning_rate < stability_limit(np.diag(curvature), config):
        return np.full((len(curvature), len(curvature)), 0.5)
    ends, mean = (stationary_variance(curvature, 1.0, config, "sgd", position=at) for at in ("epoch_end", "average"))
    length = config.updates_per_epoch * config.mean_loss_time_per_update * curvature
    part = np.divide(-2 * np.expm1(-length) * ends, length**2 * mean, out=np.zeros_like(mean), where=mean > 0)
    return np.sqrt(np.multiply.outer(part, part))


def _law(hessian: Array, noise: Array, model: Model) -> Array | None:
    driver = None if model.dynamics == "sgd" else model.driver
    try:
        return stationary_covariance(hessian, noise, model.config, model.dynamics, driver=driver)
    except (ValueError, np.linalg.LinAlgError):  # beyond the stability limit, or an average that is no bowl
        return None


def _drift(around: Surroundings, model: Model) -> Array | float:
    """What reshuffling, or a bridge, adds to H: (ε/4) c ∇∇Tr F (docs/theory.md, §5), and more with momentum.

    A batch is met by what is left in ω of earlier ones of its epoch, (1 − m^d)/(1 − m) after d updates.
    """
    if not model.epochs:
        return 0.0
    config = model.config
    lag = np.arange(1, max(2, round(config.updates_per_epoch)))
    pairs, kept = len(lag) + 1 - lag, 1 - config.momentum**lag
    memory = float(pairs @ kept / pairs.sum()) if model.dynamics != "sde" else 1.0
    c = config.batch_noise if model.dynamics == "sgd" else 1 / config.batch_size
    return config.mean_loss_time_per_update * memory * c / 4 * around.trace_curvature


def fresh(config: SGDConfig) -> SGDConfig:
    """The same with independent batches."""
    return replace(config, sampling="without_replacement", drop_last=False) if config.permuted else config


def whole_epochs(config: SGDConfig) -> SGDConfig:
    """The same with as many examples as fill its batches: laws of epochs are of equal batches."""
    if not config.remainder:
        return config
    batches = max(1, round(config.n_examples / config.batch_size))
    return replace(config, n_examples=max(2, batches * config.batch_size), drop_last=False)
