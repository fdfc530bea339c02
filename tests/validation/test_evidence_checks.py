"""Checks of the studies of evidence, and what they say of other labels and of another evidence."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from sgdsde.data import gaussian_task
from sgdsde.evidence import evidence_studies
from sgdsde.theory import laplace_evidence
from validation.evidence.checks import choice_check, over_sets, place_check, rank_check, sign_checks
from validation.evidence.tasks import TASKS
from validation.terms import Terms
from validation.verdict import Verdict, rule

PENALTIES = np.logspace(-2, 3, 11)
NAT, DECADE = Terms(1.0, absolute=True), Terms(1.0, absolute=True)


@pytest.fixture(scope="module")
def studies():
    """Eight small data sets of each labelling."""
    return {
        labels: evidence_studies(
            [partial(gaussian_task, labels, seed, n_train=80, n_test=2000, features=40) for seed in range(8)], PENALTIES
        )
        for labels in TASKS
    }


def as_training_has_it(study):
    """Evidence that is the likelihood of the fit."""
    return replace(study, evidences=tuple(laplace_evidence(80 * each, [1.0], 1.0) for each in study.train[:, 0]))


def test_evidence_is_for_labels_that_inform_and_against_tossed_ones(studies):
    assert {rule(check, NAT, 3.0).verdict for check in sign_checks(studies, 5.0)} == {Verdict.DIFFERS}


def test_a_sign_on_the_other_side_of_zero_counts_as_none(studies):
    swapped = {"random": studies["informative"], "informative": list(studies["random"])}
    against, _ = sign_checks(swapped, 5.0)
    assert against.measured == against.predicted == 0
    assert rule(against, NAT, 3.0).verdict is Verdict.EXACT


def test_the_training_cross_entropy_would_not_find_the_place(studies):
    found = studies["informative"]
    wrong = [as_training_has_it(study) for study in found]
    for check in (place_check, choice_check, lambda each: rank_check("informative", each)):
        good, bad = check(found), check(wrong)
        assert abs(good.measured - good.predicted) < abs(bad.measured - bad.predicted)
        assert bad.measured == pytest.approx(bad.rivals["training cross-entropy"])
        assert bad.rivals["training cross-entropy"] == pytest.approx(good.rivals["training cross-entropy"])
    assert rule(place_check(wrong), DECADE, 3.0).verdict is not Verdict.AGREES


def test_data_sets_that_are_all_the_same_leave_an_error():
    assert over_sets("all alike", 1.0, np.ones(4), step=0.2).standard_error == pytest.approx(0.05)
    assert over_sets("apart", 1.0, np.array([0.0, 2.0]), step=0.2).standard_error == pytest.approx(1.0)
