"""The law of balance: SGD on two weights in series, update by update, and the stationary law of their product."""

from __future__ import annotations

import numpy as np
import pytest
from tables import every

import sgdsde as sg
from sgdsde.landscapes import two_weights
from sgdsde.theory import balance_law, stationary_density

RNG = np.random.default_rng(19)
X = RNG.uniform(0.5, 1.5, 12)
Y = X + 0.4 * X**2 + RNG.choice([-0.7, 0.7], 12)
LAW = balance_law(X, Y)
POINTS = RNG.uniform(0.3, 1.5, (5, 2))


def gradients(u, w):
    """∇ℓ_i of every example, (N, 2)."""
    return 2 * np.outer(u * w * X**2 - X * Y, [w, u])


def test_gradient_and_noise_are_those_of_the_examples():
    network, _ = two_weights(X, Y)
    for point in POINTS:
        each = gradients(*point)
        np.testing.assert_allclose(network.gradient(point), each.mean(axis=0), atol=1e-12)
        np.testing.assert_allclose(network.noise_covariance(point), np.cov(each.T), atol=1e-12)
        assert network.loss(point) == pytest.approx(np.mean((point.prod() * X - Y) ** 2))


@every("sampling", ["without_replacement", "reshuffle"])
def test_an_update_is_that_of_one_example_and_balances_by_the_law(sampling):
    network, table = two_weights(X, Y)
    config, start = sg.SGDConfig(0.05, 1, 12, sampling=sampling), np.array([1.3, 0.6])
    run = sg.simulate_sgd(network, config, start, 1, 200, examples=table, seed=1, engine="numpy")
    ends = start - 0.05 * gradients(*start)
    nearest = np.abs(run.final[:, None] - ends).max(axis=2)
    assert nearest.min(axis=1).max() < 1e-13
    assert len(np.unique(nearest.argmin(axis=1))) == 12
    xi = start.prod() * X**2 - X * Y
    kept = (ends[:, 0] ** 2 - ends[:, 1] ** 2) / (start[0] ** 2 - start[1] ** 2)
    np.testing.assert_allclose(kept, 1 - 4 * 0.05**2 * xi**2, rtol=1e-12)


@every("ratio", [0.03, 0.3, 0.9])
def test_density_is_that_of_the_fokker_planck_equation_by_quadrature(ratio):
    """In q = ln v: drift −4(β1v − β2 + T D), noise 16 T D."""
    temperature = ratio * LAW.critical_temperature
    density = LAW.stationary(temperature)
    a1, a2, a3 = LAW.square_variance, LAW.covariance, LAW.product_variance
    loss = f"4*({LAW.square}*exp(q) - {LAW.product}*q) + 4*{temperature}*({a1}*exp(2*q)/2 - 2*{a2}*exp(q) + {a3}*q)"
    line = sg.Landscape(loss, "q", noise_covariance=f"16*({a1}*exp(2*q) - 2*{a2}*exp(q) + {a3})")
    ends = density.log_v[[0, -1]].tolist()
    exact = stationary_density(line, temperature, ends)
    shares = np.array([0.01, 0.1, 0.5, 0.9, 0.99])
    v = density.quantile(shares)
    np.testing.assert_allclose(v * density(v), exact(np.log(v)), rtol=1e-9)
    np.testing.assert_allclose(exact.masses([ends[0], *np.log(v), ends[1]])[:5].cumsum(), shares, atol=5e-5)
    np.testing.assert_allclose(density.below(v), shares, atol=1e-12)
    assert density([-1.0, 0.0]).tolist() == density.below([-1.0, 0.0]).tolist() == [0.0, 0.0]


def test_mean_is_that_of_the_quantiles():
    density = LAW.stationary(0.4 * LAW.critical_temperature)
    v = density.quantile((np.arange(200_000) + 0.5) / 200_000)
    assert density.mean == pytest.approx(v.mean(), rel=1e-4)


def test_above_the_critical_temperature_nothing_is_left():
    critical = LAW.critical_temperature
    assert LAW.growth(critical) == pytest.approx(0.0, abs=1e-12)
    assert LAW.growth(critical / 2) == pytest.approx(2 * LAW.product)
    medians = [float(LAW.stationary(ratio * critical).quantile(0.5)) for ratio in (0.5, 0.9, 0.97)]
    assert medians[0] > 1e3 * medians[1] > 1e6 * medians[2]
    with pytest.raises(ValueError, match="temperature must be below the critical one"):
        LAW.stationary(critical)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1.0, 2.0], [1.0], r"x and y must be as many finite numbers, got shapes \(2,\) and \(1,\)"),
        ([1.0, 2.0], [1.0, 2.0], "x and y must be at least 3 examples, got 2"),
        ([1.0, -1.0, 1.0], [1.0, 2.0, 3.0], "squares x² that differ"),
        (X, 2 * X, "no line in them"),
        (X, -Y, "products x y of a positive mean, got -"),
    ],
)
def test_data_that_have_no_law_are_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        balance_law(x, y)
