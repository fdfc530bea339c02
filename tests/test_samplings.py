"""Permutations and what follows from them: the SDE's driver, laws, and who refuses them, and why."""

import itertools
import math

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from tables import every

import sgdsde as sg
from sgdsde.cli import app
from sgdsde.convergence.approximation import approximation_errors
from sgdsde.data import digits
from sgdsde.drivers import bridge_numbers
from sgdsde.models import LinearRegression, batches, mlp, sgd_on_regression, train
from sgdsde.theory import stationary_covariance, stationary_variance, stationary_velocity_covariance

pytestmark = pytest.mark.networks

BOWL = sg.Landscape("h*x**2/2", "x", {"h": 1.0}, noise_covariance=1.5)
SLOPE = sg.Landscape("x", "x", noise_covariance=1.0)


def permuted(sampling="reshuffle", b=6, n=64, drop_last=False, rate=0.1, m=0.0):
    return sg.SGDConfig(rate, b, n, m, sampling, drop_last=drop_last)


@pytest.mark.parametrize(("n", "b", "m"), [(5, 1, 0.0), (6, 2, 0.5), (6, 3, 0.9), (7, 1, 0.9)])
def test_shuffled_once_every_permutation_has_an_orbit(n, b, m):
    """All n! of them: solved one by one, and their mean square against the law, at both places where there are two."""
    rng, rate, h = np.random.default_rng(n), 0.2, np.diag([1.0, 0.3])
    rows = rng.normal(size=(n, 2))
    rows -= rows.mean(axis=0)
    step = np.block([[np.eye(2) - rate * h, m * np.eye(2)], [-rate * h, m * np.eye(2)]])
    orders = np.array(list(itertools.permutations(range(n))))
    means = rows[orders].reshape(len(orders), n // b, b, 2).mean(axis=2)
    state = np.zeros((len(orders), 4))
    for k in range(n // b):
        state = state @ step.T - rate * np.hstack([means[:, k], means[:, k]])
    whole = np.eye(4) - np.linalg.matrix_power(step, n // b)
    orbits = np.linalg.solve(whole, state.T).T
    exact = orbits.T @ orbits / len(orders)
    config = permuted("shuffle_once", b, n, rate=rate, m=m)
    f = np.cov(rows.T)
    for position in ("average", "epoch_end"):
        law = stationary_covariance(h, f, config, "sgd", position=position)
        np.testing.assert_allclose(law, exact[:2, :2], rtol=0, atol=1e-12 * np.abs(exact).max())
        velocity = stationary_velocity_covariance(h, f, config, position=position)
        np.testing.assert_allclose(velocity, exact[2:, 2:], rtol=0, atol=1e-12 * np.abs(exact).max())


def test_shuffled_once_paths_follow_their_orbits():
    """Over 8000 paths, at two places of an epoch, within 4 standard errors; and a path is the same an epoch later."""
    config = permuted("shuffle_once", 4, 32, rate=0.3, m=0.5)
    run = sg.simulate_sgd(BOWL, config, 0.0, 403, 8000, save_every=1, examples="rademacher", seed=2)
    law = float(stationary_variance(1.0, 1.5, config, "sgd"))
    reshuffled = float(stationary_variance(1.0, 1.5, permuted("reshuffle", 4, 32, rate=0.3, m=0.5), "sgd"))
    assert abs(law - reshuffled) > 0.15 * law
    late = run.snapshots[-11:, :, 0]
    np.testing.assert_allclose(late[8:], late[:3], rtol=0, atol=1e-12)
    for states in (late[-1], late[-6]):
        squares = states**2
        error = squares.std() / math.sqrt(len(squares))
        assert error < 0.03 * law
        assert abs(squares.mean() - law) < 4 * error


@pytest.mark.parametrize("sampling", ["reshuffle", "shuffle_once"])
@pytest.mark.parametrize(("b", "drop_last"), [(6, False), (6, True), (40, False), (40, True)])
def test_batches_of_an_epoch_on_a_slope(sampling, b, drop_last):
    """Kicks of batches have c(B_i) and −1/N between them, B_i their own sizes: within 4.5 errors; repeats are exact."""
    config, paths = permuted(sampling, b, drop_last=drop_last, rate=1.0), 20_000
    each = config.sizes if len(config.sizes) > 1 else config.sizes * (64 // b)
    assert len(each) == config.updates_per_epoch
    run = sg.simulate_sgd(SLOPE, config, 0.0, 2 * len(each), paths, save_every=1, seed=3)
    kicks = np.diff(run.snapshots[:, :, 0], axis=0)
    kicks += 1.0
    first, second = kicks[: len(each)], kicks[len(each) :]
    sizes = np.array(each, float)
    expected = np.diag(1 / sizes) - 1 / 64
    found = first @ first.T / paths
    bound = np.sqrt((np.outer(np.diag(expected), np.diag(expected)) + expected**2) / paths)
    assert (np.abs(found - expected) < 4.5 * bound + 1e-12).all()
    if not drop_last:
        np.testing.assert_allclose(sizes @ first, 0, atol=1e-10)
    across = (first * second).mean(axis=1)
    if sampling == "shuffle_once":
        np.testing.assert_allclose(second, first, rtol=0, atol=1e-12)
    else:
        assert (np.abs(across) < 4.5 * np.diag(expected) / math.sqrt(paths)).all()


def test_a_bridge_takes_a_kept_last_batch_as_it_is():
    """On a slope, updates of the epoched SDE have the covariances of an epoch's batches of 6, …, 6, 4, their own sizes.

    Weighted by its size, what they do adds up to nothing.
    """
    config, paths = permuted(rate=1.0), 20_000
    sizes = np.array(config.sizes, float)
    run = sg.simulate_sde(SLOPE, config, 0.0, 22, paths, save_every=1, substeps=2)
    kicks = np.diff(run.snapshots[:, :, 0], axis=0) + 1
    for epoch in (kicks[:11], kicks[11:]):
        np.testing.assert_allclose(sizes @ epoch, 0, atol=1e-10)
        expected = np.diag(1 / sizes) - 1 / 64
        bound = np.sqrt((np.outer(np.diag(expected), np.diag(expected)) + expected**2) / paths)
        assert (np.abs(epoch @ epoch.T / paths - expected) < 4.5 * bound).all()
    numbers = bridge_numbers(64, np.array(config.sizes), 1)
    assert numbers["keep"][-1] == 0
    assert numbers["share"][-1] == pytest.approx(math.sqrt(4 / 64))


def test_updates_of_the_brownian_sde_have_the_noise_of_their_batches():
    """On a slope, T ∝ c(6) and, in an epoch's last update, c(4)."""
    paths = 20_000
    run = sg.simulate_sde(SLOPE, permuted(rate=1.0), 0.0, 11, paths, save_every=1, driver="brownian", substeps=1)
    found = np.diff(run.snapshots[:, :, 0], axis=0).var(axis=1)
    expected = 1 / np.array([6] * 10 + [4]) - 1 / 64
    np.testing.assert_allclose(found, expected, rtol=4.5 * math.sqrt(2 / paths))


def test_with_drop_last_a_schedule_may_end_before_an_epoch():
    config, sizes = permuted(drop_last=True), [30, 30, 30, 30, 64, 10] * 2
    runs = [
        sg.simulate_sgd(BOWL, config, 0.1, 12, 131, batch_sizes=sizes, engine=engine, save_every=1)
        for engine in ("numpy", "numba", "torch")
    ]
    for run in runs[1:]:
        np.testing.assert_allclose(run.snapshots, runs[0].snapshots, rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match=r"batch_sizes must add up to n_examples = 64 .* 'reshuffle'; the batch of"):
        sg.simulate_sgd(BOWL, permuted(), 0.1, 12, 131, batch_sizes=sizes)


SDES = {
    "simulate_sde": lambda config, **more: sg.simulate_sde(BOWL, config, 0.1, 20, 3, engine="numpy", **more),
    "noisy_gd": lambda config, **more: sg.simulate_sgd(
        BOWL, config, 0.1, 20, 3, dynamics="noisy_gd", engine="numpy", **more
    ),
    "ladder": lambda config, **more: sg.ladder(BOWL, config, 0.1, 20, 30, substeps=2, engine="numpy", **more),
    "escape_study": lambda config, **more: sg.escape_study(
        BOWL, config, 0.0, "x > 0.1", paths=50, updates=100, engine="numpy", **more
    ),
    "stationary_covariance": lambda config, **more: stationary_covariance(1.0, 1.0, config, "sde", **more),
}


@pytest.mark.parametrize("name", SDES)
def test_sdes_of_one_permutation_need_another_driver(name):
    config = permuted("shuffle_once", 8)
    for driver in (None, "epoched"):
        with pytest.raises(ValueError, match=r"driver must be 'brownian' for sampling 'shuffle_once' here: all epochs"):
            SDES[name](config, driver=driver)
    assert SDES[name](config, driver="brownian") is not None


@pytest.mark.parametrize("name", SDES)
def test_sdes_of_batches_that_leave_examples_out_need_another_driver(name):
    config = permuted(drop_last=True)
    with pytest.raises(ValueError, match=r"driver must be 'brownian' .* leaves 4 of 64 examples out"):
        SDES[name](config)
    assert SDES[name](config, driver="brownian") is not None


def test_a_network_says_so_before_it_runs(monkeypatch):
    for config, more in (
        (sg.SGDConfig(0.1, 8, 64, sampling="shuffle_once"), {}),
        (sg.SGDConfig(0.1, 8, 60, sampling="reshuffle", drop_last=True), {}),
        (sg.SGDConfig(0.1, 8, 64, sampling="reshuffle", drop_last=True), {"batch_sizes": [50] * 9}),
    ):
        data = digits(n_train=config.n_examples)
        with pytest.raises(ValueError, match="driver must be 'brownian'"):
            train(mlp(64, 4, 10), data, config, 9, dynamics="sde", **more)
        found = train(mlp(64, 4, 10), data, config, 9, dynamics="sde", driver="brownian", **more)
        assert np.isfinite(found.train_loss).all()


@pytest.mark.parametrize("dynamics", ["sgd", "nesterov"])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("sampling", ["reshuffle", "shuffle_once"])
def test_a_network_takes_the_steps_of_torch_on_the_same_batches(sampling, drop_last, dynamics):
    """Three epochs of 60 = 4·14 + 4, by `torch.optim.SGD` on the mean loss of each batch, the smaller ones too."""
    data, config = digits(n_train=60), sg.SGDConfig(0.3, 14, 60, 0.5, sampling, drop_last=drop_last)
    model = torch.nn.Linear(64, 10).double()
    updates = 3 * int(config.updates_per_epoch)
    found = train(
        model, data, config, updates, dynamics=dynamics, initialization="shared", dtype="float64",
        evaluate_every=1, seed=7,
    )  # fmt: skip
    seeds = np.random.SeedSequence(7, spawn_key=(0,)).generate_state(3, np.uint64)
    drawn = batches(config, np.random.default_rng(int(seeds[1])))
    x, y = torch.tensor(data.x_train, dtype=torch.float64), torch.tensor(data.y_train)
    optimizer = torch.optim.SGD(model.parameters(), 0.3, 0.5, nesterov=dynamics == "nesterov")
    for step in range(updates):
        batch = next(drawn)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
        optimizer.step()
        with torch.no_grad():
            loss = float(torch.nn.functional.cross_entropy(model(x), y))
        assert float(found.train_loss[0, step]) == pytest.approx(loss, rel=1e-9)


def test_a_ladder_of_networks_of_one_permutation_has_its_driver_given():
    arguments = (mlp(64, 10), digits(n_train=48), sg.SGDConfig(0.5, 8, 48, sampling="shuffle_once"), 3, 8)
    with pytest.raises(ValueError, match="driver must be 'brownian' for sampling 'shuffle_once'"):
        sg.network_ladder(*arguments)
    found = sg.network_ladder(*arguments, driver="brownian")
    assert found.absent["SVAG"].endswith("not for those of 'shuffle_once'")


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("sampling", ["reshuffle", "shuffle_once"])
def test_laws_of_equal_batches_are_refused_for_others(sampling, drop_last):
    config = permuted(sampling, drop_last=drop_last)
    with pytest.raises(ValueError, match="batch_size must divide n_examples = 64 here"):
        stationary_covariance(1.0, 1.0, config, "sgd")
    if not drop_last:
        with pytest.raises(ValueError, match="batch_size must divide n_examples = 64 here, or drop_last be True"):
            stationary_covariance(1.0, 1.0, config, "sde", driver="brownian")


@every("sampling", ["reshuffle", "shuffle_once"])
@every(
    "call",
    [
        lambda config: sg.simulate_sgd(BOWL, config, 0.1, 3, 2, dynamics="svag", substeps=2),
        lambda config: sg.theory.autocovariance(1.0, 1.0, config, 1, "sgd"),
        lambda config: sg.theory.stationary_cumulants(1.0, np.arange(64.0), config),
        lambda config: sg.theory.scheduled_law(1.0, 1.0, config, 1.0, learning_rates=[0.1]),
        lambda config: sg.theory.sgd_exit_time(BOWL, config, 0.0, -1.0, 1.0),
        lambda config: approximation_errors(BOWL, config, 0.1, 3, "x", {}, None),
        lambda config: LinearRegression.gaussian(1, 64).stationary_covariance(config),
        lambda config: sg.rare_exit_time(BOWL, config, 0.0, "x > 1"),
    ],
)
def test_what_needs_independent_batches_names_the_sampling(sampling, call):
    with pytest.raises(ValueError, match=sampling):
        call(permuted(sampling, 8))


def test_the_modified_loss_is_of_new_permutations():
    with pytest.raises(ValueError, match="sampling must not be 'shuffle_once': the modified loss"):
        sg.modified_landscape(BOWL, 0.1, sampling="shuffle_once", batch_noise=0.1)


@pytest.mark.parametrize("sampling", ["reshuffle", "shuffle_once"])
def test_regression_takes_smaller_batches_as_means(sampling):
    """One epoch at ε → 0 moves ω by −ε Σ of the batches' means, which is that of the residuals alone to first order."""
    problem = LinearRegression.gaussian(2, 10, seed=1)
    run = sgd_on_regression(problem, permuted(sampling, 4, 10, rate=1e-6), 3, 500, seed=2)
    moved = (run.weights.values - problem.optimum) / 1e-6
    # the last batch, of 2, counts as much for each of its examples as two of the others: Σ means = (1/4) Σ + (1/4) last
    gradients = -problem.inputs * problem.residuals[:, None]
    last = np.cov(gradients.T) * (1 / 2 - 1 / 10) * (2 / 4) ** 2  # (1/4) Σ over the last two = (2/4) of their mean
    found, paths = np.cov(moved.T, bias=True), len(moved)
    bound = 4.5 * np.sqrt((np.outer(np.diag(last), np.diag(last)) + last**2) / paths)
    assert (np.abs(found - last) < bound + 1e-4 * np.abs(last)).all()


def test_on_the_command_line():
    run = ["--learning-rate", "0.1", "--batch-size", "6", "--n-examples", "64", "--sampling"]
    for words, said in (
        (["predict", *run, "reshuffle"], "11"),
        (["predict", *run, "reshuffle", "--drop-last"], "10"),
        (["predict", *run, "shuffle_once", "--drop-last", "--curvature", "1"], "left out"),
    ):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
        assert said in result.output
    small = ["--updates", "30", "--paths", "40"]
    words = ["compare", "x**2/2", *run, "shuffle_once", "--drop-last", *small]
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code != 0
    assert CliRunner().invoke(app, [*words, "--driver", "brownian"]).exit_code == 0
