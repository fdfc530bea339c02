"""Schemes of molecular dynamics: exact steps on quadratics, and splittings of the SDE with momentum."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from sgdsde.landscapes import Landscape
from sgdsde.schemes.registry import scheme

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sgdsde.schemes.step import Step, Vector

    Numbers: TypeAlias = NDArray[np.float64]


def _ornstein_uhlenbeck(landscape: Landscape, dt: Numbers, temperature: Numbers) -> Mapping[str, Numbers]:
    """P = ∫_0^Δ e^{−Hs} ds and a d×k root S of the step's covariance T ∫_0^Δ e^{−Hs} F e^{−Hs} ds.

    S is the root nearest to the increment's own: the conditional mean of the noise given ΔW is matched where k = d.
    """
    import numpy as np
    from scipy.special import exprel

    origin = np.zeros(landscape.dimension)
    curvatures, axes = np.linalg.eigh(landscape.hessian(origin))
    factor = axes.T @ landscape.noise_factor(origin)
    length, heat = dt[:, None, None], temperature[:, None, None]
    covariance = factor @ factor.T * heat * length * exprel(-(curvatures[:, None] + curvatures) * length)
    over = ~np.isfinite(covariance).all(axis=(1, 2))
    if over.any():
        longest = dt[over].min()
        raise ValueError(
            f"dt = {longest:g} is too long for scheme 'exact_ou': a direction of negative curvature overflows"
        )
    along = exprel(-curvatures[:, None] * length)
    mean_factor = axes @ (np.sqrt(heat * length) * along * factor)
    return {
        "P": (axes * (length * along).swapaxes(1, 2)) @ axes.T,
        "S": _root_nearest(axes @ covariance @ axes.T, mean_factor),
    }


def _root_nearest(covariance: Numbers, wished: Numbers) -> Numbers:
    """The d×k matrices S with S Sᵀ = covariance that are nearest to `wished` (rows, d, k); of ranks of at most k."""
    import numpy as np

    values, vectors = np.linalg.eigh(covariance)
    ranks = (values > 1e-13 * np.maximum(values[:, -1:], 0.0)).sum(axis=1)
    d, k = wished.shape[1:]
    if ranks.max() > k:
        raise ValueError(
            f"scheme 'exact_ou' needs as many columns of the noise factor as the step's covariance has directions, "
            f"{ranks.max()}; this landscape has {k}: give its noise as covariance, or a square factor"
        )
    found = np.zeros_like(wished)
    for rank in np.unique(ranks):
        of, kept = ranks == rank, slice(d - rank, d)
        root = vectors[of, :, kept] * np.sqrt(values[of, None, kept])
        left, _, right = np.linalg.svd(root.swapaxes(1, 2) @ wished[of], full_matrices=False)
        found[of] = root @ (left @ right)
    return found


@scheme(
    interpretation="ito",
    noise="additive",
    loss="quadratic",
    strong=1.0,
    weak=math.inf,
    stable=True,
    matrices=_ornstein_uhlenbeck,
    source="Uhlenbeck & Ornstein 1930; Gillespie 1996",
)
def exact_ou(step: Step) -> Vector:
    """ω − P ∇L + S z with P = ∫e^{−Hs}ds, S Sᵀ = T ∫e^{−Hs} F e^{−Hs} ds: the law of each step is exact."""
    noise = step.matrix("S", len(step.w), len(step.z)) * step.z
    return step.w - step.matrix("P") * step.gradient(step.w) + noise


@scheme(
    interpretation="ito",
    noise="additive",
    auxiliary=("r",),
    strong=0.5,
    weak=1.0,
    invariant=2.0,
    source="Leimkuhler & Matthews 2013, eq. 11",
)
def leimkuhler_matthews(step: Step) -> tuple[Vector, Vector]:
    """ω + a Δ + ½ b (ΔW_n + ΔW_{n−1}): second order for the invariant law at the price of Euler's step."""
    noise = step.let(step.diffusion(step.w) * step.dW)
    return step.w + step.drift(step.w) * step.dt + (noise + step.r) / 2, noise


@scheme(
    interpretation="ito",
    equation="momentum",
    noise="any",
    auxiliary=("p",),
    strong=1.0,
    weak=1.0,
    source="Kloeden & Platen 1992, §10.2",
)
def momentum_euler(step: Step) -> tuple[Vector, Vector]:
    """ω + p h, p − (γp + ∇L) h + √(γT) A ΔW: Euler and Maruyama's, to compare with."""
    kick = step.gradient(step.w) + step.friction * step.p
    return step.w + step.p * step.dt, step.p - kick * step.dt + _amplitude(step) * step.dW


@scheme(
    interpretation="ito",
    equation="momentum",
    noise="any",
    auxiliary=("p",),
    strong=1.0,
    weak=2.0,
    invariant=2.0,
    source="Leimkuhler & Matthews 2013",
)
def baoab(step: Step) -> tuple[Vector, Vector]:
    """Half a kick B, half a drift A, all of friction and noise O at fixed ω, A, B; F may be full and depend on ω."""
    h = step.dt
    p = step.let(step.p - step.gradient(step.w) * h / 2)
    middle = step.let(step.w + p * h / 2)
    p = step.let(_friction_and_noise(step, middle, p, h, step.z))
    w = step.let(middle + p * h / 2)
    return w, p - step.gradient(w) * h / 2


@scheme(
    interpretation="ito",
    equation="momentum",
    noise="any",
    auxiliary=("p",),
    strong=1.0,
    weak=2.0,
    invariant=2.0,
    source="Bussi & Parrinello 2007",
)
def obabo(step: Step) -> tuple[Vector, Vector]:
    """Half of friction and noise O, a Verlet step BAB, O again; the halves' noises are (z ± y)/√2."""
    import sympy as sp

    h = step.dt
    # normals of the two halves; y correlates with the true difference by √3/2, and the law needs no more
    first, second = ((step.z + sign * step.y) / sp.sqrt(2) for sign in (1, -1))
    p = step.let(_friction_and_noise(step, step.w, step.p, h / 2, first))
    p = step.let(p - step.gradient(step.w) * h / 2)
    w = step.let(step.w + p * h)
    p = step.let(p - step.gradient(w) * h / 2)
    return w, _friction_and_noise(step, w, p, h / 2, second)


def _amplitude(step: Step) -> Any:
    import sympy as sp

    return sp.sqrt(step.friction * step.temperature) * step.noise_factor(step.w)


def _friction_and_noise(step: Step, w: Vector, p: Vector, h: Any, z: Vector) -> Vector:
    """dp = −γp dτ + √(γT) A(ω) dW over h, exactly: e^{−γh} p + √(T(1 − e^{−2γh})/2) A z."""
    import sympy as sp

    kept = sp.exp(-step.friction * h)
    return kept * p + sp.sqrt(step.temperature * (1 - kept**2) / 2) * (step.noise_factor(w) * z)
