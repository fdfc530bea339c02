"""Intervals of splitting probabilities against how often they hold, exactly."""

import numpy as np
import pytest
from scipy.stats import binom
from tables import every

from sgdsde.statistics import splitting_probabilities


def test_splitting_intervals_hold():
    """How often, exactly: the chance of each count is binomial. Wilson's hold on average, the exact ones always."""
    n, p = 30, np.linspace(0.02, 0.98, 97)
    chances = binom.pmf(np.arange(n + 1)[:, None], n, p)
    for method, least, most in (("wilson", 0.94, 0.96), ("exact", 0.96, 0.99)):
        found = [splitting_probabilities([0] * k + [1] * (n - k), "ab", method=method) for k in range(n + 1)]
        held = np.array([(f.low[0] <= p) & (p <= f.high[0]) for f in found])
        coverage = (held * chances).sum(axis=0)
        assert least < coverage.mean() < most
        assert coverage.min() > (0.95 if method == "exact" else 0.83)
    assert all(f.probability.sum() == pytest.approx(1) for f in found)
    np.testing.assert_allclose(
        [f.standard_error[0] for f in found], [np.sqrt(k * (n - k) / n**3) for k in range(n + 1)]
    )


def test_censored_paths_are_shares_of_all_or_of_none():
    found = splitting_probabilities([0] * 6 + [2] * 2 + [-1] * 2, ("left", "up", "right"), of="all")
    np.testing.assert_allclose(found.probability, [0.6, 0.0, 0.2])
    assert (found.low[1], found.censored, found.names) == (0.0, 2, ("left", "up", "right"))
    np.testing.assert_array_equal(splitting_probabilities([0, 2, -1], "abc").counts, [1, 0, 1])


@every(
    ("call", "message"),
    [
        (lambda: splitting_probabilities([0, 3], "ab"), "region must be from −1 to 1"),
        (lambda: splitting_probabilities([0.0], "a"), "region must be integers"),
        (lambda: splitting_probabilities([-1], "a"), "needs a path that ended, but all 1 are censored"),
        (lambda: splitting_probabilities([0], "a", of="some"), "of must be one of ended, all, got 'some'"),
        (lambda: splitting_probabilities([0], "a", method="wald"), "method must be one of wilson, exact, got 'wald'"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
