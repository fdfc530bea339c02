"""The Fokker–Planck equation in one and two dimensions, with noise that may depend on the place and be oblique."""

from sgdsde.theory.fokker_planck.discretised import BoxWarning, CellWarning
from sgdsde.theory.fokker_planck.equation import FokkerPlanck
from sgdsde.theory.fokker_planck.extrapolation import extrapolated
from sgdsde.theory.fokker_planck.transitions import ReactiveTransition

__all__ = ["BoxWarning", "CellWarning", "FokkerPlanck", "ReactiveTransition", "extrapolated"]
