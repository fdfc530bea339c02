"""A rule as straight-line code of one component, for what has tensors of weights."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sgdsde import codegen
from sgdsde.dynamics.declared import values_of
from sgdsde.dynamics.registry import OPTIONS, Rule
from sgdsde.dynamics.update import Update
from sgdsde.schemes.tape import Tape


@dataclass(frozen=True)
class RuleBlock:
    """One update of one component.

    Attributes
    ----------
    block : codegen.Block
        Scalars are `scalars`; arrays w, gradient, the rule's state and `carried`, in this order; outputs what becomes
        of them, without the gradient.
    scalars : tuple of str
        Numbers that it takes.
    carried : tuple of str
        Numbers that go from step to step, the same for all components, zero at first.
    """

    block: codegen.Block
    scalars: tuple[str, ...]
    carried: tuple[str, ...]


@functools.lru_cache(maxsize=64)
def _made(rule_name: str, rule: Callable[..., Any], state: tuple[str, ...], scalars: tuple[str, ...]) -> RuleBlock:
    import sympy as sp

    tape = Tape()
    numbers = {name: sp.Symbol(f"h_{name}", real=True) for name in scalars}
    zeros = {name: 0 for name in OPTIONS if name not in scalars}
    arrays = [sp.Symbol(name, real=True) for name in ("w", "g", *(f"x_{name}" for name in state))]
    update = Update(tape, arrays[0], arrays[1], dict(zip(state, arrays[2:], strict=True)), {**numbers, **zeros})
    values = [
        *map(sp.sympify, values_of(rule_name, state, rule(update))),
        *(after for _, after in tape.carried.values()),
    ]
    names = [f"n_{i}" for i in range(len(values))]
    inputs = [*map(str, arrays), *(str(symbol) for symbol, _ in tape.carried.values())]
    block = codegen.lower([*tape.stages, (names, values)], [f"h_{name}" for name in scalars], inputs)
    return RuleBlock(block, scalars, tuple(tape.carried))


def rule_block(rule: Rule, numbers: Any) -> RuleBlock:
    """The code of a rule; options of `numbers` that are zero are left out of it."""
    scalars = tuple(name for name, value in numbers.items() if name not in OPTIONS or value)
    return _made(rule.name, rule.function, rule.state, scalars)
