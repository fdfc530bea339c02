"""Smith & Le, figure 5, over two decades of the learning rate at a larger training set, and where the rule ends."""

from __future__ import annotations

from validation.claim import Found, claim
from validation.context import Context
from validation.mnist.rules.curves import Size
from validation.mnist.rules.law import rule


@claim(dict[str, Size])
def mnist_learning_rate_range(context: Context) -> Found:
    yield from rule(context, "learning_rate", parts=("whole range", "smaller", "larger"))
