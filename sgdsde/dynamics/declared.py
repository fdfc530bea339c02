"""What is declared of a rule, and the checks of it: names, hyperparameters, values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sgdsde.arguments import real

#: What a rule's `Update` has for every rule.
_OF_UPDATES = (
    "w", "gradient", "learning_rate", "momentum", "dampening", "weight_decay", "let", "bias_correction", "after_first",
    "sqrt", "sign", "absolute", "maximum",
)  # fmt: skip
#: What a tape has besides: vectors of the state are attributes of it too.
_OF_TAPES = ("state", "numbers", "carried", "stages", "matrix_entries", "operations", "sizes", "wanted", "bridge")
#: Numbers that a rule draws or names by counting.
_COUNTED = re.compile(r"[a-z]+\d+")


@dataclass(frozen=True)
class Hyperparameter:
    """A number that a rule takes: what it is by default, and the interval [low, high) that it is in."""

    default: float
    low: float = 0.0
    high: float = math.inf

    def __post_init__(self) -> None:
        real("default", self.default, self.low, below=self.high)

    def checked(self, name: str, given: object) -> float:
        """The number; ValueError when it is none, or outside."""
        return real(f"hyperparameters[{name!r}]", given, self.low, below=self.high)


def summary_of(function: Callable[..., Any]) -> str:
    """The first line of a docstring, or an empty text.

    >>> summary_of(lambda update: update.w)
    ''
    """
    return (function.__doc__ or "").strip().partition("\n")[0]


def values_of(name: str, state: tuple[str, ...], given: Any) -> tuple[Any, ...]:
    """What a rule of that name and state returned: ω and the state, or a ValueError.

    >>> values_of("adam", ("exp_avg", "exp_avg_sq"), (1, 2))
    Traceback (most recent call last):
    ValueError: rule 'adam' must return 3 values, w, exp_avg, exp_avg_sq; got 2
    """
    found = given if isinstance(given, tuple) else (given,)
    if len(found) != 1 + len(state):
        raise ValueError(
            f"rule {name!r} must return {1 + len(state)} values, {', '.join(('w', *state))}; got {len(found)}"
        )
    return found


def check_state(given: object) -> None:
    """ValueError unless it is a tuple of names for vectors that a tape carries, each once and none of the tape's own.

    >>> check_state(("exp_avg",))
    >>> check_state("exp_avg")
    Traceback (most recent call last):
    ValueError: state must be a tuple of names, such as ('exp_avg',), got 'exp_avg'
    """
    from sgdsde.schemes.matrix_step import MatrixStep
    from sgdsde.schemes.step import SCALARS, Step

    if not isinstance(given, tuple) or not all(isinstance(name, str) for name in given):
        raise ValueError(f"state must be a tuple of names, such as ('exp_avg',), got {given!r}")
    _check_names("state", given, {*SCALARS, *dir(Step), *dir(MatrixStep), *_OF_TAPES, *_OF_UPDATES})
    for name in given:
        if _COUNTED.fullmatch(name):
            raise ValueError(f"state must not have names such as the numbered ones of a step, got {name!r}")


def check_hyperparameters(given: object, state: tuple[str, ...]) -> None:
    """ValueError unless it is a mapping of names, none taken already, to what they are."""
    if not isinstance(given, Mapping):
        raise ValueError(f"hyperparameters must be a mapping of names to Hyperparameter, got {given!r}")
    _check_names("hyperparameters", given, {*_OF_UPDATES, *state})
    for name, each in given.items():
        if not isinstance(each, Hyperparameter):
            raise ValueError(f"hyperparameters[{name!r}] must be a Hyperparameter, got {each!r}")


def _check_names(argument: str, given: Iterable[Any], taken: set[str]) -> None:
    seen: set[str] = set()
    for name in given:
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"{argument} must have names that are identifiers, got {name!r}")
        if name in taken or name in seen:
            raise ValueError(f"{argument} must have names that are not taken already, got {name!r}")
        seen.add(name)


def check_free(what: str, function: Callable[..., Any], all_found: Callable[[], Mapping[str, Any]]) -> None:
    """ValueError when the name of a function is that of something of another module, or of what comes with sgdsde.

    A module may declare its own anew, as a cell of a notebook does that is run again.
    """
    name, module = function.__name__, str(function.__module__)
    if module.startswith("sgdsde.dynamics."):
        return
    found = all_found()  # loads sgdsde's own
    other = found[name].module if name in found else None
    if other not in (None, module) or name in _reserved():
        raise ValueError(
            f"{what} must have a name that is not taken: {name!r} is declared in {other or 'sgdsde.dynamics'} already"
        )


def _reserved() -> tuple[str, ...]:
    """Names of dynamics that are neither rules nor noises alone."""
    from sgdsde.dynamics.limits import LIMITS
    from sgdsde.dynamics.pairs import NAMED

    return (*NAMED, *LIMITS)
