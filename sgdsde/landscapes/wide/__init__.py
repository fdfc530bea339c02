"""Landscapes of many dimensions, without formulas: paths move by products with matrices, or by terms one by one."""

from sgdsde.landscapes.wide.base import WideLandscape
from sgdsde.landscapes.wide.examples import LinearRegressionLandscape, linear_regression
from sgdsde.landscapes.wide.quadratic import Quadratic, wide_quadratic
from sgdsde.landscapes.wide.separable import Separable, separable

__all__ = [
    "LinearRegressionLandscape",
    "Quadratic",
    "Separable",
    "WideLandscape",
    "linear_regression",
    "separable",
    "wide_quadratic",
]
