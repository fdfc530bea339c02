"""Mutations of reparametrisation."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import sgdsde as sg
from sgdsde.logistic import LogisticRegression
from sgdsde.statistics import Estimate
from sgdsde.theory import ReLUNetwork
from tests.mutations import mutation
from validation import coordinates


@mutation("reparametrisation", "the Jacobian left out")
def without_jacobian(patch: pytest.MonkeyPatch) -> None:
    """evidence in other coordinates without |det J|, exact and by Laplace's method"""
    exact, laplace, network = sg.theory.log_evidence_in_coordinates, sg.theory.laplace_in_coordinates, ReLUNetwork

    def approximate(model: Any, penalty: float, each: Any, start: Any) -> Any:
        found = laplace(model, penalty, each, start)
        return replace(found, log_evidence=found.log_evidence - float(each.log_volume(found.theta)))

    def without(function: Any) -> Any:
        @functools.wraps(function)
        def changed(*arguments: Any, carried: bool = True) -> Any:
            return function(*arguments, carried=False)

        return changed

    patch.setattr(sg.theory, "log_evidence_in_coordinates", without(exact))
    patch.setattr(sg.theory, "laplace_in_coordinates", approximate)
    patch.setattr(network, "log_evidence", without(network.log_evidence))


@mutation("reparametrisation", "sharpness unchanged")
def sharpness(patch: pytest.MonkeyPatch) -> None:
    """Hessians elsewhere are those of the parameters before the map"""
    hessian, rewritten = ReLUNetwork.hessian, coordinates.rewritten

    def balanced(network: ReLUNetwork, weights: Any) -> Any:
        w = np.asarray(weights)
        # Back to where |u|² = v², which the minimum has.
        return hessian(network, network.rescaled(w, float(np.sqrt(abs(w[-1]) / np.linalg.norm(w[:-1])))))

    def in_old_units(model: Any, each: Any) -> Any:
        if model.dimension == 2:  # whose integral is what is asked for
            return rewritten(model, each)
        regression = LogisticRegression(model.inputs, model.labels, softmax=False)
        found = regression.hessian
        object.__setattr__(regression, "hessian", lambda theta, penalty: found(each.forward(theta), penalty))
        return regression

    patch.setattr(ReLUNetwork, "hessian", balanced)
    patch.setattr(coordinates, "rewritten", in_old_units)


@mutation("reparametrisation", "one power higher")
def power(patch: pytest.MonkeyPatch) -> None:
    """shifts of Laplace's evidence, and what is left of them, times N"""
    measured = coordinates.measured_shifts

    def grown(*arguments: Any) -> Any:
        found = measured(*arguments)

        def times(each: Estimate) -> Estimate:
            return Estimate(each.value * found.counts, each.standard_error * found.counts)

        return replace(found, shift=times(found.shift), rest=times(found.rest))

    patch.setattr(coordinates, "measured_shifts", grown)
