"""Path-steps per second of both simulators, against the loops that one would write by hand and against the noise alone.

    python -m bench.throughput

The floors: a kernel that only draws the same normals and adds them up, and kernels that only draw the random words of
batches, or only add up examples that were picked before. Nothing that uses these can be faster.
"""

from __future__ import annotations

import itertools
import os
import platform
import resource
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numba
import numpy as np
import torch

import sgdsde as sg
from bench.timing import Contender, Rates, rates, verdict
from sgdsde.engines.lane_noise import add_picks, fill_normals, fill_picks
from sgdsde.engines.lanes import LANES
from sgdsde.engines.numba_lanes import available_cores

PATHS = 4096
WELL = sg.Landscape("x**4 - 2*x**2", variables="x", noise_covariance=1.0, name="double well")
SDE = sg.SGDConfig(learning_rate=1e-3, batch_size=8, n_examples=1000)
EXAMPLES, BATCH, LEARNING_RATE = 1000, 8, 1e-2
BATCH_SIZES = (1, 8, 64)
#: What an update may cost over its random words and gathers alone: there is the step itself, and repeats to be found.
OVER_FLOORS = {"with_replacement": "≤ 1.4", "without_replacement": "≤ 1.8"}


def numpy_loop(steps: int) -> Any:
    generator, x, dt = np.random.default_rng(0), np.ones(PATHS), SDE.learning_rate
    amplitude = np.sqrt(SDE.temperature * dt)
    for _ in range(steps):
        x = x - (4 * x * x * x - 4 * x) * dt + amplitude * generator.standard_normal(PATHS)
    return x


def torch_loop(steps: int) -> Any:
    generator, x, dt = torch.Generator().manual_seed(0), torch.ones(PATHS, dtype=torch.float64), SDE.learning_rate
    amplitude = float(np.sqrt(SDE.temperature * dt))
    for _ in range(steps):
        noise = torch.randn(PATHS, dtype=torch.float64, generator=generator)
        x = x - (4 * x * x * x - 4 * x) * dt + amplitude * noise
    return x


@numba.njit(parallel=True)  # type: ignore[untyped-decorator]
def prange_loop(x, steps, dt, amplitude):  # type: ignore[no-untyped-def]
    """What one writes first with Numba."""
    for i in numba.prange(x.size):
        y = x[i]
        for _ in range(steps):
            y = y - (4 * y * y * y - 4 * y) * dt + amplitude * np.random.normal()  # noqa: NPY002 (what Numba has)
        x[i] = y
    return x


@numba.njit(nogil=True)  # type: ignore[untyped-decorator]
def draw_and_add(first, last, steps):  # type: ignore[no-untyped-def]
    """The floor: the same normals, added up."""
    z, words, total = np.empty(4 * LANES), np.empty(4 * LANES, np.uint32), np.zeros(LANES)
    for block in range(first, last):
        for group in range(steps // 4):
            fill_normals(z, words, group, 1, block * LANES, np.uint64(0), np.uint64(0), np.uint64(0))
            for row in range(4):
                rows = z[row * LANES : (row + 1) * LANES]
                for lane in range(LANES):
                    total[lane] += rows[lane]
    return total


def floor(steps: int) -> Any:
    edges = np.linspace(0, PATHS // LANES, available_cores() + 1).astype(int)
    with ThreadPoolExecutor(len(edges)) as pool:
        return list(pool.map(draw_and_add, edges[:-1], edges[1:], [steps] * (len(edges) - 1)))


@numba.njit(nogil=True)  # type: ignore[untyped-decorator]
def draw_words(first, last, steps, draws, examples):  # type: ignore[no-untyped-def]
    """The first floor of batches: their random words, as integers below the number of examples."""
    words, key = np.empty(4 * LANES, np.uint32), np.uint64(0)
    for block in range(first, last):
        for step in range(steps):
            for draw in range(draws):
                fill_picks(words, step, draw, block * LANES, examples, 0, key, key, key)
    return words


@numba.njit(nogil=True)  # type: ignore[untyped-decorator]
def gather(first, last, steps, chosen, table):  # type: ignore[no-untyped-def]
    """The second: examples picked before, added up."""
    z = np.zeros(LANES)
    for _ in range(first, last):
        for _ in range(steps):
            add_picks(z, chosen, chosen.size // LANES, table)
    return z


def batches_floor(steps: int, size: int, examples: int, part: str) -> Any:
    generator, edges = np.random.default_rng(0), np.linspace(0, PATHS // LANES, available_cores() + 1).astype(int)
    chosen = generator.integers(examples, size=size * LANES).astype(np.uint32)
    table = generator.standard_normal((1, examples))

    def share(first: int, last: int) -> Any:
        if part == "words":
            return draw_words(first, last, steps, -(-size // 4), examples)
        return gather(first, last, steps, chosen, table)

    with ThreadPoolExecutor(len(edges)) as pool:
        return list(pool.map(share, edges[:-1], edges[1:]))


def sgd_torch(steps: int, sampling: str) -> Any:
    """Vectorised over paths: for batches without repeats, the B largest of N random keys."""
    generator, x = torch.Generator().manual_seed(0), torch.ones(PATHS, dtype=torch.float64)
    table = torch.randn(EXAMPLES, dtype=torch.float64, generator=generator)
    order = torch.empty(0)
    for step in range(steps):
        if sampling == "with_replacement":
            picked = torch.randint(EXAMPLES, (PATHS, BATCH), generator=generator)
        elif sampling == "without_replacement":
            picked = torch.rand(PATHS, EXAMPLES, generator=generator).topk(BATCH, dim=1, sorted=False).indices
        else:
            place = step % (EXAMPLES // BATCH)
            if place == 0:
                order = torch.rand(PATHS, EXAMPLES, generator=generator).argsort(dim=1)
            picked = order[:, place * BATCH : (place + 1) * BATCH]
        x = x - LEARNING_RATE * (4 * x * x * x - 4 * x + table[picked].mean(dim=1))
    return x


def sde_table(steps: int = 40_000, slow: int = 1_500) -> list[tuple[str, float, str]]:
    def ours() -> Any:
        return sg.simulate_sde(WELL, SDE, 1.0, updates=steps, paths=PATHS, substeps=1)

    dt = SDE.learning_rate
    amplitude = float(np.sqrt(SDE.temperature * dt))
    found = rates(
        {
            "sgdsde simulate_sde": Contender(PATHS * steps, ours),
            "NumPy loop": Contender(PATHS * slow, lambda: numpy_loop(slow)),
            "torch loop": Contender(PATHS * slow, lambda: torch_loop(slow)),
            "Numba prange loop": Contender(
                PATHS * 4 * slow, lambda: prange_loop(np.ones(PATHS), 4 * slow, dt, amplitude)
            ),
            "floor: draw and add": Contender(PATHS * steps, lambda: floor(steps)),
        }
    )
    ours_name, *peers = found.rounds
    ratios = {peer: found.ratio(ours_name, peer) for peer in peers}
    print(f"\nSDE, double well, Euler–Maruyama, float64, {PATHS} paths (moments gathered at every update)")
    show(found)
    return [
        (
            "SDE against the faster of the NumPy and torch loops",
            min(ratios["NumPy loop"], ratios["torch loop"]),
            "≥ 10",
        ),
        ("SDE against the Numba prange loop", ratios["Numba prange loop"], "≥ 6"),
        ("SDE against drawing the same normals (floor)", ratios["floor: draw and add"], "≥ 0.75"),
    ]


def sgd_table(steps: int = 4_000) -> list[tuple[str, float, str]]:
    checks = []
    for sampling, slow in (("with_replacement", 250), ("without_replacement", 8), ("reshuffle", 250)):
        config = sg.SGDConfig(LEARNING_RATE, BATCH, EXAMPLES, sampling=sampling)

        def ours(config: sg.SGDConfig = config) -> Any:
            return sg.simulate_sgd(WELL, config, 1.0, updates=steps, paths=PATHS)

        def theirs(slow: int = slow, sampling: str = sampling) -> Any:
            return sgd_torch(slow, sampling)

        found = rates(
            {"sgdsde simulate_sgd": Contender(PATHS * steps, ours), "torch loop": Contender(PATHS * slow, theirs)},
            rounds=5,
        )
        print(f"\nSGD, {sampling}, B = {BATCH}, N = {EXAMPLES}, float64, {PATHS} paths")
        show(found)
        ratio = found.ratio("sgdsde simulate_sgd", "torch loop")
        checks.append((f"SGD {sampling} against a torch loop", ratio, "≥ 10"))
    return checks


def batches_numpy(steps: int, size: int, examples: int, sampling: str) -> Any:
    """As fast as NumPy's vectorised calls go: without replacement, paths whose batch repeats itself draw it again."""
    generator, x = np.random.default_rng(0), np.ones(PATHS)
    table = generator.standard_normal(examples)
    for _ in range(steps):
        picked = generator.integers(examples, size=(PATHS, size))
        again = np.arange(PATHS if sampling == "without_replacement" and size > 1 else 0)
        while len(again):
            ordered = np.sort(picked[again], axis=1)
            again = again[(ordered[:, 1:] == ordered[:, :-1]).any(axis=1)]
            picked[again] = generator.integers(examples, size=(len(again), size))
        x = x - LEARNING_RATE * (4 * x * x * x - 4 * x + table[picked].mean(axis=1))
    return x


def batches_torch(steps: int, size: int, examples: int, sampling: str) -> Any:
    """The same with torch."""
    generator, x = torch.Generator().manual_seed(0), torch.ones(PATHS, dtype=torch.float64)
    table = torch.randn(examples, dtype=torch.float64, generator=generator)
    for _ in range(steps):
        picked = torch.randint(examples, (PATHS, size), generator=generator)
        again = torch.arange(PATHS if sampling == "without_replacement" and size > 1 else 0)
        while len(again):
            ordered = picked[again].sort(dim=1).values
            again = again[(ordered[:, 1:] == ordered[:, :-1]).any(dim=1)]
            picked[again] = torch.randint(examples, (len(again), size), generator=generator)
        x = x - LEARNING_RATE * (4 * x * x * x - 4 * x + table[picked].mean(dim=1))
    return x


def batch_sizes_table(examples: int = 10_000, work: int = 96_000) -> list[tuple[str, float, str]]:
    """SGD over batch sizes, against the faster of two loops; and how its cost grows with B."""
    checks = []
    for sampling in ("with_replacement", "without_replacement"):
        contenders = {}
        for size in BATCH_SIZES:
            config, steps = sg.SGDConfig(LEARNING_RATE, size, examples, sampling=sampling), max(40, work // (4 * size))
            slow = max(10, work // (640 * size))
            contenders[f"sgdsde, B = {size}"] = Contender(
                PATHS * steps, partial(sg.simulate_sgd, WELL, config, 1.0, updates=steps, paths=PATHS)
            )
            for name, loop in (("NumPy", batches_numpy), ("torch", batches_torch)):
                run = partial(loop, slow, size, examples, sampling)
                contenders[f"{name} loop, B = {size}"] = Contender(PATHS * slow, run)
            for part in ("words", "gathers"):
                run = partial(batches_floor, steps, size, examples, part)
                contenders[f"floor, {part}, B = {size}"] = Contender(PATHS * steps, run)
        found = rates(contenders, rounds=5)
        print(f"\nSGD, {sampling}, N = {examples}, float64, {PATHS} paths")
        for name in found.rounds:
            ours = f"sgdsde, B = {name.rpartition(' ')[2]}"
            print(f"  {name:24} {found.best(name):9.2e} path-steps/s   sgdsde is {found.ratio(ours, name):6.2f} ×")
        for size in BATCH_SIZES:
            ratio = min(found.ratio(f"sgdsde, B = {size}", f"{name} loop, B = {size}") for name in ("NumPy", "torch"))
            checks.append((f"SGD {sampling}, B = {size}, against the faster loop", ratio, "≥ 10"))
            floors = [found.ratio(f"floor, {part}, B = {size}", f"sgdsde, B = {size}") for part in ("words", "gathers")]
            cost = 1 / sum(1 / each for each in floors)
            name = f"SGD {sampling}, B = {size}, cost over random words and gathers"
            checks.append((name, cost, OVER_FLOORS[sampling]))
        for small, large in itertools.pairwise(BATCH_SIZES):
            growth = found.ratio(f"sgdsde, B = {small}", f"sgdsde, B = {large}")
            checks.append(
                (f"SGD {sampling}, cost of an update from B = {small} to {large}", growth, f"≤ {large // small}")
            )
    return checks


def memory() -> tuple[str, float, str]:
    """Growth of the peak resident memory when a run is made 20 times longer."""

    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    sg.simulate_sde(WELL, SDE, 1.0, updates=10_000, paths=PATHS, substeps=1)
    before = peak()
    sg.simulate_sde(WELL, SDE, 1.0, updates=200_000, paths=PATHS, substeps=1)
    return "peak memory added by 20 × the updates, MiB", peak() - before, "≤ 1"


def show(found: Rates) -> None:
    """Best rates, and the median over rounds of the first contender's rate over each."""
    first = next(iter(found.rounds))
    for name in found.rounds:
        print(f"  {name:24} {found.best(name):9.2e} path-steps/s   sgdsde is {found.ratio(first, name):6.2f} ×")


def main() -> int:
    """Print the tables; exit status 1 when a bar is missed."""
    versions = f"torch {torch.__version__}, numba {numba.__version__}"
    print(f"{platform.machine()}, {available_cores()} cores of {os.cpu_count()}, {versions}")
    checks = [memory(), *sde_table(), *sgd_table(), *batch_sizes_table()]
    return verdict(checks)


if __name__ == "__main__":
    raise SystemExit(main())
