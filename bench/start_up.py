"""Seconds before the first step: `import sgdsde`, a first process that has to compile, and a second that has not.

    python -m bench.start_up

The floor is a process that imports NumPy and llvmlite's binding and does nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

_SIMULATE = """
import sgdsde as sg
well = sg.Landscape("x**4/4 - a*x**2/2 + exp(-x**2)/8", "x", {"a": 1.0}, noise_covariance="1 + x**2/2")
sg.simulate_sde(well, sg.SGDConfig(0.1, 4, 64), 1.0, updates=1, paths=128, substeps=1)
"""


def seconds(code: str, folder: str, repeats: int) -> float:
    """Best wall-clock time of a Python process that runs the code."""
    environment = os.environ | {"SGDSDE_CACHE_DIR": folder}
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        best = min(best, time.perf_counter() - began)
    return best


def _met(good: bool) -> str:
    return "met   " if good else "MISSED"


def main() -> int:
    """Print the times; exit status 1 when a bar is missed."""
    with tempfile.TemporaryDirectory() as folder:
        first = seconds(_SIMULATE, folder, 1)
        second = seconds(_SIMULATE, folder, 7)
        nothing = seconds("pass", folder, 7)
        imported = seconds("import sgdsde", folder, 7)
        floor = seconds("import numpy, llvmlite.binding", folder, 7)
    print(f"         an empty process                     {nothing:5.2f} s")
    print(f"  {_met(imported - nothing < 0.3)} import sgdsde, beyond that {imported - nothing:15.2f} s (bar < 0.3)")
    print(f"         first process, compiling             {first:5.2f} s")
    print(f"  {_met(second < 1)} second process, start to end         {second:5.2f} s (bar < 1)")
    print(f"         that is {second / floor:.1f} × a process that only imports NumPy and llvmlite ({floor:.2f} s)")
    return 0 if second < 1 and imported - nothing < 0.3 else 1


if __name__ == "__main__":
    raise SystemExit(main())
