"""Laws of noise that follows the loss, by quadrature, and what F of linear regression is."""

from __future__ import annotations

import numpy as np
import pytest

from sgdsde.models import LinearRegression
from sgdsde.theory import mean_exit_time, stationary_density
from validation.laws.loss_noise import Law, Normal, bowl, wells


@pytest.mark.parametrize("a", [2.0, 4.0])
def test_stationary_law_is_the_power_of_the_loss(a):
    """Density ∝ L^{−1−a}, a = 1/(Th), by quadrature of the Fokker–Planck equation."""
    density = stationary_density(bowl(1), 1 / a, (-400.0, 400.0))
    x = np.array([0.0, 0.5, 2.0, 5.0])
    np.testing.assert_allclose(density(x) / density(0.0), bowl(1).loss(x[:, None]) ** (-1 - a), rtol=1e-8)
    law, edges = Law(1, a), np.sqrt(2 * (np.array([1.5, 4.0]) - 1))
    beyond = [1 - density.masses([-edge, edge])[0] for edge in edges]
    np.testing.assert_allclose(law.beyond([1.5, 4.0]), beyond, rtol=1e-6)


def test_laws_of_the_logarithm_are_means_of_the_densities():
    x, step = np.linspace(-60, 60, 240_001, retstep=True)
    loss = 1 + x**2 / 2
    for law, density in ((Law(1, 3.0), loss**-4.0), (Normal(1, 3.0), np.exp(-3.0 * x**2 / 2))):
        share = density / density.sum()
        assert law.log_mean == pytest.approx(share @ np.log(loss), rel=1e-6), law
        assert float(law.beyond(2.0)) == pytest.approx(share[loss > 2].sum(), abs=2 * step)
    assert Law(2, 3.0).log_mean == pytest.approx(1 / 3)
    assert float(Law(2, 3.0).beyond(2.0)) == pytest.approx(2**-3.0)


@pytest.mark.parametrize("a", [1.5, 3.0])
def test_escape_goes_as_the_paper_s_power_where_the_barrier_is_high(a):
    """h τ ∝ (L_s/L₀)^{a + 1 − n/2} with n = 1, for a bowl's edge and for a saddle."""
    for place, start, curvature, ratios in ((bowl, 0.0, 1.0, (1e5, 1e6)), (wells, -1.0, 2.0, (1e4, 1e5))):
        times = []
        for ratio in ratios:
            landscape, stop = wells(ratio), "x > 0"
            if place is bowl:
                edge = float(np.sqrt(2 * (ratio - 1)))
                landscape, stop = bowl(1), f"x > {edge!r} or x < {-edge!r}"
            times.append(mean_exit_time(landscape, 1 / (a * curvature), start, stop=stop))
        slope = np.log(times[1] / times[0]) / np.log(ratios[1] / ratios[0])
        assert slope == pytest.approx(a + 0.5, rel=0.01), place


def test_of_normal_inputs_the_noise_is_more_than_twice_loss_times_hessian():
    """F = 2LH + ∇L∇Lᵀ, from 10⁶ examples and as the library has it."""
    problem = LinearRegression.gaussian(2, None, [1.0, 0.5], 0.7)
    away = np.array([0.8, -0.6])
    generator = np.random.default_rng(3)
    x = generator.normal(size=(400_000, 2)) * np.sqrt([1.0, 0.5])
    each = (x @ away + np.sqrt(0.7) * generator.normal(size=len(x)))[:, None] * x
    slope = problem.hessian @ away
    loss = (away @ slope + 0.7) / 2
    expected = 2 * loss * problem.hessian + np.outer(slope, slope)
    np.testing.assert_allclose(problem.noise_covariance(problem.optimum + away), expected, rtol=1e-10)
    np.testing.assert_allclose(np.cov(each.T), expected, atol=0.02)
