"""Exponents of optima against synthetic curves that are shifts of one another by a known law, and others."""

import numpy as np
import pytest
from scipy.stats import binom, norm

from sgdsde.statistics import optimum_law

HALF_OCTAVES = np.arange(0, 8.1, 0.5)
RUNS = 60


def kink(u):
    """A cliff that ends in a slow rise, as networks' errors do against B."""
    return np.minimum(np.where(u < 0, -0.25 * u + 0.08 * u**2, 0.08 * u), 2.2)


CURVES = {
    "symmetric": lambda u: 0.02 * u**2,
    "skewed": lambda u: np.minimum(0.12 * (np.exp(-0.5 * u) - 1 + 0.5 * u), 2.2),
    "cliff": lambda u: np.minimum(0.02 * np.exp(-3 * u) + 0.012 * u, 2.2),
    "kink": kink,
}


def laws(shapes, replicas=20, own=0.04, exponent=1.0, runs=RUNS):
    """The law of three curves an octave apart, where left of the optimum the noise is three times as large."""
    generator = np.random.default_rng(3)
    for _ in range(runs):
        start, common = 3 + generator.uniform(), 0.02 * generator.standard_normal((replicas, 1))
        places, errors = [], []
        for octave, curve in enumerate(shapes):
            away = HALF_OCTAVES - start - (exponent - 1) * octave
            noise = own * np.where(away < -1, 3, 1) * generator.standard_normal((replicas, len(away)))
            places.append(2 ** (HALF_OCTAVES + octave))
            errors.append(0.09 * np.exp(curve(away) + common + noise))
        yield optimum_law([1.0, 2.0, 4.0], places, errors, resamples=100)


@pytest.mark.slow("60 laws of three curves with bootstraps, each")
@pytest.mark.parametrize("name", CURVES)
def test_intervals_cover_the_exponent_whatever_the_shape(name):
    """95 % of them, or more; α has no bias, though on a skewed peak the places have one."""
    found = list(laws([CURVES[name]] * 3))
    held = sum(low <= 1 <= high for low, high in (each.interval for each in found))
    assert held >= binom(RUNS, 0.93).ppf(norm.sf(3))
    exponents = [each.exponent for each in found if each.located]
    assert len(exponents) > 0.7 * RUNS
    assert np.mean(exponents) == pytest.approx(1, abs=4 * np.std(exponents) / np.sqrt(len(exponents)))


def test_a_shape_that_changes_is_a_bias_that_the_error_does_not_know():
    """A limit, said in the docstring: a parabola on the steep side becomes a straight line."""
    shapes = [
        lambda u: np.where(u < 0, 0.3 * u**2, 0.08 * u),
        kink,
        lambda u: np.where(u < 0, -0.3 * u, 0.08 * u),
    ]
    assert 0.04 < np.mean([each.exponent for each in laws(shapes, runs=20)]) - 1 < 0.1
    steeper = [each.exponent for each in laws([lambda u, s=s: s * kink(u) for s in (1, 1.3, 1.7)], runs=20)]
    assert abs(np.mean(steeper) - 1) < 0.03


@pytest.mark.parametrize("exponent", [0.5, 1.5])
def test_another_law_is_told_apart(exponent):
    for found in laws([kink] * 3, own=0.01, exponent=exponent, runs=3):
        assert found.exponent == pytest.approx(exponent, abs=4 * found.standard_error)
        assert abs(found.exponent - 1) > 6 * found.standard_error


@pytest.mark.parametrize("replicas", [2, 20])
def test_of_nothing_located_the_error_is_that_of_brackets(replicas):
    """Two replicas, or optima at the ends of grids: infinite where a bracket is open."""
    generator = np.random.default_rng(0)
    x = 2.0 ** np.arange(8)
    errors = [0.1 * np.exp(0.02 * (np.arange(8) - best) ** 2 + 0.01 * generator.standard_normal((replicas, 8)))
              for best in (3, 9)]  # fmt: skip
    found = optimum_law([1, 2], [x, x], errors)
    assert not found.located
    assert found.standard_error == np.inf
    assert found.dof == replicas - 1
    steep = [np.exp(5 * (np.arange(8) - best) ** 2 + 1e-4 * generator.standard_normal((2, 8))) for best in (2, 3, 4)]
    found = optimum_law([1, 2, 4], [x] * 3, steep)
    assert found.exponent == pytest.approx(1)
    assert found.interval == pytest.approx((0, 2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 1.0], [[1, 2]] * 2, [np.ones((3, 2))] * 2), "variable must be at least two different positive"),
        (([1.0, 2.0], [[1, 2]], [np.ones((3, 2))] * 2), "places and errors must be 2 curves, got 1 and 2"),
        (([1.0, 2.0], [[1, 2]] * 2, [np.ones((3, 2)), np.ones((4, 2))]), "errors must have the same replicas"),
    ],
)
def test_bad_input_is_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        optimum_law(*arguments)
