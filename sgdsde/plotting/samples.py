"""Samples of laws in the plane, over lines of equal density of the law that they should follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from sgdsde.plotting.style import COLOURS, bare_figure, house_style


def samples_over_contours(
    x: ArrayLike,
    y: ArrayLike,
    excess: ArrayLike,
    clouds: Mapping[str, ArrayLike],
    axes: tuple[str, str] = ("ω₁", "ω₂"),
    levels: Sequence[float] = (0.5, 2.0, 4.5),
) -> Figure:
    """Draw points, a panel for each entry, over lines on which −ln density is so far above its least value.

    Parameters
    ----------
    x, y : array_like, (n,) and (m,)
        Where the density is given; also the range of the panels.
    excess : array_like, (m, n)
        −ln density less its least value.
    clouds : mapping of str to (points, 2)
        By their titles.
    axes : two str
        Names of the axes.
    levels : sequence of float
        In nats; those of a normal law at 1, 2 and 3 standard deviations by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        When there are no panels, or the points of one are not in the plane.

    Examples
    --------
    >>> line = np.linspace(-4, 4, 50)
    >>> figure = samples_over_contours(line, line, (line**2 + line[:, None] ** 2) / 2, {"SGD": np.zeros((5, 2))})
    >>> figure.axes[0].get_title(loc="left")
    'SGD'
    """
    points = {title: np.asarray(cloud, dtype=np.float64) for title, cloud in clouds.items()}
    if not points or not all(cloud.ndim == 2 and cloud.shape[1] == 2 for cloud in points.values()):
        raise ValueError(f"clouds must hold arrays (points, 2), got shapes {[each.shape for each in points.values()]}")
    u, v = np.asarray(x), np.asarray(y)
    with house_style():
        figure = bare_figure(3.0 * len(points), 3.6)
        panels = figure.subplots(1, len(points), sharex=True, sharey=True, squeeze=False)[0]
        for k, (panel, (title, cloud)) in enumerate(zip(panels, points.items(), strict=True)):
            panel.plot(*cloud.T, ".", color=COLOURS[k % len(COLOURS)], markersize=2.0, alpha=0.35)
            panel.contour(u, v, excess, levels=levels, colors="#222222", linewidths=1.0)
            panel.set(title=title, xlabel=axes[0], xlim=(u[0], u[-1]), ylim=(v[0], v[-1]))
            panel.grid(visible=False)
        panels[0].set_ylabel(axes[1])
        return figure
