"""Pictures of escape show what they are given."""

import io

import numpy as np
import pytest
from PIL import Image

import sgdsde as sg
from sgdsde.plotting import (
    committor_chart,
    density_beside_paths,
    escape_animation,
    escape_paths,
    escape_times,
    png,
    quasi_potential_chart,
    survival_curves,
)

CONFIG = sg.SGDConfig(0.1, 1, 64)
BOWL = sg.Landscape("x**2/2 + y**2", "x y")
LINE = sg.Landscape("x**2/2", "x")
STOP = "x > 0.3"
REFERENCE = {"engine": "numpy"}


@pytest.fixture(scope="module")
def ended():
    return sg.simulate_sgd(BOWL, CONFIG, [0, 0], 60, 40, save_every=1, stop=STOP, seed=1, **REFERENCE)


@pytest.fixture(scope="module")
def going_on():
    return sg.simulate_sgd(BOWL, CONFIG, [0, 0], 60, 40, save_every=5, seed=1, **REFERENCE)


@pytest.fixture(scope="module")
def line():
    options = {"save_every": 10, "seed": 1, **REFERENCE}
    return sg.simulate_sde(LINE, CONFIG, 0.0, 40, 2000, substeps=4, **options)


def test_paths_end_where_they_did(ended):
    axes = escape_paths(BOWL, {"SGD": ended, "again": ended}, STOP, paths=5, last=4).axes[0]
    assert axes.get_title("left") == "SGD: 5 of 40 paths"
    ways = [artist for artist in axes.lines if artist.get_linewidth() == 1.1 and len(artist.get_xdata()) > 1]
    assert len(ways) == 5
    for path, way in enumerate(ways):
        drawn = way.get_xydata()
        assert len(drawn) <= 5
        there = ended.exits.point[path] if ended.exits.ended[path] else ended.snapshots[-1, path]
        np.testing.assert_array_equal(drawn[-1], there)
    assert ended.exits.ended[:5].any()
    assert png(axes.figure, dpi=30).startswith(b"\x89PNG")


def test_animation_counts_those_in_the_region(going_on, ended, monkeypatch):
    titles = []
    monkeypatch.setattr("matplotlib.axes.Axes.set_title", lambda axes, text, *rest, **options: titles.append(text))
    picture = Image.open(io.BytesIO(escape_animation(BOWL, {"SGD": going_on}, STOP, frames=4, dpi=30)))
    assert picture.format == "GIF"
    assert picture.n_frames == 4
    over = [(going_on.snapshots[moment, :, 0] > 0.3).mean() for moment in (0, 4, 8, 12)]
    updates = (0, 20, 40, 60)
    assert titles == [f"SGD, update {update}: {part:.0%} over" for update, part in zip(updates, over, strict=True)]
    titles.clear()
    escape_animation(BOWL, {"SGD": ended}, STOP, frames=2, dpi=30)  # those that have ended stay over
    assert titles[-1] == f"SGD, update 60: {ended.exits.ended.mean():.0%} over"


@pytest.fixture(scope="module")
def bridged():
    """A run of the SDE, where half of the ends are crossings inside a step, whose last place is short of the edge."""
    return sg.simulate_sde(BOWL, CONFIG, [0, 0], 60, 200, substeps=2, save_every=10, stop=STOP, seed=1, **REFERENCE)


def drawn_titles(monkeypatch):
    titles = []
    monkeypatch.setattr("matplotlib.axes.Axes.set_title", lambda axes, text, *rest, **options: titles.append(text))
    return titles


def test_paths_that_crossed_inside_a_step_have_ended(bridged, monkeypatch):
    titles = drawn_titles(monkeypatch)
    short = bridged.exits.point[bridged.exits.ended, 0] <= 0.3
    assert short.mean() > 0.3
    escape_animation(BOWL, {"SDE": bridged}, STOP, frames=2, dpi=30)
    assert titles[-1] == f"SDE, update 60: {bridged.exits.ended.mean():.0%} over"
    gone = [(bridged.exits.ended & (bridged.exits.update <= update)).mean() for update in range(0, 61, 10)]
    titles.clear()
    escape_animation(BOWL, {"SDE": bridged}, "0.3 <  x", frames=7, dpi=30)  # the same region in other words
    shown = [f"SDE, update {update}: {part:.0%} over" for update, part in zip(range(0, 61, 10), gone, strict=True)]
    assert titles == shown


def test_those_that_ended_elsewhere_are_not_over(monkeypatch):
    titles = drawn_titles(monkeypatch)
    ends = {"right": "x > 0.3", "left": "x < -0.3"}
    both = sg.simulate_sde(LINE, CONFIG, 0.0, 60, 100, substeps=2, save_every=10, stop=ends, seed=1, **REFERENCE)
    right = (both.exits.region == 0).mean()
    assert 0.2 < right < 0.8
    escape_animation(LINE, {"SDE": both}, ends["right"], frames=2, dpi=30)
    assert titles[-1] == f"SDE, update 60: {right:.0%} over"
    escape_animation(LINE, {"SDE": both}, ends, frames=2, dpi=30)
    assert titles[-1] == f"SDE, update 60: {both.exits.ended.mean():.0%} over"


def test_one_variable_is_drawn_against_updates_beside_the_loss():
    ending = sg.simulate_sde(LINE, CONFIG, 0.0, 60, 40, substeps=2, save_every=1, stop=STOP, seed=1, **REFERENCE)
    profile, axes = escape_paths(LINE, {"SDE": ending}, STOP, paths=5).axes
    assert (profile.get_xlabel(), profile.get_ylabel(), axes.get_xlabel()) == ("loss", "parameter x", "updates")
    whole = [line.get_xydata() for line in axes.lines if line.get_linewidth() == 0.5]
    assert len(whole) == 5
    for path, track in enumerate(whole):
        ended = ending.exits.ended[path]
        assert tuple(track[-1]) == (
            (ending.exits.update[path], ending.exits.point[path, 0]) if ended else (60, ending.snapshots[-1, path, 0])
        )
    assert [line for line in axes.lines if line.get_linestyle() == "--" and len(line.get_xdata())]
    assert png(axes.figure, dpi=30).startswith(b"\x89PNG")
    with pytest.raises(ValueError, match=r"box must be a pair \(low, high\)"):
        escape_paths(LINE, {"SDE": ending}, STOP, box=(1, 0))


def test_a_density_is_of_those_that_have_not_ended(bridged):
    equation = sg.theory.FokkerPlanck(BOWL, CONFIG.temperature, ((-2, 2), (-1.5, 1.5)), (56, 42))
    densities = equation.evolve([0, 0], np.array([20, 60]) * CONFIG.mean_loss_time_per_update)
    figure = density_beside_paths(equation, densities, {"SDE": bridged}, [20, 60])
    for column, update in enumerate((20, 60)):
        drawn = np.asarray(figure.axes[2 + column].collections[0].get_array())
        left = 1 - (bridged.exits.ended & (bridged.exits.update <= update)).mean()
        assert drawn.sum() * equation.grid.volume == pytest.approx(left)


def test_survival_is_the_fraction_that_is_left(ended):
    axes = survival_curves({"SGD": ended}, {"exact": 80.0}).axes[0]
    curve = next(artist for artist in axes.lines if artist.get_label() == "SGD")
    times, left = curve.get_data()
    inside = [(ended.exits.update > time).mean() for time in times[:-1]]  # the last: censored paths are inside
    np.testing.assert_allclose(left[:-1], inside)
    assert 0 < left[-1] < 1
    straight = next(artist for artist in axes.lines if artist.get_label() == "exact").get_xydata()
    np.testing.assert_allclose(straight[:, 1], np.exp(-straight[:, 0] / 80))
    assert axes.get_yscale() == "log"


def test_survival_curves_say_why_they_end(ended):
    """Some paths are left at the end of the run; with `until` the picture ends before that."""
    said = [text.get_text() for text in survival_curves({"SGD": ended}).axes[0].get_legend().get_texts()]
    assert said == ["SGD", "the run ended with paths inside"]
    early = survival_curves({"SGD": ended}, until=10.0).axes[0]
    assert [text.get_text() for text in early.get_legend().get_texts()] == ["SGD"]
    assert early.get_xlim()[1] == pytest.approx(10.2)


def test_exit_times_lie_where_they_were_measured():
    well = sg.Landscape("x**4/4 - x**2/2", "x", noise_covariance=8.0)
    config = sg.SGDConfig(0.05, 1, 64)
    study = sg.escape_study(well, config, -1.0, "x > 0", batch_sizes=(1, 2), paths=40, updates=200, **REFERENCE)
    above, below = escape_times(study).axes
    assert above.get_yscale() == "log"
    for label, container in zip(study.labels * 2, above.containers + below.containers, strict=False):
        assert label in ("SDE", "SGD")
        assert container.lines[0].get_marker() in "os"
    drawn = [container.lines[0].get_ydata()[0] for container in above.containers]
    np.testing.assert_allclose(drawn, [each.time.mean for label in study.labels for each in study[label]])
    exact = study.predictions.updates["exact"]
    ratios = [container.lines[0].get_ydata()[0] for container in below.containers]
    np.testing.assert_allclose(ratios, np.array(drawn) / np.tile(exact, 2))
    assert above.child_axes[0].get_xlabel() == "batch size B"
    assert png(above.figure, dpi=30).startswith(b"\x89PNG")


def test_a_density_and_its_paths(line):
    equation = sg.theory.FokkerPlanck(LINE, CONFIG.temperature, (-2.0, 2.0), 240)
    densities = equation.evolve(0.0, np.array([10, 40]) * CONFIG.mean_loss_time_per_update)
    figure = density_beside_paths(equation, densities, {"SDE": line}, [10, 40])
    for axes, density in zip(figure.axes, densities, strict=True):
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), density)
        (points,) = axes.containers
        x, height = points.lines[0].get_data()
        error = points.lines[2][0].get_segments()
        spread = np.array([(up[1] - low[1]) / 2 for low, up in error])
        there = height * 0.0 + np.interp(x, equation.axes[0], density)
        busy = height > 0.1
        assert (np.abs(height - there)[busy] < 5 * spread[busy]).all()  # of the step: σ is off by 1 %
        assert (np.abs(height - 1.3 * there)[busy] > 5 * spread[busy]).any()


def test_a_density_in_two_variables(going_on):
    equation = sg.theory.FokkerPlanck(BOWL, CONFIG.temperature, ((-2, 2), (-1.5, 1.5)), (56, 42))
    densities = equation.evolve([0, 0], np.array([20, 60]) * CONFIG.mean_loss_time_per_update)
    figure = density_beside_paths(equation, densities, {"SGD": going_on}, [20, 60])
    theory, paths = (axes.collections[0].get_array() for axes in (figure.axes[0], figure.axes[2]))
    np.testing.assert_array_equal(np.asarray(theory), densities[0].T)
    inside = (np.abs(going_on.snapshots[4]) < [2, 1.5]).all(axis=1).mean()
    assert np.asarray(paths).sum() * equation.grid.volume == pytest.approx(inside)
    assert png(figure, dpi=30).startswith(b"\x89PNG")


def test_what_does_not_fit_is_refused(ended, going_on, line):
    equation = sg.theory.FokkerPlanck(LINE, CONFIG.temperature, (-2.0, 2.0), 240)
    density = equation.evolve(0.0, [1.0])
    space = sg.Landscape("x**2 + y**2 + z**2", "x y z")
    three = sg.simulate_sgd(space, CONFIG, [0, 0, 0], 5, 4, save_every=1, **REFERENCE)
    unsaved = sg.simulate_sgd(BOWL, CONFIG, [0, 0], 5, 4, **REFERENCE)
    for call, match in (
        (lambda: escape_paths(space, {"SGD": three}), "one or two variables, got 3: x, y, z"),
        (lambda: escape_paths(BOWL, {}), "shown must be ensembles"),
        (lambda: escape_paths(BOWL, {"SGD": unsaved}), "save_every"),
        (lambda: escape_paths(BOWL, {"SGD": ended}, box=(0, 1)), "box must be two pairs"),
        (lambda: escape_paths(BOWL, {"SGD": ended}, paths=0), "paths must be"),
        (lambda: escape_animation(BOWL, {"SGD": ended, "SDE": going_on}, STOP), "the same updates"),
        (lambda: escape_animation(BOWL, {"SGD": going_on}, STOP, rate=0), "rate must be"),
        (lambda: survival_curves({"SGD": going_on}), "run with stop"),
        (lambda: survival_curves({}), "shown must be ensembles"),
        (lambda: survival_curves({"SGD": ended}, {"exact": -1.0}), "a positive finite number"),
        (lambda: survival_curves({"SGD": ended}, until=0), "until must be"),
        (lambda: density_beside_paths(equation, density, {"SDE": line}, [10, 20]), "densities must have shape"),
        (lambda: density_beside_paths(equation, density, {"SDE": line}, [15]), "snapshots after"),
        (lambda: density_beside_paths(equation, density, {"SGD": going_on}, [10]), "1 parameters"),
    ):
        with pytest.raises(ValueError, match=match):
            call()


def test_committor_and_current_point_from_a_to_b():
    wells = sg.Landscape("x**4/4 - x**2/2 + y**2/2", "x y")
    equation = sg.theory.FokkerPlanck(wells, 0.2, ((-2, 2), (-2, 2)), (40, 30))
    found = equation.reactive_transition("x < -0.8", lambda w: w[:, 0] > 0.8)
    figure = committor_chart(found)
    left, right = figure.axes[:2]
    assert [text.get_text() for text in right.texts] == ["A", "B"]
    committor, density = (axes.collections for axes in (left, right))
    drawn = [mesh for mesh in (*committor, *density) if type(mesh).__name__ == "QuadMesh"]
    np.testing.assert_array_equal(drawn[0].get_array().ravel(), found.forward_committor.T.ravel())
    np.testing.assert_array_equal(drawn[1].get_array().ravel(), found.reactive_density.T.ravel())
    (ways,) = [lines for lines in left.collections if type(lines).__name__ == "LineCollection"]
    ends = np.concatenate(ways.get_segments())
    assert -0.9 < ends[:, 0].min() < -0.5 < 0.5 < ends[:, 0].max() < 0.9
    assert png(figure, dpi=30).startswith(b"\x89PNG")
    line = sg.theory.FokkerPlanck(sg.Landscape("x**4/4 - x**2/2", "x"), 0.2, (-2, 2), 100)
    with pytest.raises(ValueError, match="transition must be of two variables, got 1"):
        committor_chart(line.reactive_transition("x < -0.8", "x > 0.8"))


def test_quasi_potential_has_its_paths():
    field = sg.quasi_potential_field(BOWL, [0.0, 0.0], ((-1.0, 1.0), (-1.0, 1.0)), 20)
    path = sg.theory.minimum_action_path(BOWL, [0.0, 0.0], [0.6, 0.4], segments=64)
    axes = quasi_potential_chart(field, {"way up": path}).axes[0]
    np.testing.assert_array_equal(
        next(line for line in axes.lines if line.get_label() == "way up").get_xydata(), path.path
    )
    assert axes.get_title("left") == "quasi-potential V and the loss"
