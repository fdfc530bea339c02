import io
import subprocess
import sys
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.image import imread

from sgdsde.plotting import (
    Line,
    Panel,
    Series,
    against_theory,
    between_batches,
    png,
    samples_over_contours,
    stacked,
)

SERIES = Series("SGD", [1.0, 10.0], [1.1, 9.0], [0.1, 0.2], [1.0, 10.0], [1.0, 10.0], [1.0, 10.0])


def pixels(figure):
    return imread(io.BytesIO(png(figure)))


def test_points_lie_at_the_measurements_and_their_ratio_below():
    above, below = against_theory([SERIES], "B", "g").axes
    points, ratios = above.containers[0], below.containers[0]
    np.testing.assert_allclose(points.lines[0].get_ydata(), [1.1, 9.0])
    np.testing.assert_allclose(ratios.lines[0].get_ydata(), [1.1, 0.9])
    lows_and_highs = ratios.lines[2][0].get_segments()
    np.testing.assert_allclose([s[:, 1] for s in lows_and_highs], [[1.0, 1.2], [0.88, 0.92]])


def test_theory_is_a_line_and_axes_are_named():
    line = Line("a limit", [1.0, 10.0], [2.0, 2.0])
    above, below = against_theory([SERIES], "batch size B", "noise scale g", [line]).axes
    theory = [drawn for drawn in above.lines if drawn.get_linestyle() == "-" and len(drawn.get_xdata()) == 2]
    assert any(np.allclose(drawn.get_ydata(), [1.0, 10.0]) for drawn in theory)
    assert below.get_xlabel() == "batch size B"
    assert above.get_ylabel() == "noise scale g"
    assert {text.get_text() for text in above.get_legend().get_texts()} == {"SGD", "a limit"}


def test_points_in_one_place_do_not_hide_one_another():
    x = np.array([1.0, 2.0, 2.0])
    series = [Series(name, x, x * factor, x / 10, x) for name, factor in (("a", 1.0), ("b", 1.0), ("c", 3.0))]
    above, below = against_theory(series, "x", "y").axes
    sizes = [points.lines[0].get_markersize() for points in above.containers]
    assert sizes[0] > sizes[1] == sizes[2]  # c is elsewhere
    for points in above.containers:
        np.testing.assert_array_equal(points.lines[0].get_xdata(), x)
    drawn = np.sort(np.concatenate([points.lines[0].get_xdata() for points in below.containers]))
    assert (np.diff(drawn) > 0).all()
    assert np.exp(np.log(drawn[:3]).mean()) == pytest.approx(1.0)
    assert np.exp(np.log(drawn[3:]).mean()) == pytest.approx(2.0)


def test_a_prediction_may_be_zero_where_covariances_are_drawn():
    series = Series("reshuffled", [1, 2], [-1.0, 0.01], [0.1, 0.1], [-1.0, 0.0])
    assert pixels(between_batches([series], 2)).shape[1] > 1000


def test_panels_share_an_axis_and_points_without_errors_have_no_bars():
    exact = Series("exact", [1.0, 10.0], [3.0, 3.0], [0.0, 0.0], [3.0, 3.0])
    line = Line("wrong", [1.0, 10.0], [2.0, 4.0])
    figure = stacked([Panel("sharpness", [SERIES], y_scale="log"), Panel("evidence", [exact], [line])], "α")
    above, below = figure.axes
    assert (above.get_yscale(), below.get_yscale(), below.get_xlabel()) == ("log", "linear", "α")
    measured, held = above.containers[0], below.containers[0]
    assert (measured.has_yerr, held.has_yerr) == (True, False)
    assert list(held.lines[0].get_ydata()) == [3.0, 3.0]
    assert {text.get_text() for text in below.get_legend().get_texts()} == {"exact", "wrong"}
    assert pixels(figure).shape[1] > 1000
    with pytest.raises(ValueError, match="panels must hold at least one"):
        stacked([], "α")


def test_samples_lie_over_lines_of_equal_density():
    line = np.linspace(-4, 4, 50)
    clouds = {"one": np.zeros((5, 2)), "two": np.ones((3, 2))}
    figure = samples_over_contours(line, line, (line**2 + line[:, None] ** 2) / 2, clouds, ("u", "v"))
    assert [(axes.get_xlabel(), axes.get_xlim()) for axes in figure.axes] == [("u", (-4, 4))] * 2
    np.testing.assert_allclose(figure.axes[1].lines[0].get_xdata(), [1, 1, 1])
    with pytest.raises(ValueError, match=r"clouds must hold arrays \(points, 2\)"):
        samples_over_contours(line, line, np.zeros((50, 50)), {"one": np.zeros(3)})


@pytest.mark.parametrize("short", [True, False])
def test_labels_of_a_log_axis_do_not_collide(short):
    x = np.geomspace(0.2, 8.0 if short else 8e5, 5)
    figure = against_theory([Series("s", x, x, x / 10, x)], "x", "y")
    figure.canvas.draw()
    below = figure.axes[1]
    boxes = [label.get_window_extent() for label in below.get_xticklabels() if label.get_text()]
    boxes = sorted((box for box in boxes if 0 <= box.x0 <= figure.bbox.width), key=lambda box: box.x0)
    assert len(boxes) >= 3
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_pictures_do_not_depend_on_the_users_settings():
    expected = png(against_theory([SERIES], "x", "y"))
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "lines.linewidth": 9}):
        assert png(against_theory([SERIES], "x", "y")) == expected
        assert mpl.rcParams["font.size"] == 30


def test_the_same_results_give_the_same_bytes():
    assert png(against_theory([SERIES], "x", "y")) == png(against_theory([SERIES], "x", "y"))


def test_plotting_needs_neither_display_nor_pyplot():
    script = (
        "import sys; from sgdsde.plotting import Series, against_theory, png;"
        "png(against_theory([Series('s', [1], [1], [0.1], [1])], 'x', 'y'));"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, env={"PATH": "", "MPLBACKEND": "TkAgg"})
