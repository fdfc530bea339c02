"""The moving average of weights, against torch.optim.swa_utils."""

import copy

import numpy as np
import pytest
import torch
import xarray as xr
from tables import every
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sgdsde.config import SGDConfig
from sgdsde.data import Dataset, digits
from sgdsde.models import batch_indices, draw_weights, mlp, train
from sgdsde.models.dynamics import names, network_dynamics

pytestmark = [pytest.mark.networks, pytest.mark.usefixtures("one_thread")]

DIGITS = digits(n_train=60, seed=3)
X = np.random.default_rng(0).standard_normal((80, 3))
REAL = Dataset("real", X[:60], np.tanh(X[:60, :2]), X[60:], np.tanh(X[60:, :2]))
TANH = nn.Sequential(nn.Linear(64, 6), nn.Tanh(), nn.Linear(6, 10))


def first_bias(weights, x, y):
    return weights["0.bias"][0]


@pytest.mark.parametrize(
    "batch_size", [1, 5, 60]
)  # of few examples updates are taken together where there is no average
@pytest.mark.parametrize(
    ("model", "data", "loss", "mean"),
    [
        (mlp(64, 6, 10), DIGITS, "cross_entropy", functional.cross_entropy),
        (TANH, DIGITS, "cross_entropy", functional.cross_entropy),
        (mlp(3, 6, 2), REAL, "mse", functional.mse_loss),
    ],
)
def test_the_average_is_that_of_torch_after_every_update(model, data, loss, mean, batch_size):
    setting = SGDConfig(0.1, batch_size, 60, 0.9)
    runs = train(
        model,
        data,
        setting,
        6,
        2,
        dtype="float64",
        loss=loss,
        ema=0.9,
        evaluate_every=1,
        measures={"bias": first_bias},
    )
    x, y = torch.tensor(data.x_train).double(), torch.tensor(data.y_train)
    for r in range(2):
        weight_seed, batch_seed = np.random.SeedSequence(0, spawn_key=(r,)).generate_state(2, np.uint64)
        net = copy.deepcopy(model).double()
        net.load_state_dict(draw_weights(model, int(weight_seed)))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.9))
        for step, batch in enumerate(batch_indices(setting, 6, int(batch_seed))):
            optimizer.zero_grad()
            mean(net(x[batch]), y[batch]).backward()
            optimizer.step()
            average.update_parameters(net)
            with torch.no_grad():
                here = {name: runs[name].values[r, step] for name in runs.data_vars if runs[name].ndim == 2}
                assert here["ema_train_loss"] == pytest.approx(mean(average(x), y).item(), rel=1e-10)
                assert here["train_loss"] == pytest.approx(mean(net(x), y).item(), rel=1e-10)
                norm = nn.utils.parameters_to_vector(average.module.parameters()).norm().item()
                assert here["ema_weight_norm"] == pytest.approx(norm, rel=1e-12)
                assert here["ema_bias"] == pytest.approx(average.module[0].bias[0].item(), rel=1e-10)
    assert runs.attrs["ema"] == 0.9
    assert runs.ema_train_loss.long_name.endswith("L, of the averaged weights")
    assert not np.allclose(runs.ema_train_loss[:, -1], runs.train_loss[:, -1], rtol=1e-3)


@pytest.mark.parametrize("dynamics", names())
def test_the_average_is_of_updates_and_not_of_their_steps_and_leaves_the_run(dynamics):
    """From the weights themselves, as a measure sees them after every update."""
    config = SGDConfig(0.01, 5, 60)
    substeps = 3 if network_dynamics(dynamics, config).divides else 1
    arguments = (TANH, DIGITS, config, 5, 2, dynamics)
    settings = {"substeps": substeps, "dtype": "float64", "evaluate_every": 1, "measures": {"bias": first_bias}}
    plain, found = train(*arguments, **settings), train(*arguments, **settings, ema=0.7)
    assert np.array_equal(plain.train_loss, found.train_loss)
    assert "ema_bias" not in plain
    wanted = plain.bias.values.copy()
    for step in range(1, 5):
        wanted[:, step] = 0.7 * wanted[:, step - 1] + 0.3 * wanted[:, step]
    np.testing.assert_allclose(found.ema_bias, wanted, rtol=1e-12)


def test_without_memory_the_average_is_the_weights():
    runs = train(mlp(64, 6, 10), DIGITS, SGDConfig(0.1, 5, 60), 8, 2, ema=0)
    assert np.array_equal(runs.ema_test_loss, runs.test_loss)


class Cut(Exception):
    pass


@pytest.mark.parametrize("dynamics", ["sgd", "sde"])
def test_the_average_goes_on_to_the_same_bits(dynamics, tmp_path):
    calls = []

    def cut(weights, x, y):
        calls.append(1)
        if len(calls) == 9:
            raise Cut
        return first_bias(weights, x, y)

    substeps = 2 if dynamics == "sde" else 1
    arguments = {"model": mlp(64, 6, 10), "data": DIGITS, "config": SGDConfig(0.1, 5, 60), "updates": 20, "replicas": 2}
    arguments |= {"dynamics": dynamics, "substeps": substeps, "evaluate_every": 3, "ema": 0.9}
    whole = train(**arguments, measures={"bias": first_bias})
    with pytest.raises(Cut):
        train(**arguments, measures={"bias": cut}, checkpoint=tmp_path)
    kept = [np.load(file) for file in tmp_path.glob("group-*.npz")]
    assert any(0 < int(each["marks"]) < 7 and "average/0.bias" in each for each in kept)
    xr.testing.assert_identical(train(**arguments, measures={"bias": first_bias}, checkpoint=tmp_path), whole)
    for other in (0.8, None):
        with pytest.raises(ValueError, match=f"of a run with another ema: 0.9 there, {other} here"):
            train(**arguments | {"ema": other}, measures={"bias": first_bias}, checkpoint=tmp_path)


@every(
    ("changes", "message"),
    [
        ({"ema": 1}, "ema must be a finite real number of at least 0 and below 1, or None for no average, got 1"),
        ({"ema": -0.1}, "ema must be a finite real number .* got -0.1"),
        ({"ema": True}, "ema must be a finite real number .* got True"),
        ({"ema": float("nan")}, "ema must be a finite real number .* got nan"),
        ({"ema": "0.9"}, "ema must be a finite real number .* got '0.9'"),
        ({"ema": 0.9, "measures": {"ema_test_loss": len}}, "not taken already, got 'ema_test_loss'"),
        ({"ema": 0.9, "measures": {"a": len, "ema_a": len}}, "other names than 'ema_a', that of 'a' averaged"),
    ],
)
def test_bad_arguments_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        train(mlp(64, 10), DIGITS, SGDConfig(0.1, 5, 60), 10**9, **changes)
