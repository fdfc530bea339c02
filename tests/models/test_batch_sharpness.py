"""Curvature of batches along their gradients, and the largest curvature, against Hessians written out."""

from itertools import combinations

import numpy as np
import pytest
import torch

import sgdsde as sg
from sgdsde.models.batch_sharpness import batch_sharpness, largest_curvature
from sgdsde.models.networks import weights_of

pytestmark = pytest.mark.networks


@pytest.fixture
def network():
    generator = np.random.default_rng(0)
    x, y = (torch.as_tensor(generator.standard_normal((5, k))) for k in (3, 2))
    model = sg.models.mlp(3, 4, 2, seed=1).double()
    return model, weights_of(model), x, y


def hessian(model, weights, x, y):
    names, shapes = list(weights), [w.shape for w in weights.values()]
    flat = torch.cat([w.flatten() for w in weights.values()])

    def loss(flat):
        parts = torch.split(flat, [s.numel() for s in shapes])
        held = {name: part.reshape(shape) for name, part, shape in zip(names, parts, shapes, strict=True)}
        return (torch.func.functional_call(model, held, (x,)) - y).square().mean()

    return torch.autograd.functional.hessian(loss, flat), torch.func.grad(loss)(flat)


def test_largest_curvature_is_that_of_the_hessian(network):
    exact = torch.linalg.eigvalsh(hessian(*network)[0])[-1]
    assert largest_curvature(*network) == pytest.approx(float(exact), rel=1e-3)


def test_batch_sharpness_is_a_mean_over_batches(network):
    model, weights, x, y = network
    each = []
    for batch in combinations(range(5), 2):
        h, g = hessian(model, weights, x[list(batch)], y[list(batch)])
        each.append(float(g @ h @ g / (g @ g)))
    found = batch_sharpness(*network, 2, batches=4000)
    assert abs(found - np.mean(each)) < 5 * np.std(each) / 4000**0.5
    assert abs(found - float(np.mean(each)) * 1.2) > 5 * np.std(each) / 4000**0.5
    whole, g = hessian(*network)
    assert batch_sharpness(*network, 5, batches=1) == pytest.approx(float(g @ whole @ g / (g @ g)))


def test_refuses(network):
    with pytest.raises(ValueError, match="batch_size must be an integer from 1 to 5"):
        batch_sharpness(*network, 6)
    with pytest.raises(ValueError, match="batches must be"):
        batch_sharpness(*network, 2, batches=0)
