"""Pictures of the claim about reparametrisation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sgdsde.plotting import Line, Series, against_theory
from validation.claim import Picture
from validation.coordinates.laplace_shift import Shifts
from validation.coordinates.rescaled_network import Network, Place, reading, rescaled, transported

#: How far below the evidence lines are drawn, in nats.
BELOW = 40.0
#: Of ratios that are 1 but for rounding, which would otherwise be all that one sees.
LEVEL = (0.95, 1.05)


def sharpness_picture(network: Network, orbit: Sequence[Place]) -> Picture:
    """Largest eigenvalue and trace along the orbit, against JᵀHJ."""
    places = sorted(orbit, key=lambda each: each.alpha)
    fine, minimum = _range(places), network.minimum()
    lines = np.array([transported(network, minimum, alpha) for alpha in fine.tolist()])
    alphas = [each.alpha for each in places]
    series = [
        Series(
            name,
            alphas,
            [each.sharpness[k] for each in places],
            np.zeros(len(places)),
            [each.predicted[k] for each in places],
            fine,
            lines[:, k],
        )
        for k, name in enumerate(("largest eigenvalue of ∇∇H", "trace", "determinant"))
    ]
    figure = against_theory(
        series, "α   of (u, v) → (αu, v/α)", "sharpness of the cross-entropy", ratio="direct / JᵀHJ"
    )
    figure.axes[1].set_ylim(*LEVEL)
    caption = (
        "Sharpness of one and the same network with its layers rescaled by α and 1/α: from its own derivatives there "
        "(points), and from the Hessian at the minimum of C, α = 1, by JᵀHJ (lines)."
    )
    alt = "Largest eigenvalue and trace rise as α² and 1/α² on both sides of 1; the determinant falls as 1/α²."
    return Picture("sharpness", caption, alt, figure)


def evidence_picture(network: Network, orbit: Sequence[Place]) -> Picture:
    """Evidence along the orbit: exact, without the Jacobian, and read off the Hessian under an isotropic prior."""
    places = sorted(orbit, key=lambda each: each.alpha)
    fine, minimum = _range(places), network.minimum()
    alphas, level = [each.alpha for each in places], orbit[0].exact
    points = Series(
        "exact, prior carried along",
        alphas,
        [each.exact for each in places],
        np.zeros(len(places)),
        [level] * len(places),
        fine,
        np.full(len(fine), level),
    )
    read = np.array([reading(network, rescaled(minimum, alpha)) for alpha in fine.tolist()])
    shown = read > level - BELOW
    lines = (
        Line("Jacobian left out", alphas, [each.forgotten for each in places]),
        Line("read off the Hessian, isotropic prior", fine[shown], read[shown]),
    )
    figure = against_theory(
        [points], "α   of (u, v) → (αu, v/α)", "ln evidence   (nats)", lines, y_scale="linear", ratio="θ / ω", columns=3
    )
    figure.axes[1].set_ylim(*LEVEL)
    caption = (
        "The evidence of the network in rescaled weights, integrated. Without the Jacobian it moves with α. Smith & "
        "Le's formula at the rescaled minimum, with the prior left isotropic, falls on both sides (shown as far as 40 "
        "nats below): there C is not at its minimum."
    )
    alt = (
        "Points on a level line; a sloping line without the Jacobian; a curve with its top near α = 1, far lower away."
    )
    return Picture("evidence", caption, alt, figure)


def shift_picture(shifts: Shifts) -> Picture:
    """Laplace's evidence in θ minus that in ω against N, and what the first-order term leaves of it."""
    n, fine = shifts.counts, np.geomspace(shifts.counts[0], shifts.counts[-1], 50)
    shift, rest = np.asarray(shifts.shift.value), np.asarray(shifts.rest.value)
    errors = [np.asarray(each.standard_error) for each in (shifts.shift, shifts.rest)]
    ends = float(shifts.first[-1] * n[-1]), float(abs(rest[-1]) * n[-1] ** 2)
    series = [
        Series("Laplace in θ − in ω", n, shift, errors[0], shifts.first, fine, ends[0] / fine),
        Series("less its first-order term, |·|", n, abs(rest), errors[1], ends[1] / n**2, fine, ends[1] / fine**2),
    ]
    figure = against_theory(series, "N   (examples)", "difference of ln evidence   (nats)")
    caption = (
        "Laplace's approximation made in θ, ω = sinh θ, differs from that in ω by a term of order 1/N. The lower panel "
        "has its ratio to the first-order term of the same data sets, and of the rest to 1/N² through the last point. "
        "Lines: 1/N and 1/N². Means over data sets, bars are one standard error."
    )
    alt = "Two straight rows of points on log-log axes, one along 1/N, one along 1/N²; they bend off at small N."
    return Picture("laplace", caption, alt, figure)


def _range(places: Sequence[Place]) -> NDArray[np.float64]:
    return np.geomspace(places[0].alpha, places[-1].alpha, 161)
