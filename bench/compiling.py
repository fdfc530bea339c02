"""What a landscape that was never run before costs: the first process, the next ones, and another parameter."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import sgdsde as sg

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
