import pytest
import torch
from tables import every
from torch import nn

from sgdsde.models import draw_weights, mlp

pytestmark = pytest.mark.networks


def test_mlp_has_pytorchs_default_initialisation():
    torch.manual_seed(3)
    state = torch.get_rng_state()
    net = mlp(20, 30, 5, seed=7)
    assert torch.equal(state, torch.get_rng_state())  # the global generator is as it was
    with torch.random.fork_rng():
        torch.manual_seed(7)
        first, second = nn.Linear(20, 30), nn.Linear(30, 5)
    assert torch.equal(net[0].weight, first.weight)
    assert torch.equal(net[2].bias, second.bias)
    assert [type(layer) for layer in net] == [nn.Linear, nn.ReLU, nn.Linear]


def test_draw_weights_redraws_every_layer_and_leaves_model_and_generator_alone():
    net = mlp(4, 6, 3)
    before = [p.clone() for p in net.parameters()]
    state = torch.get_rng_state()
    first, again, other = draw_weights(net, 1), draw_weights(net, 1), draw_weights(net, 2)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(p, q) for p, q in zip(before, net.parameters(), strict=True))
    for name, weight in first.items():
        assert torch.equal(weight, again[name])
        assert not torch.equal(weight, other[name])
        assert not torch.equal(weight, dict(net.named_parameters())[name])


def test_draw_weights_refuses_a_parameter_that_nobody_resets():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))
            self.linear = nn.Linear(2, 2)

    with pytest.raises(ValueError, match=r"model has parameters \(scale\) in a Scaled.*initialization='shared'"):
        draw_weights(Scaled(), 0)


def test_draws_of_what_is_no_network_or_by_no_seed_are_refused():
    with pytest.raises(ValueError, match=r"model must be a torch\.nn\.Module, got 'mlp'"):
        draw_weights("mlp", 0)
    with pytest.raises(ValueError, match="seed must be an integer of at least 0, got 'a'"):
        draw_weights(mlp(3, 2), "a")


@every("widths", [(), (3,), (3, 0), (3, 2.0), (3, True), (3, -1, 2)])
def test_mlp_refuses_bad_widths(widths):
    with pytest.raises(ValueError, match=r"widths must be (at least two|an integer of at least 1)"):
        mlp(*widths)
