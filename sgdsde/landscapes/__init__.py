"""Closed-form losses with their gradient noise."""

from sgdsde.landscapes.landscape import Landscape
from sgdsde.landscapes.modified import modified_landscape, weight_decayed
from sgdsde.landscapes.saddle import find_minimum, find_saddle

__all__ = ["Landscape", "find_minimum", "find_saddle", "modified_landscape", "weight_decayed"]
