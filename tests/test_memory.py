"""What does not fit into memory is refused before any work, with both numbers."""

import gc
import resource
import tracemalloc

import numpy as np
import pytest
import torch

import sgdsde as sg
from sgdsde import memory, schedules
from sgdsde.engines import footprint, numba_lanes

pytestmark = pytest.mark.networks

BOWL = sg.Landscape("x**2/2", "x")
PLANE = sg.Landscape("(x**2 + y**2)/2", "x y")
CONFIG = sg.SGDConfig(0.1, 4, 64)
SHUFFLED = sg.SGDConfig(0.1, 4, 2**16, sampling="reshuffle")
GIGABYTE = 10**9
WIDE = sg.Observe(histogram={("x", "y"): ((-1, 1, 1000), (-1, 1, 1000))})


@pytest.fixture
def little(monkeypatch):
    """A machine with a gigabyte."""
    monkeypatch.setattr(memory, "available", lambda: GIGABYTE)


def sde(**options):
    return sg.simulate_sde(BOWL, CONFIG, 0.0, **{"updates": 10, "paths": 10, "engine": "numpy", **options})


def sgd(**options):
    given = {"landscape": BOWL, "config": CONFIG, "w0": 0.0, "updates": 10, "paths": 10, "engine": "numpy"}
    return sg.simulate_sgd(**given | options)


TOO_LARGE = {
    "paths must be fewer: the states and moments of 1000000000 paths take about 104 GB of memory; 1 GB are available": (
        lambda: sde(paths=10**9, engine="numba")
    ),
    "paths must be fewer: the states and moments of 100000000 paths take about 8": (
        lambda: sde(paths=10**8, stop="x > 1")
    ),
    "save_every must be larger, or paths fewer: 10000001 snapshots of 100 paths take about 8 GB": (
        lambda: sde(updates=10**7, save_every=1, paths=100)
    ),
    "save_every must be larger, or paths fewer: 10000001 snapshots of 100 paths take about 16 GB": (
        lambda: sgd(updates=10**7, save_every=1, paths=100, engine="numba")  # of 128 lanes
    ),
    "save_every must be larger, or paths fewer: 100001 snapshots of 10000 paths take about 16 GB": (
        lambda: sgd(updates=10**5, save_every=1, paths=10**4, engine="torch")  # of shares of the paths
    ),
    "n_examples, batch_size or paths must be less: the batches of 10000 paths on engine 'numpy' take about 5.2": (
        lambda: sgd(config=SHUFFLED, paths=10_000)
    ),
    "histogram must have fewer bins: the counts of 1004004 bins on engine 'numba' take about 2": (
        lambda: sgd(engine="numba", landscape=PLANE, w0=[0, 0], paths=128, observe=WIDE)
    ),
    "histogram must have fewer bins: the counts of 1004004 bins on engine 'numpy' take about 16": (
        lambda: sgd(landscape=PLANE, w0=[0, 0], paths=1000, observe=WIDE)
    ),
    "n_examples must be fewer: 1000000000 examples of 1 numbers take about 24 GB": (
        lambda: sgd(config=sg.SGDConfig(0.1, 4, 10**9))
    ),
    "save_every must be larger, or paths fewer: 1000001 snapshots of 1000 paths": (
        lambda: sg.integrate(BOWL, 0.0, 1.0, 10**6, 1000, save_every=1)
    ),
    "paths or at must be fewer: 7 rungs of 1000 paths take about": (
        lambda: sg.ladder(BOWL, CONFIG, 0.0, 10**5, 1000, at=(1,), svag=(1, 2), substeps=4)
    ),
    "paths or batch_sizes must be fewer: 4 runs of 5000000 paths take about 1.6 GB": (
        lambda: sg.escape_study(BOWL, CONFIG, 0.0, "x > 1", batch_sizes=(1, 2), paths=5 * 10**6)
    ),
    "trials or repetitions must be fewer: 16 × 4000000 paths and where they entered take about": (
        lambda: sg.rare_exit_time(BOWL, CONFIG, 0.0, "x > 1", trials=4 * 10**6)
    ),
    "steps or paths of brownian must be fewer: 1000000 of its steps for 1000 paths take about 8 GB": (
        lambda: sg.integrate(
            BOWL, 0.0, 1.0, 10, 1000, brownian=sg.BrownianPath(1, 1.0, 10**7), engine="numpy"
        )
    ),
    "steps or paths of brownian must be fewer: 10000000 of its steps for 20 paths take about 1.6 GB": (
        lambda: sg.BrownianPath(1, 1.0, 10**7).increments(10, 20)
    ),
    "steps or paths of brownian must be fewer: 10000000 of its steps for 30 paths take about 2.4 GB": (
        lambda: sg.integrate(
            BOWL, 0.0, 1.0, 10**7, 30, brownian=sg.BrownianPath(1, 1.0, 10**7, keep=True), engine="numpy"
        )
    ),
    "updates must be fewer: a schedule of 1000000000000 updates take about 24 TB": (
        lambda: schedules.cosine(0.1, 10**12)
    ),
    "updates or substeps must be fewer: 100000000 batch sizes take about 2.4 GB": (
        lambda: sgd(updates=10, batch_sizes=[2] * 10, dynamics="svag", substeps=10**7)
    ),
}  # fmt: skip


@pytest.mark.parametrize("message", TOO_LARGE)
def test_what_does_not_fit_is_refused(little, message: str) -> None:
    tracemalloc.start()
    with pytest.raises(ValueError, match=message):
        TOO_LARGE[message]()
    assert tracemalloc.get_traced_memory()[1] < GIGABYTE / 5  # imports are among it
    tracemalloc.stop()


def test_what_fits_is_run(little) -> None:
    assert sde(paths=10**4, save_every=1).snapshots.shape == (11, 10**4, 1)


@pytest.mark.parametrize("landscape", [BOWL, PLANE], ids=["1", "2"])
@pytest.mark.parametrize("stop", [None, "x > 0.1"])
@pytest.mark.parametrize("save_every", [None, 1])
def test_the_estimate_is_not_too_large_and_finds_most(landscape, stop, save_every) -> None:
    d, paths = landscape.dimension, 10_000
    options = {"engine": "numpy", "stop": stop, "save_every": save_every}
    sg.simulate_sde(landscape, CONFIG, np.zeros(d), 8, 10, **options)
    tracemalloc.start()
    sg.simulate_sde(landscape, CONFIG, np.zeros(d), 8, paths, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    said = footprint.paths_size(d, d, int(stop is not None), paths)
    said += footprint.saved_size(d, 9, paths) if save_every else 0
    assert 0.3 * peak < said < 1.2 * peak


@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_the_estimate_of_counts_finds_most(engine: str, monkeypatch) -> None:
    monkeypatch.setattr(numba_lanes, "available_cores", lambda: 1)  # else it depends on which threads meet
    watch = sg.Observe(4, {("x", "y"): ((-1, 1, 40), (-1, 1, 50))}, {"right": "x > 0"})
    arguments, options = (PLANE, CONFIG, [0, 0], 8), {"engine": engine, "observe": watch}
    sg.simulate_sde(*arguments, 10, **options)
    tracemalloc.start()
    sg.simulate_sde(*arguments, 2000, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    said = footprint.paths_size(2, 2, 0, 2000, 5) + footprint.counts_size(engine, 42 * 52, 2000, 1)
    assert 0.3 * peak < said < 1.2 * peak


def test_what_there_is_is_the_least_of_the_limits(monkeypatch) -> None:
    there = memory.available()
    assert there is None or there > 10**7
    monkeypatch.setattr(resource, "getrlimit", lambda which: (10**6, 10**6))
    assert memory.available() == 10**6
    for source in ("_of_the_system", "_of_the_process"):
        monkeypatch.setattr(memory, source, lambda: None)
    monkeypatch.setattr(memory, "_of_a_group", lambda file: None)
    assert memory.available() is None
    memory.check_memory(10**18, "nobody knows whether this would")


TRAININGS = {
    "evaluate_every must be larger, or replicas fewer: 10000000 evaluations of 2 replicas take about 2.4 GB": {
        "updates": 10**7, "replicas": 2, "evaluate_every": 1,
    },
    "evaluate_every must be larger, or replicas fewer: 1 evaluations of 1000000000000 replicas": {
        "replicas": 10**12,
    },
    "replicas must be fewer: 20000 times the 87940 bytes of weights take about 1.76 GB": {"replicas": 20_000},
    r"updates must be at most 2\*\*53": {"updates": 2**53 + 1},
    r"updates × substeps must be at most 2\*\*53": {"updates": 2**50, "substeps": 9, "dynamics": "sde"},
}  # fmt: skip


@pytest.mark.parametrize("message", TRAININGS)
def test_trainings_that_do_not_fit_are_refused(little, message: str) -> None:
    digits, config = sg.data.digits(n_train=60), sg.SGDConfig(0.1, 4, 60)
    with pytest.raises(ValueError, match=message):
        sg.models.train(sg.models.mlp(64, 293, 10), digits, config, **{"updates": 10, **TRAININGS[message]})


@pytest.fixture
def usual_collections():
    """Garbage that waits to be collected is counted too; tests let it wait for longer (conftest.py)."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("usual_collections")
def test_the_estimate_of_evaluations_is_not_too_large() -> None:
    two = sg.data.Dataset("two", [[0.0], [1.0]], [0, 1], [[0.0]], [0])
    config = sg.SGDConfig(0.1, 1, 2)
    options = {"measures": {f"m{k}": lambda w, x, y: 0.0 for k in range(40)}, "evaluate_every": 1}
    for _ in range(2):  # what it imports, xarray a part of it the second time, is not of the evaluations
        sg.models.train(torch.nn.Linear(1, 2), two, config, 2, **options)
    tracemalloc.start()
    sg.models.train(torch.nn.Linear(1, 2), two, config, 250, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.3 * peak < 250 * (80 + 2 * 8 * 45) < 1.2 * peak


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"replicas": 10**8}, "replicas or covariance_groups must be fewer: 100000000 replicas of 3 .* 9.6 GB"),
        ({"updates": 2**54}, r"updates must be at most 2\*\*53"),
    ],
)
def test_regressions_that_do_not_fit_are_refused(little, options, message) -> None:
    problem = sg.models.LinearRegression.gaussian(3)
    with pytest.raises(ValueError, match=message):
        sg.models.sgd_on_regression(problem, CONFIG, **{"updates": 10, "replicas": 4, **options})
