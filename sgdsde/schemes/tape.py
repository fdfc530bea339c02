"""What every tape of formulas can: name stages, and carry numbers from step to step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sympy as sp

#: How names begin of the numbers that are carried.
CARRIED = "q_"


class Tape:
    """Stages of (names, expressions) in order, and numbers that are carried.

    Attributes
    ----------
    stages : list of (names, expressions)
    carried : dict of pairs, one number and what it becomes; see `carry`.
    """

    def __init__(self) -> None:
        self.stages: list[tuple[list[str], list[Any]]] = []
        self.carried: dict[str, tuple[Any, Any]] = {}

    def let(self, value: Iterable[Any]) -> sp.Matrix:
        """Name an intermediate stage, so that later formulas hold its name and not its formula."""
        import sympy as sp

        values = list(value)
        names = [f"s{len(self.stages)}_{i}" for i in range(len(values))]
        self.stages.append((names, values))
        return sp.Matrix([sp.Symbol(name, real=True) for name in names])

    def name(self, value: Any) -> Any:
        """As :meth:`let`, of one number."""
        import sympy as sp

        return self.let([sp.sympify(value)])[0]

    def function(self, name: str, *values: Any) -> Any:
        """A function of SymPy's, of numbers."""
        import sympy as sp

        return getattr(sp, name)(*values)

    def carry(self, name: str, following: Callable[[Any], Any]) -> Any:
        """A number that goes from step to step, zero at first: what `following` makes of it, named."""
        import sympy as sp

        if name not in self.carried:
            symbol = sp.Symbol(f"{CARRIED}{name}", real=True)
            self.carried[name] = symbol, self.name(following(symbol))
        return self.carried[name][1]

    def carried_before(self, name: str, following: Callable[[Any], Any]) -> Any:
        """As :meth:`carry`, what it is at the start of the step."""
        self.carry(name, following)
        return self.carried[name][0]
