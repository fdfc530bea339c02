"""One update of any rule on stacked weights: its block, run by Numba in one pass on a CPU, by torch elsewhere."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sgdsde.codegen import NUMPY_FUNCTIONS, Block
from sgdsde.dynamics.component import RuleBlock, rule_block
from sgdsde.dynamics.registry import Rule
from sgdsde.engines.torch_tensor import tensor_functions
from sgdsde.models.networks import Weights


class RuleStep:
    """A rule on the weights of a group of replicas.

    Attributes
    ----------
    state : dict of str to Weights
        The rule's state, zero at first.
    carried : dict of str to float
        Numbers that go from step to step, zero at first.
    """

    def __init__(self, rule: Rule, numbers: Mapping[str, float], weights: Weights) -> None:
        self._code: RuleBlock = rule_block(rule, numbers)
        zeros = {name: torch.zeros_like(w) for name, w in weights.items()}
        self.state = {name: {key: w.clone() for key, w in zeros.items()} for name in rule.state}
        self.carried = dict.fromkeys(self._code.carried, 0.0)
        like = next(iter(weights.values()))
        self._map = _compiled(self._code.block) if like.device.type == "cpu" else None
        self._number = np.float32 if like.dtype == torch.float32 else np.float64
        self._on_tensors = None if self._map else self._code.block.function(tensor_functions(like))
        self._on_numbers = self._code.block.function(NUMPY_FUNCTIONS)

    def __call__(self, weights: Weights, descent: Weights, numbers: Mapping[str, float]) -> None:
        """Change weights and state in place; `descent` is −ĝ."""
        constants = self._code.block.constant_values({f"h_{name}": numbers[name] for name in self._code.scalars})
        carried = tuple(self.carried.values())
        scalars = tuple(map(self._number, (*constants, *carried)))
        for name, w in weights.items():
            state = [each[name] for each in self.state.values()]
            if self._map is not None:
                self._map(*scalars, *(_flat(each) for each in (w, descent[name], *state)))
                continue
            assert self._on_tensors is not None
            found = self._on_tensors(*constants, w, -descent[name], *state, *carried)
            for target, value in zip((w, *state), found, strict=False):
                target.copy_(torch.as_tensor(value, dtype=w.dtype, device=w.device))
        if self.carried:
            with np.errstate(all="ignore"):
                after = self._on_numbers(*constants, *([np.float64(0)] * (2 + len(self.state))), *carried)
            self.carried = dict(zip(self.carried, map(float, after[1 + len(self.state) :]), strict=True))


def _flat(tensor: Tensor) -> Any:
    """The numbers as they are in memory, by rows or by columns: alike in weights and in all that is made like them."""
    return (tensor if tensor.is_contiguous() else tensor.mT).view(-1).numpy()


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


#: What printed code may call, one number at a time.
_SCALAR: dict[str, Callable[..., Any]] = {
    **{name: getattr(math, name) for name in ("sqrt", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "atan": math.atan, "absolute": abs, "maximum": max, "minimum": min, "power": math.pow,
}  # fmt: skip
#: The rest, in Python's own words.
_MACROS = """
def where(condition, a, b):
    return a if condition else b
def rsqrt(a):
    return 1.0 / math.sqrt(a)
def rsqrt_of_positive(a):
    return 1.0 / math.sqrt(a)
def root_of(a, reciprocal):
    return a if a == 0.0 else a * reciprocal
"""


@functools.lru_cache(maxsize=64)
def _compiled(block: Block) -> Callable[..., None]:
    """(*constants, *carried, w, −ĝ, *state) → None, all arrays changed in place in one pass."""
    import numba

    scope: dict[str, Any] = {"math": math}
    exec(_MACROS, scope)
    functions = {**_SCALAR, **{name: scope[name] for name in ("where", "rsqrt", "rsqrt_of_positive", "root_of")}}
    jitted = {
        name: function if function in _SCALAR.values() else numba.njit(inline="always")(function)
        for name, function in functions.items()
    }
    vectors = [name for name in block.arrays if not name.startswith("q_")]
    carried = [name for name in block.arrays if name.startswith("q_")]
    head = ", ".join([*(name for name, _ in block.constants), *carried, *(f"a_{name}" for name in vectors)])
    lines = [f"def update({head}):", f"    for i in range(a_{vectors[0]}.size):"]
    lines += [f"        {name} = {'-' if name == 'g' else ''}a_{name}[i]" for name in vectors]
    lines += [f"        {name} = {code}" for name, code in block.lines]
    kept = [name for name in vectors if name != "g"]
    lines += [f"        a_{name}[i] = {output}" for name, output in zip(kept, block.outputs, strict=False)]
    space: dict[str, Any] = {**jitted, "math": math}
    exec(compile("\n".join(lines) + "\n", "<sgdsde update>", "exec"), space)
    found: Callable[..., None] = numba.njit(nogil=True, error_model="numpy", fastmath={"contract"})(space["update"])
    return found
