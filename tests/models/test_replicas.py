import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from sgdsde.models import draw_weights, mlp
from sgdsde.models.parallel import in_threads
from sgdsde.models.replicas import _update_by_autograd, _update_by_hand, evaluate, finite, stack, update_of


def setting(model, r=3, n=7, features=6, classes=4):
    generator = torch.Generator().manual_seed(0)
    weights = stack([draw_weights(model, s) for s in range(r)], torch.device("cpu"), torch.float64)
    velocity = {k: torch.randn(w.shape, generator=generator, dtype=w.dtype) for k, w in weights.items()}
    x = torch.randn(r, n, features, generator=generator, dtype=torch.float64)
    y = torch.randint(classes, (r, n), generator=generator)
    a = torch.randn(r, n, generator=generator, dtype=torch.float64)  # any sign: the update is linear in them
    return weights, velocity, x, y, a


def clone(tensors):
    return {k: t.clone() for k, t in tensors.items()}


@pytest.mark.parametrize("widths", [(6, 4), (6, 5, 4), (6, 5, 3, 4)])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_updates_by_hand_and_by_autograd_agree_with_plain_torch(widths, momentum):
    model = mlp(*widths).double()
    start, velocity, x, y, a = setting(model)
    with torch.no_grad():
        both = []
        for update in (_update_by_hand, _update_by_autograd(model)):
            w, v = clone(start), clone(velocity)
            update(w, v, x, y, a, momentum)
            both.append((w, v))
    for r in range(3):
        own = {k: w[r].clone().requires_grad_() for k, w in start.items()}
        logits = torch.func.functional_call(model, own, (x[r],))
        loss = (a[r] * cross_entropy(logits, y[r], reduction="none")).sum()
        gradients = dict(zip(own, torch.autograd.grad(loss, list(own.values())), strict=True))
        for w, v in both:
            for k in own:
                expected = momentum * velocity[k][r] - gradients[k]
                torch.testing.assert_close(v[k][r], expected, rtol=1e-12, atol=1e-13)
                torch.testing.assert_close(w[k][r], start[k][r] + expected, rtol=1e-12, atol=1e-13)


def test_only_a_plain_relu_network_is_updated_by_hand():
    tied = nn.Linear(4, 4)
    assert update_of(mlp(6, 5, 4)) is _update_by_hand
    for other in (
        nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4)),
        nn.Sequential(nn.Linear(6, 5, bias=False), nn.ReLU(), nn.Linear(5, 4)),
        nn.Sequential(nn.Linear(6, 5), nn.ReLU()),
        nn.Sequential(tied, nn.ReLU(), tied),
        nn.Sequential(mlp(6, 5), nn.ReLU(), mlp(5, 4)),
        nn.Linear(6, 4),
    ):
        assert update_of(other) is not _update_by_hand


@pytest.mark.parametrize("own", [True, False])
def test_evaluate_is_the_mean_over_all_examples(own):
    model = mlp(6, 5, 4).double()
    weights, _, x, y, _ = setting(model)
    if not own:
        x, y = x[0], y[0]
    loss, accuracy = evaluate(model, weights, x, y, chunk=3)
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
