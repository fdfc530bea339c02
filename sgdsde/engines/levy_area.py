"""Lévy areas of a Brownian motion over a unit step, from its increment and more normals; the judge of the lanes' own.

Given the increment z in R^k, and X_r, Y_r in R^k that are independent standard normals, up to scale the coefficients of
the cosines and sines of the Brownian bridge, for j < l

    a_jl = ½(I_jl − I_lj) = Σ_r (X_rj (Y_rl − √2 z_l) − X_rl (Y_rj − √2 z_j)) / (2πr),   I_jl = ∫₀¹∫₀ˢ dW_j(u) dW_l(s),

so that I_jl = ½ z_j z_l + a_jl (Kloeden, Platen, Wright, Stoch. Anal. Appl. 10, 1992). A method is what it puts in the
place of the terms beyond the first n, whose squares of 1/r add up to ρ. In the form used here all of them, and their
errors, are in Kastner & Rößler, Numer. Algorithms 93, 2023. Over a step Δ areas are Δ a. Arrays may be NumPy's or
torch's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from sgdsde.arguments import choice

#: A NumPy array or a torch tensor.
Array: TypeAlias = Any

#: Terms of the series beyond which nobody would wait for a step.
MOST_TERMS = 10_000


@dataclass(frozen=True)
class Method:
    """What stands for the tail of the series.

    Attributes
    ----------
    tail : callable
        (z, its own normals, j of the pairs, l of the pairs) → (pairs, paths): the tail in units of √(2ρ)/2π.
    tail_normals : callable
        k → standard normals that the tail takes, beside 2k for each term.
    error : callable
        k → c, where the mean square of the error of each area of a unit step is at most c / n**order, when the tail's
        normals are coupled with those of the true tail in the best way.
    order : int
    """

    tail: Callable[[Array, Array, list[int], list[int]], Array]
    tail_normals: Callable[[int], int]
    error: Callable[[int], float]
    order: int


def _none(z: Array, normals: Array, first: list[int], second: list[int]) -> Array:
    return 0.0


def _mrongowius_roessler(z: Array, normals: Array, first: list[int], second: list[int]) -> Array:
    """What is linear in z, in its own law, and independent normals for Σ (X_rj Y_rl − X_rl Y_rj)/r."""
    linear, g = normals[: len(z)], normals[len(z) :]
    return g + z[first] * linear[second] - linear[first] * z[second]


def _wiktorsson(z: Array, normals: Array, first: list[int], second: list[int]) -> Array:
    """Normals of the tail's covariance given z, which maps an antisymmetric G to G + z zᵀG + G z zᵀ in these units.

    Its eigenvalues are 1 and 1 + |z|², so its root maps G to G + (z zᵀG + G z zᵀ)/(1 + √(1 + |z|²)).
    """
    image = 0.0 * z  # G z
    for g, j, other in zip(normals, first, second, strict=True):
        image[j] += g * z[other]
        image[other] -= g * z[j]
    crossed = image[first] * z[second] - z[first] * image[second]
    return normals + crossed / (1.0 + (1.0 + (z * z).sum(0)) ** 0.5)


#: The sum of n terms alone, whose error c is exact as n grows; Wiktorsson, Ann. Appl. Probab. 11, 2001, section 4;
#: Mrongowius & Rößler, Stoch. Anal. Appl. 40, 2022. The errors of the last two are bounds: with the largest n they are
#: four times and more what they bound, because the roots of two covariances are nearer to each other than they grant.
METHODS: dict[str, Method] = {
    "fourier": Method(_none, lambda k: 0, lambda k: 1.5 / math.pi**2, 1),
    "wiktorsson": Method(_wiktorsson, lambda k: k * (k - 1) // 2, lambda k: 5.0 * k / (12.0 * math.pi**2), 2),
    "mrongowius_roessler": Method(
        _mrongowius_roessler, lambda k: k * (k + 1) // 2, lambda k: k / (12.0 * math.pi**2), 2
    ),
}


def _chosen(method: str) -> Method:
    return METHODS[choice("area_method", method, METHODS)]


def normals_needed(method: str, k: int, terms: int) -> int:
    """Standard normals that a step takes beside its increment; none for k = 1.

    Raises
    ------
    ValueError
        When there is no such method; the message lists those that exist.
    """
    tail = _chosen(method).tail_normals(k)
    return 2 * k * terms + tail if k > 1 else 0


def areas(method: str, z: Array, normals: Array, k: int, terms: int) -> Array:
    """Areas a_jl of a unit step, j < l, in the order (0, 1), (0, 2), …, (1, 2), ….

    Parameters
    ----------
    method : str
        A name in `METHODS`.
    z : (k, paths)
        Increments of the Brownian motion.
    normals : (normals_needed(method, k, terms), paths)
        Standard normals: X_1, Y_1, X_2, Y_2, …, then those of the tail. More terms leave the first ones as they are.
    k : int
        Dimension of the Brownian motion.
    terms : int
        Terms of the series.

    Returns
    -------
    (k(k − 1)/2, paths)

    Raises
    ------
    ValueError
        When there is no such method; the message lists those that exist.
    """
    chosen = _chosen(method)
    if k < 2:
        return z[:0]
    first = [j for j in range(k) for _ in range(j + 1, k)]
    second = [other for j in range(k) for other in range(j + 1, k)]
    total, rest = 0.0, math.pi**2 / 6.0
    for r in range(1, terms + 1):
        x, y = normals[2 * k * (r - 1) : k * (2 * r - 1)], normals[k * (2 * r - 1) : 2 * k * r] - math.sqrt(2.0) * z
        total = total + (x[first] * y[second] - x[second] * y[first]) / r
        rest -= 1.0 / (r * r)
    return (total + math.sqrt(2.0 * rest) * chosen.tail(z, normals[2 * k * terms :], first, second)) / (2.0 * math.pi)


def terms_for(method: str, k: int, step: float, constant: float = 1.0) -> int:
    """Terms that keep strong order 1: the mean square of the error of each area over a step Δ is at most constant Δ³.

    All pairs have the same error. Kastner & Rößler 2023, the norm max-L²; times k(k − 1)/2 it is Wiktorsson's bound for
    all pairs together. One for k = 1, which has no pairs.

    Raises
    ------
    ValueError
        When there is no such method, or it takes more than `MOST_TERMS`; the message lists those that exist.
    """
    _chosen(method)
    takes = {name: (one.error(k) / (constant * step)) ** (1.0 / one.order) for name, one in METHODS.items()}
    if k > 1 and takes[method] > MOST_TERMS:
        each = ", ".join(f"{name} {terms:.2g}" for name, terms in takes.items())
        raise ValueError(
            f"at a step of {step:g} the area_method {method!r} takes more than {MOST_TERMS} terms a step ({each}): "
            f"take another, a larger step, or a scheme that needs no areas"
        )
    return max(1, math.ceil(takes[method])) if k > 1 else 1
