"""How long a landscape of text waits for its code as its dimension grows: a chain of double wells, and a full F.

    python -m bench.dimensions

Each row is a process of its own, whose folder of kernels holds the helpers and no more. Seconds are of the processor,
so that a busy machine does not count. Landscapes of arrays (`landscapes.wide_quadratic` and others) need no code.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

DIMENSIONS, MOST_SECONDS = (2, 5, 10, 20, 35, 50), 15.0

_CHILD = """
import sys, time
import numpy as np
import sgdsde as sg
from sgdsde import schemes

d, full = int(sys.argv[1]), sys.argv[2] == "full F"
names = [f"x{i}" for i in range(d)]
chain = [f"0.3*{a}*{b}" for a, b in zip(names, names[1:])]
text = " + ".join([*(f"{n}**4/4 - {n}**2/2" for n in names), *chain])
root = np.random.default_rng(0).standard_normal((d, d))
options = {"noise_covariance": (np.eye(d) + root @ root.T / d).round(3)} if full else {}
config, start = sg.SGDConfig(0.05, 4, 64, momentum=0.5), np.zeros(d)
clock = time.process_time
t0 = clock()
landscape = sg.Landscape(text, names, **options)
schemes.build(schemes.find("sgd", ("update",)), landscape)
t1 = clock()
sg.simulate_sgd(landscape, config, start, updates=1, paths=128)
t2 = clock()
sg.simulate_sgd(landscape, config, start, updates=200, paths=1024)
print(t1 - t0, t2 - t1, (clock() - t2) / 200 / 1024 * 1e6)
"""


def seconds(dimension: int, kind: str, folder: str) -> tuple[float, float, float]:
    """Formulas to blocks (SymPy), a kernel and a first run (LLVM), and µs of a path-step with its moments."""
    command = [sys.executable, "-c", _CHILD, str(dimension), kind]
    environment = os.environ | {"SGDSDE_CACHE_DIR": folder}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    blocks, kernel, step = map(float, done.stdout.split())
    return blocks, kernel, step


def main() -> int:
    """Print a row for each dimension; exit status 1 when the last one takes longer than it may."""
    met = True
    with tempfile.TemporaryDirectory() as folder:
        seconds(1, "F = I", folder)  # makes the helpers
        for kind in ("F = I", "full F"):
            for d in DIMENSIONS:
                blocks, kernel, step = seconds(d, kind, folder)
                print(
                    f"{kind:6} d = {d:2}: {blocks:5.2f} s formulas, {kernel:5.2f} s kernel, {step:.3f} µs a path-step"
                )
            met &= blocks + kernel <= MOST_SECONDS
    print(f"  {'met   ' if met else 'MISSED'} both at d = {DIMENSIONS[-1]}, bar ≤ {MOST_SECONDS:g} s each")
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
