"""The compiled part of small batches against the same updates by torch."""

from __future__ import annotations

import pytest
import torch

from sgdsde.models import descent, small_batches
from sgdsde.models.losses import LOSSES
from sgdsde.models.networks import mlp, weights_of
from sgdsde.models.small_batches import hidden_errors

pytestmark = pytest.mark.networks


def updated(k, n, dtype, momentum):
    """Weights and velocities after k updates of n examples, from a velocity that is not zero."""
    generator = torch.Generator().manual_seed(k * n)
    weights = {name: w[None].to(dtype).clone() for name, w in weights_of(mlp(6, 9, 3, seed=1)).items()}
    velocity = {name: 0.1 * torch.randn(w.shape, generator=generator, dtype=dtype) for name, w in weights.items()}
    x = torch.randn((1, k, n, 6), generator=generator, dtype=dtype)
    y = torch.randint(0, 3, (1, k, n), generator=generator)
    a = torch.rand((1, k, n), generator=generator, dtype=dtype) - 0.2  # SVAG's coefficients are of both signs
    descent.descend_by_hand(LOSSES["cross_entropy"], weights, velocity, x, y, a, momentum)
    return [*weights.values(), *velocity.values()]


@pytest.mark.parametrize(("k", "n"), [(1, 1), (1, 7), (2, 1), (3, 2), (7, 3), (4, 5), (33, 4)])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_compiled_and_torchs_updates_are_the_same(k, n, momentum, monkeypatch):
    found = updated(k, n, torch.float64, momentum)
    in_float = updated(k, n, torch.float32, momentum)
    monkeypatch.setattr(descent, "HIDDEN_LAYER", 0)
    expected = updated(k, n, torch.float64, momentum)
    for compiled, single, by_torch in zip(found, in_float, expected, strict=True):
        torch.testing.assert_close(compiled, by_torch, rtol=1e-10, atol=1e-12)
        assert single.dtype == torch.float32
    assert not any(torch.equal(a, b) for a, b in zip(found, updated(k, n + 1, torch.float64, momentum), strict=True))


def test_it_is_the_compiled_part_that_runs(monkeypatch):
    seen = []
    monkeypatch.setattr(
        small_batches, "hidden_errors", lambda *args: seen.append(args[3].shape) or hidden_errors(*args)
    )
    updated(3, 2, torch.float32, 0.5)
    updated(1, 2, torch.float32, 0.5)
    assert seen == [(3, 2), (1, 2)]


@pytest.mark.parametrize("classes", [2, 4, 5, 11])
def test_any_number_of_classes(classes):
    weights = {name: w[None].double() for name, w in weights_of(mlp(6, 9, classes, seed=1)).items()}
    velocity = {name: torch.zeros_like(w) for name, w in weights.items()}
    x, y = torch.randn((1, 5, 6), dtype=torch.float64), torch.arange(5)[None] % classes
    before = {name: w[0].clone().requires_grad_() for name, w in weights.items()}
    loss = torch.nn.functional.cross_entropy(
        torch.func.functional_call(mlp(6, 9, classes).double(), before, (x[0],)), y[0], reduction="sum"
    )
    gradients = torch.autograd.grad(loss, list(before.values()))
    small_batches.descend_compiled(weights, velocity, x, y, torch.ones(1, 5).double(), 0.0)
    for name, gradient in zip(before, gradients, strict=True):
        torch.testing.assert_close(weights[name][0], before[name].detach() - gradient, rtol=1e-12, atol=1e-14)


def test_large_logits_do_not_overflow():
    layers = [torch.zeros(2), torch.tensor([[1e4, 0.0], [0.0, 1e4]]), torch.zeros(2)]
    pairs = [(w.double(), torch.zeros_like(w).double()) for w in layers]
    linear = torch.tensor([[5.0, 0.0], [0.0, 5.0]], dtype=torch.float64)
    errors = hidden_errors(
        linear, torch.zeros(2, 2, dtype=torch.float64), pairs, torch.tensor([[1], [1]]), torch.ones(2, 1).double(), 0.0
    )
    assert errors[0].tolist() == [1e4, 0]  # wrong by the whole probability, and only where the unit is on
    assert torch.isfinite(errors).all()
