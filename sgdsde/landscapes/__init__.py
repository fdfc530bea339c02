"""Closed-form losses with their gradient noise."""

from sgdsde.landscapes.landscape import Landscape

__all__ = ["Landscape"]
