"""What the evidence of minima weighs: cost against Occam factors, as bars."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from sgdsde.plotting.style import COLOURS, bare_figure, house_style
from sgdsde.theory import Evidence

#: So many factors have colours of their own; further ones have the last.
SHOWN = 2


def occam_chart(
    minima: Mapping[str, Mapping[str, Evidence]],
    profile: tuple[ArrayLike, ArrayLike, Mapping[str, tuple[float, float]]] | None = None,
    *,
    title: str = "",
) -> Figure:
    """Draw −ln evidence of minima by Laplace's method: cost, then −½ ln(λ_i/λ) eigenvalue by eigenvalue.

    Parameters
    ----------
    minima : mapping of str to mapping of str to Evidence
        Row → name of a minimum → its evidence, from :func:`sgdsde.theory.laplace_evidence`. Factors of the largest
        eigenvalue have a colour of their own, those of all others another.
    profile : (x, L, {name: (x, L)}), optional
        The loss along a line, and where the minima are on it: a panel on the left.
    title : str
        Above the bars.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        When there is no minimum.

    Notes
    -----
    Smith & Le, arXiv 1710.06451, eq. 2: of two minima the one with the shorter bar has the larger evidence.

    Examples
    --------
    >>> from sgdsde.theory import laplace_evidence
    >>> sharp, wide = laplace_evidence(0.0, [90.0, 30.0], 1.0), laplace_evidence(1.2, [9.0, 20.0], 1.0)
    >>> figure = occam_chart({"two weights": {"sharp": sharp, "wide": wide}})
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['sharp: 3.95', 'wide: 3.80']
    """
    if not any(minima.values()):
        raise ValueError("minima must have at least one evidence, got none")
    with house_style():
        figure = bare_figure(8.0 if profile else 5.4, 3.6)
        panels = figure.subplots(1, 2 if profile else 1, width_ratios=[1, 1.5] if profile else None, squeeze=False)[0]
        axes = panels[-1]
        widest = 0.0
        for row, group in enumerate(minima.values()):
            height = 0.8 / len(group)
            for k, (name, evidence) in enumerate(group.items()):
                at = row + height * (k - (len(group) - 1) / 2)
                # Eigenvalues ascend; the largest comes first here.
                parts = np.array([evidence.cost, *(-evidence.log_occam_factors[::-1])])
                colours = [COLOURS[min(part, SHOWN)] for part in range(len(parts))]
                axes.barh(
                    at, parts, 0.85 * height, np.cumsum(parts) - parts, color=colours, alpha=0.75, edgecolor="white"
                )  # fmt: skip
                total = float(parts.sum())
                axes.annotate(
                    f"{name}: {total:.2f}", (total, at), (5, 0), textcoords="offset points", va="center"
                )  # fmt: skip
                widest = max(widest, total)
        for colour, label in zip(COLOURS, ("cost", "½ ln(λᵢ/λ), largest λᵢ", "½ ln(λᵢ/λ), others"), strict=False):
            axes.barh(0, 0.0, color=colour, alpha=0.75, label=label)
        axes.set(xlabel="−ln evidence by Laplace  (nats)", title=title, xlim=(0, 1.2 * widest))
        axes.set_yticks(range(len(minima)), list(minima))
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.08 if title else 1.0), ncols=3, fontsize=8.5)
        if profile:
            x, loss, marks = profile
            panels[0].plot(x, loss, color="#333333")
            for name, place in marks.items():
                panels[0].plot([place[0]], [place[1]], "o", color=COLOURS[0])
                panels[0].annotate(name, place, (0, -13), textcoords="offset points", ha="center")
            panels[0].set(xlabel="x", ylabel="L")
            panels[0].margins(y=0.15)
    return figure
