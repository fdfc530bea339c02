"""Smith & Le, figure 5: the best batch size is proportional to the learning rate."""

from __future__ import annotations

from validation.claim import Found, claim
from validation.context import Context
from validation.mnist.rules.curves import Size
from validation.mnist.rules.law import rule


@claim(dict[str, Size])
def mnist_learning_rate(context: Context) -> Found:
    yield from rule(context, "learning_rate")
