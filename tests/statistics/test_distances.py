"""Distances against SciPy, brute force and closed forms; their errors and noise against the scatter of repetitions."""

import sys

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.special import erf
from scipy.stats import energy_distance as scipy_energy
from scipy.stats import wasserstein_distance as scipy_wasserstein
from tables import every

from sgdsde.statistics import (
    Distance,
    check,
    covariance_distance,
    distances,
    energy_distance,
    mean_difference,
    mean_distance,
    wasserstein1,
)

MODULE = sys.modules[wasserstein1.__module__]
FUNCTIONS = (mean_distance, covariance_distance, wasserstein1, energy_distance)
DRAWS = 120  # a standard deviation over them is known to 1/√238 = 6.5 %, and the mean error to 2 %: 27 % are 4 σ


def brute_energy(a, b, paired):
    between, n, m = cdist(a, b), len(a), len(b)
    if paired:
        np.fill_diagonal(between, 0)
    pairs = n * m - (n if paired else 0)
    within = cdist(a, a).sum() / (n * (n - 1)) + cdist(b, b).sum() / (m * (m - 1))
    return 2 * between.sum() / pairs - within


@pytest.mark.parametrize("sizes", [(57, 57), (200, 35)])
def test_one_dimension_is_scipys(sizes):
    rng = np.random.default_rng(1)
    a, b = rng.exponential(size=sizes[0]), rng.normal(size=sizes[1])
    assert wasserstein1(a, b).value == pytest.approx(scipy_wasserstein(a, b), rel=1e-12)
    biased = sum(np.abs(x[:, None] - x).mean() / (len(x) - 1) for x in (a, b))  # of pairs of a path with itself
    assert energy_distance(a, b).value == pytest.approx(scipy_energy(a, b) ** 2 - biased, rel=1e-10)


@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("paired", [False, True])
def test_energy_is_the_sum_over_pairs_in_every_replicate(monkeypatch, d, paired):
    """Small tiles, the last of them short; ties and coincident paths; groups of unequal size."""
    monkeypatch.setattr(MODULE, "TILE", 11)
    rng = np.random.default_rng(2)
    a, b = rng.integers(-2, 3, size=(45, d)) * 1.0, rng.normal(size=(45 if paired else 38, d))
    b[:9] = a[:9]
    split = MODULE._split(a, b, paired, 3)
    values = MODULE._energies(split)
    assert len(values) == 1 + (22 if paired else 22 + 19) + 64
    for replicate, value in enumerate(values):
        rows = (np.flatnonzero(split.members[column]) for column in split.columns[replicate])
        left, right = (split.x[chosen[np.argsort(chosen % 45)]] for chosen in rows)  # pairs side by side again
        assert value == pytest.approx(brute_energy(left, right, paired), rel=1e-9, abs=1e-9)


def test_gaussians_have_their_closed_forms():
    rng, n, shift = np.random.default_rng(3), 10_000, 0.3
    a, b = rng.normal(shift, 1.0, n), rng.normal(size=n)
    half = shift / np.sqrt(2)  # E|N(δ, 2)| = √2 (√(2/π) exp(−δ²/4) + (δ/√2) erf(δ/2))
    folded = np.sqrt(2) * (np.sqrt(2 / np.pi) * np.exp(-(half**2) / 2) + half * erf(half / np.sqrt(2)))
    for found, exact in (
        (wasserstein1(a, b), shift),
        (mean_distance(a, b), shift),
        (energy_distance(a, b), 2 * folded - 4 / np.sqrt(np.pi)),
        (covariance_distance(1.5 * a, b), 1.25),
    ):
        assert check(found, exact, "distance").within(4)
        assert found.standard_error < 0.15 * exact < found.value
        assert found.excess > 20


def test_moments_of_several_components():
    rng, n = np.random.default_rng(4), 5000
    factor = np.array([[1.0, 0.0], [30.0, 40.0]])  # unlike units
    a, b = rng.normal(size=(n, 2)) * [1.2, 1.0] @ factor.T + [0.3, -4.0], rng.normal(size=(n, 2)) @ factor.T
    mahalanobis = np.linalg.norm(np.linalg.solve(factor, [0.3, -4.0]))
    assert check(mean_distance(a, b), mahalanobis, "Mahalanobis").within(4)
    assert check(mean_distance(a, b, reference=np.eye(2)), np.hypot(0.3, 4.0), "Euclid").within(4)
    assert check(mean_difference(a, b), [0.3, -4.0], "mean").within(4)
    change = factor @ np.diag([0.44, 0.0]) @ factor.T
    for reference in (None, np.eye(2)):
        scale = np.linalg.norm(factor @ factor.T if reference is None else reference)
        found = covariance_distance(a, b, reference=reference)
        assert check(found, np.linalg.norm(change) / scale, "covariance").within(4)
    exact = np.linalg.norm(np.cov(a.T) - np.cov(b.T)) / np.linalg.norm(np.cov(b.T))
    assert covariance_distance(a, b).value == pytest.approx(exact, rel=1e-10)
    assert wasserstein1(a, b).value.shape == (2,)


def pair(rng, n, d, kept, change):
    """Paired samples with correlation `kept`; `change` moves and widens the first."""
    common, one, other = rng.normal(size=(3, n, d))
    a, b = (np.sqrt(kept) * common + np.sqrt(1 - kept) * own for own in (one, other))
    return a * (1 + change) + change, b


@pytest.mark.parametrize("paired", [False, True])
def test_errors_are_the_scatter_over_repetitions(monkeypatch, paired):
    """Laws that differ. A paired error taken for independent samples would be too large by 2."""
    monkeypatch.setattr(MODULE, "PERMUTATIONS", 2)
    monkeypatch.setattr(MODULE, "GROUPS", 12)
    rng = np.random.default_rng(5)
    samples = [pair(rng, 150, 2, 0.75 if paired else 0.0, 0.5) for _ in range(DRAWS)]
    for function in FUNCTIONS:
        found = [function(*sample, paired=paired) for sample in samples]
        errors = np.sqrt(np.mean([f.standard_error**2 for f in found], axis=0))
        np.testing.assert_allclose(errors, np.std([f.value for f in found], axis=0), rtol=0.27)


@pytest.mark.parametrize("kept", [0.0, 0.75])
def test_noise_is_what_equal_laws_give(monkeypatch, kept):
    """And the energy distance is unbiased: the biased one would be 2 E|X − X'|/n too large."""
    monkeypatch.setattr(MODULE, "PERMUTATIONS", 12)
    monkeypatch.setattr(MODULE, "GROUPS", 2)
    rng, n = np.random.default_rng(6), 100
    samples = [pair(rng, n, 2, kept, 0.0) for _ in range(DRAWS)]
    for function in FUNCTIONS:
        found = [function(*sample, paired=kept > 0, seed=i) for i, sample in enumerate(samples)]
        values, scatter = np.array([f.value for f in found]), np.std([f.value for f in found], axis=0)
        error = scatter * np.sqrt((1 + 1 / 12) / DRAWS)
        assert (np.abs(values.mean(axis=0) - np.mean([f.noise for f in found], axis=0)) < 4 * error).all()
        np.testing.assert_allclose(np.sqrt(np.mean([f.spread**2 for f in found], axis=0)), scatter, rtol=0.27)
        if function is energy_distance:
            assert abs(values.mean()) < 4 * error < 2 * np.sqrt(np.pi) / n / 2
        else:
            assert (values.mean(axis=0) > 10 * error).all()


def test_pairs_that_share_their_noise_have_smaller_errors_and_less_noise():
    a, b = pair(np.random.default_rng(7), 1000, 2, 0.99, 0.1)
    together, apart = distances(a, b, paired=True), distances(a, b)
    for name in ("mean_distance", "wasserstein1"):
        near, far = getattr(together, name), getattr(apart, name)
        np.testing.assert_array_equal(near.value, far.value)
        assert (np.asarray(near.standard_error) < 0.5 * np.asarray(far.standard_error)).all()
        assert (np.asarray(near.noise) < 0.5 * np.asarray(far.noise)).all()
    assert (together.mean_difference.standard_error < 0.3 * apart.mean_difference.standard_error).all()
    same = distances(a, a, paired=True)
    assert same.energy_distance.value == pytest.approx(0.0, abs=1e-10)
    assert same.mean_distance.noise == pytest.approx(0.0, abs=1e-15)
    w1 = same.wasserstein1
    assert not np.any([w1.value, w1.standard_error, w1.noise, w1.spread])
    assert np.isnan(w1.excess).all()


@pytest.mark.parametrize("paired", [False, True])
def test_the_order_of_paths_does_not_matter_and_seeds_repeat(paired):
    rng = np.random.default_rng(8)
    a, b = pair(rng, 90, 2, 0.5, 0.3)
    first, second = (rng.permutation(90) for _ in range(2))
    found, again = distances(a, b, paired=paired), distances(a, b, paired=paired)
    shuffled = distances(a[first], b[first if paired else second], paired=paired)
    for name in ("mean_difference", *(function.__name__ for function in FUNCTIONS)):
        np.testing.assert_allclose(getattr(shuffled, name).value, getattr(found, name).value, rtol=1e-10)
        if isinstance(getattr(found, name), Distance):
            np.testing.assert_allclose(getattr(again, name).noise, getattr(found, name).noise, rtol=1e-10)
            assert (getattr(distances(a, b, seed=1), name).noise != np.asarray(getattr(found, name).noise)).all()


@every(
    ("a", "b", "options", "message"),
    [
        (np.zeros(3), np.zeros(9), {}, r"a must have the shape .* at least 4 paths, got \(3,\)"),
        (np.zeros((9, 2)), np.zeros((9, 2, 1)), {}, "b must have the shape"),
        (np.zeros((9, 2)), np.zeros((9, 3)), {}, r"b must have the components of a, .*\(9, 2\), got \(9, 3\)"),
        (np.zeros(9), np.zeros((9, 1)), {}, "b must have the components of a"),
        (np.zeros((9, 2)), np.zeros((8, 2)), {"paired": True}, "b must have the 9 paths of a when paired, got 8"),
        (np.zeros((9, 2)), [[0.0, np.nan], [np.inf, np.nan], *np.zeros((7, 2))], {}, "b must be finite, but 2 of 9"),
        (np.zeros(9), np.zeros(9), {"seed": -1}, "seed must be an integer of at least 0, got -1"),
        (np.arange(9.0), np.zeros(9), {}, "reference must be positive definite"),
        (np.eye(9), np.eye(9), {}, "reference must be positive definite"),
        (np.eye(9), np.eye(9), {"reference": np.eye(2)}, r"reference must be .* shape \(9, 9\)"),
    ],
)
def test_bad_input_is_refused(a, b, options, message):
    with pytest.raises(ValueError, match=message):
        distances(a, b, **options)


def test_a_constant_sample_has_no_relative_covariance():
    with pytest.raises(ValueError, match="reference must not be zero"):
        covariance_distance(np.arange(9.0), np.ones(9))
    assert covariance_distance(np.arange(9.0), np.ones(9), reference=[[2.0]]).value == pytest.approx(3.75)
