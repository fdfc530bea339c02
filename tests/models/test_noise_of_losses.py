"""Gradients, F, curvature and noise scales of losses other than cross-entropy, against dense float64."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from sgdsde.data import Dataset, digits
from sgdsde.models import (
    alignment,
    hessian_operator,
    mean_hessian,
    mlp,
    noise_covariance,
    noise_scales,
    per_example_gradients,
    per_example_projections,
    two_batch_estimates,
)

pytestmark = [pytest.mark.networks, pytest.mark.usefixtures("one_thread")]

GENERATOR = np.random.default_rng(0)
X, Y = GENERATOR.standard_normal((40, 3)), GENERATOR.standard_normal((40, 2))
DATA = Dataset("real", X, Y, X[:5], Y[:5])
FLAT = digits(n_train=40)
IMAGES = Dataset("images", *(part for n in ("train", "test") for part in (
    getattr(FLAT, f"x_{n}").reshape(-1, 1, 8, 8), getattr(FLAT, f"y_{n}"))))  # fmt: skip


def huber(outputs, targets):
    return functional.huber_loss(outputs, targets, reduction="none", delta=0.5).mean(1)


def convolution():
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 10))


#: Model, data, loss, and the same as a mean over a batch.
CASES = {
    "mse, linear layers": (mlp(3, 4, 2), DATA, "mse", functional.mse_loss),
    "huber": (mlp(3, 4, 2), DATA, huber, lambda o, t: functional.huber_loss(o, t, delta=0.5)),
    "images": (convolution(), IMAGES, "cross_entropy", functional.cross_entropy),
    "images, a function": (
        convolution(), IMAGES, nn.CrossEntropyLoss(reduction="none", label_smoothing=0.1),
        nn.CrossEntropyLoss(label_smoothing=0.1),
    ),
}  # fmt: skip


def dense(model, data, mean):
    """All gradients (N, P) and the Hessian of the mean loss (P, P), by plain autograd."""
    model = model.double()
    weights = list(model.parameters())
    x, y = torch.tensor(data.x_train).double(), torch.tensor(data.y_train)
    rows = []
    for i in range(len(x)):
        slopes = torch.autograd.grad(mean(model(x[i : i + 1]), y[i : i + 1]), weights)
        rows.append(torch.cat([g.flatten() for g in slopes]))
    slopes = torch.cat([g.flatten() for g in torch.autograd.grad(mean(model(x), y), weights, create_graph=True)])
    hessian = [torch.cat([g.flatten() for g in torch.autograd.grad(s, weights, retain_graph=True)]) for s in slopes]
    return torch.stack(rows).numpy(), torch.stack(hessian).numpy()


@pytest.mark.parametrize("case", CASES)
def test_gradients_noise_and_curvature_are_those_of_dense_matrices(case):
    model, data, loss, mean = CASES[case]
    g, h = dense(model, data, mean)
    f = np.cov(g, rowvar=False)
    np.testing.assert_allclose(torch.cat(list(per_example_gradients(model, data, loss=loss))).numpy(), g, atol=1e-12)
    seen = per_example_projections(model, data, np.arange(g.shape[1]), loss=loss)
    assert seen.trace == pytest.approx(np.trace(f), rel=1e-10)
    F, H = noise_covariance(model, data, loss=loss), mean_hessian(model, data, loss=loss)
    assert (F._layers is not None) == (data is DATA)
    np.testing.assert_allclose(F.mean_gradient, g.mean(axis=0), atol=1e-12)
    assert F.trace == pytest.approx(np.trace(f), rel=1e-10)
    np.testing.assert_allclose(F.eigenvalues, np.linalg.eigvalsh(f)[::-1][: len(F.eigenvalues)], atol=1e-10)
    v = np.linspace(-1, 1, len(h)) ** 3
    np.testing.assert_allclose(F.product(v), f @ v, atol=1e-11)
    np.testing.assert_allclose(H.product(v), h @ v, atol=1e-11)
    summed = hessian_operator(model, data, loss=loss) @ torch.from_numpy(v)
    np.testing.assert_allclose(summed.numpy(), len(g) * h @ v, atol=1e-9)
    scales, mean_g = noise_scales(F, H), g.mean(axis=0)
    assert scales.simple == pytest.approx(np.trace(f) / (mean_g @ mean_g), rel=1e-9)
    assert scales.noise.value == pytest.approx(np.trace(h @ f) / (mean_g @ h @ mean_g), rel=1e-8)
    assert alignment(F, H, sketch=len(h)).cosine.value == pytest.approx(
        np.trace(h @ f) / np.linalg.norm(h) / np.linalg.norm(f), rel=1e-8
    )


def test_the_curvature_of_linear_regression_is_known():
    """Mean over k = 2 outputs of squared errors of x̃ᵀW: H = (2/k) ⟨x̃x̃ᵀ⟩ for each output, whatever the weights are."""
    H = mean_hessian(nn.Linear(3, 2, bias=False), DATA, loss="mse")
    found = H.product(np.eye(6))
    np.testing.assert_allclose(found, np.kron(np.eye(2), X.T @ X / len(X)), atol=1e-12)


def test_two_batches_estimate_the_noise_of_a_regression():
    """Unbiased: within four of its own standard errors."""
    model = mlp(3, 4, 2)
    F = noise_covariance(model, DATA, loss="mse")
    found = two_batch_estimates(model, DATA, (4, 20), 200, loss="mse")
    assert abs(found.numerator.value - F.trace) < 4 * found.numerator.standard_error
    assert abs(found.denominator.value - F.squared_norm) < 4 * found.denominator.standard_error
    other = noise_covariance(model, DATA, loss=huber)
    assert abs(found.numerator.value - other.trace) > 4 * found.numerator.standard_error


def test_noise_and_curvature_of_two_losses_are_not_mixed():
    model = mlp(3, 4, 2)
    F, H = noise_covariance(model, DATA, loss="mse"), mean_hessian(model, DATA, loss=huber)
    with pytest.raises(ValueError, match="hessian must be of the loss mse, got huber"):
        noise_scales(F, H)
    with pytest.raises(ValueError, match="hessian must be of the loss mse, got huber"):
        two_batch_estimates(model, DATA, (4, 20), 10, hessian=H, loss="mse")


FORMS = {
    "pair": (X, Y),
    "lists": (X.tolist(), Y.tolist()),
    "batches": [(torch.tensor(X[:9]), torch.tensor(Y[:9])), (torch.tensor(X[9:]), torch.tensor(Y[9:]))],
}


@pytest.mark.parametrize("form", FORMS)
def test_real_targets_come_in_the_same_forms(form):
    model = mlp(3, 4, 2)
    wanted = noise_covariance(model, DATA, loss="mse").trace
    assert noise_covariance(model, FORMS[form], loss="mse").trace == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("door", [noise_covariance, mean_hessian, hessian_operator])
def test_what_does_not_fit_is_refused(door):
    wrong = {
        r"data\[1\], the targets, must be real numbers, such as y\.astype\(float\), got int64": ((X, [0] * 40), "mse"),
        r"data\[1\], the targets, must be a target for each of 40 examples, got \(5, 2\)": ((X, Y[:5]), "mse"),
        r"outputs of the targets' shape \(n,\) for data, got \(n, 2\)": ((X, Y[:, 0]), "mse"),
        r"data\[1\], the targets, must be one class number for each of 40": ((X, Y), "cross_entropy"),
        r"loss must give a number for each example, \(4,\), got \(\)": ((X, Y), nn.MSELoss()),
        "loss must be one of": ((X, Y), "mae"),
    }
    for message, (data, loss) in wrong.items():
        with pytest.raises(ValueError, match=message):
            door(mlp(3, 4, 2), data, loss=loss)
