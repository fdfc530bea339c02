"""Ensembles side by side: what a path does, and how all of them are distributed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from sgdsde.ensemble import Ensemble
from sgdsde.layout import one_line
from sgdsde.observations import Histogram
from sgdsde.plotting.saved import track_of
from sgdsde.plotting.style import bare_figure, house_style, looks

Array = NDArray[np.float64]

BINS = 31
ROWS = 4  # parameters drawn


@dataclass(frozen=True, eq=False)
class Shown:
    """One ensemble of the picture.

    Attributes
    ----------
    label : str
    ensemble : Ensemble
        Its histogram of a parameter, where the run observed one (``observe=Observe(histogram={…})``), is that
        parameter's distribution; else its snapshots after `burn_in` are (the final states when none were saved). When
        reshuffling, let `save_every` and N/B have no common factor, or only some positions in the epoch are seen. Of a
        run with `stop` it is that of the paths still inside, and integrates to the fraction that is.
    mean, covariance : (d,), (d, d) or None
        The predicted Gaussian law, drawn as a line.
    path : Ensemble or None
        A short run with snapshots, whose path 0 is drawn against the updates, to where it ended if it has.
    density : callable or None
        x (n,) → predicted probability density (n,), drawn as a line in place of the Gaussian law, of an ensemble with
        one parameter; such as :func:`sgdsde.theory.stationary_density` gives.
    """

    label: str
    ensemble: Ensemble
    mean: ArrayLike | None = None
    covariance: ArrayLike | None = None
    path: Ensemble | None = None
    density: Callable[[Array], ArrayLike] | None = None

    __repr__ = one_line


def side_by_side(shown: Sequence[Shown]) -> Figure:
    """Draw one path of each ensemble, and beside it the distribution of all, with the predicted laws as lines.

    Parameters
    ----------
    shown : sequence of Shown
        One colour and marker each, of the same parameters. Diverged paths are left out.

    Returns
    -------
    matplotlib.figure.Figure
        One row for each parameter, the first four.

    Raises
    ------
    ValueError
        When there is nothing to draw, the ensembles' parameters differ, or a density is of more than one.

    Examples
    --------
    >>> import sgdsde as sg
    >>> config = sg.SGDConfig(0.1, batch_size=4, n_examples=64)
    >>> sgd = sg.simulate_sgd(sg.Landscape("x**2/2", "x"), config, 0.0, updates=100, paths=64, save_every=10)
    >>> [axes.get_xlabel() for axes in side_by_side([Shown("SGD", sgd, [0.0], [[0.0125]], sgd)]).axes]
    ['update', 'probability density']
    """
    if not shown:
        raise ValueError("shown must hold at least one ensemble, got none")
    names = shown[0].ensemble.parameters
    for item in shown:
        if item.ensemble.parameters != names:
            raise ValueError(f"shown must have the same parameters, got {names} and {item.ensemble.parameters}")
        if item.density is not None and len(names) > 1:
            raise ValueError(f"shown: density of {item.label} must be left out with more parameters than one: {names}")
        if not item.ensemble.finite.any():
            raise ValueError(f"shown: all paths of {item.label} diverged, nothing is left to draw")
        if _observed(item.ensemble, 0) is None and not np.isfinite(_samples(item.ensemble, 0)).any():
            raise ValueError(f"shown: all paths of {item.label} have ended, nothing is left to draw")
    rows = min(len(names), ROWS)
    with house_style():
        figure = bare_figure(9.0, 0.6 + 3.2 * rows)
        grid = figure.subplots(rows, 2, sharey="row", squeeze=False, width_ratios=[1.6, 1.0])
        for row, (left, right) in enumerate(grid):
            seen = [_observed(item.ensemble, row) for item in shown]
            samples = [_samples(each.ensemble, row) for each, found in zip(shown, seen, strict=True) if found is None]
            of_samples = iter([(values, _edges(samples)) for values in samples])
            densities = [_of_histogram(found) if found else _of_samples(*next(of_samples)) for found in seen]
            edges = np.array([min(each.edges[0] for each in densities), max(each.edges[-1] for each in densities)])
            for item, density, (colour, marker) in zip(shown, densities, looks(), strict=False):
                _draw_path(left, item, row, colour)
                _draw_law(right, item, row, edges, colour)
                _draw_density(right, density, color=colour, marker=marker, label=item.label)
            left.set(ylabel=f"parameter {names[row]}", ylim=(edges[0], edges[-1]))
            right.set_xlim(left=0.0)
        grid[-1, 0].set_xlabel("update")
        grid[-1, 1].set_xlabel("probability density")
        grid[0, 0].set_title("one path of each")
        grid[0, 1].set_title(_title(shown))
        figure.legend(*grid[0, 1].get_legend_handles_labels(), loc="outside upper left", ncols=len(shown))
        return figure


def _title(shown: Sequence[Shown]) -> str:
    which = "all paths" if all(item.ensemble.exits is None for item in shown) else "paths still inside"
    return f"{which}: measured, and predicted" if any(_predicted(item) for item in shown) else which


def _predicted(item: Shown) -> bool:
    return item.covariance is not None or item.density is not None


def _samples(ensemble: Ensemble, row: int) -> Array:
    """(paths, samples) of one parameter, finite paths only; NaN where a path has ended."""
    if not ensemble.save_every:
        inside = True if ensemble.exits is None else ~ensemble.exits.ended
        return np.asarray(np.where(inside, ensemble.final[:, row], np.nan)[ensemble.finite, None])
    updates = ensemble.saved_updates
    # at equal intervals, so that no position in an epoch counts more than another
    regular = np.flatnonzero((updates >= ensemble.burn_in) & (updates % ensemble.save_every == 0))
    kept = ensemble.snapshots[regular if len(regular) else [-1]][:, ensemble.finite, row]
    return np.asarray(kept.T)


def _edges(samples: Sequence[Array]) -> Array:
    """Bins that hold all but the outermost thousandths of the widest distribution."""
    ends = np.array([np.nanquantile(values, [0.0005, 0.9995]) for values in samples])
    low, high = float(ends[:, 0].min()), float(ends[:, 1].max())
    margin = 0.04 * (high - low) or 1e-3 * (1.0 + abs(low))
    return np.linspace(low - margin, high + margin, BINS + 1)


@dataclass(frozen=True)
class _Density:
    """Probability density in bins (n,), between edges (n + 1,), with standard errors, None where there are none."""

    edges: Array
    value: Array
    error: Array | None


def _observed(ensemble: Ensemble, row: int) -> Histogram | None:
    """What the run itself counted of a parameter."""
    if ensemble.observations is None:
        return None
    found: Histogram | None = ensemble.observations.histograms.get(ensemble.parameters[row])
    return found


def _of_histogram(found: Histogram) -> _Density:
    value, error = np.asarray(found.density.value), np.asarray(found.density.standard_error)
    return _Density(found.edges[0], value, error if np.isfinite(error).all() else None)


def _of_samples(values: Array, edges: Array) -> _Density:
    """The density of values (paths, samples); errors from the spread over paths, each an independent sample."""
    paths, samples = values.shape
    bins = np.digitize(values, edges) - 1
    inside = (bins >= 0) & (bins < BINS)
    where = np.nonzero(inside)[0] * BINS + bins[inside]
    counts = np.bincount(where, minlength=paths * BINS).reshape(paths, BINS)
    width = edges[1] - edges[0]
    density = counts.mean(axis=0) / (samples * width)
    error = counts.std(axis=0, ddof=1) / (np.sqrt(paths) * samples * width) if paths > 1 else None
    return _Density(edges, density, error)


def _draw_density(axes: Axes, density: _Density, **look: Any) -> None:
    """Points with error bars of one standard error."""
    middle, full = (density.edges[1:] + density.edges[:-1]) / 2, density.value > 0
    axes.errorbar(
        density.value[full],
        middle[full],
        xerr=None if density.error is None else density.error[full],
        linestyle="none",
        markersize=3.5,
        markerfacecolor="white",
        markeredgewidth=1.1,
        elinewidth=1.0,
        capsize=1.5,
        **look,
    )


def _draw_law(axes: Axes, item: Shown, row: int, edges: Array, colour: str) -> None:
    y = np.linspace(edges[0], edges[-1], 400)
    if item.density is not None:
        axes.plot(np.asarray(item.density(y)), y, color=colour)
        return
    if item.mean is None or item.covariance is None:
        return
    mean, variance = float(np.ravel(item.mean)[row]), float(np.atleast_2d(item.covariance)[row, row])
    if variance > 0:
        axes.plot(np.exp(-((y - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance), y, color=colour)


def _draw_path(axes: Axes, item: Shown, row: int, colour: str) -> None:
    if item.path is not None and item.path.save_every:
        times, seen, ended = track_of(item.path, 0)
        axes.plot(times, seen[:, row], color=colour, linewidth=1.1, alpha=0.85)
        if ended:
            axes.plot(times[-1], seen[-1, row], "o", color=colour, markersize=4.5, markeredgecolor="white")
