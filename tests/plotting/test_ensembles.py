import numpy as np
import pytest

from sgdsde import Landscape, Observe, SGDConfig, simulate_sgd
from sgdsde.plotting import Shown, png, side_by_side

CONFIG = SGDConfig(0.1, batch_size=4, n_examples=64)
BOWL = Landscape("x**2/2", "x")
VARIANCE = CONFIG.learning_rate * CONFIG.batch_noise / 1.9


@pytest.fixture(scope="module")
def sgd():
    return simulate_sgd(BOWL, CONFIG, 0.0, updates=120, paths=2000, burn_in=80, save_every=20)


def test_measured_density_lies_on_the_law_and_integrates_to_one(sgd):
    _, right = side_by_side([Shown("SGD", sgd, [0.0], [[VARIANCE]])]).axes
    points = right.containers[0]
    density, x = points.lines[0].get_data()
    law = np.exp(-(x**2) / (2 * VARIANCE)) / np.sqrt(2 * np.pi * VARIANCE)
    low, high = (segment[:, 0] for segment in np.moveaxis(points.lines[2][0].get_segments(), 1, 0))
    error = np.abs(high - low).max()
    assert np.abs(density - law).max() < 6 * error + 0.03 * law.max()
    assert np.sum(density) * (x[1] - x[0]) == pytest.approx(1.0, abs=0.01)
    (line,) = (drawn for drawn in right.lines if len(drawn.get_xdata()) == 400)
    assert line.get_xdata().max() == pytest.approx(1 / np.sqrt(2 * np.pi * VARIANCE), rel=1e-3)


def test_snapshots_of_the_burn_in_are_left_out():
    start_far = simulate_sgd(BOWL, CONFIG, 50.0, updates=300, paths=100, burn_in=200, save_every=10)
    left, _ = side_by_side([Shown("SGD", start_far)]).axes
    assert left.get_ylim()[1] < 2.0


def test_one_path_is_drawn_against_updates(sgd):
    short = simulate_sgd(BOWL, CONFIG, 0.0, updates=30, paths=1, save_every=1)
    few = simulate_sgd(BOWL, CONFIG, 0.0, updates=30, paths=1, save_every=7)
    left, _ = side_by_side([Shown("SGD", sgd, path=few)]).axes
    np.testing.assert_array_equal(left.lines[0].get_xdata(), [0, 7, 14, 21, 28, 30])
    np.testing.assert_array_equal(left.lines[0].get_ydata(), short.snapshots[[0, 7, 14, 21, 28, 30], 0, 0])
    left, right = side_by_side([Shown("SGD", sgd, path=short)]).axes
    np.testing.assert_array_equal(left.lines[0].get_xdata(), np.arange(31))
    np.testing.assert_array_equal(left.lines[0].get_ydata()[:3], short.snapshots[:3, 0, 0])
    assert (left.get_xlabel(), right.get_xlabel(), left.get_ylabel()) == (
        "update",
        "probability density",
        "parameter x",
    )


def test_paths_that_ended_are_not_in_the_distribution():
    options = {"stop": "x > 0.2", "engine": "numpy", "seed": 1}
    run = simulate_sgd(BOWL, SGDConfig(0.1, 1, 64), 0.0, 60, 200, save_every=20, burn_in=40, **options)
    left = ((run.exits.update > 40).mean() + (~run.exits.ended).mean()) / 2
    bare = simulate_sgd(BOWL, SGDConfig(0.1, 1, 64), 0.0, 60, 200, **options)
    for shown, inside in ((run, left), (bare, (~bare.exits.ended).mean())):
        assert 0.05 < inside < 0.95
        line, right = side_by_side([Shown("SGD", shown, path=run)]).axes
        density, x = right.containers[0].lines[0].get_data()
        assert density.sum() * np.diff(np.unique(x)).min() == pytest.approx(inside, abs=0.01)
        assert right.get_title("left") == "paths still inside"
        end = line.lines[0].get_xydata()[-1]
        exits = run.exits
        assert tuple(end) == ((exits.update[0], exits.point[0, 0]) if exits.ended[0] else (60, run.final[0, 0]))
    over = simulate_sgd(BOWL, SGDConfig(0.1, 1, 64), 0.0, 2000, 3, **options)
    with pytest.raises(ValueError, match="have ended"):
        side_by_side([Shown("SGD", over)])


def test_a_row_for_each_parameter():
    bowl = Landscape("x**2/2 + y**2", "x y")
    both = simulate_sgd(bowl, CONFIG, [0.0, 0.0], updates=50, paths=50)
    figure = side_by_side([Shown("SGD", both, [0, 0], np.eye(2) * 0.01)])
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == ["parameter x", "parameter y"]
    assert png(figure).startswith(b"\x89PNG")


def test_without_noise_there_is_still_a_picture():
    still = simulate_sgd(BOWL, SGDConfig(0.1, 64, 64), 0.0, updates=10, paths=1)
    assert png(side_by_side([Shown("GD", still, [0.0], [[0.0]])])).startswith(b"\x89PNG")


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
def test_what_cannot_be_drawn_is_refused(sgd):
    with pytest.raises(ValueError, match="at least one"):
        side_by_side([])
    lost = simulate_sgd(BOWL, SGDConfig(5.0, 4, 64), 1.0, updates=2000, paths=2)
    with pytest.raises(ValueError, match="diverged"):
        side_by_side([Shown("SGD", lost)])
    other = simulate_sgd(Landscape("y**2/2", "y"), CONFIG, 0.0, updates=10, paths=2)
    with pytest.raises(ValueError, match="same parameters"):
        side_by_side([Shown("SGD", sgd), Shown("other", other)])


def test_a_histogram_that_was_observed_is_drawn_in_place_of_states():
    watch = Observe(histogram={"x": (-0.5, 0.4, 12)})
    seen = simulate_sgd(BOWL, CONFIG, 0.0, updates=60, paths=300, burn_in=20, engine="numpy", observe=watch)
    plain = simulate_sgd(BOWL, CONFIG, 0.0, updates=60, paths=300, burn_in=20, engine="numpy")
    law = lambda x: np.exp(-(x**2))  # noqa: E731
    left, right = side_by_side([Shown("seen", seen, density=law), Shown("plain", plain)]).axes
    (line,) = (drawn for drawn in right.lines if len(drawn.get_xdata()) == 400)
    np.testing.assert_allclose(line.get_xdata(), law(line.get_ydata()))
    assert right.get_title(loc="left") == "all paths: measured, and predicted"
    drawn, of_states = right.containers
    share = np.asarray(seen.histograms["x"].share.value)
    density, x = drawn.lines[0].get_data()
    np.testing.assert_allclose(density, share[share > 0] / 0.075)
    np.testing.assert_allclose(x, seen.histograms["x"].centres[0][share > 0])
    bars = np.array([bar[:, 0] for bar in drawn.lines[2][0].get_segments()])
    error = np.asarray(seen.histograms["x"].density.standard_error)[share > 0]
    np.testing.assert_allclose(bars[:, 1] - bars[:, 0], 2 * error)
    assert len(of_states.lines[0].get_xdata()) > 12  # of the final states, in bins of their own
    low, high = left.get_ylim()
    assert low <= -0.5
    assert high >= 0.4
