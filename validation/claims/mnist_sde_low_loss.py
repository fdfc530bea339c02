"""SGD with independent batches against its SDE at N = 1000, down to a low training loss, by ε and width."""

from __future__ import annotations

from validation.claim import Found, claim
from validation.context import Context
from validation.mnist.sde.grid import FRESH, Size
from validation.mnist.sde.grid_claim import measured
from validation.protocol import read

PROTOCOL = read("mnist_sde_low_loss")


@claim(dict[str, Size], protocol=PROTOCOL)
def mnist_sde_low_loss(context: Context) -> Found:
    yield from measured(context, FRESH, PROTOCOL, ["rates"])
