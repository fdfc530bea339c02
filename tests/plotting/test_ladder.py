"""The chart of a ladder shows what it is given."""

import numpy as np
import pytest

import sgdsde as sg
from sgdsde.plotting import ladder_chart, png

SMALL = {"updates": 6, "paths": 128, "substeps": 4, "engine": "numpy"}


@pytest.fixture(scope="module")
def found():
    bowl = sg.Landscape("x**2/2 + y**2/2", "x y", noise_covariance=[["1", "0"], ["0", "4"]])
    return sg.ladder(bowl, sg.SGDConfig(0.8, batch_size=1, n_examples=64), [0, 0], svag=(1, 4), **SMALL)


@pytest.mark.parametrize("parameter", [None, "y"])
def test_a_point_for_each_rung_where_its_distance_is(found, parameter):
    laws, *panels = ladder_chart(found, parameter).axes
    name, column = parameter or "x", 1 if parameter else 0
    assert laws.get_xlabel() == f"parameter {name}"
    assert list(laws.get_legend_handles_labels()[1]) == ["SDE", "SGD", "SVAG(4)", "noisy GD"]
    assert panels[2].get_title("left") == f"W1 of {name}"
    for axes in panels:
        assert len(axes.containers) == len(found.rungs) - 1
        assert axes.get_yscale() == axes.get_xscale() == "log"
    drawn = {tuple(container.lines[0].get_xydata()[0]) for container in panels[2].containers}
    for rung in found.rungs[:-1]:
        value = max(rung.distances.wasserstein1.value[column], panels[2].get_ylim()[0])
        assert any(np.allclose(point, (rung.steps, value)) for point in drawn), rung.label


def test_hollow_is_no_more_than_chance(found):
    axes = ladder_chart(found).axes[1]
    rungs = [found[label] for label in ("SGD", "SVAG(1)", "SVAG(4)", "noisy GD", "SDE, 2 steps")]
    for rung, container in zip(rungs, axes.containers, strict=True):
        hollow = container.lines[0].get_markerfacecolor() == "white"
        assert hollow == (rung.distances.mean_distance.excess <= 6), rung.label


def test_with_momentum_and_as_png():
    config = sg.SGDConfig(0.1, batch_size=1, n_examples=64, momentum=0.9)
    figure = ladder_chart(sg.ladder(sg.Landscape("x**2/2", "x"), config, 0.0, **SMALL))
    assert figure.axes[0].get_legend_handles_labels()[1] == ["SDE", "SGD", "noisy GD", "momentum SDE"]
    assert [line.get_marker() for line in figure.axes[1].lines if not len(line.get_xdata())] == ["o", "s", "D", "o"]
    assert png(figure, dpi=40).startswith(b"\x89PNG")


def test_parameters_are_named(found):
    with pytest.raises(ValueError, match="parameter must be one of x, y, got 'z'"):
        ladder_chart(found, "z")
