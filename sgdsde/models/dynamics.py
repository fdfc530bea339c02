"""What moves the weights of a network: the words of `sgdsde.dynamics` as the steps of a group of replicas."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from sgdsde.arguments import choice
from sgdsde.config import SGDConfig
from sgdsde.dynamics import all_noises, find
from sgdsde.dynamics.course import Course
from sgdsde.dynamics.limits import LIMITS
from sgdsde.dynamics.noises import Steps
from sgdsde.dynamics.pairs import NAMED, Dynamics
from sgdsde.dynamics.registry import all_rules

#: Rules that the fast step v ← r v − Σ a_i ∇C_i, ω ← ω + v is a form of, without weight decay.
HEAVY_BALLS = ("heavy_ball", "sgd")


@dataclass(frozen=True, eq=False)
class NetworkDynamics:
    """What a network's replica runs with.

    Parameters
    ----------
    name : str
    dynamics : Dynamics
        Rule and noise.
    steps : callable
        (numbers with ε, l) → numbers of each of l steps for an update.
    """

    name: str
    dynamics: Dynamics
    steps: Callable[[Mapping[str, float], int], Mapping[str, float]]

    @property
    def batches_of_step(self) -> int:
        """Batches in a step; 0 for all N examples."""
        return self.dynamics.noise.batches_of_step

    @property
    def divides(self) -> bool:
        """Whether more than one step may stand for an update."""
        return self.name in LIMITS or self.dynamics.noise.divides

    @property
    def fast(self) -> bool:
        """Whether it is the heavy ball's fast step."""
        plain = self.dynamics.rule.name in HEAVY_BALLS and not self.dynamics.numbers.get("weight_decay")
        return plain and self.dynamics.noise.on_examples is not None

    def numbers(self, course: Course) -> Iterator[Mapping[str, float]]:
        """Numbers of the rule in every step."""
        before: tuple[float, Mapping[str, float]] | None = None
        for rate in course.rates():
            if before is None or before[0] != rate:
                own = {"learning_rate": rate, **self.dynamics.numbers}
                before = rate, {**own, **self.steps(own, course.substeps)}
            yield before[1]

    def kicks(self, course: Course) -> Iterator[tuple[float, float]]:
        """(r, a) of every fast step v ← r v − a ĝ, ω ← ω + v."""
        keeps = self.dynamics.rule.name == "heavy_ball"  # v = −ε b of the buffer b, but what it was made with
        last = None
        for numbers in self.numbers(course):
            rate, momentum = numbers["learning_rate"], numbers["momentum"]
            dampened = 1 - numbers.get("dampening", 0.0) if momentum and last is not None else 1.0
            ratio = 1.0 if keeps or last in (None, rate) else rate / last
            yield momentum * ratio, rate * dampened
            last = rate

    def stream(self, course: Course, generator: np.random.Generator, parameters: int) -> Steps:
        """Indices and coefficients of every step: of v ← r v − Σ a_i ∇C_i where it is fast, else of ĝ.

        Where noise is added to ∇L, standard normals, one for each parameter, in the place of coefficients.
        """
        examples = self.dynamics.noise.on_examples
        if examples is None:
            for _ in course.batch_noises():
                yield None, generator.standard_normal(parameters)
        elif not self.fast:
            yield from examples(course, generator)
        else:
            before, kick, scaled = None, math.nan, np.empty(0)
            for (indices, coefficients), (_, now) in zip(examples(course, generator), self.kicks(course), strict=False):
                if coefficients is not before or now != kick:
                    before, kick, scaled = coefficients, now, coefficients * now
                yield indices, scaled

    def numbers_of_step(self, course: Course, parameters: int) -> int:
        """The most numbers that a step of the stream has."""
        if self.dynamics.noise.on_examples is None:
            return parameters
        return self.batches_of_step * course.largest_batch or course.config.n_examples


def names() -> tuple[str, ...]:
    """What `network_dynamics` knows."""
    return (*sorted(all_rules()), *sorted(NAMED), *(name for name, limit in LIMITS.items() if limit.steps is not None))


def network_dynamics(name: object, config: SGDConfig, noise: object = None, substeps: int = 1) -> NetworkDynamics:
    """What runs a network by that name.

    Raises
    ------
    ValueError
        When there is none, or the config has what it does not take.
    """
    name = choice("dynamics", name, names())
    if name in LIMITS:
        if noise is not None:
            raise ValueError(f"noise must be left out for dynamics {name!r}, whose noise is Brownian; got {noise!r}")
        limit = LIMITS[name]
        rule = all_rules()[limit.rule]
        assert limit.steps is not None
        return NetworkDynamics(name, Dynamics(name, rule, all_noises()["normal"], rule.numbers(config)), limit.steps)
    found = find(name, config, noise, substeps)
    if found.noise.on_examples is None and found.noise.spread is None:
        raise ValueError(f"noise must not be {found.noise.name!r} on a network: it is declared for landscapes alone")
    return NetworkDynamics(found.name, found, lambda of, steps: found.divided(of["learning_rate"], steps))
