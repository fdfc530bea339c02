"""Noise with the trace or the diagonal of F: what it adds to the gradient of all examples."""

import numpy as np
import pytest
import torch
from torch import nn

from sgdsde.config import SGDConfig
from sgdsde.data import Dataset
from sgdsde.models import mlp, noise_covariance, train, training

pytestmark = pytest.mark.networks

N = 12
GENERATOR = np.random.default_rng(3)
X, Y = GENERATOR.standard_normal((N, 3)), GENERATOR.integers(3, size=N)
DATA = Dataset("points", X, Y, X, Y, (), "normal")
MODELS = {"relu": mlp(3, 4, 3), "tanh": nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3))}


def kicks(model: nn.Module, noise: str, replicas: int) -> np.ndarray:
    """−(ω₁ − ω₀)/ε of one update from the same weights, (replicas, P)."""
    config, seen = SGDConfig(0.1, 3, N), []
    flat = {"w": lambda w, x, y: seen.append(torch.cat([v.flatten() for v in w.values()])) or 0.0}
    train(
        model, DATA, config, 1, replicas, noise=noise, initialization="shared", dtype="float64", measures=flat, seed=2
    )
    start = torch.cat([p.detach().double().flatten() for p in model.parameters()])
    return ((start - torch.stack(seen)) / config.learning_rate).numpy()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("noise", ["isotropic", "diagonal"])
def test_mean_and_covariance(model: str, noise: str, monkeypatch) -> None:
    """Each variance and the mean within 4.5 standard errors; no direction of it, where F has them.

    Replicas go together: so they are those that go alone (`test_training_options`), and sooner.
    """
    monkeypatch.setattr(training, "groups", lambda moving, device: [[*range(len(moving))]])
    network, n = MODELS[model].double(), 400
    f = noise_covariance(network, (torch.tensor(X), torch.tensor(Y)))
    exact = f.product(np.eye(f.n_parameters)) * SGDConfig(0.1, 3, N).batch_noise
    variances = np.full(len(exact), np.trace(exact) / len(exact)) if noise == "isotropic" else np.diag(exact)
    found = kicks(network, noise, n) - f.mean_gradient
    assert (np.abs(found.mean(axis=0)) < 4.5 * np.sqrt(variances / n) + 1e-12).all()
    assert (np.abs(found.var(axis=0) - variances) < 4.5 * variances * np.sqrt(2 / n) + 1e-12).all()
    live = variances > 0
    assert abs(np.mean(found.var(axis=0)[live] / variances[live]) - 1) < 4.5 * np.sqrt(
        2 / n / len(exact)
    )  # 6 % would be seen
    correlations = np.corrcoef((found[:, live]).T)
    np.fill_diagonal(correlations, 0)
    assert np.abs(correlations).max() < 5 / np.sqrt(n)
    own = exact / np.sqrt(np.outer(np.diag(exact), np.diag(exact)) + 1e-300)
    np.fill_diagonal(own, 0)
    assert np.abs(own).max() > 0.5  # batches have directions
