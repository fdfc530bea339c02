"""A sharp and a flat bowl in two dimensions, and noises of one trace on them: for the claim ``noise_geometry``."""

from __future__ import annotations

import functools
import math
import warnings
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.arguments import choice
from sgdsde.theory import FokkerPlanck
from sgdsde.theory.fokker_planck import CellWarning

Array = NDArray[np.float64]

#: Where paths start: at the bottom of the sharp bowl. The bottom of the flat one is at (−1, −1).
START = (1.0, 1.0)
#: Units of loss over which the ridge is rounded, wide enough for the steps of an SDE to resolve it.
RIDGE = 4.0
#: Half-way down the other side of the ridge (x + y)/√2 is this; paths that get there have left the sharp bowl.
LEFT = 0.6
ESCAPED = f"x + y < {LEFT * math.sqrt(2)!r}"
#: Of the Fokker–Planck equation, in u = (x + y)/√2 and v = (x − y)/√2: beyond, next to nothing goes.
BOX = ((LEFT - 0.05, 3.45), (-2.4, 2.4))
#: Share of the trace that is left across the top eigenvector, since the Fokker–Planck equation needs F > 0.
FLOOR = 0.07

_SIDES = MappingProxyType({"x y": ("(x + y)/sqrt(2)", "(x - y)/sqrt(2)"), "u v": ("u", "v")})
#: Parts of the noise along u and v, as polynomials in i, which is 1 in the sharp bowl and 0 in the flat one. Curvatures
#: are 2 + 198i and 2 + 18i; F of data with variances 1 and 10 is (curvature)² × variance. The diagonal of F in x and y,
#: which are turned by 45° against u and v, has equal entries. As numbers, so that one kernel serves all noises.
_PARTS = MappingProxyType(
    {
        "isotropic": ((1, 0, 0), (1, 0, 0)),
        "diagonal": ((1, 0, 0), (1, 0, 0)),
        "covariance": ((4, 792, 39204), (40, 720, 3240)),
        "Hessian": ((2, 198, 0), (2, 18, 0)),
        "top eigenvector": ((1 - FLOOR, 0, 0), (FLOOR, 0, 0)),
    }
)


def noises() -> tuple[str, ...]:
    """Names of the shapes of noise, from the one that knows nothing of the landscape on.

    ``"covariance"`` is F of the data and ``"diagonal"`` its diagonal; ``"Hessian"`` is that of the bowls, blended
    across the ridge as F is, and ``"top eigenvector"`` that of the sharp bowl's Hessian, but for `FLOOR`.
    """
    return tuple(_PARTS)


def bowls(noise: str, trace: float, *, ridge: float = RIDGE, variables: str = "x y") -> sg.Landscape:
    """The bowls of Zhu et al. with a noise of this shape whose trace is `trace` everywhere.

    Parameters
    ----------
    noise : str
        One of `noises()`.
    trace : float
        Of F(ω), at every ω.
    ridge : float
        The loss is (S + R − √((S − R)² + ridge²))/2, S = 10v² + 100(u − √2)² and R = (u + √2)² + v²: the lesser of the
        two where they differ by more than `ridge`.
    variables : str
        ``"x y"``, or ``"u v"``: turned by 45°, where F is diagonal.

    Raises
    ------
    ValueError
        When `noise` or `variables` is not one of these.

    Notes
    -----
    Zhu, Wu, Yu, Wu & Ma, arXiv 1803.00195, and github.com/uuujf/SGDNoise, 2Dim: there the noise of every update is
    divided by its trace too. The data have standard deviations 1 along u and √10 along v.

    Examples
    --------
    >>> bowls("covariance", 1.1, ridge=1e-3).covariance(START).round(3)          # eigenvalues 1 and 0.1
    array([[0.55, 0.45],
           [0.45, 0.55]])
    """
    choice("noise", noise, noises())
    choice("variables", variables, _SIDES)
    u, v = _SIDES[variables]
    sharp, flat = f"(10*({v})**2 + 100*({u} - sqrt(2))**2)", f"(({u} + sqrt(2))**2 + ({v})**2)"
    root = f"sqrt(({sharp} - {flat})**2 + ridge**2)"
    inside = f"((1 + ({flat} - {sharp})/{root})/2)"
    parts = [f"({name}0 + {name}1*{inside} + {name}2*{inside}**2)" for name in ("along", "across")]
    first, second = (f"sqrt(trace*{part}/({parts[0]} + {parts[1]}))" for part in parts)
    factor = [[first, "0"], ["0", second]]
    if variables == "x y":
        factor = [[f"{first}/sqrt(2)", f"{second}/sqrt(2)"], [f"{first}/sqrt(2)", f"-{second}/sqrt(2)"]]
    parameters = {"ridge": ridge, "trace": trace}
    for name, coefficients in zip(("along", "across"), _PARTS[noise], strict=True):
        parameters |= {f"{name}{power}": float(number) for power, number in enumerate(coefficients)}
    return sg.Landscape(f"({sharp} + {flat} - {root})/2", variables, parameters, factor=factor, name=noise)


def escape_probability(noise: str, strength: float, time: float, cells: tuple[int, int], every: float = 0.0) -> float:
    """Probability that a path of the SDE from `START` has left the sharp bowl by `time`, where T tr F = `strength`.

    Parameters
    ----------
    noise : str
        One of `noises()`.
    strength, time : float
        In the SDE's time s.
    cells : (int, int)
        Along u and v, multiples of 4, for the Fokker–Planck equation. It is solved on three quarters of them too, and
        extrapolated: the error is of order 2.
    every : float
        Time between looks at the path, ε for SGD. What happens between them is not seen, as if the end were further
        by 0.5826 standard deviations of a step (Siegmund 1985; Broadie, Glasserman & Kou 1997); 0 for all the time.

    Examples
    --------
    >>> [round(escape_probability("isotropic", 4.0, 0.5, (184, 116), every), 4) for every in (0.0, 1e-4)]
    [0.0343, 0.0341]
    """
    quarters = (cells[0] * 3 // 4, cells[1] * 3 // 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CellWarning)  # a little too coarse: that is what it is there for
        coarse = _escaped(noise, strength, time, quarters, LEFT)
        variance = strength * float(bowls(noise, 1.0, variables="u v").covariance([LEFT, 0.0])[0, 0])
        beyond = 0.5826 * math.sqrt(every * variance)
        share = _escaped(noise, strength, time, quarters, LEFT - beyond) / coarse
    fine = _escaped(noise, strength, time, cells, LEFT)
    return share * (fine + (fine - coarse) / ((4 / 3) ** 2 - 1))


@functools.cache
def _escaped(noise: str, strength: float, time: float, cells: tuple[int, int], end: float) -> float:
    landscape = bowls(noise, strength, variables="u v")
    equation = FokkerPlanck(landscape, 1.0, BOX, cells, absorbing=f"u < {end!r}")
    left = equation.evolve([math.sqrt(2), 0.0], time, tolerance=1e-3)
    return 1 - float(left.sum()) * equation.grid.volume


def paired_examples(count: int, seed: int) -> Array:
    """(count, 2) normal vectors and their negatives: without third moments, which would act at order √(ε/B).

    >>> paired_examples(4, 0).sum(axis=0)
    array([0., 0.])
    """
    half = np.random.default_rng(seed).standard_normal((count // 2, 2))
    return np.concatenate((half, -half))
