"""Reshuffled SGD against the SDE that epoched Brownian motion drives, at N = 1000, by ε, ε/B and width."""

from __future__ import annotations

from validation.claim import Found, claim
from validation.context import Context
from validation.mnist.sde.grid import SHUFFLED, Size
from validation.mnist.sde.grid_claim import measured
from validation.protocol import read

PROTOCOL = read("mnist_sde_reshuffled")


@claim(dict[str, Size], protocol=PROTOCOL)
def mnist_sde_reshuffled(context: Context) -> Found:
    yield from measured(context, SHUFFLED, PROTOCOL, ["strong", "weak"])
