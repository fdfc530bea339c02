"""Closed-form losses with their gradient noise."""

from sgdsde.landscapes.landscape import Landscape
from sgdsde.landscapes.modified import modified_landscape, weight_decayed

__all__ = ["Landscape", "modified_landscape", "weight_decayed"]
