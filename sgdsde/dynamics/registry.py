"""Rules and noises as they declare themselves, and the dynamics that are made of them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sgdsde.arguments import choice, real
from sgdsde.config import SGDConfig
from sgdsde.drivers import driver_of
from sgdsde.dynamics.update import Update
from sgdsde.schemes.registry import Declaration

#: Options of a config that some rules take and others do not.
OPTIONS = ("momentum", "dampening", "weight_decay")
#: How the noise of a rule is kept when the batch is κ times as large: ε by κ, or by √κ.
SCALINGS = ("linear", "square_root")


@dataclass(frozen=True)
class Hyperparameter:
    """A number that a rule takes: what it is by default, and the interval [low, high) that it is in."""

    default: float
    low: float = 0.0
    high: float = math.inf

    def checked(self, name: str, given: object) -> float:
        """The number; ValueError when it is none, or outside."""
        return real(f"hyperparameters[{name!r}]", given, self.low, below=self.high)


@dataclass(frozen=True)
class Rule:
    """What an optimiser's rule says of itself.

    Attributes
    ----------
    name : str
    function : callable
        `sgdsde.dynamics.update.Update` → ω afterwards, or (ω, state…).
    state : tuple of str
        What it carries for each component of ω, zero at the start.
    takes : tuple of str
        Options of the config that it takes, of `OPTIONS`; others must be zero.
    hyperparameters : dict of str to Hyperparameter
    scaling : str
        Of `SCALINGS`.
    divided : callable or None
        (numbers, l) → the numbers of l steps that stand for one update, with noise of l times the covariance; None
        where no such thing is known.
    sdes : tuple of str
        Dynamics of the SDE that are its limits.
    linear : bool
        Whether it is a linear map of ω, state and ĝ.
    stable_below : callable
        (numbers) → the curvature below which it is stable without noise; infinite where there is none.
    source : str
    """

    name: str
    function: Callable[[Any], Any]
    state: tuple[str, ...]
    takes: tuple[str, ...]
    hyperparameters: Mapping[str, Hyperparameter]
    scaling: str
    divided: Callable[[Mapping[str, float], int], Mapping[str, float]] | None
    sdes: tuple[str, ...]
    linear: bool
    stable_below: Callable[[Mapping[str, float]], float]
    source: str

    @property
    def summary(self) -> str:
        """Its formula: the first line of its docstring."""
        return (self.function.__doc__ or "").strip().splitlines()[0]

    def numbers(self, config: SGDConfig) -> dict[str, float]:
        """Its options and hyperparameters in a config.

        Raises
        ------
        ValueError
            For an option that it does not take, or a hyperparameter that it has not or that is out of range.
        """
        for name in OPTIONS:
            if name not in self.takes and (value := getattr(config, name)):
                raise ValueError(f"{name} must be 0 for dynamics {self.name!r}, which has none, got {value!r}")
        for name in config.hyperparameters:
            if name not in self.hyperparameters:
                known = ", ".join(self.hyperparameters) or "none"
                raise ValueError(f"hyperparameters of dynamics {self.name!r} are {known}; got {name!r}")
        own = {
            name: each.checked(name, config.hyperparameters.get(name, each.default))
            for name, each in self.hyperparameters.items()
        }
        return {**{name: getattr(config, name) for name in self.takes}, **own}

    def step(self, update: Update) -> tuple[Any, ...]:
        """ω and state afterwards."""
        found = self.function(update)
        return found if isinstance(found, tuple) else (found,)


@dataclass(frozen=True)
class Noise:
    """How the ĝ of a step differs from ∇L, as it declares itself.

    Attributes
    ----------
    name : str
    on_landscape : callable or None
        (tape, w) → ĝ, a vector; None where a landscape has no such thing.
    on_examples : callable or None
        (course, generator) → for each step the indices (n,) of examples, None for all N, and their coefficients (n,),
        with ĝ = Σ a_i ∇C_i; None where it is made otherwise.
    spread : str or None
        Of noise that is added to a network's ∇L: ``"trace"``, of the same standard deviation in every direction, or
        ``"diagonal"``.
    batches_of_step : int
        Batches of examples in a step; 0 for all N examples.
    divides : bool
        Whether more than one step may stand for an update.
    driven : bool
        Whether it is made of normals that follow a driver, as those of the SDE do; see `sgdsde.drivers`.
    refuses : callable
        (rule, config) → why it cannot be, or an empty text.
    absent : str
        Why landscapes do not have it.
    strength : bool
        Whether a number of zero or more follows its name, as in ``"labels:0.1"``.
    relabel : callable or None
        Of noise with one batch in a step: (strength, number of classes, shape, generator) → what is added to the
        targets of a step's examples, of that shape: to class numbers modulo the number of classes, which is 0 for
        targets that are real numbers.
    source : str
    """

    name: str
    on_landscape: Callable[[Any, Any], Any] | None
    on_examples: Callable[..., Any] | None
    spread: str | None
    batches_of_step: int
    divides: bool
    driven: bool
    refuses: Callable[[Rule, SGDConfig], str]
    absent: str
    strength: bool
    relabel: Callable[[float, int, tuple[int, ...], Any], Any] | None
    source: str
    summary: str


_RULES: dict[str, Rule] = {}
_NOISES: dict[str, Noise] = {}
#: Names of pairs (rule, noise) that have one.
NAMED = {"svag": ("sgd", "svag"), "noisy_gd": ("sgd", "normal")}


def rule(
    *,
    source: str,
    state: tuple[str, ...] = (),
    takes: tuple[str, ...] = (),
    hyperparameters: Mapping[str, Hyperparameter] | None = None,
    scaling: str = "linear",
    divided: Callable[[Mapping[str, float], int], Mapping[str, float]] | None = None,
    sdes: tuple[str, ...] = (),
    linear: bool = False,
    stable_below: Callable[[Mapping[str, float]], float] = lambda numbers: math.inf,
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Declare a function to be the rule of its name.

    The function maps an :class:`sgdsde.dynamics.update.Update` of one component to what ω and the rule's state become.
    It then runs on landscapes and on networks, in ladders, sweeps and the command line, by its name. Parameters are
    the attributes of :class:`Rule`.

    Raises
    ------
    ValueError
        For a word that is not in this module's tables.

    Examples
    --------
    >>> import sgdsde as sg
    >>> @sg.rule(source="Chen et al., arXiv 2302.06675", state=("exp_avg",), scaling="square_root",
    ...          hyperparameters={"beta1": Hyperparameter(0.9, 0, 1), "beta2": Hyperparameter(0.99, 0, 1)})
    ... def lion_without_decay(update):
    ...     mixed = update.beta1 * update.exp_avg + (1 - update.beta1) * update.gradient
    ...     average = update.beta2 * update.exp_avg + (1 - update.beta2) * update.gradient
    ...     return update.w - update.learning_rate * update.sign(mixed), average
    >>> config = sg.SGDConfig(0.01, batch_size=4, n_examples=64)
    >>> bowl = sg.Landscape("x**2/2", "x")
    >>> float(sg.simulate_sgd(bowl, config, 1.0, 5, 2, dynamics="lion_without_decay").final[0, 0].round(6))
    0.95
    """
    for name in takes:
        choice("takes", name, OPTIONS)
    choice("scaling", scaling, SCALINGS)

    def declare(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        _RULES[function.__name__] = Rule(
            function.__name__, function, state, takes, dict(hyperparameters or {}), scaling, divided, sdes, linear,
            stable_below, source,
        )  # fmt: skip
        return function

    return declare


def noise(
    *,
    source: str,
    on_examples: Callable[..., Any] | None = None,
    spread: str | None = None,
    batches_of_step: int = 1,
    divides: bool = False,
    driven: bool = False,
    refuses: Callable[[Rule, SGDConfig], str] = lambda rule, config: "",
    absent: str = "",
    strength: bool = False,
    relabel: Callable[[float, int, tuple[int, ...], Any], Any] | None = None,
) -> Callable[[Callable[[Any, Any], Any]], Callable[[Any, Any], Any]]:
    """Declare a function (tape, w) → ĝ to be the noise of its name; parameters are the attributes of :class:`Noise`.

    Networks take it where `on_examples` or `spread` is given.
    """

    def declare(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        _NOISES[function.__name__] = Noise(
            function.__name__, None if absent else function, on_examples, spread, batches_of_step, divides, driven,
            refuses, absent, strength, relabel, source, (function.__doc__ or "").strip().splitlines()[0],
        )  # fmt: skip
        return function

    return declare


def all_rules() -> dict[str, Rule]:
    """All rules by name."""
    import sgdsde.dynamics.rules  # noqa: F401 (they declare themselves)

    return dict(_RULES)


def all_noises() -> dict[str, Noise]:
    """All noises by name."""
    import sgdsde.dynamics.noises  # noqa: F401 (they declare themselves)

    return dict(_NOISES)


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
