"""Whether the SDE is right for a run: effects, their sizes from exact laws, and what to take instead."""

from sgdsde.diagnosis.registry import EFFECTS, Declared, Effect, Size, effect
from sgdsde.diagnosis.result import Diagnosis
from sgdsde.diagnosis.study import diagnose

__all__ = ["EFFECTS", "Declared", "Diagnosis", "Effect", "Size", "diagnose", "effect"]
