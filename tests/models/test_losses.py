"""Training on any loss and inputs of any shape, against plain PyTorch; which losses and targets are refused."""

import copy
from itertools import islice

import numpy as np
import pytest
import torch
import xarray as xr
from tables import every
from torch import nn
from torch.nn import functional

from sgdsde.config import SGDConfig
from sgdsde.data import Dataset, digits
from sgdsde.dynamics.course import Course
from sgdsde.models import batch_indices, descent, draw_weights, mlp, per_example_gradients, train, training
from sgdsde.models.dynamics import network_dynamics
from sgdsde.models.losses import checked_loss
from sgdsde.models.networks import weights_of
from sgdsde.models.replicas import Part, stack
from sgdsde.models.spread_noise import _squares_by_autograd
from sgdsde.models.training_plan import groups

pytestmark = [pytest.mark.networks, pytest.mark.usefixtures("one_thread")]


def images(n_train=60, seed=3):
    flat = digits(n_train=n_train, seed=seed)
    x_train, x_test = (x.reshape(-1, 1, 8, 8) for x in (flat.x_train, flat.x_test[:50]))
    return Dataset("images", x_train, flat.y_train, x_test, flat.y_test[:50])


def curve(seed=0, n=60):
    generator = np.random.default_rng(seed)
    x = generator.uniform(-1, 1, (n + 20, 3))
    y = np.stack([np.sin(3 * x[:, 0]), x[:, 1] * x[:, 2]], axis=1) + 0.1 * generator.standard_normal((n + 20, 2))
    return Dataset("curve", x[:n], y[:n], x[n:], y[n:])


def halves(n=60):
    """Labels 0 and 1, inputs (n, 4)."""
    x = np.random.default_rng(1).standard_normal((n + 20, 4))
    y = (x.sum(axis=1) > 0).astype(int)
    return Dataset("halves", x[:n], y[:n], x[n:], y[n:])


def convolution():
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 10))


def huber(outputs, targets):
    return functional.huber_loss(outputs, targets, reduction="none", delta=0.3).mean(1)


#: Model, data, loss, and the same as a mean over a batch in plain torch.
CASES = {
    "mse": (mlp(3, 7, 2), curve(), "mse", functional.mse_loss),
    "images": (convolution(), images(), "cross_entropy", functional.cross_entropy),
    "huber": (mlp(3, 7, 2), curve(), huber, lambda o, t: functional.huber_loss(o, t, delta=0.3)),
    "module": (
        nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)), curve(), nn.CrossEntropyLoss(reduction="none"),
        functional.cross_entropy,  # of probabilities for targets
    ),
    "binary": (
        mlp(4, 6, 1), halves(), "binary_cross_entropy",
        lambda o, t: functional.binary_cross_entropy_with_logits(o[:, 0], t.double()),
    ),
}  # fmt: skip


def tensors(data):
    return [torch.tensor(a).double() if a.dtype.kind == "f" else torch.tensor(a)
            for a in (data.x_train, data.y_train, data.x_test, data.y_test)]  # fmt: skip


def copy_of(model, weights):
    net = copy.deepcopy(model).double()
    net.load_state_dict(weights)
    return net


@pytest.mark.parametrize("case", CASES)
def test_training_is_what_a_plain_torch_loop_does_with_the_same_batches(case):
    model, data, loss, mean = CASES[case]
    setting = SGDConfig(0.1, 6, 60, 0.9)
    runs = train(model, data, setting, 40, 2, seed=4, dtype="float64", loss=loss, evaluate_every=20)
    x, y, x_test, y_test = tensors(data)
    for r in range(2):
        weight_seed, batch_seed = np.random.SeedSequence(4, spawn_key=(r,)).generate_state(2, np.uint64)
        net = copy_of(model, draw_weights(model, int(weight_seed)))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        for batch in batch_indices(setting, 40, int(batch_seed)):
            optimizer.zero_grad()
            mean(net(x[batch]), y[batch]).backward()
            optimizer.step()
        with torch.no_grad():
            assert runs.train_loss[r, -1].item() == pytest.approx(mean(net(x), y).item(), rel=1e-10)
            assert runs.test_loss[r, -1].item() == pytest.approx(mean(net(x_test), y_test).item(), rel=1e-10)
            if "test_accuracy" in runs:
                outputs = net(x_test)
                found = outputs.argmax(1) if outputs.shape[1] > 1 else outputs[:, 0] > 0
                assert runs.test_accuracy[r, -1].item() == (found == y_test).double().mean().item()
    assert ("test_accuracy" in runs) == (case in ("images", "binary"))
    assert (runs.train_loss[:, 1] < runs.train_loss[:, 0]).all()


@pytest.mark.parametrize(
    ("dynamics", "m", "l"), [("noisy_gd", 0.5, 1), ("svag", 0, 3), ("sde", 0.5, 3), ("momentum_sde", 0.5, 3)]
)
@pytest.mark.parametrize("case", ["images", "huber"])
def test_every_dynamics_is_a_plain_loop_of_weighted_losses(case, dynamics, m, l):  # noqa: E741
    model, data, loss, _ = CASES[case]
    setting = SGDConfig(0.05, 6, 60, m)
    course = Course(setting, l, driver=None if dynamics == "svag" else "brownian")
    kind = network_dynamics(dynamics, setting, substeps=l)
    runs = train(model, data, setting, 5, 1, dynamics, dtype="float64", loss=loss, substeps=l)
    weight_seed, noise_seed = np.random.SeedSequence(0, spawn_key=(0,)).generate_state(2, np.uint64)
    net, (x, y, *_) = copy_of(model, draw_weights(model, int(weight_seed))), tensors(data)
    weights, per_example = list(net.parameters()), checked_loss(loss).per_example
    velocity = [torch.zeros_like(w) for w in weights]
    steps = kind.stream(course, np.random.default_rng(int(noise_seed)), 0)
    for (indices, a), (momentum, _) in islice(zip(steps, kind.kicks(course), strict=False), 5 * l):
        chosen = slice(None) if indices is None else torch.from_numpy(indices)
        weighted = torch.from_numpy(a) @ per_example(net(x[chosen]), y[chosen])
        slopes = torch.autograd.grad(weighted, weights)
        velocity = [momentum * v - g for v, g in zip(velocity, slopes, strict=True)]
        with torch.no_grad():
            for w, v in zip(weights, velocity, strict=True):
                w.add_(v)
    assert runs.train_loss.item() == pytest.approx(per_example(net(x), y).mean().item(), rel=1e-10)
    norm = nn.utils.parameters_to_vector(weights).norm().item()
    assert runs.weight_norm.item() == pytest.approx(norm, rel=1e-12)


@pytest.mark.parametrize("case", ["mse", "images"])
def test_rules_of_other_optimisers_take_any_loss(case):
    model, data, loss, mean = CASES[case]
    setting = SGDConfig(0.01, 6, 60)
    runs = train(model, data, setting, 30, 1, "adam", dtype="float64", loss=loss)
    weight_seed, batch_seed = np.random.SeedSequence(0, spawn_key=(0,)).generate_state(2, np.uint64)
    net, (x, y, *_) = copy_of(model, draw_weights(model, int(weight_seed))), tensors(data)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for batch in batch_indices(setting, 30, int(batch_seed)):
        optimizer.zero_grad()
        mean(net(x[batch]), y[batch]).backward()
        optimizer.step()
    assert runs.train_loss.item() == pytest.approx(mean(net(x), y).item(), rel=1e-10)


@pytest.mark.parametrize("case", ["mse", "images"])
def test_noise_with_the_diagonal_of_f_has_that_of_the_loss(case):
    model, data, loss, _ = CASES[case]
    net, (x, y, *_) = copy.deepcopy(model).double(), tensors(data)
    weights = stack([weights_of(net)], torch.device("cpu"), torch.float64)
    parts = list(_squares_by_autograd(net, checked_loss(loss))(weights, Part(x, y)))
    found = torch.cat([sum(part[name] for part in parts).flatten() for name in weights])
    gradients = torch.cat(list(per_example_gradients(net, (x, y), loss=loss)))
    torch.testing.assert_close(found, gradients.square().sum(0), rtol=1e-10, atol=1e-12)


def test_named_losses_of_a_relu_network_go_by_hand(monkeypatch):
    """And with an average one update at a time."""
    calls, original = [], descent.descend_by_hand

    def counted(loss, weights, velocity, x, y, a, momentum):
        calls.append(x.shape[1])
        original(loss, weights, velocity, x, y, a, momentum)

    monkeypatch.setattr(descent, "descend_by_hand", counted)
    flat = digits(n_train=60)
    arguments = (mlp(64, 5, 10), flat, SGDConfig(0.1, 6, 60), 42)
    train(*arguments)
    assert calls == [21, 21]
    train(*arguments, ema=0.9)
    assert calls[2:] == [1] * 42
    train(*arguments, loss=nn.CrossEntropyLoss(reduction="none"))
    assert len(calls) == 44
    train(mlp(3, 5, 2), curve(), SGDConfig(0.1, 6, 60), 42, loss="mse")
    assert calls[44:] == [21, 21]


def with_targets(data, y_train):
    return Dataset("others", data.x_train, y_train, data.x_test, data.y_test)


@pytest.mark.parametrize(
    ("dynamics", "noise"), [("sgd", None), ("noisy_gd", None), ("adam", None), ("sgd", "diagonal")]
)
@pytest.mark.parametrize(
    ("case", "sets"),
    [
        ("images", [images(), images(seed=4)]),
        ("mse", [curve(), curve(1)]),
        ("mse", [curve(), with_targets(curve(), curve(1).y_train)]),  # the inputs are shared, the targets are not
        ("binary", [halves(), with_targets(halves(), 1 - halves().y_train)]),
    ],
)
def test_replicas_with_data_of_their_own_go_together_as_alone(case, sets, dynamics, noise, monkeypatch):
    model, _, loss, _ = CASES[case]
    arguments = (model, sets, SGDConfig(0.1, 6, 60, 0.5 if dynamics != "adam" else 0.0), 3, 2, dynamics)
    settings = {"dtype": "float64", "loss": loss, "ema": 0.9, "noise": noise}
    alone = train(*arguments, **settings)
    monkeypatch.setattr(training, "groups", lambda moving, device: groups(moving, torch.device("cuda")))
    together = train(*arguments, **settings)
    for name in ("train_loss", "test_loss", "weight_norm", "ema_train_loss"):
        np.testing.assert_allclose(together[name], alone[name], rtol=1e-10)
    assert alone.train_loss[0] != alone.train_loss[1]


def test_what_does_not_apply_is_left_out_and_the_loss_is_recorded():
    runs = train(mlp(3, 2), curve(), SGDConfig(0.1, 6, 60), 3, loss="mse", measures={"accuracy": lambda w, x, y: 1})
    assert list(runs.data_vars) == ["test_loss", "train_loss", "weight_norm", "accuracy", "diverged"]
    assert runs.attrs["loss"] == "mse"
    assert runs.train_loss.long_name == "mean squared error on the whole training set, L"
    own = train(mlp(3, 2), curve(), SGDConfig(0.1, 6, 60), 3, loss=huber)
    assert own.attrs["loss"] == "huber"
    assert train(mlp(3, 2), curve(), SGDConfig(0.1, 6, 60), 1, loss=nn.CrossEntropyLoss(reduction="none")).attrs[
        "loss"
    ] == ("CrossEntropyLoss()")


def test_a_regression_that_diverges_is_marked():
    with pytest.warns(RuntimeWarning, match="2 of 2 replicas diverged"):
        runs = train(mlp(3, 7, 2), curve(), SGDConfig(1e9, 6, 60), 40, 2, loss="mse")
    assert runs.diverged.all()
    assert runs.train_loss.isnull().all()


def test_a_run_on_images_goes_on_to_the_same_bits(tmp_path):
    """Stopped by a measure that raises, as an interruption would."""
    calls = []

    def cut(weights, x, y):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return float(y.sum())

    arguments = (convolution(), images(), SGDConfig(0.1, 6, 60, 0.9), 12, 2)
    whole = train(*arguments, evaluate_every=2, measures={"cut": lambda w, x, y: float(y.sum())})
    with pytest.raises(KeyboardInterrupt):
        train(*arguments, evaluate_every=2, measures={"cut": cut}, checkpoint=tmp_path)
    again = train(*arguments, evaluate_every=2, measures={"cut": cut}, checkpoint=tmp_path)
    xr.testing.assert_identical(again, whole)
    with pytest.raises(ValueError, match=r"of a run with another loss: 'cross_entropy' there, '.*<lambda>' here"):
        train(
            *arguments, evaluate_every=2, measures={"cut": cut}, checkpoint=tmp_path,
            loss=lambda o, t: functional.cross_entropy(o, t, reduction="none"),
        )  # fmt: skip


def random_loss(outputs, targets):
    return (outputs - targets).square().mean(1) + 0 * torch.rand(len(outputs))


def by_calls(outputs, targets, seen=[]):  # noqa: B006
    seen.append(1)
    return (outputs - targets).square().mean(1) + len(seen)


def in_place(outputs, targets):
    return targets.sub_(outputs.detach()).square().mean(1) + outputs.mean(1)


def branching(outputs, targets):
    difference = outputs - targets
    return difference.abs().mean(1) if float(difference.detach().abs().max()) > 1 else difference.square().mean(1)


NO_LOSS = {
    "a scalar": (nn.MSELoss(), r"loss must give a number for each example, \(4,\), got \(\): .* reduction='none'"),
    "a table": (nn.MSELoss(reduction="none"), r"got \(4, 2\): take the mean over the other axes, losses\.flatten"),
    "a column": (lambda o, t: (o - t).square().mean(1, keepdim=True), r"got \(4, 1\): take the mean over"),
    "a float": (lambda o, t: 1.0, r"\(4,\), got float"),
    "whole numbers": (lambda o, t: (o.argmax(1) == t.argmax(1)).long(), r"\(4,\), got torch.int64"),
    "batch mean": (lambda o, t: (o - o.mean(0) - t).square().mean(1), "each example by itself, but that of example 0"),
    "batch size": (lambda o, t: (o - t).square().mean(1) / len(o), "example 0 of 4 depends on the others: .* alone"),
    "targets' mean": (lambda o, t: (o - t.mean()).square().mean(1), "depends on the others"),
    "random": (random_loss, "the same for the same outputs and targets, and draw no random numbers"),
    "counting": (by_calls, "loss must be the same for the same outputs"),
    "in place": (in_place, "loss must leave its targets as they are"),
    "detached": (lambda o, t: (o - t).detach().square().mean(1), "loss must be differentiable by the outputs"),
    "branch on numbers": (branching, "for one replica beside the other, by torch.func.vmap, torch says: vmap"),
    "another shape": (lambda o, t: o.mean(1) @ torch.ones(9), r"accept outputs \(n, 2\) and targets \(n, 2\) of float"),
    "one argument": (lambda o: o.mean(1), r"loss must accept outputs \(n, 2\) .* TypeError: .* takes 1 positional"),
    "a name": ("l1", "loss must be one of binary_cross_entropy, cross_entropy, mse, or a function .* got 'l1'"),
    "a class": (nn.HuberLoss, r"loss must be an object of the class, HuberLoss\(…\), got"),
    "none": (None, "or a function of .* got None"),
    "with weights": (nn.Linear(2, 2), "loss must have no parameters, as they would not be trained, got weight, bias"),
}  # fmt: skip
DOORS = {
    "train": lambda model, data, loss: train(model, data, SGDConfig(0.1, 6, 60), 10**9, loss=loss),
    "per_example_gradients": lambda model, data, loss: per_example_gradients(model, data, loss=loss),
}


@every("door", DOORS)
@every("name", NO_LOSS)
def test_what_is_no_loss_of_single_examples_is_refused_before_any_work(name, door):
    loss, message = NO_LOSS[name]
    before = torch.get_rng_state()
    with pytest.raises(ValueError, match=message):
        DOORS[door](mlp(3, 7, 2).double(), curve(), loss)
    assert torch.equal(before, torch.get_rng_state())


def test_examples_that_are_tried_are_from_all_of_the_data():
    """The first targets are equal, so that their mean is theirs."""
    x, y = np.linspace(-1, 1, 60)[:, None], np.repeat([0.0, 1.0], 30)[:, None]
    with pytest.raises(ValueError, match="depends on the others"):
        train(
            mlp(1, 5, 1), Dataset("steps", x, y, x, y), SGDConfig(0.1, 6, 60), 10,
            loss=lambda o, t: (o - t.mean()).square().mean(1),
        )  # fmt: skip


REAL = curve()
NO_TARGETS = {
    "class numbers": (halves(), mlp(4, 1), "mse", r"y_train of halves must be real .* y\.astype\(float\), got int64"),
    "fractions": (REAL, mlp(3, 2), "cross_entropy", r"y_train of curve must be one class number .* got \(60, 2\)"),
    "one fraction": (
        Dataset("d", REAL.x_train, REAL.y_train[:, 0], REAL.x_test, REAL.y_test[:, 0]), mlp(3, 2), "cross_entropy",
        r"y_train of d must be class numbers 0, 1, …, got .* at \[0\]; for real numbers there is loss='mse'",
    ),
    "no column": (
        Dataset("d", REAL.x_train, REAL.y_train[:, 0], REAL.x_test, REAL.y_test[:, 0]), mlp(3, 1), "mse",
        r"targets' shape \(n,\) for d, got \(n, 1\); hand in targets\[:, None\]",
    ),
    "too few outputs": (REAL, mlp(3, 1), "mse", r"outputs of the targets' shape \(n, 2\) for curve, got \(n, 1\)"),
    "ten classes": (
        images(), nn.Sequential(nn.Flatten(), nn.Linear(64, 1)), "binary_cross_entropy", "labels 0 and 1 .* got 9",
    ),
    "two logits": (halves(), mlp(4, 2), "binary_cross_entropy", r"shape \(n,\) or \(n, 1\) for .*, got \(n, 2\)"),
    "negative": (
        Dataset("d", REAL.x_train, np.full(60, -1), REAL.x_test, np.zeros(20, int)), mlp(3, 2), "cross_entropy",
        r"y_train of d must be class numbers 0, 1, …, got -1 at \[0\]",
    ),
    "too large": (
        Dataset("d", REAL.x_train, REAL.y_train, REAL.x_test, np.full((20, 2), 1e300)), mlp(3, 2), "mse",
        r"y_test of d must be finite in float32, got 1e\+300 at \[0, 0\]",
    ),
}  # fmt: skip


@every("name", NO_TARGETS)
def test_targets_that_do_not_fit_are_refused_before_any_work(name):
    data, model, loss, message = NO_TARGETS[name]
    with pytest.raises(ValueError, match=message):
        train(model, data, SGDConfig(0.1, 6, 60), 10**9, loss=loss)


def test_whole_floats_are_class_numbers_for_cross_entropy():
    data = images()
    floats = Dataset("images", data.x_train, data.y_train[:, None] * 1.0, data.x_test, data.y_test[:, None] * 1.0)
    found = [train(convolution(), d, SGDConfig(0.1, 6, 60), 3).drop_attrs() for d in (data, floats)]
    xr.testing.assert_identical(*found)
