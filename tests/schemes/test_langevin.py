"""Exact steps have the exact law; splittings keep the stationary law of theory; schemes refuse what they cannot."""

import math

import numpy as np
import pytest
from scipy.integrate import quad_vec
from scipy.linalg import expm, solve_discrete_lyapunov

from sgdsde import Landscape, SGDConfig, integrate, simulate_sde

T = 0.7
TILTED = Landscape("x**2 + x*y/2 + 2*y**2/5 - x", "x y", noise_factor=[["1", "0"], ["0.6", "0.5"]])
FLAT = Landscape("x**2/2", "x y", noise_factor=[["1", "0.3"], ["0.2", "0.8"]])
SADDLE = Landscape("x**2/2 - y**2/4", "x y", noise_factor=[["1", "0", "0.3"], ["0.2", "0.8", "0"]])
HARMONIC = Landscape("h*x**2/2", "x", {"h": 2.0}, noise_factor=[["1.5"]])


def linear(step, name: str, landscape: Landscape, size: int, numbers: dict, draws: dict[str, int]):
    """(M, N, c) of a scheme whose step is state → M state + N noise + c."""
    zero = {key: np.zeros(count) for key, count in draws.items()}
    shift = step(name, landscape, np.zeros(size), numbers, **zero)
    m = np.stack([step(name, landscape, e, numbers, **zero) - shift for e in np.eye(size)], axis=1)
    columns = [
        step(name, landscape, np.zeros(size), numbers, **{**zero, key: unit}) - shift
        for key, count in draws.items()
        for unit in np.eye(count)
    ]
    return m, np.stack(columns, axis=1), shift


@pytest.mark.parametrize("landscape", [TILTED, FLAT, SADDLE], ids=["tilted", "flat", "saddle"])
@pytest.mark.parametrize("dt", [1e-3, 0.3, 4.0])
def test_exact_steps_have_the_exact_law(landscape: Landscape, dt: float, step) -> None:
    k = landscape.noise_dimension
    m, n, shift = linear(step, "exact_ou", landscape, 2, {"dt": dt, "temperature": T}, {"z": k})
    hessian, f = landscape.hessian([0.0, 0.0]), landscape.noise_covariance([0.0, 0.0])
    np.testing.assert_allclose(m, expm(-hessian * dt), atol=1e-12)
    covariance, _ = quad_vec(lambda s: T * expm(-hessian * s) @ f @ expm(-hessian * s), 0, dt, epsrel=1e-12)
    np.testing.assert_allclose(n @ n.T, covariance, rtol=1e-9)
    drift, _ = quad_vec(lambda s: -expm(-hessian * s) @ landscape.gradient([0.0, 0.0]), 0, dt, epsrel=1e-12)
    np.testing.assert_allclose(shift, drift, rtol=1e-9, atol=1e-13)


def test_exact_steps_follow_the_increments(step) -> None:
    """The root of the covariance is the one nearest to the increments' own: S → √(TΔ) A."""
    _, n, _ = linear(step, "exact_ou", TILTED, 2, {"dt": 1e-4, "temperature": T}, {"z": 2})
    np.testing.assert_allclose(n, math.sqrt(T * 1e-4) * TILTED.noise_factor([0.0, 0.0]), rtol=1e-3, atol=1e-6)


def test_too_few_columns_for_an_exact_step() -> None:
    thin = Landscape("x**2 + x*y/2 + y**2/4", "x y", noise_factor=[["1"], ["0.4"]])
    with pytest.raises(ValueError, match=r"scheme 'exact_ou' needs as many columns .* 2; this landscape has 1"):
        integrate(thin, [0.0, 0.0], 1.0, 4, 2, scheme="exact_ou")
    with pytest.raises(ValueError, match="scheme 'exact_ou' needs additive noise and a quadratic loss"):
        integrate(Landscape("x**4", "x"), 0.0, 1.0, 4, 2, scheme="exact_ou")


def test_exact_steps_of_a_schedule_have_the_exact_law() -> None:
    """Means and variances after steps of different lengths and temperatures, on a landscape with x and y coupled."""
    rates, sizes, paths = [0.4, 0.05, 0.4, 1.5, 0.2], [2, 2, 8, 4, 1], 40_000
    run = simulate_sde(
        TILTED, SGDConfig(0.1, 2, 16), [1.0, -2.0], 5, paths, scheme="exact_ou", engine="numpy",
        learning_rates=rates, batch_sizes=sizes, substeps=1, save_every=1,
    )  # fmt: skip
    h, f = TILTED.hessian([0.0, 0.0]), TILTED.noise_covariance([0.0, 0.0])
    minimum = np.linalg.solve(h, -TILTED.gradient([0.0, 0.0]))
    mean, covariance = np.array([1.0, -2.0]), np.zeros((2, 2))
    for k, (rate, size) in enumerate(zip(rates, sizes, strict=True), 1):
        t, decay = SGDConfig(rate, size, 16).temperature, expm(-h * rate)
        mean = minimum + decay @ (mean - minimum)
        kick, _ = quad_vec(lambda s, t=t: t * expm(-h * s) @ f @ expm(-h * s), 0, rate, epsrel=1e-10)
        covariance = decay @ covariance @ decay + kick
        variances = covariance.diagonal()
        off = (run.snapshots[k].mean(axis=0) - mean) / np.sqrt(variances / paths)
        spread = (run.snapshots[k].var(axis=0) / variances - 1) / math.sqrt(2 / paths)
        assert np.abs([off, spread]).max() < 4.5


@pytest.mark.networks
def test_matrices_of_a_schedule() -> None:
    scheme = "exact_ou"
    arguments = (TILTED, SGDConfig(0.1, 2, 16), [1.0, -2.0], 7, 9)
    plain, scheduled = (
        simulate_sde(*arguments, scheme=scheme, engine="numpy", **options)
        for options in ({}, {"learning_rates": np.full(7, 0.1)})
    )
    np.testing.assert_array_equal(scheduled.final, plain.final)
    rates = np.linspace(0.1, 0.3, 7)
    judge, torch = (
        simulate_sde(*arguments, scheme=scheme, engine=engine, learning_rates=rates) for engine in ("numpy", "torch")
    )
    np.testing.assert_allclose(torch.final, judge.final, rtol=1e-12, atol=1e-13)
    singular = Landscape("x**2/2", "x y", noise_factor=[["1", "0"], ["0", "0"]])
    found = simulate_sde(singular, *arguments[1:], scheme=scheme, engine="numpy", learning_rates=rates)
    assert (found.final[:, 1] == -2.0).all()
    assert (found.final[:, 0] != 1.0).all()
    with pytest.raises(ValueError, match="dt = 3000 is too long for scheme 'exact_ou'"):
        simulate_sde(SADDLE, *arguments[1:], scheme=scheme, engine="numpy", learning_rates=[0.1] * 6 + [3000.0])


@pytest.mark.parametrize("dt", [0.05, 0.2, 0.8])
def test_leimkuhler_matthews_is_exact_on_a_parabola_and_euler_is_not(dt: float, step) -> None:
    """Var ω = T F/(2h), against T F/(2h (1 − Δh/2)) of Euler and Maruyama."""
    exact = T * 1.5**2 / (2 * 2.0)
    for name, size, factor in (("leimkuhler_matthews", 2, 1.0), ("euler_maruyama", 1, 1 / (1 - dt))):
        m, n, _ = linear(step, name, HARMONIC, size, {"dt": dt, "temperature": T}, {"z": 1})
        assert solve_discrete_lyapunov(m, n @ n.T)[0, 0] == pytest.approx(factor * exact, rel=1e-12)


SPLITTINGS = {"baoab": {"z": 1}, "obabo": {"z": 1, "y": 1}, "momentum_euler": {"z": 1}}


@pytest.mark.parametrize(("name", "order"), [("baoab", 2), ("obabo", 2), ("momentum_euler", 1)])
def test_stationary_law_of_the_splittings(name: str, order: int, step) -> None:
    """Var ω = T F/(2h), Var p = T F/2 in the limit, at the order declared for the invariant law; BAOAB's ω exactly."""
    exact, errors = np.array([T * 1.5**2 / (2 * 2.0), T * 1.5**2 / 2]), []
    for h in (0.02, 0.01):
        m, n, _ = linear(step, name, HARMONIC, 2, {"dt": h, "temperature": T, "friction": 0.9}, SPLITTINGS[name])
        errors.append(np.diag(solve_discrete_lyapunov(m, n @ n.T)) / exact - 1)
    assert np.abs(errors[1]).max() < (1e-3 if order == 2 else 0.1)
    kept = np.abs(errors[1]) > 1e-10
    np.testing.assert_allclose(np.log2(errors[0][kept] / errors[1][kept]), order, atol=0.1)
    assert kept.any()
    if name == "baoab":
        assert not kept[0]


def test_splitting_takes_full_noise_where_it_is(step) -> None:
    """O at the middle position: with h → 0 the kick is √(γT) A(ω) ΔW."""
    full = Landscape("0*x + 0*y", "x y", noise_covariance=[["1 + x**2", "x*y/2"], ["x*y/2", "1 + y**2"]])
    h, w, p, z = 1e-8, [0.7, -0.4], [0.5, 0.2], np.array([0.8, -1.1])
    for name, noise in (("baoab", {"z": z}), ("obabo", {"z": z, "y": np.zeros(2)}), ("momentum_euler", {"z": z})):
        found = step(name, full, [*w, *p], {"dt": h, "temperature": T, "friction": 1.3}, **noise)
        kick = math.sqrt(1.3 * T * h) * full.noise_factor(w) @ z
        np.testing.assert_allclose((found[2:] - p) / np.linalg.norm(kick), kick / np.linalg.norm(kick), atol=1e-3)


@pytest.mark.parametrize("scheme", ["baoab", "obabo"])
def test_momentum_sde_is_simulated_with_theorys_variances(scheme: str) -> None:
    """Var ω = T F/(2h) and Var p = T F/2 of THEORY §4, at 4 standard errors of 0.5 %."""
    config = SGDConfig(0.01, batch_size=4, n_examples=64, momentum=0.9)
    landscape = Landscape("h*x**2/2", "x", {"h": 2.0})
    size = {"updates": 300, "burn_in": 200, "paths": 100_000, "substeps": 4}  # the bias h²h/4 is 3e-4 at h = √ε/4
    run = simulate_sde(landscape, config, 0.0, scheme=scheme, seed=5, **size)
    expected = config.temperature / (2 * 2.0)
    error = run.standard_error.covariance[0, 0]
    assert abs(run.covariance[0, 0] - expected) < 4 * error + 0.001 * expected
    assert error < 0.005 * expected
    p = run.auxiliary["p"]
    assert p.shape == (100_000, 1)
    assert abs(p.var() / (config.temperature / 2) - 1) < 4 * math.sqrt(2 / p.size) + 0.001
    assert math.sqrt(2 / p.size) < 0.005
