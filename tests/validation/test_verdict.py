import doctest

import numpy as np
import pytest
from scipy.stats import norm, t

from validation import formatting, verdict
from validation.claim import Check, Finding
from validation.context import Context, derived_seed
from validation.formatting import percent, plain, with_error
from validation.verdict import Verdict, judge, thresholds


@pytest.mark.parametrize("module", [formatting, verdict])
def test_the_examples_in_the_docstrings(module):
    outcome = doctest.testmod(module)
    assert outcome.attempted > 0
    assert outcome.failed == 0


@pytest.mark.parametrize("tests", [{"a": 1}, {"a": 17, "b": 1}, {"a": 500, "b": 20, "c": 3}])
def test_the_thresholds_give_the_family_level_in_equal_shares(tests):
    limits = thresholds(tests)
    passes = {name: (1 - 2 * norm.sf(limits[name])) ** count for name, count in tests.items()}
    assert np.prod(list(passes.values())) == pytest.approx(1 - 1e-3, rel=1e-9)
    assert list(passes.values()) == pytest.approx([passes["a"]] * len(tests))


@pytest.mark.parametrize("deviation", [0.5, 4.0, -30.0])
def test_few_degrees_of_freedom_make_a_deviation_less_improbable(deviation):
    check = Check("few replicas", 1.0, 1.0 + deviation * 0.1, 0.1, 1.0, dof=5)
    assert 2 * norm.sf(abs(check.z)) == pytest.approx(2 * t.sf(abs(deviation), 5), rel=1e-9)
    assert np.sign(check.z) == np.sign(deviation)


def test_what_would_have_been_seen_is_at_four_sigma():
    assert Check("many", 2.0, 2.0, 0.1, 1.0).detectable == pytest.approx(0.2)
    few = Check("few", 2.0, 2.0, 0.1, 1.0, dof=5)
    assert Check("off by that", 2.0, 2.0 * (1 + few.detectable), 0.1, 1.0, dof=5).z == pytest.approx(4.0)
    assert Check("near zero", 0.01, 0.01, 0.1, 1.0, scale=10.0).detectable == pytest.approx(0.04)


@pytest.fixture
def ruling(make_claim):
    claim = make_claim("any")
    return lambda *checks: judge(claim, Finding(checks, checks[0].label), limit=4.0)


def test_a_check_blunter_than_promised_is_inconclusive(ruling):
    judgement = ruling(Check("blunt", 1.0, 1.0, 0.02, 2.0))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "could not have seen a deviation of 5%" in judgement.reason


def test_a_false_theory_must_be_rejected(ruling):
    exact = Check("exact law", 1.0, 1.0, 0.01, 2.0)
    seen = ruling(exact, Check("SDE", 2.3, 1.0, 0.01, 1.0, "different"))
    unseen = ruling(exact, Check("SDE", 1.02, 1.0, 0.01, 1.0, "different"))
    assert seen.verdict is Verdict.CONFIRMED
    assert unseen.verdict is Verdict.INCONCLUSIVE


def test_a_measurement_that_cannot_decide_says_so(make_claim):
    finding = Finding((Check("x", 1.0, 1.0, 0.001, 2.0),), "x", undecided="the maximum lies outside the grid")
    judgement = judge(make_claim("any"), finding, limit=4.0)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reason == "the maximum lies outside the grid"


def test_where_no_noise_is_left_only_rounding_may_differ(ruling):
    some = Check("some noise", 1.0, 1.0, 0.01, 2.0)
    kept = ruling(some, Check("B = N", 0.0, 1e-25, 0.0, 1.0, rounding=1e-20))
    broken = ruling(some, Check("B = N", 0.0, 1e-15, 0.0, 1.0, rounding=1e-20))
    assert kept.verdict is Verdict.CONFIRMED
    assert broken.verdict is Verdict.REFUTED


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_measurement_that_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="measured is"):
        Check("x", 1.0, value, 0.1, 2.0)


def test_seeds_depend_on_every_label_and_fit_a_double():
    seeds = {derived_seed(seed, claim, label) for seed in range(5) for claim in "ab" for label in range(5)}
    assert len(seeds) == 50
    assert max(seeds) < 2**53
    context = Context("claim", "quick", 3, None)
    assert context.seed("a", 1) == context.seed("a", 1) == derived_seed(3, "claim", "a", 1)
    assert context.seed("a", 1) != context.seed("a1")


def test_numbers_show_the_digits_that_the_error_allows():
    assert with_error(0.00123456, 0.0000012) == "0.0012346 ± 0.0000012"
    assert with_error(1.23456e-7, 1.2e-9) == "(1.235 ± 0.012)×10⁻⁷"
    assert with_error(9.99, 0.0996) == "9.99 ± 0.10"
    assert with_error(0.0, 0.0) == "0 (exact)"
    assert plain(float("nan")) == "–"
    assert percent(0.00996) == "1.0 %"
