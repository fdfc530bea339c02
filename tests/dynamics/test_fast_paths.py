"""The fast step of networks is the rule's own code, to rounding: v ← r v − Σ a_i ∇C_i stands for SGD and heavy ball."""

import numpy as np
import pytest

import sgdsde as sg
from sgdsde.data import digits
from sgdsde.models import mlp, train
from sgdsde.models.dynamics import NetworkDynamics

pytestmark = pytest.mark.networks

N, UPDATES = 60, 15
DIGITS = digits(n_train=N, seed=3)
RATES = {"rates": {"learning_rates": np.linspace(0.1, 0.02, UPDATES)}, "sizes": {"batch_sizes": [5, 10, 12] * 9}}
CASES = {
    "sgd": ("sgd", {"momentum": 0.9}, {}),
    "sgd without momentum": ("sgd", {}, {}),
    "dampening": ("sgd", {"momentum": 0.9, "dampening": 0.4}, {}),
    "heavy ball": ("heavy_ball", {"momentum": 0.9}, {}),
    "schedule": ("sgd", {"momentum": 0.9}, RATES["rates"]),
    "schedule of heavy ball": ("heavy_ball", {"momentum": 0.9}, RATES["rates"]),
    "batch sizes": ("sgd", {"momentum": 0.9}, RATES["sizes"]),
    "noisy_gd": ("noisy_gd", {"momentum": 0.9}, {}),
    "svag": ("svag", {}, {"substeps": 3}),
    "sde": ("sde", {"momentum": 0.5}, {"substeps": 2}),
    "momentum_sde": ("momentum_sde", {"momentum": 0.5}, {"substeps": 2}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_fast_step_is_the_rule(case, monkeypatch):
    name, own, more = CASES[case]
    config = sg.SGDConfig(0.1, 5, N, **own)
    arguments = (mlp(64, 6, 10), DIGITS, config, UPDATES, 2, name)
    fast = train(*arguments, dtype="float64", evaluate_every=5, **more)
    assert NetworkDynamics.fast.fget is not None
    monkeypatch.setattr(NetworkDynamics, "fast", property(lambda self: False))
    general = train(*arguments, dtype="float64", evaluate_every=5, **more)
    np.testing.assert_allclose(general.train_loss, fast.train_loss, rtol=1e-11)
    np.testing.assert_allclose(general.weight_norm, fast.weight_norm, rtol=1e-12)
    assert float(abs(fast.train_loss[:, 0] - fast.train_loss[:, -1]).min()) > 1e-3
