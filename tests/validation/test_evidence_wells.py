"""The exact laws behind ``evidence_picks_minimum``, against plain sums and against what is known at small noise."""

from __future__ import annotations

import numpy as np
import pytest
from validation.evidence.well_cases import Case, measured_preference
from validation.evidence.wells import (
    DEPTH,
    SHARPNESS,
    WIDTH,
    config_for,
    crossing,
    evidence_preference,
    hottest,
    laplace,
    laplace_preference,
    log_evidences,
    middle,
    noise_preference,
    tilt,
    update_preference,
    wells,
)

from sgdsde.theory import occupancy_ratio
from validation.escape.occupancy import NOISE


@pytest.mark.parametrize("dimension", [1, 2, 4])
def test_the_minima_are_where_they_are_said_to_be(dimension):
    landscape, minima = wells(dimension), np.eye(1, dimension) * np.array([[-1.0], [1.0]])
    np.testing.assert_allclose(landscape.loss(minima), [0.0, DEPTH], atol=1e-14)
    np.testing.assert_allclose(landscape.gradient(minima), 0.0, atol=1e-14)
    across = dimension - 1
    expected = [np.diag([SHARPNESS, *[2.0] * across]), np.diag([WIDTH, *[4 / 3] * across])]
    np.testing.assert_allclose(landscape.hessian(minima), expected, atol=1e-13)


@pytest.mark.parametrize("dimension", [1, 2])
def test_evidence_is_the_integral_over_all_weights(dimension):
    temperature = 0.25
    axes = [np.linspace(-2.4, 3.0, 1081), np.linspace(-5.0, 5.0, 401)][:dimension]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    weight = np.exp(-wells(dimension).loss(grid) / temperature) * np.prod([line[1] - line[0] for line in axes])
    along = weight.reshape(len(axes[0]), -1).sum(axis=1) / (2 * np.pi) ** (dimension / 2)
    a, b = log_evidences(temperature, dimension)
    assert np.logaddexp(a, b) == pytest.approx(np.log(along.sum()), abs=1e-9)
    assert b - a == pytest.approx(np.log(along[axes[0] > middle()].sum() / along[axes[0] < middle()].sum()), abs=0.01)


@pytest.mark.parametrize("dimension", [1, 3])
def test_laplace_is_off_by_the_order_of_the_temperature(dimension):
    once, twice = (
        np.subtract(log_evidences(d, dimension), [each.log_evidence for each in laplace(d, dimension)])
        for d in (0.001, 0.002)
    )
    np.testing.assert_allclose(twice / once, 2.0, rtol=0.05)
    assert laplace_preference(0.001, dimension) == pytest.approx(evidence_preference(0.001, dimension), abs=3e-4)


def test_isotropic_noise_has_the_odds_of_the_evidence_and_no_other():
    for temperature in (0.15, 0.38, 0.6):
        assert noise_preference(temperature, 0.0) == pytest.approx(evidence_preference(temperature), abs=1e-9)
        assert abs(noise_preference(temperature, 0.05) - evidence_preference(temperature)) > 0.1


@pytest.mark.parametrize("aligned", [0.1, 1.0])
def test_noise_that_follows_the_curvature_by_the_trapezoidal_rule(aligned):
    """p ∝ (1/F) exp(−∫ 2L'/(T F))."""
    temperature, x = 0.3, np.linspace(-2.3, 3.0, 200_001)
    landscape = wells(aligned=aligned)
    relative = landscape.covariance(x[:, None])[:, 0, 0] / NOISE
    slope = landscape.gradient(x[:, None])[:, 0] / relative
    exponent = np.concatenate(([0.0], np.cumsum((slope[1:] + slope[:-1]) / 2 * np.diff(x)))) / temperature
    weight = np.exp(exponent.min() - exponent) / relative
    expected = np.log(weight[x > middle()].sum() / weight[x < middle()].sum())
    assert noise_preference(temperature, aligned) == pytest.approx(expected, abs=1e-3)


def test_small_noise_after_the_hessian_goes_to_the_wide_minimum():
    """ln ratio → −∫L'σ²/F/D + ½ ln of the ratio of F L'': twice the Occam factor of the evidence."""
    temperature = 0.02
    expected = np.log(SHARPNESS / WIDTH) - tilt(1.0) / temperature
    laplace_ratio = occupancy_ratio(wells(aligned=1.0), 2 * temperature / NOISE, 1.0, -1.0)
    assert np.log(laplace_ratio) == pytest.approx(expected, rel=1e-6)
    assert noise_preference(temperature, 1.0) == pytest.approx(expected, abs=0.1)
    assert evidence_preference(temperature) < -10 < 10 < expected


def test_further_sharp_directions_and_aligned_noise_lower_the_crossing():
    by_dimension = [crossing(lambda d, p=p: evidence_preference(d, p), 0.08, 0.7) for p in (1, 2, 4)]
    assert by_dimension == sorted(by_dimension, reverse=True)
    assert crossing(lambda d: noise_preference(d, 0.1), 0.08, 0.7) < 0.6 * by_dimension[0]
    with pytest.raises(ValueError, match="sign"):
        crossing(lambda d: noise_preference(d, 1.0), 0.08, 0.7)


def test_updates_tend_to_the_evidence_linearly_in_the_learning_rate():
    first, second = (update_preference(0.4, 0.0, b) - evidence_preference(0.4) for b in (1, 2))
    assert config_for(0.4, 2).learning_rate == pytest.approx(2 * config_for(0.4, 1).learning_rate)
    assert second / first == pytest.approx(2.0, rel=0.15)


def test_occam_factors_add_up_direction_by_direction():
    one, three = ((b.log_occam_factor - a.log_occam_factor) for a, b in (laplace(0.1, 1), laplace(0.1, 3)))
    assert one == pytest.approx(np.log(SHARPNESS / WIDTH) / 2)
    assert three - one == pytest.approx(np.log(1.5))


def test_paths_are_at_each_minimum_as_often_as_the_law_says_and_not_as_the_control_does():
    case = Case(0.45)
    found = measured_preference(case, 4000, seed=3)
    assert abs(found.value - case.exact) < 4.5 * found.error
    assert min(abs(found.value - rival) for rival in case.rivals.values()) > 8 * found.error


def test_a_control_for_every_kind_of_run():
    assert Case(0.2, 2).rivals == {"depth alone": -DEPTH / 0.2}
    assert Case(0.2).rivals == {"twice the temperature": evidence_preference(0.4)}
    assert Case(0.2, aligned=0.1).rivals == {"the evidence": evidence_preference(0.2)}
    assert hottest(0.1, 1.0) == pytest.approx(0.1 * np.sqrt(SHARPNESS / WIDTH))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0,), "dimension must be"), ((True,), "dimension must be"), ((2, 0.5), "aligned"), ((1, 1.5), "aligned")],
)
def test_what_is_not_known_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        wells(*arguments)
