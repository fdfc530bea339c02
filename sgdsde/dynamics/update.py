"""What a rule sees of one update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sympy as sp


class Update:
    """One update of one coordinate of ω, as a rule sees it: symbols, of which it makes what they are afterwards.

    Landscapes of arrays hand in whole vectors, of which a rule may take sums and multiples only.

    Attributes
    ----------
    w, gradient : ω, and ĝ there.
    learning_rate, momentum : ε and m.
    dampening, weight_decay : d and λ; the number 0 where the run has none, so that nothing is computed of it.
    state and hyperparameters : attributes of the names that the rule declares.
    """

    def __init__(self, tape: Any, w: Any, gradient: Any, state: Mapping[str, Any], numbers: Mapping[str, Any]) -> None:
        self._tape = tape
        self.w, self.gradient = w, gradient
        for name, value in {**state, **numbers}.items():
            setattr(self, name, value)

    def __getattr__(self, name: str) -> sp.Expr:
        if name.startswith("_"):
            raise AttributeError(name)
        own = ", ".join(each for each in vars(self) if not each.startswith("_"))
        raise AttributeError(f"a rule has no {name!r}, but what it declares and what every rule has: {own}")

    def let(self, value: Any) -> Any:
        """Name an intermediate value, so that later formulas hold its name and not its formula."""
        return self._tape.name(value)

    def bias_correction(self, name: str) -> Any:
        """1 − βᵏ at update k = 1, 2, …, for the hyperparameter β of that name."""
        beta = getattr(self, name)
        return self._tape.carry(f"bias_of_{name}", lambda q: beta * q + 1 - beta)

    def after_first(self) -> Any:
        """0 at the first update, 1 at every other."""
        return self._tape.carried_before("updated", lambda _: 1)

    def sqrt(self, value: Any) -> Any:
        """√x."""
        return self._tape.function("sqrt", value)

    def sign(self, value: Any) -> Any:
        """−1, 0 or 1."""
        return self._tape.function("sign", value)

    def absolute(self, value: Any) -> Any:
        """|x|."""
        return self._tape.function("Abs", value)

    def maximum(self, value: Any, other: Any) -> Any:
        """The larger of two."""
        return self._tape.function("Max", value, other)
