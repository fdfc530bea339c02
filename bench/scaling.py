"""What a path-step costs as paths, steps, dimension and threads grow, and what a new landscape costs to compile.

    python -m bench.scaling [--sweep paths …] [--rounds 5] [--out bench-results]

Each rate stands beside the floor: drawing the same normals and adding them, at the same size and on the same cores.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sgdsde as sg
from bench.compiling import compiling, show_compiling
from bench.floor import floor
from bench.pictures import scaling_panels
from bench.timing import Contender, rates
from sgdsde.engines.numba_lanes import available_cores
from sgdsde.plotting.style import png

DT, TEMPERATURE, PATHS = 1e-3, 0.1, 4096
_NORMALS = 40_000_000  # in one turn, where the size is free


def chain(d: int) -> sg.Landscape:
    """A double well in each of d components, neighbours coupled, with diagonal noise that depends on the state."""
    wells = [f"(x{i}**2 - 1)**2/4" for i in range(d)]
    bonds = [f"c*x{i}*x{i + 1}" for i in range(d - 1)]
    factor = [[f"sqrt(1 + s*x{i}**2)" if i == j else "0" for j in range(d)] for i in range(d)]
    names = " ".join(f"x{i}" for i in range(d))
    parameters = {"c": 0.5, "s": 0.5} if d > 1 else {"s": 0.5}
    return sg.Landscape(" + ".join(wells + bonds), names, parameters, noise_factor=factor)


def integrate(landscape: sg.Landscape, paths: int, steps: int) -> sg.Ensemble:
    return sg.integrate(landscape, [1.0] * landscape.dimension, DT * steps, steps, paths, temperature=TEMPERATURE)


@contextmanager
def on_cores(count: int | None) -> Iterator[None]:
    """Let this process run on that many of its cores only."""
    if count is None:
        yield
        return
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(mine)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


@dataclass(frozen=True)
class Case:
    """A point of a sweep: `x` is what varies."""

    x: int
    dimension: int = 1
    paths: int = PATHS
    steps: int = 4 * (_NORMALS // PATHS // 4)
    cores: int | None = None


@dataclass(frozen=True)
class Point:
    """Median path-steps per second, of sgdsde and of the floor, and the median of their ratio."""

    x: int
    rate: float
    floor: float
    ratio: float


def sweeps() -> dict[str, list[Case]]:
    """What varies → the sizes."""
    few = [1, 16, 128, 1024, 4096, 32_768, 262_144, 1_000_000]
    cores = range(1, available_cores() + 1) if hasattr(os, "sched_setaffinity") else []
    return {
        "paths": [Case(n, paths=n, steps=min(20_000, max(100, _NORMALS // n // 4 * 4))) for n in few],
        "steps": [Case(n, steps=n) for n in (1, 10, 100, 1000, 10_000)],
        "dimension": [Case(d, d, steps=_NORMALS // (4 * PATHS * d) * 4) for d in (1, 2, 4, 8, 10)],
        "threads": [Case(n, cores=n) for n in cores],
    }


def measure(cases: Sequence[Case], rounds: int) -> list[Point]:
    """Each case and its floor, all in turns."""
    contenders = {}
    for case in cases:

        def ours(case: Case = case, landscape: sg.Landscape = chain(case.dimension)) -> None:  # noqa: B008
            with on_cores(case.cores):
                integrate(landscape, case.paths, case.steps)

        def theirs(case: Case = case) -> None:
            with on_cores(case.cores):
                floor(case.dimension, case.paths, case.steps)

        work = case.paths * case.steps
        contenders[f"ours {case.x}"], contenders[f"floor {case.x}"] = Contender(work, ours), Contender(work, theirs)
    found = rates(contenders, rounds)
    return [
        Point(x, found.median(f"ours {x}"), found.median(f"floor {x}"), found.ratio(f"ours {x}", f"floor {x}"))
        for x in (case.x for case in cases)
    ]


def show(name: str, points: Sequence[Point]) -> None:
    """Print a sweep."""
    print(f"\n{name:>9}   path-steps/s   ns per path-step   ÷ draw and add")
    for point in points:
        print(f"{point.x:9} {point.rate:14.2e} {1e9 / point.rate:18.3g} {point.ratio:16.2f}")


def main(arguments: Sequence[str] = ()) -> int:
    """Print the tables, draw the figure; exit status 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sweep", nargs="+", choices=[*sweeps(), "compiling"], default=[*sweeps(), "compiling"])
    parser.add_argument("--out", type=Path, default=Path("bench-results"), help="folder of the figure")
    options = parser.parse_args(arguments)
    print(f"{platform.machine()}, {available_cores()} cores; rates are medians over {options.rounds} rounds")
    found = {}
    for name, cases in sweeps().items():
        if name in options.sweep and cases:
            found[name] = measure(cases, options.rounds)
            show(name, found[name])
    compiled = {d: compiling(chain(d)) for d in (1, 2, 4, 10)} if "compiling" in options.sweep else {}
    passed = show_compiling(compiled) if compiled else True
    options.out.mkdir(parents=True, exist_ok=True)
    picture = options.out / "scaling.png"
    picture.write_bytes(png(scaling_panels(found, compiled)))
    print(f"\n{picture}")
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
