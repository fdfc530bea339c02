import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import norm

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
