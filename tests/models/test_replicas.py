from functools import partial

import numpy as np
import pytest
import torch
from tables import every
from torch import nn
from torch.nn.functional import cross_entropy

from sgdsde.models import draw_weights, mlp
from sgdsde.models.descent import (
    by_hand,
    descend_by_autograd,
    descend_by_hand,
    descend_on_all,
    descent_of,
    kick_by_autograd,
    kick_by_hand,
    kick_of,
)
from sgdsde.models.losses import LOSSES, checked_loss
from sgdsde.models.parallel import in_threads
from sgdsde.models.replicas import Part, evaluate, finite, stack

pytestmark = pytest.mark.networks

CE, MSE = LOSSES["cross_entropy"], LOSSES["mse"]


def targets(loss, *shape, generator):
    """Labels of four classes, or four numbers for each example."""
    if loss is CE:
        return torch.randint(4, shape, generator=generator)
    return torch.randn(*shape, 4, generator=generator, dtype=torch.float64)


def setting(model, loss=CE, r=3, k=1, n=7, features=6):
    generator = torch.Generator().manual_seed(0)
    weights = stack([draw_weights(model, s) for s in range(r)], torch.device("cpu"), torch.float64)
    velocity = {name: torch.randn(w.shape, generator=generator, dtype=w.dtype) / 10 for name, w in weights.items()}
    x = torch.randn(r, k, n, features, generator=generator, dtype=torch.float64)
    y = targets(loss, r, k, n, generator=generator)
    a = torch.randn(r, k, n, generator=generator, dtype=torch.float64) / 10  # any sign: an update is linear in them
    return weights, velocity, x, y, a


def plain(loss, outputs, y):
    return cross_entropy(outputs, y, reduction="none") if loss is CE else ((outputs - y) ** 2).mean(1)


def clone(tensors):
    return {k: t.clone() for k, t in tensors.items()}


@every("widths", [(6, 4), (6, 5, 4), (6, 5, 3, 4)])
@every("momentum", [0.0, 0.9])
@every(("k", "n"), [(1, 7), (5, 3), (6, 1)])
@every("loss", [CE, MSE])
def test_descents_by_hand_and_by_autograd_agree_with_plain_torch(widths, momentum, k, n, loss):
    model = mlp(*widths).double()
    start, velocity, x, y, a = setting(model, loss, k=k, n=n)
    both = []
    with torch.no_grad():
        for descend in (partial(descend_by_hand, loss), descend_by_autograd(model, loss)):
            w, v = clone(start), clone(velocity)
            descend(w, v, x, y, a, momentum)
            both.append((w, v))
    for r in range(3):
        own = {name: w[r].clone().requires_grad_() for name, w in start.items()}
        speed = {name: v[r].clone() for name, v in velocity.items()}
        for t in range(k):
            outputs = torch.func.functional_call(model, own, (x[r, t],))
            total = (a[r, t] * plain(loss, outputs, y[r, t])).sum()
            for name, g in zip(own, torch.autograd.grad(total, list(own.values())), strict=True):
                speed[name] = momentum * speed[name] - g
            own = {name: (w + speed[name]).detach().requires_grad_() for name, w in own.items()}
        for w, v in both:
            for name in own:
                torch.testing.assert_close(v[name][r], speed[name], rtol=1e-11, atol=1e-12)
                torch.testing.assert_close(w[name][r], own[name].detach(), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("widths", [(6, 4), (6, 5, 4), (6, 5, 3, 4)])
@every("loss", [CE, MSE])
def test_kicks_by_hand_and_by_autograd_agree_and_parts_add_up(widths, own, monkeypatch, loss):
    model, generator = mlp(*widths).double(), torch.Generator().manual_seed(2)
    start = stack([draw_weights(model, s) for s in range(3)], torch.device("cpu"), torch.float64)
    speed = {name: torch.randn(w.shape, generator=generator, dtype=w.dtype) for name, w in start.items()}
    lead = (3, 11) if own else (11,)
    x = torch.randn(*lead, 6, generator=generator, dtype=torch.float64)
    y = targets(loss, *lead, generator=generator)
    a = torch.randn(3, 11, generator=generator, dtype=torch.float64)
    found = []
    for kick, part in (
        (partial(kick_by_hand, loss), 10**6),
        (partial(kick_by_hand, loss), 12),
        (kick_by_autograd(model, loss), 12),
    ):  # 12: four of 11
        monkeypatch.setattr("sgdsde.models.descent.PART", {"cpu": part})
        w, v = ({name: t.clone() for name, t in tensors.items()} for tensors in (start, speed))
        with torch.no_grad():
            descend_on_all(kick, w, v, Part(x, y, own), a, 0.9)
        found.append((w, v))
    for r in range(3):
        leaf = {name: w[r].clone().requires_grad_() for name, w in start.items()}
        outputs = torch.func.functional_call(model, leaf, (x[r] if own else x,))
        total = (a[r] * plain(loss, outputs, y[r] if own else y)).sum()
        for name, g in zip(leaf, torch.autograd.grad(total, list(leaf.values())), strict=True):
            wanted = 0.9 * speed[name][r] - g
            for w, v in found:
                torch.testing.assert_close(v[name][r], wanted, rtol=1e-11, atol=1e-12)
                torch.testing.assert_close(w[name][r], leaf[name].detach() + wanted, rtol=1e-11, atol=1e-12)


def test_only_a_plain_relu_network_descends_by_hand():
    tied = nn.Linear(4, 4)
    for loss in (CE, MSE):
        assert by_hand(mlp(6, 5, 4), loss)
        assert descent_of(mlp(6, 5, 4), loss).func is descend_by_hand
        assert kick_of(mlp(6, 5, 4), loss).func is kick_by_hand
    for other in (LOSSES["binary_cross_entropy"], checked_loss(nn.CrossEntropyLoss(reduction="none"))):
        assert not by_hand(mlp(6, 5, 1), other)
    for other in (
        nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4)),
        nn.Sequential(nn.Linear(6, 5, bias=False), nn.ReLU(), nn.Linear(5, 4)),
        nn.Sequential(nn.Linear(6, 5), nn.ReLU()),
        nn.Sequential(tied, nn.ReLU(), tied),
        nn.Sequential(mlp(6, 5), nn.ReLU(), mlp(5, 4)),
        nn.Linear(6, 4),
    ):
        assert not by_hand(other, CE)


@pytest.mark.parametrize("own", [True, False])
def test_evaluate_is_the_mean_over_all_examples(own):
    model = mlp(6, 5, 4).double()
    weights, _, x, y, _ = setting(model)
    x, y = x[:, 0], y[:, 0]
    if not own:
        x, y = x[0], y[0]
    loss, accuracy = evaluate(model, weights, Part(x, y, own), CE, chunk=3)
    for r in range(3):
        logits = torch.func.functional_call(model, {k: w[r] for k, w in weights.items()}, (x[r] if own else x,))
        labels = y[r] if own else y
        assert loss[r].item() == pytest.approx(cross_entropy(logits, labels).item(), rel=1e-12)
        assert accuracy[r].item() == pytest.approx(np.mean((logits.argmax(1) == labels).numpy()), rel=1e-12)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_finite_marks_the_replica(bad):
    weights, *_ = setting(mlp(6, 5, 4))
    weights["2.bias"][1, 0] = bad
    assert finite(weights).tolist() == [True, False, True]


@pytest.mark.usefixtures("two_threads")
def test_threads_leave_the_callers_settings_and_stop_on_an_error():
    threads = torch.get_num_threads()
    tiny = torch.full((1000,), 1e-40)

    def flushed(job, stop):
        return job, torch.get_num_threads(), bool((tiny * 0.5 == 0).all())

    assert in_threads(flushed, range(3)) == [(r, 1, True) for r in range(3)]
    assert torch.get_num_threads() == threads
    assert not (tiny * 0.5 == 0).any()

    ended = []

    def job(number, stop):
        if number == 0:
            raise KeyError("first")
        ended.append(stop.wait(timeout=20))

    with pytest.raises(KeyError, match="first"):
        in_threads(job, range(50))
    assert all(ended)
    assert len(ended) < 49
