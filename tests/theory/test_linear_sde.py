"""The law of the epoched SDE: against matrix exponentials, closed forms, simulations, and SGD as ε falls."""

import numpy as np
import pytest
from scipy.linalg import expm, solve_discrete_lyapunov
from tables import every

import sgdsde as sg
from sgdsde import SGDConfig
from sgdsde.theory import autocovariance, stationary_covariance, stationary_variance


def minimum(p, seed=3):
    """A Hessian with curvatures from 0.02 to 3 and a full F."""
    generator = np.random.default_rng(seed)
    basis = np.linalg.qr(generator.standard_normal((p, p)))[0]
    root = generator.standard_normal((p, p))
    return (basis * np.geomspace(0.02, 3, p)) @ basis.T if p > 1 else np.array([[1.3]]), root @ root.T


def update_of(h, f, config, dynamics, driver):
    """G, and what noise enters with per update, of the state: (ω) or (ω, v), in updates."""
    p, m, e = len(h), config.momentum, config.learning_rate
    c = 1 / config.batch_size if driver == "epoched" else config.batch_noise
    if dynamics == "sde":
        return -e * h / (1 - m), e**2 * c * f / (1 - m) ** 2, np.eye(p)
    g = np.block([[np.zeros((p, p)), np.eye(p)], [-e * h, -(1 - m) * np.eye(p)]])
    return g, e**2 * c * f, np.vstack([np.zeros((p, p)), np.eye(p)])


def laws(h, f, config, dynamics, driver):
    """Covariances of the state after each update of an epoch, from the covariances of what updates add, all pairs."""
    g, noise, entry = update_of(h, f, config, dynamics, driver)
    size, n = len(g), config.n_examples // config.batch_size
    both = expm(np.block([[-g, entry @ noise @ entry.T], [np.zeros((size, size)), g.T]]))  # Van Loan 1978
    step = both[size:, size:].T
    whole = step @ both[:size, size:]
    mean = expm(np.block([[g, entry], [np.zeros((entry.shape[1], size + entry.shape[1]))]]))[:size, size:]
    if driver == "brownian":
        return [solve_discrete_lyapunov(step, whole)]
    shared = mean @ noise @ mean.T / n
    adds = [np.linalg.matrix_power(step, k) for k in range(n + 1)]

    def after(k):
        total = sum(adds[i] @ whole @ adds[i].T for i in range(k))
        reached = sum(adds[:k], np.zeros((size, size)))
        return total - reached @ shared @ reached.T

    end = solve_discrete_lyapunov(adds[n], after(n))
    return [adds[k] @ end @ adds[k].T + after(k) for k in range(1, n + 1)]


@every("dynamics", ["sde", "momentum_sde"])
@every("m", [0.0, 0.5, 0.9])
@every("p", [1, 3])
@every("batch", [1, 4, 8, 16])
@every("driver", ["epoched", "brownian"])
def test_matches_matrix_exponentials(dynamics, m, p, batch, driver):
    config = SGDConfig(0.1, batch, 16, m, "reshuffle")
    h, f = minimum(p)
    found = laws(h, f, config, dynamics, driver)
    options = {"dynamics": dynamics, "driver": driver}
    for position, exact in (("average", sum(found) / len(found)), ("epoch_end", found[-1])):
        got, exact = stationary_covariance(h, f, config, position=position, **options), exact[:p, :p]
        np.testing.assert_allclose(got, exact, rtol=0, atol=1e-10 * np.abs(exact).max())


@pytest.mark.parametrize("m", [0.0, 0.9])
def test_with_brownian_motion_they_are_the_old_laws(m):
    config = SGDConfig(0.1, 4, 64, m)
    h, f = minimum(3)
    exact = autocovariance(h, f, config, 0, "momentum_sde")
    got = stationary_covariance(h, f, config, "momentum_sde")
    np.testing.assert_allclose(got, exact, rtol=0, atol=1e-12 * np.abs(exact).max())
    (one,) = laws(h, f, config, "sde", "brownian")
    np.testing.assert_allclose(stationary_covariance(h, f, config), one, rtol=0, atol=1e-12 * np.abs(one).max())


def test_numbers_of_the_theory_page():
    """In the limit of short updates of one epoch the average over updates is that over time."""
    f, config = 64 / 63, SGDConfig(0.1, 4, 64, sampling="reshuffle")
    assert stationary_covariance(1.0, f, config, position="epoch_end")[0, 0] == pytest.approx(0.00216, abs=5e-6)
    assert stationary_covariance(1.0, f, config)[0, 0] == pytest.approx(0.00473, abs=5e-6)
    fine = SGDConfig(0.1 / 4, 1, 64, sampling="reshuffle")  # the same T and the same epoch
    assert stationary_covariance(1.0, f, fine)[0, 0] == pytest.approx(0.00474, abs=5e-6)
    assert stationary_covariance(1.0, f, config, driver="brownian")[0, 0] == pytest.approx(0.0119, abs=5e-5)


@every("h", [1e-9, 1e-5, 1e-2, 1.0, 300.0])
@every("dynamics", ["sde", "momentum_sde"])
def test_no_digits_are_lost_at_any_curvature(h, dynamics):
    """At epoch ends of small S = nεh the bridge has hS of its variance cancel; which leaves h S² T F/24."""
    config = SGDConfig(1e-3, 4, 64, sampling="reshuffle")
    s, t = 16e-3, 1e-3 / 4
    got = float(stationary_variance(h, 1.0, config, dynamics, position="epoch_end"))
    if dynamics == "sde" and h * s < 1e-6:
        assert got == pytest.approx(t * h * s**2 / 24, rel=1e-6)
    elif dynamics == "sde":
        a = h * s
        share = -np.expm1(-2 * a) / (2 * a) - (np.expm1(-a) / a) ** 2
        assert got == pytest.approx(t * s * share / -np.expm1(-2 * a), rel=1e-7)
    assert 0 < got < float(stationary_variance(h, 1.0, config, dynamics, driver="brownian"))


@every("m", [0.0, 0.5])
@every("dynamics", ["sde", "momentum_sde"])
@every("length", [0.1, 0.3, 1.0, 3.0, 10.0])
def test_reshuffled_sgd_is_its_epoched_sde_to_first_order(m, dynamics, length):
    """At a fixed εhN/B the error falls as ε; that of Brownian motion stays."""
    configs = [SGDConfig(length / n, 4, 4 * n, m, "reshuffle") for n in (128, 256, 512)]
    sgd = np.array([stationary_variance(1.0, 1.0, each, "sgd") for each in configs])
    errors = {
        driver: np.abs([stationary_variance(1.0, 1.0, each, dynamics, driver=driver) for each in configs] / sgd - 1)
        for driver in ("epoched", "brownian")
    }
    assert errors["epoched"].max() < 0.06
    assert (np.abs(np.log2(errors["epoched"][:-1] / errors["epoched"][1:]) - 1) < 0.15).all()
    assert errors["brownian"][-1] > 0.08  # the negative control: what is left of it does not fall with ε
    assert errors["brownian"][-1] > 5 * errors["epoched"][-1]


BOWL = sg.Landscape("x**2/2 + 2*y**2", "x y", noise_covariance=[["1", "0.4"], ["0.4", "2"]])
SIMULATED = {
    "sde": {"scheme": "heun", "substeps": 8},
    "momentum_sde": {"scheme": "baoab", "substeps": 8},
}


@pytest.mark.parametrize(("dynamics", "m"), [("sde", 0.0), ("sde", 0.5), ("momentum_sde", 0.5)])
def test_simulated(dynamics, m):
    """All entries within 4 standard errors, of at most 1.5 %, at ends of epochs and averaged; Brownian laws are not."""
    config = SGDConfig(0.1, 4, 32, m, "reshuffle")
    for position, (updates, burn_in) in {"average": (160, 80), "epoch_end": (80, 79)}.items():
        paths = 8_000 if position == "average" else 30_000
        run = sg.simulate_sde(BOWL, config, [0, 0], updates, paths, burn_in=burn_in, seed=4, **SIMULATED[dynamics])
        if position == "average":
            found, error = run.covariance, run.standard_error.covariance
        else:
            found = np.cov(run.final.T)
            error = np.sqrt((np.outer(np.diag(found), np.diag(found)) + found**2) / paths)
        arguments = (BOWL.hessian([0, 0]), BOWL.noise_covariance([0, 0]), config, dynamics)
        exact = stationary_covariance(*arguments, position=position)
        assert (np.diag(error) < 0.015 * np.diag(exact)).all()
        assert (np.abs(found - exact) < 4 * error).all()
        other = stationary_covariance(*arguments, position=position, driver="brownian")
        assert (np.abs(found - other) > 10 * error).any()
