"""Multilevel Monte Carlo on samplers whose means, variances and costs are known at every level."""

import math

import numpy as np
import pytest
from scipy.stats import chi2
from tables import every

from sgdsde.statistics.levels import Tally
from sgdsde.statistics.multilevel import multilevel

EXACT = 0.7


def sampler(weak=1.0, strong=2.0, growth=1.0, bias=0.5, variance=1.0, calls=None):
    """φ_l = exact + bias 2^(−weak l) + x + √variance 2^(−strong l/2) y, coarse paths with the x and y of the fine."""

    def phi(level, x, y):
        return EXACT + bias * 2.0 ** (-weak * level) + x + math.sqrt(variance) * 2.0 ** (-strong * level / 2) * y

    def sample(level, paths, seed):
        if calls is not None:
            calls.append((level, paths, seed))
        x, y = np.random.default_rng(seed).normal(size=(2, paths))
        return phi(level, x, y), phi(level - 1, x, y) if level else None, paths * 2.0 ** (growth * level)

    return sample


@pytest.mark.parametrize("strong", [1.0, 2.0])
def test_errors_are_within_the_tolerance_and_as_stated(strong):
    """Over 50 seeds: root mean square ≤ ε, and the scatter that of the standard error, at 99.9 %."""
    tolerance, runs = 0.02, 50
    found = [multilevel(sampler(strong=strong), tolerance, seed=seed) for seed in range(runs)]
    errors = np.array([run.value - EXACT for run in found])
    assert all(run.converged for run in found)
    assert math.sqrt((errors**2).mean()) <= tolerance * math.sqrt(chi2.isf(0.001, runs) / runs)
    stated = np.array([run.standard_error for run in found])
    assert (stated <= 1.01 * tolerance / math.sqrt(2)).all()
    left = [0.5 * 2.0 ** -run.levels[-1].level for run in found]  # the bias of the finest level
    squares = ((errors - left) ** 2 / stated**2).sum()
    assert chi2.ppf(0.001, runs) < squares < chi2.isf(0.001, runs)
    assert 0.9 < np.median([run.bias / b for run, b in zip(found, left, strict=True)]) < 1.5


def test_cost_grows_as_the_inverse_square_of_the_tolerance():
    """strong > growth: cost ∝ ε⁻², where plain Monte Carlo costs ε⁻³."""
    tolerances = np.array([0.04, 0.02, 0.01])
    runs = [multilevel(sampler(), tolerance, seed=1, least_paths=50) for tolerance in tolerances]
    scaled = np.array([run.cost for run in runs]) * tolerances**2
    assert scaled.max() / scaled.min() < 1.5
    assert math.log(runs[-1].cost_of_plain / runs[0].cost_of_plain, 4) == pytest.approx(3, abs=0.5)
    assert runs[-1].cost_of_plain > 5 * runs[-1].cost


def test_an_uncoupled_coarse_path_saves_nothing():
    def sample(level, paths, seed):
        fine, coarse, cost = sampler()(level, paths, seed)
        return fine, None if coarse is None else np.random.default_rng(seed + 1).permutation(coarse), cost

    run = multilevel(sample, 0.1)
    assert abs(run.strong) < 0.3
    assert run.cost > run.cost_of_plain


@pytest.mark.parametrize(("weak", "strong", "growth"), [(1.0, 2.0, 1.0), (1.0, 1.0, 1.0), (2.0, 4.0, 1.5)])
def test_orders_are_found_by_regression(weak, strong, growth):
    run = multilevel(sampler(weak, strong, growth, bias=8.0), 0.05, weak=None, seed=2)
    assert (run.weak, run.strong, run.growth) == pytest.approx((weak, strong, growth), abs=0.15)
    assert run.converged


def test_path_numbers_are_optimal():
    """N_l ∝ √(V_l/C_l), with Σ V_l/N_l = ε²/2."""
    run = multilevel(sampler(), 0.005, seed=3, least_paths=10)
    variance, cost = np.array([[level.variance, level.cost_per_path] for level in run.levels]).T
    paths = np.array([level.paths for level in run.levels])
    optimal = 2 * 0.005**-2 * np.sqrt(variance / cost) * np.sqrt(variance * cost).sum()
    np.testing.assert_allclose(paths[:5], optimal[:5], rtol=0.1)
    assert run.standard_error == pytest.approx(0.005 / math.sqrt(2), rel=0.02)
    assert [level.steps for level in run.levels] == [2**i for i in range(len(run.levels))]
    assert run.cost == pytest.approx((paths * cost).sum())


def test_calls_have_seeds_of_their_own_and_repeat():
    calls, again = [], []
    first = multilevel(sampler(calls=calls), 0.03, most_paths=1000, seed=4)
    second = multilevel(sampler(calls=again), 0.03, most_paths=1000, seed=4)
    assert calls == again
    assert first == second
    assert len({seed for _, _, seed in calls}) == len(calls)
    assert max(paths for _, paths, _ in calls) == 1000
    assert sum(paths for level, paths, _ in calls if level == 0) == first.levels[0].paths
    other = []
    multilevel(sampler(calls=other), 0.03, most_paths=1000, seed=5)
    assert {seed for *_, seed in other}.isdisjoint(seed for *_, seed in calls)


def test_sums_are_numpys():
    seen = []

    def sample(level, paths, seed):
        fine, coarse = 1e6 + np.random.default_rng(seed).normal(size=(2, paths))
        seen.append((fine, coarse))
        return fine, coarse, 3.0 * paths

    tally = Tally(2, 4)
    tally.draw(sample, 250, 100, 0)
    level = tally.summary()
    fine, coarse = np.concatenate(seen, axis=1)
    assert (level.level, level.steps, level.paths, level.cost_per_path) == (2, 4, 250, 3.0)
    expected = ((fine - coarse).mean(), (fine - coarse).var(ddof=1), fine.var(ddof=1))
    assert (level.mean, level.variance, level.fine_variance) == pytest.approx(expected, rel=1e-9)


def test_too_few_levels_are_told():
    run = multilevel(sampler(bias=5.0), 0.02, max_level=4)
    assert not run.converged
    assert len(run.levels) == 5
    assert run.bias > 0.02 / math.sqrt(2)
    assert "NOT CONVERGED" in str(run)


def test_without_noise_there_is_no_error():
    run = multilevel(lambda level, paths, seed: (np.ones(paths), np.ones(paths) if level else None, 1.0), 0.1)
    assert (run.value, run.standard_error, run.bias) == (1.0, 0.0, 0.0)
    assert math.isnan(run.weak)
    assert math.isnan(run.cost_of_plain)


def test_tables():
    run = multilevel(sampler(), 0.05, steps=4)
    lines = str(run).splitlines()
    assert lines[1].split() == ["level", "steps", "paths", "mean", "variance", "cost_per_path", "cost"]
    assert len(lines) == 2 + len(run.levels)
    assert len({len(line) for line in lines[1:]}) == 1
    data = run.to_xarray()
    assert data.sizes == {"level": len(run.levels)}
    assert data["steps"].values.tolist() == [4 * 2**i for i in range(len(run.levels))]
    assert data.attrs["cost_of_plain"] == run.cost_of_plain


@every(
    ("changed", "message"),
    [
        ({"tolerance": 0.0}, "tolerance must be a positive finite number, got 0.0"),
        ({"weak": -1.0}, "weak must be a positive finite number"),
        ({"levels_start": 2}, "levels_start must be an integer of at least 3"),
        ({"max_level": 1}, "max_level must be an integer of at least 2"),
        ({"least_paths": 1}, "least_paths must be an integer of at least 2"),
        ({"most_paths": 1}, "most_paths must be an integer of at least 2"),
        ({"steps": 0}, "steps must be an integer of at least 1"),
        ({"seed": -1}, "seed must be an integer of at least 0"),
        ({"sample": lambda level, paths, seed: (np.ones(paths), None, 1.0)}, "coarse paths at every level but 0"),
        ({"sample": lambda level, paths, seed: (np.ones(paths + 1), None, 1.0)}, r"fine of shape \(200,\)"),
        (
            {"sample": lambda level, paths, seed: (np.full(paths, np.nan), None, 1.0)},
            "200 of 200 fine paths at level 0",
        ),
        ({"sample": lambda level, paths, seed: (np.ones(paths), None, 0.0)}, "positive cost, got 0.0"),
    ],
)
def test_bad_input_is_refused_by_name(changed, message):
    with pytest.raises(ValueError, match=message):
        multilevel(**({"sample": sampler(), "tolerance": 0.1} | changed))
