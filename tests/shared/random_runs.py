"""Random configs on random landscapes of the catalog: what `diagnose` predicts, and what simulation finds.

Drawn before anything was run with these seeds; pilots had others.
"""

import math
from dataclasses import dataclass

import numpy as np

import sgdsde as sg
from sgdsde.diagnosis import Diagnosis, diagnose
from sgdsde.drivers import DRIVERS
from sgdsde.landscapes import named
from sgdsde.schemes import find
from sgdsde.steps import substeps_for
from sgdsde.theory import relaxation_time

#: Of the runs that are reported, and how many.
SEED, RUNS = 20, 40
#: Those without a minimum of its own have no stationary law.
NAMES = ("quadratic", "quadratic_2d", "multiplicative", "double_well", "sharp_flat", "valley", "mueller_brown",
         "zhu_two_bowls")  # fmt: skip
#: What steps of the SDE may make wrong, relatively; relaxations of a run; and paths.
FINE, RELAXATIONS, PATHS = 0.002, 120, 2048


@dataclass(frozen=True)
class Run:
    landscape: sg.Landscape
    config: sg.SGDConfig
    minimum: np.ndarray
    dynamics: str
    driver: str
    examples: str

    def diagnosis(self) -> Diagnosis:
        return diagnose(
            self.config, self.landscape, self.minimum, dynamics=self.dynamics, driver=self.driver,
            examples=self.examples,
        )  # fmt: skip

    def measured(self) -> tuple[float, float]:
        """Tr Cov of the SDE over SGD's, less 1, and its standard error."""
        (top, error), (bottom, other) = self.variances()
        return top / bottom - 1, top / bottom * math.hypot(error / top, other / bottom)

    def variances(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Tr Cov of the SDE and of SGD, with standard errors."""
        hessian = self.landscape.hessian(self.minimum)
        slow, top = relaxation_time(hessian, self.config, "slower"), float(np.linalg.eigvalsh(hessian)[-1])
        epoch = math.ceil(self.config.updates_per_epoch) if self.config.permuted else 1
        burn_in, length = (epoch * math.ceil(count * slow / epoch) for count in (10, RELAXATIONS))
        shared = {"updates": burn_in + max(length, 10 * epoch), "paths": PATHS, "burn_in": burn_in}
        sgd = sg.simulate_sgd(self.landscape, self.config, self.minimum, examples=self.examples, seed=1, **shared)
        moving = self.dynamics == "momentum_sde"
        scheme = "baoab" if moving else "heun"
        update = math.sqrt(self.config.kick) if moving else self.config.mean_loss_time_per_update
        friction = (1 - self.config.momentum) / update if moving else 1.0
        steps = substeps_for(find(scheme), top, update, friction, target=FINE)
        sde = sg.simulate_sde(
            self.landscape, self.config, self.minimum, dynamics=self.dynamics, driver=self.driver, scheme=scheme,
            substeps=steps, seed=2, **shared,
        )  # fmt: skip
        return _trace(sde), _trace(sgd)


def draw(number: int, seed: int = SEED) -> Run:
    """The run of that number."""
    generator = np.random.default_rng([seed, number])
    name = NAMES[number % len(NAMES)]
    landscape, minimum = _landscape(name, generator)
    curvature = np.linalg.eigvalsh(landscape.hessian(minimum))
    momentum = float(generator.choice([0.0, 0.0, 0.5, 0.9]))
    sampling = str(generator.choice(["without_replacement", "with_replacement", "reshuffle", "shuffle_once"]))
    batches, batch = int(2 ** generator.integers(1, 6)), int(2 ** generator.integers(0, 4))
    rate = math.exp(generator.uniform(math.log(0.01), math.log(0.5))) * 2 * (1 + momentum) / curvature[-1]
    config = sg.SGDConfig(rate, batch, max(4, batches * batch), momentum, sampling)
    drivers = [each for each in DRIVERS if not DRIVERS[each].refuses(config)]
    dynamics = ["sde", "momentum_sde"] if momentum else ["sde"]
    examples = "rademacher" if config.n_examples >= 16 and generator.random() < 0.3 else "gaussian"
    return Run(
        landscape, config, minimum, str(generator.choice(dynamics)), str(generator.choice(drivers)), examples
    )  # fmt: skip


def _landscape(name: str, generator: np.random.Generator) -> tuple[sg.Landscape, np.ndarray]:
    """With other parameters where there are some, and one of its minima."""
    changed = {
        "quadratic": {"h": generator.uniform(0.5, 4)},
        "quadratic_2d": {"h2": generator.uniform(1, 8), "angle": generator.uniform(0, 1.5)},
        "multiplicative": {"r": generator.uniform(0.1, 1)},
        "double_well": {"a": generator.uniform(0.5, 2), "f": generator.uniform(0.005, 0.05)},
        "sharp_flat": {"sharp": generator.uniform(4, 10), "depth": generator.uniform(0, 0.2)},
        "valley": {"k": generator.uniform(5, 30), "bend": generator.uniform(0, 0.5)},
        "zhu_two_bowls": {"spread": generator.uniform(0.001, 0.01)},
    }.get(name, {})
    noise = {"sharp_flat": generator.uniform(0.01, 0.1), "mueller_brown": generator.uniform(1, 1000)}.get(name)
    minima = sg.landscapes.minima(name, **changed)
    landscape = named(name, **changed) if noise is None else named(name, noise_covariance=f"{noise:.4g}", **changed)
    return landscape, minima[generator.integers(len(minima))]


def _trace(run: sg.Ensemble) -> tuple[float, float]:
    return float(np.trace(run.covariance)), float(np.linalg.norm(np.diagonal(run.standard_error.covariance)))
