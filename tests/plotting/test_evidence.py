import numpy as np
import pytest

from sgdsde.data import gaussian_task
from sgdsde.evidence import EvidenceEstimate, evidence_study
from sgdsde.plotting import accuracy_chart, evidence_chart, evidence_ratio_chart, laplace_error_chart, occam_chart

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


def measured(study, off=0.5):
    """Laplace's evidence and something more."""
    found = np.array([each.log_evidence for each in study.evidences]) + off
    count = len(found)
    return EvidenceEstimate(study.regularization, found, np.full(count, 0.1), np.full(count, 16.0), True, 15, "made up")


def test_measured_evidence_lies_beside_laplaces_in_both_charts():
    found = studies("informative")
    points = {"informative": [measured(each) for each in found[:2]]}
    for axes in (
        evidence_chart({"informative": found}, points, scale="log").axes[1],
        evidence_ratio_chart({"informative": found}, points).axes[0],
    ):
        drawn = [each.lines[0].get_ydata() for each in axes.containers]
        np.testing.assert_allclose(drawn, [each.log_evidence_ratio - 0.5 for each in found[:2]])
        assert "E, measured, 2 data sets" in axes.get_legend_handles_labels()[1]


def test_scales_of_cross_entropy_and_of_accuracy():
    found = {"informative": studies("informative"), "random": studies("random")}
    assert evidence_chart(found, scale="log").axes[0].get_yscale() == "log"
    with pytest.raises(ValueError, match="scale must be one of"):
        evidence_chart(found, scale="wrong")
    same, own = accuracy_chart(found), accuracy_chart(found, same_scale=False)
    assert same.axes[0].get_ylim() == same.axes[1].get_ylim()
    assert own.axes[0].get_ylim() != own.axes[1].get_ylim()


def test_the_error_of_laplace_is_drawn_by_groups_of_one_colour():
    pairs = {f"P = 6, {labels}": (studies(labels, 1)[0],) for labels in ("random", "informative")}
    pairs = {title: (study, measured(study)) for title, (study,) in pairs.items()}
    axes = laplace_error_chart(pairs).axes[0]
    first, second = axes.containers
    np.testing.assert_allclose(first.lines[0].get_ydata(), -0.5)
    assert first.lines[0].get_color() == second.lines[0].get_color()
    assert first.lines[0].get_linestyle() != second.lines[0].get_linestyle()
    study = studies("random", 1, [1.0])[0]
    with pytest.raises(ValueError, match="tasks must have the same λ in study and measurement, got others in 'mixed'"):
        laplace_error_chart({"mixed": (study, pairs["P = 6, random"][1])})


def test_bars_of_minima_end_at_minus_their_evidence():
    found = studies("random", 2)
    minima = {"row": {"A": found[0].evidences[0], "B": found[1].evidences[1]}}
    left, right = occam_chart(minima, ([0.0, 1.0], [0.0, 2.0], {"A": (0.5, 1.0)})).axes
    assert [text.get_text() for text in right.texts] == [
        f"{name}: {-each.log_evidence:.2f}" for name, each in minima["row"].items()
    ]
    assert left.texts[0].get_text() == "A"
    with pytest.raises(ValueError, match="minima must have at least one evidence"):
        occam_chart({"row": {}})
