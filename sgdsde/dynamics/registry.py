"""Rules and noises as they declare themselves, and the dynamics that are made of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sgdsde.arguments import choice
from sgdsde.config import SGDConfig
from sgdsde.dynamics import declared
from sgdsde.dynamics.declared import Hyperparameter
from sgdsde.dynamics.update import Update

#: Options of a config that some rules take and others do not.
OPTIONS = ("momentum", "dampening", "weight_decay")
#: How the noise of a rule is kept when the batch is κ times as large: ε by κ, or by √κ.
SCALINGS = ("linear", "square_root")


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
    stable_below: Callable[[Mapping[str, float]], float]
    source: str

    @property
    def module(self) -> str:
        """Where it was declared."""
        return self.function.__module__

    @property
    def summary(self) -> str:
        """Its formula: the first line of its docstring."""
        return declared.summary_of(self.function)

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
        """ω and state afterwards.

        Raises
        ------
        ValueError
            When the rule gives more or fewer values.
        """
        return declared.values_of(self.name, self.state, self.function(update))


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
    module: str


_RULES: dict[str, Rule] = {}
_NOISES: dict[str, Noise] = {}


def rule(
    *,
    source: str,
    state: tuple[str, ...] = (),
    takes: tuple[str, ...] = (),
    hyperparameters: Mapping[str, Hyperparameter] | None = None,
    scaling: str = "linear",
    divided: Callable[[Mapping[str, float], int], Mapping[str, float]] | None = None,
    sdes: tuple[str, ...] = (),
    stable_below: Callable[[Mapping[str, float]], float] = lambda numbers: math.inf,
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Declare a function to be the rule of its name.

    The function maps an `sgdsde.dynamics.update.Update` of one component to what ω and the rule's state become.
    It then runs on landscapes and on networks, in ladders, sweeps and the command line, by its name. Parameters are
    the attributes of `Rule`.

    Raises
    ------
    ValueError
        For a word that is not in this module's tables, and a name that is none or taken already.

    Examples
    --------
    A whole one is in docs/dynamics.md; the library's own are in `sgdsde/dynamics/rules.py`.

    >>> all_rules()["adam"].hyperparameters["beta2"]
    Hyperparameter(default=0.999, low=0.0, high=1.0)
    """
    for name in takes:
        choice("takes", name, OPTIONS)
    choice("scaling", scaling, SCALINGS)
    declared.check_state(state)
    declared.check_hyperparameters(hyperparameters or {}, state)

    def declare(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        declared.check_free("a rule", function, all_rules)
        _RULES[function.__name__] = Rule(
            function.__name__, function, state, takes, dict(hyperparameters or {}), scaling, divided, sdes,
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
    """Declare a function (tape, w) → ĝ to be the noise of its name; parameters are the attributes of `Noise`.

    Networks take it where `on_examples` or `spread` is given.

    Raises
    ------
    ValueError
        When the name is taken already.
    """

    def declare(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        declared.check_free("a noise", function, all_noises)
        _NOISES[function.__name__] = Noise(
            function.__name__, None if absent else function, on_examples, spread, batches_of_step, divides, driven,
            refuses, absent, strength, relabel, source, declared.summary_of(function),
            function.__module__,
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
