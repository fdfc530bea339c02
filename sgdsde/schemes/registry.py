"""The registry of schemes: a scheme is declared where it is written, and found by its name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: Files whose functions are schemes; a new scheme is a function in one of them.
_FILES = ("ito", "descent")
_REGISTRY: dict[str, Declaration] = {}


@dataclass(frozen=True)
class Declaration:
    """What a scheme says of itself.

    Attributes
    ----------
    name : str
    function : callable
        Step → the next ω, or (ω, auxiliary…).
    interpretation : str
        ``"ito"``, ``"stratonovich"``, or ``"update"`` for maps driven by batches of examples.
    noise : str
        ``"any"``, or what the noise factor must be: ``"diagonal"``, ``"additive"``, ``"commutative"``.
    auxiliary : tuple of str
        State carried beside ω, one vector each (``"v"`` for a velocity); starts at zero.
    strong, weak : float or None
        Orders of convergence, for schemes that integrate an SDE.
    source : str
        Where it is from.
    """

    name: str
    function: Callable[[Any], Any]
    interpretation: str
    noise: str
    source: str
    auxiliary: tuple[str, ...] = ()
    strong: float | None = None
    weak: float | None = None


def scheme(
    *,
    interpretation: str,
    noise: str,
    source: str,
    auxiliary: tuple[str, ...] = (),
    strong: float | None = None,
    weak: float | None = None,
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Declare a function to be the scheme of its name."""

    def declare(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        name = function.__name__
        _REGISTRY[name] = Declaration(name, function, interpretation, noise, source, auxiliary, strong, weak)
        return function

    return declare


def declarations() -> dict[str, Declaration]:
    """All schemes by name."""
    for file in _FILES:
        importlib.import_module(f"sgdsde.schemes.{file}")
    return dict(_REGISTRY)


def find(name: str, interpretations: tuple[str, ...]) -> Declaration:
    """Return the scheme of that name.

    Raises
    ------
    ValueError
        When there is none of these interpretations; the message lists those that exist.
    """
    fitting = {key: d for key, d in declarations().items() if d.interpretation in interpretations}
    if not isinstance(name, str) or name not in fitting:
        raise ValueError(f"scheme must be one of {', '.join(sorted(fitting))}, got {name!r}")
    return fitting[name]
