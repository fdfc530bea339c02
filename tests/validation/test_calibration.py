"""Are the report's error bars as long as they say? Over seeds, deviations in standard errors have variance 1."""

import numpy as np
import pytest

from validation.claim import discover
from validation.runner import run_claims

pytestmark = pytest.mark.networks

ANALYTIC = (
    "update_variance",
    "stationary_variance",
    "momentum",
    "reshuffling",
    "batch_near_n",
    "large_learning_rate",
    "linear_regression",
    "schedules",
    "heavy_tails",
    "escape_time",
    "escape_sampling",
    "sharp_vs_flat",
    "noise_geometry",
)
SEEDS = (11, 12, 13)


class Silent:
    def started(self, claim) -> None: ...

    def progressed(self, claim, fraction) -> None: ...

    def said(self, text) -> None: ...

    def finished(self, outcome) -> None: ...


@pytest.mark.slow("whole claims with many seeds")
@pytest.mark.parametrize("name", ANALYTIC)
def test_deviations_are_standard_normal(name: str) -> None:
    claims = discover()
    outcomes = [
        run_claims([claims[name]], claims, "quick", seed, Silent(), lambda run: None).outcomes[0] for seed in SEEDS
    ]
    assert not any(ruling.contradicts for outcome in outcomes for ruling in outcome.judgement.rulings)
    rulings = [ruling for outcome in outcomes for ruling in outcome.judgement.rulings]
    # SGD at small ε is within a margin of what the SDE says, and not on it.
    exact = [ruling for ruling in rulings if ruling.expected == "agrees" and "the SDE says" not in ruling.check.label]
    checks = [ruling.check for ruling in exact]
    z = np.array([check.z for check in checks if check.z != 0])
    # Several checks come from one ensemble; for three that agree the mean square of n of them has the variance 2·3/n.
    assert abs((z**2).mean() - 1) < 4 * np.sqrt(6 / len(z))
    assert abs(z.mean()) < 4 * np.sqrt(3 / len(z))
