"""Inputs that are mostly 0: their products, and training with them, against dense ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tables import every

from sgdsde.config import SGDConfig
from sgdsde.data.dataset import Dataset
from sgdsde.models import descent, inputs, mlp, train
from sgdsde.models.inputs import DenseInputs, SparseInputs, by_columns
from sgdsde.models.losses import LOSSES
from sgdsde.models.networks import weights_of

pytestmark = pytest.mark.networks

TYPES = {torch.float64: 1e-13, torch.float32: 1e-5}


def sparse_rows(n, d, dtype=torch.float64, share=0.2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    on = torch.rand(n, d, generator=generator) < share
    return torch.randn(n, d, generator=generator, dtype=dtype) * on


@every("dtype", TYPES)
@every(("n", "d", "h"), [(1, 5, 1), (5, 7, 3), (40, 30, 100), (inputs.EXAMPLES + 44, 50, 77)])
def test_products_are_those_of_dense_inputs(dtype, n, d, h):
    x, close = sparse_rows(n, d, dtype), {"rtol": TYPES[dtype], "atol": 10 * TYPES[dtype]}
    x[0], x[:, d // 2] = 0, 0  # an empty image, and a pixel that is never on
    found, dense = SparseInputs.of(x), DenseInputs(x)
    generator = torch.Generator().manual_seed(1)
    matrix, velocity = (by_columns(torch.randn(h, d, generator=generator, dtype=dtype)) for _ in range(2))
    errors = torch.randn(n, h, generator=generator, dtype=dtype)
    which = torch.randint(n, (2 * n,), generator=generator)  # in any order, and more than once
    torch.testing.assert_close(found.times(matrix), dense.times(matrix), **close)
    torch.testing.assert_close(found[which].times(matrix[None])[0], x[which] @ matrix.T, **close)
    torch.testing.assert_close(found.squared().times(matrix), dense.squared().times(matrix), **close)
    expected = velocity.clone()
    dense.take_from(expected, errors, 0.9)
    found.take_from(velocity, errors, 0.9)
    torch.testing.assert_close(velocity, expected, **close)
    assert velocity.mT.is_contiguous()


@every("momentum", [0.0, 0.9])
@every(("k", "n"), [(1, 1), (3, 5), (2, inputs.EXAMPLES), (2, 2 * inputs.EXAMPLES + 3)])
def test_compiled_updates_are_those_of_dense_inputs(momentum, k, n):
    x = sparse_rows(k * n, 30)
    generator = torch.Generator().manual_seed(2)
    start = {name: w[None].double() for name, w in weights_of(mlp(30, 45, 3, seed=1)).items()}
    speed = {name: 0.1 * torch.randn(w.shape, generator=generator, dtype=w.dtype) for name, w in start.items()}
    y = torch.randint(0, 3, (1, k, n), generator=generator)
    a = torch.rand((1, k, n), generator=generator).double() / n - 0.1 / n  # SVAG's coefficients are of both signs
    dense, sparse = (({k: v.clone() for k, v in each.items()} for each in (start, speed)) for _ in range(2))
    (w, v), (ws, vs) = dense, sparse
    descent.descend_by_hand(LOSSES["cross_entropy"], w, v, x.view(1, k, n, 30), y, a, momentum)
    first = next(iter(ws))
    ws[first], vs[first] = by_columns(ws[first]), by_columns(vs[first])
    descent.descend_sparse(ws, vs, SparseInputs.of(x), y, a, momentum)
    for name in w:
        torch.testing.assert_close(ws[name], w[name], rtol=1e-11, atol=1e-13)
        torch.testing.assert_close(vs[name], v[name], rtol=1e-11, atol=1e-13)
        assert not torch.equal(w[name], start[name])


def spots(n, classes=3, width=40, share=0.15):
    """Images of a few pixels, those of a class mostly its own."""
    generator = np.random.default_rng(3)
    y = np.arange(n + 30) % classes
    own = np.arange(width) % classes == y[:, None]
    x = generator.random((n + 30, width)) * (generator.random((n + 30, width)) < np.where(own, 2 * share, share / 2))
    return Dataset("spots", x[:n].astype("f"), y[:n], x[n:].astype("f"), y[n:])


@pytest.mark.parametrize(
    ("widths", "options"),
    [
        ((40, 20, 3), {}),
        ((40, 20, 3), {"ema": 0.9}),
        ((40, 20, 12, 3), {}),
        ((40, 3), {}),
        ((40, 20, 3), {"dynamics": "noisy_gd"}),
        ((40, 20, 3), {"dynamics": "adam"}),
        ((40, 20, 3), {"dynamics": "sgd", "noise": "diagonal"}),
        ((40, 20, 3), {"dynamics": "svag"}),
    ],
    ids=str,
)
def test_training_is_that_with_dense_inputs(widths, options, monkeypatch):
    data, config = spots(120), SGDConfig(0.05 if options.get("dynamics") != "adam" else 1e-3, 8, 120)
    counted = []
    of = SparseInputs.of
    monkeypatch.setattr(SparseInputs, "of", classmethod(lambda cls, x: counted.append(of(x)) or counted[-1]))

    def trained():
        return train(mlp(*widths), data, config, 40, 2, dtype="float64", evaluate_every=20, **options)

    sparse = trained()
    assert all(isinstance(found, SparseInputs) for found in counted)
    assert len(counted) == 2  # training and test images, once for both replicas
    monkeypatch.setattr(inputs, "DENSE", -1.0)
    dense = trained()
    assert counted[2:] == [None, None]
    for name in ("train_loss", "test_loss", "weight_norm"):
        np.testing.assert_allclose(sparse[name], dense[name], rtol=1e-9)
    assert float(sparse.train_loss[:, -1].max()) < float(sparse.train_loss[:, 0].max())


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_training_and_test_images_may_be_sparse_or_not(share):
    data = spots(120)
    other = np.where(np.random.default_rng(0).random(data.x_test.shape) < share, data.x_test + 0.1, 0).astype("f")
    train_dense = Dataset("one", data.x_train + 0.01, data.y_train, other, data.y_test)
    test_dense = Dataset("other", data.x_train, data.y_train, other + 0.01, data.y_test)
    for each in (train_dense, test_dense):
        runs = train(mlp(40, 20, 3), each, SGDConfig(0.05, 8, 120), 10)
        assert np.isfinite(runs.test_loss).all()


def test_many_updates_go_in_one_call(monkeypatch):
    seen = []
    descend = descent.descend_sparse
    monkeypatch.setattr(
        "sgdsde.models.motion.descend_sparse", lambda *args: seen.append(tuple(args[3].shape)) or descend(*args)
    )
    train(mlp(40, 20, 3), spots(120), SGDConfig(0.05, 8, 120), 300)
    assert seen == [(1, 256, 8), (1, 44, 8)]
    train(mlp(40, 20, 3), spots(120), SGDConfig(0.05, descent.LEAST_SPARSE - 1, 120), 10)
    assert len(seen) == 2


def test_dense_inputs_stay_dense():
    assert SparseInputs.of(sparse_rows(50, 40, share=0.5)) is None
    assert SparseInputs.of(sparse_rows(50, 40, share=0.2)) is not None


def test_a_matrix_by_rows_is_refused():
    with pytest.raises(AssertionError, match="kept by columns"):
        SparseInputs.of(sparse_rows(5, 4)).times(torch.ones(3, 4, dtype=torch.float64))
