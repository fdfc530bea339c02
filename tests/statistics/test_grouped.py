"""Means over groups of replicas, and their differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sgdsde.statistics import grouped_mean


def test_differences_are_welchs():
    a, b = np.random.default_rng(7).normal(size=(2, 9))
    b = 3 * b[:5]
    found, theirs = grouped_mean(a[None]) - grouped_mean(b[None]), stats.ttest_ind(a, b, equal_var=False)
    assert found.value / found.standard_error == pytest.approx(theirs.statistic)
    assert found.dof == pytest.approx(theirs.df)


def test_what_seeds_have_of_their_own_is_no_error():
    """The standard error over 500 repetitions, beside differences between seeds a hundred times as large."""
    generator = np.random.default_rng(9)
    own = 100 * generator.normal(size=(1, 5, 1))
    found = [grouped_mean(each) for each in own + generator.normal(size=(500, 5, 8))]
    spread = np.std([each.value for each in found])
    assert spread == pytest.approx(np.mean([each.standard_error for each in found]), rel=0.15)
    assert np.mean([each.dof for each in found]) == pytest.approx(5 * 7, rel=0.3)


def test_two_replicas_are_needed():
    with pytest.raises(ValueError, match="replicas ≥ 2"):
        grouped_mean([[1.0], [2.0]])
