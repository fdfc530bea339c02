"""A sharp and a flat bowl in two dimensions, and noises of one trace on them, by the direction that they prefer."""

from __future__ import annotations

from types import MappingProxyType

from sgdsde.arguments import choice
from sgdsde.landscapes.landscape import Landscape

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


#: Names of the shapes of noise, from the one that knows nothing of the landscape on.
BOWL_NOISES = tuple(_PARTS)


def two_bowls(noise: str, trace: float, *, ridge: float = 0.1, variables: str = "x y") -> Landscape:
    """The bowls of Zhu et al., sharp at (1, 1) and flat at (−1, −1), with a noise whose trace is `trace` everywhere.

    Parameters
    ----------
    noise : str
        Its shape, one of `BOWL_NOISES`: ``"isotropic"``; ``"covariance"``, F of the data, and ``"diagonal"``, its
        diagonal, which in x and y is isotropic too; ``"Hessian"``, that of the bowls, blended across the ridge as F
        is; ``"top eigenvector"``, that of the sharp bowl's Hessian, but for 7 % of the trace.
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
    divided by its trace too. The data have standard deviations 1 along u and √10 along v. The catalog's
    ``zhu_two_bowls`` has the same loss at a ridge of 0.1, and F without that division.

    Examples
    --------
    >>> two_bowls("covariance", 1.1, ridge=1e-3).noise_covariance([1, 1]).round(3)          # eigenvalues 1 and 0.1
    array([[0.55, 0.45],
           [0.45, 0.55]])
    """
    choice("noise", noise, BOWL_NOISES)
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
    return Landscape(f"({sharp} + {flat} - {root})/2", variables, parameters, noise_factor=factor, name=noise)
