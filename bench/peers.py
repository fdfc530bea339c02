"""sgdsde, libraries of others and handwritten loops on the same problems, side by side in one run.

    python -m bench.peers [--problem well …] [--peer diffrax …] [--rounds 7] [--out bench-results] [--no-memory]

A path-step is one step of one path, whatever its dimension. Every contender runs in float64 on the CPU, compiled and
warmed up, with the cores that it can use. Ratios are medians over rounds in which all take turns; "cores" is the
processor time that a contender had for each second: less than it can use means that others were using the machine.
"""

from __future__ import annotations

import argparse
import math
import platform
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from bench.contenders import FLOOR, OURS, PEERS, WEAK, Peer
from bench.memory import peak_mebibytes
from bench.peer_solvers import Unsuited
from bench.pictures import peer_bars
from bench.problems import PROBLEMS, Problem
from bench.timing import Contender, Rates, rates
from sgdsde.engines.numba_lanes import available_cores
from sgdsde.plotting.style import png

#: Published by others, not measured here: least times of GPUODEBenchmarks, data/SDE (2 097 152 paths, float32, one GPU)
#: and data/CPU/SDE (524 288 paths, float64, threads), for the same equation, start, step and scheme.
PUBLISHED = {
    "growth": (("DiffEqGPU.jl GPUEM, GPU, float32", 3.0e9), ("StochasticDiffEq.jl EM, CPU threads", 0.8e9)),
}


@dataclass(frozen=True)
class Bar:
    """`name` is to be `least` times as fast as each contender whose name begins with one of `against`."""

    problem: str
    name: str
    against: tuple[str, ...]
    least: float


BARS = (
    Bar("well", OURS, (FLOOR,), 0.85),
    Bar("well", OURS, ("NumPy loop", "torch loop"), 12),
    Bar("well", OURS, ("diffrax: VirtualBrownianTree",), 50),  # as its documentation has it
    Bar("well", OURS, ("diffrax",), 50),  # however it can be set
    Bar("well", OURS, ("torchsde: BrownianInterval",), 100),
    Bar("well", OURS, ("torchsde",), 100),
    Bar("well", OURS, ("sdeint",), 3000),
    Bar("well", WEAK, (OURS,), 1.5),
    Bar("full", OURS, (FLOOR,), 0.70),
)


@dataclass(frozen=True)
class Result:
    """What was measured on a problem.

    Attributes
    ----------
    problem : Problem
    found : Rates
        Path-steps per second.
    sizes : dict
        Name → (paths, steps).
    absent : dict
        Name → why it was not measured.
    memory : dict
        Name → peak memory beyond the imports, MiB.
    """

    problem: Problem
    found: Rates
    sizes: Mapping[str, tuple[int, int]]
    absent: Mapping[str, str]
    memory: dict[str, float | None] = field(default_factory=dict)


def measure(problem: Problem, peers: Iterable[Peer], rounds: int) -> Result:
    """Rates of all contenders that are installed and suited, taken in turns."""
    contenders, sizes, absent = {}, {}, {}
    for peer in peers:
        if package := peer.missing():
            absent[peer.name] = f"not installed ({package})"
            continue
        size = problem.size(peer.normals, peer.together)
        try:
            run = peer.prepare(problem, *size)
        except Unsuited as reason:
            absent[peer.name] = str(reason)
        else:
            contenders[peer.name], sizes[peer.name] = Contender(math.prod(size), run), size
    return Result(problem, rates(contenders, rounds), sizes, absent)


def show(result: Result, peers: Iterable[Peer]) -> None:
    """Print the table of a problem."""
    print(f"\n{result.problem.title}")
    print(f"  {'':35} path-steps/s   sgdsde is   cores   peak MiB   paths × steps")
    for peer in peers:
        if peer.name in result.absent:
            print(f"  {peer.name:35} {result.absent[peer.name]}")
            continue
        rate, ratio = result.found.median(peer.name), result.found.ratio(OURS, peer.name)
        memory, size = result.memory.get(peer.name), " × ".join(map(str, result.sizes[peer.name]))
        peak, cores = "" if memory is None else f"{memory:.0f}", statistics.median(result.found.cores[peer.name])
        print(f"  {peer.name:35} {rate:12.2e} {ratio:9.4g} × {cores:7.1f} {peak:>10}   {size:15} {peer.note}")
    for name, rate in PUBLISHED.get(result.problem.name, ()):
        print(f"  {name:35} {rate:12.1e}   published, not measured here")
    if (had := statistics.median(result.found.cores[OURS])) < 0.85 * available_cores():
        print(f"  Do not quote this: others used the machine, and sgdsde had {had:.1f} of {available_cores()} cores.")


def check(bar: Bar, result: Result) -> bool | None:
    """Print how the bar fares against the fastest of its peers; None when none was measured."""
    found = result.found.rounds
    peers = [name for name in found if name.startswith(bar.against) and name != bar.name]
    label = f"{bar.name} ÷ {' or '.join(bar.against)}, {result.problem.name}"
    if bar.name not in found or not peers:
        print(f"  not measured {label} (bar ≥ {bar.least:g})")
        return None
    fastest = min(peers, key=lambda name: result.found.ratio(bar.name, name))
    ratio, each = result.found.ratio(bar.name, fastest), result.found.ratios(bar.name, fastest)
    met = ratio >= bar.least
    which = f"; the fastest is {fastest}" if len(peers) > 1 else ""
    print(
        f"  {'met         ' if met else 'MISSED      '} {label}: {ratio:.4g} "
        f"({min(each):.4g} to {max(each):.4g} over rounds; bar ≥ {bar.least:g}{which})"
    )
    return met


def main(arguments: Sequence[str] = ()) -> int:
    """Print the tables, draw the figure; exit status 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__.splitlines()[0])
    parser.add_argument("--problem", nargs="+", choices=PROBLEMS, default=list(PROBLEMS), help="which problems")
    parser.add_argument("--peer", nargs="+", default=[""], help="only contenders whose names begin so, and sgdsde")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path("bench-results"), help="folder of the figure")
    parser.add_argument("--no-memory", action="store_true", help="measure no memory")
    options = parser.parse_args(arguments)
    peers = [peer for peer in PEERS if peer.name.startswith((OURS, *options.peer))]
    print(f"{platform.machine()}, {available_cores()} cores; rates are medians over {options.rounds} rounds")
    packages = sorted({root for peer in peers for root in peer.roots if not peer.missing()} - {"bench", "sgdsde"})
    print(", ".join(f"{package} {version(package)}" for package in packages))
    results = []
    for name in options.problem:
        results.append(measure(PROBLEMS[name], peers, options.rounds))
        if not options.no_memory:
            results[-1].memory.update({peer: peak_mebibytes(name, peer) for peer in results[-1].sizes})
        show(results[-1], peers)
    print()
    by_name = {result.problem.name: result for result in results}
    passed = [check(bar, by_name[bar.problem]) for bar in BARS if bar.problem in by_name]
    options.out.mkdir(parents=True, exist_ok=True)
    picture = options.out / "peers.png"
    picture.write_bytes(png(peer_bars(results, PUBLISHED)))
    print(f"\n{picture}")
    return 1 if False in passed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
