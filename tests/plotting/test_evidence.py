import numpy as np
import pytest

from sgdsde.data import gaussian_task
from sgdsde.evidence import evidence_study
from sgdsde.plotting import accuracy_chart, evidence_chart

PENALTIES = [10.0, 0.1, 1.0]


def studies(labels, count=3, penalties=PENALTIES):
    tasks = [gaussian_task(labels, seed, n_train=30, n_test=200, features=6) for seed in range(count)]
    return [evidence_study(each.x_train, each.y_train, penalties, (each.x_test, each.y_test)) for each in tasks]


def line(axes, label):
    return next(each for each in axes.lines if each.get_label() == label)


def test_accuracies_are_means_over_studies_in_the_order_of_penalties():
    found = studies("informative")
    axes = accuracy_chart({"informative": found}).axes[0]
    np.testing.assert_allclose(line(axes, "test").get_xdata(), sorted(PENALTIES))
    expected = np.mean([study.test[[1, 2, 0], 1] for study in found], axis=0)
    np.testing.assert_allclose(line(axes, "test").get_ydata(), expected)
    assert len(axes.collections) == 2  # bands
    assert axes.get_xscale() == "log"


def test_evidence_lies_below_with_the_penalty_of_most_evidence_marked():
    found = studies("informative")
    above, below = evidence_chart({"informative": found}).axes
    expected = np.mean([study.log_evidence_ratio for study in found], axis=0)
    np.testing.assert_allclose(line(below, "E").get_ydata(), expected[[1, 2, 0]])
    np.testing.assert_allclose(line(above, "most evidence").get_xdata(), PENALTIES[np.argmin(expected)])
    low, high = below.get_ylim()
    assert low < 0 < high


def test_one_study_has_no_band_and_may_lack_test_examples():
    task = gaussian_task("random", n_train=30, features=6)
    study = evidence_study(task.x_train, task.y_train, PENALTIES)
    axes = accuracy_chart({"own": study}).axes[0]
    assert not axes.collections
    assert {each.get_label() for each in axes.lines} == {"chance", "training"}


@pytest.mark.parametrize("chart", [accuracy_chart, evidence_chart])
def test_what_cannot_be_drawn_is_refused(chart):
    with pytest.raises(ValueError, match="tasks must have at least one study each"):
        chart({"nothing": []})
    with pytest.raises(
        ValueError, match="tasks must have the same λ in all studies of one task, got others in 'mixed'"
    ):
        chart({"mixed": [*studies("random", 1), *studies("random", 1, [1.0])]})
