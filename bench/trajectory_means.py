"""The mean trajectory of a double well from a start between the wells: price, exact laws, and the SDE's bias."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

import sgdsde as sg
from bench.trajectory_costs import DELTA, SAMPLINGS, Check, Comparison, Cost, Effort, Run, step_name, timed

Array = NDArray[np.float64]

WELL = sg.Landscape("x**4/4 - x**2/2", variables="x", noise_covariance=1.0, name="double well")
START, TIMES, EVERY = 0.3, (0.5, 1.0, 2.0), 0.5
LEARNING_RATE, EXAMPLES = 0.05, 1024
#: Reshuffled batches have no law of one update at a time to check them by.
INDEPENDENT = tuple(sampling for sampling in SAMPLINGS if sampling != "reshuffle")

_GRID = np.linspace(-2.5, 2.5, 1001)
_NORMAL = hermegauss(21)[0], hermegauss(21)[1] / np.sqrt(2 * np.pi)
_TWO_POINT = np.array([-1.0, 1.0]), np.array([0.5, 0.5])
_THREE_POINT = np.array([-1.0, 0.0, 1.0]) * np.sqrt(3), np.array([1.0, 4.0, 1.0]) / 6

Map = Callable[[Array, Array, float, float], Array]


def _euler(x: Array, z: Array, dt: float, temperature: float) -> Array:
    return np.asarray(x + (x - x**3) * dt + np.sqrt(temperature * dt) * z)


def _taylor(x: Array, z: Array, dt: float, temperature: float) -> Array:
    a, slope = x - x**3, 1 - 3 * x**2
    noise = np.sqrt(temperature * dt) * z
    return np.asarray(x + a * dt + noise + (a * slope - 3 * x * temperature) * dt**2 / 2 + slope * noise * dt / 2)


#: Scheme → its map for this landscape, and the nodes and weights of its random number.
MAPS: Mapping[str, tuple[Map, tuple[Array, Array]]] = {
    "euler_maruyama": (_euler, _NORMAL),
    "weak_euler": (_euler, _TWO_POINT),
    "weak_taylor_2": (_taylor, _THREE_POINT),
}


@functools.cache
def expected(scheme: str, dt: float, temperature: float) -> Array:
    """E ω at `TIMES` by backward recursion, u_{k+1}(x) = E u_k(map(x, z)) from u_0(x) = x: no path is drawn."""
    step, (nodes, weights) = MAPS[scheme]
    # beyond the grid the map would be evaluated where no path comes
    reached = np.clip(step(_GRID[:, None], nodes, dt, temperature), _GRID[0], _GRID[-1])
    u, found = _GRID, []
    for count in range(1, round(TIMES[-1] / dt) + 1):
        u = CubicSpline(_GRID, u)(reached) @ weights
        if any(count == round(time / dt) for time in TIMES):
            found.append(float(CubicSpline(_GRID, u)(START)))
    law = np.array(found)
    law.flags.writeable = False
    return law


def sgd_law(config: sg.SGDConfig) -> Array:
    """SGD with independent batches: Euler's map with normal noise, but for the table's third cumulant, O(ε³/B²)."""
    return expected("euler_maruyama", config.learning_rate, config.temperature)


def sde_law(config: sg.SGDConfig) -> Array:
    """The SDE itself: weak order 2 with 8 steps an update, some 1e-6 from the limit."""
    return expected("weak_taylor_2", config.learning_rate / 8, config.temperature)


def config_of(batch: int, sampling: str) -> sg.SGDConfig:
    return sg.SGDConfig(LEARNING_RATE, batch, EXAMPLES, sampling=sampling)


def longest(scheme: str) -> float:
    """Updates in the longest step that is nowhere further from SGD than the SDE is, or than `DELTA`."""
    config = config_of(8, INDEPENDENT[0])
    sgd = sgd_law(config)
    bound = max(np.abs(sde_law(config) / sgd - 1).max(), DELTA)
    lengths = [r for r in range(1, 11) if round(EVERY / LEARNING_RATE) % r == 0]
    errors = {r: np.abs(expected(scheme, r * LEARNING_RATE, config.temperature) / sgd - 1).max() for r in lengths}
    return float(max(r for r in lengths if errors[r] <= bound))


@dataclass(frozen=True)
class Simulator:
    """A way to E ω(s): its run, its own exact law at `TIMES`, and updates in a step."""

    run: Run
    law: Array
    updates: float = 1.0


def of_sgd(config: sg.SGDConfig) -> Simulator:
    def run(w0: ArrayLike, steps: int, paths: int, *, burn_in: int = 0, save_every: int | None = None) -> sg.Ensemble:
        return sg.simulate_sgd(WELL, config, w0, steps, paths, burn_in=burn_in, save_every=save_every)

    return Simulator(run, sgd_law(config))


def of_sde(config: sg.SGDConfig, scheme: str, updates: float) -> Simulator:
    dt = updates * config.learning_rate

    def run(w0: ArrayLike, steps: int, paths: int, *, burn_in: int = 0, save_every: int | None = None) -> sg.Ensemble:
        return sg.integrate(
            WELL, w0, steps * dt, steps, paths, temperature=config.temperature, scheme=scheme, burn_in=burn_in,
            save_every=save_every,
        )  # fmt: skip

    return Simulator(run, expected(scheme, dt, config.temperature), updates)


def spread(name: str, simulator: Simulator, effort: Effort) -> tuple[Array, list[Check]]:
    """Path-steps to a relative error of `DELTA` of E ω at each of `TIMES`, and the estimates' checks."""
    every = round(EVERY / (LEARNING_RATE * simulator.updates))
    steps = round(TIMES[-1] / EVERY) * every
    saved = simulator.run(START, steps, effort.mean_paths, save_every=every).snapshots[..., 0]
    states = np.stack([saved[round(time / EVERY)] for time in TIMES])
    errors = states.std(axis=1, ddof=1) / np.sqrt(effort.mean_paths)
    z = (states.mean(axis=1) - simulator.law) / errors
    needed = effort.mean_paths * (errors / simulator.law) ** 2 / DELTA**2
    checks = [
        Check(f"{name} at s = {time:g}", each, 4 * error / abs(law))
        for time, each, error, law in zip(TIMES, z, errors, simulator.law, strict=True)
    ]
    return needed * [every * time / EVERY for time in TIMES], checks


def compare(effort: Effort) -> list[Comparison]:
    """One comparison for each of `TIMES`."""
    steps = {(scheme, r) for scheme in MAPS for r in (1.0, longest(scheme))} - {("weak_taylor_2", 1.0)}
    configs = {(sampling, b): config_of(b, sampling) for sampling in INDEPENDENT for b in effort.batches}
    sgd = {key: of_sgd(config) for key, config in configs.items()}
    sde = {
        step_name(scheme, r): {key: of_sde(config, scheme, r) for key, config in configs.items()}
        for scheme, r in sorted(steps)
    }
    first = next(iter(configs))
    runs = {f"SGD {sampling} {b}": simulator.run for (sampling, b), simulator in sgd.items()}
    runs |= {name: each[first].run for name, each in sde.items()}  # the temperature costs nothing
    nanoseconds, cores = timed({name: (run, START) for name, run in runs.items()}, effort)
    checks: list[Check] = []

    def costs(name: str, label: str, simulator: Simulator, reference: Array) -> list[Cost]:
        path_steps, found = spread(label, simulator, effort)
        checks.extend(found)
        biases = simulator.law / reference - 1
        return [Cost(name, nanoseconds[name], *map(float, pair)) for pair in zip(path_steps, biases, strict=True)]

    ours = {key: costs(f"SGD {key[0]} {key[1]}", f"SGD {key}", each, each.law) for key, each in sgd.items()}
    theirs = {
        name: {key: costs(name, f"{name} {key}", each, sgd[key].law) for key, each in simulators.items()}
        for name, simulators in sde.items()
    }

    def table(found: Mapping[tuple[str, int], list[Cost]], place: int) -> dict[str, dict[int, Cost]]:
        return {s: {b: found[s, b][place] for b in effort.batches} for s in INDEPENDENT}

    return [
        Comparison(
            f"double well, E ω(s) at s = {time:g}, N = {EXAMPLES}, ε = {LEARNING_RATE:g}", table(ours, place),
            {name: table(found, place) for name, found in theirs.items()}, tuple(checks) if place == 0 else (), cores,
        )
        for place, time in enumerate(TIMES)
    ]  # fmt: skip
