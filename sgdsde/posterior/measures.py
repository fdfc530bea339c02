"""Moments of samples in the posterior's units, and how far they are from it, with standard errors over replicas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import integer
from sgdsde.layout import one_line
from sgdsde.posterior.target import LogisticPosterior
from sgdsde.statistics import Estimate, mean
from sgdsde.theory import posterior_divergence

Array = NDArray[np.float64]


def sampled_covariance(posterior: LogisticPosterior, snapshots: Array) -> Estimate:
    """Covariance (2, 2) of snapshots (S, R, 2) about their mean, along `posterior.axes` in the posterior's units.

    The R replicas are the sample: the S snapshots of one may depend on each other.
    """
    d = posterior.whitened(snapshots)
    d = d - d.mean(axis=(0, 1))
    products = np.einsum("sri,srj->rij", d, d, optimize=True) / len(d)
    found = mean(products.reshape(-1, 4))
    return Estimate(np.reshape(found.value, (2, 2)), np.reshape(found.standard_error, (2, 2)))


def sampled_third_moments(posterior: LogisticPosterior, snapshots: Array) -> Estimate:
    """Third central moments (2, 2, 2) of snapshots (S, R, 2) in the posterior's standard deviations, along its axes.

    Errors are those of the influence function, with replicas as the sample.
    """
    d = posterior.whitened(snapshots)
    d = d - d.mean(axis=(0, 1))
    s = np.einsum("sri,srj->ij", d, d, optimize=True) / d[..., 0].size
    cubes = np.einsum("sri,srj,srk->rijk", d, d, d, optimize=True) / len(d)
    averages = d.mean(axis=0)
    drift = sum(np.einsum(f"ij,rk->r{order}", s, averages) for order in ("ijk", "ikj", "kji"))
    influence = cubes - drift
    error = influence.std(axis=0, ddof=1) / np.sqrt(len(influence))
    return Estimate(cubes.mean(axis=0), error)


@dataclass(frozen=True)
class Divergence:
    """KL from the posterior in nats.

    Attributes
    ----------
    value, standard_error : float
    without : ndarray, (groups,)
        The values with one group of replicas left out.
    """

    value: float
    standard_error: float
    without: Array

    __repr__ = one_line


def sampled_divergence(posterior: LogisticPosterior, snapshots: Array, groups: int = 64) -> Divergence:
    """KL, from the posterior's, of the normal law with the covariance of snapshots (S, R, 2).

    Bias is removed, and the error estimated, by the jackknife over groups of replicas; ValueError unless R is a
    multiple of `groups`.

    Examples
    --------
    >>> from sgdsde.logistic import LogisticRegression
    >>> x = np.random.default_rng(0).standard_normal((200, 2))
    >>> posterior = LogisticPosterior(LogisticRegression(x, x[:, 0] > 0), 1.0)
    >>> root = np.linalg.cholesky(posterior.exact.covariance)
    >>> sample = posterior.exact.mean + np.random.default_rng(1).standard_normal((2, 6400, 2)) @ root.T
    >>> found = sampled_divergence(posterior, sample)
    >>> bool(abs(found.value) < 0.001)
    True
    """
    replicas = snapshots.shape[1]
    if replicas % integer("groups", groups, 2):
        raise ValueError(f"snapshots must have a multiple of groups = {groups} replicas, got {replicas}")
    parts = np.stack(np.split(posterior.whitened(snapshots), groups, axis=1))
    sums = parts.sum(axis=(1, 2))
    products = np.einsum("gsri,gsrj->gij", parts, parts, optimize=True)
    count = parts[0, ..., 0].size

    def divergence(products: Array, sums: Array, number: int) -> float:
        return posterior_divergence(np.eye(2), products / number - np.outer(sums, sums) / number**2, 1)

    whole, every = divergence(products.sum(axis=0), sums.sum(axis=0), groups * count), range(groups)
    least = (groups - 1) * count
    left = np.array([divergence(products.sum(0) - products[g], sums.sum(0) - sums[g], least) for g in every])
    value = groups * whole - (groups - 1) * left.mean()
    return Divergence(float(value), float(np.sqrt((groups - 1) * left.var())), left)
