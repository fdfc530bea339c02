"""`sgdsde compare` from the command line to the picture, at small sizes."""

import math

import numpy as np
import pytest
from click.testing import CliRunner

import sgdsde
from sgdsde import SGDConfig
from sgdsde.cli import app
from sgdsde.cli.compare import _save_every
from sgdsde.cli.linearised import Linearised
from sgdsde.landscapes import Landscape

RUN = ["--learning-rate", "0.1", "--batch-size", "4", "--n-examples", "64", "--updates", "200", "--paths", "256"]
SHORT = ["--engine", "numpy", "--paths", "16", "--substeps", "2"]


@pytest.fixture
def run(tmp_path):
    def run(loss, *options, status=0):
        picture = tmp_path / "new" / "out" / "compare.png"
        result = CliRunner().invoke(app, ["compare", loss, *RUN, *options, "--output", str(picture.parent)])
        assert result.exit_code == status, result.output
        assert picture.exists() == (status == 0)
        if status == 0:
            assert picture.read_bytes().startswith(b"\x89PNG")
            assert f": {picture}" in result.stdout
        return result

    return run


def said(loss, *options):
    """What is printed, where no picture is asked for: drawing it takes half of the time."""
    result = CliRunner().invoke(app, ["compare", loss, *RUN, *options])
    assert result.exit_code == 0, result.output
    return result.stdout


def table_of(output):
    """{(quantity, source): (value, predicted, standard error)} of all tables in the output."""
    found = {}
    for line in output.splitlines():
        cells = [cell for cell in line.split("  ") if cell]
        if line.startswith(("mean ", "var ", "cov ")) and len(cells) == 8:
            found[cells[0].strip(), cells[1].strip()] = float(cells[2]), float(cells[3]), float(cells[5])
    return found


def test_both_runs_agree_with_their_own_laws(run):
    found = table_of(run("x**2/2", "--w0", "0").stdout)
    temperature = 0.1 * (1 / 4 - 1 / 64)
    assert found["var x", "SDE"][1] == pytest.approx(temperature / 2, rel=1e-4)
    assert found["var x", "SGD"][1] == pytest.approx(temperature / (2 - 0.1), rel=1e-4)
    for source in ("SDE", "SGD"):
        value, predicted, error = found["var x", source]
        assert abs(value - predicted) < 5 * error + 0.002 * predicted
    assert ("var x", "SGD / SDE") in found


def test_prediction_is_at_the_minimum_that_start_leads_to():
    output = said("a*(x - b)**2", "--parameter", "a=1", "--parameter", "b=0.5", "--w0", "3", *SHORT)
    assert "linearised at ω* = (0.5)" in output


def test_named_landscape_in_two_dimensions_with_its_own_start(run):
    output = run("quadratic_2d", "--parameter", "h2=2").stdout
    assert {"var x", "cov x, y", "var y"} <= {quantity for quantity, _ in table_of(output)}
    assert "ω* = (0, 0)" in output


def test_noise_may_be_given_as_factor_or_matrix():
    plane = ["x**2/2 + y**2", "--variables", "x y", *SHORT]
    by_factor = table_of(said(*plane, "--noise-factor", "1, 0; 1, 1"))
    by_matrix = table_of(said(*plane, "--noise-covariance", "1, 1; 1, 2"))
    assert by_factor["cov x, y", "SDE"][1] == pytest.approx(by_matrix["cov x, y", "SDE"][1])
    assert table_of(said("quadratic", "--noise-factor", "2"))["var x", "SDE"][1] == pytest.approx(
        4 * 0.0117188, rel=1e-4
    )


def test_no_minimum_no_prediction(run):
    output = run("x**4/4 - x**2/2", "--w0", "0", *SHORT).stdout
    assert "No prediction" in output
    assert "SGD / SDE" in output


def test_unstable_learning_rate_is_noted_and_not_drawn(run):
    result = run("x**2/2", "--learning-rate", "5", "--updates", "2000", status=1)
    assert "Note: " in result.stdout
    assert "diverged" in result.stderr
    assert "No prediction for the SGD" in result.stdout
    assert "Traceback" not in result.output


def test_the_same_seed_gives_the_same_numbers():
    first, again = said("x**2/2"), said("x**2/2")
    assert first == again
    assert again != said("x**2/2", "--seed", "1")


def test_what_is_there_is_replaced_and_that_is_said(run):
    small = ["--engine", "numpy", "--paths", "8", "--updates", "20", "--substeps", "2"]
    first, again = (run("x**2/2", *small).stdout for _ in range(2))
    assert first.count("Written: ") == 3
    assert again.count("Replaced: ") == 3
    assert "Written" not in again


@pytest.mark.parametrize(
    ("options", "begins", "needed"),
    [
        (["--momentum", "0.999", "--updates", "40", "--substeps", "200", "--engine", "numba"], 20, 19990),
        (["--updates", "1"], 0, 100),
        (["--burn-in", "99", "--updates", "120"], 99, 100),
    ],
)
def test_a_run_that_is_too_short_is_not_judged(options, begins, needed):
    output = said("x**2/2", *SHORT, *options)
    assert (
        f"the run is too short: averages begin at update {begins}, and the start is forgotten after {needed}" in output
    )
    assert f"Take --updates {2 * needed}" in output
    judged = [line for line in output.splitlines() if line.startswith(("mean ", "var "))]
    assert len(judged) >= 6
    for line in judged:
        assert line.split()[-2] == "–"  # z


def test_a_run_that_is_long_enough_is_judged():
    output = said("x**2/2", *SHORT, "--burn-in", "100", "--updates", "120")
    assert "too short" not in output
    assert "averages from 100, 10 relaxation times" in output
    assert all(np.isfinite(float(line.split()[-2])) for line in output.splitlines() if line.startswith("var "))


def test_momentum_shows_the_sde_with_momentum(run):
    output = run("x**2/2", "--momentum", "0.9", "--paths", "64", "--updates", "400").stdout
    found = table_of(output)
    temperature = 0.1 * (1 / 4 - 1 / 64) / 0.1
    assert found["var x", "momentum SDE"][1] == pytest.approx(temperature / 2, rel=1e-4)
    value, predicted, error = found["var x", "momentum SDE"]
    assert abs(value - predicted) < 5 * error
    assert {("var x", "SGD / SDE"), ("var x", "SGD / momentum SDE")} <= found.keys()
    assert "against the SDE and the momentum SDE" in output


def test_what_the_law_takes_as_constant_is_said():
    assert "these laws take" not in said("x**2/2", *SHORT)
    assert "these laws take F(ω) to be what it is at ω*" in said("x**2/2", *SHORT, "--noise-covariance", "1 + x**2")
    assert "these laws take the curvature to be" in said("x**4/4 - x**2/2", *SHORT)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_tables_are_no_wider_than_the_terminal(width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    lines = said("x**2/2", *SHORT, "--momentum", "0.5").partition("Each against")[2].splitlines()
    assert max(map(len, lines)) <= width
    assert sum(line.startswith("quantity") for line in lines) == {60: 5, 80: 4, 120: 2}[width]


def test_reshuffled_snapshots_visit_every_position_of_the_epoch():
    for updates in (1, 49, 200, 2000, 6400):
        every = _save_every(SGDConfig(0.1, 4, 64, sampling="reshuffle"), updates)
        assert 1 <= every <= updates
        assert math.gcd(every, 16) == 1
    assert _save_every(SGDConfig(0.1, 4, 64), 6400) == 128


def test_relaxation_is_that_of_the_slowest_direction():
    bowl = Landscape("x**2/2 + 5*y**2", "x y")
    near = Linearised.near(bowl, [1.0, 1.0], SGDConfig(0.01, 4, 64, momentum=0.9))
    assert near.relaxation == pytest.approx(-2 / math.log(0.9), rel=0.01)  # underdamped
    np.testing.assert_allclose(near.at, 0, atol=1e-10)
    assert Linearised.near(bowl, [1.0, 1.0], SGDConfig(0.01, 4, 64)).relaxation == pytest.approx(100.0, rel=0.01)


def test_landscapes_and_version():
    listed = CliRunner().invoke(app, ["landscapes"])
    assert listed.exit_code == 0
    for name in sgdsde.landscapes.catalog.catalog():
        assert name in listed.stdout
    assert sgdsde.__version__ in CliRunner().invoke(app, ["--version"]).stdout
    assert "Usage" in CliRunner().invoke(app, []).stdout


def test_the_minimum_is_that_with_the_weight_decay():
    found = table_of(said("(x - 1)**2/2", "--weight-decay", "0.5"))
    for source in ("SDE", "SGD"):
        value, predicted, error = found["mean x", source]
        assert predicted == pytest.approx(2 / 3, rel=1e-5)
        assert abs(value - predicted) < 4.5 * error
