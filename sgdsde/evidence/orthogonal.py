"""A task of any number of weights whose evidence is exact: pairs of examples in orthogonal directions."""

from __future__ import annotations

import numpy as np

from sgdsde.arguments import integer
from sgdsde.evidence.estimate import checked_model
from sgdsde.evidence.quadrature import quadrature_log_evidence
from sgdsde.logistic import LogisticRegression

#: Scalar products of different directions are smaller than this part of |x|².
ORTHOGONAL = 1e-9


def orthogonal_task(weights: int, seed: int = 0) -> LogisticRegression:
    """P/2 orthogonal directions of P, each an input twice, of |x|² = P as normal inputs have; random labels.

    Parameters
    ----------
    weights : int
        P, even.
    seed : int
        Of directions and labels, of which as many are 0 as 1.

    Raises
    ------
    ValueError
        When an argument is outside its range.

    Examples
    --------
    >>> task = orthogonal_task(6)
    >>> (task.inputs @ task.inputs.T).round(9)[:3, :3] + 0.0
    array([[6., 6., 0.],
           [6., 6., 0.],
           [0., 0., 6.]])
    """
    weights = integer("weights", weights, 2, multiple=2)
    generator = np.random.default_rng(integer("seed", seed, 0))
    rotation = np.linalg.qr(generator.standard_normal((weights, weights)))[0]
    inputs = np.sqrt(weights) * np.repeat(rotation[: weights // 2], 2, axis=0)
    return LogisticRegression(inputs, generator.permutation(np.arange(len(inputs)) % 2))


def orthogonal_log_evidence(model: LogisticRegression, regularization: float) -> float:
    """ln evidence of an :func:`orthogonal_task`, exact: a product of integrals over one weight each.

    Parameters
    ----------
    model : LogisticRegression
        Of such a task.
    regularization : float
        λ > 0.

    Raises
    ------
    ValueError
        When inputs are not pairs in orthogonal directions of one length, or λ is not positive.

    Examples
    --------
    >>> round(orthogonal_log_evidence(orthogonal_task(20), 10.0), 3)
    -13.691
    """
    inputs = checked_model(model).inputs
    square = float(inputs[0] @ inputs[0])
    pairs = np.kron(np.eye(len(inputs) // 2), np.ones((2, 2)))
    if len(inputs) % 2 or not np.allclose(inputs @ inputs.T, square * pairs, rtol=0, atol=ORTHOGONAL * square):
        raise ValueError("model must have inputs that are pairs in orthogonal directions of one length, got others")
    # σ(z)² and σ(z)σ(−z): the label 0 of an input is the label 1 of its negative.
    size = np.linalg.norm(inputs[0])
    agree, differ = (
        quadrature_log_evidence(LogisticRegression(np.array([[size], [sign * size]]), np.array([1, 0])), regularization)
        for sign in (-1.0, 1.0)
    )
    labels = model.labels.reshape(-1, 2)
    same = int((labels[:, 0] == labels[:, 1]).sum())
    return same * agree + (len(labels) - same) * differ
