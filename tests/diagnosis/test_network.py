"""Networks: F and H as measured, single examples along sharp directions, and what the kept claims found."""

import copy
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from tables import every

import sgdsde as sg
from sgdsde.data import digits
from sgdsde.diagnosis import diagnose
from sgdsde.models import mean_hessian, mlp, noise_covariance, top_eigenpairs
from sgdsde.models.along_directions import along_directions, at_weights, displaced
from sgdsde.theory import stationary_variance

pytestmark = pytest.mark.networks

RESULTS = Path(__file__).parents[2] / "validation" / "results"
DIGITS = digits(n_train=60, seed=3)
MODEL = mlp(64, 8, 10, seed=1)
CONFIG = sg.SGDConfig(0.1, 10, 60)


@pytest.fixture(scope="module")
def trained():
    return descended(MODEL, DIGITS, sg.SGDConfig(0.5, 60, 60), 300)


def descended(model, data, config, updates):
    """The weights of a model after so many updates."""
    kept = {}

    def keep(weights, x, y):
        kept.update({name: values.clone() for name, values in weights.items()})
        return 0.0

    sg.models.train(model, data, config, updates, initialization="shared", measures={"kept": keep})
    return kept


def test_slopes_and_curvatures_are_those_of_the_whole_hessian(trained):
    network = at_weights(MODEL, trained)
    F, H = noise_covariance(network, DIGITS), mean_hessian(network, DIGITS)
    u = np.linalg.qr(np.random.default_rng(0).standard_normal((F.n_parameters, 2)))[0]
    slopes, curvatures = along_directions(F.losses, u)
    assert np.allclose(slopes.mean(axis=0), F.mean_gradient @ u)
    assert np.allclose(slopes.var(axis=0, ddof=1), F.variances(u))
    assert np.allclose(curvatures.mean(axis=0), np.einsum("pk,pk->k", u, H.product(u)))
    one = noise_covariance(network, (DIGITS.x_train[:2], DIGITS.y_train[:2]))
    first = mean_hessian(network, (DIGITS.x_train[:1], DIGITS.y_train[:1]))
    assert np.allclose(along_directions(one.losses, u)[1][0], np.einsum("pk,pk->k", u, first.product(u)))


def test_the_variance_is_the_integral_over_the_whole_spectrum(trained):
    """With as many Lanczos steps and probes as it takes, against all eigenpairs of H."""
    network = at_weights(MODEL, trained)
    F, H = noise_covariance(network, DIGITS), mean_hessian(network, DIGITS)
    h, modes = np.linalg.eigh(H.product(np.eye(F.n_parameters)))
    noise = F.variances(modes)
    length = 10 * 6
    flattest = 1 / (2 * CONFIG.mean_loss_time_per_update * length)
    exact = {
        name: float((noise * stationary_variance(np.maximum(h, flattest), 1.0, CONFIG, name)).sum())
        for name in ("sde", "sgd")
    }
    found = diagnose(CONFIG, (MODEL, DIGITS), weights=trained, probes=12, steps=25)
    assert found.sde_variance == pytest.approx(exact["sde"], rel=0.15)
    assert found.error == pytest.approx(exact["sde"] / exact["sgd"] - 1, rel=0.15)
    few = diagnose(CONFIG, (MODEL, DIGITS), weights=trained)
    assert few.error == pytest.approx(found.error, rel=0.5)


def test_the_sharpest_direction_is_found(trained):
    top = top_eigenpairs(mean_hessian(at_weights(MODEL, trained), DIGITS), 1).values[0]
    limit = 2 / top
    below, above = (diagnose(sg.SGDConfig(part * limit, 10, 60), (MODEL, DIGITS), weights=trained)
                    for part in (0.05, 1.1))  # fmt: skip
    assert below["finite ε"].verdict != "unstable"
    assert above.verdict == "unstable"


def test_progress_is_told_and_nothing_is_changed(trained):
    told, before = [], copy.deepcopy(MODEL.state_dict())
    diagnose(CONFIG, (MODEL, DIGITS), weights=trained, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert all(torch.equal(values, before[name]) for name, values in MODEL.state_dict().items())


def test_losses_and_claims_of_networks():
    x = np.linspace(-1, 1, 40)[:, None]
    wave = sg.data.Dataset("wave", x, np.sin(4 * x), x, np.sin(4 * x))
    found = diagnose(sg.SGDConfig(0.01, 5, 40), (mlp(1, 8, 1), wave), loss="mse")
    assert found["finite ε"].claim == "mnist_sde"
    assert "outside the bowl" not in [each.name for each in found.effects]


def test_displaced_weights_are_moved():
    away = np.arange(MODEL[0].weight.numel() * 1.0 + sum(p.numel() for p in MODEL.parameters()) - 512)
    moved = displaced(MODEL, away)
    assert torch.allclose(moved[0].weight - MODEL[0].weight, torch.arange(512.0).reshape(8, 64), atol=1e-4)


@every(
    ("change", "message"),
    [
        ({"weights": {}}, "weights must have '0.weight' of the model"),
        ({"weights": [1.0]}, "weights must be a mapping"),
        (
            {"weights": {name: w[:1] for name, w in MODEL.state_dict().items()}},
            r"must have the model's shape \(8, 64\)",
        ),
        ({"config": sg.SGDConfig(0.1, 10, 50)}, "n_examples must be the number of training examples, 60"),
        ({"w0": 0.0}, "w0 must be left out for a network"),
        ({"probes": 0}, "probes must be an integer"),
        ({"steps": 1}, "steps must be an integer"),
        ({"updates": 0}, "updates must be an integer"),
        ({"loss": "hinge"}, "loss must be"),
    ],
)
def test_bad_arguments_are_refused_by_name(change, message):
    good = {"config": CONFIG, "landscape": (MODEL, DIGITS)}
    with pytest.raises(ValueError, match=message):
        diagnose(**good | change)


def test_without_positive_curvature_there_is_no_well():
    flat = torch.nn.Linear(2, 1, bias=False)
    data = (torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), torch.tensor([[0.0], [1.0], [0.5]]))
    with pytest.raises(ValueError, match="ω escapes in every direction"):
        diagnose(sg.SGDConfig(0.1, 1, 3), (flat, data), loss=lambda out, y: -((out - y) ** 2).mean(dim=1))


def kept(name):
    """Verdicts of a claim's checks, by their labels, from what is kept of its reported run."""
    return {each["label"]: each["verdict"] for each in json.loads((RESULTS / f"{name}.json").read_text())["checks"]}


@pytest.mark.skipif("SGDSDE_DATA_DIR" not in os.environ, reason="SGDSDE_DATA_DIR is not set")
def test_mnist_agrees_with_the_claim_on_learning_rates():
    """`mnist_sde`: the SDE at ε = 0.05, B = 3 within a quarter of what noise does; at ε = 1, B = 60 not."""
    checks = kept("mnist_sde")
    assert checks["training loss above gradient descent's, SDE against SGD, T = 3"] == "agrees"
    assert checks["training loss above gradient descent's, SGD at ε = 1 against SDE, T = 3"] == "differs"
    for seed in (11, 12):
        data, model = sg.data.mnist(n_train=64, n_test=10, seed=seed), mlp(784, 200, 10, seed=seed)
        weights = descended(model, data, sg.SGDConfig(0.05, 64, 64), 60)
        small, large = (
            diagnose(sg.SGDConfig(rate, batch, 64, sampling="with_replacement"), (model, data), weights=weights,
                     updates=round(3 / rate))
            for rate, batch in ((0.05, 3), (1.0, 60))
        )  # fmt: skip
        assert small.verdict in ("negligible", "matters")
        assert abs(small.largest) < 0.25
        assert large.verdict in ("breaks down", "unstable")


@pytest.mark.skipif("SGDSDE_DATA_DIR" not in os.environ, reason="SGDSDE_DATA_DIR is not set")
def test_mnist_agrees_with_the_claims_on_reshuffling():
    """`reshuffling_repaired` and `mnist_sde_reshuffled`: independent batches are too wide, bridges are right."""
    network, bowls = kept("mnist_sde_reshuffled"), kept("reshuffling_repaired")
    spread = "spread of weights, Tr Cov(ω), SGD at ε = 0.05 against {}, 50 units, s = 0 to 30, ε/B = 1/400"
    assert network[spread.format("independent batches")] == "differs"
    assert network[spread.format("SDE")] != "differs"
    assert bowls["(SDE ÷ SGD − 1) / εh, εhN/B = 1.6, N/B = 16, m = 0"] == "agrees"
    data, model = sg.data.mnist(n_train=1000, n_test=10, seed=11), mlp(784, 50, 10, seed=11)
    weights = descended(model, data, sg.SGDConfig(0.05, 1000, 1000), 300)
    config = sg.SGDConfig(0.05, 20, 1000, sampling="reshuffle")
    found = diagnose(config, (model, data), weights=weights, updates=600)
    assert found["reshuffling"].verdict == "breaks down"
    assert found.error > 0.25
    assert found.best == 'driver="epoched"'
    largest = 0.05 * float(found.where.split(" to ")[1].split(";")[0])
    assert abs(found.others[found.best]) < 3 * largest  # the bar of `reshuffling_repaired`: 3 εh
