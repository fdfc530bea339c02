"""Costs, crossovers and exact laws of `bench.trajectories`, on sizes that take seconds."""

import math
from dataclasses import replace

import numpy as np
import pytest
from tables import every

from bench import trajectories, trajectory_covariance, trajectory_means
from bench.trajectory_costs import Check, Comparison, Cost, Crossover, Effort, crossing, crossover
from bench.trajectory_covariance import (
    BASE,
    bias,
    check,
    euler_law,
    longest_euler,
    of_sde,
    of_sgd,
    sde_simulators,
    spread,
)
from bench.trajectory_means import MAPS

TINY = Effort(rounds=2, turn=1e-3, spread=1e-3, relaxations=10, timed_paths=128, mean_paths=1024, batches=(1, 8))


LONG = pytest.mark.slow("a hundred trajectories of everything that is compared")


@every(
    ("ratios", "expected"),
    [
        ([0.5, 2.0, 8.0], 2.0),  # halfway between 1 and 4 in the logarithm
        ([0.25, 0.5, 4.0], 4 * 4 ** (1 / 3)),
        ([2.0, 3.0, 4.0], 0.0),
        ([0.2, 0.3, 0.4], math.inf),
        ([2.0, 0.5, 2.0], 8.0),  # for good, not for the first time
        ([0.5, 1.0, 4.0], 4.0),
    ],
)
def test_crossing_is_interpolated_in_logarithms(ratios, expected):
    assert crossing([1, 4, 16], ratios) == pytest.approx(expected)


def test_crossing_needs_a_ratio_for_each_batch_size():
    with pytest.raises(ValueError, match="got 2 and 3"):
        crossing([1, 2, 4], [1.0, 2.0])


def _costs(prices_by_batch, bias=0.0):
    return {b: Cost("x", tuple(prices), 1e6, bias) for b, prices in prices_by_batch.items()}


def test_crossover_is_the_median_over_rounds_with_their_range():
    sgd = _costs({1: (1.0, 1.0, 1.0), 4: (4.0, 4.0, 4.0), 16: (16.0, 16.0, 16.0)})
    found = crossover(sgd, _costs(dict.fromkeys(sgd, (2.0, 3.0, 8.0)), bias=0.02))
    assert (found.batch, found.low, found.high) == pytest.approx((3.0, 2.0, 8.0))
    assert str(found) == "3 (2–8)*"


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Crossover(0, 0, 0, 0.0), "always"),
        (Crossover(math.inf, math.inf, math.inf, -0.02), "never*"),
        (Crossover(0, 0, 1.5, 0.0), "<1–1.5"),
        (Crossover(1.2, 0, math.inf, 0.0), "1.2 (<1–never)"),
    ],
)
def test_crossovers_outside_what_was_run_are_named(found, text):
    assert str(found) == text


def test_one_euler_step_for_each_update_has_the_covariance_of_sgd():
    assert bias(euler_law(BASE, 1.0), BASE.law("sgd")) == pytest.approx(0, abs=1e-12)
    assert bias(euler_law(BASE, 1e-6), BASE.law("sde")) == pytest.approx(0, abs=1e-6)


def test_the_longest_euler_step_is_the_last_within_the_bound():
    setting = replace(BASE, learning_rate=0.01)
    step = longest_euler(setting)
    assert abs(bias(euler_law(setting, step), setting.law("sgd"))) <= 0.01
    assert abs(bias(euler_law(setting, step + 1), setting.law("sgd"))) > 0.01


def test_path_steps_to_an_error_are_those_of_an_autoregression():
    """Relative variance of the covariance of x' = (1 − ε)x + noise: 2(1 + ρ²)/(1 − ρ²) a step, ρ = 1 − ε."""
    effort = replace(TINY, spread=0.05, relaxations=40)
    steps, found = spread("x", of_sde(BASE, "euler_maruyama", 1.0), effort)
    assert found.met
    assert steps == pytest.approx(1e4 * 2 * (1 + 0.81) / (1 - 0.81), rel=0.2)


def test_a_wrong_law_is_missed():
    simulator = of_sgd(BASE, 8, "without_replacement")
    start = np.random.default_rng(1).normal(0, math.sqrt(simulator.law[0, 0]), (2048, 1))
    ensemble = simulator.run(start, 500, 2048, burn_in=100)
    assert check("right", ensemble, simulator.law).met
    assert not check("temperature 10 % off", ensemble, 1.1 * simulator.law).met


def test_mean_trajectories_by_recursion():
    noiseless = trajectory_means.expected("weak_taylor_2", 1 / 64, 0.0)
    growth = np.exp(2 * np.array(trajectory_means.TIMES)) * trajectory_means.START**2
    exact = np.sqrt(growth / (1 - trajectory_means.START**2 + growth))  # of dx/ds = x − x³
    np.testing.assert_allclose(noiseless, exact, rtol=1e-4)
    config = trajectory_means.config_of(1, "with_replacement")
    extrapolated = 2 * trajectory_means.expected("euler_maruyama", 1 / 256, config.temperature)
    extrapolated -= trajectory_means.expected("euler_maruyama", 1 / 128, config.temperature)
    np.testing.assert_allclose(trajectory_means.sde_law(config), extrapolated, rtol=1e-4)


def _comparison(z):
    sgd = {sampling: _costs({1: (1.0,), 4: (4.0,)}) for sampling in ("without_replacement", "reshuffle")}
    sde = {"SDE exact_ou, 10 updates a step": {s: _costs({1: (2.0,), 4: (2.0,)}, 0.02) for s in sgd}}
    return Comparison("a setting", sgd, sde, (Check("SGD 4", z, 0.03),), cores=2.0)


@pytest.mark.parametrize(("z", "status", "word"), [(1.0, 0, "met "), (-5.0, 1, "MISSED SGD 4: -5.0 standard errors")])
def test_tables_figure_and_exit_status(z, status, word, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(trajectory_covariance, "compare", lambda setting, effort: _comparison(z))
    monkeypatch.setattr(trajectory_means, "compare", lambda effort: [_comparison(0.0)])
    assert trajectories.main(["--quick", "--rounds", "1", "--out", str(tmp_path)]) == status
    printed = capsys.readouterr().out
    assert word in printed
    assert "SDE exact_ou, 10 updates a step" in printed
    assert printed.count("2*") >= 2
    assert (tmp_path / "trajectories.png").stat().st_size > 1000


@LONG
def test_comparisons_measure_what_they_list(monkeypatch):
    monkeypatch.setattr(trajectory_covariance, "SAMPLINGS", ("without_replacement",))
    names = {"SDE one": ("euler_maruyama", 1.0), "SDE ten": ("exact_ou", 10.0)}
    some = {name: of_sde(BASE, *step) for name, step in names.items()}
    monkeypatch.setattr(trajectory_covariance, "sde_simulators", lambda setting: some)
    found = trajectory_covariance.compare(BASE, TINY)
    assert set(found.sgd) == {"without_replacement"}
    assert [each.met for each in found.checks] == [True] * 4
    one, ten = (found.sde[name]["without_replacement"] for name in names)
    assert one[8].bias == pytest.approx(0, abs=1e-12)
    assert ten[1].bias == pytest.approx(-0.05)  # 1 − εh/2 of SGD's
    assert 0 < ten[8].milliseconds < found.sgd["without_replacement"][8].milliseconds


def test_simulators_fit_the_setting():
    assert set(sde_simulators(BASE)) == {
        "SDE euler_maruyama, 1 update a step", "SDE weak_euler, 1 update a step",
        "SDE leimkuhler_matthews, 10 updates a step", "SDE exact_ou, 10 updates a step",
    }  # fmt: skip
    with_momentum = sde_simulators(replace(BASE, momentum=0.9))
    assert {"SDE baoab, 1 update a step", "SDE euler_maruyama, 10 steps an update"} < set(with_momentum)
    assert of_sgd(BASE, 8, "reshuffle").whole == 128


@LONG
def test_mean_trajectories_measure_what_they_list(monkeypatch):
    monkeypatch.setattr(trajectory_means, "INDEPENDENT", ("with_replacement",))
    monkeypatch.setattr(trajectory_means, "MAPS", {name: MAPS[name] for name in ("euler_maruyama", "weak_taylor_2")})
    found = trajectory_means.compare(replace(TINY, batches=(8,)))
    assert len(found) == len(trajectory_means.TIMES)
    assert all(each.met for each in found[0].checks)
    for comparison in found:
        assert comparison.sde["SDE euler_maruyama, 1 update a step"]["with_replacement"][8].bias == 0
        assert set(comparison.sgd) == {"with_replacement"}
