import numpy as np
import pytest
from numpy.testing import assert_allclose
from tables import every

import sgdsde as sg
from sgdsde.data import gaussian_task
from sgdsde.evidence import evidence_study
from sgdsde.theory import log_evidence_ratio

TASK = gaussian_task("informative", seed=1, n_train=40, n_test=500, features=10)
TEST = (TASK.x_test, TASK.y_test)


def test_parts_agree_with_theory_in_the_order_asked_for():
    penalties = [1.0, 0.01, 100.0]
    study = evidence_study(TASK.x_train, TASK.y_train, penalties, TEST)
    assert study.regularization.tolist() == penalties
    assert_allclose(study.log_evidence_ratio, log_evidence_ratio(TASK.x_train, TASK.y_train, penalties), atol=1e-9)
    assert study.best == penalties[np.argmin(study.log_evidence_ratio)]
    for k, fit in enumerate(study.fits):
        assert_allclose(study.test[k], study.model.score(fit.weights, *TEST))
        assert_allclose(study.train[k, 0], study.model.cross_entropy(fit.weights) / 40)


def test_dataset_has_all_of_it():
    data = evidence_study(TASK.x_train, TASK.y_train, [0.1, 10.0], TEST).to_xarray()
    assert_allclose(data.log_evidence, -data.cost + data.log_occam_factor)
    assert_allclose(data.log_evidence_ratio, data.null_log_evidence - data.log_evidence)
    occam = -np.log(data.eigenvalue / data.regularization).sum("mode") / 2
    assert_allclose(data.log_occam_factor, occam)
    assert data.eigenvalue.shape == (2, 10)
    assert data.test_accuracy.shape == (2,)


def test_without_test_examples_there_is_no_word_of_them():
    study = evidence_study(TASK.x_train, TASK.y_train, [1.0])
    assert study.test is None
    assert "test" not in str(study)
    assert "test_accuracy" not in study.to_xarray()


def test_printed_it_marks_the_penalty_of_most_evidence():
    study = evidence_study(TASK.x_train, TASK.y_train, [0.01, 1.0, 100.0], TEST)
    marked = [line for line in str(study).splitlines() if "← most evidence" in line]
    assert len(marked) == 1
    assert float(marked[0].split()[0]) == study.best


def test_progress_reaches_one():
    seen = []
    evidence_study(TASK.x_train, TASK.y_train, [0.1, 1.0], progress=seen.append)
    assert seen == [0.5, 1.0]


def test_it_is_a_front_door():
    assert sg.evidence_study is evidence_study


@every(
    ("arguments", "message"),
    [
        (([[1.0], [np.nan]], [0, 1]), r"X must be finite, got nan"),
        (([[1.0], [2.0]], [0, 1], [1.0, -2.0]), "regularization must be a positive finite number, as .*, got -2.0"),
        (([[1.0], [2.0]], [0, 1], []), "regularization must be a sequence of positive numbers"),
        (([[1.0], [2.0]], [0, 1], [1.0], [[1.0]]), "test must be a pair, X and y, got list"),
        (([[1.0], [2.0]], [0, 1], [1.0], ([[1.0, 2.0]], [0])), r"X of test must be an array of shape \(n, 1\)"),
        (([[1.0], [2.0]], [0, 1], [1.0], ([[1.0]], [2])), "y of test must be .* below 2, got 2"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        evidence_study(*arguments)
