"""Smith & Le, figure 7, from no momentum on, at a larger training set."""

from __future__ import annotations

from validation.claim import Found, claim
from validation.context import Context
from validation.mnist.rules.curves import Size
from validation.mnist.rules.law import rule


@claim(dict[str, Size])
def mnist_momentum_range(context: Context) -> Found:
    yield from rule(context, "momentum", parts=("whole range", "smaller", "larger"))
