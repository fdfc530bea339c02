"""The claim ``mnist_sde``: isotropic noise and its trace, the top of the Hessian, Welch's test, and its protocols."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr
from scipy import stats

import sgdsde as sg
from sgdsde.models import gradient_covariance, mean_hessian, mlp, top_eigenpairs
from sgdsde.models.networks import weights_of
from validation.mnist.cells.dynamics import followed, squared_deviations
from validation.mnist.cells.networks import forward, gradient_and_trace, largest_eigenvalue
from validation.mnist.sde.checks import STATISTICS, distances_from_sde, readings, welch
from validation.mnist.sde.protocol import ISOTROPIC, NOISY, PROTOCOLS, SDE, SGD, STRONGER, Protocol

CELL = {
    "source": "digits", "n_examples": 20, "n_test": 30, "hidden": 6, "substeps": 1, "learning_rate": 0.1,
    "batch_size": 3, "time": 0.4, "readings": 2, "curvatures": 1, "data_seed": 3, "seed": 4, "device": "cpu",
}  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread():
    """Networks as small as these only wait for a second one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def network():
    """Three layers, so that a hidden one has neither the inputs nor the logits; and 30 examples."""
    generator = np.random.default_rng(1)
    model = mlp(5, 7, 6, 3, seed=2)
    x, y = generator.normal(size=(30, 5)).astype(np.float32), generator.integers(0, 3, 30)
    return model, torch.from_numpy(x), torch.from_numpy(y)


def test_the_forward_pass_is_the_networks(network):
    model, x, _ = network
    inputs, logits = forward(weights_of(model), x)
    torch.testing.assert_close(logits, model(x))
    assert [each.shape[1] for each in inputs] == [5, 7, 6]


def test_gradient_and_trace_are_the_librarys(network):
    model, x, y = network
    gradient, trace = gradient_and_trace(weights_of(model), x, y)
    exact = gradient_covariance(model, (x, y))
    assert trace == pytest.approx(exact.trace, rel=1e-5)
    found = torch.cat([gradient[name].flatten() for name in weights_of(model)])
    np.testing.assert_allclose(found, exact.mean_gradient, atol=1e-6)


def test_the_largest_eigenvalue_is_the_hessians(network):
    model, x, y = network
    exact = top_eigenpairs(mean_hessian(model, (x.double(), y))).values[0]
    assert largest_eigenvalue(weights_of(model), x, y, steps=40) == pytest.approx(exact, rel=1e-4)
    assert largest_eigenvalue(weights_of(model), x, y) == pytest.approx(exact, rel=1e-2)  # no copy of it yet
    assert largest_eigenvalue(weights_of(model), x, y, steps=3) < exact


def test_squared_deviations_have_the_trace_of_the_covariance_as_mean():
    values = np.random.default_rng(6).normal(size=(7, 2, 3))
    for k in range(2):
        assert squared_deviations(values)[:, k].mean() == pytest.approx(np.trace(np.cov(values[:, k].T)))


def test_welch_is_scipys():
    a, b = np.random.default_rng(7).normal(size=(2, 9))
    b = 3 * b[:5]
    found, theirs = welch(a, b), stats.ttest_ind(a, b, equal_var=False)
    assert found.value / found.standard_error == pytest.approx(theirs.statistic)
    assert found.dof == pytest.approx(theirs.df)


def test_without_noise_all_dynamics_are_gradient_descent():
    """With ever larger batches each noise goes to 0: what is left are the same weights at the start, and ∇L."""
    quiet = followed(**CELL, dynamics="gd", replicas=1)
    for dynamics in ("sgd", "svag", "noisy_gd", "isotropic", "sde"):
        run = followed(**CELL | {"batch_size": 10**4}, dynamics=dynamics, replicas=2)
        np.testing.assert_allclose(run["train_loss"], quiet["train_loss"].to_numpy().repeat(2, 0), atol=2e-3)
        assert 0 < float(run["weight_spread"].max()) < 1e-3


def test_the_spread_of_weights_is_that_of_the_weights():
    """A step of isotropic noise moves ω by noise whose trace is known."""
    one = CELL | {"time": 0.1, "readings": 1}
    run = followed(**one, dynamics="isotropic", replicas=50)
    start = followed(**one | {"learning_rate": 1e-6, "time": 1e-6}, dynamics="gd", replicas=1)
    config = sg.SGDConfig(0.1, 3, 20, sampling="with_replacement")
    expected = config.learning_rate**2 * config.batch_noise * float(start["covariance_trace"][0, 0])
    size = 64 * 6 + 6 + 6 * 10 + 10
    assert float(run["weight_spread"].mean()) == pytest.approx(expected, rel=5 * np.sqrt(2 / 50 / size))


def test_a_reading_between_updates_is_refused():
    with pytest.raises(ValueError, match="whole updates"):
        followed(**CELL | {"time": 0.5}, dynamics="sgd", replicas=2)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("batch_size", 4, "divisible by 3"),
        ("learning_rates", (0.1, 0.25), "multiples"),
        ("learning_rates", (0.1,), "two"),
    ],
)
def test_a_protocol_that_does_not_fit_is_refused(field, value, message):
    sizes = {"replicas": 8, "batch_replicas": 8, "other_replicas": 8, "curvatures": 2}
    given = {"learning_rates": (0.1, 0.5), "batch_size": 3, "time": 1.0, "readings": 1} | sizes | {field: value}
    with pytest.raises(ValueError, match=message):
        Protocol(48, 60, 16, **given)


def test_the_noise_scale_is_the_same_for_all_but_the_wrong_noise():
    for protocols in PROTOCOLS.values():
        for protocol in protocols.values():
            scales = {
                (name, rate): sg.SGDConfig(rate, size, protocol.n_examples, sampling="with_replacement").noise_scale
                for name, rate, dynamics, _, size, _ in protocol.cases()
                if dynamics != "gd"
            }
            right = scales[SGD, protocol.smallest]
            for (name, _), scale in scales.items():
                assert scale / right == pytest.approx(1.5 if name == STRONGER else 1.0)
            assert (ISOTROPIC, protocol.smallest) in scales


def test_distances_tell_a_law_from_another():
    generator = np.random.default_rng(8)

    def run(shift):
        return xr.Dataset({
            "train_loss": (("replica", "reading"), generator.normal(shift, 0.1, size=(16, 1))),
            "outputs": (("replica", "reading", "output"), generator.normal(shift, 0.1, size=(16, 1, 4))),
        })  # fmt: skip

    protocol = PROTOCOLS["digits"]["smoke"]
    first, second = protocol.learning_rates
    runs = {(SDE, first): run(0.0), (NOISY, first): run(0.0), (NOISY, second): run(1.0)}
    (loss, outputs), (far_loss, far_outputs) = distances_from_sde(runs, protocol, NOISY, seed=1)
    assert max(loss.excess, outputs.excess) < 6 < min(far_loss.excess, far_outputs.excess)
    assert far_loss.value == pytest.approx(1.0, abs=0.2)


def test_replicas_without_a_measurement_are_left_out():
    run = xr.Dataset({"largest_eigenvalue": (("replica", "reading"), [[1.0, 2.0], [np.nan, np.nan]])})
    assert readings(run, "largest_eigenvalue").tolist() == [[1.0, 2.0]]
    assert "largest_eigenvalue" in STATISTICS
