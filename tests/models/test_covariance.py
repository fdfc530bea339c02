"""F by products and Gram matrices, against dense matrices."""

import numpy as np
import pytest
import torch
from tables import every
from torch import nn

from sgdsde.data import digits
from sgdsde.models import mlp
from sgdsde.models.covariance import noise_covariance
from sgdsde.models.example_losses import ExampleLosses

pytestmark = [pytest.mark.networks, pytest.mark.usefixtures("one_thread")]

DATA = digits(n_train=40)
IMAGES = torch.tensor(DATA.x_train).reshape(-1, 1, 8, 8), torch.tensor(DATA.y_train)


def convolutional():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 10))


def in_place():
    network = mlp(64, 7, 10, seed=2)
    network[1] = nn.ReLU(inplace=True)
    return network


class Tied(nn.Module):
    """A linear layer whose weights are used a second time, past the layer."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(64, 12), nn.Linear(12, 10)

    def forward(self, x):
        hidden = torch.tanh(self.first(x))
        return self.last(hidden + hidden @ self.first.weight @ self.first.weight.T)


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.inner = nn.Linear(64, 10), nn.Linear(10, 10)

    def forward(self, x):
        return self.inner(torch.tanh(self.inner(self.first(x))))


class PartlyUsed(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.unused = nn.Linear(64, 10), nn.Linear(3, 2)

    def forward(self, x):
        return self.used(x)


def dense(model, data=DATA):
    """All gradients, one backward pass each, float64: (N, P)."""
    model = model.double()
    x, y = (torch.tensor(data.x_train), torch.tensor(data.y_train)) if data is DATA else data
    rows = []
    for each, label in zip(x.double(), y, strict=True):
        loss = nn.functional.cross_entropy(model(each[None]), label[None])
        parts = torch.autograd.grad(loss, list(model.parameters()), materialize_grads=True)
        rows.append(torch.cat([p.flatten() for p in parts]))
    return torch.stack(rows).numpy()


CASES = {
    "linear layers": (lambda: mlp(64, 7, 10, seed=2), DATA, True),
    "no bias": (lambda: nn.Sequential(nn.Linear(64, 5, bias=False), nn.Tanh(), nn.Linear(5, 10)), DATA, True),
    "in place": (in_place, DATA, True),
    "convolutional": (convolutional, IMAGES, False),
    "tied": (Tied, DATA, False),
    "layer used twice": (Twice, DATA, False),
    "layer not used": (PartlyUsed, DATA, False),
}


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-11), ("float32", 1e-5)])
@pytest.mark.parametrize("case", CASES)
def test_covariance_against_the_dense_matrix(case, dtype, tolerance):
    make, data, linear = CASES[case]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = make()
    found = noise_covariance(model, data, chunk=16, dtype=dtype)
    gradients = dense(model, data)
    expected = np.cov(gradients.T)
    size, scale = len(expected), np.linalg.norm(expected)
    assert (found._layers is not None) is linear
    assert found.n_parameters == size
    assert found.trace == pytest.approx(np.trace(expected), rel=tolerance)
    assert found.norm == pytest.approx(scale, rel=tolerance)
    np.testing.assert_allclose(found.mean_gradient, gradients.mean(0), atol=tolerance)
    values, vectors = np.linalg.eigh(expected)
    np.testing.assert_allclose(found.eigenvalues, values[::-1][:39], atol=tolerance * scale)
    assert abs(found.eigenvalues.sum() / found.trace - 1) < 10 * tolerance
    overlaps = np.diag(found.eigenvectors(3).T @ vectors[:, ::-1][:, :3])
    np.testing.assert_allclose(abs(overlaps), 1, atol=10 * tolerance)
    v = np.random.default_rng(0).standard_normal((size, 11))
    np.testing.assert_allclose(found.product(v), expected @ v, atol=30 * tolerance * scale)
    np.testing.assert_allclose(found.product(v[:, 0]), expected @ v[:, 0], atol=30 * tolerance * scale)
    np.testing.assert_allclose(found.to_scipy() @ v[:, ::-1], expected @ v[:, ::-1], atol=30 * tolerance * scale)
    np.testing.assert_allclose(found.variances(v), np.diag(v.T @ expected @ v), rtol=10 * tolerance)
    assert found.variances(v[:, 0]) == pytest.approx(v[:, 0] @ expected @ v[:, 0], rel=10 * tolerance)


def test_more_examples_than_parameters():
    model = mlp(3, 2)
    x, y = np.random.default_rng(0).standard_normal((30, 3)), np.arange(30) % 2
    found = noise_covariance(model, (x, y))
    expected = np.cov(dense(model, (torch.tensor(x), torch.tensor(y))).T)
    np.testing.assert_allclose(found.eigenvalues, np.linalg.eigvalsh(expected)[::-1], atol=1e-14)
    with pytest.raises(ValueError, match=r"k must be at most F's number of eigenvalues above rounding, 4, got 5"):
        found.eigenvectors(5)  # the two logits move against each other: half of the directions have no noise


def test_no_more_gradients_than_a_chunk_are_made_at_once(monkeypatch):
    seen, own = [], ExampleLosses.gradients_of

    def spy(self, examples):
        seen.append(own(self, examples))
        return seen[-1]

    monkeypatch.setattr(ExampleLosses, "gradients_of", spy)
    found = noise_covariance(convolutional(), IMAGES, chunk=7)
    assert found.trace > 0
    assert found.gram.shape == (40, 40)
    assert max(len(each) for each in seen) == 7
    assert len(seen) == 1 + 6 + 6 + 15  # a rehearsal; the trace; the Gram matrix: a row of chunks each, and pairs
    seen.clear()
    assert found.product(np.ones(found.n_parameters)).shape == (found.n_parameters,)
    assert not seen
    assert noise_covariance(mlp(64, 7, 10), DATA).gram.shape == (40, 40)
    assert [len(each) for each in seen] == [1]


def test_the_models_later_training_changes_nothing():
    model = mlp(64, 7, 10)
    found, own = noise_covariance(model, DATA), [p.detach().clone() for p in model.parameters()]
    trace = noise_covariance(model, DATA).trace
    assert all(torch.equal(a, b) for a, b in zip(own, model.parameters(), strict=True))
    assert all(p.grad is None and p.dtype == torch.float32 for p in model.parameters())
    with torch.no_grad():
        model[0].weight.zero_()
    assert found.trace == trace != noise_covariance(model, DATA).trace


def test_draws_have_the_covariance():
    """Variances and covariances of 4000 draws along three eigenvectors, within 4.5 standard errors."""
    found = noise_covariance(mlp(64, 2, 10, seed=1), DATA)
    along = found.eigenvectors(3).T @ found.draw(4000, seed=0)
    expected = np.diag(found.eigenvalues[:3])
    error = np.sqrt((np.outer(np.diag(expected), np.diag(expected)) + expected**2) / 4000)
    assert (abs(along @ along.T / 4000 - expected) < 4.5 * error).all()
    assert not (abs(1.15 * along @ along.T / 4000 - expected) < 4.5 * error).all()


X, Y = np.zeros((4, 3)), [0, 1, 1, 0]


@every(
    ("call", "message"),
    [
        (lambda: noise_covariance("no", (X, Y)), "model must be a torch.nn.Module"),
        (lambda: noise_covariance(mlp(3, 2), X), r"data must be a Dataset, a pair .* got a ndarray \(4, 3\)"),
        (
            lambda: noise_covariance(mlp(3, 2), (X, [0, 1])),
            r"data\[1\], the targets, must be one class num",
        ),
        (
            lambda: noise_covariance(mlp(3, 2), (X, [0, 1, 2, 0])),
            r"logits of shape \(n, classes ≥ 3\) for data, got \(n, 2\)",
        ),
        (lambda: noise_covariance(mlp(3, 2), (X, [0, 1, -1, 0])), r"class numbers 0, 1, …, got -1 at \[2\]"),
        (lambda: noise_covariance(mlp(3, 2), (X[:1], [0])), "data must have at least two examples, got 1"),
        (
            lambda: noise_covariance(mlp(3, 2), (X * np.nan, Y)),
            r"data\[0\], .* must be finite, got nan at \[0, 0\]",
        ),
        (lambda: noise_covariance(mlp(5, 2), (X, Y)), "model must accept inputs of shape"),
        (lambda: noise_covariance(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)), (X, Y)), "BatchNorm1d"),
        (lambda: noise_covariance(mlp(3, 2), (X, Y), chunk=0), "chunk must be an integer of at least 1, got 0"),
        (lambda: noise_covariance(mlp(3, 2), (X, Y), dtype="float16"), "dtype must be one of"),
        (lambda: noise_covariance(mlp(3, 2), (X, Y)).product(np.ones(7)), r"with P = 8, got \(7,\)"),
        (lambda: noise_covariance(mlp(3, 2), (X, Y)).eigenvectors(9), "k must be at most"),
        (lambda: noise_covariance(mlp(3, 2), (X, Y)).draw(2, seed=-1), "seed must be an integer of at least 0"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_infinite_gradients_are_refused():
    model = mlp(3, 2)
    with torch.no_grad():
        model[0].weight[0, 0] = float("inf")
    with pytest.raises(ValueError, match="model must have finite gradients"):
        _ = noise_covariance(model, (np.ones((4, 3)), Y)).trace
