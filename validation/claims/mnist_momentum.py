"""Smith & Le, figure 7: the best batch size is proportional to 1/(1 − m)."""

from __future__ import annotations

from validation.claim import Found, claim
from validation.context import Context
from validation.mnist.rules.curves import Size
from validation.mnist.rules.law import rule


@claim(dict[str, Size])
def mnist_momentum(context: Context) -> Found:
    yield from rule(context, "momentum")
