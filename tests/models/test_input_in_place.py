"""Networks whose first act changes what they are given: every front door works on a copy of the data."""

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from sgdsde.config import SGDConfig
from sgdsde.data import digits
from sgdsde.models import (
    alignment,
    covariance_curvature,
    mean_hessian,
    mlp,
    network_evidence,
    noise_covariance,
    noise_scales,
    per_example_projections,
    train,
    two_batch_estimates,
)

pytestmark = [pytest.mark.networks, pytest.mark.usefixtures("one_thread")]

DATA, FEW = digits(n_train=200), digits(n_train=30)
CONFIG = SGDConfig(0.1, 10, 200)


class Shifted(nn.Module):
    """Softmax regression on x − shift, in place or not; the shift is a number or a weight."""

    def __init__(self, in_place, learned=False):
        super().__init__()
        self.linear, self.in_place = nn.Linear(64, 10), in_place
        self.shift = nn.Parameter(torch.full((64,), 0.3)) if learned else 0.3

    def reset_parameters(self):
        if isinstance(self.shift, nn.Parameter):
            nn.init.constant_(self.shift, 0.3)

    def forward(self, x):
        if not self.in_place:
            return self.linear(x - self.shift)
        x -= self.shift
        return self.linear(x)


def activation(in_place):
    return nn.Sequential(nn.SiLU(inplace=in_place), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))


def convolution(in_place):
    return nn.Sequential(
        nn.Mish(inplace=in_place), nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 2, 3), nn.Tanh(),
        nn.Flatten(), nn.Linear(72, 10),
    )  # fmt: skip


KINDS = {
    "number": Shifted,
    "weight": lambda in_place: Shifted(in_place, learned=True),
    "activation": activation,
    "convolution": convolution,
}
kinds = pytest.mark.parametrize("kind", KINDS)


def pair(kind):
    """The network in place and the same without."""
    made = []
    for in_place in (True, False):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            made.append(KINDS[kind](in_place))
    return made


@kinds
@pytest.mark.parametrize(("dynamics", "substeps"), [("sgd", 1), ("noisy_gd", 1), ("sde", 2)])
def test_training_is_that_of_the_network_that_leaves_its_input_alone(kind, dynamics, substeps):
    changing, plain = pair(kind)
    found = {}
    for every, replicas in ((6, 1), (3, 2)):
        arguments = {"replicas": replicas, "dynamics": dynamics, "evaluate_every": every, "substeps": substeps}
        runs, wanted = (
            train(each, FEW, SGDConfig(0.1, 10, 30), 6, **arguments).drop_attrs() for each in (changing, plain)
        )
        xr.testing.assert_identical(runs, wanted)
        found[every, replicas] = [float(runs[name][0, -1]) for name in ("train_loss", "test_loss", "weight_norm")]
    assert len({tuple(each) for each in found.values()}) == 1


@pytest.mark.parametrize(("every", "replicas"), [(None, 1), (5, 1), (5, 3)])
def test_the_training_loss_is_measured_on_the_data_as_they_are(every, replicas):
    """1.10 for x − 0.3 by other means; 145 and 2228 where the shift is applied to the same data again and again."""
    changing, _ = pair("number")
    runs = train(changing, DATA, CONFIG, 100, replicas, evaluate_every=every)
    assert float(runs.train_loss[0, -1]) == pytest.approx(1.10, abs=0.005)


@kinds
def test_covariance_curvature_and_evidence_are_too_and_the_callers_tensors_stay(kind):
    x, y = torch.tensor(FEW.x_train).double(), torch.tensor(FEW.y_train)
    before, found = x.clone(), []
    for model in pair(kind):
        F, H = noise_covariance(model, (x, y)), mean_hessian(model, (x, y))
        v = np.random.default_rng(0).standard_normal((F.n_parameters, 2))
        found.append([
            F.trace, F.squared_norm, *F.eigenvalues[:3], *F.product(v).ravel(), *H.product(v).ravel(),
            noise_scales(F, H).noise.value, covariance_curvature(F, H, probes=4).value,
            alignment(F, H, probes=2, sketch=2, trace_probes=2).cosine.value,
            two_batch_estimates(model, (x, y), (5, 25), 2, hessian=H).numerator.value,
            per_example_projections(model, (x, y), [0, 3]).trace,
            network_evidence(model, [(x, y)], 1.0, cutoff=True, probes=2, steps=4, deflation=2).cost,
        ])  # fmt: skip
    np.testing.assert_array_equal(*found)
    assert torch.equal(x, before)
    if kind == "number":  # softmax regression on x − 0.3: ∇C_i = (p_i − e_i)(x_i − 0.3, 1)ᵀ
        shifted = torch.cat([x - 0.3, torch.ones(len(x), 1)], dim=1).double()
        linear = pair(kind)[0].linear.double()
        left = torch.softmax(linear(shifted[:, :-1]), dim=1) - nn.functional.one_hot(y, 10)
        rows = (left[:, :, None] * shifted[:, None, :]).flatten(1)
        assert found[0][0] == pytest.approx(rows.var(dim=0).sum().item(), rel=1e-10)


def test_measures_of_the_user_cannot_change_the_data_either():
    def greedy(weights, x, y):
        loss = float(x.square().mean())
        x.mul_(2)
        y.zero_()
        return loss

    for data in (DATA, [DATA, digits(n_train=200, seed=1)]):
        arguments = {"model": mlp(64, 10), "data": data, "config": CONFIG, "updates": 6, "replicas": 2}
        often = train(**arguments, evaluate_every=2, measures={"greedy": greedy, "again": greedy})
        xr.testing.assert_identical(often.drop_vars(["greedy", "again"]), train(**arguments, evaluate_every=2))
        np.testing.assert_array_equal(often.greedy, often.again)
        assert (often.greedy == often.greedy[:, :1]).all()


def test_what_is_computed_later_is_of_the_data_that_were_handed_in():
    x, y = torch.tensor(DATA.x_train).double(), torch.tensor(DATA.y_train)
    model = Shifted(in_place=False)
    F, H = noise_covariance(model, (x, y)), mean_hessian(model, (x, y))
    v = np.ones(F.n_parameters)
    v[::3] = -1
    expected = noise_covariance(model, DATA).trace, mean_hessian(model, DATA).product(v)
    x.zero_()
    y.zero_()
    assert F.trace == expected[0]
    np.testing.assert_array_equal(H.product(v), expected[1])


def test_a_hook_on_a_layer_counts_in_training_too():
    """Linear–ReLU–Linear is differentiated by hand, which knows no hooks: with one it is not."""
    model, scaled = mlp(64, 16, 10), mlp(64, 16, 10)
    model[0].register_forward_hook(lambda module, inputs, output: 2 * output)
    with torch.no_grad():
        scaled[0].weight.mul_(2)
        scaled[0].bias.mul_(2)
    arguments = {"updates": 1, "initialization": "shared", "evaluate_every": 1, "dtype": "float64"}
    runs = train(model, DATA, SGDConfig(0.1, 200, 200), **arguments)
    x, y = torch.tensor(DATA.x_train).double(), torch.tensor(DATA.y_train)
    net = model.double()
    nn.functional.cross_entropy(net(x), y).backward()
    with torch.no_grad():
        for p in net.parameters():
            p.sub_(p.grad, alpha=0.1)
        assert runs.train_loss.item() == pytest.approx(nn.functional.cross_entropy(net(x), y).item(), rel=1e-12)
    assert runs.train_loss.item() != train(scaled, DATA, SGDConfig(0.1, 200, 200), **arguments).train_loss.item()
