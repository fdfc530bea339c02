"""Nesterov, SVAG, noisy gradient descent, weight decay, dampening and schedules: the same on all engines, and right."""

import functools
import math

import numpy as np
import pytest
from engine_landscapes import ONE, TWO
from tables import every

from sgdsde import Landscape, SGDConfig, StabilityWarning, schedules, simulate_sde, simulate_sgd, theory

N = 16
SLOPE = Landscape("x", "x", noise_covariance=1.0)
BOWL = Landscape("h*x**2/2", "x", {"h": 2.0}, noise_covariance=1.5)
UPDATES = 60
RATES = schedules.cyclic(0.01, 0.1, 13, UPDATES)
#: Epochs of different lengths: 16 = 1 + 3 + 12 = 8 + 8 = 4 · 4 = 2 + 14.
SIZES = np.resize([1, 3, 12, 8, 8, 4, 4, 4, 4, 2, 14], UPDATES)


def config(**changes) -> SGDConfig:
    return SGDConfig(**({"learning_rate": 0.05, "batch_size": 3, "n_examples": N, "momentum": 0.5} | changes))


PLAIN = {"momentum": 0.0}
CASES = {
    "nesterov": (ONE, config(), {"dynamics": "nesterov"}),
    "noisy_gd": (TWO, config(), {"dynamics": "noisy_gd"}),
    "svag of 1": (TWO, config(**PLAIN, batch_size=1), {"dynamics": "svag", "substeps": 2}),
    "svag of 2": (ONE, config(**PLAIN, batch_size=2), {"dynamics": "svag", "substeps": 3}),
    "svag of 3": (TWO, config(**PLAIN, sampling="with_replacement"), {"dynamics": "svag", "substeps": 5}),
    "svag scheduled": (ONE, config(**PLAIN), {"dynamics": "svag", "substeps": 2, "batch_sizes": SIZES}),
    "rates": (TWO, config(), {"learning_rates": RATES}),
    "rates of noisy_gd": (ONE, config(), {"dynamics": "noisy_gd", "learning_rates": RATES, "batch_sizes": SIZES}),
    "decay": (TWO, config(weight_decay=0.3, dampening=0.2), {}),
    **{
        f"{sampling}, sizes": (landscape, config(sampling=sampling, batch_size=4), {
            "learning_rates": RATES, "batch_sizes": SIZES,
        })
        for sampling, landscape in (("with_replacement", TWO), ("without_replacement", ONE), ("reshuffle", TWO))
    },
}  # fmt: skip


@functools.cache
def case(name: str, engine: str):
    landscape, of, more = CASES[name]
    options = {"burn_in": 13, "save_every": 9, "seed": 77, **more}
    return simulate_sgd(landscape, of, np.full(landscape.dimension, 0.3), UPDATES, 131, engine=engine, **options)


@pytest.mark.parametrize("engine", ["numba", "torch"])
@pytest.mark.parametrize("name", CASES)
def test_engines_agree(name: str, engine: str) -> None:
    found, expected = (case(name, e) for e in (engine, "numpy"))
    for a, b in ((found.final, expected.final), (found.snapshots, expected.snapshots)):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.path_covariance, expected.path_covariance, rtol=0, atol=1e-12)


@functools.cache
def scheduled_sde(scheme: str, engine: str):
    options = {"substeps": 3, "learning_rates": RATES, "batch_sizes": SIZES, "scheme": scheme, "save_every": 7}
    return simulate_sde(ONE, config(), 0.3, UPDATES, 131, engine=engine, **options)


@pytest.mark.parametrize("engine", ["numba", "torch"])
@pytest.mark.parametrize("scheme", ["euler_maruyama", "heun", "milstein"])
def test_engines_agree_on_scheduled_sdes(scheme: str, engine: str) -> None:
    found, expected = (scheduled_sde(scheme, e) for e in (engine, "numpy"))
    np.testing.assert_allclose(found.snapshots, expected.snapshots, rtol=0, atol=1e-12)


@pytest.mark.parametrize("sampling", ["with_replacement", "without_replacement", "reshuffle"])
def test_a_schedule_that_never_changes_changes_nothing(sampling: str) -> None:
    of = config(batch_size=4, sampling=sampling)
    plain, scheduled = (
        simulate_sgd(TWO, of, [0.1, 0.2], UPDATES, 40, engine="numpy", **options)
        for options in ({}, {"learning_rates": np.full(UPDATES, 0.05), "batch_sizes": np.full(UPDATES, 4)})
    )
    np.testing.assert_allclose(scheduled.final, plain.final, rtol=1e-12)
    one, other = (
        simulate_sde(TWO, of, [0.1, 0.2], UPDATES, 40, engine="numpy", **options)
        for options in ({}, {"learning_rates": np.full(UPDATES, 0.05), "batch_sizes": np.full(UPDATES, 4)})
    )
    np.testing.assert_allclose(other.final, one.final, rtol=1e-12)


def test_scheduled_epochs_see_each_example_once() -> None:
    """On a slope with ε(k) ∝ B(k) an epoch's batches sum to the full gradient: no noise is left at its end."""
    of, rates = config(**PLAIN, sampling="reshuffle", batch_size=4), SIZES / 100
    run = simulate_sgd(SLOPE, of, 0.0, UPDATES, 50, learning_rates=rates, batch_sizes=SIZES, save_every=1)
    reached = np.cumsum(SIZES)
    ends = np.flatnonzero(reached % N == 0) + 1
    assert len(ends) > 10
    expected = -np.cumsum(rates)[ends - 1]
    np.testing.assert_allclose(run.snapshots[ends, :, 0], expected[:, None] * np.ones(50), atol=1e-12)
    inside = np.setdiff1d(np.arange(1, UPDATES + 1), ends)
    assert (run.snapshots[inside].std(axis=1) > 1e-3).all()


def test_batches_of_a_schedule_have_its_sizes() -> None:
    """Variance of the kicks on a slope: c(B) of each update, within 4 standard errors of a variance."""
    paths = 20_000
    run = simulate_sgd(SLOPE, config(**PLAIN), 0.0, 12, paths, batch_sizes=SIZES[:12], save_every=1)
    kicks = np.diff(run.snapshots[:, :, 0], axis=0) / 0.05
    expected = 1 / SIZES[:12] - 1 / N
    np.testing.assert_allclose(kicks.var(axis=1), expected, rtol=4 * math.sqrt(2 / paths))


@pytest.mark.parametrize("length", [1, 2, 8])
def test_svag_tends_to_the_sde(length: int) -> None:
    """Exactly: its stationary variance is that of SGD at ε/l and the noise l·c, T F/(2h − εh²/l)."""
    of, h, f = SGDConfig(0.3, 2, N), 2.0, 1.5
    run = simulate_sgd(BOWL, of, 0.0, 400, 4000, dynamics="svag", substeps=length, burn_in=40)
    expected = of.temperature * f / (2 * h - of.learning_rate * h**2 / length)
    error = run.standard_error.covariance[0, 0]
    assert error < 0.01 * expected
    assert abs(run.covariance[0, 0] - expected) < 4 * error


def test_svag_of_one_is_sgd() -> None:
    of = config(**PLAIN)
    svag, sgd = (simulate_sgd(ONE, of, 0.1, UPDATES, 30, dynamics=name) for name in ("svag", "sgd"))
    np.testing.assert_allclose(svag.final, sgd.final, rtol=1e-12)


def test_noisy_gd_has_the_variance_of_sgd() -> None:
    of = SGDConfig(0.3, 2, N, momentum=0.6)
    run = simulate_sgd(BOWL, of, 0.0, 400, 4000, dynamics="noisy_gd", burn_in=60)
    expected = theory.stationary_covariance(2.0, 1.5, of, dynamics="sgd")[0, 0]
    assert abs(run.covariance[0, 0] - expected) < 4 * run.standard_error.covariance[0, 0] < 0.05 * expected


def test_nesterov_has_its_own_variance() -> None:
    """From the second moments of (ω, v) → (ω(1 − (1+m)εh) + m²v, mv − εhω) and the kicks (1+m, 1)ε."""
    of, h, f = SGDConfig(0.3, 2, N, momentum=0.6), 2.0, 1.5
    e, m = of.learning_rate, of.momentum
    matrix = np.array([[1 - (1 + m) * e * h, m * m], [-e * h, m]])
    kick = e * np.array([1 + m, 1.0])
    square = np.linalg.solve(np.eye(4) - np.kron(matrix, matrix), of.batch_noise * f * np.outer(kick, kick).ravel())
    run = simulate_sgd(BOWL, of, 0.0, 400, 4000, dynamics="nesterov", burn_in=60)
    assert abs(run.covariance[0, 0] - square[0]) < 4 * run.standard_error.covariance[0, 0] < 0.05 * square[0]
    heavy_ball = theory.stationary_covariance(h, f, of, dynamics="sgd")[0, 0]
    assert abs(run.covariance[0, 0] - heavy_ball) > 10 * run.standard_error.covariance[0, 0]


def test_dampening_divides_the_learning_rate() -> None:
    damped, plain = config(learning_rate=0.2, dampening=0.5), config(learning_rate=0.1)
    assert (damped.noise_scale, damped.time_per_update) == (plain.noise_scale, plain.time_per_update)
    for scheme in ("euler_maruyama", "baoab"):
        one, other = (simulate_sde(ONE, of, 0.1, UPDATES, 20, scheme=scheme) for of in (damped, plain))
        np.testing.assert_allclose(one.final, other.final, rtol=1e-12)
    for name in ("stationary_covariance", "stationary_velocity_covariance"):
        law = getattr(theory, name)
        np.testing.assert_allclose(law(2.0, 1.0, damped), law(2.0, 1.0, plain), rtol=1e-13)
    assert theory.stability_limit(2.0, damped) == 2 * theory.stability_limit(2.0, plain)


@pytest.mark.parametrize("simulate", [simulate_sgd, simulate_sde])
def test_weight_decay_is_a_term_of_the_loss(simulate) -> None:
    of, plain = config(weight_decay=0.7), config()
    by_hand = Landscape(
        f"{TWO.text} + 0.35*(x**2 + y**2)", "x y", {"k": 2.0}, noise_covariance=[["1 + y**2/9", "0.3"], ["0.3", "1"]]
    )
    one, other = (simulate(*each, [0.4, 0.2], UPDATES, 20, engine="numpy") for each in ((TWO, of), (by_hand, plain)))
    np.testing.assert_allclose(one.final, other.final, rtol=1e-11)
    for model in ("sde", "sgd"):
        law, expected = (theory.stationary_covariance(h, 1.0, c, dynamics=model) for h, c in ((2.0, of), (2.7, plain)))
        np.testing.assert_allclose(law, expected, rtol=1e-13)
    assert theory.stability_limit(2.0, of) == theory.stability_limit(2.7, plain)


def test_noise_of_the_hessian_is_that_of_the_loss_without_decay() -> None:
    bowl = Landscape("h*x**2/2", "x", {"h": 2.0}, noise_covariance="hessian")
    run = simulate_sgd(bowl, SGDConfig(0.1, 1, N, weight_decay=3.0), 0.0, 1, 20_000)
    expected = 0.1**2 * (1 - 1 / N) * 2.0
    assert run.final.var() == pytest.approx(expected, rel=4 * math.sqrt(2 / 20_000))


def test_the_sde_of_a_schedule_follows_it() -> None:
    """Without noise it is gradient flow over Σ ε/(1 − m); on a slope its variance is Σ ε² c/(1 − m)²."""
    of, paths = config(n_examples=N), 20_000
    run = simulate_sde(SLOPE, of, 0.0, UPDATES, paths, learning_rates=RATES, batch_sizes=SIZES)
    assert run.final.mean() == pytest.approx(-RATES.sum() / 0.5, abs=4 * run.final.std() / math.sqrt(paths))
    expected = (RATES**2 * (1 / SIZES - 1 / N)).sum() / 0.5**2
    assert run.final.var() == pytest.approx(expected, rel=4 * math.sqrt(2 / paths))


def test_stability_is_that_of_the_largest_rate() -> None:
    with pytest.warns(StabilityWarning):
        simulate_sgd(BOWL, config(**PLAIN), 0.0, 3, 2, learning_rates=[0.1, 1.1, 0.1])


def test_schedules() -> None:
    assert schedules.constant(0.1, 3).tolist() == [0.1, 0.1, 0.1]
    assert schedules.step_decay(1.0, 0.1, 2, 4) == pytest.approx([1, 1, 0.1, 0.1])
    wave = schedules.cosine(0.4, 100, final=0.1)
    assert (wave[0], wave[50]) == pytest.approx((0.4, 0.25))
    assert (np.diff(wave) < 0).all()
    assert 0.1 < wave[-1] < 0.101
    assert schedules.cyclic(1, 3, 4, 6, "square").tolist() == [1, 1, 3, 3, 1, 1]
    sizes = schedules.matching_batch_sizes([0.4, 0.1], SGDConfig(0.4, 3, 64))
    assert sizes.tolist() == [3, 12]


BAD = [
    (simulate_sgd, {"learning_rates": [0.1] * 3}, r"learning_rates must be a sequence of at least 5 .*shape \(3,\)"),
    (simulate_sgd, {"learning_rates": 0.1}, r"learning_rates must be a sequence of at least 5"),
    (simulate_sgd, {"learning_rates": "cosine"}, "learning_rates must be a sequence of numbers"),
    (simulate_sgd, {"learning_rates": [0.1, 0.1, -0.1, 0.1, 0.1]}, "positive and finite, got -0.1 at update 2"),
    (simulate_sde, {"learning_rates": [0.1, np.nan, 0.1, 0.1, 0.1]}, "positive and finite, got nan at update 1"),
    (simulate_sgd, {"batch_sizes": [1, 2, 3]}, "batch_sizes must be a sequence of at least 5"),
    (simulate_sgd, {"batch_sizes": [1, 2, 3, 17, 1]}, "at least 1 and at most n_examples = 16, got 17 at update 3"),
    (simulate_sde, {"batch_sizes": [1, 2, 0, 1, 1]}, "at least 1 and at most n_examples = 16, got 0 at update 2"),
    (simulate_sgd, {"batch_sizes": [1, 2.5, 1, 1, 1]}, "whole numbers.*got 2.5 at update 1"),
    (
        simulate_sgd,
        {"batch_sizes": [8, 4, 8, 8, 8], "config": config(sampling="reshuffle", batch_size=4)},
        "add up to n_examples = 16 in every epoch.* of update 2 reaches beyond",
    ),
    (simulate_sgd, {"dynamics": "svag", "substeps": 0}, "substeps must be an integer of at least 1, got 0"),
    (simulate_sgd, {"dynamics": "svag", "substeps": 2}, "'svag' is made for SGD without momentum.*momentum = 0.5"),
    (
        simulate_sgd,
        {"dynamics": "svag", "config": config(**PLAIN, sampling="reshuffle", batch_size=4)},
        "independent batches, got sampling = 'reshuffle'",
    ),
    (simulate_sgd, {"substeps": 2}, "substeps must be 1 for dynamics 'sgd'"),
    (simulate_sde, {"scheme": "baoab", "learning_rates": [0.1] * 5}, "learning_rates must be left out for .*'baoab'"),
]


@every(("simulate", "change", "match"), BAD)
def test_bad_input(simulate, change: dict, match: str) -> None:
    def progress(fraction: float) -> None:
        raise AssertionError("it ran")

    good = {"landscape": BOWL, "config": config(), "w0": 0.0, "updates": 5, "paths": 3, "progress": progress}
    with pytest.raises(ValueError, match=match):
        simulate(**(good | change))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"weight_decay": -0.1}, "weight_decay must be a finite real number from 0 to 1e\\+150, got -0.1"),
        ({"weight_decay": math.nan}, "weight_decay must be a finite real number"),
        ({"dampening": 1.0}, r"dampening must be a finite real number of at least 0 and below 1, got 1.0"),
    ],
)
def test_bad_config(change: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        config(**change)


@pytest.mark.parametrize(
    "call",
    [
        lambda: schedules.constant(-1.0, 3),
        lambda: schedules.cosine(1.0, 0),
        lambda: schedules.step_decay(1.0, 0.5, 0, 4),
        lambda: schedules.cyclic(1.0, 2.0, 4, 5, shape="sawtooth"),
    ],
)
def test_bad_schedules(call) -> None:
    with pytest.raises(ValueError, match=r"must be .*got"):
        call()
