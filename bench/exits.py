"""Exits per second: a million paths of a double well, and an escape too rare to wait for.

    python -m bench.exits [PATHS]

Lanes whose paths have ended are refilled. Without that a block of lanes is done when the last of its paths is, which is
what runs of one block a core do: the same paths in such runs, one after the other, show the gain. The floor is drawing
the normals of the steps that were taken and adding them up.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from typing import Any

import numpy as np
from scipy.optimize import brentq

import sgdsde as sg
from bench.floor import floor
from bench.timing import verdict
from sgdsde.engines.lanes import LANES
from sgdsde.engines.numba_lanes import available_cores

MEAN, END, BLOCKS = 10_000, 0.5, 32
STOP = f"x > {END:g}"
RARE = 1e8


def well_with(mean: float, config: sg.SGDConfig) -> sg.Landscape:
    """A double well whose mean exit time is so many updates, by quadrature."""

    def excess(noise: float) -> float:
        well = sg.Landscape("x**4/4 - x**2/2", "x", {"f": noise}, noise_covariance="f")
        return float(np.log(sg.theory.mean_exit_time(well, config, -1.0, stop=STOP) / mean))

    bracket = (2 * weak / config.temperature for weak in (0.01, 0.2))  # of TF/2; the barrier is 1/4
    return sg.Landscape("x**4/4 - x**2/2", "x", {"f": brentq(excess, *bracket)}, noise_covariance="f")


def timed(run: Any) -> tuple[Any, float]:
    """What it returns, and its seconds."""
    began = time.perf_counter()
    return run(), time.perf_counter() - began


def run_blocks(run: Any, block: int, together: bool) -> float:
    """Seconds for paths in one run, or in runs of one block of lanes on each core."""
    counts = [BLOCKS * block] if together else [block] * BLOCKS
    return timed(lambda: [run(count=count, seed=seed) for seed, count in enumerate(counts)])[1]


def exits_table(paths: int) -> list[tuple[str, float, str]]:
    """The bar, with and without bridges; lanes refilled against lanes idled; and the floor."""
    config = sg.SGDConfig(learning_rate=0.1, batch_size=1, n_examples=1024)
    well = well_with(MEAN, config)
    checks = []
    floor(1, 4096, 4)
    print(f"\n{paths:,} exits of a double well at a mean of {MEAN:,} updates, Euler–Maruyama, float64")
    for bridge in (True, False):
        sg.simulate_sde(well, config, -1.0, 100_000, 256, substeps=1, stop=STOP, bridge=bridge)

        def run(bridge: bool = bridge, count: int = paths, seed: int = 0) -> sg.Ensemble:
            size: dict[str, Any] = {"updates": 100 * MEAN, "paths": count, "substeps": 1}
            return sg.simulate_sde(well, config, -1.0, **size, stop=STOP, bridge=bridge, seed=seed)

        found, seconds = timed(run)
        assert found.exits is not None
        mean, steps = found.exits.mean_time(), float(found.exits.update.sum())
        _, least = timed(lambda steps=steps: floor(1, 4096, int(steps / 4096 / 20)))
        name = "bridged" if bridge else "no bridge"
        print(
            f"  {name:10} {seconds:6.1f} s, {paths / seconds:9.2e} exits/s, {steps / seconds:9.2e} path-steps/s, "
            f"{20 * least / seconds:.2f} of the floor; mean {mean.mean:.0f} ± {mean.standard_error:.0f}"
        )
        checks.append((f"seconds for 1e6 exits, {name}", seconds * 1e6 / paths, "≤ 30"))
    block = LANES * available_cores()
    refilled, idled = run_blocks(run, block, together=True), run_blocks(run, block, together=False)
    print(f"  {BLOCKS * block:,} paths: {refilled:.2f} s with lanes refilled, {idled:.2f} s with lanes idled")
    checks.append(("gain of refilling lanes over idling them", idled / refilled, "≥ 2"))
    return checks


def rare_table() -> list[tuple[str, float, str]]:
    """An escape time of 1e8 updates by splitting, for SDE and SGD."""
    config = sg.SGDConfig(learning_rate=0.02, batch_size=2, n_examples=1024)
    well = well_with(2 * RARE, config)
    exact = sg.theory.mean_exit_time(well, config, -1.0, stop=STOP)
    checks = []
    print(f"\nmultilevel splitting, exact mean exit time of the SDE {exact:.4g} updates")
    for dynamics in ("sde", "sgd"):
        found, seconds = timed(
            lambda dynamics=dynamics: sg.rare_exit_time(
                well, config, -1.0, STOP, dynamics=dynamics, trials=8192, substeps=1
            )
        )
        width = max(found.interval[1] / found.mean - 1, 1 - found.interval[0] / found.mean)
        print(
            f"  {dynamics}: {found.mean:.4g} ± {found.standard_error:.2g}, {found.mean / exact:.3f} of the exact time; "
            f"{seconds:.1f} s, {len(found.levels)} levels; waiting for as small an error would take "
            f"{found.mean * (found.mean / found.standard_error) ** 2 / found.updates:.1e} times as many updates"
        )
        checks.append((f"splitting, {dynamics}: seconds", seconds, "≤ 60"))
        checks.append((f"splitting, {dynamics}: half-width of the 95% interval", width, "≤ 0.1"))
        if dynamics == "sde":
            checks.append(("splitting, sde: off the exact value", abs(found.mean / exact - 1), "≤ 0.1"))
    return checks


def main() -> int:
    """Print the tables; exit status 1 when a bar is missed."""
    print(f"{platform.machine()}, {available_cores()} cores of {os.cpu_count()}")
    paths = int(float(sys.argv[1])) if len(sys.argv) > 1 else 1_000_000
    return verdict(exits_table(paths) + rare_table())


if __name__ == "__main__":
    raise SystemExit(main())
