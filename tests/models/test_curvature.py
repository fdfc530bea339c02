"""Hessians of networks by products, against dense matrices; traces, norms and alignment within their errors."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from tables import every
from torch import nn

from sgdsde.config import SGDConfig
from sgdsde.data import digits
from sgdsde.models import mlp, train
from sgdsde.models.covariance import noise_covariance
from sgdsde.models.covariance_alignment import Alignment, alignment
from sgdsde.models.curvature import mean_hessian, top_eigenpairs
from sgdsde.models.curvature_evidence import _operator_class
from sgdsde.models.trace_estimation import trace_and_norm
from sgdsde.statistics.estimates import Estimate, mean, variance

pytestmark = [pytest.mark.networks, pytest.mark.usefixtures("one_thread")]

DATA = digits(n_train=40)
X, Y = np.eye(4, 3), [0, 1, 1, 0]


@pytest.fixture(scope="module")
def model():
    return mlp(64, 4, 10, seed=2)


@pytest.fixture(scope="module")
def dense(model):
    """H and F of `model` on DATA as matrices, by torch's own second derivatives: (310, 310) each."""
    model = mlp(64, 4, 10, seed=2).double()
    x, y = torch.tensor(DATA.x_train).double(), torch.tensor(DATA.y_train)
    shapes = {name: p.shape for name, p in model.named_parameters()}

    def losses(flat):
        parts = torch.split(flat, [s.numel() for s in shapes.values()])
        at = {name: part.reshape(s) for (name, s), part in zip(shapes.items(), parts, strict=True)}
        return nn.functional.cross_entropy(torch.func.functional_call(model, at, (x,)), y, reduction="none")

    flat = torch.cat([p.detach().flatten() for p in model.parameters()])
    h = torch.autograd.functional.hessian(lambda at: losses(at).mean(), flat).numpy()
    return h, np.cov(torch.autograd.functional.jacobian(losses, flat).numpy().T)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-5)])
def test_products_and_top_eigenvalues(model, dense, dtype, tolerance):
    h = mean_hessian(model, DATA, dtype=dtype)
    v = np.random.default_rng(0).standard_normal((310, 11))
    np.testing.assert_allclose(h.product(v), dense[0] @ v, atol=30 * tolerance)
    np.testing.assert_allclose(h.product(v[:, 0]), dense[0] @ v[:, 0], atol=30 * tolerance)
    np.testing.assert_allclose(h.to_scipy() @ v[:, ::-1], dense[0] @ v[:, ::-1], atol=30 * tolerance)
    exact = np.linalg.eigvalsh(dense[0])[::-1]
    found = top_eigenpairs(h, 5)
    np.testing.assert_allclose(found.values, exact[:5], rtol=tolerance)
    assert (found.residuals < tolerance * found.values).all()
    residuals = np.linalg.norm(dense[0] @ found.vectors - found.vectors * found.values, axis=0)
    np.testing.assert_allclose(residuals, 0, atol=10 * tolerance)
    one = top_eigenpairs(h)
    assert one.values == pytest.approx(exact[:1], rel=tolerance)


def test_residuals_bound_the_errors_of_loose_eigenvalues(dense):
    """At tolerances at which eigenvalues are visibly wrong, an exact one is within the residual of each."""
    exact = np.linalg.eigvalsh(dense[0])
    for tolerance in (0.3, 0.1, 0.01):
        found = top_eigenpairs(dense[0], 3, tolerance=tolerance, seed=1)
        assert (abs(found.values[:, None] - exact).min(axis=1) <= found.residuals + 1e-13).all()
        rest = dense[0] @ found.vectors - found.vectors * found.values
        np.testing.assert_allclose(found.residuals, np.linalg.norm(rest, axis=0), rtol=1e-6, atol=1e-14)
    assert found.residuals.max() > 1e-9


def test_top_eigenvalues_of_the_covariance(model, dense):
    found = top_eigenpairs(noise_covariance(model, DATA), 3)
    np.testing.assert_allclose(found.values, np.linalg.eigvalsh(dense[1])[::-1][:3], rtol=1e-10)


def test_traces_and_norms_have_the_errors_that_they_say(dense):
    """Over 200 seeds: the mean is exact within 4.5 errors, and the mean squared error that of the standard errors."""
    found = [trace_and_norm(dense[0], sketch=10, probes=20, seed=seed) for seed in range(200)]
    for pairs, exact in (
        ([each.trace for each in found], np.trace(dense[0])),
        ([each.squared_norm for each in found], (dense[0] ** 2).sum()),
    ):
        values, stated = np.array([(each.value, each.standard_error**2) for each in pairs]).T
        spread = variance(values)
        assert abs(values.mean() - exact) < 4.5 * np.sqrt(spread.value / 200)
        error = np.hypot(spread.standard_error, mean(stated).standard_error)
        assert abs(stated.mean() - spread.value) < 4.5 * error
        assert abs(3 * stated.mean() - spread.value) > 4.5 * error


def test_traces_without_bias_over_all_signs():
    """Three dimensions, no subspace but one of one: the mean over many seeds is the trace within its error."""
    matrix = np.array([[2.0, 0.7, -0.4], [0.7, -1.0, 0.3], [-0.4, 0.3, 0.5]])
    found = [trace_and_norm(matrix, sketch=1, probes=2, seed=seed) for seed in range(2000)]
    for values, exact in (
        ([each.trace.value for each in found], 1.5),
        ([each.squared_norm.value for each in found], (matrix**2).sum()),
    ):
        error = np.std(values) / np.sqrt(2000)
        assert abs(np.mean(values) - exact) < 4 * error + 1e-12
        assert error < 0.02 * exact


def test_a_subspace_of_all_dimensions_is_exact(model, dense):
    found = trace_and_norm(mean_hessian(model, DATA), sketch=310)
    assert found.trace.value == pytest.approx(np.trace(dense[0]), rel=1e-10)
    assert found.squared_norm.value == pytest.approx((dense[0] ** 2).sum(), rel=1e-10)
    assert found.trace.standard_error == found.squared_norm.standard_error == 0


def expected_alignment(h, f):
    values, vectors = np.linalg.eigh(h)
    u, size = vectors[:, -1], len(h)
    product = np.trace(h @ f)
    return (
        product / (np.linalg.norm(h) * np.linalg.norm(f)),
        size * product / (np.trace(h) * np.trace(f)),
        u @ f @ u * np.trace(h) / (values[-1] * np.trace(f)),
    )


def test_alignment_against_dense_matrices(model, dense):
    """Exact where all is exact; within its errors where traces, or all of it, come from random vectors."""
    f, h = noise_covariance(model, DATA), mean_hessian(model, DATA)
    expected = expected_alignment(*dense)
    exact = alignment(f, h, sketch=310)
    random = alignment(f, h, sketch=32, trace_probes=32, probes=64)
    for found in (exact, random):
        for name, value in zip(("cosine", "gain", "sharpest"), expected, strict=True):
            estimate = getattr(found, name)
            assert abs(estimate.value - value) < 4.5 * estimate.standard_error + 1e-9 * value
            assert (estimate.standard_error == 0) is (found is exact)
            assert abs(estimate.value - 2 * value) > 4.5 * estimate.standard_error + 1e-9 * value
    assert exact.top_residual < 1e-9


def test_noise_proportional_to_the_curvature_is_aligned():
    eigenvalues = np.array([5.0, 2.0, 1.0, 0.5])
    squares, total = float((eigenvalues**2).sum()), float(eigenvalues.sum())
    found = Alignment(
        Estimate(3 * squares, 0.0), 3 * total, 3 * squares**0.5, Estimate(total, 0.0), Estimate(squares, 0.0),
        5.0, 0.0, 15.0, 4,
    )  # fmt: skip
    assert found.cosine.value == pytest.approx(1)
    assert found.sharpest.value == pytest.approx(1)
    assert found.gain.value == pytest.approx(4 * squares / total**2)


def test_errors_of_the_alignment_are_those_of_the_delta_method():
    """Each error moves one number by its standard error, in a thousandth of it; independent moves add in squares."""
    values, errors = (2.0, 6.0, 9.0), (0.1, 0.3, 0.7)

    def at(*three):
        product, trace, squares = (Estimate(v, e) for v, e in zip(three, errors, strict=True))
        return Alignment(product, 1.5, 0.8, trace, squares, 2.5, 0.0, 0.4, 7)

    for name in ("cosine", "gain", "sharpest"):
        centre, moves = getattr(at(*values), name), []
        for i, error in enumerate(errors):
            moved = [v + 1e-3 * error * (i == j) for j, v in enumerate(values)]
            moves.append((getattr(at(*moved), name).value - centre.value) * 1e3)
        assert centre.standard_error == pytest.approx(np.linalg.norm(moves), rel=1e-3)


@every(
    ("call", "message"),
    [
        (
            lambda: mean_hessian(mlp(3, 2), (X, [0, 1, 2, 0])),
            r"logits of shape \(n, classes ≥ 3\) for data, got \(n, 2\)",
        ),
        (lambda: mean_hessian(mlp(3, 2), X), r"data must be a Dataset, a pair .* got a ndarray \(4, 3\)"),
        (lambda: mean_hessian(mlp(3, 2), (X, Y), dtype="int64"), "dtype must be one of"),
        (lambda: mean_hessian(mlp(3, 2), (X, Y)).product(np.ones(7)), r"vectors must be .* P = 8, got \(7,\)"),
        (
            lambda: top_eigenpairs(mean_hessian(mlp(3, 2), (X, Y)), 8),
            "k must be an integer from 1 to 7, fewer than there are parameters",
        ),
        (lambda: top_eigenpairs(np.eye(4), 0), "k must be an integer from 1 to 3.* got 0"),
        (
            lambda: top_eigenpairs(np.eye(4), tolerance=0),
            "tolerance must be a finite real number above 0 and below 1, got 0",
        ),
        (lambda: top_eigenpairs(np.triu(np.ones((4, 4)))), "operator must be symmetric"),
        (lambda: top_eigenpairs("no"), "operator must be"),
        (lambda: top_eigenpairs(np.zeros((4, 4))), "operator must not be 0"),
        (lambda: trace_and_norm(np.triu(np.ones((4, 4)))), "operator must be symmetric"),
        (lambda: trace_and_norm(np.eye(4), probes=1), "probes must be an integer of at least 2"),
        (lambda: trace_and_norm(np.eye(4), sketch=0), "sketch must be an integer of at least 1"),
        (
            lambda: alignment(noise_covariance(mlp(3, 2), (X, Y)), mean_hessian(mlp(3, 2, 2), (X, Y))),
            "hessian must be of the covariance's network",
        ),
        (
            lambda: alignment(noise_covariance(mlp(3, 2), (X * 0, [1] * 4)), mean_hessian(mlp(3, 2), (X, Y))),
            "noise_covariance must not be 0",
        ),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_without_curvlinops_the_error_says_how_to_get_it(monkeypatch):
    _operator_class.cache_clear()
    monkeypatch.setitem(sys.modules, "curvlinops", None)
    with pytest.raises(ImportError, match=r'pip install "sgdsde\[evidence\]"'):
        mean_hessian(mlp(3, 2), (X, Y))


def test_products_in_threads_are_those_of_one(model):
    """torch's forward derivatives are not made for threads; replicas that are measured on a CPU are in some."""
    hessian = mean_hessian(model, DATA)
    vectors = np.random.default_rng(4).standard_normal((8, hessian.n_parameters))
    expected = [hessian.product(v) for v in vectors]
    with ThreadPoolExecutor(4) as pool:
        for found, wanted in zip(pool.map(mean_hessian(model, DATA).product, vectors), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_a_hessian_can_be_a_measure_of_several_replicas():
    config = SGDConfig(0.1, 5, 40)

    def sharpness(weights, x, y):
        network = mlp(64, 4, 10)
        network.load_state_dict(weights)
        return top_eigenpairs(mean_hessian(network, DATA), 1, seed=0).values[0]

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        runs = train(mlp(64, 4, 10), DATA, config, 2, 3, evaluate_every=1, measures={"sharpness": sharpness}, seed=1)
    finally:
        torch.set_num_threads(before)
    assert bool((runs.sharpness > 0).all())
