"""Pictures of the claim ``mnist_sde``: all runs side by side, and how far each dynamics is from the SDE as ε grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from scipy import stats

from sgdsde.plotting.style import COLOURS, MARKERS, bare_figure, house_style, plain_log_ticks
from sgdsde.statistics import Distance
from validation.claim import Picture
from validation.mnist.sde.checks import STATISTICS, readings, run_label
from validation.mnist.sde.protocol import ISOTROPIC, NOISELESS, NOISY, SDE, SGD, STRONGER, SVAG, Protocol, Runs

LOOKS = dict(
    zip((SGD, SVAG, NOISY, SDE, STRONGER, ISOTROPIC, NOISELESS), zip(COLOURS, MARKERS, strict=True), strict=True)
)


def runs_picture(runs: Runs, protocol: Protocol) -> Picture:
    """Every statistic along the run at the smallest ε, one panel each, the legend in the place of the last."""
    times, rate = np.array(protocol.times), protocol.smallest
    apart = 0.1 * times[0]
    with house_style():
        figure = bare_figure(12.0, 6.0)
        panels = figure.subplots(2, 4).flatten()
        for axes, (name, statistic) in zip(panels, STATISTICS.items(), strict=False):
            for place, (run, (colour, marker)) in enumerate(LOOKS.items()):
                values = readings(runs[run, rate], name)
                if run == NOISELESS and "spread" in name:
                    continue
                # Beside each other: those that agree would else hide each other.
                axes.errorbar(
                    times + (place - 3) * apart, values.mean(axis=0), _reach(values), color=colour, marker=marker,
                    linestyle="none", markerfacecolor="none" if run in (STRONGER, ISOTROPIC, NOISELESS) else colour,
                    capsize=2, linewidth=1.2, markersize=4.5, label=run_label(protocol, run, rate),
                )  # fmt: skip
            axes.set_title(statistic.label)
            axes.set_xticks(times)
        panels[6].set_yscale("log")
        for axes in panels[3:7]:
            axes.set_xlabel("time T = εk")
        panels[-1].axis("off")
        panels[-1].legend(*panels[0].get_legend_handles_labels(), loc="center left", borderaxespad=0)
    caption = (
        f"At ε = {rate:g}, B = {protocol.batch_size}: means over replicas with 95 % intervals, from the same initial "
        "weights, at the same times (points are drawn beside each other). Filled: what should agree. Hollow: wrong "
        "noises, and no noise."
    )
    alt = "SGD, SVAG, noisy gradient descent and the SDE coincide; stronger, isotropic and no noise stand apart."
    return Picture("runs", caption, alt, figure)


def rates_picture(
    runs: Runs, protocol: Protocol, distances: Mapping[str, Sequence[tuple[Distance, Distance]]]
) -> Picture:
    """Means at the end against ε with the SDE's as a band, and distances of laws from the SDE's."""
    rates = np.array(protocol.learning_rates)
    with house_style():
        figure = bare_figure(10.5, 7.0)
        panels = figure.subplots(2, 2).flatten()
        for axes, name in zip(panels[:2], ("train_loss", "weight_spread"), strict=True):
            reference = readings(runs[SDE, protocol.smallest], name)[:, -1:]
            centre, reach = float(reference.mean()), float(_reach(reference)[0])
            axes.axhspan(centre - reach, centre + reach, color=LOOKS[SDE][0], alpha=0.25, linewidth=0, label=SDE)
            for place, run in enumerate((SGD, SVAG, NOISY)):
                values = [readings(runs[run, rate], name)[:, -1:] for rate in rates]
                bars = [float(_reach(each)[0]) for each in values]
                _draw(axes, rates, place, run, [float(each.mean()) for each in values], bars)
            axes.set_title(f"{STATISTICS[name].label}, at the end")
        for axes, title, kind in zip(panels[2:], _DISTANCES, (0, 1), strict=True):
            for place, (run, found) in enumerate(distances.items()):
                each = [pair[kind] for pair in found]
                bars = [1.96 * float(d.standard_error) for d in each]
                _draw(axes, rates, place, run, [float(d.value) for d in each], bars)
            chance = [max(float(pair[kind].noise + 4 * pair[kind].spread) for pair in column)
                      for column in zip(*distances.values(), strict=True)]  # fmt: skip
            axes.fill_between(rates, chance, color="0.9", linewidth=0, label="chance")
            axes.set_title(title)
        for axes in panels:
            axes.set_xscale("log")
            plain_log_ticks(axes.xaxis)
            axes.set_xlabel("learning rate ε, at the same noise scale g" if axes in panels[2:] else "")
        handles, labels = panels[0].get_legend_handles_labels()
        more, names = panels[2].get_legend_handles_labels()
        grey = names.index("chance")
        figure.legend([*handles, more[grey]], [*labels, names[grey]], loc="outside lower center", ncols=5)
    caption = (
        f"At T = {protocol.time:g} against ε, with B ∝ ε so that the SDE is the same for all. Above: means with 95 % "
        "intervals, the SDE's as a band. Below: distances of the laws over replicas from the SDE's, with 95 % "
        "intervals; grey: what chance alone reaches between samples of one law."
    )
    alt = "SGD and noisy gradient descent leave the SDE as ε grows at the same noise scale; SVAG stays with it."
    return Picture("rates", caption, alt, figure)


_DISTANCES = ("W1 of training losses from the SDE's", "energy distance of outputs from the SDE's")


def _draw(axes: Axes, rates: np.ndarray, place: int, run: str, values: list[float], bars: list[float]) -> None:
    """One dynamics at all ε, a little to the side."""
    colour, marker = LOOKS[run]
    label = "SVAG, as many steps as ε demands" if run == SVAG else run
    axes.errorbar(
        rates * 1.06 ** (place - 1), values, bars, color=colour, marker=marker, linestyle="-", linewidth=1.0,
        capsize=2.5, label=label,
    )  # fmt: skip


def _reach(values: np.ndarray) -> np.ndarray:
    """Half the 95 % interval of the means over replicas, (readings,), of values (replica, reading); 0 for one."""
    count = len(values)
    if count < 2:
        return np.zeros(values.shape[1])
    found: np.ndarray = stats.t.ppf(0.975, count - 1) * values.std(axis=0, ddof=1) / np.sqrt(count)
    return found
