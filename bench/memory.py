"""Peak memory of one contender in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

#: A child's `ru_maxrss` begins at what its parent held, so the marks are read from /proc, where the peak is reset when
#: the imports are done.
_CHILD = """
import importlib
import sys
from pathlib import Path
from bench.contenders import PEERS
from bench.problems import PROBLEMS

def mark(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))

problem, peer = PROBLEMS[sys.argv[1]], next(peer for peer in PEERS if peer.name == sys.argv[2])
for module in peer.modules:
    importlib.import_module(module)
Path("/proc/self/clear_refs").write_text("5")
before = mark("VmRSS")
peer.prepare(problem, *problem.size(peer.normals, peer.together))()
print((mark("VmHWM") - before) / 1024)
"""


def peak_mebibytes(problem: str, peer: str) -> float | None:
    """Peak resident memory of preparing and running once, beyond what the imports hold; None without /proc."""
    if not Path("/proc/self/clear_refs").exists():
        return None
    command = [sys.executable, "-c", _CHILD, problem, peer]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{peer} on {problem}: {done.stderr.strip()}")
    return float(done.stdout.split()[-1])
