"""Charts of orders show what they are given."""

import numpy as np

from sgdsde.plotting import MeasuredOrder, convergence_chart, orders_chart
from sgdsde.statistics import fit_order


def test_a_row_for_each_scheme_and_a_tick_for_each_order() -> None:
    rows = [
        MeasuredOrder("heun", "strong", "bent", 1.0, 1.02, 0.05),
        MeasuredOrder("heun", "weak", "sinh", 1.0, 0.97, 0.05),
        MeasuredOrder("baoab", "weak", "langevin", 2.0, 2.05, 0.1),
    ]
    strong, weak = orders_chart(rows).axes
    assert [label.get_text() for label in strong.get_yticklabels()] == ["heun", "baoab"]
    assert len(strong.containers) == 1
    assert len(weak.containers) == 2
    assert weak.containers[1].lines[0].get_xdata()[0] == 2.05


def test_left_out_points_are_hollow() -> None:
    order = fit_order([0.5, 0.25, 0.125, 0.0625], [0.5, 0.24, 0.13, 0.001], [0.01, 0.01, 0.01, 0.01])
    figure = convergence_chart({"mine": order}, error="weak error")
    axes = figure.axes[0]
    used, left = (container.lines[0] for container in axes.containers)
    assert len(used.get_xdata()) == 3
    assert left.get_markerfacecolor() == "white"
    np.testing.assert_allclose(left.get_xdata(), [0.0625])
    assert axes.get_ylabel() == "weak error"
    assert "order 1.00 ± 0.05" in axes.get_legend().get_texts()[0].get_text()


def test_small_errors_are_shown() -> None:
    order = fit_order([0.5, 0.25, 0.125, 0.0625], [0.5, 0.25, 0.125, 0.0625], 1e-5)
    (text,) = convergence_chart({"mine": order}).axes[0].get_legend().get_texts()
    assert not text.get_text().endswith("± 0.00")
