"""The exact laws behind ``evidence_picks_minimum``, against plain sums and against what is known at small noise."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from sgdsde.statistics import Estimate
from sgdsde.theory import occupancy_ratio
from validation.check import Check
from validation.claims.evidence_picks_minimum import _crossing_check, _rivals
from validation.evidence import two_minima
from validation.evidence.two_minima import (
    Case,
    config_for,
    crossing,
    evidence_preference,
    hottest,
    measured_preference,
    preference,
    tilt,
)
from validation.evidence.wells import DEPTH, NOISE, SHARPNESS, WIDTH, laplace, laplace_preference, ridge, wells


def noise_preference(temperature, aligned):
    return preference(wells(aligned=aligned), temperature)


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
    along = weight.reshape(len(axes[0]), -1).sum(axis=1)
    expected = np.log(along[axes[0] > ridge()].sum() / along[axes[0] < ridge()].sum())
    assert evidence_preference(temperature, dimension) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("dimension", [1, 3])
def test_laplace_is_off_the_less_the_smaller_the_temperature(dimension):
    once, twice = (abs(evidence_preference(d, dimension) - laplace_preference(d, dimension)) for d in (0.03, 0.06))
    assert 2 * once < twice < 0.02


def test_isotropic_noise_has_the_odds_of_the_evidence_and_no_other():
    for temperature in (0.15, 0.38, 0.6):
        assert noise_preference(temperature, 0.0) == pytest.approx(evidence_preference(temperature), abs=1e-9)
        assert abs(noise_preference(temperature, 0.05) - evidence_preference(temperature)) > 0.1


@pytest.mark.parametrize("aligned", [0.1, 1.0])
def test_noise_that_follows_the_curvature_by_the_trapezoidal_rule(aligned):
    """p ∝ (1/F) exp(−∫ 2L'/(T F))."""
    temperature, x = 0.3, np.linspace(-2.3, 3.0, 200_001)
    landscape = wells(aligned=aligned)
    relative = landscape.noise_covariance(x[:, None])[:, 0, 0] / NOISE
    slope = landscape.gradient(x[:, None])[:, 0] / relative
    exponent = np.concatenate(([0.0], np.cumsum((slope[1:] + slope[:-1]) / 2 * np.diff(x)))) / temperature
    weight = np.exp(exponent.min() - exponent) / relative
    expected = np.log(weight[x > ridge()].sum() / weight[x < ridge()].sum())
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
    by_dimension = [crossing(Case(0.3, p)) for p in (1, 2, 4)]
    assert by_dimension == sorted(by_dimension, reverse=True)
    assert crossing(Case(0.3, aligned=0.1)) < 0.6 * by_dimension[0]
    with pytest.raises(ValueError, match="sign"):
        crossing(Case(0.3, aligned=1.0))


def test_updates_tend_to_the_evidence_linearly_in_the_learning_rate():
    first, second = (Case(0.4, batch=b).exact - evidence_preference(0.4) for b in (1, 2))
    assert config_for(0.4, 2).learning_rate == pytest.approx(2 * config_for(0.4, 1).learning_rate)
    assert second / first == pytest.approx(2.0, rel=0.15)


def test_occam_factors_add_up_direction_by_direction():
    one, three = ((b.log_occam_factor - a.log_occam_factor) for a, b in (laplace(0.1, 1), laplace(0.1, 3)))
    assert one == pytest.approx(np.log(SHARPNESS / WIDTH) / 2)
    assert three - one == pytest.approx(np.log(1.5))


def test_paths_are_at_each_minimum_as_often_as_the_law_says_and_not_as_the_control_does():
    case = Case(0.45)
    found = measured_preference(case, 4000, seed=3, settled=6.0, snapshots=48)
    assert abs(found.value - case.exact) < 4.5 * found.standard_error
    assert min(abs(found.value - rival) for rival in _rivals(case).values()) > 8 * found.standard_error


def test_a_control_for_every_kind_of_run():
    assert _rivals(Case(0.2, 2)) == {"depth alone": -DEPTH / 0.2}
    assert _rivals(Case(0.2)) == {"twice the temperature": evidence_preference(0.4)}
    assert _rivals(Case(0.2, aligned=0.1)) == {"the evidence": evidence_preference(0.2)}
    assert hottest(Case(0.1, aligned=1.0)) == pytest.approx(0.1 * np.sqrt(SHARPNESS / WIDTH))


def test_a_crossing_is_where_the_measured_odds_cross_to_first_order(monkeypatch):
    """Log ratios of a law whose crossing is 1 % higher; and of one of other temperature, which only must not agree.

    The exact law is the same in all repetitions, and is computed once at each temperature.
    """
    monkeypatch.setattr(two_minima, "evidence_preference", functools.cache(evidence_preference))
    generator, cases = np.random.default_rng(0), [Case(d) for d in (0.2, 0.26, 0.32, 0.39, 0.5)]
    exact = crossing(cases[0])

    def found(factor, error):
        return _crossing_check(
            {
                case: Check.of(
                    str(case),
                    case.exact,
                    Estimate(case.at(case.temperature / factor).exact + error * generator.standard_normal(), error),
                    {},
                )
                for case in cases
            }
        )

    assert found(1.01, 1e-6).measured == pytest.approx(1.01 * exact, rel=1e-3)
    z = np.array([found(1.0, 0.01).z for _ in range(100)])
    assert abs(z.mean()) < 4.5 / 10
    assert 0.6 < z.std() < 1.4
    assert abs(found(0.5, 0.01).z) > 10
