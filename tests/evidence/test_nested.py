"""Nested sampling: against quadrature, its error, and bad input."""

import sys

import numpy as np
import pytest
from tables import every

from sgdsde.evidence.nested import nested_log_evidence
from sgdsde.evidence.quadrature import quadrature_log_evidence
from sgdsde.logistic import LogisticRegression

pytest.importorskip("dynesty")


def task(n=20, p=2, **options):
    x = np.random.default_rng(0).standard_normal((n, p))
    return LogisticRegression(x, (x.sum(axis=1) > 0).astype(int), **options)


def test_it_agrees_with_quadrature_and_its_error_is_calibrated():
    model, penalty = task(), 0.1
    exact = quadrature_log_evidence(model, penalty)
    found = [nested_log_evidence(model, penalty, points=40, seed=seed) for seed in range(6)]
    z = np.array([(each.log_evidence - exact) / each.standard_error for each in found])
    assert abs(z.mean()) < 4.5 / np.sqrt(len(z))
    assert 0.03 < np.mean(z**2) < 4  # χ² of 6: beyond both with probability 1e-3 at most
    assert all(each.trusted for each in found)


def test_softmax_of_two_classes_is_the_binary_model_with_half_the_penalty():
    estimate = nested_log_evidence(task(softmax=True), 2.0, points=60, seed=3)
    assert abs(estimate.log_evidence - quadrature_log_evidence(task(), 1.0)) < 4.5 * estimate.standard_error


def test_the_result_is_a_function_of_the_seed_and_nothing_is_printed(capfd):
    one, same = (nested_log_evidence(task(), 1.0, points=25, seed=7) for _ in range(2))
    assert one.log_evidence == same.log_evidence
    assert capfd.readouterr() == ("", "")


@every(
    ("name", "arguments"),
    [
        ("model must have at most 20 weights", (task(60, 21), 1.0, {})),
        ("regularization", (task(), -1.0, {})),
        ("points", (task(), 1.0, {"points": 10})),
        ("seed", (task(), 1.0, {"seed": 0.5})),
        ("model", (None, 1.0, {})),
    ],
)
def test_bad_input_is_refused_by_name(name, arguments):
    model, penalty, options = arguments
    with pytest.raises(ValueError, match=name):
        nested_log_evidence(model, penalty, **options)


def test_without_dynesty_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dynesty", None)
    with pytest.raises(ImportError, match=r"pip install \"sgdsde\[evidence\]\""):
        nested_log_evidence(task(), 1.0)
