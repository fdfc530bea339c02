"""The stationary covariance of a quadratic: who estimates it at what price, and how far the SDE's is from SGD's."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_discrete_lyapunov

import sgdsde as sg
from bench.trajectory_costs import DELTA, SAMPLINGS, Check, Comparison, Cost, Effort, Run, step_name, timed

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """Where SGD and SDE are compared, over all batch sizes and samplings."""

    dimension: int = 1
    n_examples: int = 1024
    momentum: float = 0.0
    learning_rate: float = 0.1

    def __str__(self) -> str:
        return f"d = {self.dimension}, N = {self.n_examples}, m = {self.momentum:g}, ε = {self.learning_rate:g}"

    def config(self, batch: int = 8, sampling: str = SAMPLINGS[0]) -> sg.SGDConfig:
        """What SGD is run with."""
        return sg.SGDConfig(self.learning_rate, batch, self.n_examples, self.momentum, sampling)

    def hessian(self) -> Array:
        """1 on the diagonal, 1/4 beside it: curvatures between 1/2 and 3/2."""
        return np.eye(self.dimension) + (np.eye(self.dimension, k=1) + np.eye(self.dimension, k=-1)) / 4

    def landscape(self) -> sg.Landscape:
        """The quadratic of this Hessian, with noise F = I."""
        squares = [f"x{i}**2/2" for i in range(self.dimension)]
        bonds = [f"x{i}*x{i + 1}/4" for i in range(self.dimension - 1)]
        names = " ".join(f"x{i}" for i in range(self.dimension))
        factor = np.eye(self.dimension).tolist()
        return sg.Landscape(" + ".join(squares + bonds), names, noise_factor=factor, name=f"chain of {self.dimension}")

    def law(self, model: str, batch: int = 8, sampling: str = SAMPLINGS[0]) -> Array:
        """Exact stationary covariance."""
        config = self.config(batch, sampling)
        return sg.theory.stationary_covariance(self.hessian(), np.eye(self.dimension), config, dynamics=model)

    def relaxation(self) -> float:
        """Updates in which the slowest mode of SGD forgets by a factor e."""
        return sg.theory.relaxation_time(self.hessian(), self.config())


BASE = Setting()
SETTINGS = (
    BASE, replace(BASE, dimension=2), replace(BASE, dimension=8), replace(BASE, n_examples=128),
    replace(BASE, n_examples=8192), replace(BASE, momentum=0.9), replace(BASE, learning_rate=0.01),
)  # fmt: skip


@dataclass(frozen=True)
class Simulator:
    """A way to the covariance.

    Attributes
    ----------
    law : (d, d)
        What it estimates, exactly.
    relaxation : float
        Steps in which it forgets.
    whole : int
        Averages are over a multiple of so many steps: an epoch under reshuffling.
    weight : float
        Rough nanoseconds of a path-step, for the size of the run alone.
    """

    run: Run
    law: Array
    relaxation: float
    weight: float
    whole: int = 1


def of_sgd(setting: Setting, batch: int, sampling: str) -> Simulator:
    """SGD itself."""
    landscape, config = setting.landscape(), setting.config(batch, sampling)

    def run(w0: ArrayLike, steps: int, paths: int, *, burn_in: int = 0, save_every: int | None = None) -> sg.Ensemble:
        return sg.simulate_sgd(landscape, config, w0, steps, paths, burn_in=burn_in, save_every=save_every)

    whole = setting.n_examples // batch if sampling == "reshuffle" else 1
    weight = 4 * batch * (1 + setting.dimension / 4)
    return Simulator(run, setting.law("sgd", batch, sampling), setting.relaxation(), weight, whole)


def of_sde(setting: Setting, scheme: str, updates: float) -> Simulator:
    """The SDE, by steps that each stand for so many updates."""
    landscape, config = setting.landscape(), setting.config()
    root = math.sqrt(config.learning_rate)
    underdamped = scheme == "baoab"
    dt = updates * (root if underdamped else config.mean_loss_time_per_update)
    friction = (1 - config.momentum) / root if underdamped else 1.0

    def run(w0: ArrayLike, steps: int, paths: int, *, burn_in: int = 0, save_every: int | None = None) -> sg.Ensemble:
        return sg.integrate(
            landscape, w0, steps * dt, steps, paths, temperature=config.temperature, friction=friction, scheme=scheme,
            burn_in=burn_in, save_every=save_every,
        )  # fmt: skip

    slowest = 1 / (dt * np.linalg.eigvalsh(setting.hessian())[0])
    relaxation = setting.relaxation() / updates if underdamped else max(1.0, float(slowest))
    law = euler_law(setting, updates) if "euler" in scheme else setting.law("sde")
    return Simulator(run, law, relaxation, weight=4.0 * setting.dimension)


def euler_law(setting: Setting, updates: float) -> Array:
    """Stationary covariance of Euler's map; those of the other schemes here are the SDE's own on a quadratic."""
    config = setting.config()
    dt = updates * config.mean_loss_time_per_update
    unit = np.eye(setting.dimension)
    return np.asarray(solve_discrete_lyapunov(unit - dt * setting.hessian(), config.temperature * dt * unit))


def bias(law: Array, reference: Array) -> float:
    """Relative difference of the traces."""
    return float(np.trace(law) / np.trace(reference) - 1)


def longest_euler(setting: Setting) -> float:
    """Updates in the longest Euler step that is no further from SGD than the SDE is, or than `DELTA`."""
    sgd = setting.law("sgd")
    bound = max(abs(bias(setting.law("sde"), sgd)), DELTA)
    stiffest = setting.config().mean_loss_time_per_update * np.linalg.eigvalsh(setting.hessian())[-1]
    lengths = [*(1 / k for k in range(64, 1, -1)), *map(float, range(1, 65))]
    fit = [r for r in lengths if r * stiffest < 1.9 and abs(bias(euler_law(setting, r), sgd)) <= bound]
    return max(fit)


def sde_simulators(setting: Setting) -> dict[str, Simulator]:
    """Euler by updates and by its longest good step; schemes whose stationary law is exact at any stable step."""
    clock = setting.config().mean_loss_time_per_update  # × curvature 1
    longest = longest_euler(setting)
    steps = {(scheme, min(longest, 1.0)) for scheme in ("euler_maruyama", "weak_euler")} | {("weak_euler", longest)}
    steps |= {(scheme, float(max(1, round(1 / clock)))) for scheme in ("leimkuhler_matthews", "exact_ou")}
    if setting.momentum:
        steps |= {("baoab", 1.0), ("baoab", float(round(1 / math.sqrt(setting.learning_rate))))}
    return {step_name(scheme, r): of_sde(setting, scheme, r) for scheme, r in sorted(steps)}


def spread(name: str, simulator: Simulator, effort: Effort) -> tuple[float, Check]:
    """Path-steps to a relative error of `DELTA` of the covariance (Frobenius norm), and the estimate's check."""
    d, whole = len(simulator.law), simulator.whole
    burn_in = math.ceil(10 * simulator.relaxation / whole) * whole
    counted = math.ceil(effort.relaxations * simulator.relaxation / whole) * whole
    wished = effort.spread * 1e9 / (simulator.weight * (burn_in + counted))
    paths = int(min(max(wished, 512), 8192)) // 128 * 128
    start = np.random.default_rng(1).multivariate_normal(np.zeros(d), simulator.law, paths)
    ensemble = simulator.run(start, burn_in + counted, paths, burn_in=burn_in)
    error = np.linalg.norm(ensemble.standard_error.covariance) / np.linalg.norm(simulator.law)
    return float(error**2 * paths * counted / DELTA**2), check(name, ensemble, simulator.law)


def check(name: str, ensemble: sg.Ensemble, law: Array) -> Check:
    """One number for the whole matrix: tr(law⁻¹ covariance)/d is to be 1."""
    inverse = np.linalg.inv(law) / len(law)
    apart = ensemble.path_mean - ensemble.mean
    each = np.einsum("ij,pij->p", inverse, ensemble.path_covariance) + np.einsum("ij,pi,pj->p", inverse, apart, apart)
    error = float(each.std(ddof=1) / math.sqrt(len(each)))
    return Check(name, (float(np.sum(inverse * ensemble.covariance)) - 1) / error, 4 * error)


def compare(setting: Setting, effort: Effort) -> Comparison:
    """Time everything in turns; measure each simulator's error."""
    batches = [b for b in effort.batches if b < setting.n_examples]
    keys = {f"SGD {sampling} {b}": (sampling, b) for sampling in SAMPLINGS for b in batches}
    simulators = {name: of_sgd(setting, b, sampling) for name, (sampling, b) in keys.items()}
    simulators |= (others := sde_simulators(setting))
    start = [0.0] * setting.dimension
    nanoseconds, cores = timed({name: (simulator.run, start) for name, simulator in simulators.items()}, effort)
    steps, checks = {}, []
    for name, simulator in simulators.items():
        steps[name], found = spread(f"{setting}: {name}", simulator, effort)
        checks.append(found)

    def cost(name: str, relative: float) -> Cost:
        return Cost(name, nanoseconds[name], steps[name], relative)

    def relative(name: str, sampling: str, b: int) -> float:
        scale = setting.config(b, sampling).temperature / setting.config().temperature  # all laws are linear in T
        return bias(scale * others[name].law, setting.law("sgd", b, sampling))

    sgd: dict[str, dict[int, Cost]] = {sampling: {} for sampling in SAMPLINGS}
    for name, (sampling, b) in keys.items():
        sgd[sampling][b] = cost(name, 0.0)
    sde = {
        name: {sampling: {b: cost(name, relative(name, sampling, b)) for b in batches} for sampling in SAMPLINGS}
        for name in others
    }
    return Comparison(str(setting), sgd, sde, tuple(checks), cores)
