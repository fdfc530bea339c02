"""A rule with a noise, in a config: what runs."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sgdsde.arguments import choice
from sgdsde.config import SGDConfig
from sgdsde.drivers import driver_of
from sgdsde.dynamics.registry import OPTIONS, Noise, Rule, all_noises, all_rules
from sgdsde.dynamics.update import Update
from sgdsde.schemes.registry import Declaration

#: Names of pairs (rule, noise) that have one.
NAMED = {"svag": ("sgd", "svag"), "noisy_gd": ("sgd", "normal")}


@dataclass(frozen=True)
class Dynamics:
    """A rule with a noise, in a config.

    Attributes
    ----------
    name : str
    rule : Rule
    noise : Noise
    numbers : dict of str to float
        The rule's options and hyperparameters.
    strength : float
        Of the noise, where it has one.
    """

    name: str
    rule: Rule
    noise: Noise
    numbers: Mapping[str, float] = field(default_factory=dict)
    strength: float = math.nan

    def divided(self, learning_rate: Any, substeps: int) -> dict[str, Any]:
        """Numbers of each of `substeps` steps that stand for an update."""
        numbers = {"learning_rate": learning_rate, **self.numbers}
        if substeps == 1:
            return numbers
        assert self.rule.divided is not None
        return {**numbers, **self.rule.divided(numbers, substeps)}

    @property
    def zeros(self) -> tuple[str, ...]:
        """Options that this run leaves out of the rule's formula."""
        return tuple(name for name in OPTIONS if not self.numbers.get(name))

    def declaration(self) -> Declaration:
        """The map of an update on a landscape, for `sgdsde.schemes.build`.

        Raises
        ------
        ValueError
            When landscapes have no such noise.
        """
        if self.noise.on_landscape is None:
            raise ValueError(f"noise must not be {self.noise.name!r} on a landscape: {self.noise.absent}")
        numbers = tuple(name for name in self.numbers if name != "momentum" and name not in self.zeros)
        own = self.rule.function
        function = functools.partial(_on_landscape, self.rule, self.noise, self.zeros)
        functools.update_wrapper(function, own)  # for its docstring
        return Declaration(
            name=self.name, function=function, interpretation="update", equation="update", noise="any", loss="any",
            auxiliary=self.rule.state, strong={}, weak={}, invariant=None, stable=False, matrices=None,
            source=self.rule.source, numbers=numbers, family=_family,
            key=(self.rule.name, self.noise.name, *self.zeros),
            modules=(own.__module__, self.noise.on_landscape.__module__, __name__),
        )  # fmt: skip


def _family() -> dict[str, Declaration]:
    """Every rule with batches, as declarations."""
    batches = all_noises()["batches"]
    return {
        name: Dynamics(name, each, batches, dict.fromkeys(each.hyperparameters, 0.5) | {"momentum": 0.5}).declaration()
        for name, each in all_rules().items()
    }


def _on_landscape(rule: Rule, noise: Noise, zeros: Iterable[str], tape: Any) -> tuple[Any, ...]:
    """The new ω and state, as vectors of the tape."""
    assert noise.on_landscape is not None
    gradient = tape.let(noise.on_landscape(tape, tape.w))
    scalars = {
        "learning_rate": tape.learning_rate,
        "momentum": tape.momentum,
        **tape.numbers,
        **dict.fromkeys(zeros, 0),
    }

    def step(w: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        return rule.step(Update(tape, w, g, dict(zip(rule.state, state, strict=True)), scalars))

    return tuple(tape.by_component(step, tape.w, gradient, *(getattr(tape, name) for name in rule.state)))


def find(name: object, config: SGDConfig, noise: object = None, substeps: int = 1) -> Dynamics:
    """The dynamics of that name, or of that rule with that noise, in a config.

    Raises
    ------
    ValueError
        When there is none; or the config has what the rule does not take, or the noise cannot be with it.
    """
    known = all_rules()
    name = choice("dynamics", name, (*sorted(known), *sorted(NAMED)))
    own, usual = NAMED.get(name, (name, "batches"))
    chosen = usual if noise is None else noise
    of, strength = _noise_of(chosen)
    found = known[own]
    label = repr(name) if chosen == usual else f"{name!r} with noise {chosen!r}"
    if why := of.refuses(found, config):
        raise ValueError(f"dynamics {label} {why}")
    if substeps > 1 and not of.divides:
        raise ValueError(f"substeps must be 1 for dynamics {label}, whose step is an update; got {substeps}")
    return Dynamics(name if chosen == usual else f"{own}+{chosen}", found, of, found.numbers(config), strength)


def tends_to_the_sde(name: str) -> bool:
    """Whether a dynamics by its name is the SDE, with momentum or without, or a rule that tends to it."""
    own = NAMED.get(name, (name, ""))[0]
    return name in ("sde", "momentum_sde") or (own in all_rules() and "sde" in all_rules()[own].sdes)


def _noise_of(chosen: object) -> tuple[Noise, float]:
    """The noise of that name, and the number after a colon."""
    found = all_noises()
    name, colon, number = str(chosen).partition(":")
    if not isinstance(chosen, str) or name not in found:
        choice("noise", chosen, tuple(f"{each}:number" if found[each].strength else each for each in sorted(found)))
    of, value = found[name], _number(number)
    if of.strength and value is None:
        raise ValueError(f"noise {name!r} must have a number of zero or more after it, as {name}:0.1, got {chosen!r}")
    if colon and not of.strength:
        raise ValueError(f"noise {name!r} must have no number after it, got {chosen!r}")
    return of, math.nan if value is None else value


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def driver_with(noise: Noise, driver: str | None, config: SGDConfig) -> str | None:
    """The driver of a noise, or None for one that has none.

    Raises
    ------
    ValueError
        As :func:`driver_of`; and where one is given to a noise that has none.
    """
    if noise.driven:
        return driver_of(driver, config)
    if driver is not None:
        raise ValueError(f"driver must be left out for noise {noise.name!r}, which follows none; got {driver!r}")
    return None
