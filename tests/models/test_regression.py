import tracemalloc

import numpy as np
import pytest
import torch
from tables import every

from sgdsde.config import SAMPLINGS, SGDConfig
from sgdsde.models import LinearRegression, batch_indices, sgd_on_regression
from sgdsde.models.regression_batches import Source, _indices
from sgdsde.theory import linear_regression_covariance

pytestmark = pytest.mark.networks


def data(n=40, p=3, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((n, p)) @ generator.standard_normal((p, p))
    return x, x @ np.arange(1.0, p + 1) + generator.standard_normal(n)


def test_the_problem_is_least_squares():
    x, y = data()
    problem = LinearRegression.from_examples(x, y)
    solution, squares, *_ = np.linalg.lstsq(x, y)
    np.testing.assert_allclose(problem.optimum, solution, rtol=1e-9)
    np.testing.assert_allclose(problem.label_variance, squares[0] / len(x))
    np.testing.assert_allclose(problem.hessian, x.T @ x / len(x))
    gradients = x * (x @ solution - y)[:, None]
    np.testing.assert_allclose(problem.noise_covariance(), np.cov(gradients.T), atol=1e-12)
    away = np.linspace(-1, 2, len(solution))
    gradients = x * (x @ away - y)[:, None]
    np.testing.assert_allclose(problem.noise_covariance(away), np.cov(gradients.T), atol=1e-11)
    np.testing.assert_allclose(problem.noise_covariance(away), problem.landscape().noise_covariance(away), atol=1e-11)
    with pytest.raises(ValueError, match=r"w must be an array of shape \("):
        problem.noise_covariance([1.0])


def test_the_noise_of_examples_that_are_always_new():
    """Against a million of them: five standard errors, a few tenths of a per cent of the diagonal."""
    problem = LinearRegression.gaussian(2, spectrum=[2.0, 0.5], label_variance=0.3)
    away, generator = np.array([0.4, -0.7]), np.random.default_rng(5)
    x = generator.standard_normal((1_000_000, 2)) * np.sqrt(np.diag(problem.hessian))
    g = x * (x @ away - generator.normal(0, np.sqrt(0.3), len(x)))[:, None]
    g -= problem.hessian @ away
    products = np.einsum("ni,nj->nij", g, g)
    found, error = products.mean(axis=0), products.std(axis=0) / np.sqrt(len(x))
    exact = problem.noise_covariance(problem.optimum + away)
    assert (np.abs(found - exact) < 5 * error).all()
    assert (error < 0.004 * np.trace(exact)).all()
    np.testing.assert_allclose(problem.noise_covariance(), 0.3 * problem.hessian)


@pytest.mark.parametrize("p", [3, 30])  # either layout of a batch
@pytest.mark.parametrize("sampling", ["without_replacement", "reshuffle"])
def test_three_updates_are_those_of_a_plain_loop(p, sampling):
    x, y = data(n=40, p=p)
    problem = LinearRegression.from_examples(x, y)
    config = SGDConfig(0.1 / problem.curvature[-1], 8, 40, momentum=0.7, sampling=sampling)
    runs = sgd_on_regression(problem, config, updates=3, replicas=1, seed=5)
    stream = _indices(config, 1, np.random.SeedSequence(5, spawn_key=(0,)))
    w, v, distances = problem.optimum.copy(), np.zeros(p), []
    for _ in range(3):
        batch = next(stream)[0]
        v = 0.7 * v - config.learning_rate * x[batch].T @ (x[batch] @ w - y[batch]) / 8
        w = w + v
        distances.append(((w - problem.optimum) ** 2).sum())
    np.testing.assert_allclose(runs.weights[0], w, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(runs.squared_distance[0], np.mean(distances), rtol=1e-9)


@pytest.mark.parametrize("sampling", sorted(SAMPLINGS))
def test_batches_are_what_the_sampling_says(sampling):
    config = SGDConfig(0.1, 4, 20, sampling=sampling)
    stream = _indices(config, 3, np.random.SeedSequence(0))
    drawn = np.array([next(stream) for _ in range(50)])  # (updates, replicas, B)
    assert drawn.shape == (50, 3, 4)
    assert drawn.min() == 0
    assert drawn.max() == 19
    repeats = [len(set(batch)) < 4 for batch in drawn.reshape(-1, 4)]
    assert any(repeats) == (sampling == "with_replacement")
    assert not np.array_equal(drawn[:, 0], drawn[:, 1])
    if sampling == "reshuffle":
        epochs = drawn.transpose(1, 0, 2).reshape(30, 20)
        assert (np.sort(epochs, axis=1) == np.arange(20)).all()
    assert batch_indices(config, 50, 0).shape == drawn[:, 0].shape


@pytest.mark.parametrize("draws", ["examples", "sums"])
@pytest.mark.parametrize(("p", "batch", "momentum"), [(1, 1, 0.0), (5, 4, 0.5), (40, 16, 0.0)])
def test_fresh_examples_follow_the_law_and_not_one_ten_per_cent_off(p, batch, momentum, draws):
    """In many dimensions the trace is a sum of as many: fewer replicas are enough, as the bound on its error says."""
    problem = LinearRegression.gaussian(p, spectrum=np.linspace(0.5, 1, p))
    config = SGDConfig(0.15 * (1 - momentum), batch, 1000, momentum)
    replicas = 1500 if p < 10 else 200
    runs = sgd_on_regression(problem, config, updates=200, replicas=replicas, burn_in=60, seed=1, draws=draws)
    law = linear_regression_covariance(problem.hessian, 1.0, config)
    error = float(runs.trace_standard_error)
    assert error < 0.015 * law.trace()
    assert abs(float(runs.trace) - law.trace()) < 4 * error
    assert abs(float(runs.trace) - 1.1 * law.trace()) > 4 * error
    z = (runs.variance.values - np.diag(law)) / runs.variance_standard_error.values
    assert np.abs(z).max() < 4.5


def test_sums_of_gradients_have_the_law_of_those_of_examples():
    """Given d, whatever is asked of them: mean and covariance in closed form, and higher moments of both."""
    p, batch, replicas = 3, 5, 200_000
    problem, config = LinearRegression.gaussian(p, label_variance=0.7), SGDConfig(0.1, batch, 1000)
    d = torch.tensor([0.8, -0.5, 0.3], dtype=torch.float64)
    found = {}
    for sums in (False, True):
        source = Source(problem, config, torch.device("cpu"), torch.float64, sums=sums)
        g, examples = source.stream(replicas, np.random.SeedSequence(3))(d.expand(replicas, p))
        assert examples == batch
        found[sums] = g.numpy()
    square = float(d @ d)
    covariance = batch * (np.outer(d, d) + (square + 0.7) * np.eye(p))
    for g in found.values():
        assert np.abs((g.mean(0) - batch * d.numpy()) / (g.std(0) / np.sqrt(replicas))).max() < 4.5
        off = g - batch * d.numpy()
        products = off[:, :, None] * off[:, None, :]
        assert np.abs((products.mean(0) - covariance) / (products.std(0) / np.sqrt(replicas))).max() < 4.5
    along = d.numpy() / np.sqrt(square)
    for statistic in (
        lambda g: (g**2).sum(1) ** 2, lambda g: (g @ along) ** 3, lambda g: (g @ along) * (g**2).sum(1),
        lambda g: np.linalg.norm(g - np.outer(g @ along, along), axis=1), lambda g: g @ along > batch,
    ):  # fmt: skip
        one, other = (np.asarray(statistic(g), dtype=float) for g in found.values())
        assert abs(one.mean() - other.mean()) < 4.5 * np.sqrt((one.var() + other.var()) / replicas)


def test_sums_at_the_minimum_have_no_direction():
    problem, config = LinearRegression.gaussian(2), SGDConfig(0.1, 4, 1000)
    source = Source(problem, config, torch.device("cpu"), torch.float64, sums=True)
    g, _ = source.stream(50_000, np.random.SeedSequence(0))(torch.zeros((50_000, 2), dtype=torch.float64))
    np.testing.assert_allclose(np.cov(g.numpy().T), 4 * np.eye(2), atol=0.15)


@pytest.mark.parametrize("sampling", ["with_replacement", "without_replacement"])
def test_fixed_examples_follow_their_exact_law(sampling):
    generator = np.random.default_rng(2)
    x = generator.laplace(size=(30, 2)) * [1.0, 0.7]  # heavier tails than a Gaussian's
    problem = LinearRegression.from_examples(x, x @ [1.0, -1.0] + generator.standard_normal(30) * (1 + x[:, 0] ** 2))
    config = SGDConfig(0.1, 4, 30, momentum=0.3, sampling=sampling)
    runs = sgd_on_regression(problem, config, 400, 150, burn_in=100, seed=3, covariance_groups=30)
    law = problem.stationary_covariance(config)
    groups = runs.covariance.values
    z = (groups.mean(axis=0) - law) / (groups.std(axis=0, ddof=1) / np.sqrt(30))
    assert np.abs(z).max() < 4.5
    np.testing.assert_allclose(np.trace(groups.mean(axis=0)), float(runs.trace), rtol=1e-9)
    endless = linear_regression_covariance(problem.hessian, problem.label_variance, config)
    assert abs(endless.trace() / law.trace() - 1) > 0.1  # N → ∞ and Gaussian is another law


def test_the_law_of_many_gaussian_examples_tends_to_the_closed_form():
    config = SGDConfig(0.3, 4, 100_000, sampling="with_replacement")
    fixed = LinearRegression.gaussian(2, 100_000, seed=1).stationary_covariance(config)
    endless = LinearRegression.gaussian(2).stationary_covariance(config)
    np.testing.assert_allclose(fixed, endless, atol=0.02 * endless[0, 0])


@pytest.mark.parametrize("n", [None, 50])
def test_the_seed_fixes_everything(n):
    problem, config = LinearRegression.gaussian(2, n), SGDConfig(0.1, 4, 50)
    first, again, other = (sgd_on_regression(problem, config, 20, 6, seed=s) for s in (0, 0, 1))
    assert first.identical(again)
    assert not np.array_equal(first.weights, other.weights)
    assert len(np.unique(first.weights[:, 0])) == 6


def test_single_precision_agrees_within_its_rounding():
    problem, config = LinearRegression.gaussian(3, 50, seed=1), SGDConfig(0.1, 4, 50)
    double, single = (sgd_on_regression(problem, config, 50, 4, dtype=dtype) for dtype in ("float64", "float32"))
    np.testing.assert_allclose(single.weights, double.weights, rtol=1e-4)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_groups_share_out_one_covariance(groups):
    problem, config = LinearRegression.gaussian(40), SGDConfig(0.05, 8, 100)
    runs = sgd_on_regression(problem, config, 10, 300 * 4, covariance_groups=groups)  # 1200 replicas: several blocks
    assert runs.covariance.shape == (groups, 40, 40)
    whole = runs.covariance.values.mean(axis=0)
    np.testing.assert_allclose(np.diag(whole), runs.variance, rtol=1e-9)
    np.testing.assert_allclose(whole, whole.T, atol=1e-15)


def test_memory_does_not_grow_with_replicas_times_examples_or_squares():
    problem = LinearRegression.gaussian(50, 2000)
    config = SGDConfig(0.01, 4, 2000, sampling="with_replacement")
    tracemalloc.start()
    sgd_on_regression(problem, config, 2, 2000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6  # N R would take 32 MB, R P² 40 MB


def test_a_replica_that_runs_away_is_marked():
    x = np.array([[1.0]] * 9 + [[30.0]])  # the mean is stable, the variance is not
    problem = LinearRegression.from_examples(x, x[:, 0] + np.arange(10.0))
    config = SGDConfig(0.02, 1, 10, sampling="with_replacement")
    with pytest.warns(RuntimeWarning, match="diverged"):
        runs = sgd_on_regression(problem, config, 3000, 4)
    assert runs.diverged.all()
    assert np.isnan(runs.squared_distance).all()
    with pytest.raises(ValueError, match=r"learning_rate .* got 0\.02"):
        problem.stationary_covariance(config)


@every(
    ("make", "message"),
    [
        (lambda: LinearRegression.from_examples([[1.0, np.nan], [1, 2]], [1, 2]), r"inputs must be finite, got nan"),
        (lambda: LinearRegression.from_examples([[1.0], [2.0]], [1, 2, 3]), r"outputs .* \(2\), got the shape \(3,\)"),
        (lambda: LinearRegression.from_examples([[1.0, 1.0], [2, 2], [3, 3]], [1, 2, 3]), "positive definite"),
        (lambda: LinearRegression.from_examples([[1.0, 2.0, 3.0], [2, 2, 1]], [1, 2]), "at least 2 rows"),
        (lambda: LinearRegression.from_examples("x", [1]), "inputs must be an array"),
        (lambda: LinearRegression.gaussian(2, label_variance=-1.0), r"label_variance .* got -1\.0"),
        (lambda: LinearRegression.gaussian(2, spectrum=[1.0, 0.0]), "spectrum must be a positive number"),
        (lambda: LinearRegression.gaussian(0), "dimension must be an integer of at least 1, got 0"),
        (lambda: LinearRegression(np.eye(2), np.zeros(3), 1.0), r"optimum .* \(2\), got the shape \(3,\)"),
        (lambda: LinearRegression(np.eye(2), np.zeros(2), 1.0, np.ones((3, 2))), "outputs must be given"),
    ],
)
def test_bad_problems_are_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@every(
    ("n", "change", "message"),
    [
        (40, {"config": SGDConfig(0.1, 4, 50)}, r"config\.n_examples .* 40, got 50"),
        (40, {"config": SGDConfig(3.0, 4, 40)}, r"learning_rate must be below .* got 3\.0"),
        (None, {"config": SGDConfig(1.5, 1, 40)}, r"learning_rate 1\.5"),
        (40, {"updates": 0}, "updates must be an integer of at least 1, got 0"),
        (40, {"replicas": 2.5}, r"replicas must be an integer of at least 1, got 2\.5"),
        (40, {"burn_in": 10}, "burn_in must be an integer from 0 to 9, got 10"),
        (40, {"covariance_groups": 3}, "covariance_groups must divide replicas = 4, got 3"),
        (40, {"draws": "sums"}, "draws must be 'examples' where the examples are given, got 'sums'"),
        (None, {"draws": "sum"}, "draws must be one of examples, sums, got 'sum'"),
        (40, {"dtype": "float16"}, "dtype must be one of"),
        (40, {"device": "nowhere"}, "device must be one"),
        (40, {"seed": -1}, "seed"),
    ],
)
def test_bad_runs_are_refused_by_name(n, change, message):
    arguments = {"config": SGDConfig(0.1, 4, 40), "updates": 10, "replicas": 4} | change
    with pytest.raises(ValueError, match=message):
        sgd_on_regression(LinearRegression.gaussian(2, n), **arguments)


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(ValueError, match="batch_size must be at most n_examples = 40"):
        SGDConfig(0.1, 41, 40)


def test_progress_ends_at_one():
    told = []
    sgd_on_regression(LinearRegression.gaussian(2), SGDConfig(0.1, 4, 40), 200, 10, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
