"""Functions that the tests of sweeps run, and a driver that can be killed: python sweep_cells.py STORE LOG EXECUTOR."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np


def numbers(x, scale=1.0):
    """Arithmetic in which a different number of threads, or any other difference, would show in the last bit."""
    draws = np.random.default_rng(x).standard_normal((120, 120)) * scale
    return {"eigenvalues": np.linalg.eigvalsh(draws @ draws.T)[:5], "trace": float(np.sin(draws).sum())}


def logged(x, log, nap=0.0):
    """A line in a file for each call that comes to its end."""
    time.sleep(nap)
    found = numbers(x)
    with open(log, "a") as file:
        file.write(f"{x} {time.time()}\n")
    return found


def fails_at(x, at):
    if x in at:
        raise ZeroDivisionError(f"no result at {x}")
    return x / 2


def dies_once(x, folder, at=3):
    """The worker is killed the first time."""
    marker = Path(folder, f"died-{x}")
    if x == at and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def dies_always(x, at=3):
    if x == at:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def killed_once(x, log, marker, number):
    """A signal to the process at x = 7, the first time."""
    if x == 7 and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), number)
        time.sleep(5)
    return logged(x, log)


FACTOR = 1


def with_factor(x):
    return FACTOR * x


def waits_for(x, file):
    while not Path(file).exists():
        time.sleep(0.02)
    return x


if __name__ == "__main__":
    import sweep_cells  # by this name in every process

    from sgdsde.sweeps import sweep

    store, log, executor = sys.argv[1:]
    where = None if executor == "none" else executor
    # Named: another writer of sources must not change the version while this runs.
    sweep(sweep_cells.logged, {"x": range(200)}, store, where, fixed={"log": log, "nap": 0.015}, version="test")
