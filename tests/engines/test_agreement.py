"""All engines are one: a seed has one trajectory, whatever the threads, the chunks and the other paths."""

import functools

import numpy as np
import pytest
from engine_landscapes import ONE, THREE, TWO

from sgdsde import Landscape, SGDConfig, engines, simulate_sde, simulate_sgd
from sgdsde.engines import numba_lanes
from sgdsde.engines.registry import ENGINES
from sgdsde.schedules import cosine

N = 16
LANDSCAPES = {1: ONE, 2: TWO, 3: THREE}
TOLERANCE = 1e-12
UPDATES = 50


def config(b: int = 3, sampling: str = "without_replacement", m: float = 0.5) -> SGDConfig:
    return SGDConfig(0.05, b, N, m, sampling)


def start(landscape: Landscape, paths: int) -> np.ndarray:
    return np.random.default_rng(3).uniform(-1, 1, (paths, landscape.dimension))


def results(run) -> list[np.ndarray]:
    return [run.final, run.snapshots, run.path_mean, run.path_covariance]


def assert_close(found, expected) -> None:
    """Within 1e-12 of each trajectory's size, numbers and moments."""
    for a, b in zip(results(found), results(expected), strict=True):
        assert a.shape == b.shape
        assert np.isfinite(b).all()
        assert np.abs(a - b).max(initial=0) <= TOLERANCE * np.abs(b).max(initial=0)


@functools.cache
def of_sde(engine: str, d: int, substeps: int, burn_in: int, save_every: int | None, paths: int):
    arguments = (LANDSCAPES[d], config(), start(LANDSCAPES[d], paths), UPDATES, paths)
    options = {"substeps": substeps, "burn_in": burn_in, "save_every": save_every, "seed": 12345678901}
    return simulate_sde(*arguments, engine=engine, **options)


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize(
    ("engine", "substeps", "burn_in", "save_every", "paths"),
    [("numba", 3, 37, 7, 131), ("torch", 3, 37, 7, 131), ("numba", 1, 0, None, 5), ("numba", 2, 49, 50, 257)],
)
def test_sde(d: int, engine: str, substeps: int, burn_in: int, save_every: int | None, paths: int) -> None:
    found, expected = (of_sde(which, d, substeps, burn_in, save_every, paths) for which in (engine, "numpy"))
    assert_close(found, expected)


@pytest.mark.parametrize("engine", ["numba", "torch"])
def test_sums_of_exponentials_that_overflow(engine: str) -> None:
    """From |x| = 30 on their largest parts are above 1e308."""
    loss = "softplus(24*x)/24 + log(cosh(30*x))/30 + log(1 + a*exp(x) + exp(-25*x))/9 + 3*sigmoid(-30*x) + x**2/2"
    landscape = Landscape(loss, "x", {"a": 1.0}, noise_covariance="1 + 1/(1 + exp(-30*x))")
    arguments = (landscape, config(), np.linspace(-40, 40, 21)[:, None], UPDATES, 21)
    options = {"save_every": 10, "substeps": 8}
    found, expected = (simulate_sde(*arguments, **options, engine=which) for which in (engine, "numpy"))
    assert_close(found, expected)


#: Every batch size of the issue's list that each sampling takes; each d with each sampling somewhere.
BATCHES = [
    *[("without_replacement", b, 1) for b in (1, 2, 3, 8, N)],
    *[("with_replacement", b, 1) for b in (1, 2, 3, 8, N)],
    *[("reshuffle", b, 1) for b in (1, 2, 4, 8, N)],
    *[("shuffle_once", b, 1) for b in (1, 2, 8, N)],
    ("reshuffle", 5, 1),  # 16 = 3·5 + 1
    ("shuffle_once", 11, 1),  # 11 + 5
    ("without_replacement", 3, 2),
    ("reshuffle", 2, 2),
    ("shuffle_once", 6, 2),
    ("with_replacement", 3, 3),
    ("without_replacement", 13, 3),
]


@functools.cache
def of_sgd(engine: str, sampling: str, b: int, d: int):
    landscape, paths = LANDSCAPES[d], 131
    arguments = (landscape, config(b, sampling), start(landscape, paths), UPDATES, paths)
    options = {"burn_in": 13, "save_every": 9, "seed": 77, "examples": "student_t:5"}
    return simulate_sgd(*arguments, engine=engine, **options)


@pytest.mark.parametrize(
    ("sampling", "b", "d"),
    BATCHES,
)
@pytest.mark.parametrize("engine", ["numba", "torch"])
def test_sgd(engine: str, sampling: str, b: int, d: int) -> None:
    assert_close(of_sgd(engine, sampling, b, d), of_sgd("numpy", sampling, b, d))


@pytest.mark.networks
def test_float32_on_torch_is_the_same_path_to_its_precision() -> None:
    arguments = (ONE, config(), 0.3, UPDATES, 50)
    exact, single = (
        simulate_sde(*arguments, substeps=1, engine="torch", dtype=dtype) for dtype in ("float64", "float32")
    )
    assert 0 < np.abs(exact.final - single.final).max() < 1e-4
    assert single.final.dtype == np.float64


def identical(found, expected) -> None:
    for a, b in zip(results(found), results(expected), strict=True):
        np.testing.assert_array_equal(a, b)


#: Epochs of different lengths: 16 = 1 + 3 + 12 = 8 + 8 = 4 · 4.
SIZES = ([1, 3, 12, 8, 8, 4, 4, 4, 4] * UPDATES)[:UPDATES]
RATES = cosine(0.1, UPDATES, final=0.01)
RUNS = {
    "sde": lambda **options: simulate_sde(TWO, config(), [0.1, 0.2], UPDATES, substeps=3, **options),
    "sgd": lambda **options: simulate_sgd(ONE, config(1), 0.1, UPDATES, **options),
    "svag": lambda **options: simulate_sgd(ONE, config(2, m=0.0), 0.1, UPDATES, dynamics="svag", substeps=3, **options),
    "scheduled": lambda **options: simulate_sgd(
        ONE, config(2, "reshuffle"), 0.1, UPDATES, learning_rates=RATES, batch_sizes=SIZES, **options
    ),
    "dropped": lambda **options: simulate_sgd(
        ONE, SGDConfig(0.05, 5, N, 0.5, "reshuffle", drop_last=True), 0.1, UPDATES, **options
    ),
    "shuffled once": lambda **options: simulate_sgd(
        ONE,
        SGDConfig(0.05, 2, N, 0.5, "shuffle_once", drop_last=True),
        0.1,
        UPDATES,
        batch_sizes=([1, 3, 9, 8, 8, 4, 4, 4] * UPDATES)[:UPDATES],
        **options,
    ),
    "sgd reshuffled": lambda **options: simulate_sgd(ONE, config(2, "reshuffle"), 0.1, UPDATES, **options),
}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("cores", [1, 2, 3, 7])
def test_the_number_of_threads_changes_nothing(name: str, cores: int, monkeypatch) -> None:
    options = {"paths": 600, "burn_in": 11, "save_every": 10}
    monkeypatch.setattr(numba_lanes, "available_cores", lambda: 2)
    expected = RUNS[name](**options)
    monkeypatch.setattr(numba_lanes, "available_cores", lambda: cores)
    identical(RUNS[name](**options), expected)


@pytest.mark.parametrize("name", RUNS)
def test_the_length_of_calls_changes_nothing(name: str, monkeypatch) -> None:
    options = {"paths": 140, "burn_in": 11, "save_every": 10}
    calls: dict[float, int] = {}
    found, fractions = [], []
    load = numba_lanes.load

    def counting(*arguments):
        call = load(*arguments)

        def counted(*numbers):
            calls[numba_lanes._SECONDS_PER_CALL] = calls.get(numba_lanes._SECONDS_PER_CALL, 0) + 1
            call(*numbers)

        return counted

    monkeypatch.setattr(numba_lanes, "load", counting)
    monkeypatch.setattr(numba_lanes, "_FIRST", 1)
    for seconds in (1e-12, 1e3):
        monkeypatch.setattr(numba_lanes, "_SECONDS_PER_CALL", seconds)
        found.append(RUNS[name](progress=fractions.append, **options))
        assert fractions == sorted(fractions)
        assert fractions.pop() == 1
        fractions.clear()
    identical(*found)
    assert calls[1e-12] > calls[1e3]


def test_calls_begin_in_the_middle_of_an_epoch(monkeypatch) -> None:
    """Epochs of 500 updates in calls of four, several blocks to a share; and of three, which is no multiple of four."""
    lengths: list[int] = []
    load = numba_lanes.load

    def watching(*arguments):
        call = load(*arguments)

        def watched(*numbers):
            first, last, begin, end = numbers[:4]
            lengths.append((last - first) * (end - begin))
            call(*numbers)

        return watched

    monkeypatch.setattr(numba_lanes, "load", watching)
    monkeypatch.setattr(numba_lanes, "_SECONDS_PER_CALL", 1e-12)
    monkeypatch.setattr(numba_lanes, "_FIRST", 1)
    monkeypatch.setattr(numba_lanes, "available_cores", lambda: 1)
    for examples, size in ((1000, 2), (24, 8)):
        of = SGDConfig(0.05, size, examples, 0.5, "reshuffle")
        found, expected = (
            simulate_sgd(ONE, of, 0.1, 12, paths, engine=engine, save_every=1)
            for engine, paths in (("numba", 1100), ("numpy", 1100))
        )
        np.testing.assert_allclose(found.snapshots, expected.snapshots, rtol=0, atol=1e-13)
        assert max(lengths) == 4
        lengths.clear()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", RUNS)
def test_a_path_is_the_same_in_any_company(name: str, engine: str) -> None:
    many = RUNS[name](paths=140, engine=engine)
    for few in (1, 3, 128, 129) if engine == "numba" else (1, 129):  # blocks of 128 are Numba's
        run = RUNS[name](paths=few, engine=engine)
        np.testing.assert_allclose(run.final, many.final[:few], rtol=1e-14)
        if engine == "numba":
            np.testing.assert_array_equal(run.final, many.final[:few])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["sde", "sgd", "sgd reshuffled"])
def test_a_shorter_run_is_the_beginning_of_a_longer_one(name: str, engine: str) -> None:
    long = RUNS[name](paths=20, engine=engine, save_every=17)
    short = {
        "sde": lambda: simulate_sde(TWO, config(), [0.1, 0.2], 34, 20, substeps=3, engine=engine),
        "sgd": lambda: simulate_sgd(ONE, config(1), 0.1, 34, 20, engine=engine),
        "sgd reshuffled": lambda: simulate_sgd(ONE, config(2, "reshuffle"), 0.1, 34, 20, engine=engine),
    }[name]()
    np.testing.assert_array_equal(short.final, long.snapshots[2])


@pytest.mark.parametrize("engine", ENGINES)
def test_moments_are_those_of_the_saved_states(engine: str) -> None:
    run = simulate_sgd(TWO, config(), [0.5, -0.5], 60, 33, burn_in=20, save_every=1, engine=engine)
    kept = run.snapshots[21:]  # after updates 21 … 60
    np.testing.assert_allclose(run.path_mean, kept.mean(axis=0), rtol=1e-12, atol=1e-14)
    deviation = kept - kept.mean(axis=0)
    covariance = np.einsum("tpi,tpj->pij", deviation, deviation) / len(kept)
    np.testing.assert_allclose(run.path_covariance, covariance, rtol=1e-10, atol=1e-15)
    np.testing.assert_array_equal(run.snapshots[0], np.broadcast_to([0.5, -0.5], (33, 2)))
    np.testing.assert_array_equal(run.snapshots[-1], run.final)


@pytest.mark.parametrize("engine", ENGINES)
def test_variance_far_from_the_origin_keeps_its_digits(engine: str) -> None:
    """Sums are taken about where averaging begins: 1e6 away from zero nothing is lost."""
    near, far = (
        simulate_sde(Landscape("(x - b)**2/2", "x", {"b": b}), config(), b, UPDATES, 20, substeps=1, engine=engine)
        for b in (0.0, 1e6)
    )
    np.testing.assert_allclose(far.path_covariance, near.path_covariance, rtol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_seeds_are_different_paths(engine: str) -> None:
    finals = np.stack([RUNS["sde"](paths=5, engine=engine, seed=seed).final for seed in (0, 1, 2**32, 2**64 - 1)])
    assert np.unique(finals).size == finals.size


def test_unknown_engine() -> None:
    with pytest.raises(ValueError, match="engine must be one of numba, torch, numpy, got 'jax'"):
        engines.run("jax", None)  # type: ignore[arg-type]
