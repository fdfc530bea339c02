"""Convergence laboratory: orders of schemes, measured on problems with known answers; extrapolation and multilevel."""

from sgdsde.convergence.extrapolation import extrapolated
from sgdsde.convergence.matrix import Cell, agrees, cells
from sgdsde.convergence.multilevel import multilevel_expectation
from sgdsde.convergence.orders import deterministic_order, invariant_order, strong_order, weak_order
from sgdsde.convergence.problem import Expectation, Problem
from sgdsde.convergence.problems import PROBLEMS, of_kind

__all__ = [
    "PROBLEMS",
    "Cell",
    "Expectation",
    "Problem",
    "agrees",
    "cells",
    "deterministic_order",
    "extrapolated",
    "invariant_order",
    "multilevel_expectation",
    "of_kind",
    "strong_order",
    "weak_order",
]


def __dir__() -> list[str]:
    return sorted(__all__)
