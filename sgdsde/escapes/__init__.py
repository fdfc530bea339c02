"""Escape from a minimum: how long SGD and its SDE take, and what theory says."""

from sgdsde.escapes.potential_field import QuasiPotentialField, quasi_potential_field
from sgdsde.escapes.predictions import Predictions
from sgdsde.escapes.rare import RareExitTime, rare_exit_time
from sgdsde.escapes.result import Escape, EscapeStudy
from sgdsde.escapes.sides import log_odds_of_sides
from sgdsde.escapes.study import escape_study

__all__ = [
    "Escape",
    "EscapeStudy",
    "Predictions",
    "QuasiPotentialField",
    "RareExitTime",
    "escape_study",
    "log_odds_of_sides",
    "quasi_potential_field",
    "rare_exit_time",
]


def __dir__() -> list[str]:
    return sorted(__all__)
