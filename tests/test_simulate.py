"""Both simulators against the exact laws, what they refuse, and what they cost in memory.

Sample sizes come from the theory of the estimator, before anything is drawn: a variance measured over n independent
numbers has the relative error √(2/n), and one path of T updates holds T/τ₂ of them, τ₂ = Σ_k ρ_k² over all lags.
"""

import functools
import math
import tracemalloc
import warnings

import numpy as np
import pytest
from tables import every

from sgdsde import (
    CoarseStepWarning,
    DivergenceWarning,
    Landscape,
    SGDConfig,
    StabilityWarning,
    simulate_sde,
    simulate_sgd,
    theory,
)
from sgdsde.landscapes.catalog import named

N, CURVATURE, NOISE, PATHS = 64, 2.0, 0.7, 1024
EFFECTIVE = 40_000  # independent numbers: a standard error of 0.7 %
BOWL = Landscape("h*x**2/2", "x", {"h": CURVATURE}, noise_covariance=NOISE)

STEPS = (0.01, 0.1, 0.5, 1.5)  # ε h
MOMENTA = (0.0, 0.5, 0.9)


def configuration(step: float, m: float, b: int, sampling: str = "without_replacement") -> SGDConfig:
    return SGDConfig(step / CURVATURE, b, N, m, sampling)


@functools.cache
def sizes(step: float, m: float, model: str = "sgd") -> tuple[int, int]:
    """(burn_in, updates measured): until the start is forgotten to 1e-6, then EFFECTIVE numbers over all paths."""
    config = configuration(step, m, 1)
    one = theory.autocorrelation_time(CURVATURE, NOISE, config, dynamics="sde")[0]  # the slowest any model gets
    lags = range(1, math.ceil(8 * one) + 60)
    law = [theory.autocovariance(CURVATURE, NOISE, config, k, model)[0, 0] for k in (0, *lags)]
    rho = np.array(law) / law[0]
    forgotten = int(np.flatnonzero(np.abs(rho) > 1e-3)[-1]) + 1  # variance: the square of it
    tau = 1 + 2 * float((rho[1:] ** 2).sum())
    return forgotten + 10, max(math.ceil(EFFECTIVE * tau / PATHS), 1)


def sgd_variance(config: SGDConfig, seed: int = 0) -> tuple[float, float]:
    """Measured variance of ω and its standard error."""
    burn_in, length = sizes(config.learning_rate * CURVATURE, config.momentum)
    epoch = N // config.batch_size if config.sampling == "reshuffle" else 1
    burn_in, length = (-(-updates // epoch) * epoch for updates in (burn_in, length))
    run = simulate_sgd(BOWL, config, 0.0, burn_in + length, PATHS, burn_in=burn_in, seed=seed)
    assert run.diverged == 0
    return float(run.covariance[0, 0]), float(run.standard_error.covariance[0, 0])


#: Two of three batch sizes at each step and momentum.
LAWS = [
    (step, m, b)
    for i, step in enumerate(STEPS)
    for j, m in enumerate(MOMENTA)
    for k, b in enumerate((1, 4, N // 2))
    if (i + j + k) % 3
]


@pytest.mark.parametrize(("step", "m", "b"), LAWS)
def test_sgd_has_the_exact_law(step: float, m: float, b: int) -> None:
    config = configuration(step, m, b)
    predicted = theory.stationary_covariance(CURVATURE, NOISE, config, dynamics="sgd")[0, 0]
    measured, error = sgd_variance(config)
    assert error <= 0.01 * predicted
    assert abs(measured - predicted) < 4 * error
    assert abs(measured - 1.1 * predicted) > 4 * error  # 10 % off in g would be seen


@every("m", MOMENTA)
@every("step", STEPS)
@every("sampling", ["without_replacement", "reshuffle"])
def test_nothing_is_left_of_the_start_when_there_is_no_noise(step: float, m: float, sampling: str) -> None:
    config = configuration(step, m, N, sampling)
    assert theory.stationary_covariance(CURVATURE, NOISE, config, dynamics="sgd")[0, 0] == 0
    map_ = np.array([[1 - step, m], [-step, m]])
    radius = np.abs(np.linalg.eigvals(map_)).max()
    burn_in = math.ceil(math.log(1e-12) / math.log(radius)) + 50
    starts = np.linspace(-1, 1, 9)[:, None]
    run = simulate_sgd(BOWL, config, starts, burn_in + 10, 9, burn_in=burn_in)
    assert run.covariance[0, 0] < 1e-20
    assert np.abs(run.final).max() < 1e-10


@pytest.mark.parametrize("m", [0.0, 0.9])
@pytest.mark.parametrize("step", [0.1, 1.5])
@pytest.mark.parametrize("b", [1, 4, N // 2])
def test_reshuffled_sgd_has_its_own_law(step: float, m: float, b: int) -> None:
    config = configuration(step, m, b, "reshuffle")
    predicted = theory.stationary_covariance(CURVATURE, NOISE, config, dynamics="sgd")[0, 0]
    measured, error = sgd_variance(config)
    assert error <= 0.01 * predicted
    assert abs(measured - predicted) < 4 * error
    fresh = theory.stationary_covariance(CURVATURE, NOISE, configuration(step, m, b), dynamics="sgd")[0, 0]
    if abs(fresh / predicted - 1) > 0.1:
        assert abs(measured - fresh) > 4 * error


def test_sampling_with_replacement_has_more_noise() -> None:
    config = configuration(0.1, 0.5, N // 2, "with_replacement")
    predicted = theory.stationary_covariance(CURVATURE, NOISE, config, dynamics="sgd")[0, 0]
    measured, error = sgd_variance(config)
    assert abs(measured - predicted) < 4 * error
    without = theory.stationary_covariance(CURVATURE, NOISE, configuration(0.1, 0.5, N // 2), dynamics="sgd")[0, 0]
    assert abs(measured - without) > 40 * error


@pytest.mark.parametrize("examples", ["rademacher", "student_t:3", "own"])
def test_the_law_does_not_depend_on_the_examples(examples: str) -> None:
    """Second moments do not; only their errors do, which must be reported larger for heavy tails."""
    table = np.random.default_rng(0).exponential(size=(N, 1)) if examples == "own" else examples
    config = configuration(0.5, 0.0, 1)
    burn_in, length = sizes(0.5, 0.0)
    run = simulate_sgd(BOWL, config, 0.0, burn_in + 2 * length, PATHS, burn_in=burn_in, examples=table)
    predicted = theory.stationary_covariance(CURVATURE, NOISE, config, dynamics="sgd")[0, 0]
    error = run.standard_error.covariance[0, 0]
    assert error <= 0.015 * predicted
    assert abs(run.covariance[0, 0] - predicted) < 4 * error


@pytest.mark.parametrize("substeps", [1, 4])
@pytest.mark.parametrize("m", [0.0, 0.9])
def test_sde_has_the_law_of_its_scheme_and_in_the_limit_its_own(substeps: int, m: float) -> None:
    """Euler–Maruyama of an Ornstein–Uhlenbeck process is S/(1 − hΔ/2), S of the SDE."""
    config = configuration(0.01 if m else 0.1, m, 4)
    dt = config.mean_loss_time_per_update / substeps
    exact = theory.stationary_covariance(CURVATURE, NOISE, config, dynamics="sde")[0, 0]
    burn_in, length = (2 * updates for updates in sizes(config.learning_rate * CURVATURE, m, "sde"))
    run = simulate_sde(BOWL, config, 0.0, burn_in + length, PATHS, burn_in=burn_in, substeps=substeps)
    error = run.standard_error.covariance[0, 0]
    assert error <= 0.01 * exact
    assert abs(run.covariance[0, 0] - exact / (1 - CURVATURE * dt / 2)) < 4 * error
    assert abs(run.covariance[0, 0] - 1.1 * exact / (1 - CURVATURE * dt / 2)) > 4 * error
    if m:  # the momentum's 1/(1 − m) forgotten
        assert abs(run.covariance[0, 0] - (1 - m) * exact) > 4 * error


def test_two_dimensions_whose_noise_and_curvature_do_not_commute() -> None:
    landscape = named("quadratic_2d")
    config = SGDConfig(0.1, 4, N, 0.5)
    hessian, covariance = landscape.hessian([0.0, 0.0]), landscape.noise_covariance([0.0, 0.0])
    assert np.abs(hessian @ covariance - covariance @ hessian).max() > 0.1
    dt = config.mean_loss_time_per_update / 5
    step = np.eye(2) - dt * hessian  # Euler–Maruyama's own law: S = step S stepᵀ + T F Δ
    noise = config.temperature * dt * covariance
    euler = np.linalg.solve(np.eye(4) - np.kron(step, step), noise.ravel()).reshape(2, 2)
    sgd = theory.stationary_covariance(hessian, covariance, config, dynamics="sgd")
    for run, predicted in [
        (simulate_sgd(landscape, config, [0.0, 0.0], 1200, 2048, burn_in=200), sgd),
        (simulate_sde(landscape, config, [0.0, 0.0], 1200, 2048, burn_in=200, substeps=5), euler),
    ]:
        error = run.standard_error.covariance
        assert (np.abs(run.covariance - predicted) < 4 * error).all()
        assert (np.diag(error) < 0.01 * np.diag(predicted)).all()
        assert abs(run.covariance[0, 1]) > 4 * error[0, 1]
        assert (np.abs(run.mean) < 4 * run.standard_error.mean).all()


def test_mean_follows_gradient_descent() -> None:
    """The mean of linear SGD is the noiseless map, to the last update: which catches a wrong number of updates."""
    config = configuration(0.1, 0.5, 4)
    w, v = 1.0, 0.0
    for _ in range(7):
        v = 0.5 * v - config.learning_rate * CURVATURE * w
        w += v
    run = simulate_sgd(BOWL, config, 1.0, 7, 20_000)
    error = run.final.std() / np.sqrt(20_000)
    assert abs(run.final.mean() - w) < 4 * error
    assert error < 0.01 * abs(w)
    drift = simulate_sde(BOWL.with_parameters(h=CURVATURE), SGDConfig(0.05, N, N), 1.0, 9, 3, substeps=2)
    np.testing.assert_allclose(drift.final, (1 - 0.025 * CURVATURE) ** 18, rtol=1e-13)


GOOD = {"landscape": BOWL, "config": SGDConfig(0.1, 4, N), "w0": 0.0, "updates": 10, "paths": 3}
TWO = Landscape("x**2 + y**2", "x y")

BAD = [
    ({"landscape": "x**2"}, "landscape must be a Landscape, got 'x\\*\\*2'"),
    ({"landscape": None}, "landscape must be a Landscape, got None"),
    ({"config": None}, "config must be a SGDConfig, got None"),
    ({"config": {"learning_rate": 0.1}}, "config must be a SGDConfig, got {"),
    ({"updates": 0}, "updates must be an integer of at least 1, got 0"),
    ({"updates": 10.0}, "updates must be an integer of at least 1, got 10.0"),
    ({"updates": True}, "updates must be an integer of at least 1, got True"),
    ({"updates": "10"}, "updates must be an integer of at least 1, got '10'"),
    ({"updates": 2**63}, r"updates must be at most 2\*\*53 = 9007199254740992 steps, got 9223372036854775808"),
    ({"paths": 0}, "paths must be an integer from 1 to 4294967295, got 0"),
    ({"paths": 2**32}, "paths must be an integer from"),
    ({"seed": -1}, "seed must be an integer from 0 to 18446744073709551615, got -1"),
    ({"seed": 2**64}, "seed must be an integer from"),
    ({"seed": None}, "seed must be an integer from .* got None"),
    ({"seed": 1.0}, "seed must be an integer from .* got 1.0"),
    ({"burn_in": 10}, "burn_in must be an integer from 0 to 9, got 10"),
    ({"burn_in": -1}, "burn_in must be an integer from 0 to 9, got -1"),
    ({"save_every": 0}, "save_every must be an integer from 1 to 10, got 0"),
    ({"save_every": 11}, "save_every must be an integer from 1 to 10, got 11"),
    ({"engine": "jax"}, "engine must be one of numba, torch, numpy, got 'jax'"),
    ({"engine": ["numba"]}, "engine must be one of numba, torch, numpy"),
    ({"dynamics": "leapfrog"}, "dynamics must be one of .*, got 'leapfrog'"),
    ({"dynamics": ["sgd"]}, "dynamics must be one of "),
    ({"dtype": "float16"}, "'float16'"),
    ({"dtype": "float32"}, "float64.*'float32'.*torch"),
    ({"device": "cuda"}, "'cuda'.*torch"),
    ({"dtype": None}, "dtype must be a name such as 'float64', or a dtype of torch or NumPy, got None"),
    ({"dtype": int}, "dtype must be a name.* got <class 'int'>"),
    ({"dtype": np.float32}, "float64.*'float32'.*torch"),
    ({"device": 3.5}, "device must be a name.* got 3.5"),
    ({"w0": [0.0, 0.0]}, r"w0 must have shape \(\.\.\., 1\).*got shape \(2,\)"),
    ({"w0": [[0.0], [0.0]]}, r"w0 must have shape \(1,\) or \(paths, d\) = \(3, 1\), got \(2, 1\)"),
    ({"w0": np.zeros((1, 3, 1))}, r"w0 must have shape .* got \(1, 3, 1\)"),
    ({"w0": np.nan}, "w0 must be finite, got .*nan"),
    ({"w0": "origin"}, "w0 must be an array of real numbers, got 'origin'"),
    ({"w0": 0.0, "landscape": TWO}, r"w0 must have shape \(\.\.\., 2\), one column for each of x, y"),
    ({"landscape": Landscape("x**2", "x", noise_covariance="-1 + x"), "w0": 0.5}, "positive semidefinite.*-0.5 at w0"),
    ({"landscape": Landscape("x**2", "x", noise_covariance="log(x)"), "w0": 0.0}, "noise_covariance must be finite"),
]
BAD_SDE = [
    ({"updates": 2**40, "substeps": 2**23}, r"updates × substeps must be at most 2\*\*53 .*, got 9223372036854775808"),
    ({"substeps": 10**19, "engine": "numpy"}, "updates × substeps must be at most .*, got 100000000000000000000"),
    (
        {"config": SGDConfig(1e-150, 4, N), "substeps": 10**6},
        "learning_rate: the length of a step in the SDE's time must be between 1e-150 .* got 1e-156",
    ),
    ({"config": SGDConfig(1e150, 4, N, 0.9)}, r"learning_rate: the SDE's temperature must be .* got 2.34375e\+150"),
    ({"learning_rates": [0.1] * 9 + [1e160]}, r"each of learning_rates must be between 1e-150 and .* got 1e\+160"),
    ({"substeps": 0}, "substeps must be an integer of at least 1, or 'auto', got 0"),
    ({"substeps": 1.5}, "substeps must be an integer of at least 1, or 'auto', got 1.5"),
    ({"scheme": "sgd"}, "scheme must be one of .*euler_maruyama.*, got 'sgd'"),
    ({"scheme": ["heun"]}, "scheme must be one of "),
    ({"dynamics": "sgd"}, "dynamics must be one of sde, .*, got 'sgd'"),
]
BAD_SGD = [
    (
        {"updates": 2**40, "substeps": 2**14, "dynamics": "svag"},
        r"updates × substeps must be at most 2\*\*53 .*, got 18014398509481984",
    ),
    ({"config": SGDConfig(0.1, 4, 2**32)}, "n_examples must be below .*, from which random words .* got 4294967296"),
    (
        {"config": SGDConfig(0.1, 2**33, N, sampling="with_replacement")},
        "batch_size must be below .*, from which random words pick examples, got 8589934592",
    ),
    (
        {"batch_sizes": [1e300] * 10, "config": SGDConfig(0.1, 4, N, sampling="with_replacement")},
        r"batch_sizes must be whole numbers of at least 1 and at most 2\*\*53, got 1e\+300 at update 0",
    ),
    ({"learning_rates": [0.1] * 9 + [1e-170]}, "each of learning_rates must be between 1e-150 and .* got 1e-170"),
    ({"dynamics": "euler_maruyama"}, "dynamics must be one of adam, .*, svag, got 'euler_maruyama'"),
    ({"examples": "cauchy"}, "examples must be one of gaussian, rademacher, student_t:ν, or an array"),
    ({"examples": "student_t:2"}, "examples.*ν > 2"),
    ({"examples": np.zeros((3, 1))}, r"examples must have shape .*\(64, 1\), got \(3, 1\)"),
    ({"examples": np.zeros((N, 1))}, "examples must span all 1 dimensions"),
    ({"config": SGDConfig(0.1, 1, 2), "landscape": TWO, "w0": [0, 0]}, "n_examples must exceed the noise dimension 2"),
]
REFUSED = [(f, *case) for f in (simulate_sde, simulate_sgd) for case in BAD]
REFUSED += [(simulate_sde, *case) for case in BAD_SDE] + [(simulate_sgd, *case) for case in BAD_SGD]


@every(("simulate", "change", "match"), REFUSED)
def test_bad_input_is_refused_before_anything_runs(simulate, change: dict, match: str) -> None:
    def progress(fraction: float) -> None:
        raise AssertionError("it ran")

    with pytest.raises(ValueError, match=match):
        simulate(**(GOOD | change), progress=progress)


@pytest.mark.filterwarnings("ignore::sgdsde.simulate.StabilityWarning")
def test_an_unstable_learning_rate_warns_and_counts_the_lost_paths() -> None:
    config = SGDConfig(1.1, 4, N)  # ε h = 2.2, limit 2
    with pytest.warns(StabilityWarning, match="stability limit") as seen:
        simulate_sgd(BOWL, config, 0.0, 3, 2)
    assert seen[0].filename == __file__
    with pytest.warns(DivergenceWarning, match="5 of 5 paths of SGD .* diverged") as lost:
        run = simulate_sgd(BOWL, config, 1.0, 5000, 5)
    assert lost[-1].filename == __file__
    assert run.diverged == 5
    assert np.isnan(run.mean).all()
    assert np.isnan(run.covariance).all()
    assert np.isnan(run.standard_error.covariance).all()


@every(
    ("simulate", "rate", "m", "stable"),
    [
        (simulate_sgd, 0.99, 0.0, True),
        (simulate_sgd, 1.01, 0.0, False),
        (simulate_sgd, 1.89, 0.9, True),
        (simulate_sgd, 1.91, 0.9, False),
        (functools.partial(simulate_sde, substeps=1), 0.99, 0.0, True),
        (functools.partial(simulate_sde, substeps=1), 1.01, 0.0, False),
        (functools.partial(simulate_sde, substeps=2), 1.01, 0.0, True),
    ],
)
def test_the_stability_limit_is_where_it_is(simulate, rate: float, m: float, stable: bool) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        simulate(BOWL, SGDConfig(rate, 4, N, m), 0.0, 5, 2)
    found = [w.category for w in seen if w.category is not CoarseStepWarning]
    assert found == ([] if stable else [StabilityWarning])


@pytest.mark.filterwarnings("ignore::sgdsde.simulate.StabilityWarning")
@pytest.mark.parametrize("engine", ["numba", "torch", "numpy"])
@pytest.mark.parametrize("simulate", [simulate_sde, simulate_sgd])
def test_diverged_paths_are_counted_and_never_averaged(simulate, engine: str) -> None:
    quartic, config = Landscape("x**4/4", "x"), SGDConfig(0.1, 4, N)  # a start beyond √20 = 4.5 runs away
    starts = np.array([0.1, 30.0, -0.5, 0.7, -50.0, 1.2, 1e200])[:, None]
    lost = np.abs(starts[:, 0]) > 4.6
    options = {"updates": 80, "paths": 7, "burn_in": 3, "save_every": 40, "engine": engine, "substeps": 1}
    with pytest.warns(DivergenceWarning, match="3 of 7 paths"):
        run = simulate(quartic, config, starts, **options)
    assert run.diverged == 3
    np.testing.assert_array_equal(run.finite, ~lost)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DivergenceWarning)
        clean = simulate(quartic, config, np.where(lost[:, None], 0.0, starts), **options)
    np.testing.assert_array_equal(run.final[~lost], clean.final[~lost])
    np.testing.assert_array_equal(run.path_covariance[~lost], clean.path_covariance[~lost])
    assert np.isnan(run.final[lost]).all()
    assert np.isnan(run.path_mean[lost]).all()
    assert np.isnan(run.snapshots[1:, lost]).all()
    np.testing.assert_array_equal(run.snapshots[0], starts)
    assert run.mean[0] == pytest.approx(clean.path_mean[~lost].mean(), rel=1e-12)
    assert np.isfinite(run.covariance).all()
    assert np.isfinite(run.standard_error.covariance).all()
    assert "3 diverged" in repr(run)


@pytest.mark.filterwarnings("ignore::sgdsde.simulate.StabilityWarning")
def test_a_path_that_leaves_before_the_averages_begin_is_diverged_too() -> None:
    with pytest.warns(DivergenceWarning):
        run = simulate_sgd(Landscape("x**4/4", "x"), SGDConfig(0.1, 4, N), [[50.0], [0.0]], 50, 2, burn_in=30)
    assert run.finite.tolist() == [False, True]


def test_noise_that_is_no_covariance_on_the_way_is_divergence() -> None:
    landscape = Landscape("x**2/2", "x", noise_covariance="1 - 100*x**2")
    with pytest.warns(DivergenceWarning):
        run = simulate_sde(landscape, SGDConfig(0.5, 1, N), 0.0, 200, 100)
    assert run.diverged > 0


def test_scheme_and_parameters_reach_the_kernel() -> None:
    """Two runs of one program with other numbers: nothing is remembered from the first."""
    config = SGDConfig(0.1, N, N)
    for h, rate in [(1.0, 0.1), (2.0, 0.1), (1.0, 0.3)]:
        run = simulate_sgd(BOWL.with_parameters(h=h), SGDConfig(rate, N, N), 1.0, 1, 2)
        assert run.final[0, 0] == pytest.approx(1 - rate * h, rel=1e-15)
    assert config.noise_scale == 0


@pytest.mark.parametrize(
    ("engine", "short", "long"), [("numba", 1_000, 50_000), ("numpy", 16, 112), ("torch", 16, 160)]
)
def test_peak_memory_does_not_grow_with_updates(engine: str, short: int, long: int) -> None:
    for sampling in ("without_replacement", "reshuffle"):
        config = SGDConfig(0.1, 4, N, sampling=sampling)
        peaks = []
        simulate_sgd(BOWL, config, 0.0, short, 256, engine=engine)
        for updates in (short, long):
            tracemalloc.start()
            simulate_sgd(BOWL, config, 0.0, updates, 256, engine=engine)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert peaks[1] < 1.2 * peaks[0] + 50_000


def test_progress_ends_at_one() -> None:
    fractions: list[float] = []
    simulate_sde(BOWL, SGDConfig(0.1, 4, N), 0.0, 1000, 10, progress=fractions.append)
    assert fractions[-1] == 1
    assert fractions == sorted(fractions)


def test_an_error_in_progress_stops_the_run() -> None:
    def stop(fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_sde(BOWL, SGDConfig(0.1, 4, N), 0.0, 10**9, 10, progress=stop)
