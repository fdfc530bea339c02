"""The ladder: SGD, SVAG(l), noisy gradient descent and the SDE, and how far they are from each other.

Not called ``ladder``, so that ``sgdsde.ladder`` is the function, whatever is imported first.
"""

from sgdsde.ladders.climb import ladder
from sgdsde.ladders.network import NetworkLadder, network_ladder
from sgdsde.ladders.result import CHANCE, Ladder, Rung

__all__ = ["CHANCE", "Ladder", "NetworkLadder", "Rung", "ladder", "network_ladder"]


def __dir__() -> list[str]:
    return sorted(__all__)
