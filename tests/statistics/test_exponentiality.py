"""Tests of exponentiality against how often they reject, the right law and wrong ones."""

import numpy as np
import pytest

from sgdsde.statistics import exponentiality


@pytest.mark.parametrize(
    ("n", "censor", "after", "step"),
    [
        (30, np.inf, 0.0, 0.0),
        (100, 1.0, 0.0, 0.0),
        (200, 1.0, 0.5, 0.0),
        (2000, np.inf, 0.0, 0.05),
        (300, 2, 0.2, 0.02),
    ],
)
def test_exponential_times_are_rejected_as_often_as_they_should(repeated, chance, n, censor, after, step):
    def draw(rng, n):
        times = rng.exponential(size=n)
        return np.ceil(times / step) * step if step else times

    data = repeated(7, n, draw=draw)
    # A step is exact as a time of censoring: who ends in it has ended.
    data = ((np.minimum(t, censor), t <= censor) for t, _ in data)
    tests = [exponentiality(*each, after=after, resolution=step) for each in data]
    for level in (0.2, 0.05, 0.01):
        assert chance([test.p_value < level for test in tests], level), level
    assert abs(np.mean([test.statistic for test in tests])) < 1 / np.sqrt(n) + 4.5 / np.sqrt(len(tests))
    errors = np.array([(test.shape - 1) / test.standard_error for test in tests])
    assert 0.85 < errors.std() < 1.15
    assert all((test.coefficient_of_variation is None) == (test.censored > 0) for test in tests)


def test_the_coefficient_of_variation_has_its_error(repeated):
    data = list(repeated(11, 400, draw=lambda rng, n: rng.gamma(3.0, size=n)))
    found = [exponentiality(*each).coefficient_of_variation for each in data]
    values = np.array([f.value for f in found])
    np.testing.assert_allclose(values, [times.std(ddof=1) / times.mean() for times, _ in data])
    assert abs(values.mean() - 3**-0.5) < 1 / 400 + 4.5 * values.std() / np.sqrt(len(values))
    np.testing.assert_allclose(np.mean([f.standard_error for f in found]), values.std(), rtol=0.1)


@pytest.mark.parametrize(("shape", "censor"), [(1.25, np.inf), (1.3, 1.0), (0.8, 1.0)])
def test_other_laws_are_rejected_and_measured(repeated, shape, censor):
    data = repeated(8, 300, censor, draw=lambda rng, n: rng.weibull(shape, size=n))
    tests = [exponentiality(*each) for each in data]
    assert np.mean([test.p_value < 0.05 for test in tests]) > 0.9
    assert all((test.statistic > 0) == (test.shape > 1) for test in tests)
    shapes = np.array([test.shape for test in tests])
    np.testing.assert_allclose(np.mean([test.standard_error for test in tests]), shapes.std(), rtol=0.1)
    assert abs(shapes.mean() - shape) < 0.01 * shape + 4.5 * shapes.std() / np.sqrt(len(shapes))


def test_after_takes_a_transient_off():
    """Nobody leaves before 0.2; afterwards the rate is constant."""
    times = 0.2 + np.random.default_rng(9).exponential(size=2000)
    data = np.minimum(times, 2.0), times < 2.0
    assert exponentiality(*data).p_value < 1e-6
    assert exponentiality(*data, after=0.3).p_value > 1e-3
    assert exponentiality(*data, after=0.3).exits + exponentiality(*data, after=0.3).censored == (times > 0.3).sum()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: exponentiality([1.0, 2.0], [True, False]), "at least two exits after 0, got 1"),
        (
            lambda: exponentiality([1.0, 2.0], [True, True], after=-1.0),
            "after must be a finite real number of at least 0",
        ),
        (lambda: exponentiality([1.0, 2.0], [True, True], resolution=2.5), "resolution must be at most the shortest"),
        (lambda: exponentiality([2.0, 2.0], [True, True]), "no Weibull law of shape"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
