"""What a landscape that was never run before costs: the first process, the next ones, and another parameter.

python -m bench.compiling [--against CHECKOUT]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import sgdsde as sg
from bench.timing import verdict

_PROCESS = """
import time
import sgdsde as sg
landscape = sg.{landscape!r}
def run(landscape):
    sg.integrate(landscape, [1.0] * landscape.dimension, 0.1, 100, 128)
run(landscape)
began = time.perf_counter()
run(landscape.with_parameters(s=0.25))
print(time.perf_counter() - began)
"""


@dataclass(frozen=True)
class Compiling:
    """Wall-clock seconds with a landscape that is new to the folder of generated code.

    Attributes
    ----------
    first, second : float
        Of a process that runs it once, start to end: the first such process, and the best of the next ones.
    changed : float
        Of a run with another value of a parameter, in the process that ran it before.
    written : int
        Files that the later processes wrote.
    """

    first: float
    second: float
    changed: float
    written: int


def compiling(landscape: sg.Landscape, repeats: int = 3) -> Compiling:
    """Measure it in a folder of its own; the landscape has a parameter `s`."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"SGDSDE_CACHE_DIR": folder}

        def process() -> tuple[float, float]:
            began = time.perf_counter()
            command = [sys.executable, "-c", _PROCESS.format(landscape=landscape)]
            done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
            return time.perf_counter() - began, float(done.stdout)

        first, _ = process()
        files = len(list(Path(folder).iterdir()))
        later = [process() for _ in range(repeats)]
        written = len(list(Path(folder).iterdir())) - files
        return Compiling(first, min(whole for whole, _ in later), min(changed for _, changed in later), written)


def show_compiling(found: Mapping[int, Compiling]) -> bool:
    """Print the table and whether the bars are met; those of time are for d ≤ 4."""
    print("\n           first process   second process   another parameter   files then written")
    passed = True
    for d, of in found.items():
        good = of.written == 0 and (d > 4 or (of.first <= 5 and of.second <= 1))
        passed &= good
        print(
            f"  {'met   ' if good else 'MISSED'} d = {d:2} {of.first:6.2f} s {of.second:14.2f} s "
            f"{1e3 * of.changed:16.1f} ms {of.written:12}"
        )
    print("  (bars: ≤ 5 s and ≤ 1 s for d ≤ 4, no file)")
    return passed


#: A process that runs landscapes which nobody has run before, and tells the seconds of wall and processor for each.
_UNSEEN = """
import os, sys, time
import sgdsde as sg
def spent():
    return time.time() - float(sys.argv[1]), sum(os.times()[:2])
def unseen(text):
    sg.integrate(sg.Landscape(text, "x", noise_covariance="1 + x**2/2"), 1.0, 0.1, 100, 128)
{runs}
"""
_LOSSES = ("{k}*x**4/4 - x**2/2 + sin({k}*x)/9", "x**4/4 - {k}*x**2/3 + cos({k}*x)/9")


@dataclass(frozen=True)
class Waits:
    """Seconds of processor time until a landscape that was never seen has answered, and of wall clock.

    Attributes
    ----------
    empty, first, further : (float, float)
        Of a process with an empty folder of code; of one with what does not change with a landscape in it, from its
        start; and of another landscape in the same process.
    """

    empty: tuple[float, float]
    first: tuple[float, float]
    further: tuple[float, float]


def waits(tree: Path, rounds: int) -> Iterator[Waits]:
    """Measure the library in a folder, again and again; each time with landscapes of its own."""
    for turn in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {"SGDSDE_CACHE_DIR": folder, "PYTHONPATH": str(tree)}
            environment.pop("PYTHONDONTWRITEBYTECODE", None)  # else modules are compiled again at every import

            def process(losses: Sequence[str], environment: Mapping[str, str] = environment) -> list[float]:
                runs = "\n".join(f"unseen({loss!r}); print(*spent())" for loss in losses)
                command = [sys.executable, "-c", _UNSEEN.format(runs=runs), str(time.time())]
                done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, cwd=tree)
                return [float(number) for number in done.stdout.split()]

            empty = process([_LOSSES[0].format(k=1.0 + turn / 64)])
            process([f"x**6/{turn + 7} + {name}(x)/9" for name in ("sin", "cos")])  # what both call, and no more
            wall, busy, all_wall, all_busy = process([loss.format(k=2.0 + turn / 64) for loss in _LOSSES])
            yield Waits((empty[1], empty[0]), (busy, wall), (all_busy - busy, all_wall - wall))


def main() -> int:
    """Print what a landscape that was never seen costs, beside another checkout in the same run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, help="folder of another checkout, measured in turn with this one")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    trees = {"here": Path(__file__).resolve().parents[1]}
    if options.against is not None:
        trees["there"] = options.against.resolve()
    rows = list(zip(*(waits(tree, options.rounds) for tree in trees.values()), strict=True))
    medians: dict[tuple[str, str], float] = {}
    print(f"medians of {options.rounds} rounds, in turn: seconds of processor time (of wall clock)")
    for kind in ("empty", "first", "further"):
        for place, tree in enumerate(trees):
            busy, wall = (statistics.median(getattr(row[place], kind)[part] for row in rows) for part in (0, 1))
            medians[kind, tree] = busy
            print(f"  {_KINDS[kind]:58} {tree:6} {busy:6.2f} s ({wall:6.2f} s)")
    checks = [("seconds of the first landscape", medians["first", "here"], "≤ 1")]
    if "there" in trees:
        bars = {"first": "≤ 0.25", "further": "≤ 0.2", "empty": "≤ 0.6"}
        checks += [(f"{_KINDS[kind]}, against there", medians[kind, "here"] / medians[kind, "there"], bar)
                   for kind, bar in bars.items()]  # fmt: skip
    return verdict(checks)


_KINDS = {
    "empty": "a process with an empty folder of code",
    "first": "a landscape never seen, in a fresh process",
    "further": "another one in the same process",
}

if __name__ == "__main__":
    raise SystemExit(main())
