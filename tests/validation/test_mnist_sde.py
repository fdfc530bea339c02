"""The claim ``mnist_sde``: its cells without noise, the spread of weights, Welch's test by seed, and its sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr
from tables import every

import sgdsde as sg
from validation.claims.mnist_sde import mnist_sde
from validation.mnist.cells.dynamics import followed, squared_deviations
from validation.mnist.cells.training import subsets
from validation.mnist.sde.checks import checks, distances_from_sde
from validation.mnist.sde.runs import ISOTROPIC, NOISELESS, NOISY, SDE, SGD, STRONGER, Runs, Size

pytestmark = pytest.mark.networks

SIZES = [size for plan in mnist_sde.plans.values() for size in plan.size.values()]
SMOKE = mnist_sde.plans["smoke"].size["digits"]
CELL = {
    "source": "digits", "n_examples": 20, "n_test": 30, "hidden": 6, "substeps": 1, "learning_rate": 0.1,
    "batch_size": 3, "time": 0.4, "readings": 2, "seed": 4, "device": "cpu",
}  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread():
    """Networks as small as these only wait for a second one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_squared_deviations_have_the_trace_of_the_covariance_as_mean():
    values = np.random.default_rng(6).normal(size=(7, 2, 3))
    for k in range(2):
        assert squared_deviations(values)[:, k].mean() == pytest.approx(np.trace(np.cov(values[:, k].T)))


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
    # At the start the covariance of the gradient is that of the examples.
    config = sg.SGDConfig(0.1, 3, 20, sampling="with_replacement")
    whole = subsets("digits", 20, 1, 4)[0]
    model = sg.models.mlp(64, 6, 10, seed=4)
    trace = sg.models.noise_covariance(model, (whole.x_train, whole.y_train)).trace
    expected = config.learning_rate**2 * config.batch_noise * trace
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
def test_sizes_that_do_not_fit_are_refused(field, value, message):
    sizes = {"replicas": 8, "sgd_replicas": 8, "isotropic_replicas": 8}
    given = {"learning_rates": (0.1, 0.5), "batch_size": 3, "time": 1.0, "readings": 1} | sizes | {field: value}
    with pytest.raises(ValueError, match=message):
        Size(48, 60, 16, **given)


@every("size", SIZES)
def test_the_noise_scale_is_the_same_for_all_but_the_wrong_noise(size):
    scales = {
        key: sg.SGDConfig(key[1], batch, size.n_examples, sampling="with_replacement").noise_scale
        for key, dynamics, _, batch, _ in size.cases()
        if dynamics != "gd"
    }
    for (name, _), scale in scales.items():
        assert scale / scales[SGD, size.smallest] == pytest.approx(1.5 if name == STRONGER else 1.0)
    assert (ISOTROPIC, size.smallest) in scales


def made_up(seeds, effects, replicas=16):
    """Runs of the smallest size whose variables are normal about what a seed has without noise and an effect."""
    generator = np.random.default_rng(8)
    own = generator.normal(5.0, 2.0, seeds)

    def run(effect, count):
        # What noise adds, as far apart by seed as losses are without it.
        values = (own[:, None] + effect + 0.1 * (effect != 0) * generator.normal(size=(seeds, count))).reshape(-1, 1)
        names = ("train_loss", "test_accuracy", "weight_norm", "hessian_trace", "weight_spread")
        variables = dict.fromkeys(names, (("replica", "reading"), values))
        return xr.Dataset({**variables, "outputs": (("replica", "reading", "output"), values[..., None])})

    found = {key: run(effects.get(key[0], 1.0), 1 if key[0] == NOISELESS else replicas) for key, *_ in SMOKE.cases()}
    return Runs(SMOKE, seeds, found)


def test_the_loss_is_that_above_gradient_descents_seed_by_seed():
    runs = made_up(5, {NOISELESS: 0.0, ISOTROPIC: 0.01, STRONGER: 1.5})
    excess = [check for check in checks(runs) if check.label.startswith("training loss") and check.rivals]
    assert len(excess) == 4  # three approximations, and SVAG at the larger ε
    for check in excess[:3]:
        assert check.predicted == pytest.approx(1.0, abs=0.1)
        assert abs(check.z) < 4 < min(abs(check.z_from(rival)) for rival in check.rivals.values())
        assert check.rivals[NOISELESS] == pytest.approx(0.0)


def test_distances_tell_a_law_from_another():
    runs = made_up(2, {NOISELESS: 0.0, NOISY: 1.0})
    (loss, outputs), _ = distances_from_sde(runs, NOISY, seed=1)
    far = made_up(2, {NOISELESS: 0.0, NOISY: 2.0})
    (far_loss, far_outputs), _ = distances_from_sde(far, NOISY, seed=1)
    assert max(loss.excess, outputs.excess) < 6 < min(far_loss.excess, far_outputs.excess)
    assert far_loss.value == pytest.approx(1.0, abs=0.2)
    assert (SDE, SMOKE.smallest) in runs.found
