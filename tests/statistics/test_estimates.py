"""Standard errors against the scatter that repetitions of the same experiment show."""

import time

import numpy as np
import pytest
from scipy.stats import kurtosis, moment, skew

from sgdsde.statistics import Estimate, covariance, mean, pooled_higher_moments, pooled_moments, variance

DISTRIBUTIONS = {
    "gaussian": lambda rng, size: rng.normal(size=size),
    "exponential": lambda rng, size: rng.exponential(size=size) - 1,
    "rademacher with noise": lambda rng, size: np.sign(rng.normal(size=size)) + 0.3 * rng.normal(size=size),
}
MIX = np.array([[1.0, 0.5], [0.0, 2.0]])


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_errors_are_the_scatter_over_repetitions(name):
    """sd over 1 500 repetitions is known to 1/√3000 ≈ 2 %; a Gaussian formula would be 25–60 % off."""
    rng, repeats, n = np.random.default_rng(2), 1500, 400
    data = DISTRIBUTIONS[name](rng, (repeats, n, 2)) @ MIX
    pairs = [(mean(x), covariance(x)) for x in data]
    for k in (0, 1):
        values = np.array([pair[k].value for pair in pairs])
        errors = np.array([pair[k].standard_error for pair in pairs])
        np.testing.assert_allclose(np.sqrt((errors**2).mean(axis=0)), values.std(axis=0), rtol=0.1)
    np.testing.assert_allclose(values.mean(axis=0), np.mean([np.cov(x.T) for x in data], axis=0), rtol=1e-12)


def test_values_are_numpys():
    x = np.random.default_rng(0).normal(size=(50, 3)) + 100
    np.testing.assert_allclose(mean(x).value, x.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(mean(x).standard_error, x.std(axis=0, ddof=1) / np.sqrt(50), rtol=1e-12)
    np.testing.assert_allclose(variance(x).value, x.var(axis=0, ddof=1), rtol=1e-12)
    np.testing.assert_allclose(covariance(x).value, np.cov(x.T), rtol=1e-11)
    np.testing.assert_allclose(np.diagonal(covariance(x).standard_error), variance(x).standard_error, rtol=1e-12)
    assert covariance(x[:, 0]).value.shape == (1, 1)
    assert isinstance(variance(x[:, 0]).value, float)


def test_bad_samples_are_refused():
    with pytest.raises(ValueError, match="samples must have the shape"):
        mean([1.0])
    with pytest.raises(ValueError, match="samples must be finite"):
        variance([1.0, np.inf])
    with pytest.raises(ValueError, match="standard_error must have the shape"):
        Estimate(np.zeros(2), 0.0)


def split(samples):
    """(paths, n, d) → what the simulator hands over."""
    means = samples.mean(axis=1)
    centred = samples - means[:, None]
    return samples.shape[1], means, np.einsum("pta,ptb->pab", centred, centred) / samples.shape[1]


def test_pooled_moments_of_single_samples_are_the_plain_ones():
    x = np.random.default_rng(4).normal(size=(500, 1, 3)) + 7
    pooled, plain = pooled_moments(*split(x)), covariance(x[:, 0])
    np.testing.assert_allclose(pooled.mean.value, x[:, 0].mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(pooled.mean.standard_error, mean(x[:, 0]).standard_error, rtol=1e-12)
    np.testing.assert_allclose(pooled.covariance.value, plain.value, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(pooled.covariance.standard_error, plain.standard_error, rtol=1e-10)


@pytest.mark.parametrize("kept", [0.0, 0.95])
def test_pooled_moments_are_unbiased_and_their_errors_honest(kept):
    """40 strongly correlated paths, 1 500 repetitions: relative scatter of an sd 1.8 %, and the errors' own noise."""
    rng, repeats, paths, n = np.random.default_rng(6), 1500, 40, 8
    x = rng.normal(size=(repeats, paths, n, 2))
    x = (np.sqrt(kept) * rng.normal(size=(repeats, paths, 1, 2)) + np.sqrt(1 - kept) * x) @ MIX
    results = [pooled_moments(*split(y)) for y in x]
    for name, exact in (("mean", np.zeros(2)), ("covariance", MIX.T @ MIX)):
        values = np.array([getattr(r, name).value for r in results])
        errors = np.array([getattr(r, name).standard_error for r in results])
        scatter = values.std(axis=0)
        assert (np.abs(values.mean(axis=0) - exact) < 4 * scatter / np.sqrt(repeats)).all()
        np.testing.assert_allclose(np.sqrt((errors**2).mean(axis=0)), scatter, rtol=0.1)
    if kept:  # with divisor paths instead of paths − 1 the bias, 1/40 of the variance, would have shown
        assert (MIX.T @ MIX)[0, 0] / 40 > 4 * scatter[0, 0] / np.sqrt(repeats)


@pytest.mark.parametrize("point", [0.0, 1.0, 0.1, 1e3])
def test_paths_at_one_point_have_no_covariance(point):
    moments = pooled_moments(10, np.full((100_000, 2), point), np.zeros((100_000, 2, 2)))
    assert np.abs(moments.covariance.value).max() < 1e-20
    assert np.abs(moments.covariance.standard_error).max() < 1e-20
    np.testing.assert_array_equal(moments.mean.value, point)


def test_far_from_the_origin_nothing_cancels():
    offset = 1e8
    means = offset + np.array([[0.0], [0.25], [0.5]])
    moments = pooled_moments(1, means, np.zeros((3, 1, 1)))
    assert moments.covariance.value[0, 0] == pytest.approx(0.0625, rel=1e-14)
    assert moments.mean.value[0] == offset + 0.25


def test_one_path_or_none_has_no_error():
    one = pooled_moments(5, [[1.0, 2.0]], [np.eye(2)])
    np.testing.assert_array_equal(one.covariance.value, np.eye(2))
    assert np.isnan(one.mean.standard_error).all()
    assert np.isnan(one.covariance.standard_error).all()
    assert np.isnan(pooled_moments(1, [[1.0]], [[[0.0]]]).covariance.value).all()
    none = pooled_moments(5, np.empty((0, 2)), np.empty((0, 2, 2)))
    assert none.covariance.value.shape == (2, 2)
    assert np.isnan(none.mean.value).all()


def test_bad_moments_are_refused():
    with pytest.raises(ValueError, match="count must be"):
        pooled_moments(0, [[1.0]], [[[0.0]]])
    with pytest.raises(ValueError, match="path_mean must have the shape"):
        pooled_moments(1, [1.0], [[[0.0]]])
    with pytest.raises(ValueError, match=r"path_covariance must have the shape \(1, 2, 2\)"):
        pooled_moments(1, [[1.0, 2.0]], [[[0.0]]])


def test_a_hundred_thousand_paths_of_ten_components():
    rng = np.random.default_rng(0)
    means, within = rng.normal(size=(100_000, 10)), np.broadcast_to(np.eye(10), (100_000, 10, 10))
    begin = time.perf_counter()
    pooled_moments(10, means, within)
    assert time.perf_counter() - begin < 5  # 0.2 s on an idle core


def test_higher_moments_are_those_of_the_pool_and_their_errors_honest():
    """400 repetitions tell a standard deviation to 3.5 %; 4σ is 14 %."""
    rng = np.random.default_rng(11)
    samples = rng.gamma(4.0, size=(400, 300, 1)) + rng.uniform(-3, 3, (400, 300, 6))  # six alike in each path

    def pooled(x):
        return pooled_higher_moments(
            *(y[:, None] for y in (x.mean(1), x.var(1), *(moment(x, n, axis=1) for n in (3, 4))))
        )

    found = [pooled(x) for x in samples]
    for name, plain in {
        "third": lambda x: moment(x, 3), "fourth": lambda x: moment(x, 4), "skewness": skew, "kurtosis": kurtosis,
    }.items():  # fmt: skip
        values = np.array([getattr(one, name).value[0] for one in found])
        np.testing.assert_allclose(values, [plain(x.ravel()) for x in samples], rtol=1e-9)
        reported = np.sqrt(np.mean([getattr(one, name).standard_error[0] ** 2 for one in found]))
        assert values.std(ddof=1) / reported == pytest.approx(1, abs=0.16)


def test_higher_moments_of_one_point_of_one_path_and_of_none():
    one = pooled_higher_moments([[1.0]], [[2.0]], [[0.5]], [[12.0]])
    assert one.kurtosis.value == 0
    assert np.isnan(one.kurtosis.standard_error).all()
    none = pooled_higher_moments(*np.empty((4, 0, 2)))
    assert none.skewness.value.shape == (2,)
    assert np.isnan(none.skewness.value).all()
    point = pooled_higher_moments(np.full((5, 1), 0.1), *np.zeros((3, 5, 1)))
    assert point.fourth.value == point.fourth.standard_error == 0
    assert np.isnan(point.kurtosis.value).all()  # 0/0
    with pytest.raises(ValueError, match=r"must have one shape \(paths, d\), got \(2,\)"):
        pooled_higher_moments([1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0])
