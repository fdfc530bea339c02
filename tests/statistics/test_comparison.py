import math
from types import SimpleNamespace

import numpy as np
import pytest
import xarray
from scipy.stats import norm

import sgdsde as sg
from sgdsde.statistics import Comparison, Estimate, check, compare, sigmas_for

COLUMNS = ("quantity", "source", "value", "predicted", "ratio", "standard_error", "z", "detectable")


def ensemble(label, mean, covariance, error=0.1):
    return SimpleNamespace(
        mean=np.array(mean),
        covariance=np.array(covariance),
        standard_error=SimpleNamespace(mean=np.full(2, error), covariance=np.full((2, 2), error)),
        label=label,
        parameters=("x", "y"),
    )


SDE = ensemble("SDE euler_maruyama", [0.0, 0.1], [[1.0, 0.5], [0.5, 2.0]])
SGD = ensemble("SGD", [0.3, 0.1], [[1.2, 0.5], [0.5, 2.0]])


def test_against_a_prediction():
    table = compare(SDE, SGD, predicted=[[1.0, 0.0], [0.0, 2.5]])
    assert [row.quantity for row in table.rows] == ["var x", "cov x, y", "var y"] * 2
    assert [row.source for row in table.rows] == ["SDE euler_maruyama"] * 3 + ["SGD"] * 3
    var_x, cov = table.rows[3], table.rows[4]
    assert (var_x.ratio, var_x.detectable) == (1.2, 0.4)
    assert var_x.z == pytest.approx(2.0)
    assert math.isnan(cov.ratio)
    assert (cov.z, cov.detectable) == (5.0, math.inf)
    assert not table.within(4)
    assert table.within(5)


def test_means_are_compared_when_predicted():
    table = compare(SGD, predicted_mean=[0.0, 0.1], names=["mine"])
    assert [(row.quantity, row.source) for row in table.rows] == [("mean x", "mine"), ("mean y", "mine")]
    assert [row.z for row in table.rows] == pytest.approx([3.0, 0.0])
    assert len(compare(SGD, predicted=np.eye(2), predicted_mean=0.0).rows) == 5


def test_against_each_other():
    table = compare(SDE, SGD)
    assert len(table.rows) == 5
    row = table.rows[0]
    assert (row.source, row.value, row.predicted) == ("SGD / SDE euler_maruyama", 0.3, 0.0)
    assert row.standard_error == pytest.approx(0.1 * math.sqrt(2))
    assert row.z == pytest.approx(0.3 / (0.1 * math.sqrt(2)))


def test_without_noise_there_is_right_and_wrong():
    z = [check(Estimate(v, 0.0), p, "q").rows[0].z for v, p in ((0.0, 0.0), (1.0, 1.0), (1.1, 1.0), (-1e-30, 0.0))]
    assert z == [0.0, 0.0, math.inf, -math.inf]
    rounding = check(Estimate(1e-25, 0.0), 0.0, "var x")
    assert not rounding.within()
    assert rounding.within(absolute=1e-20)


def test_an_unknown_error_never_passes():
    assert not check(Estimate(1.0, math.nan), 1.1, "q").within(1e9)


def test_arrays_are_checked_entry_by_entry():
    rows = check(Estimate(np.arange(4.0).reshape(2, 2), np.ones((2, 2))), 1.0, "F").rows
    assert [(row.quantity, row.z) for row in rows] == [("F[0, 0]", -1), ("F[0, 1]", 0), ("F[1, 0]", 1), ("F[1, 1]", 2)]


def test_table_is_aligned_and_escaped():
    table = compare(SDE, SGD, predicted=np.eye(2), names=["<b>", "a longer name"])
    lines = str(table).splitlines()
    assert tuple(lines[0].split()) == COLUMNS
    assert len({len(line) for line in lines}) == 1
    assert len(lines) == 7
    page = table._repr_html_()
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert page.count("<tr>") == 7


def test_to_xarray_has_the_columns():
    data = (compare(SDE, predicted=np.eye(2)) + compare(SGD, predicted=np.eye(2))).to_xarray()
    assert tuple(data.data_vars) == COLUMNS
    assert dict(data.sizes) == {"row": 6}
    assert float(data["value"][3]) == 1.2


@pytest.mark.parametrize("tests", [1, 12, 1000])
def test_sigmas_keep_the_level_over_all_tests(tests):
    sigmas = sigmas_for(tests, 0.01)
    assert 1 - (1 - 2 * norm.sf(sigmas)) ** tests == pytest.approx(0.01, rel=1e-9)


BOWL, CONFIG = sg.Landscape("x**2/2", "x"), sg.SGDConfig(0.1, 4, 64)
REFERENCE = {"engine": "numpy", "paths": 8, "seed": 1}


def test_a_run_that_is_too_short_has_no_z_against_a_stationary_law():
    short = sg.simulate_sgd(BOWL, CONFIG, 1.0, 60, burn_in=40, **REFERENCE)
    needed = 10 * -1 / math.log(0.9)
    assert short.settled_after == pytest.approx(10 * max(10.0, needed / 10))
    table = compare(short, predicted=0.0123, names=["SGD"])
    assert math.isnan(table.rows[0].z)
    assert table.rows[0].ratio == pytest.approx(short.covariance[0, 0] / 0.0123)
    assert not table.within(1e9)
    note = (
        "SGD has averages from burn_in = 40, and ten relaxation times are 100 updates: too short for a stationary law"
    )
    assert note in str(table)
    assert note in table._repr_html_()
    assert note in (table + table).notes[0]
    assert len((table + table).notes) == 1
    assert math.isfinite(compare(short, predicted=0.0123, stationary=False).rows[0].z)
    assert math.isfinite(compare(short, short).rows[0].z)  # of the same updates


def test_a_run_of_unknown_or_of_enough_length_is_judged():
    long = sg.simulate_sgd(BOWL, CONFIG, 1.0, 120, burn_in=100, **REFERENCE)
    spread = sg.simulate_sgd(BOWL, CONFIG, np.linspace(-1, 1, 8)[:, None], 60, **REFERENCE)  # perhaps the law itself
    ridge = sg.simulate_sgd(sg.Landscape("x**4/4 - x**2/2", "x"), CONFIG, 0.0, 60, **REFERENCE)
    decayed = sg.simulate_sgd(BOWL, CONFIG, 1.0, 60, learning_rates=np.linspace(0.1, 0.05, 60), **REFERENCE)
    own_time = sg.integrate(BOWL, 1.0, 1.0, 10, **REFERENCE)
    for ensemble in (long, spread, ridge, decayed, own_time):
        assert math.isfinite(compare(ensemble, predicted=0.0123).rows[0].z)
        assert not compare(ensemble, predicted=0.0123).notes
    assert long.settled_after == pytest.approx(100)
    assert math.isnan(spread.settled_after)


def test_momentum_and_weight_decay_are_in_the_time_to_settle():
    slow = sg.simulate_sgd(BOWL, sg.SGDConfig(0.1, 4, 64, momentum=0.999), 1.0, 20, burn_in=10, **REFERENCE)
    assert slow.settled_after == pytest.approx(-20 / math.log(0.999))
    decayed = sg.simulate_sgd(BOWL, sg.SGDConfig(0.1, 4, 64, weight_decay=1.0), 1.0, 20, **REFERENCE)
    assert decayed.settled_after == pytest.approx(50)  # of curvature 2


def test_nothing_is_relative_to_a_prediction_that_is_rounding():
    row = check(Estimate(0.3, 0.01), 1e-16, "mean x").rows[0]
    assert math.isnan(row.ratio)
    assert math.isinf(row.detectable)
    assert row.z == pytest.approx(30)
    assert str(Comparison((row,))).splitlines()[1].split() == ["mean", "x", "0.3", "1e-16", "–", "0.01", "+30.00", "–"]
    assert check(Estimate(2e-16, 1e-18), 1e-16, "tiny").rows[0].ratio == pytest.approx(2.0)
    exact = check(Estimate(0.3, 0.0), 0.4, "q")
    assert "−∞" in str(exact)
    assert not exact.within(1e9)


def test_a_comparison_is_shown_as_its_table():
    table = compare(SDE, SGD)
    assert repr(table) == str(table)
    assert table.text(40).count("quantity") > 1
    assert max(map(len, table.text(80).splitlines())) <= 80


def test_what_is_no_ensemble_is_refused_by_what_is_accepted():
    runs = xarray.Dataset({"train_loss": ("replica", [1.0, 2.0])})
    with pytest.raises(ValueError, match=r"what simulate_sde, simulate_sgd or integrate return.*Dataset, has no mean"):
        compare(runs, runs)
    with pytest.raises(ValueError, match="argument 2, of type float"):
        compare(SDE, 1.0)


def test_bad_input_is_refused_by_name():
    with pytest.raises(ValueError, match="ensembles must be at least one"):
        compare(SDE)
    with pytest.raises(ValueError, match=r"predicted must have the shape \(2, 2\)"):
        compare(SDE, predicted=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"predicted must have the shape \(2, 2\), got a number"):
        compare(SDE, predicted=1.0)
    with pytest.raises(ValueError, match=r"predicted_mean must have the shape \(2,\)"):
        compare(SDE, predicted_mean=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="names must name each of the 2"):
        compare(SDE, SGD, names=["one"])
    other = ensemble("other", [0.0, 0.0], np.eye(2))
    other.parameters = ("a", "b")
    with pytest.raises(ValueError, match="parameters of the first"):
        compare(SDE, other)
    with pytest.raises(ValueError, match="rows"):
        Comparison(())
    with pytest.raises(ValueError, match="tests must be"):
        sigmas_for(0)
    with pytest.raises(ValueError, match="level must be"):
        sigmas_for(1, 1.0)


def test_a_run_whose_paths_end_has_no_z_against_a_stationary_law():
    ending = sg.simulate_sgd(BOWL, CONFIG, 0.0, 300, stop="x > 0.1", **REFERENCE)
    table = compare(ending, predicted=0.0123, names=["SGD"])
    assert math.isnan(table.rows[0].z)
    assert "SGD has paths that end (stop): its moments are of their last states" in str(table)
    assert math.isfinite(compare(ending, predicted=0.0123, stationary=False).rows[0].z)
