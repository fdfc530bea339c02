"""Stationary laws against linear algebra on the full 2P state that shares no code with the library."""

import time

import mpmath
import numpy as np
import pytest
from tables import every

from sgdsde.config import SGDConfig
from sgdsde.theory import (
    autocorrelation_time,
    autocovariance,
    heavy_ball,
    stability_limit,
    stationary_covariance,
    stationary_variance,
    stationary_velocity_covariance,
)

RTOL = 1e-9


def minimum(p, rate, slow, fast, seed=0):
    """H with ε h from ``slow`` to ``fast`` and a full-rank F that does not commute with it."""
    rng = np.random.default_rng(seed)
    q = np.linalg.qr(rng.normal(size=(p, p)))[0]
    h = q @ np.diag(np.geomspace(slow, fast, p) if p > 1 else [fast]) @ q.T / rate
    a = rng.normal(size=(p, p + 2))
    h, f = (h + h.T) / 2, a @ a.T
    if p > 1:
        assert np.abs(h @ f - f @ h).max() > 1e-2 * np.abs(h @ f).max()
    return h, f


def step(h, config):
    """M and b of one update of (ω, v): x ← M x + b ξ."""
    eye, rate, m = np.eye(len(h)), config.learning_rate, config.momentum
    return np.block([[eye - rate * h, m * eye], [-rate * h, m * eye]]), -rate * np.vstack([eye, eye])


def discrete_lyapunov(m, q):
    """X = M X Mᵀ + Q by the Kronecker product."""
    n = len(m)
    return np.linalg.solve(np.eye(n * n) - np.kron(m, m), q.ravel()).reshape(n, n)


def epoch_laws(h, f, config):
    """Covariance of the state before each update of an epoch, from the epoch's whole linear map and block noise."""
    p, n = len(h), config.n_examples // config.batch_size
    m, b = step(h, config)
    c = 1 / config.batch_size - 1 / config.n_examples
    block = np.full((n, n), -1 / config.n_examples) + np.diag(np.full(n, c + 1 / config.n_examples))
    noise = np.kron(block, f)  # Cov(ξ_k, ξ_l)
    powers = [np.eye(2 * p)]
    for _ in range(n):
        powers.append(m @ powers[-1])

    def response(k):
        return np.hstack([powers[k - 1 - j] @ b if j < k else np.zeros((2 * p, p)) for j in range(n)])

    start = discrete_lyapunov(powers[n], response(n) @ noise @ response(n).T)
    return [powers[k] @ start @ powers[k].T + response(k) @ noise @ response(k).T for k in range(n)]


def close(got, exact, scale=None):
    np.testing.assert_allclose(got, exact, rtol=0, atol=RTOL * np.abs(exact if scale is None else scale).max())


SPECTRA = [(0.01, 1.5), (0.1, 0.5), (0.01, 0.02)]


@every("p", [1, 2, 5])
@every("m", [0.0, 0.5, 0.9])
@every("spectrum", SPECTRA)
@every("sampling", ["with_replacement", "without_replacement"])
def test_fresh_batches_match_the_kronecker_solution(p, m, spectrum, sampling):
    config = SGDConfig(0.1, 4, 64, m, sampling)
    h, f = minimum(p, 0.1, *spectrum)
    step_map, b = step(h, config)
    c = {"with_replacement": 63 / (64 * 4), "without_replacement": 1 / 4 - 1 / 64}[sampling]
    exact = discrete_lyapunov(step_map, b @ (c * f) @ b.T)
    close(stationary_covariance(h, f, config, "sgd"), exact[:p, :p])
    close(stationary_velocity_covariance(h, f, config), exact[p:, p:])
    for lag in (0, 1, 7):
        close(autocovariance(h, f, config, lag, "sgd"), (np.linalg.matrix_power(step_map, lag) @ exact)[:p, :p], exact)


@every("p", [1, 2, 5])
@every("m", [0.0, 0.5, 0.9])
@every("spectrum", SPECTRA)
@every(("n_examples", "batch_size"), [(4, 2), (14, 2), (32, 1)])
def test_reshuffling_matches_the_whole_epoch(p, m, spectrum, n_examples, batch_size):
    config = SGDConfig(0.1, batch_size, n_examples, m, "reshuffle")
    h, f = minimum(p, 0.1, *spectrum)
    laws = epoch_laws(h, f, config)
    average = sum(laws) / len(laws)
    close(stationary_covariance(h, f, config, "sgd"), average[:p, :p])
    close(stationary_covariance(h, f, config, "sgd", position="epoch_end"), laws[0][:p, :p])
    close(stationary_velocity_covariance(h, f, config), average[p:, p:])
    close(stationary_velocity_covariance(h, f, config, position="epoch_end"), laws[0][p:, p:])


@every("p", [1, 2, 5])
@every("m", [0.0, 0.9])
def test_sde_solves_the_lyapunov_equation(p, m):
    config = SGDConfig(0.1, 4, 64, m)
    h, f = minimum(p, 0.1, 0.01, 1.5)
    s = stationary_covariance(h, f, config, "sde")
    temperature = 0.1 * (1 / 4 - 1 / 64) / (1 - m)
    close(h @ s + s @ h, temperature * f)
    values, vectors = np.linalg.eig(h)
    decay = (vectors * np.exp(-values * 5 * 0.1 / (1 - m))) @ np.linalg.inv(vectors)
    close(autocovariance(h, f, config, 5, "sde"), decay @ s)


def test_reference_numbers_of_the_theory_sheet():
    fresh, reshuffled = SGDConfig(0.1, 4, 64), SGDConfig(0.1, 4, 64, sampling="reshuffle")
    f = 64 / 63
    numbers = [
        stationary_covariance(1.0, f, reshuffled, "sgd", position="epoch_end"),
        stationary_covariance(1.0, f, reshuffled, "sgd"),
        stationary_covariance(1.0, f, fresh, "sgd"),
        stationary_covariance(1.0, f, fresh, "sde"),
    ]
    assert [x.shape for x in numbers] == [(1, 1)] * 4
    np.testing.assert_allclose(np.ravel(numbers), [0.002457, 0.005151, 0.012531, 0.011905], rtol=0, atol=5e-7)


def test_reshuffling_of_a_nearly_flat_direction_by_hand():
    """Without momentum and for n ε h → 0 an epoch is a random bridge: at its end only curvature has left a trace."""
    n, rate, h = 64, 0.1, 1e-7
    config = SGDConfig(rate, 1, n, 0.0, "reshuffle")
    end = stationary_variance(h, 1.0, config, "sgd", position="epoch_end")
    assert float(end) == pytest.approx(rate**2 * (n * rate * h) / 24 * (n - 1 / n), rel=1e-5)
    assert float(stationary_variance(h, 1.0, config, "sgd")) == pytest.approx(rate**2 * (n - 1 / n) / 6, rel=1e-5)


@every("m", [0.0, 0.5, 0.9, 0.99])
@every("ph", [(1e-8, 1e-8), (1e-8, 1.5), (1.9, 1.9)])
def test_reshuffling_keeps_its_accuracy_where_double_precision_would_cancel(m, ph):
    """Against the same brute force in 60 digits; a pair of modes at a time, 11 batches."""
    n = 11
    with mpmath.workdps(60):
        kick = mpmath.matrix([1, 1])
        maps = [mpmath.matrix([[1 - mpmath.mpf(p), mpmath.mpf(m)], [-mpmath.mpf(p), mpmath.mpf(m)]]) for p in ph]
        left, right = ([a**k * kick for k in range(n)] for a in maps)
        law = mpmath.matrix(2, 2)
        for k in range(n):
            for j in range(n):
                law += left[n - 1 - k] * right[n - 1 - j].T * ((k == j) - mpmath.mpf(1) / n)
        law = _periodic(law, *(a**n for a in maps))
        end, total = law[0, 0], mpmath.mpf(0)
        drift = [mpmath.matrix([0, 0]), mpmath.matrix([0, 0])]
        for _ in range(n):
            total += law[0, 0]
            law = (
                maps[0] * law * maps[1].T
                + kick * kick.T * (1 - mpmath.mpf(1) / n)
                - (maps[0] * drift[0] * kick.T + kick * (maps[1] * drift[1]).T) / n
            )
            drift = [a * u + kick for a, u in zip(maps, drift, strict=True)]
        p, q = (np.array([x]) for x in ph)
        got = [f(p, q, m, n).position[0] for f in (heavy_ball.reshuffled_epoch_end, heavy_ball.reshuffled_average)]
        for value, exact in zip(got, (end, total / n), strict=True):
            assert abs(mpmath.mpf(float(value)) / exact - 1) < 1e-11


def _periodic(noise, a, b):
    """X = A X Bᵀ + noise for 2×2 matrices in mpmath."""
    system = mpmath.matrix(4, 4)
    for i, j, k, m in np.ndindex(2, 2, 2, 2):
        system[2 * i + j, 2 * k + m] = int(i == k and j == m) - a[i, k] * b[j, m]
    x = mpmath.lu_solve(system, mpmath.matrix(list(noise)))
    return mpmath.matrix([[x[0], x[1]], [x[2], x[3]]])


@pytest.mark.parametrize("sampling", ["without_replacement", "reshuffle"])
@pytest.mark.parametrize("position", ["average", "epoch_end"])
def test_scalar_form_broadcasts_and_agrees(sampling, position):
    config = SGDConfig(0.1, 4, 64, 0.5, sampling)
    h = np.array([[0.1, 1.0, 15.0]])
    f = np.array([[1.0], [2.0]])
    got = stationary_variance(h, f, config, "sgd", position=position)
    exact = [[stationary_covariance(x, y, config, "sgd", position=position)[0, 0] for x in h[0]] for y in f[:, 0]]
    np.testing.assert_allclose(got, exact, rtol=1e-13)
    brownian = stationary_variance(2.0, f, config, driver="brownian")
    np.testing.assert_allclose(brownian, config.temperature * f / 4, rtol=1e-15)


@pytest.mark.parametrize("sampling", ["without_replacement", "reshuffle"])
def test_full_batch_has_no_noise_left(sampling):
    config = SGDConfig(0.1, 64, 64, 0.9, sampling)
    h, f = minimum(5, 0.1, 0.01, 1.5)
    for position in ("average", "epoch_end"):
        assert not stationary_covariance(h, f, config, "sgd", position=position).any()
    assert not stationary_covariance(h, f, config, "sde", driver="brownian").any()


def test_autocorrelation_time_sums_the_autocovariance():
    config = SGDConfig(0.1, 4, 64, 0.9)
    h, f = minimum(3, 0.1, 0.05, 0.5)
    lags = np.array([np.diagonal(autocovariance(h, f, config, k, "sgd")) for k in range(600)])
    np.testing.assert_allclose(
        autocorrelation_time(h, f, config, "sgd"), (2 * lags.sum(axis=0) - lags[0]) / lags[0], rtol=1e-9
    )
    s = stationary_covariance(h, f, config)  # ∫ e^{−Hs} S ds = H⁻¹ S, and an update takes s = ε/(1 − m)
    integral = 2 * np.diagonal(np.linalg.solve(h, s)) / np.diagonal(s)
    np.testing.assert_allclose(autocorrelation_time(h, f, config), integral * (1 - 0.9) / 0.1, rtol=1e-9)


def test_simulated_reshuffling_with_momentum():
    """Brute force, no linear algebra: 4 000 paths, real permutations of 8 examples, momentum 0.5."""
    paths, n_examples, batch, rate, m, h = 4000, 8, 2, 0.3, 0.5, 1.0
    rng = np.random.default_rng(5)
    noise = rng.normal(size=n_examples)
    noise -= noise.mean()
    f = noise.var(ddof=1)
    w, v = np.zeros(paths), np.zeros(paths)
    squares, ends, epochs, burn = np.zeros(paths), np.zeros(paths), 100, 20
    orders = np.tile(np.arange(n_examples), (paths, 1))
    for epoch in range(epochs):
        orders = rng.permuted(orders, axis=1)
        batches = noise[orders].reshape(paths, -1, batch).mean(axis=2)
        for xi in batches.T:
            v = m * v - rate * (h * w + xi)
            w = w + v
            if epoch >= burn:
                squares += w**2
        if epoch >= burn:
            ends += w**2
    config = SGDConfig(rate, batch, n_examples, m, "reshuffle")
    for total, samples, position in ((squares, 4 * (epochs - burn), "average"), (ends, epochs - burn, "epoch_end")):
        per_path = total / samples
        error = per_path.std(ddof=1) / np.sqrt(paths)
        exact = stationary_covariance(h, f, config, "sgd", position=position)[0, 0]
        assert error < 0.005 * exact  # so that 4 σ would see 2 %
        assert abs(per_path.mean() - exact) < 4 * error
        other = stationary_covariance(h, f, SGDConfig(rate, batch, n_examples, m), "sgd")[0, 0]
        assert abs(per_path.mean() - other) > 10 * error  # the negative control


def test_stability_limit_is_where_the_spectral_radius_reaches_one():
    h = minimum(5, 1.0, 0.1, 3.0)[0]
    for m in (0.0, 0.5, 0.9):
        limit = stability_limit(h, SGDConfig(0.1, 4, 64, m))
        radius = [
            np.abs(np.linalg.eigvals(step(h, SGDConfig(limit * x, 4, 64, m))[0])).max() for x in (0.999999, 1.000001)
        ]
        assert radius[0] < 1 < radius[1]
        stationary_covariance(h, np.eye(5), SGDConfig(limit * 0.999999, 4, 64, m), "sgd")
        for sampling in ("without_replacement", "reshuffle"):
            beyond = SGDConfig(limit, 4, 64, m, sampling)
            with pytest.raises(ValueError, match=rf"learning_rate must be below .* = {limit:.6g} .*got {limit}"):
                stationary_covariance(h, np.eye(5), beyond, "sgd")
            stationary_covariance(h, np.eye(5), beyond, "sde")
    assert stability_limit(0.0, SGDConfig(0.1, 4, 64)) == np.inf


@pytest.mark.parametrize("model", ["sde", "sgd"])
@pytest.mark.parametrize("sampling", ["without_replacement", "reshuffle"])
def test_flat_directions_without_noise_stay_put(model, sampling):
    q = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    h, f = (q @ np.diag([0.0, 1.0, 4.0]) @ q.T), (q @ np.diag([0.0, 2.0, 1.0]) @ q.T)
    config = SGDConfig(0.1, 4, 64, 0.5, sampling)
    s = stationary_covariance(h, f, config, model)
    exact = q @ np.diag([0.0, *stationary_variance([1.0, 4.0], [2.0, 1.0], config, model)]) @ q.T
    close(s, exact)
    with pytest.raises(ValueError, match="hessian must be positive definite wherever noise_covariance has noise"):
        stationary_covariance(h, np.eye(3), config, model)


@every(
    ("hessian", "noise_covariance", "options", "message"),
    [
        ([[1.0, 0.1], [0.0, 1.0]], np.eye(2), {}, "hessian must be symmetric"),
        (np.eye(2), [[1.0, 0.1], [0.0, 1.0]], {}, "noise_covariance must be symmetric"),
        (np.eye(2), [[1.0, 2.0], [2.0, 1.0]], {}, "noise_covariance must be positive semidefinite.*-1"),
        (np.diag([1.0, -0.5]), np.eye(2), {}, "hessian must be positive definite.*-0.5"),
        (np.eye(2), np.eye(3), {}, r"noise_covariance must have the shape \(2, 2\)"),
        (np.ones(2), np.eye(2), {}, r"hessian must be .* got the shape \(2,\)"),
        (np.full((2, 2), np.nan), np.eye(2), {}, "hessian must be finite"),
        ("stiff", 1.0, {}, "hessian must be .*'stiff'"),
        (1.0, 1.0, {"dynamics": "ode"}, "dynamics must be one of sde, sgd, momentum_sde, got 'ode'"),
        (1.0, 1.0, {"position": "middle"}, "position must be one of average, epoch_end, got 'middle'"),
    ],
)
def test_bad_input_is_refused_by_name(hessian, noise_covariance, options, message):
    with pytest.raises(ValueError, match=message):
        stationary_covariance(hessian, noise_covariance, SGDConfig(0.1, 4, 64), **options)


def test_other_functions_refuse_too():
    config, reshuffled = SGDConfig(0.1, 4, 64), SGDConfig(0.1, 4, 64, sampling="reshuffle")
    with pytest.raises(ValueError, match="curvature must be positive"):
        stationary_variance([1.0, 0.0], 1.0, config)
    with pytest.raises(ValueError, match="noise_covariance must be at least 0"):
        stationary_variance(1.0, -1.0, config)
    with pytest.raises(ValueError, match="learning_rate"):
        stationary_variance([1.0, 30.0], 1.0, config, "sgd")
    with pytest.raises(ValueError, match="lag must be"):
        autocovariance(1.0, 1.0, config, -1)
    with pytest.raises(ValueError, match="sampling"):
        autocovariance(1.0, 1.0, reshuffled, 1, "sgd")
    with pytest.raises(ValueError, match="noise_covariance must give every parameter noise"):
        autocorrelation_time(np.eye(2), np.diag([1.0, 0.0]), config)


def test_many_parameters_and_long_epochs_take_seconds():
    p = 300
    h, f = minimum(p, 0.1, 0.01, 1.5)
    begin = time.perf_counter()
    s = stationary_covariance(h, f, SGDConfig(0.1, 5, 100_000, 0.9, "reshuffle"), "sgd")
    stationary_covariance(h, f, SGDConfig(0.1, 5, 100_000, 0.9, "reshuffle"), "sgd", position="epoch_end")
    assert time.perf_counter() - begin < 20  # 0.4 s on an idle core
    assert np.linalg.eigvalsh(s)[0] > 0
