"""Effects of which a paper has the sign: what agrees, differs and is undecided."""

from __future__ import annotations

import numpy as np
import pytest

from validation.signs import NONE, of_sign, of_sign_in
from validation.terms import Terms
from validation.verdict import Verdict, rule

TERMS = Terms(margin=1.0)
LEAST, LIMIT = 0.05, 4.0


def verdict(value, error, sign):
    return rule(of_sign("slope", (value, error), sign, LEAST), TERMS, LIMIT).verdict


def test_it_agrees_where_the_whole_interval_has_the_sign_and_differs_where_none_of_it_has():
    rng = np.random.default_rng(0)
    seen = set()
    for value, error, sign in zip(
        rng.normal(0, 0.3, 500), np.exp(rng.uniform(-6, -1, 500)), rng.choice([-1, 1], 500), strict=True
    ):
        low, high = sorted((sign * (value - LIMIT * error), sign * (value + LIMIT * error)))
        expected = Verdict.AGREES if low > LEAST else Verdict.DIFFERS if high < LEAST else Verdict.UNDECIDED
        assert verdict(value, error, sign) is expected
        seen.add(expected)
    assert seen == {Verdict.AGREES, Verdict.DIFFERS, Verdict.UNDECIDED}


def test_an_effect_of_the_other_sign_is_shown_with_its_sign():
    check = of_sign("slope", (0.3, 0.01), -1, LEAST)
    assert (check.measured, check.predicted, check.rivals) == (0.3, -0.1, {NONE: 0.0})
    assert verdict(0.3, 0.01, -1) is Verdict.DIFFERS
    assert verdict(-0.3, 0.01, -1) is Verdict.AGREES


def test_the_rival_counts_and_no_effect_never_agrees():
    ruling = rule(of_sign("slope", (0.0, 0.001), 1, LEAST), TERMS, LIMIT)
    assert (list(ruling.rivals), ruling.rejected, ruling.verdict) == ([NONE], (), Verdict.DIFFERS)
    for value in (0.001, 0.06, 0.1, 3.0):
        assert list(rule(of_sign("slope", (value, 1e-4), 1, LEAST), TERMS, LIMIT).rivals) == [NONE]


def test_an_effect_that_is_everywhere_the_same_has_no_error_and_counts_only_where_it_is_large_enough():
    assert verdict(0.0, 0.0, 1) is Verdict.DIFFERS
    assert verdict(0.2, 0.0, 1) is Verdict.EXACT


def test_replicas_that_never_came_there_are_left_out():
    check = of_sign_in("slope", np.array([0.2, np.nan, 0.3]), 1, LEAST)
    assert (check.measured, check.dof) == (pytest.approx(0.25), 1)
    unknown = of_sign_in("slope", np.array([0.2, np.nan, np.nan]), 1, LEAST)
    assert (unknown.measured, unknown.standard_error) == (0.0, 1.0)
    assert rule(unknown, TERMS, LIMIT).verdict is Verdict.UNDECIDED
