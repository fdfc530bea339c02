"""The course of SGD with label noise along the valley of fits β = u∘u − v∘v that interpolate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real
from sgdsde.config import SGDConfig
from sgdsde.layout import one_line
from sgdsde.theory.label_noise import check_config, kernel, label_noise_decay, residual_moments
from sgdsde.theory.least_entropy import checked, fit_from

Array = NDArray[np.float64]
#: By how much ln uv falls in a step of the midpoint rule.
FALL = 0.1


@dataclass(frozen=True, eq=False)
class LabelNoiseCourse:
    """Where the theory has SGD with label noise after some numbers of updates.

    Attributes
    ----------
    updates : (k,)
        Numbers of updates.
    log_products : (k, d)
        ln(u_j v_j).
    weights : (k, d)
        β on the valley: its mean, but for terms of order ε.
    spread : (k,)
        Tr Cov β around it, to first order in ε.
    """

    updates: NDArray[np.int64]
    log_products: Array
    weights: Array
    spread: Array

    __repr__ = one_line


def label_noise_course(
    inputs: ArrayLike, targets: ArrayLike, size: float, sigma: float, config: SGDConfig, updates: ArrayLike,
    *, residuals: bool = True,
) -> LabelNoiseCourse:  # fmt: skip
    """β along the valley of interpolating fits, as label noise takes it there from u = v = `size`.

    Parameters
    ----------
    inputs, targets
        As in :func:`least_entropy_fit`.
    size : float
        u and v at the start.
    sigma, config, residuals
        As in :func:`label_noise_decay`.
    updates : (k,)
        Numbers of updates, not decreasing.

    Returns
    -------
    LabelNoiseCourse

    Raises
    ------
    ValueError
        As these functions do, and when `updates` are not in order.

    Notes
    -----
    At each time β is the fit of least entropy for the products of that time, which fall by themselves: label noise
    shrinks the start that gradient flow seems to have come from, until the fit is that of least Σ c_j|β_j|, where
    c_j = mean_i z_ij². The time in which SGD first comes to the valley is taken for 0. Steps in which the products fall
    by a tenth, by the midpoint rule.

    Examples
    --------
    >>> config = SGDConfig(0.01, batch_size=1, n_examples=2)
    >>> course = label_noise_course([[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]], [1.0, 1.0], 1.0, 0.5, config, [0, 4000, 10_000])
    >>> course.weights.round(2).tolist()
    [[0.2, 0.4, 1.0], [0.75, 0.12, 1.0], [0.98, 0.01, 1.0]]
    """
    z, y, s = checked(inputs, targets, real("size", size, above=0) ** 2)
    marks = np.asarray(updates)
    if marks.ndim != 1 or not len(marks) or (np.diff(marks, prepend=0) < 0).any():
        raise ValueError(f"updates must be numbers in order, got {updates!r}")
    check_config(config, len(y))

    def decay(logs: Array, nu: Array) -> tuple[Array, Array, Array, Array]:
        nu, weights, squares = fit_from(z, y, np.exp(logs), nu)
        return nu, weights, squares, label_noise_decay(z, squares, sigma, config, residuals=residuals)

    logs, nu, done, found = np.log(s), np.zeros(len(y)), 0.0, []
    for mark in marks:
        nu, weights, squares, rate = decay(logs, nu)
        steps = int(np.ceil((mark - done) * rate.max() / FALL))
        for _ in range(steps):
            length = (mark - done) / steps
            middle = decay(logs - rate * length / 2, nu)
            logs = logs - length * middle[3]
            nu, weights, squares, rate = decay(logs, middle[0])
        done = float(mark)
        to_weights = 4 * squares[:, None] * z.T @ np.linalg.inv(kernel(z, squares))
        covariance = to_weights @ residual_moments(z, squares, sigma, config) @ to_weights.T
        found.append((logs, weights, np.trace(covariance)))
    return LabelNoiseCourse(marks, *(np.array(each) for each in zip(*found, strict=True)))
