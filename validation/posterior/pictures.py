"""The pictures of the claim ``posterior_sampling``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sgdsde.plotting import Line, Series, against_theory
from sgdsde.plotting.style import COLOURS, bare_figure, house_style
from validation.claim import Check, Picture
from validation.posterior.target import Posterior

Array = NDArray[np.float64]
#: Lines of equal C above its least value, in nats: those of a normal law at 1, 2 and 3 standard deviations.
LEVELS = (0.5, 2.0, 4.5)


def clouds_picture(posterior: Posterior, clouds: Mapping[str, Array]) -> Picture:
    """A panel for each sampler: its points (n, 2) over lines of equal posterior density."""
    centre, spread = posterior.fit.weights, np.sqrt(np.diag(posterior.exact.covariance))
    u, v = (np.linspace(centre[i] - 4.5 * spread[i], centre[i] + 4.5 * spread[i], 120) for i in range(2))
    excess = posterior.cost(np.stack(np.meshgrid(u, v), axis=-1)) - posterior.fit.cost
    with house_style():
        figure = bare_figure(9.0, 3.6)
        panels = figure.subplots(1, len(clouds), sharex=True, sharey=True, squeeze=False)[0]
        for axes, (title, points), colour in zip(panels, clouds.items(), COLOURS, strict=False):
            axes.plot(*points.T, ".", color=colour, markersize=2.0, alpha=0.35)
            axes.contour(u, v, excess, levels=LEVELS, colors="#222222", linewidths=1.0)
            axes.set(title=title, xlabel="weight of radius", xlim=(u[0], u[-1]), ylim=(v[0], v[-1]))
            axes.grid(visible=False)
        panels[0].set_ylabel("weight of concavity")
    caption = (
        "Samples over lines of equal posterior density, which a normal law would have at 1, 2 and 3 standard "
        "deviations. SGD has the learning rate of least KL."
    )
    alt = "The isotropic SDE and preconditioned SGD fill the lines; plain SGD is too long one way and thin the other."
    return Picture("samples", caption, alt, figure)


def ratios_picture(ratios: Mapping[str, tuple[Check, Check]]) -> Picture:
    """Variances along the posterior's axes in its units, by sampler."""
    series = [
        Series(
            name,
            [1 + 0.04 * (k - (len(ratios) - 1) / 2), 2 + 0.04 * (k - (len(ratios) - 1) / 2)],
            [check.measured for check in pair],
            [check.standard_error for check in pair],
            [check.predicted for check in pair],
        )
        for k, (name, pair) in enumerate(ratios.items())
    ]
    line = Line("the posterior", [0.8, 2.2], [1.0, 1.0])
    figure = against_theory(
        series, "axis of the posterior's covariance (1: narrow, 2: wide)", "variance / posterior's", [line], "linear",
        "log", columns=2,
    )  # fmt: skip
    figure.axes[1].set_xticks([1, 2])
    caption = (
        "Variance of each sampler along the posterior's narrow and wide axis, in units of the posterior's. Below: over "
        "the sampler's own exact law. Bars are one standard error."
    )
    alt = "Isotropic noise and the full preconditioner lie at 1 on both axes; noise of batches far off on both."
    return Picture("ratios", caption, alt, figure)


def divergence_picture(
    rates: Array, found: Sequence[Check], exact: tuple[Array, Array], normal: Array, preconditioned: Mapping[str, Check]
) -> Picture:
    """KL against ε: points on SGD's exact law, and levels of the preconditioned runs."""
    series = [
        Series(
            "SGD, one ε for all weights",
            rates,
            [check.measured for check in found],
            [check.standard_error for check in found],
            [check.predicted for check in found],
            *exact,
        )
    ]
    ends = np.array([exact[0][0], exact[0][-1]])
    lines = [Line("SGD for constant H and F", exact[0], normal)]
    lines += [
        Line(f"{name}: {check.measured:.4f} ± {check.standard_error:.4f}", ends, np.full(2, check.measured))
        for name, check in preconditioned.items()
    ]
    figure = against_theory(
        series, "learning rate ε", "KL(SGD ‖ posterior)   (nats)", lines, "log", "linear", columns=2
    )
    caption = (
        "How far SGD is from the posterior, against ε, and with Mandt, Hoffman & Blei's preconditioners. The line is "
        "SGD's exact law. Bars are one standard error."
    )
    return Picture(
        "divergence", caption, "A valley with its least KL at ε*; the full preconditioner is near 0.", figure
    )
