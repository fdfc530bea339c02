"""Mean exit times of a study against exact ones, Kramers' formula where it holds, and what does not fit is refused."""

import math

import numpy as np
import pytest
from scipy.special import ndtr
from tables import every

import sgdsde as sg
from sgdsde import dynamics
from sgdsde.escapes import escape_study
from sgdsde.escapes.saddles import passes_of
from sgdsde.escapes.steps import MOST_SUBSTEPS, STEP_ERROR, substeps_for
from sgdsde.exits import CensoredWarning
from sgdsde.landscapes import find_saddle
from sgdsde.plotting import survival_curves
from sgdsde.regions import parse_regions
from sgdsde.schemes import find

WELL = sg.Landscape("x**4/4 - x**2/2", "x", noise_covariance=8.0)
PLANE = sg.Landscape("x**4/4 - x**2/2 + y**2/2", "x y", noise_covariance=[["8", "0"], ["0", "8"]])
CONFIG = sg.SGDConfig(0.05, 1, 64)
SMALL = {"paths": 40, "updates": 120, "engine": "numpy"}
TESTS = 4.5  # σ: a dozen tests, each wrong once in 10⁵

pytestmark = pytest.mark.filterwarnings("ignore:none of:sgdsde.exits.CensoredWarning")


@pytest.fixture(scope="module")
def found():
    return escape_study(WELL, CONFIG, -1.0, "x > 0", batch_sizes=(1, 2), paths=4000, seed=7)


def deviation(escape, exact, slack=0.0):
    """In standard errors, after a part of the mean that is granted to the steps."""
    apart = abs(escape.time.mean - exact) - slack * exact
    return max(apart, 0.0) / escape.time.standard_error


def test_the_sde_takes_as_long_as_the_integral_says(found):
    for escape, exact in zip(found["SDE"], found.predictions.updates["exact"], strict=True):
        assert deviation(escape, exact, STEP_ERROR) < TESTS
        wrong = sg.theory.mean_exit_time(WELL, 1.2 * escape.config.temperature, -1.0, right=0.0) / 0.05
        assert deviation(escape, wrong, STEP_ERROR) > TESTS
        assert escape.step_error <= STEP_ERROR
        assert escape.ensemble.provenance["substeps"] == escape.substeps == 3


def test_sgd_takes_longer_because_it_looks_once_an_update(found):
    """As if the edge were 0.5826 √(T F ε) beyond the saddle: Φ of that in widths of the barrier, and not ½."""
    longer = 2 * ndtr(0.5826 * math.sqrt(2 * CONFIG.learning_rate))
    for escape, exact in zip(found["SGD"], found.predictions.updates["exact"], strict=True):
        assert deviation(escape, exact) > TESTS
        assert deviation(escape, longer * exact, 0.02) < TESTS


def test_table_and_dataset_say_the_same(found):
    data = found.to_xarray()
    assert data["mean_exit_time"].sel(dynamics="SGD", batch_size=2) == found["SGD"][1].time.mean
    assert data["exits"].sum() + data["censored"].sum() == 4 * 4000
    np.testing.assert_allclose(data["noise_scale"], [63 * 0.05, 31 * 0.05])
    lines = str(found).splitlines()
    assert len([line for line in lines if line.startswith(("1 ", "2 "))]) == 4
    assert f"{found['SDE'][1].time.mean:.5g} ±" in lines[4]
    assert "Kramers: not at B = 1: the barrier is only 1.27 × TF/2 high" in lines[-1]
    assert np.isnan(data["kramers"][0])
    with pytest.raises(KeyError, match="label must be one of SDE, SGD, got 'SDR'"):
        found["SDR"]


def test_it_goes_into_netcdf(found, tmp_path):
    import xarray

    found.to_xarray().to_netcdf(tmp_path / "study.nc", engine="scipy")
    with xarray.open_dataset(tmp_path / "study.nc", engine="scipy") as read:
        assert read["exact"].sel(batch_size=2) == found.predictions.updates["exact"][1]
        assert read.attrs["stop"] == "x > 0"


def test_a_run_is_the_same_in_any_company(found):
    alone = escape_study(WELL, CONFIG, -1.0, "x > 0", batch_sizes=[2], paths=4000, seed=7, dynamics=["sgd"])
    np.testing.assert_array_equal(alone["SGD"][0].ensemble.exits.update, found["SGD"][1].ensemble.exits.update)
    assert alone.labels == ("SGD",)


def test_momentum_only_changes_the_clock_of_the_sde(found):
    config = sg.SGDConfig(0.025, 1, 64, momentum=0.5)  # the same T, the same time of an update
    moving = escape_study(WELL, config, -1.0, "x > 0", paths=1000, seed=7)
    assert moving.labels == ("SDE", "momentum SDE", "SGD")
    assert moving.predictions.updates["exact"][0] == pytest.approx(found.predictions.updates["exact"][0], rel=1e-12)
    np.testing.assert_array_equal(moving["SDE"][0].ensemble.exits.update, found["SDE"][0].ensemble.exits.update[:1000])
    assert moving["momentum SDE"][0].time.mean > found["SDE"][0].time.mean  # inertia holds paths up


def test_two_variables_by_the_fokker_planck_equation():
    one = escape_study(PLANE, CONFIG, [-1.0, 0.3], "x > 0", batch_sizes=(1, 4), **SMALL)
    for config, time in zip(one.configs, one.predictions.updates["fokker_planck"], strict=True):
        assert time == pytest.approx(sg.theory.mean_exit_time(WELL, config, -1.0, right=0.0), rel=2e-3)
    half = sg.theory.eyring_kramers_time(PLANE, one.configs[1], [-1.0, 0.0], [0.0, 0.0]) / 2
    assert one.predictions.updates["kramers"][1] == pytest.approx(half)


def test_noise_that_kramers_formula_is_not_for():
    skewed = sg.Landscape(PLANE.text, "x y", noise_covariance=[["8", "3"], ["3", "5"]])
    study = escape_study(skewed, CONFIG, [-1.0, 0.0], "x > 0", paths=2000)
    assert deviation(study["SDE"][0], study.predictions.updates["fokker_planck"][0], STEP_ERROR) < TESTS
    assert "F = σ²·I" in study.predictions.absent["kramers"]


def test_what_theory_cannot_say_is_said():
    flat = sg.Landscape("x**2/2 + y**2/2", "x y", noise_factor=[["1"], ["1"]])
    study = escape_study(flat, CONFIG, [0.0, 0.0], "x > 0.05", **SMALL)
    assert not study.predictions.updates
    assert "positive definite" in study.predictions.absent["fokker_planck"]
    assert "no saddle was found" in study.predictions.absent["kramers"]
    three = sg.Landscape("x**2 + y**2 + z**2", "x y z")
    assert "not for 3" in escape_study(three, CONFIG, [0, 0, 0], "x > 0.05", **SMALL).predictions.absent["exact"]
    narrow = escape_study(PLANE, CONFIG, [-1.0, 0.0], "x > 0", box=((-1.1, 0.5), (-0.1, 0.1)), **SMALL)
    assert "give a larger one" in narrow.predictions.absent["fokker_planck"]


@pytest.mark.parametrize(
    ("stop", "temperature", "close"),
    [("x > 0", 0.005, 0.06), ("x > 0.15", 0.005, 0.04), ("x > 0.9", 0.005, 0.04), ("x > 0 or x < -3", 0.005, 0.06)],
)
def test_kramers_formula_with_the_region_beside_the_saddle(stop, temperature, close):
    """Its relative error is of the order of T F/2 over the barrier."""
    (way,) = passes_of(WELL, np.array([-1.0]), parse_regions(stop, ["x"]), np.array([[0.2]]), None)
    exact = sg.theory.mean_exit_time(WELL, temperature, -1.0, stop=stop)
    assert way.time(WELL, temperature, 2.0) == pytest.approx(exact, rel=close)
    assert way.time(WELL, temperature, 2.0) != pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize(
    ("stop", "why"),
    [
        ("x > -0.5", "end before they come to the saddle"),
        ("x > 3", "beyond the next minimum"),
        ("x + y > 0", "at a slant"),
    ],
)
def test_where_the_region_does_not_fit_kramers_formula(stop, why):
    ways = passes_of(PLANE, np.array([-1.0, 0.0]), parse_regions(stop, ["x", "y"]), np.array([[0.5, 0.0]]), None)
    if isinstance(ways, str):
        assert why in ways
    else:
        with pytest.raises(ValueError, match=why):
            ways[0].time(PLANE, 0.005, 2.0)


def test_two_saddles_share_the_escapes():
    waves = sg.Landscape("-cos(x)", "x", noise_covariance=40.0)
    stop = {"left": "x < -pi", "right": "x > pi"}
    study = escape_study(waves, sg.SGDConfig(0.05, 2, 64), 0.0, stop, paths=500, updates=3000)
    assert len(study.predictions.passes) == 2
    (exact,), (formula,) = study.predictions.updates["exact"], study.predictions.updates["kramers"]
    assert formula == pytest.approx(exact, rel=0.2)
    assert study["SDE"][0].ensemble.exits.names == ("left", "right")


def test_steps_that_are_too_long_for_the_noise_are_told():
    """Noise that all but jumps at −0.3: half as many steps see it elsewhere. Constant noise has no such run."""
    jump = sg.Landscape("x**4/4 - x**2/2", "x", noise_covariance="8 + 1500/(1 + exp(400*(x + 0.3)))")
    study = escape_study(jump, sg.SGDConfig(0.002, 1, 64), -1.0, "x > 0", paths=2000, updates=4000, seed=2)
    sde, sgd = study.escapes
    assert sde.substeps % 2 == 0
    assert abs(sde.coarser.value) > 3 * sde.coarser.standard_error
    assert math.isnan(sgd.coarser.value)
    assert f"half as many steps change its time by {sde.coarser.value:+.1%}" in str(study)
    assert study.to_xarray()["coarser"].sel(dynamics="SDE") == sde.coarser.value
    assert escape_study(WELL, CONFIG, -1.0, "x > 0", dynamics=["sde"], **SMALL).escapes[0].halved is None


def test_weight_decay_is_a_term_of_the_loss():
    decayed = sg.Landscape("x**4/4 - x**2/2 + x**2/20", "x", noise_covariance=8.0)
    config = sg.SGDConfig(0.05, 2, 64, weight_decay=0.1)
    one = escape_study(WELL, config, -0.9, "x > 0", **SMALL)
    other = escape_study(decayed, sg.SGDConfig(0.05, 2, 64), -0.9, "x > 0", **SMALL)
    np.testing.assert_allclose(one.predictions.updates["exact"], other.predictions.updates["exact"], rtol=1e-9)
    np.testing.assert_allclose(one["SGD"][0].time.mean, other["SGD"][0].time.mean, rtol=1e-9)


def test_the_saddle_may_be_given():
    study = escape_study(WELL, sg.SGDConfig(0.05, 4, 64), -1.0, "x > 0", saddle=0.1, **SMALL)
    assert study.predictions.passes[0].saddle == pytest.approx(find_saddle(WELL, near=0.1))
    assert np.isfinite(study.predictions.updates["kramers"]).all()


def test_no_path_has_ended():
    with pytest.warns(CensoredWarning):
        study = escape_study(WELL, sg.SGDConfig(0.05, 16, 64), -1.0, "x > 0", **SMALL)
    assert all(escape.time.mean == math.inf and escape.time.censored == 40 for escape in study.escapes)
    assert f"> {40 * 120 / math.log(20):.4g}" in str(study)
    assert np.isfinite(study.predictions.updates["exact"]).all()


def test_steps_of_the_sde():
    sde, momentum = find("euler_maruyama"), find("baoab")
    for scheme in (sde, momentum):
        steps = [substeps_for(scheme, CONFIG, curvature) for curvature in (0.1, 1.0, 10.0, 1e5)]
        assert [n for n, _ in steps] == sorted(n for n, _ in steps)
        assert all(error <= STEP_ERROR or n == MOST_SUBSTEPS for n, error in steps)
    assert substeps_for(sde, CONFIG, 1e5)[1] > STEP_ERROR
    assert substeps_for(dynamics.find("sgd", CONFIG).declaration(), CONFIG, 1.0)[0] == 1


@every(
    ("changed", "match"),
    [
        ({"w0": 1.0}, r"w0 must be outside of stop, where paths end; x > 0 at \[1.0\]"),
        ({"w0": [0, 0]}, "w0 must have shape"),
        ({"stop": "y > 0"}, "stop: .*y"),
        ({"stop": "x = 0"}, "stop"),
        ({"batch_sizes": "12"}, "batch_sizes must be a sequence"),
        ({"batch_sizes": ()}, "batch_sizes must hold at least one"),
        ({"batch_sizes": (1, 64)}, "batch_sizes must leave SGD some noise"),
        ({"batch_sizes": (65,)}, "batch_sizes must be at most"),
        ({"batch_sizes": (1.5,)}, "batch_sizes must be an integer"),
        ({"dynamics": ("euler",)}, "each of dynamics must be one of sde, .*, got 'euler'"),
        ({"schemes": {"sde": "rk"}}, "scheme must be one of .*, got 'rk'"),
        ({"schemes": {"sgd": "heun"}}, "schemes must be by the names of SDEs among dynamics, got 'sgd'"),
        ({"dynamics": "sgd"}, "dynamics must be a sequence"),
        ({"paths": 1}, "paths must be an integer of at least 2"),
        ({"updates": 0}, "updates must be an integer of at least 1"),
        ({"updates": 2**60}, r"updates × substeps must be at most 2\*\*53"),
        ({"saddle": [0, 0]}, "saddle must have shape"),
        ({"box": (0, 1)}, "box is for landscapes of two variables"),
        ({"seed": -1}, "seed"),
        ({"examples": "cauchy"}, "examples"),
        ({"landscape": "x**2"}, "landscape must be a Landscape"),
        ({"config": 0.1}, "config must be a SGDConfig"),
    ],
)
def test_what_is_refused(changed, match):
    arguments = {"landscape": WELL, "config": CONFIG, "w0": -1.0, "stop": "x > 0", **SMALL, **changed}
    with pytest.raises(ValueError, match=match):
        escape_study(**arguments)


def test_no_saddle_where_one_is_asked():
    with pytest.raises(ValueError, match="saddle must be near a saddle of the landscape"):
        escape_study(sg.Landscape("x**2/2", "x"), CONFIG, 0.0, "x > 1", saddle=1.0, **SMALL)
    with pytest.raises(ValueError, match="w0 must lead down to a minimum"):
        escape_study(WELL, CONFIG, 0.0, "x > 1", saddle=0.0, **SMALL)
    with pytest.raises(ValueError, match="box must be two pairs"):
        escape_study(PLANE, CONFIG, [-1.0, 0.0], "x > 0", box=((0, 1), (0, 1)), **SMALL)


@pytest.mark.filterwarnings("ignore:.*diverged:sgdsde.ensemble.DivergenceWarning")
def test_paths_that_diverged_bound_no_mean_time():
    """They leave over the other edge, where nothing ends them: a bound that takes them as still inside is wrong."""
    cliff = sg.Landscape("x**3/3 - x", "x", noise_covariance=12.0)
    config = sg.SGDConfig(0.1, 1, 64)
    found = escape_study(cliff, config, 1.0, "x > 9", paths=40, updates=60, engine="numpy")
    for escape in found.escapes:
        assert escape.ensemble.diverged
        assert not escape.time.exits
        assert not escape.known
        assert repr(escape).startswith(f"<Escape of {escape.label} at B = 1: – updates, 0 of ")
    assert "> " not in "".join(str(found).splitlines()[2:4])
    assert "Paths diverged: SDE at B = 1, SGD at B = 1." in str(found)
    table = found.to_xarray()
    for name in ("mean_exit_time", "low", "high"):
        assert table[name].isnull().all()
    assert survival_curves({"SGD": found["SGD"][0].ensemble}).axes[0].get_legend().get_texts()[0].get_text() == (
        f"SGD, without {found['SGD'][0].ensemble.diverged} paths that diverged"
    )


@pytest.mark.filterwarnings("ignore::sgdsde.exits.CensoredWarning")
def test_theory_is_not_held_against_rules_that_have_another_sde():
    found = escape_study(WELL, CONFIG, -1.0, "x > 0", dynamics=("sde", "svag", "adam", "adam_sde"), **SMALL)
    assert [escape.predicted for escape in found.escapes] == [True, True, False, False]
    assert "Theory is that of SGD's SDE, and not of adam, Adam SDE." in str(found)
    rows = {line.split("  ")[2].strip(): line for line in str(found).splitlines() if line.startswith("1 ")}
    assert " ± " in rows["SDE"].split(" of ")[1]
    assert " ± " not in rows["Adam SDE"].split(" of ")[1]
