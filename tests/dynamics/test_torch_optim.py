"""Every rule against torch.optim, on a landscape and on a network, with the same batches: 50 updates to 1e-10."""

import functools

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import sgdsde as sg
from sgdsde.data import digits
from sgdsde.dynamics import all_rules
from sgdsde.models import batches, draw_weights, mlp, train

pytestmark = pytest.mark.networks

UPDATES, N, B = 50, 60, 5
DIGITS = digits(n_train=N, seed=3)
PLANE = sg.Landscape("x**2/2 + y**4/4 + x*y/3", "x y", noise_covariance=[[1, 0.5], [0.5, 2]])
RATE = 0.02


class SignSGD(torch.optim.Optimizer):
    """torch.optim has none: algorithms 1 and 2 of arXiv 1802.04434."""

    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                buffer = self.state[p].setdefault("buffer", torch.zeros_like(p))
                gradient = p.grad + group["weight_decay"] * p
                buffer.mul_(group["momentum"]).add_(gradient, alpha=1 - group["momentum"])
                p.sub_(buffer.sign(), alpha=group["lr"])


OPTIM = torch.optim
#: Rule, what its config has beside ε, B and N, torch's optimizer and what it is given.
CASES = {
    "sgd": ("sgd", {}, OPTIM.SGD, {}),
    "sgd, momentum": ("sgd", {"momentum": 0.9}, OPTIM.SGD, {"momentum": 0.9}),
    "sgd, all": (
        "sgd",
        {"momentum": 0.8, "dampening": 0.3, "weight_decay": 0.1},
        OPTIM.SGD,
        {"momentum": 0.8, "dampening": 0.3, "weight_decay": 0.1},
    ),
    "sgd, decay": ("sgd", {"weight_decay": 0.1}, OPTIM.SGD, {"weight_decay": 0.1}),
    "heavy_ball": (
        "heavy_ball",
        {"momentum": 0.9, "weight_decay": 0.1},
        OPTIM.SGD,
        {"momentum": 0.9, "weight_decay": 0.1},
    ),
    "nesterov": (
        "nesterov",
        {"momentum": 0.9, "weight_decay": 0.1},
        OPTIM.SGD,
        {"momentum": 0.9, "weight_decay": 0.1, "nesterov": True},
    ),
    "rmsprop": ("rmsprop", {}, OPTIM.RMSprop, {}),
    "rmsprop, all": (
        "rmsprop",
        {"momentum": 0.5, "weight_decay": 0.1, "hyperparameters": {"alpha": 0.9, "eps": 1e-3}},
        OPTIM.RMSprop,
        {"momentum": 0.5, "weight_decay": 0.1, "alpha": 0.9, "eps": 1e-3},
    ),
    "adam": ("adam", {}, OPTIM.Adam, {}),
    "adam, all": (
        "adam",
        {"weight_decay": 0.1, "hyperparameters": {"beta1": 0.8, "beta2": 0.95, "eps": 1e-3}},
        OPTIM.Adam,
        {"weight_decay": 0.1, "betas": (0.8, 0.95), "eps": 1e-3},
    ),
    "adamw": ("adamw", {"weight_decay": 0.1}, OPTIM.AdamW, {"weight_decay": 0.1}),
    "signsgd": ("signsgd", {"weight_decay": 0.1}, SignSGD, {"weight_decay": 0.1}),
    "signum": ("signsgd", {"momentum": 0.9}, SignSGD, {"momentum": 0.9}),
}


def test_every_rule_that_torch_has_is_compared():
    theirs = {name for name, rule in all_rules().items() if "torch.optim" in rule.source}
    assert theirs <= {name for name, *_ in CASES.values()} <= set(all_rules())


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("scheduled", [False, True])
def test_a_network(case, scheduled):
    name, own, optimizer, options = CASES[case]
    if scheduled and name == "heavy_ball":
        pytest.skip("Polyak's v is not torch's buffer where ε changes")
    config, model = sg.SGDConfig(RATE, B, N, **own), mlp(64, 6, 10)
    rates = np.linspace(RATE, RATE / 4, UPDATES) if scheduled else np.full(UPDATES, RATE)
    given = {"learning_rates": rates} if scheduled else {}
    last = {}
    measures = {"w": lambda w, x, y: last.update({k: v.clone() for k, v in w.items()}) or 0.0}
    train(model, DIGITS, config, UPDATES, dynamics=name, dtype="float64", seed=4, measures=measures, **given)
    weights, noise = np.random.SeedSequence(4, spawn_key=(0,)).generate_state(2, np.uint64)
    plain = mlp(64, 6, 10).double()
    plain.load_state_dict(draw_weights(model, int(weights)))
    theirs = optimizer(plain.parameters(), lr=RATE, **options)
    x, y = torch.tensor(DIGITS.x_train).double(), torch.tensor(DIGITS.y_train)
    for rate, batch in zip(rates, batches(config, np.random.default_rng(int(noise))), strict=False):
        theirs.param_groups[0]["lr"] = float(rate)
        theirs.zero_grad()
        cross_entropy(plain(x[batch]), y[batch]).backward()
        theirs.step()
    start = draw_weights(model, int(weights))
    for key, parameter in plain.named_parameters():
        torch.testing.assert_close(last[key], parameter.detach(), rtol=0, atol=1e-10)
        assert (last[key] - start[key]).abs().max() > 1e-3


@functools.cache
def batch_means():
    flat = sg.Landscape("0*x", "x y", noise_covariance=1.0)  # A = 1 and no slope: SGD moves by −ε z̄
    walk = sg.simulate_sgd(flat, sg.SGDConfig(RATE, B, N), [0.0, 0.0], UPDATES, 3, seed=7, save_every=1)
    return -np.diff(walk.snapshots, axis=0) / RATE


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("scheduled", [False, True])
def test_a_landscape(case, scheduled):
    """Batches are read off a run of SGD on a slope: the gradients of a step are ∇L + A z̄ with the same z̄.

    By the reference engine; that the others do the same with every rule is `test_rules.test_engines_agree`.
    """
    name, own, optimizer, options = CASES[case]
    if scheduled and name == "heavy_ball":
        pytest.skip("Polyak's v is not torch's buffer where ε changes")
    config = sg.SGDConfig(RATE, B, N, **own)
    rates = np.linspace(RATE, RATE / 4, UPDATES) if scheduled else np.full(UPDATES, RATE)
    given = {"learning_rates": rates} if scheduled else {}
    start = [1.0, -0.5]
    run = sg.simulate_sgd(PLANE, config, start, UPDATES, 3, dynamics=name, seed=7, engine="numpy", **given)
    means = batch_means()
    factor = PLANE.noise_factor(start)
    for path in range(3):
        w = nn.Parameter(torch.tensor(start, dtype=torch.float64))
        theirs = optimizer([w], lr=RATE, **options)
        for rate, mean in zip(rates, means[:, path], strict=True):
            theirs.param_groups[0]["lr"] = float(rate)
            w.grad = torch.tensor(PLANE.gradient(w.detach().numpy()) + factor @ mean)
            theirs.step()
        np.testing.assert_allclose(run.final[path], w.detach().numpy(), rtol=0, atol=1e-10)


def test_heavy_ball_differs_where_the_learning_rate_changes():
    config = sg.SGDConfig(RATE, N, N, momentum=0.9)  # no noise
    rates = np.array([RATE, RATE / 2])
    start, bowl = 1.0, sg.Landscape("x**2/2", "x")
    polyak, torchs = (
        sg.simulate_sgd(bowl, config, start, 2, 1, dynamics=name, learning_rates=rates, engine="numpy").final.item()
        for name in ("heavy_ball", "sgd")
    )
    middle = start - RATE
    assert polyak == pytest.approx(middle - 0.9 * RATE * start - RATE / 2 * middle, rel=1e-14)
    assert torchs == pytest.approx(middle - RATE / 2 * (0.9 * start + middle), rel=1e-14)
