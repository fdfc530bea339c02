"""Intervals of mean exit times against how often they hold; and what is refused."""

import numpy as np
import pytest
from scipy.stats import chi2
from tables import every

import sgdsde as sg
from sgdsde.ensemble import DivergenceWarning
from sgdsde.statistics import exponentiality, mean_exit_time


def test_the_sample_mean_is_numpys_and_its_interval_holds(repeated, chance):
    times = np.random.default_rng(0).exponential(size=50)
    found = mean_exit_time(times, times > 0)
    assert (found.method, found.exits, found.censored) == ("sample_mean", 50, 0)
    assert found.mean == pytest.approx(times.mean())
    assert found.standard_error == pytest.approx(times.std(ddof=1) / np.sqrt(50))
    assert found.rate == pytest.approx(1 / found.mean)
    assert found.rate_interval == pytest.approx((1 / found.interval[1], 1 / found.interval[0]))
    # Not exponential: only the spread knows the error.
    all_found = [
        mean_exit_time(*data).interval for data in repeated(1, 200, draw=lambda rng, n: rng.gamma(3.0, size=n))
    ]
    assert chance([low <= 3 <= high for low, high in all_found], 0.95)
    wrong = [mean_exit_time(*data, method="exponential").interval for data in repeated(1, 200)]
    assert not chance([low <= 1.1 <= high for low, high in wrong], 0.95)


@pytest.mark.parametrize(("n", "confidence"), [(1, 0.95), (5, 0.8), (50, 0.95)])
def test_the_exponential_interval_is_exact_without_censoring(repeated, chance, n, confidence):
    found = [mean_exit_time(*data, method="exponential", confidence=confidence) for data in repeated(2, n)]
    assert chance([f.interval[0] <= 1 <= f.interval[1] for f in found], confidence)
    assert chance([f.rate_interval[1] < 1 for f in found], (1 - confidence) / 2)


@pytest.mark.parametrize("censor", [0.02, 0.1, 1.0])
def test_with_censoring_the_interval_holds_and_the_naive_mean_is_wrong(repeated, censor):
    """At 0.02 most experiments have no exit or one: the lower end of the mean must hold all the same."""
    data = list(repeated(3, 30, censor))
    found = [mean_exit_time(*each) for each in data]
    assert all(f.method == "exponential" for f in found)
    limit = 0.95 - 4.5 * np.sqrt(0.95 * 0.05 / len(found))
    assert np.mean([f.interval[0] <= 1 <= f.interval[1] for f in found]) > limit
    assert np.mean([times[over].mean() if over.any() else 0.0 for times, over in data]) < 0.5
    low, high = mean_exit_time([1.0, 2.0, 2.0], [True, False, False]).rate_interval
    assert (low, high) == pytest.approx((chi2.ppf(0.025, 2) / 10, chi2.ppf(0.975, 4) / 10))
    total, exits = sum(times.sum() for times, _ in data), sum(f.exits for f in found)
    pooled = mean_exit_time(np.concatenate([t for t, _ in data]), np.concatenate([over for _, over in data]))
    assert (pooled.mean, pooled.standard_error) == pytest.approx((total / exits, total / exits**1.5))
    assert abs(pooled.mean - 1) < 4.5 * pooled.standard_error


def test_without_exits_there_is_a_lower_bound():
    found = mean_exit_time([2.0, 3.0], [False, False], confidence=0.9)
    assert (found.mean, found.rate, found.interval[1], found.rate_interval[0]) == (np.inf, 0.0, np.inf, 0.0)
    assert np.isnan(found.standard_error)
    # A mean of that much leaves all paths inside for a total time of 5 with probability 1 − 0.9.
    assert np.exp(-5 / found.interval[0]) == pytest.approx(0.1)


def test_exits_have_these_in_updates():
    bowl, stop = sg.Landscape("x**2/2", "x"), {"left": "x < -0.6", "right": "x > 0.7"}
    exits = sg.simulate_sde(bowl, sg.SGDConfig(0.1, 1, 64), 0.0, 60, 2000, substeps=5, stop=stop, engine="numpy").exits
    assert (exits.substeps, 0 < exits.censored < 2000) == (5, True)
    assert exits.mean_time() == mean_exit_time(exits.update, exits.ended)
    assert exits.mean_time(confidence=0.5).confidence == 0.5
    assert exits.exponentiality(after=20) == exponentiality(exits.update, exits.ended, after=20, resolution=0.2)
    np.testing.assert_array_equal(exits.survival(at=9).times, np.linspace(0, 60, 9))
    np.testing.assert_array_equal(exits.probabilities(of="all").counts, np.bincount(exits.region + 1, minlength=3)[1:])
    with pytest.warns(DivergenceWarning):
        hill = sg.integrate(sg.Landscape("-x**4/4", "x"), 0.5, 5.0, 200, 100, stop="x > 2", engine="numpy").exits
    for ask in (hill.mean_time, hill.survival, hill.exponentiality, hill.probabilities):
        with pytest.raises(ValueError, match="of 100 paths diverged without an exit"):
            ask()


@every(
    ("call", "message"),
    [
        (lambda: mean_exit_time([], []), r"times must have the shape \(n,\)"),
        (lambda: mean_exit_time([1.0, np.nan], [True, True]), "times must be positive and finite: leave diverged"),
        (lambda: mean_exit_time([1.0, 2.0], [1, 0]), "ended must be booleans of the shape"),
        (lambda: mean_exit_time([1.0], [True], method="mean"), "method must be one of auto, sample_mean, exponential"),
        (lambda: mean_exit_time([1.0, 2.0], [True, False], method="sample_mean"), "1 of 2 are censored; 'exponential'"),
        (lambda: mean_exit_time([1.0], [True]), "times must be at least two for method 'sample_mean', got 1"),
        (
            lambda: mean_exit_time([1.0], [True], confidence=1.0),
            "confidence must be a finite real number above 0 and below 1, got 1.0",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_few_exits_are_printed_with_their_interval_and_without_an_error():
    one = mean_exit_time(np.full(100, 99.27), np.arange(100) < 1)
    assert str(one) == "9927"
    low, high = one.interval
    assert repr(one) == f"<ExitTime: 9927 (95%: {low:.4g} to {high:.4g}), 1 exit, 99 censored, exponential>"
    assert one.few
    ten = mean_exit_time(np.full(100, 99.27), np.arange(100) < 10)
    assert not ten.few
    assert str(ten) == f"{ten.mean:.5g} ± {ten.standard_error:.2g}"
    none = mean_exit_time(np.full(3, 100.0), np.zeros(3, dtype=bool))
    assert str(none) == "> 100.1"
