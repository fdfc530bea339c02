"""Logistic regression with an L2 penalty: its cost, exact derivatives, and the minimum along a path of penalties."""

from sgdsde.logistic.newton import Fit
from sgdsde.logistic.regression import LogisticRegression

__all__ = ["Fit", "LogisticRegression"]


def __dir__() -> list[str]:
    return sorted(__all__)
