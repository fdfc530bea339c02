"""Where a run is looked at: curvature and gradient noise there, in the modes of the Hessian."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sgdsde.config import SGDConfig
from sgdsde.layout import one_line

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Surroundings:
    """How H and F change around a minimum, in modes.

    Attributes
    ----------
    means : callable
        A covariance S of ω, (k, k) ↦ the means of H and F, (k, k) each, over normal ω of that covariance.
    changing : callable
        S ↦ ⟨(A(ω) − A)(A(ω) − A)ᵀ⟩ to first order in S, (k, k): the part of the noise that changes with ω.
    steepest : callable
        S ↦ the largest curvature one standard deviation out, along the axes of S, as (1, 1).
    bend, noise_slope : (k, k, k)
        The derivatives of H and of F, by the last axis.
    trace_curvature : (k, k)
        The Hessian of Tr F.
    """

    means: Callable[[Array], tuple[Array, Array]]
    changing: Callable[[Array], Array]
    steepest: Callable[[Array], Array]
    bend: Array
    noise_slope: Array
    trace_curvature: Array

    __repr__ = one_line


@dataclass(frozen=True, eq=False)
class Place:
    """A minimum of a landscape, or the weights of a network, as effects ask for it.

    Attributes
    ----------
    where : str
        In words.
    curvature : (k,)
        Of each mode, with the weight decay, positive, ascending.
    noise : (k, k)
        F in modes.
    gradients : (N, j)
        Of the examples along the j directions that `steep` has, less their mean.
    steep : (j,)
        Curvatures of the directions in which single examples are looked at.
    limits : callable
        Config ↦ learning rates from which on E|ω|² grows, under SGD with fresh batches and under the SDE.
    around : Surroundings or None
        None where H and F are taken as constant.
    moved : float
        The part of F that does not cancel in an epoch, because weights move meanwhile.
    network : bool
    notes : tuple of str
        What a reader has to know, one sentence each.
    """

    where: str
    curvature: Array
    noise: Array
    gradients: Array
    steep: Array
    limits: Callable[[SGDConfig], tuple[float, float]]
    around: Surroundings | None = None
    moved: float = 0.0
    network: bool = False
    notes: tuple[str, ...] = ()

    __repr__ = one_line
