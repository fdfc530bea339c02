import os
import warnings

import numpy as np
import pytest
import torch
import xarray as xr
from tables import every
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from sgdsde.config import SAMPLINGS, SGDConfig
from sgdsde.data import Dataset, digits, mnist
from sgdsde.models import LinearRegression, batch_indices, draw_weights, mlp, sgd_on_regression, train
from sgdsde.models.dynamics import names

pytestmark = pytest.mark.networks

DIGITS = digits(n_train=200, seed=3)


def config(b=10, n=200, rate=0.1, m=0.9, sampling="without_replacement"):
    return SGDConfig(learning_rate=rate, batch_size=b, n_examples=n, momentum=m, sampling=sampling)


def plain_torch(setting, updates, seed, replica, data):
    """The same run, written as anyone would: one network, autograd, torch.optim.SGD. Returns the network."""
    weight_seed, batch_seed = np.random.SeedSequence(seed, spawn_key=(replica,)).generate_state(2, np.uint64)
    net = mlp(64, 16, 10).double()
    net.load_state_dict(draw_weights(mlp(64, 16, 10), int(weight_seed)))
    optimizer = torch.optim.SGD(net.parameters(), lr=setting.learning_rate, momentum=setting.momentum)
    x, y = torch.tensor(data.x_train).double(), torch.tensor(data.y_train)
    for batch in batch_indices(setting, updates, int(batch_seed)):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
        optimizer.step()
    return net


@pytest.mark.parametrize("sampling", sorted(SAMPLINGS))
def test_training_is_what_a_plain_torch_loop_does(sampling):
    setting = config(sampling=sampling)
    runs = train(mlp(64, 16, 10), DIGITS, setting, updates=50, replicas=2, seed=4, dtype="float64")
    for r in range(2):
        net = plain_torch(setting, 50, 4, r, DIGITS)
        with torch.no_grad():
            for part, x, y in (("train", DIGITS.x_train, DIGITS.y_train), ("test", DIGITS.x_test, DIGITS.y_test)):
                logits, labels = net(torch.tensor(x).double()), torch.tensor(y)
                loss = nn.functional.cross_entropy(logits, labels).item()
                assert runs[f"{part}_loss"][r, -1].item() == pytest.approx(loss, rel=1e-9)
                assert runs[f"{part}_accuracy"][r, -1].item() == (logits.argmax(1) == labels).double().mean().item()


def test_heavy_ball_against_two_updates_worked_out_by_hand():
    """One input, two classes, one example x = 1 of class 0 (twice, so that N = 2): softmax regression from zero."""
    x, y = np.ones((2, 1), dtype=np.float32), np.zeros(2, dtype=np.int64)
    data = Dataset("one", x, y, x, y, image_shape=(1, 1), provenance="by hand")
    model = nn.Linear(1, 2, bias=False)
    nn.init.zeros_(model.weight)
    rate, m = 0.5, 0.9
    setting = SGDConfig(rate, batch_size=1, n_examples=2, momentum=m)
    runs = train(model, data, setting, updates=2, initialization="shared", dtype="float64", evaluate_every=1)
    v1 = rate * 0.5  # class 0 has probability 1/2, its gradient is −1/2
    loss1 = np.log1p(np.exp(-2 * v1))
    v2 = m * v1 + rate * (1 - np.exp(-loss1))
    loss2 = np.log1p(np.exp(-2 * (v1 + v2)))
    assert runs.train_loss.values[0] == pytest.approx([loss1, loss2], rel=1e-12)


def test_a_replica_does_not_depend_on_how_many_there_are():
    arguments = (mlp(64, 16, 10), DIGITS, config(), 60)
    few, many = train(*arguments, replicas=1, seed=2), train(*arguments, replicas=4, seed=2)
    xr.testing.assert_identical(few.drop_attrs(), many.isel(replica=[0]).drop_attrs())
    assert len(np.unique(many.test_loss)) == 4
    assert not np.array_equal(few.test_loss, train(*arguments, seed=3).test_loss)


def test_evaluating_more_often_changes_nothing():
    rarely = train(mlp(64, 16, 10), DIGITS, config(), 50, seed=2, dtype="float64")
    often = train(mlp(64, 16, 10), DIGITS, config(), 50, seed=2, dtype="float64", evaluate_every=17)
    assert often.step.values.tolist() == [17, 34, 50]
    assert often.time.values == pytest.approx(often.step.values * 0.1 / (200 * (1 - 0.9)))
    xr.testing.assert_allclose(rarely, often.isel(step=[-1]), rtol=1e-10)
    chosen = train(mlp(64, 16, 10), DIGITS, config(), 50, seed=2, dtype="float64", evaluate_every=(17, 40))
    assert chosen.step.values.tolist() == [17, 40, 50]
    xr.testing.assert_allclose(often.isel(step=[0, 2]), chosen.isel(step=[0, 2]), rtol=1e-10)


def test_shared_replicas_start_alike_from_the_models_own_weights_which_stay():
    model = mlp(64, 16, 10, seed=9)
    before = [p.detach().clone() for p in model.parameters()]
    whole_batch = config(b=200)
    shared = train(model, DIGITS, whole_batch, 20, replicas=3, initialization="shared", dtype="float64")
    own = train(model, DIGITS, whole_batch, 20, replicas=3, initialization="independent", dtype="float64")
    assert np.ptp(shared.train_loss.values) < 1e-12  # the whole batch leaves no noise
    assert np.ptp(own.train_loss.values) > 1e-6
    assert all(torch.equal(p, q) for p, q in zip(before, model.parameters(), strict=True))
    assert all(p.grad is None for p in model.parameters())


def test_one_data_set_per_replica():
    sets = [digits(n_train=200, seed=s) for s in (1, 2)]
    both = train(mlp(64, 16, 10), sets, config(), 40, replicas=2)
    for r, data in enumerate(sets):
        alone = train(mlp(64, 16, 10), data, config(), 40, replicas=2)
        xr.testing.assert_identical(both.isel(replica=r).drop_attrs(), alone.isel(replica=r).drop_attrs())
    assert not np.array_equal(both.test_loss, alone.test_loss)


def test_any_module_trains():
    convolution = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, 10)
    )
    runs = train(convolution, DIGITS, config(b=20), updates=200, replicas=2)
    assert (runs.test_accuracy > 0.8).all()
    assert (runs.train_loss < 0.5).all()


def test_a_diverged_replica_is_marked_counted_and_left_out():
    wild = Dataset(**{**vars(DIGITS), "x_train": DIGITS.x_train * np.float32(1e25)})
    with pytest.warns(RuntimeWarning, match="1 of 2 replicas diverged"):
        runs = train(mlp(64, 16, 10), [wild, DIGITS], config(), 40, replicas=2, evaluate_every=20)
    assert runs.diverged.values.tolist() == [True, False]
    assert runs.test_accuracy.isnull().values.tolist() == [[True, True], [False, False]]
    alone = train(mlp(64, 16, 10), DIGITS, config(), 40, replicas=2, evaluate_every=20)
    assert np.array_equal(runs.test_loss[1], alone.test_loss[1])


def test_no_name_of_the_results_hides_a_method_of_xarrays():
    runs = train(mlp(64, 10), DIGITS, [config(), config(b=20)], 4, 2, evaluate_every=2)
    regression = LinearRegression.gaussian(3)
    settled = sgd_on_regression(regression, SGDConfig(0.1, 4, 64), 20, 4, covariance_groups=2)
    assert runs.step.values.tolist() == [2, 4]
    for found in (runs, settled):
        names = [str(name) for name in (*found.variables, *found.dims)]
        assert not [name for name in names if hasattr(xr.Dataset, name)]


def test_provenance_survives_a_file(tmp_path):
    runs = train(mlp(64, 16, 10), DIGITS, config(), 10, replicas=2, seed=7)
    assert all(isinstance(v, (str, int, float)) for v in runs.attrs.values())
    wanted = {"learning_rate": 0.1, "batch_size": 10, "sampling": "without_replacement", "seed": 7, "device": "cpu"}
    assert wanted.items() <= runs.attrs.items()
    assert DIGITS.provenance in runs.attrs["data"]
    assert runs.attrs["torch_version"] == torch.__version__
    runs.to_netcdf(tmp_path / "runs.nc", engine="scipy")
    with xr.open_dataset(tmp_path / "runs.nc", engine="scipy") as back:
        assert np.array_equal(back.test_loss, runs.test_loss)
        assert back.attrs["model"] == runs.attrs["model"]


def test_global_generators_are_left_as_they_were():
    torch.manual_seed(1)
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    train(mlp(64, 4, 10), DIGITS, config(), 3)
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(numpy_before, np.random.get_state()[1])  # noqa: NPY002


TENSORS = TensorDataset(torch.tensor(DIGITS.x_train), torch.tensor(DIGITS.y_train))
HUGE = Dataset(
    "huge", DIGITS.x_train, DIGITS.y_train, np.where(np.arange(64 * 9).reshape(9, 64) == 197, -1e300, 0), [0] * 9
)


class Silent(nn.Linear):
    def forward(self, x):
        return super().forward(x)[:, 0]


@every(
    ("changes", "message"),
    [
        ({"updates": 0}, "updates must be an integer of at least 1, got 0"),
        ({"updates": 1.5}, "updates must be an integer of at least 1"),
        ({"replicas": 0}, "replicas must be an integer of at least 1"),
        ({"evaluate_every": 0}, "evaluate_every must be an integer of at least 1"),
        ({"evaluate_every": []}, "increasing ones up to updates = 1000000000, got \\[\\]"),
        ({"evaluate_every": [2, 1]}, "increasing ones up to updates = 1000000000, got \\[2, 1\\]"),
        ({"evaluate_every": [2, 10**9 + 1]}, "increasing ones up to updates = 1000000000, got"),
        ({"evaluate_every": [1, 2.5]}, "evaluate_every must be an integer"),
        ({"evaluate_every": "12"}, "evaluate_every must be an integer"),
        ({"seed": -1}, "seed must be an integer of at least 0"),
        ({"dynamics": "svag?"}, f"dynamics must be one of {', '.join(names())}, got 'svag\\?'"),
        ({"initialization": "zero"}, "initialization must be one of independent, shared, got 'zero'"),
        ({"dtype": "float16"}, "dtype must be one of float32, float64, got 'float16'"),
        ({"device": "cuda:99"}, "device must be .* got 'cuda:99'"),
        ({"device": "abacus"}, "device must be .* got 'abacus'"),
        ({"config": config(n=201)}, "n_examples must be the number of training examples, 200 in digits, got 201"),
        ({"data": [DIGITS]}, "data must be one Dataset or one per replica, 2, got 1"),
        (
            {"data": (DIGITS.x_train, DIGITS.y_train)},
            r"data must be a Dataset .* a tuple of ndarray: .* for testing too",
        ),
        ({"data": TENSORS}, r"got a TensorDataset: make one by sgdsde\.data\.Dataset\(name, x_train, y_train, x_test"),
        ({"data": DataLoader(TENSORS)}, "data must be a Dataset .* got a DataLoader"),
        ({"data": torch.zeros(200, 64)}, r"data must be a Dataset .* got a Tensor \(200, 64\)"),
        ({"data": "digits"}, "data must be a Dataset .* got a str"),
        ({"data": None}, "data must be a Dataset .* got a NoneType"),
        ({"data": []}, "data must be a Dataset .* got an empty list"),
        ({"data": HUGE}, r"x_test of huge must be finite in float32, got -1e\+300 at \[3, 5\]"),
        ({"device": "meta"}, "device must be one that torch can use here, such as 'cpu', got 'meta': "),
        ({"device": torch.device("meta")}, "device must be one that torch can use here"),
        ({"dynamics": ["sgd"]}, r"dynamics must be one of .* got \['sgd'\]"),
        ({"model": "mlp"}, "model must be a torch.nn.Module"),
        (
            {"model": mlp(63, 10)},
            r"shape \(n, 64\) of float32, as digits has: its Linear at 0 .* takes \(n, …, 63\)",
        ),
        ({"model": mlp(64, 9)}, r"model must give logits of shape \(n, classes ≥ 10\) for digits, got \(n, 9\)"),
        ({"model": Silent(64, 10)}, "model must give logits"),
        ({"model": nn.Flatten()}, "model must have parameters"),
        ({"model": nn.Sequential(nn.BatchNorm1d(64), nn.Linear(64, 10))}, "BatchNorm1d"),
        ({"model": nn.Sequential(nn.Dropout(), nn.Linear(64, 10))}, "Dropout"),
    ],
)
def test_bad_arguments_are_refused_before_anything_runs(changes, message):
    good = {"model": mlp(64, 4, 10), "data": DIGITS, "config": config(), "updates": 10**9, "replicas": 2}
    with pytest.raises(ValueError, match=message) as refused:
        train(**good | changes)
    assert len(str(refused.value)) < 700


@pytest.mark.skipif("SGDSDE_DATA_DIR" not in os.environ, reason="SGDSDE_DATA_DIR is not set")
def test_mnist_is_learned_at_a_good_batch_size_and_not_at_a_bad_one():
    """The check that the real thing works. Over 8 seeds: 0.869 to 0.878, and 0.09 to 0.12."""
    data, model = mnist(n_train=500, n_test=2000, seed=11), mlp(784, 100, 10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        good = train(model, data, config(64, n=500, rate=0.1), 200, replicas=2, seed=1)
        bad = train(model, data, config(1, n=500, rate=0.4), 200, replicas=2, seed=1)
    assert (good.test_accuracy > 0.83).all()
    assert (bad.test_accuracy.fillna(0.1) < 0.5).all()


def test_dtypes_and_numbers_are_taken_as_simulate_takes_them():
    config = SGDConfig(0.1, 10, DIGITS.n_train)
    named = train(mlp(64, 3, 10), DIGITS, config, 2, dtype="float64")
    for dtype in (np.float64, np.dtype("float64"), torch.float64):
        xr.testing.assert_identical(train(mlp(64, 3, 10), DIGITS, config, np.array(2), dtype=dtype), named)
    with pytest.raises(ValueError, match="dtype must be one of float32, float64, got 'float16'"):
        train(mlp(64, 3, 10), DIGITS, config, 2, dtype=np.float16)
