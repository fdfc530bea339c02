"""Where SGD's second moment diverges, against all batches there are, in any dimension and with momentum."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from tables import every

from sgdsde import SGDConfig
from sgdsde.theory import (
    linear_regression_limit,
    mean_square_growth,
    mean_square_stability_limit,
    stability_limit,
)

N = 6


def hessians(p):
    """Symmetric, of both signs, with a positive definite mean."""
    parts = np.random.default_rng(p).standard_normal((N, p, p))
    return np.eye(p) + 0.35 * (parts + parts.swapaxes(1, 2)) / 2


def growth_by_enumeration(h, config):
    """The spectral radius of E[M ⊗ M], M the step of (ω, v) with each batch there is."""
    p, b = h.shape[1], config.batch_size
    repeated = config.sampling == "with_replacement"
    every_batch = list(product(range(N), repeat=b) if repeated else combinations(range(N), b))
    total = np.zeros((4 * p * p, 4 * p * p))
    for batch in every_batch:
        kick = config.learning_rate * h[list(batch)].mean(axis=0)
        step = np.block([[np.eye(p) - kick, config.momentum * np.eye(p)], [-kick, config.momentum * np.eye(p)]])
        total += np.kron(step, step)
    return np.abs(np.linalg.eigvals(total / len(every_batch))).max()


@every("p", [1, 2, 3])
@every("momentum", [0.0, 0.5, 0.9])
@every(("batch", "sampling"), [(1, "without_replacement"), (3, "without_replacement"), (2, "with_replacement")])
def test_limit_and_growth_are_those_of_all_batches(p, momentum, batch, sampling):
    h, config = hessians(p), SGDConfig(0.1, batch, N, momentum, sampling=sampling)
    at = replace(config, learning_rate=mean_square_stability_limit(h, config))
    assert growth_by_enumeration(h, at) == pytest.approx(1, abs=1e-9)
    for share in (0.9, 1.1):
        near = replace(at, learning_rate=share * at.learning_rate)
        exact = growth_by_enumeration(h, near)
        assert mean_square_growth(h, near) == pytest.approx(exact, rel=1e-9)
        assert (exact > 1) == (share > 1)


@every("momentum", [0.0, 0.9])
def test_factors_are_hessians_and_flat_directions_play_no_part(momentum):
    j, config = np.random.default_rng(0).standard_normal((N, 1, 9)), SGDConfig(0.1, 2, N, momentum)
    whole = j.swapaxes(1, 2) @ j  # rank 6 of 9
    limit = mean_square_stability_limit(j, config, factored=True)
    assert mean_square_stability_limit(whole, config) == pytest.approx(limit, rel=1e-8)
    at = replace(config, learning_rate=limit)
    assert mean_square_growth(j, at, factored=True) == pytest.approx(1, abs=1e-9)
    assert mean_square_growth(j, replace(at, learning_rate=1.02 * limit), factored=True) > 1


def test_many_weights_go_by_products():
    j, config = np.random.default_rng(0).standard_normal((20, 40)), SGDConfig(0.1, 2, 20, 0.9)
    at = replace(config, learning_rate=mean_square_stability_limit(j, config, factored=True))
    assert mean_square_growth(j, at, factored=True) == pytest.approx(1, abs=1e-9)


@every("momentum", [0.0, 0.8])
def test_in_one_dimension_limits_of_gradient_descent_and_of_the_sde_add_up(momentum):
    h, config = np.array([0.2, 1.5, 1.0, 0.8, 3.0, 0.1]), SGDConfig(0.1, 2, N, momentum)
    p, m, mean = 4 / (2 * 5), momentum, h.mean()
    limit, sde = (mean_square_stability_limit(h, config, name) for name in ("sgd", "sde"))
    assert limit == pytest.approx(2 * mean * (1 - m**2) / (mean**2 * (1 - m) + p * h.var() * (1 + m)))
    assert sde == pytest.approx(2 * mean * (1 - m) / (p * h.var()))
    assert 1 / limit == pytest.approx(1 / sde + 1 / stability_limit(mean, config))


def test_limit_of_all_examples_is_that_of_gradient_descent_and_the_sde_has_none():
    h, config = hessians(3), SGDConfig(0.1, N, N, 0.5)
    assert mean_square_stability_limit(h, config) == pytest.approx(stability_limit(h.mean(axis=0), config))
    assert mean_square_stability_limit(h, config, "sde") == np.inf
    assert mean_square_stability_limit(np.zeros((N, 2, 2)), config) == np.inf


def test_many_gaussian_examples_are_fresh_ones():
    n, a = 40_000, np.diag([1.0, 0.5])
    x = np.random.default_rng(1).standard_normal((n, 2)) * np.sqrt(np.diag(a))
    config = SGDConfig(0.1, 2, n, 0.6, sampling="with_replacement")
    found = mean_square_stability_limit(x, config, factored=True)
    assert found == pytest.approx(linear_regression_limit(a, config), rel=0.03)  # fourth moments of a sample


def test_dampening_divides_the_limit():
    plain, damped = SGDConfig(0.1, 2, N, 0.5), SGDConfig(0.1, 2, N, 0.5, dampening=0.2)
    ratio = mean_square_stability_limit(hessians(2), plain) / mean_square_stability_limit(hessians(2), damped)
    assert ratio == pytest.approx(0.8)


CONFIG = SGDConfig(0.1, 2, N)


@every(
    ("words", "given", "config", "options"),
    [
        ("hessians must have the shape \\(N, P, P\\)", np.ones((N, 2, 3)), CONFIG, {}),
        ("hessians must have the shape \\(N, k, P\\)", np.ones(N), CONFIG, {"factored": True}),
        ("hessians must be finite", np.full(N, np.nan), CONFIG, {}),
        ("hessians must be symmetric", np.arange(4.0 * N).reshape(N, 2, 2), CONFIG, {}),
        ("hessians must have a positive semidefinite mean", -np.ones(N), CONFIG, {}),
        ("hessians must be 0 wherever", np.einsum("n,ij->nij", [1, -1] * 3, np.eye(2)), CONFIG, {}),
        ("config.n_examples must be the number of hessians, 7, got 6", np.ones(7), CONFIG, {}),
        ("sampling must draw batches independently", np.ones(N), replace(CONFIG, sampling="reshuffle"), {}),
        ("weight_decay must be 0", np.ones(N), replace(CONFIG, weight_decay=0.1), {}),
        ("dynamics must be", np.ones(N), CONFIG, {"dynamics": "adam"}),
    ],
)
def test_refuses(words, given, config, options):
    with pytest.raises(ValueError, match=words):
        mean_square_stability_limit(given, config, **options)


def test_growth_refuses_what_does_not_move():
    with pytest.raises(ValueError, match="hessians must not be 0"):
        mean_square_growth(np.zeros(N), CONFIG)
