"""The law of tossed labels, and the task whose evidence is exact."""

import numpy as np
import pytest

from sgdsde.evidence import (
    evidence_studies,
    orthogonal_log_evidence,
    orthogonal_task,
    quadrature_log_evidence,
    tossed_labels,
)
from sgdsde.logistic import LogisticRegression
from sgdsde.theory import log_evidence_ratio

X = np.random.default_rng(1).standard_normal((12, 2))


def test_ratios_are_those_of_the_tosses():
    found = tossed_labels(X, 3.0, draws=20, seed=4)
    tosses = np.random.default_rng(4).integers(0, 2, (20, 12))
    expected = [log_evidence_ratio(X, labels, 3.0) for labels in tosses]
    np.testing.assert_allclose(found.log_evidence_ratio, expected, rtol=1e-9)


def test_exact_evidences_of_all_labels_sum_to_one():
    """What the law says, by quadrature: the mean of e^−E over all labels but the two that are all the same."""
    x = X[:6]
    total = 0.0
    for number in range(1, 63):
        labels = np.array([number >> k & 1 for k in range(6)])
        total += np.exp(quadrature_log_evidence(LogisticRegression(x, labels), 2.0))
    same = 1 - total
    assert 0 < same < 0.1


def test_the_next_order_makes_the_mean_of_tosses_one():
    x = np.random.default_rng(0).standard_normal((40, 20))
    found = tossed_labels(x, 100.0, draws=300)
    assert abs(found.total.value - 1) < 4.5 * found.total.standard_error
    assert np.exp(-found.correction.mean()) < 1 - 10 * found.total.standard_error
    done = []
    tossed_labels(X, 3.0, draws=8, progress=done.append)
    assert done[-1] == 1.0


def test_the_orthogonal_task_is_a_product_of_integrals():
    task = orthogonal_task(2, seed=3)
    assert orthogonal_log_evidence(task, 0.7) == pytest.approx(quadrature_log_evidence(task, 0.7), abs=1e-9)
    with pytest.raises(ValueError, match="model must have inputs that are pairs in orthogonal directions"):
        orthogonal_log_evidence(LogisticRegression(X, np.arange(12) % 2), 1.0)
    with pytest.raises(ValueError, match="weights must be an integer of at least 2 and a multiple of 2, got 3"):
        orthogonal_task(3)


def test_bad_tosses_are_refused():
    with pytest.raises(ValueError, match="draws must be an integer of at least 8, got 2"):
        tossed_labels(X, 1.0, draws=2)
    with pytest.raises(ValueError, match="regularization"):
        tossed_labels(X, -1.0)
    assert evidence_studies([], [1.0]) == ()
