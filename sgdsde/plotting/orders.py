"""Orders of convergence: measured beside declared ones, a row for each scheme; and the errors behind them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from sgdsde.plotting.style import bare_figure, house_style, looks, plain_log_ticks
from sgdsde.statistics import Order


@dataclass(frozen=True)
class MeasuredOrder:
    """``measured`` with its 95 % interval to each side, on a problem, and what the scheme declares there."""

    scheme: str
    which: str
    problem: str
    declared: float
    measured: float
    half_width: float


def orders_chart(rows: Sequence[MeasuredOrder]) -> Figure:
    """Draw strong and weak orders in two panels; a tick is declared, a point with its interval is measured.

    Parameters
    ----------
    rows : sequence of MeasuredOrder
        Finite orders, in any sequence.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = orders_chart([MeasuredOrder("euler_maruyama", "strong", "sinh", 0.5, 0.52, 0.04)])
    >>> [axes.get_title("left") for axes in figure.axes]
    ['strong order', 'weak order']
    """
    schemes = sorted({row.scheme for row in rows}, reverse=True)
    problems = list(dict.fromkeys(row.problem for row in rows))
    with house_style():
        figure = bare_figure(9.0, 1.6 + 0.3 * len(schemes))
        panels = figure.subplots(1, 2, sharey=True)
        styles = dict(zip(problems, looks(), strict=False))
        for axes, which in zip(panels, ("strong", "weak"), strict=True):
            shown = [row for row in rows if row.which == which]
            for row in shown:
                place = schemes.index(row.scheme)
                shift = 0.5 * (problems.index(row.problem) + 0.5) / len(problems) - 0.25
                color, marker = styles[row.problem]
                axes.plot([row.declared] * 2, [place - 0.4, place + 0.4], color="0.6", linewidth=2, zorder=1)
                axes.errorbar(
                    row.measured, place + shift, xerr=row.half_width, fmt=marker, color=color, markersize=4,
                    capsize=2, linewidth=1,
                )  # fmt: skip
            axes.set_title(f"{which} order")
            axes.set_xlabel("order in the step Δ")
            axes.set_xlim(0, 2.6)
            axes.set_yticks(range(len(schemes)), schemes)
            axes.set_ylim(-0.7, len(schemes) - 0.3)
        for problem in problems:
            color, marker = styles[problem]
            panels[0].plot([], [], marker, color=color, markersize=4, label=problem)
        panels[0].plot([], [], color="0.6", linewidth=2, label="declared")
        figure.legend(loc="outside lower center", ncols=4)
    return figure


def convergence_chart(orders: Mapping[str, Order], error: str = "error") -> Figure:
    """Draw errors against step sizes, with bars of one standard error and the fitted lines.

    Parameters
    ----------
    orders : mapping of str to Order
        A name for each measured order; points left out of the fit are hollow.
    error : str
        Name of the vertical axis.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from sgdsde.statistics import fit_order
    >>> figure = convergence_chart({"mine": fit_order([0.5, 0.25, 0.125], [0.5, 0.24, 0.13], 0.001)})
    >>> figure.axes[0].get_xlabel()
    'step Δ'
    """
    with house_style():
        figure = bare_figure(7.0, 4.8)
        axes = figure.subplots()
        for (name, order), (color, marker) in zip(orders.items(), looks(), strict=False):
            error_shown = order.standard_error
            digits = max(2, math.ceil(-math.log10(error_shown))) if error_shown > 0 else 2
            label = f"{name}: order {order.slope:.{digits}f} ± {error_shown:.{digits}f}"
            size = np.abs(order.errors)
            for shown, fill in ((order.used, color), (~order.used, "white")):
                axes.errorbar(
                    order.step_sizes[shown], size[shown], yerr=order.standard_errors[shown], fmt=marker, color=color,
                    markerfacecolor=fill, capsize=2, linewidth=1, label=label if fill == color else None,
                )  # fmt: skip
            if order.determined:
                fine = np.geomspace(order.step_sizes.min(), order.step_sizes.max(), 60)
                axes.plot(fine, order.line(fine), color=color, linewidth=1)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("step Δ")
        axes.set_ylabel(error)
        plain_log_ticks(axes.xaxis)
        axes.legend()
    return figure
