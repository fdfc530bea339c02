"""A place of a network: its own F and H at given weights, from one pass over the data and some Hessian products."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import exprel

from sgdsde.arguments import integer
from sgdsde.config import SGDConfig
from sgdsde.diagnosis.place import Place
from sgdsde.diagnosis.spectrum import explored, function_of, noise_curvature
from sgdsde.models.along_directions import along_directions, at_weights, displaced
from sgdsde.models.covariance import noise_covariance
from sgdsde.models.curvature import mean_hessian
from sgdsde.theory import mean_square_stability_limit

Array = NDArray[np.float64]
Progress = Callable[[float], None]

#: Epochs of a run of which nobody says how long it is.
EPOCHS = 10
#: Of noise that changes steadily over an epoch a twelfth of the square of the change does not cancel in it.
STEADY = 12.0
#: Two draws that have nothing in common differ by twice their square; what is more is another scale, and another place.
MOST_MOVED = 2.0
#: From such a share on weights are not where training stays.
FAR = 0.5


def place_of(
    model: Any,
    data: Any,
    config: SGDConfig,
    weights: Mapping[str, Any] | None,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    updates: int | None = None,
    loss: Any = "cross_entropy",
    probes: int = 3,
    steps: int = 10,
    dtype: Any = "float64",
) -> Place:
    """What the noise of a network sees of its curvature, as a `Place`; arguments as :func:`sgdsde.diagnose` has them.

    Raises
    ------
    ValueError
        When an argument is not as there, N is not the config's, or no direction of the noise has positive curvature.
    """
    tell = progress or (lambda fraction: None)
    probes, steps = integer("probes", probes, 1), integer("steps", steps, 2)
    length = round(EPOCHS * config.updates_per_epoch) if updates is None else integer("updates", updates, 1)
    network = at_weights(model, weights)
    noise = noise_covariance(network, data, loss=loss, dtype=dtype)
    if noise.n_examples != config.n_examples:
        raise ValueError(
            f"n_examples must be the number of training examples, {noise.n_examples}, got {config.n_examples}"
        )
    hessian = mean_hessian(network, data, loss=loss, dtype=dtype)
    trace = noise.trace
    tell(0.1)
    draws = noise.draw(probes, seed)
    starts = [*draws.T, noise.mean_gradient] if config.permuted and noise.squared_norm else draws.T
    runs, bases = explored(hessian, np.array(starts), steps, lambda part: tell(0.1 + 0.8 * part))
    curvature, share, sharpest = noise_curvature(runs[:probes], bases, np.square(draws).sum(axis=0))
    moved = 0.0
    if len(starts) > probes:
        epoch = config.updates_per_epoch * config.mean_loss_time_per_update
        away = -np.sqrt(noise.squared_norm) * function_of(
            runs[-1], bases[-1], lambda h: epoch * exprel(-np.maximum(h, 0.0) * epoch)
        )
        there = noise_covariance(displaced(network, away), data, loss=loss, dtype=dtype).draw(probes, seed)
        moved = float(np.square(there - draws).sum() / np.square(draws).sum())
        moved = moved if moved < MOST_MOVED else MOST_MOVED  # also where the way leads out of the finite numbers
    slopes, own = along_directions(noise.losses, sharpest)
    steep = own.mean(axis=0)
    if not steep[0] > 0:
        raise ValueError(
            f"weights must be where the noise sees some positive curvature, and the largest here is {steep[0]:.4g}: "
            "ω escapes in every direction"
        )
    kept = np.flatnonzero(steep > 0)[::-1]  # the sharpest last
    decay = config.weight_decay
    flattest = 1 / (2 * config.mean_loss_time_per_update * length)
    flat, negative = (float(share[curvature + decay < level].sum()) for level in (flattest, 0.0))
    tell(1.0)

    def limits(of: SGDConfig) -> tuple[float, float]:
        at = replace(of, n_examples=len(own), weight_decay=0.0)
        sgd, sde = (mean_square_stability_limit(own[:, kept[-1]] + decay, at, name) for name in ("sgd", "sde"))
        return sgd, sde

    order = np.argsort(curvature)
    return Place(
        where=f"network of {noise.n_parameters} weights; the noise sees curvatures from {_shown(curvature.min())} to "
        f"{_shown(curvature.max())}; |∇L|² is {noise.squared_norm / max(config.batch_noise * trace, 1e-300):.2g} of a "
        "batch's noise",
        curvature=np.maximum(curvature[order] + decay, flattest),
        noise=np.diag(share[order] * trace),
        gradients=(slopes - slopes.mean(axis=0))[:, kept],
        steep=steep[kept] + decay,
        limits=limits,
        moved=moved / STEADY,
        network=True,
        notes=_notes(length, flat, negative, moved),
    )


def _shown(number: float) -> str:
    return f"{number:.3g}".replace("-", "−")


def _notes(length: int, flat: float, negative: float, moved: float) -> tuple[str, ...]:
    found = []
    if moved > 0.01:
        part = f"{100 * min(moved, 1):.0f} % of the noise is another"
        found.append(f"In an epoch the weights move so far that {part}, and cancels less")
    if moved > FAR:
        found.append("All numbers suppose that training stays where it is, and here it does not")
    if not flat:
        return tuple(found)
    text = f"{100 * flat:.2g} % of the noise is in directions too flat to relax in {length} updates, taken as just so"
    return (*found, text + f"; {100 * negative:.2g} % is where H is negative and ω escapes" * (negative > 0.005))
