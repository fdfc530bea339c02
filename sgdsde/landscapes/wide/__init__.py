"""Landscapes of many dimensions, without formulas: what moves a path are products with matrices, or terms one by one."""

from sgdsde.landscapes.wide.base import WideLandscape
from sgdsde.landscapes.wide.examples import LinearRegressionLandscape, linear_regression
from sgdsde.landscapes.wide.quadratic import Quadratic, quadratic
from sgdsde.landscapes.wide.separable import Separable, separable

__all__ = [
    "LinearRegressionLandscape",
    "Quadratic",
    "Separable",
    "WideLandscape",
    "linear_regression",
    "quadratic",
    "separable",
]
