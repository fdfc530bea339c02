"""The torch engine: noise in bulk and shares of the paths on any device, and the CUDA kernel where Triton is at hand.

Without a GPU the kernel is run by Triton's interpreter, in a process of its own because Triton must be imported for it,
and compiled ahead of time for two generations of GPUs.
"""

import functools
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from engine_landscapes import ONE, THREE, TWO
from tables import every

from sgdsde import Landscape, Observe, SGDConfig, engines, integrate, simulate_sde, simulate_sgd
from sgdsde.engines import torch_batches, torch_cuda, torch_noise, torch_shares
from sgdsde.engines.noise import ExampleBatches
from sgdsde.engines.registry import Plan
from sgdsde.engines.torch_kernel import buffers_of, has_kernel, source

pytestmark = pytest.mark.networks

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
TRITON = importlib.util.find_spec("triton") is not None
N = 48
LANDSCAPES = {1: ONE, 2: TWO, 3: THREE}
SOFT = Landscape(
    "softplus(40*x) + log(cosh(30*y)) + log(1 + exp(x) + exp(-20*y)) + x**2", "x y", noise_covariance="sigmoid(x)"
)
UPDATES, PATHS = 11, 131
RATES = np.linspace(0.1, 0.01, UPDATES)


def config(b: int = 3, sampling: str = "without_replacement", m: float = 0.5, **more: float) -> SGDConfig:
    return SGDConfig(0.05, b, N, m, sampling, **more)


def sde(d: int = 1, paths: int = PATHS, **options: Any):
    return simulate_sde(LANDSCAPES[d], config(), np.full(d, 0.3), UPDATES, paths, **{"substeps": 1, **options})


def sgd(of: SGDConfig, d: int = 1, paths: int = PATHS, updates: int = UPDATES, **options: Any):
    return simulate_sgd(LANDSCAPES[d], of, np.full(d, 0.3), updates, paths, **options)


WATCHED = {"burn_in": 5, "save_every": 4, "seed": 2**40 + 3}
#: Ranges whose edges no path is near to, in single precision neither.
WATCH = Observe(
    4, {"x": (0.0, 0.6, 6), ("y", "x"): ((0.1, 0.5, 3), (-1.0, 0.4, 7))}, {"right": "x > 0.3", "k": "k < 1 or x*y > 0"}
)
CASES: dict[str, Callable[..., Any]] = {
    **{f"sde {d}": lambda d=d, **o: sde(d, substeps=3, **WATCHED, **o) for d in LANDSCAPES},
    "sde of one path": lambda **o: sde(paths=1, **o),
    **{
        scheme: lambda scheme=scheme, **o: sde(scheme=scheme, **WATCHED, **o)
        for scheme in ("heun", "milstein", "weak_taylor_2", "ri5", "baoab")
    },
    "integrate": lambda **o: integrate(TWO, [0.3, 0.3], 1.0, UPDATES, PATHS, scheme="weak_euler", **o),
    **{
        f"{sampling} {b}": lambda sampling=sampling, b=b, **o: sgd(config(b, sampling), b % 3 + 1, **WATCHED, **o)
        for sampling, sizes in {
            "with_replacement": (1, 3, 8, 18),
            "without_replacement": (1, 2, 3, 16, 18, 23, 30, 47, 48),
            "reshuffle": (1, 2, 16, 24, 48),
            "shuffle_once": (1, 2, 3, 24, 48),
        }.items()
        for b in sizes
    },
    **{
        f"{sampling} {b}, the rest dropped": lambda sampling=sampling, b=b, **o: sgd(
            config(b, sampling, drop_last=True), **WATCHED, **o
        )
        for sampling, b in (("reshuffle", 5), ("reshuffle", 22), ("shuffle_once", 7), ("shuffle_once", 22))
    },
    "reshuffle 20, the rest kept": lambda **o: sgd(config(20, "reshuffle"), **WATCHED, **o),
    "shuffle_once 20, the rest kept": lambda **o: sgd(config(20, "shuffle_once"), **WATCHED, **o),
    "nesterov": lambda **o: sgd(config(), 2, dynamics="nesterov", **WATCHED, **o),
    "svag": lambda **o: sgd(config(m=0.0), 2, dynamics="svag", substeps=3, **WATCHED, **o),
    "svag of many": lambda **o: sgd(config(18, m=0.0), dynamics="svag", substeps=2, **WATCHED, **o),
    "noisy_gd": lambda **o: sgd(config(), 2, dynamics="noisy_gd", **WATCHED, **o),
    "decay": lambda **o: sgd(config(weight_decay=0.3, dampening=0.2), 2, **WATCHED, **o),
    "rates": lambda **o: sgd(config(), learning_rates=RATES, **WATCHED, **o),
    "rates of the sde": lambda **o: sde(2, learning_rates=RATES, substeps=2, **WATCHED, **o),
    "exponentials": lambda **o: integrate(SOFT, [5.0, -6.0], 0.02, UPDATES, PATHS, scheme="weak_taylor_2", **o),
    "snapshots at every update": lambda **o: sde(save_every=1, **o),
    "observed": lambda **o: sde(2, substeps=3, observe=WATCH, **WATCHED, **o),
    "observed with batches": lambda **o: sgd(config(), 2, observe=WATCH, **WATCHED, **o),
    "observed in regions": lambda **o: sgd(config(), 2, observe=Observe(occupancy=WATCH.occupancy), **WATCHED, **o),
}


@functools.cache
def plain(name: str, engine: str) -> Any:
    """A case as an engine has it by itself, for all that is compared with it."""
    return CASES[name](engine=engine)


def assert_close(found: Any, expected: Any, tolerance: float) -> None:
    for name in ("final", "snapshots", "path_mean", "path_covariance"):
        a, b = getattr(found, name), getattr(expected, name)
        assert a.shape == b.shape
        assert np.isfinite(b).all()
        assert np.abs(a - b).max(initial=0) <= tolerance * max(1.0, np.abs(b).max(initial=0)), name
    if (seen := expected.observations) is not None:
        for name in ("path_third", "path_fourth", "path_occupancy"):
            assert np.abs(getattr(found.observations, name) - getattr(seen, name)).max(initial=0) <= tolerance, name
        for key, histogram in seen.histograms.items():
            for name in ("share", "below", "above", "outside"):
                a, b = (getattr(each, name) for each in (found.observations.histograms[key], histogram))
                assert np.abs(a.value - b.value).max() <= tolerance, (key, name)
                assert np.abs(a.standard_error - b.standard_error).max() <= tolerance, (key, name)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_singular_covariance_loses_no_path(dtype: str) -> None:
    """Rounding leaves its last pivots below zero by a part in 1e16 of the diagonal, or in 1e7."""
    names = "xyz"
    rows = [[f"{a}*{b} + 1" for b in names] for a in names]
    landscape = Landscape("x**2 + y**2 + z**2", "x y z", noise_covariance=rows)
    found = integrate(landscape, [0.3, 0.5, -0.7], 1.0, 40, 100, temperature=0.1, engine="torch", dtype=dtype)
    assert found.diverged == 0
    exact = integrate(landscape, [0.3, 0.5, -0.7], 1.0, 40, 100, temperature=0.1, engine="numpy")
    assert np.abs(found.final - exact.final).max() < {"float64": 1e-7, "float32": 5e-3}[dtype]


# --- on any device: noise in bulk, shares of the paths


@pytest.fixture
def small(monkeypatch) -> None:
    """Shares of few paths, little room for noise and few marks."""
    monkeypatch.setattr(torch_shares, "_MOST", 40)
    monkeypatch.setattr(torch_shares, "_FEWEST", 16)
    monkeypatch.setattr(torch_shares, "COUNTS", {"cpu": 8 * 53 * 30})
    monkeypatch.setattr(torch_shares, "_FEWEST_WITH_BATCHES", 16)
    monkeypatch.setattr(torch_noise, "ROOM", {"cpu": 100})
    monkeypatch.setattr(torch_batches, "_MARKS", {"cpu": N * 11})


@pytest.mark.parametrize(("name", "threads"), [(name, (1, 3)[k % 2]) for k, name in enumerate(CASES)])
def test_shares_and_room_change_nothing(name: str, threads: int, request) -> None:
    expected = plain(name, "torch")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        request.getfixturevalue("small")
        found = CASES[name](engine="torch")
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert_close(found, expected, 1e-13)
    assert_close(found, plain(name, "numpy"), 1e-12)


@every("name", CASES)
def test_single_precision_is_the_same_path(name: str) -> None:
    single, exact = CASES[name](engine="torch", dtype="float32"), plain(name, "torch")
    assert_close(single, exact, 2e-4)
    assert np.abs(single.final - exact.final).max() > 0 or name == "without_replacement 48"


def test_marks_find_what_pairs_find(monkeypatch) -> None:
    chosen = torch.stack([torch.randint(N - 20 + i + 1, (3, 2, 50)) for i in range(20)], dim=2)
    pairs = torch_batches.Floyd(N)(chosen.clone())
    monkeypatch.setattr(torch_batches, "_PAIRS", 0)
    floyd = torch_batches.Floyd(N)
    for _ in range(2):  # marks are all gone after the first
        assert (floyd(chosen.clone()) == pairs).all()
    assert all(len(set(batch.tolist())) == 20 for batch in pairs.transpose(-1, -2).flatten(0, -2))


@pytest.mark.parametrize("paths", [10, 3000])
def test_words_drawn_at_once_are_bounded(monkeypatch, paths: int) -> None:
    drawn = []

    def spied(groups, draws, those, *more):
        drawn.append((len(groups), len(groups) * draws * len(those)))
        return words(groups, draws, those, *more)

    words, room = torch_noise.group_words, 10_000
    monkeypatch.setattr(torch_noise, "group_words", spied)
    monkeypatch.setattr(torch_noise, "ROOM", {"cpu": room})
    sde(3, paths=paths)
    assert not drawn  # the Numba engine
    sde(3, paths=paths, engine="torch")
    assert all(groups == 1 or size <= room for groups, size in drawn)
    assert sum(groups for groups, _ in drawn) == UPDATES  # none is made twice, none in vain
    assert len(drawn) == 1 if paths == 10 else len(drawn) > 3


def test_the_orders_of_a_shuffle_bound_the_paths_of_a_share(monkeypatch) -> None:
    table = np.zeros((1000, 1))
    plan = plan_of(lambda: sgd(config(4, "reshuffle"), paths=5000, engine="torch"))
    long = Plan(**{**vars(plan), "noise": (ExampleBatches(table, 4, "reshuffle"),)})
    monkeypatch.setattr(torch_shares, "ORDERS", {"cpu": 400_000, "cuda": 400_000})
    for device in ("cpu", "cuda"):
        edges = torch_shares.edges_of(long, torch.device(device))
        assert (edges[0], edges[-1]) == (0, 5000)
        assert 0 < max(np.diff(edges)) <= 100
    assert torch_shares.edges_of(plan_of(lambda: sde(engine="torch")), torch.device("cuda")) == [0, PATHS]


@pytest.mark.parametrize("threads", [1, 3])
def test_an_interrupt_stops_all_shares(small, threads: int) -> None:
    def stop(fraction: float) -> None:
        raise KeyboardInterrupt

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with pytest.raises(KeyboardInterrupt):
            sgd(config(), updates=10**9, engine="torch", progress=stop)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def test_an_error_in_one_share_is_the_error_of_the_run(small, monkeypatch) -> None:
    plan = plan_of(lambda: sgd(config(), updates=10**9, engine="torch"))

    def fails(share: Plan, first: int) -> Any:
        if first:
            raise MemoryError("no room")
        while True:
            share.progress(0.0)

    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    with pytest.raises(MemoryError, match="no room"):
        torch_shares.run(plan, torch.device("cpu"), fails)


@pytest.mark.parametrize("device", ["cuda:99", "meta", "quantum", "xpu:3"])
def test_a_device_that_is_not_there(device: str) -> None:
    with pytest.raises(ValueError, match=f"^device must be one that this torch can use, got '{device}'"):
        sde(engine="torch", device=device)


# --- the kernel


class _Stop(Exception):
    pass


def plan_of(run: Callable[[], Any]) -> Plan:
    """The plan that a call asks an engine to run."""
    with pytest.MonkeyPatch.context() as patch:

        def caught(engine: str, plan: Plan) -> Any:
            raise _Stop(plan)

        patch.setattr(engines, "run", caught)
        with pytest.raises(_Stop) as found:
            run()
    return found.value.args[0]


def numpy_libdevice() -> type:
    """What the kernel calls of `libdevice`, on the arrays of Triton's interpreter."""
    import triton.language as tl
    from triton.runtime.interpreter import TensorHandle

    def on_handles(function: Callable[..., Any]) -> Any:
        def call(x: Any, *more: Any) -> Any:
            found = function(x.handle.data, *(y.handle.data for y in more))
            return tl.core.tensor(TensorHandle(found.astype(x.handle.data.dtype), x.handle.dtype), x.type)

        return staticmethod(call)

    names = ("sqrt", "exp", "log", "log1p", "sin", "cos", "tan", "sinh", "cosh", "tanh")
    table = {name: getattr(np, name) for name in names}
    table |= {"atan": np.arctan, "pow": np.power, "rsqrt": lambda a: 1 / np.sqrt(a)}
    table |= {"sinpi": lambda a: np.sin(np.pi * a), "cospi": lambda a: np.cos(np.pi * a)}
    return type("libdevice", (), {name: on_handles(function) for name, function in table.items()})


@pytest.fixture
def on_kernel(monkeypatch) -> dict[str, str]:
    """Options of runs by the kernel: on the GPU, or else by the interpreter."""
    if INTERPRETED:
        language = torch_cuda._language()
        monkeypatch.setattr(torch_cuda, "_language", lambda: {**language, "libdevice": numpy_libdevice()})
        monkeypatch.setattr(torch_cuda, "suits", lambda plan, device: has_kernel(plan))
        monkeypatch.setattr(torch, "get_num_threads", lambda: 1)  # the interpreter is not made for several
        torch_cuda.compiled.cache_clear()
        return {"engine": "torch"}
    if TRITON and torch.cuda.is_available():
        return {"engine": "torch", "device": "cuda"}
    pytest.skip("no CUDA device, and Triton is not imported for its interpreter")


@pytest.mark.parametrize("name", CASES)
def test_kernel_runs_the_same_paths(on_kernel, monkeypatch, name: str) -> None:
    monkeypatch.setattr(torch_cuda, "_FIRST", 6)  # updates of a launch, so that they end in the midst of groups
    expected = CASES[name](engine="numpy")
    assert_close(CASES[name](**on_kernel), expected, 1e-12)
    assert_close(CASES[name](dtype="float32", **on_kernel), expected, 2e-4)


def test_kernel_launches_and_shares_change_nothing(on_kernel, monkeypatch) -> None:
    names = ("sde 2", "reshuffle 2", "without_replacement 18", "observed")
    expected = {name: CASES[name](**on_kernel) for name in names}
    monkeypatch.setattr(torch_cuda, "_SECONDS_PER_LAUNCH", 0.0)
    monkeypatch.setattr(torch_shares, "ORDERS", {"cpu": 4 * N * 50, "cuda": 4 * N * 50})
    for first, saved in ((1, 1), (5, 2**26), (1000, 1)):
        monkeypatch.setattr(torch_cuda, "_FIRST", first)
        monkeypatch.setattr(torch_cuda, "_SAVED", saved)
        for name in names:
            assert_close(CASES[name](**on_kernel), expected[name], 1e-15)


@pytest.mark.slow("the kernel in the interpreter of Triton, statement by statement")
@pytest.mark.skipif(INTERPRETED or not TRITON, reason="needs Triton, and is what runs its interpreter")
def test_kernel_in_the_interpreter() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "test_kernel", __file__]
    done = subprocess.run(command, env={**os.environ, "TRITON_INTERPRET": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"{len(CASES) + 1} passed" in done.stdout


@pytest.mark.skipif(INTERPRETED or not TRITON, reason="needs Triton, which compiles nothing for its interpreter")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "name",
    [
        "sde 3",
        "ri5",
        "exponentials",
        "without_replacement 3",
        "without_replacement 18",
        "reshuffle 24",
        "shuffle_once 3",
        "svag",
        "observed",
    ],
)
def test_kernel_compiles_without_a_device(tmp_path, monkeypatch, name: str, dtype: str) -> None:
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    plan = plan_of(lambda: CASES[name](engine="torch", dtype=dtype))
    state = {"float64": "*fp64", "float32": "*fp32"}[dtype]
    signature = {"numbers_": "*i64", "state_": state, "sums_": "*fp64", "constants_": "*fp64", "taken_": "*i64"}
    kinds = {"table": "*fp64", "kept": "*i32", "ranges": "*fp64", "counts": "*i64"}
    signature |= {"saved_": "*fp64"} | {b: next(kinds[k] for k in kinds if k in b) for b in buffers_of(plan)}
    fixed = {"LOOK": True, "SAVE": True, "BLOCK": torch_cuda.BLOCK}
    program = ASTSource(torch_cuda.compiled(source(plan)), signature | dict.fromkeys(fixed, "constexpr"), fixed)
    for generation in (80, 90):
        target = GPUTarget("cuda", generation, 32)
        made = triton.compile(program, target=target, options=torch_cuda.OPTIONS)
        assert made.asm["cubin"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_triton_that_does_not_work_is_said_and_done_without(monkeypatch) -> None:
    torch_cuda.launches.cache_clear()
    monkeypatch.setattr(torch_cuda.importlib.util, "find_spec", lambda name: object())
    with pytest.warns(RuntimeWarning, match="Triton cannot launch a kernel on cuda, so steps are taken one"):
        assert not torch_cuda.launches(torch.device("cuda"))
    torch_cuda.launches.cache_clear()
    monkeypatch.setattr(torch_cuda.importlib.util, "find_spec", lambda name: None)
    assert not torch_cuda.launches(torch.device("cuda"))
    torch_cuda.launches.cache_clear()


def test_what_has_no_kernel() -> None:
    """Batches of changing size and Lévy areas are drawn in bulk on every device."""
    assert has_kernel(plan_of(lambda: CASES["svag"](engine="torch")))
    sizes = np.resize([1, 3, 12], UPDATES)
    assert not has_kernel(plan_of(lambda: sgd(config(), batch_sizes=sizes, engine="torch")))
    assert not has_kernel(plan_of(lambda: sde(3, scheme="milstein_levy", engine="torch")))
    assert not torch_cuda.suits(plan_of(lambda: sde(engine="torch")), torch.device("cpu"))
