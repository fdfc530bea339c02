"""A network's evidence from Hessian-vector products, against dense Hessians."""

import os
import sys

import numpy as np
import pytest
import torch
from scipy.stats import kstest, norm, t
from tables import every
from torch import nn

import sgdsde as sg
from sgdsde.data import digits
from sgdsde.logistic import LogisticRegression
from sgdsde.models import mlp
from sgdsde.models.curvature_evidence import _operator_class, hessian_operator, network_evidence
from sgdsde.statistics.log_determinant import log_determinant
from sgdsde.theory.evidence import laplace_evidence, log_evidence_ratio, null_log_evidence

pytestmark = [pytest.mark.networks, pytest.mark.usefixtures("one_thread")]

PENALTIES = (1e-2, 1e-1, 1.0, 10.0, 100.0)
BINARY, SOFTMAX = "binary_cross_entropy", nn.CrossEntropyLoss(reduction="sum")
real = pytest.mark.skipif("SGDSDE_DATA_DIR" not in os.environ, reason="SGDSDE_DATA_DIR is not set")
SMALL = [(torch.eye(4, 3), torch.tensor([0, 1, 1, 0]))]


def synthetic():
    """Inputs whose scales fall like those of images, and a column of ones: (800, 785)."""
    generator = np.random.default_rng(5)
    x = np.c_[generator.standard_normal((800, 784)) * 3 / np.arange(1, 785) ** 0.7, np.ones(800)]
    return x, (x[:, :50].sum(axis=1) > 0).astype(int)


def zeros_and_ones():
    """400 images of each, with a column of ones: (800, 785)."""
    task = sg.data.zeros_and_ones(sg.data.mnist())
    return task.x_train, task.y_train


def as_network(weights):
    layer = nn.Linear(len(weights), 1, bias=False).double()
    layer.weight.data = torch.tensor(weights)[None]
    return layer


def batches(x, y, size=500):
    return list(zip(torch.tensor(x).split(size), torch.tensor(y).split(size), strict=True))


@pytest.mark.parametrize("data", [synthetic, pytest.param(zeros_and_ones, marks=real)])
@pytest.mark.slow("half a minute of products with Hessians of 785 rows")
def test_logistic_regression_at_785_parameters(data):
    """Products to 1e-10; log-determinants within 1 % by default, for five λ, and z Student's; E within its errors."""
    x, y = data()
    model = LogisticRegression(x, y)
    v = np.random.default_rng(0).standard_normal((785, 3))
    for fit in model.path(PENALTIES):
        penalty, hessian = fit.regularization, model.hessian(fit.weights, fit.regularization)
        operator = hessian_operator(as_network(fit.weights), batches(x, y), loss=BINARY).to_scipy()
        expected = hessian @ v - penalty * v
        np.testing.assert_allclose(operator @ v, expected, rtol=0, atol=1e-10 * abs(expected).max())
        eigenvalues = np.linalg.eigvalsh(hessian)
        exact = np.log(eigenvalues / penalty).sum()
        values = hessian - penalty * np.eye(785)  # the same products, by NumPy
        found = log_determinant(values, penalty)
        assert abs(found.value / exact - 1) < 0.01
        assert abs(found.value - exact) < 4.5 * found.standard_error + found.quadrature_error
    several = [log_determinant(values, penalty, probes=8, tolerance=1e-5, seed=seed) for seed in range(12)]
    z = [(each.value - exact) / each.standard_error for each in several]
    assert kstest(z, t(7).cdf).pvalue > 2 * norm.sf(4.5)
    assert max(each.quadrature_error for each in several) < 1e-5 * exact
    found = network_evidence(as_network(fit.weights), batches(x, y), penalty, loss=BINARY, lower=0.0)
    assert found.cost == pytest.approx(fit.cost, rel=1e-12)
    assert found.gradient_norm < 1e-9
    assert (found.n_examples, found.n_classes, found.n_parameters) == (800, 2, 785)
    error = abs(found.log_evidence_ratio - log_evidence_ratio(x, y, penalty))
    assert error < 4.5 * found.standard_error + found.quadrature_error
    assert 0 < found.standard_error < 0.01 * exact
    assert found.log_determinant.value == pytest.approx(exact, rel=0.01)


@pytest.fixture(scope="module")
def trained(one_thread):
    """A network with a hidden layer at a minimum of C with λ = 0.5, its data, its Hessian without λ, and C."""
    data = digits(n_train=60)
    network = nn.Sequential(nn.Linear(64, 3), nn.Tanh(), nn.Linear(3, 10)).double()
    network.load_state_dict(mlp(64, 3, 10, seed=1).state_dict())
    x, y = torch.tensor(data.x_train).double(), torch.tensor(data.y_train)
    weights = list(network.parameters())

    def cost():
        return SOFTMAX(network(x), y) + 0.25 * sum(p.square().sum() for p in weights)

    def closure():
        optimiser.zero_grad()
        value = cost()
        value.backward()
        return value

    optimiser = torch.optim.LBFGS(
        weights, max_iter=3000, history_size=50, tolerance_grad=1e-7, tolerance_change=0, line_search_fn="strong_wolfe"
    )
    optimiser.step(closure)
    return network, data, dense_hessian(network, x, y), float(cost().detach())


def dense_hessian(network, x, y):
    """By two backward passes, in the order of the parameters."""
    weights = list(network.parameters())
    slope = torch.autograd.grad(SOFTMAX(network(x), y), weights, create_graph=True)
    flat = torch.cat([g.flatten() for g in slope])
    rows = [torch.autograd.grad(g, weights, retain_graph=True) for g in flat]
    return torch.stack([torch.cat([r.flatten() for r in row]) for row in rows]).numpy()


@pytest.mark.slow("a network is trained, and its dense Hessian made")
def test_a_trained_network_against_its_dense_hessian(trained):
    network, data, hessian, cost = trained
    operator = hessian_operator(network, data).to_scipy()
    np.testing.assert_allclose(operator @ np.eye(len(hessian)), hessian, atol=1e-10 * abs(hessian).max())
    eigenvalues = np.linalg.eigvalsh(hessian) + 0.5
    assert 0 < eigenvalues[0] < 0.5  # not convex, and yet a minimum
    exact = laplace_evidence(cost, eigenvalues, 0.5)
    for seed in range(3):
        found = network_evidence(network, data, 0.5, probes=20, seed=seed)
        assert found.quadrature_error < 1e-3 * found.log_determinant.value
        assert abs(found.log_evidence - exact.log_evidence) < 5 * found.standard_error + found.quadrature_error
    assert found.gradient_norm < 1e-5
    assert found.cost == pytest.approx(cost, rel=1e-10)
    assert found.log_evidence_ratio == pytest.approx(null_log_evidence(60, 10) - found.log_evidence)
    assert found.log_determinant.value == pytest.approx(-2 * exact.log_occam_factor, rel=0.03)
    every = network_evidence(network, data, 0.5, probes=len(hessian))
    assert every.log_evidence == pytest.approx(exact.log_evidence, rel=1e-9)
    assert every.standard_error == 0


def test_away_from_a_minimum_the_cut_off_is_needed():
    data, network = digits(n_train=30), mlp(64, 2, 10, seed=2).double()
    hessian = dense_hessian(network, torch.tensor(data.x_train).double(), torch.tensor(data.y_train))
    with pytest.raises(ValueError, match=r"positive definite.*this is no minimum; cutoff=True leaves"):
        network_evidence(network, data, 0.1, probes=10)
    found = network_evidence(network, data, 0.1, probes=20, cutoff=True)
    exact = laplace_evidence(found.cost, np.linalg.eigvalsh(hessian) + 0.1, 0.1, cutoff=True)
    assert found.gradient_norm > 1
    # The Hessian of 30 examples has a low rank, all of which deflation finds.
    assert found.log_evidence == pytest.approx(exact.log_evidence, rel=1e-9)
    found = network_evidence(network, data, 0.1, probes=20, deflation=20, steps=60, cutoff=True)
    assert found.standard_error > 0.01
    assert abs(found.log_evidence - exact.log_evidence) < 5 * found.standard_error + found.quadrature_error


def test_the_model_is_left_as_it_is_and_may_be_in_single_precision():
    network, data = mlp(64, 3, 10), digits(n_train=20)
    before = torch.get_rng_state()
    double = network_evidence(network, data, 1.0, probes=10, cutoff=True)
    single = network_evidence(network, data, 1.0, probes=10, cutoff=True, dtype="float32")
    assert torch.equal(before, torch.get_rng_state())
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert all(p.grad is None for p in network.parameters())
    assert single.cost == pytest.approx(double.cost, rel=1e-6)
    assert single.log_evidence == pytest.approx(double.log_evidence, rel=1e-3)


def test_the_binary_loss_is_that_of_two_logits_summed_over_batches():
    """Labels may have any shape and type, and so may batches; 1e-12 is rounding."""
    x, y = torch.randn(30, 5, generator=torch.Generator().manual_seed(0)), (torch.arange(30) % 2)
    kinds = ([(x, y)], [(x, y.double()[:, None])], [(x[:11], y[:11]), (x[11:], y[11:])])
    layer = nn.Linear(5, 1)
    found = [network_evidence(layer, data, 1.0, loss=BINARY, probes=6).log_evidence for data in kinds]
    np.testing.assert_allclose(found, found[0], rtol=1e-12)


@every(
    ("changes", "message"),
    [
        ({"regularization": 0.0}, "regularization must be a positive finite number, as .*, got 0.0"),
        ({"model": "MLP"}, "model must be a torch.nn.Module, got 'MLP'"),
        ({"model": nn.ReLU()}, "model must have parameters"),
        ({"model": nn.Linear(5, 2)}, r"model must accept inputs of shape \(n, 3\)"),
        ({"model": nn.Linear(3, 1)}, r"logits of shape \(n, classes ≥ 2\) for data, got \(n, 1\)"),
        ({"loss": BINARY}, r"logits of shape \(n,\) or \(n, 1\) for 'binary_cross_entropy', got \(n, 2\)"),
        ({"model": nn.Sequential(nn.Linear(3, 2), nn.Dropout())}, "a sum over examples, which Dropout undoes"),
        ({"loss": "mse"}, "loss must be one of binary_cross_entropy, cross_entropy, as others are no .* got 'mse'"),
        ({"loss": nn.CrossEntropyLoss(reduction="none")}, r"others are no −ln p of a label, got CrossEntropyLoss\(\)"),
        ({"loss": BINARY, "model": nn.Linear(3, 1), "data": (torch.eye(3), [0, 1, 2])}, "labels 0 and 1 .* got 2"),
        ({"data": []}, "data must be a Dataset, a pair .* got an empty list"),
        ({"data": [(torch.eye(4, 3), torch.tensor([0, 1, 2, 0]))]}, r"classes ≥ 3\) for data, got \(n, 2\)"),
        ({"data": [(torch.eye(4, 3), torch.tensor([0, 1]))]}, r"data\[0\]\[1\], the targets, must be one class number"),
        ({"dtype": "float16"}, "dtype must be one of float32, float64, got 'float16'"),
        ({"probes": 1}, "probes must be an integer of at least 2, got 1"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    arguments = {"model": mlp(3, 2), "data": SMALL, "regularization": 1.0, **changes}
    with pytest.raises(ValueError, match=message):
        network_evidence(**arguments)


def test_without_curvlinops_the_error_says_how_to_get_it(monkeypatch):
    _operator_class.cache_clear()
    monkeypatch.setitem(sys.modules, "curvlinops", None)
    with pytest.raises(ImportError, match=r'pip install "sgdsde\[evidence\]"'):
        hessian_operator(mlp(3, 2), SMALL)
