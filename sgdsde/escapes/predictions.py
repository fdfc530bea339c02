"""What theory says about a mean exit time, method by method, and why a method says nothing."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde import theory
from sgdsde.config import SGDConfig
from sgdsde.escapes.saddles import Pass
from sgdsde.landscapes import Landscape
from sgdsde.layout import one_line
from sgdsde.theory.fokker_planck.discretised import BoxWarning, CellWarning
from sgdsde.theory.fokker_planck.extrapolation import extrapolated

Array = NDArray[np.float64]
Stop = str | Mapping[str, str]

#: Method → its name in tables and pictures.
METHODS = {"exact": "exact", "fokker_planck": "Fokker–Planck", "kramers": "Kramers"}
LEAST_BARRIER = 2.0  # in units of TF/2: Kramers' formula is for weak noise
LINE = 33  # noise scales of a line
CELLS, MOST_CELLS = 64, 160  # of the coarser grid, along an axis
ACCURATE = 0.01  # change of the mean time from a grid to one twice as fine
ROOM = 1.35  # a box that is too small is enlarged so
GROWTHS = 6


@dataclass(frozen=True, eq=False)
class Predictions:
    """Mean exit times of the overdamped SDE by theory.

    Attributes
    ----------
    updates : dict of (k,)
        Method → mean exit time in updates, one for each noise scale; NaN where it cannot be had. Methods are those of
        :data:`METHODS`.
    lines : dict of ((n,), (n,))
        Method → noise scales g in between, and the mean exit times there.
    absent : dict of str
        Method → why it says nothing, or not for every noise scale.
    passes : tuple of Pass
        Minimum and saddles of Kramers' formula.
    """

    updates: Mapping[str, Array]
    lines: Mapping[str, tuple[Array, Array]]
    absent: Mapping[str, str]
    passes: tuple[Pass, ...]

    __repr__ = one_line


def predict(
    landscape: Landscape,
    configs: Sequence[SGDConfig],
    w0: Array,
    stop: Stop,
    passes: tuple[Pass, ...] | str,
    boxes: Sequence[Array | None],
    enlarge: bool,
) -> Predictions:
    """Ask every method.

    Parameters
    ----------
    landscape : Landscape
        With the weight decay of the runs, if any, in its loss.
    configs : sequence of SGDConfig
        They differ in g alone.
    w0 : (d,)
        Outside of `stop`.
    stop : str or mapping
        Where paths end.
    passes : tuple of Pass, or str
        The saddles, or why there are none.
    boxes : sequence of (2, 2) or None
        One for each config that holds its paths; None where none is known.
    enlarge : bool
        Whether a box may be made larger.
    """
    update, n = configs[0].mean_loss_time_per_update, configs[0].n_examples
    temperatures = np.array([config.temperature for config in configs])
    fine = np.geomspace(temperatures.min(), temperatures.max(), LINE) if len(configs) > 1 else temperatures
    found, lines, absent = {}, {}, {}

    def ask(method: str, time: Callable[[float, int], float], continuous: bool) -> None:
        values, why = _each(time, temperatures)
        if np.isfinite(values).any():
            found[method] = values / update
            if continuous:
                lines[method] = fine * n, _each(time, fine)[0] / update
        if why:
            silent = [f"{config.batch_size}" for config, value in zip(configs, values, strict=True) if np.isnan(value)]
            absent[method] = why if method not in found else f"not at B = {', '.join(silent)}: {why}"

    if landscape.dimension == 1:
        ask("exact", lambda T, _: theory.mean_exit_time(landscape, T, float(w0[0]), stop=stop), True)
    elif landscape.dimension == 2:
        ask("fokker_planck", lambda T, k: _by_fokker_planck(landscape, T, w0, stop, boxes[k], enlarge), False)
    else:
        absent["exact"] = f"there is a method for one and two variables, not for {landscape.dimension}"
    if isinstance(passes, str):
        absent["kramers"], passes = passes, ()
    else:
        chosen = passes
        ask("kramers", lambda T, _: 1 / sum(1 / each.time(landscape, T, LEAST_BARRIER) for each in chosen), True)
    return Predictions(found, lines, absent, passes)


def _each(time: Callable[[float, int], float], temperatures: Array) -> tuple[Array, str]:
    """The time at every temperature, NaN and the reason where there is none."""
    values, why = np.full(len(temperatures), np.nan), ""
    for k, temperature in enumerate(temperatures):
        try:
            values[k] = time(float(temperature), k)
        except ValueError as error:
            why = why or str(error)
    return values, why


def _by_fokker_planck(
    landscape: Landscape, temperature: float, w0: Array, stop: Stop, box: Array | None, enlarge: bool
) -> float:
    """By Richardson's extrapolation on a box that holds the paths, with cells that resolve wells and barriers."""
    if box is None:
        raise ValueError("no path has shown where the box of the Fokker–Planck equation should be; give box")
    absorbing = [stop] if isinstance(stop, str) else list(stop.values())
    cells, walls, centre = CELLS, box, box.mean(axis=1, keepdims=True)

    def time(number: int) -> ArrayLike:
        equation = theory.FokkerPlanck(landscape, temperature, walls, number, absorbing=absorbing)
        return equation.interpolate(equation.mean_exit_times(), w0)

    for _ in range(GROWTHS):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            value, change = extrapolated(time, cells)
        small = any(issubclass(warning.category, BoxWarning) for warning in caught)
        coarse = any(issubclass(warning.category, CellWarning) for warning in caught)
        if small and not enlarge:
            raise ValueError(f"paths reach the walls of box = {walls.tolist()}; give a larger one")
        if not (small or coarse or change > ACCURATE * value):
            return float(value)
        if small:
            walls = centre + ROOM * (walls - centre)
        elif cells == MOST_CELLS:
            raise ValueError(f"{2 * cells} cells along an axis do not resolve the mean exit time in the box")
        else:
            cells = min(round(1.6 * cells), MOST_CELLS)
    raise ValueError("no box was found that holds the paths and is resolved; give one as box")
