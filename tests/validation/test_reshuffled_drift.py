"""References of the claims on reshuffling: sums over all orders, the law of a valley, Brownian motion in two wells."""

import itertools
import math

import numpy as np
import pytest

from validation.escape import epoched_wells as wells
from validation.laws import reshuffled_valley as valley
from validation.laws.orders_of_batches import SCENES, at_zero

SMALL, PAIRS, PLANE = SCENES.values()


@pytest.mark.parametrize(
    ("scene", "sampling", "count"),
    [
        (SMALL, "reshuffle", 24),
        (SMALL, "without_replacement", 4**4),
        (PAIRS, "reshuffle", 90),  # 6!/(2!)³
        (PAIRS, "without_replacement", 15**3),
    ],
)
def test_courses_are_all_there_are_and_have_the_covariance_of_their_sampling(scene, sampling, count):
    orders = scene.orders(sampling)[..., 0]
    assert len(orders) == count
    c = 1 / scene.batch - 1 / scene.n_examples
    between = -1 / scene.n_examples if sampling == "reshuffle" else 0.0
    expected = np.full((scene.updates, scene.updates), between) + (c - between) * np.eye(scene.updates)
    np.testing.assert_allclose(orders.T @ orders / count, expected, atol=1e-12)


@pytest.mark.parametrize("scene", [SMALL, PLANE], ids=["one", "two"])
def test_the_mean_between_epochs_is_that_over_both(scene):
    """Two epochs by polynomials, and by all 24² courses."""
    rate = 0.02
    first = scene.ends(rate, np.array([scene.w0]))[:, 0]
    both = scene.ends(rate, first).reshape(-1, len(scene.w0))
    np.testing.assert_allclose(scene.mean(rate, 2), both.mean(axis=0), rtol=1e-9)


def test_a_polynomial_is_continued_to_zero():
    rates = np.array([0.3, 0.2, 0.1])
    assert at_zero(rates, 2 + rates - 5 * rates**2) == pytest.approx(2)


@pytest.mark.parametrize("length", [0.1, 1.0, 6.0])
def test_the_law_of_the_valley_is_that_of_all_orders(length):
    """With the batches of four examples: the largest eigenvalue of the mean map of (x, y) over an epoch."""
    n, rate = 4, 1e-3
    h, z = length / (n * rate), np.array([-1.2, -0.3, 0.4, 1.1])
    z /= z.std(ddof=1)
    total = np.zeros((2, 2))
    for order in itertools.permutations(z):
        course = np.eye(2)
        for each in order:
            course = (np.eye(2) - rate * np.array([[0.0, each], [each, h]])) @ course
        total += course / math.factorial(n)
    lost = 1 - np.linalg.eigvals(total).real.max()
    keep, left = 1 - length / n, np.arange(n - 1, 0, -1)
    assert lost == pytest.approx(rate**2 / n * (left * keep ** np.arange(n - 1)).sum(), rel=1e-3)


def test_sgd_and_bridges_fall_alike_in_the_valley_where_batches_are_many():
    for length in (0.03, 0.3, 3.0):
        assert valley.of_bridges(length) * (1 - 1 / valley.BATCHES) == pytest.approx(valley.of_sgd(length), rel=0.1)
    assert valley.of_bridges(1e-3) == pytest.approx(16 / 15, rel=1e-3)


def test_brownian_motion_has_no_temperature_for_the_wide_well():
    """Its wells are equally deep: at low T shares are as 1/√h, at high T as the widths."""
    cold = wells.brownian_share(wells.SHARED.temperature * 0.1)
    curvatures = [float(wells.UNEQUAL.hessian([x])[0, 0]) for x in (wells.WIDE, wells.NARROW)]
    assert curvatures == pytest.approx([1.4112, 2.5088])
    assert cold == pytest.approx(1 / (1 + math.sqrt(curvatures[0] / curvatures[1])), abs=0.01)
    hotter = [wells.brownian_share(wells.SHARED.temperature * factor) for factor in (0.5, 1.0, 3.0)]
    assert max(hotter) < 0.65
