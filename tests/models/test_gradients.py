import numpy as np
import pytest
import torch
from torch import nn

from sgdsde.data import digits
from sgdsde.models import (
    batch_indices,
    draw_weights,
    mlp,
    per_example_gradients,
    per_example_projections,
    random_directions,
)

pytestmark = pytest.mark.networks

DATA = digits(n_train=40)


def explicit(model, weights=None):
    """All gradients, one backward pass each: (N, P)."""
    if weights is not None:
        model.load_state_dict(weights)
    rows = []
    for x, y in zip(torch.tensor(DATA.x_train).to(model[0].weight.dtype), torch.tensor(DATA.y_train), strict=True):
        model.zero_grad()
        nn.functional.cross_entropy(model(x[None]), y[None]).backward()
        rows.append(torch.cat([p.grad.flatten() for p in model.parameters()]).clone())
    return torch.stack(rows).double().numpy()


def test_gradients_are_those_of_one_backward_pass_per_example():
    model = mlp(64, 7, 10, seed=2).double()
    found = torch.cat(list(per_example_gradients(model, DATA, chunk=16))).numpy()
    assert found.shape == (40, 64 * 7 + 7 + 70 + 10)
    np.testing.assert_allclose(found, explicit(model), rtol=1e-10, atol=1e-14)


def test_other_weights_than_the_models_own():
    model = mlp(64, 7, 10)
    weights = draw_weights(model, 5)
    found = torch.cat(list(per_example_gradients(model, DATA, weights))).numpy()
    np.testing.assert_allclose(found, explicit(mlp(64, 7, 10), weights), rtol=1e-4, atol=1e-6)
    assert not np.allclose(found, torch.cat(list(per_example_gradients(model, DATA))).numpy(), atol=1e-3)


def test_projections_trace_and_mean_against_the_full_matrix():
    model = mlp(64, 7, 10, seed=2).double()
    full, directions = explicit(model), random_directions(model, 3, seed=1).astype(np.float64)
    covariance = np.cov(full.T)
    seen = per_example_projections(model, DATA, directions, chunk=7)
    np.testing.assert_allclose(seen.projections, full @ directions, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(seen.covariance, directions.T @ covariance @ directions, rtol=1e-9, atol=1e-14)
    assert seen.trace == pytest.approx(np.trace(covariance), rel=1e-9)
    assert seen.squared_norm == pytest.approx((full.mean(0) ** 2).sum(), rel=1e-9)
    single = per_example_projections(model, DATA, [3, 500])
    np.testing.assert_allclose(single.projections, full[:, [3, 500]], rtol=1e-9, atol=1e-14)


def test_random_directions_see_the_mean_eigenvalue():
    """Mean of uᵀFu over 4000 directions is Tr F/P."""
    model = mlp(64, 2, 10)
    seen = per_example_projections(model, DATA, random_directions(model, 4000, seed=0))
    variances = np.diag(seen.covariance)
    error = variances.std() / np.sqrt(len(variances))
    assert error < 0.05 * variances.mean()
    assert abs(variances.mean() - seen.trace / 160) < 4 * error


def test_rows_give_the_mean_gradient_of_a_batch():
    from sgdsde.config import SGDConfig

    model = mlp(64, 7, 10).double()
    batch = batch_indices(SGDConfig(0.1, 8, 40), 1, seed=0)[0]
    model.zero_grad()
    nn.functional.cross_entropy(
        model(torch.tensor(DATA.x_train[batch]).double()), torch.tensor(DATA.y_train[batch])
    ).backward()
    mean = per_example_projections(model, DATA, [10]).projections[batch].mean()
    assert mean == pytest.approx(model[0].weight.grad.flatten()[10].item(), rel=1e-9)


@pytest.mark.parametrize(
    ("directions", "message"),
    [
        (np.zeros((5, 2)), r"directions must have shape \(P, k\) with P = 650"),
        (np.zeros(650), "directions must have shape"),
        ([650], "directions must be positions from 0 to 649"),
        ([-1], "directions must be positions"),
    ],
)
def test_bad_directions_are_refused(directions, message):
    with pytest.raises(ValueError, match=message):
        per_example_projections(mlp(64, 10), DATA, directions)


def test_weights_of_another_network_are_refused():
    with pytest.raises(ValueError, match="weights must have the names and shapes"):
        per_example_gradients(mlp(64, 10), DATA, draw_weights(mlp(64, 3, 10), 0))
