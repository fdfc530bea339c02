"""Named landscapes: one entry each, with its noise, its minima and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from sgdsde import expression
from sgdsde.arguments import choice
from sgdsde.landscapes.landscape import Landscape
from sgdsde.layout import one_line

_Table = Sequence[Sequence[str | float]]


@dataclass(frozen=True)
class Entry:
    """A named landscape.

    Attributes
    ----------
    description, source : str
        One line on what it is for, and the work that it comes from.
    loss, variables : str
        As for `Landscape`.
    minima : rows of str or float
        Every local minimum, one row each, exact (an expression of the parameters) or to double precision. Of minima
        that are not isolated, the flattest.
    parameters : mapping of str to float
        Default values.
    noise_covariance, noise_factor
        The noise, as for `Landscape`; with neither F = 1.
    """

    description: str
    source: str
    loss: str
    variables: str
    minima: _Table
    parameters: Mapping[str, float] = field(default_factory=dict)
    noise_covariance: str | _Table | None = None
    noise_factor: _Table | None = None

    __repr__ = one_line


def _mueller_brown() -> str:
    rows = [
        (-200, -1, 0, -10, 1, 0),
        (-100, -1, 0, -10, 0, 0.5),
        (-170, -6.5, 11, -6.5, -0.5, 1.5),
        (15, 0.7, 0.6, 0.7, -1, 1),
    ]
    terms = [
        f"({height})*exp(({a})*(x - ({x0}))**2 + ({b})*(x - ({x0}))*(y - ({y0})) + ({c})*(y - ({y0}))**2)"
        for height, a, b, c, x0, y0 in rows
    ]
    return f"scale*({' + '.join(terms)})"


# Zhu et al. take min(sharp, flat), which has no Hessian on the ridge; this minimum is rounded over 0.1 units of loss.
_SHARP, _FLAT = "(5*(x - y)**2 + 50*(x + y - 2)**2)", "((x + 1)**2 + (y + 1)**2)"
_RIDGE = f"sqrt(({_SHARP} - {_FLAT})**2 + 0.01)"
_IN_SHARP = f"(1 + ({_FLAT} - {_SHARP})/{_RIDGE})/2"  # 1 in the sharp bowl, 0 in the flat one
_ALONG, _ACROSS = f"sqrt(5)*spread*(2 + 18*{_IN_SHARP})", f"sqrt(0.5)*spread*(2 + 198*{_IN_SHARP})"

CATALOG: Mapping[str, Entry] = MappingProxyType(
    {
        "quadratic": Entry(
            description="One parabola of curvature h with constant noise f: everything is known in closed form",
            source="Smith & Le, arXiv 1710.06451; Mandt, Hoffman & Blei, arXiv 1704.04289",
            loss="h*x**2/2",
            variables="x",
            minima=[[0.0]],
            parameters={"h": 1.0, "f": 1.0},
            noise_covariance="f",
        ),
        "quadratic_2d": Entry(
            description="Curvatures h1, h2 and noise f1, f2 along axes turned by `angle`: F and H do not commute",
            source="Mandt, Hoffman & Blei, arXiv 1704.04289",
            loss="(h1*x**2 + h2*y**2)/2",
            variables="x y",
            minima=[[0.0, 0.0]],
            parameters={"h1": 1.0, "h2": 4.0, "f1": 2.0, "f2": 0.5, "angle": 0.6},
            noise_factor=[
                ["sqrt(f1)*cos(angle)", "-sqrt(f2)*sin(angle)"],
                ["sqrt(f1)*sin(angle)", "sqrt(f2)*cos(angle)"],
            ],
        ),
        "multiplicative": Entry(
            description="A parabola whose noise grows as 1 + r x²: the stationary law has power-law tails",
            source="stationary density ∝ (1 + r x²)^(−1 − h/(T r)), the Itô law of one dimension (theory sheet, §6)",
            loss="h*x**2/2",
            variables="x",
            minima=[[0.0]],
            parameters={"h": 1.0, "r": 0.5},
            noise_covariance="1 + r*x**2",
        ),
        "double_well": Entry(
            description="Two equal wells 2√a apart, barrier a²/4, constant noise f: exit times and occupancy",
            source="Kramers, Physica 7 (1940) 284",
            loss="x**4/4 - a*x**2/2",
            variables="x",
            minima=[["-sqrt(a)"], ["sqrt(a)"]],
            parameters={"a": 1.0, "f": 1.0},
            noise_covariance="f",
        ),
        "sharp_flat": Entry(
            description="Two minima, at −1 of curvature `sharp` and at +1 of `flat`; the first is deeper by `depth`, "
            "which adds 1.5 depth to its curvature and takes that from the other's",
            source="built here, in the manner of Three Factors, arXiv 1711.04623; one maximum between them, no other",
            loss="(x**2 - 1)**2*((sharp + flat)/16 - (sharp - flat)/8*x/(1 + x**2)) - depth*(2 - 3*x + x**3)/4",
            variables="x",
            minima=[[-1.0], [1.0]],
            parameters={"sharp": 8.0, "flat": 2.0, "depth": 0.0},
        ),
        "valley": Entry(
            description="A narrow valley along y = bend·x², with curvature k across it, 1 along it, and noise F = H",
            source="in the manner of Rosenbrock, Comput. J. 3 (1960) 175",
            loss="x**2/2 + k*(y - bend*x**2)**2/2",
            variables="x y",
            minima=[[0.0, 0.0]],
            parameters={"k": 20.0, "bend": 0.5},
            noise_covariance="hessian",
        ),
        "valley_of_minima": Entry(
            description="Every point of y = 0 is a minimum, of curvature 1 + x² across; noise of labels: F ∝ H there",
            source="built here: the loss ½(f − label)² of f = y√(1 + x²), labels 0 with noise of deviation `sigma` "
            "(Blanc, Gupta, Valiant & Valiant, arXiv 1904.09080; Li, Wang & Arora, arXiv 2110.06914)",
            loss="(1 + x**2)*y**2/2",
            variables="x y",
            minima=[[0.0, 0.0]],
            parameters={"sigma": 1.0},
            noise_factor=[["sigma*x*y/sqrt(1 + x**2)"], ["sigma*sqrt(1 + x**2)"]],
        ),
        "mueller_brown": Entry(
            description="Three minima and two saddles along a bent path; `scale` multiplies the usual constants",
            source="Müller & Brown, Theor. Chim. Acta 53 (1979) 75",
            loss=_mueller_brown(),
            variables="x y",
            minima=[
                [-0.55822363463302471, 1.4417258418046683],
                [-0.050010822998206063, 0.4666941048719721],
                [0.62349940493087652, 0.028037758528685668],
            ],
            parameters={"scale": 1.0},
        ),
        "zhu_two_bowls": Entry(
            description="A sharp bowl at (1, 1), where the noise F ∝ H, and a flat one at (−1, −1)",
            source="in the manner of Zhu, Wu, Yu, Wu & Ma, arXiv 1803.00195: bowls and data (standard deviations √10 "
            "and 1 times `spread`) of github.com/uuujf/SGDNoise, 2Dim, with the ridge between the bowls rounded",
            loss=f"({_SHARP} + {_FLAT} - {_RIDGE})/2",
            variables="x y",
            minima=[[0.99999921881011389, 0.99999921881011389], [-0.9999992187490975, -0.9999992187490975]],
            parameters={"spread": 0.01},
            noise_factor=[[_ALONG, _ACROSS], [f"-{_ALONG}", _ACROSS]],
        ),
    }
)


def catalog() -> dict[str, Entry]:
    """The named landscapes by name.

    >>> "double_well" in catalog()
    True
    """
    return dict(CATALOG)


def named(
    name: str, *, noise_covariance: str | _Table | None = None, noise_factor: _Table | None = None, **parameters: float
) -> Landscape:
    """The landscape of that name.

    Parameters
    ----------
    name : str
        A name in `CATALOG`.
    noise_covariance, noise_factor : optional
        Another noise than the entry's, as for `Landscape` (a word such as ``"loss"`` too); it may name the entry's
        parameters.
    **parameters : float
        Values in place of the entry's defaults.

    Raises
    ------
    ValueError
        When there is no such landscape (the message lists those that exist) or no such parameter.

    Examples
    --------
    >>> named("double_well", a=2.0).loss([2.0])
    array(0.)
    >>> named("double_well", noise_covariance="f*(1 + x**2)", f=2.0).noise_covariance([1.0])
    array([[4.]])
    """
    entry = _entry(name)
    noise = (
        (entry.noise_covariance, entry.noise_factor)
        if noise_covariance is None and noise_factor is None
        else (noise_covariance, noise_factor)
    )
    return Landscape(entry.loss, entry.variables, _parameters(name, parameters), *noise, name=name)


def minima(name: str, **parameters: float) -> NDArray[np.float64]:
    """The local minima of a named landscape, shape (minima, d).

    Raises
    ------
    ValueError
        As :func:`named` does, and when one is not a real number, as those of the double well are for a < 0.

    Examples
    --------
    >>> minima("double_well", a=4.0)
    array([[-2.], [ 2.]])
    """
    values = _parameters(name, parameters)
    return np.array([[_coordinate(text, values) for text in row] for row in _entry(name).minima])


def _coordinate(text: str | float, values: Mapping[str, float]) -> float:
    return expression.evaluate(expression.parse(text, values.keys(), "minima"), values)


def _entry(name: str) -> Entry:
    return CATALOG[choice("landscape", name, CATALOG)]


def _parameters(name: str, changed: Mapping[str, float]) -> dict[str, float]:
    defaults = _entry(name).parameters
    if unknown := [key for key in changed if key not in defaults]:
        raise ValueError(f"parameters of {name} are {', '.join(defaults)}, got {unknown[0]!r}")
    return {**defaults, **changed}
