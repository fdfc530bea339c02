"""How many paths are still inside, against time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sgdsde.arguments import positive
from sgdsde.ensemble import Ensemble
from sgdsde.plotting.style import COLOURS, bare_figure, house_style, outside_legend, plain_log_ticks
from sgdsde.statistics import SurvivalCurve, survival_curve

DASHES = ("--", ":", "-.")
POINTS = 400  # along a curve
SEEN = 0.6  # of a path: the bottom of the picture
#: Marks of the ends of curves.
LOOKS: dict[str, dict[str, Any]] = {"o": {"markersize": 4}, "|": {"markersize": 13, "markeredgewidth": 2.2}}


def survival_curves(
    shown: Mapping[str, Ensemble],
    exponential: Mapping[str, float] | None = None,
    *,
    confidence: float = 0.95,
    until: float | None = None,
) -> Figure:
    """Draw the fraction of paths that are still inside, on a logarithmic scale, where exponential laws are straight.

    Parameters
    ----------
    shown : mapping of str to Ensemble
        Label → ensemble that was run with `stop`.
    exponential : mapping of str to float, optional
        Label → mean exit time in updates; drawn as exp(−t/τ).
    confidence : float
        Of the bands, at each time alone.
    until : float, optional
        Updates at which the picture ends; those of the longest run by default.

    Returns
    -------
    matplotlib.figure.Figure
        Kaplan & Meier's estimates. A dot is where the last path ended; a bar is the end of a run that left paths
        inside, and the legend says so.

    Raises
    ------
    ValueError
        When there is nothing to draw, an ensemble was run without `stop`, or a mean is not positive and finite.

    Examples
    --------
    >>> import sgdsde as sg
    >>> config = sg.SGDConfig(0.1, batch_size=1, n_examples=64)
    >>> sgd = sg.simulate_sgd(sg.Landscape("x**2/2", "x"), config, 0.0, updates=500, paths=64, stop="x > 0.3")
    >>> survival_curves({"SGD": sgd}, {"τ = 80": 80.0}).axes[0].get_yscale()
    'log'
    """
    last = math.inf if until is None else positive("until", until)
    means = {label: positive(f"exponential[{label!r}]", mean) for label, mean in (exponential or {}).items()}
    if not isinstance(shown, Mapping) or not shown:
        raise ValueError(f"shown must be ensembles by their labels, such as {{'SDE': ...}}, got {shown!r}")
    for label, ensemble in shown.items():
        if ensemble.exits is None:
            raise ValueError(f"shown[{label!r}] must have been run with stop")
        if not ensemble.finite.any():
            raise ValueError(f"shown: all paths of {label} diverged, nothing is left to draw")
    curves = {label: _curve(ensemble, confidence) for label, ensemble in shown.items()}
    most = max(int(ensemble.finite.sum()) for ensemble in shown.values())
    with house_style():
        figure = bare_figure(7.6, 4.6)
        axes = figure.add_subplot()
        for (label, curve), colour in zip(curves.items(), COLOURS, strict=False):
            lost = shown[label].diverged
            _draw(axes, f"{label}, without {lost} paths that diverged" if lost else label, curve, colour)
        reach = min(last, max(float(curve.times[-1]) for curve in curves.values()))
        for (label, mean), dashes in zip(means.items(), DASHES * len(means), strict=False):
            ends = np.array([0.0, min(reach, mean * np.log(most / SEEN))])
            axes.plot(ends, np.exp(-ends / mean), color="#222222", linestyle=dashes, linewidth=1.3, label=label)
        lowest = min(float(_within(curve, reach).min()) for curve in curves.values())
        axes.set(yscale="log", ylim=(max(SEEN / most, 0.6 * lowest), 1.15), xlim=(0, 1.02 * reach))
        axes.set(xlabel="updates", ylabel="fraction of paths still inside")
        plain_log_ticks(axes.yaxis)
        for kind, said in (("o", "the last path ended"), ("|", "the run ended with paths inside")):
            begins = [float(np.asarray(each.get_xdata())[0]) for each in axes.lines if each.get_marker() == kind]
            if any(start <= reach for start in begins):
                axes.plot([], [], kind, color="#555555", label=said, **LOOKS[kind])
        outside_legend(axes, ncols=2)
    return figure


def _within(curve: SurvivalCurve, reach: float) -> NDArray[np.float64]:
    return np.asarray(curve.survival[(curve.survival > 0) & (curve.times <= reach)])


def _curve(ensemble: Ensemble, confidence: float) -> SurvivalCurve:
    assert ensemble.exits is not None
    times, ended = ensemble.exits.update[ensemble.finite], ensemble.exits.ended[ensemble.finite]
    return survival_curve(times, ended, at=POINTS, confidence=confidence)


def _draw(axes: Axes, label: str, curve: SurvivalCurve, colour: str) -> None:
    there = curve.survival > 0
    last, kind = np.flatnonzero(there)[-1], "|" if there.all() else "o"
    axes.plot(curve.times[last], curve.survival[last], kind, color=colour, **LOOKS[kind])
    axes.fill_between(
        curve.times, curve.low, curve.high, where=there, step="post", color=colour, alpha=0.2, linewidth=0
    )
    axes.step(curve.times[there], curve.survival[there], where="post", color=colour, label=label)
