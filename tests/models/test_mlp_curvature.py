"""Sharpness of small networks against their full Hessians."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.func import functional_call

import sgdsde as sg
from sgdsde.models import mlp_hessian_trace, mlp_largest_curvature
from sgdsde.models.mlp_curvature import hidden_and_logits
from sgdsde.models.networks import weights_of

pytestmark = pytest.mark.networks


@pytest.fixture(scope="module")
def network():
    """A small network, its weights after descent to a small loss, inputs and labels, in double precision."""
    model = sg.models.mlp(6, 8, 3)
    model.load_state_dict(sg.models.draw_weights(model, 0))
    x = torch.from_numpy(np.random.default_rng(0).random((30, 6)))
    y = (x[:, 0] > 0.5).long() + (x[:, 1] > 0.5).long()
    model = model.double()
    for _ in range(300):
        gradients = torch.autograd.grad(torch.nn.functional.cross_entropy(model(x), y), list(model.parameters()))
        with torch.no_grad():
            for weight, gradient in zip(model.parameters(), gradients, strict=True):
                weight -= 1.5 * gradient
    return model, weights_of(model), x, y


def full_hessian(model, weights, x, y):
    names, shapes = list(weights), [w.shape for w in weights.values()]
    flat = torch.cat([w.reshape(-1) for w in weights.values()])

    def loss(vector):
        parts = torch.split(vector, [math.prod(shape) for shape in shapes])
        named = {n: p.reshape(s) for n, p, s in zip(names, parts, shapes, strict=True)}
        return torch.nn.functional.cross_entropy(functional_call(model, named, (x,)), y)

    return torch.autograd.functional.hessian(loss, flat)


def test_the_trace_is_that_of_the_full_hessian(network):
    model, weights, x, y = network
    exact = float(full_hessian(model, weights, x, y).trace())
    assert float(mlp_hessian_trace(weights, x, y)) == pytest.approx(exact, rel=1e-9)


def test_the_logits_are_the_models(network):
    model, weights, x, _ = network
    torch.testing.assert_close(hidden_and_logits(weights, x)[1], model(x))


def test_the_largest_eigenvalue_is_next_to_that_of_the_hessian(network):
    model, weights, x, y = network
    exact = float(torch.linalg.eigvalsh(full_hessian(model, weights, x, y))[-1])
    assert mlp_largest_curvature(weights, x, y) == pytest.approx(exact, rel=0.02)


def test_the_largest_eigenvalue_is_gauss_and_newtons(network):
    """The largest eigenvalue of ⟨Jᵀ(diag p − ppᵀ)J⟩, put together entry by entry."""
    model, weights, x, y = network
    g = 0.0
    for each in x:
        jacobians = torch.func.jacrev(lambda w, each=each: functional_call(model, w, (each,)))(weights)
        j = torch.cat([part.reshape(3, -1) for part in jacobians.values()], dim=1)
        p = model(each).softmax(-1).detach()
        g = g + j.T @ (torch.diag(p) - torch.outer(p, p)) @ j / len(x)
    exact = float(torch.linalg.eigvalsh(g)[-1])
    assert mlp_largest_curvature(weights, x, y) == pytest.approx(exact, rel=1e-3)


def test_other_networks_are_refused(network):
    x, y = network[2:]
    for other in (sg.models.mlp(6, 3), sg.models.mlp(6, 4, 4, 3)):
        for function in (mlp_hessian_trace, mlp_largest_curvature):
            with pytest.raises(ValueError, match="weights must be those of a network with one hidden layer"):
                function(weights_of(other.double()), x, y)
    with pytest.raises(ValueError, match="tolerance must be"):
        mlp_largest_curvature(network[1], x, y, tolerance=0)
