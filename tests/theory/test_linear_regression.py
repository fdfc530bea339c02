"""The law of Liu, Ziyin & Ueda against the exact recursion of second moments and against SGD itself."""

import numpy as np
import pytest
from tables import every

from sgdsde.config import SGDConfig
from sgdsde.theory import linear_regression_covariance, linear_regression_limit

INPUTS = {1: np.array([[0.7]]), 2: np.array([[1.0, 0.4], [0.4, 0.5]]), 5: np.diag([0.1, 0.3, 0.5, 0.8, 1.0])}


def fixed_point(a, noise, e, b, m):
    """Second moments of (w, v), one affine map; E[Ĥ S Ĥ] = A S A + (A S A + Tr(A S) A)/B for Gaussian inputs."""
    p = len(a)

    def step(x, sigma):
        s, c, v = x[:p, :p], x[:p, p:], x[p:, p:]
        kicked = a @ s @ a + (a @ s @ a + np.trace(a @ s) * a) / b + sigma * a / b
        new_v = m * m * v - e * m * (a @ c + c.T @ a) + e * e * kicked
        cross = m * c - e * s @ a  # ⟨w v'⟩
        return np.block([[s + cross + cross.T + new_v, cross + new_v], [(cross + new_v).T, new_v]])

    size = 4 * p * p
    columns = [step(unit.reshape(2 * p, 2 * p), 0.0).ravel() for unit in np.eye(size)]
    constant = step(np.zeros((2 * p, 2 * p)), noise).ravel()
    return np.linalg.solve(np.eye(size) - np.array(columns).T, constant).reshape(2 * p, 2 * p)[:p, :p]


@every("p", INPUTS)
@every("momentum", [0.0, 0.5, 0.9])
@every(("rate", "batch"), [(0.01, 1), (0.1, 4), (0.3, 32)])
def test_equals_exact_second_moments(p, momentum, rate, batch):
    config = SGDConfig(rate * (1 - momentum), batch, 10**6, momentum)
    law = linear_regression_covariance(INPUTS[p], 0.7, config)
    exact = fixed_point(INPUTS[p], 0.7, config.learning_rate, batch, momentum)
    assert np.abs(law - exact).max() < 1e-9 * np.abs(exact).max()


def test_equals_sgd():
    a, config = INPUTS[2], SGDConfig(0.2, 2, 10**6, 0.5)
    generator, root = np.random.default_rng(3), np.linalg.cholesky(a)
    w, v, moments = np.zeros((20_000, 2)), np.zeros((20_000, 2)), []
    for update in range(160):  # autocorrelation time (1 − m)/(ε λ) = 12 updates of the slower mode
        x = generator.standard_normal((20_000, 2, 2)) @ root.T
        error = np.einsum("rbi,ri->rb", x, w) - generator.standard_normal((20_000, 2))
        v = 0.5 * v - 0.2 * np.einsum("rb,rbi->ri", error, x) / 2
        w = w + v
        if update == 159:
            moments = w[:, :, None] * w[:, None, :]
    law = linear_regression_covariance(a, 1.0, config)
    z = (moments.mean(0) - law) / (moments.std(0) / np.sqrt(len(w)))
    assert np.abs(z).max() < 4
    wrong = linear_regression_covariance(a, 1.1, config)
    assert np.abs((moments.mean(0) - wrong) / (moments.std(0) / np.sqrt(len(w)))).max() > 4


def test_refuses_what_has_no_law():
    config = SGDConfig(1.9, 1, 100)
    with pytest.raises(ValueError, match="learning_rate"):
        linear_regression_covariance(1.0, 1.0, config)
    with pytest.raises(ValueError, match="positive definite"):
        linear_regression_covariance([[1.0, 0.0], [0.0, 0.0]], 1.0, SGDConfig(0.1, 1, 100))
    with pytest.raises(ValueError, match="label_variance"):
        linear_regression_covariance(1.0, -1.0, SGDConfig(0.1, 1, 100))


@every("p", INPUTS)
@every(("batch", "momentum"), [(1, 0.0), (4, 0.5), (1, 0.9)])
def test_the_limit_is_where_the_law_ends(p, batch, momentum):
    """By bisection of what the law accepts."""
    low, high = 1e-6, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        try:
            linear_regression_covariance(INPUTS[p], 1.0, SGDConfig(middle, batch, 100, momentum))
        except ValueError:
            high = middle
        else:
            low = middle
    config = SGDConfig(0.1, batch, 100, momentum)
    assert linear_regression_limit(INPUTS[p], config) == pytest.approx(low, rel=1e-9)


def test_the_limit_with_dampening():
    """(1 − d) ε is what counts."""
    damped = SGDConfig(0.1, 4, 100, 0.5, dampening=0.2)
    plain = SGDConfig(0.1, 4, 100, 0.5)
    assert linear_regression_limit(1.0, damped) == pytest.approx(linear_regression_limit(1.0, plain) / 0.8)
