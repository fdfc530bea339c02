"""The torch engine on a GPU: path-steps per second against a plain torch loop there and against the memory's bandwidth.

    python -m bench.gpu [--quick] [--device cuda|cpu] [--out FILE]

Its numbers are compared with the reference engine's first, on few paths; exit status 1 when they differ. The limit is
the rate at which a program could run that sends state and noise through memory once a step, at the bandwidth of a large
copy measured here: 2(d + k) numbers a step, d of the state and k of the noise, each read and written; for SGD also the
places of the B picks (4 bytes, read and written) and the B examples read. A kernel that keeps them in registers can
exceed it.
"""

from __future__ import annotations

import argparse
import math
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

import sgdsde as sg
from bench.problems import PROBLEMS, Problem
from bench.timing import Contender, rates
from sgdsde.engines import torch_cuda

#: Largest difference from the reference, relative to its largest number or 1.
TOLERANCE = {"float64": 1e-10, "float32": 1e-3}
WELL, LEARNING_RATE = PROBLEMS["well"].landscape, 1e-2
#: (options) → ensemble, of (paths, updates).
Ours = Callable[..., Any]
#: (paths, steps, device, dtype) → final states.
Loop = Callable[[int, int, torch.device, torch.dtype], Any]


@dataclass(frozen=True)
class Case:
    """A row; `numbers` and `picks` of examples go through memory in a step, by the limit; runs take whole `unit`s."""

    name: str
    ours: Ours
    loop: Loop
    numbers: int
    picks: int = 0
    unit: int = 8

    def bytes_a_step(self, size: int) -> int:
        """Bytes that go through memory in a step when numbers have this size."""
        return self.numbers * size + self.picks * (8 + size)


def sde_ours(problem: Problem, paths: int, updates: int, **options: Any) -> Any:
    return sg.integrate(
        problem.landscape, problem.w0, problem.dt * updates, updates, paths, temperature=problem.temperature,
        burn_in=0, **options,
    )  # fmt: skip


def sde_loop(problem: Problem, paths: int, steps: int, device: torch.device, dtype: torch.dtype) -> Any:
    module: Any = SimpleNamespace(sqrt=torch.sqrt, stack=torch.stack)
    equations, generator = problem.equations(module, problem.dt**0.5), torch.Generator(device).manual_seed(0)
    w = torch.tensor(problem.starts(paths), dtype=dtype, device=device)
    for _ in range(steps):
        noise = torch.randn(w.shape, dtype=dtype, device=device, generator=generator)
        w = w + equations.drift(w) * problem.dt + equations.noise(w, noise)
    return w


def sgd_ours(config: sg.SGDConfig, paths: int, updates: int, **options: Any) -> Any:
    return sg.simulate_sgd(WELL, config, 1.0, updates, paths, **options)


def sgd_loop(config: sg.SGDConfig, paths: int, steps: int, device: torch.device, dtype: torch.dtype) -> Any:
    """Without replacement, paths whose batch repeats itself draw it again; a shuffle is the order of random keys."""
    n, size, generator = config.n_examples, config.batch_size, torch.Generator(device).manual_seed(0)
    x = torch.ones(paths, dtype=dtype, device=device)
    table = torch.randn(n, dtype=dtype, device=device, generator=generator)
    table = (table - table.mean()) / table.std(correction=0)
    order = torch.empty(0)
    for step in range(steps):
        if config.sampling == "reshuffle":
            first = step % (n // size) * size
            if first == 0:
                order = torch.rand(paths, n, device=device, generator=generator).argsort(dim=1)
            picked = order[:, first : first + size]
        else:
            picked = torch.randint(n, (paths, size), device=device, generator=generator)
            again = torch.arange(paths if config.sampling == "without_replacement" else 0, device=device)
            while len(again):
                ordered = picked[again].sort(dim=1).values
                again = again[(ordered[:, 1:] == ordered[:, :-1]).any(dim=1)]
                picked[again] = torch.randint(n, (len(again), size), device=device, generator=generator)
        x = x - LEARNING_RATE * (4 * x * x * x - 4 * x + table[picked].mean(dim=1))
    return x


def _sde(name: str, title: str) -> Case:
    problem = PROBLEMS[name]
    return Case(title, partial(sde_ours, problem), partial(sde_loop, problem), 4 * problem.dimension)


def _sgd(sampling: str, size: int, examples: int) -> Case:
    config = sg.SGDConfig(LEARNING_RATE, size, examples, sampling=sampling)
    unit = examples // size if sampling == "reshuffle" else 8
    name = f"SGD, {sampling.replace('_', ' ')}, B = {size}, N = {examples}"
    return Case(name, partial(sgd_ours, config), partial(sgd_loop, config), 4, size, unit)


CASES = (
    _sde("well", "SDE, double well"),
    _sde("full", "SDE, 2-D, full noise"),
    *(_sgd(sampling, 8, 1000) for sampling in ("with_replacement", "without_replacement", "reshuffle")),
    _sgd("without_replacement", 64, 10_000),
)


def difference(case: Case, device: torch.device, dtype: str) -> float:
    """Largest, of ends and moments of 257 paths, from the reference engine; infinite where one is not finite."""
    found, expected = (
        case.ours(257, 150, seed=7, **options)
        for options in ({"engine": "torch", "device": str(device), "dtype": dtype}, {"engine": "numpy"})
    )
    worst = 0.0
    for name in ("final", "path_mean", "path_covariance"):
        a, b = getattr(found, name), getattr(expected, name)
        off = float(np.abs(a - b).max() / max(1.0, np.abs(b).max()))
        worst = max(worst, off if math.isfinite(off) else math.inf)
    return worst


def settle(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def bandwidth(device: torch.device, mebibytes: int) -> float:
    """Bytes per second, read and written, of a copy: the best of several."""
    source = torch.ones(mebibytes * 2**17, dtype=torch.float64, device=device)
    target, best = torch.empty_like(source), 0.0
    for _ in range(9):
        settle(device)
        began = time.perf_counter()
        target.copy_(source)
        settle(device)
        best = max(best, 2 * source.nbytes / (time.perf_counter() - began))
    return best


def peak_mebibytes(device: torch.device, run: Callable[[], Any]) -> float:
    """Memory that a run adds at its peak: of torch's on the device, of the process on the CPU; NaN without /proc."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        run()
        return (torch.cuda.max_memory_allocated(device) - before) / 2**20
    reset, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    if not reset.exists():
        return math.nan
    reset.write_text("5")
    marks = [line.split() for line in status.read_text().splitlines()]
    before = next(int(mark[1]) for mark in marks if mark[0] == "VmRSS:")
    run()
    marks = [line.split() for line in status.read_text().splitlines()]
    return (next(int(mark[1]) for mark in marks if mark[0] == "VmHWM:") - before) / 1024


def enough(run: Callable[[int], Any], device: torch.device, seconds: float, unit: int) -> int:
    """Steps, a multiple of `unit`, that take about so long; all that must be compiled has been, afterwards."""
    steps = unit
    while True:
        run(steps)
        settle(device)
        began = time.perf_counter()
        run(steps)
        settle(device)
        spent = time.perf_counter() - began
        if spent > seconds / 4:
            return max(1, int(steps * seconds / spent / unit)) * unit
        steps *= 4


def measure(case: Case, device: torch.device, dtype: str, paths: int, seconds: float, limit: float) -> str:
    """One row: our rate, over the plain loop's, over the limit's, and the peak of memory."""
    kind = getattr(torch, dtype)

    def ours(steps: int) -> Any:
        return case.ours(paths, steps, engine="torch", device=str(device), dtype=dtype)

    @torch.inference_mode()
    def loop(steps: int) -> Any:
        found = case.loop(paths, steps, device, kind)
        settle(device)
        return found

    many, few = (enough(run, device, seconds, case.unit) for run in (ours, loop))
    contenders = {
        "ours": Contender(paths * many, partial(ours, many)),
        "loop": Contender(paths * few, partial(loop, few)),
    }
    found = rates(contenders, rounds=5)
    most = limit / case.bytes_a_step(kind.itemsize)
    peak = peak_mebibytes(device, partial(ours, many))
    return (
        f"{case.name:46} {dtype} {found.median('ours'):9.2e} {found.ratio('ours', 'loop'):8.1f} × "
        f"{found.median('ours') / most:8.2f} {peak:8.0f}"
    )


def processor() -> str:
    """Name of the CPU."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), platform.processor() or platform.machine())


def main(arguments: Sequence[str] = ()) -> int:
    """Compare, then print the table; exit status 1 when the device's numbers are not the reference's."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer paths and shorter runs")
    parser.add_argument("--device", choices=("cuda", "cpu"), help="by default cuda where there is such a device")
    parser.add_argument("--out", type=Path, help="write the table to this file too")
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: this torch finds no CUDA device")
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    paths = {"cuda": 2**20, "cpu": 2**15}[device.type] // (4 if options.quick else 1)
    return report(device, paths, 0.1 if options.quick else 1.0, options.out)


def report(
    device: torch.device, paths: int, seconds: float, out: Path | None = None, cases: Sequence[Case] = CASES
) -> int:
    """Runs of about so many seconds; SGD takes a quarter of the paths."""
    lines: list[str] = []

    def say(line: str) -> None:
        print(line, flush=True)
        lines.append(line)

    cuda = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if cuda else processor()
    say(f"{name}, torch {torch.__version__}" + ("" if torch.cuda.is_available() else "; no CUDA device: on the CPU"))
    if cuda and not torch_cuda.launches(device):
        say("no Triton: noise in bulk, and tensors step by step")
    bounds = " and ".join(f"{tolerance:g} in {dtype}" for dtype, tolerance in TOLERANCE.items())
    say(f"\nLargest difference from the reference engine, at most {bounds}")
    good = True
    for case in cases:
        for dtype, tolerance in TOLERANCE.items():
            off = difference(case, device, dtype)
            good &= off <= tolerance
            say(f"  {'same  ' if off <= tolerance else 'DIFFER'} {case.name}, {dtype}: {off:.1e}")
    if good:
        limit = bandwidth(device, 512 if cuda else 64)
        say(f"\nA copy moves {limit / 1e9:.0f} GB/s, read and written. {paths} paths for SDEs, {paths // 4} for SGD.")
        say(f"{'':46} {'':7} path-steps/s  ÷ plain loop  ÷ limit  peak MiB")
        for case in cases:
            for dtype in TOLERANCE:
                say(measure(case, device, dtype, paths // 4 if case.picks else paths, seconds, limit))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
