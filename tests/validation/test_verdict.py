"""Verdicts: each is reached when it should be, and not otherwise."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from scipy.stats import binom, norm, t
from tables import every

from validation import formatting, verdict
from validation.check import Check
from validation.claim import Finding
from validation.context import Context, derived_seed
from validation.formatting import percent, plain, with_error
from validation.protocol import Protocol
from validation.terms import Rule, Terms
from validation.verdict import Verdict, judge, rule, thresholds

RUNS, MARGIN, LIMIT = 200, 0.05, thresholds({"one of three": 4, "b": 20, "c": 3})["one of three"]


def replicated(generator, truth, scatter, count, rival):
    """The check of a mean of replicas against 1."""
    draws = generator.normal(truth, scatter, count)
    error = draws.std(ddof=1) / np.sqrt(count)
    return Check("mean", 1.0, draws.mean(), error, {"rival": rival}, dof=count - 1)


def verdicts(truth, width, rival=2.0, seed=1):
    """What `RUNS` runs show with 16 replicas, whose interval's half width is ``width`` margins on average."""
    generator, count = np.random.default_rng(seed), 16
    quantile = t.isf(norm.sf(LIMIT), count - 1)
    scatter = width * MARGIN * np.sqrt(count) / quantile
    return [
        rule(replicated(generator, truth, scatter, count, rival), Terms(MARGIN), LIMIT).verdict for _ in range(RUNS)
    ]


@every("sign", [-1, 1])
@every(
    ("effect", "width", "expected"),
    [
        (0.0, 0.25, Verdict.AGREES),
        (0.5, 0.25, Verdict.AGREES),
        (2.0, 0.25, Verdict.DIFFERS),
        (0.5, 4.0, Verdict.UNDECIDED),
        (2.0, 4.0, Verdict.UNDECIDED),
        (1.0, 0.25, Verdict.UNDECIDED),
    ],
)
def test_each_verdict_is_reached_when_it_should_be(sign, effect, width, expected):
    found = verdicts(1 + sign * effect * MARGIN, width, seed=round(10 * effect + 100 * width) + sign)
    assert found.count(expected) >= 0.95 * RUNS


@every("distance", [0.3, 1.0, 2.0])
@every("width", [0.1, 0.5, 2.0])
def test_a_rival_as_truth_hardly_ever_agrees(distance, width):
    """Within the margin or beyond: 2.5 % is what would be allowed, and no more than chance allows is seen."""
    rival = 1 + distance * MARGIN
    found = verdicts(rival, width, rival=rival, seed=round(100 * distance + 10 * width))
    assert found.count(Verdict.AGREES) <= binom.ppf(0.5, RUNS, 0.025)


def test_an_effect_at_the_margin_hardly_ever_agrees_or_differs():
    found = verdicts(1 + MARGIN, 0.25)
    assert found.count(Verdict.AGREES) + found.count(Verdict.DIFFERS) <= 0.025 * RUNS


def test_an_interval_that_excludes_the_prediction_decides_by_the_margin():
    def at(value, error):
        return rule(Check("x", 1.0, value, error, {"rival": 2.0}), Terms(0.05), limit=4.0).verdict

    assert at(1.03, 0.001) is Verdict.AGREES
    assert at(1.05, 0.005) is Verdict.UNDECIDED
    assert at(1.07, 0.003) is Verdict.DIFFERS


def test_each_rival_must_be_rejected_and_one_that_says_the_same_is_none():
    near = Check("x", 1.0, 1.0, 0.001, {"far": 2.0, "near": 1.003})
    assert rule(near, Terms(0.05), limit=4.0).verdict is Verdict.UNDECIDED
    assert rule(near, Terms(0.05), limit=4.0).rejected == ("far",)
    same = Check("x", 1.0, 1.0, 0.001, {"far": 2.0, "same": 1.0})
    assert rule(same, Terms(0.05), limit=4.0).verdict is Verdict.AGREES


def test_by_the_protocol_a_rival_within_the_margin_is_none_but_the_claim_needs_another(make_claim):
    near, terms = Check("x", 1.0, 1.0, 0.001, {"near": 1.003}), Terms(0.05, apart=1.0)
    assert rule(near, terms, limit=4.0).verdict is Verdict.AGREES
    claim = make_claim("any", protocol=Protocol(apart=1.0))
    assert judge(claim, Finding((near,), "x"), limit=4.0).verdict is Verdict.UNDECIDED
    far = Check("y", 1.0, 1.0, 0.001, {"far": 1.1})
    assert judge(claim, Finding((near, far), "x"), limit=4.0).verdict is Verdict.AGREES


def test_margins_are_relative_to_the_scale_or_absolute():
    check = Check("x", 0.0, 0.15, 0.001, {"rival": 9.0}, scale=10.0)
    assert rule(check, Terms(0.05), limit=4.0).verdict is Verdict.AGREES
    assert rule(check, Terms(0.05, absolute=True), limit=4.0).verdict is Verdict.DIFFERS


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
    check = Check("few replicas", 1.0, 1.0 + deviation * 0.1, 0.1, dof=5)
    assert 2 * norm.sf(abs(check.z)) == pytest.approx(2 * t.sf(abs(deviation), 5), rel=1e-9)
    assert np.sign(check.z) == np.sign(deviation)
    assert 2 * norm.sf(4.0) == pytest.approx(2 * t.sf(check.half_width(4.0) / 0.1, 5), rel=1e-9)


def test_what_would_have_been_seen_is_at_four_sigma():
    assert Check("many", 2.0, 2.0, 0.1).detectable == pytest.approx(0.2)
    few = Check("few", 2.0, 2.0, 0.1, dof=5)
    assert Check("off by that", 2.0, 2.0 * (1 + few.detectable), 0.1, dof=5).z == pytest.approx(4.0)
    assert Check("near zero", 0.01, 0.01, 0.1, scale=10.0).detectable == pytest.approx(0.04)


@pytest.fixture
def ruling(make_claim):
    """The judgement of checks, the first of them the headline, where labels with "not" are expected to differ."""
    claim = make_claim("any", protocol=Protocol(rules=(Rule("not *", expects="differs"),)))
    return lambda *checks, **more: judge(claim, Finding(checks, checks[0].label, **more), limit=4.0)


AGREES, BLUNT = Check("title", 1.0, 1.0, 0.01, {"r": 2.0}), Check("blunt", 1.0, 1.0, 0.02, {"r": 2.0})
REFUTED, EXACT = Check("off", 1.0, 1.2, 0.01, {"r": 2.0}), Check("identity", 1.0, 1.0, 0.0, {"r": 2.0})


def test_the_number_of_the_title_decides_and_all_checks_are_counted(ruling):
    assert ruling(AGREES).verdict is Verdict.AGREES
    assert ruling(EXACT, AGREES).verdict is Verdict.EXACT
    undecided = ruling(BLUNT, AGREES)
    assert undecided.verdict is Verdict.UNDECIDED
    assert "off by 0 % ± 8.0 %, margin 5.0 %" in undecided.reason
    counted = ruling(AGREES, BLUNT, EXACT)
    assert counted.verdict is Verdict.AGREES
    assert counted.reason.startswith("3 checks: 1 agrees, 1 exact, 1 undecided.")
    assert counted.unmet == ("blunt (undecided)",)


def test_one_check_against_what_is_expected_makes_the_claim_differ(ruling):
    found = ruling(AGREES, EXACT, REFUTED)
    assert found.verdict is Verdict.DIFFERS
    assert "Against what is expected: off differs" in found.reason


def test_a_prediction_that_is_expected_to_fail_must_do_so(ruling):
    seen = ruling(AGREES, Check("not so", 2.3, 1.0, 0.01))
    unseen = ruling(AGREES, Check("not so", 1.06, 1.0, 0.01))
    holds = ruling(AGREES, Check("not so", 1.0, 1.0, 0.01))
    assert (seen.verdict, seen.unmet) == (Verdict.AGREES, ())
    assert unseen.unmet == ("not so (undecided)",)
    assert holds.verdict is Verdict.DIFFERS


def test_a_measurement_that_cannot_decide_says_so(ruling):
    judgement = ruling(AGREES, undecided="the maximum lies outside the grid")
    assert judgement.verdict is Verdict.UNDECIDED
    assert judgement.unmet == ("the maximum lies outside the grid",)


def test_where_no_noise_is_left_only_rounding_may_differ(ruling):
    kept = ruling(AGREES, Check("B = N", 0.0, 1e-25, 0.0, {"r": 1.0}, rounding=1e-20))
    broken = ruling(AGREES, Check("B = N", 0.0, 1e-15, 0.0, {"r": 1.0}, rounding=1e-20))
    assert kept.rulings[1].verdict is Verdict.EXACT
    assert broken.verdict is Verdict.DIFFERS


def test_a_finding_without_a_rival_is_refused():
    with pytest.raises(ValueError, match="names a rival"):
        Finding((Check("x", 1.0, 1.0, 0.01),), "x")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused(value):
    with pytest.raises(ValueError, match="measured is"):
        Check("x", 1.0, value, 0.1)
    with pytest.raises(ValueError, match="rival is"):
        Check("x", 1.0, 1.0, 0.1, {"rival": value})


def test_seeds_depend_on_every_label_and_fit_a_double():
    seeds = {derived_seed(seed, claim, label) for seed in range(5) for claim in "ab" for label in range(5)}
    assert len(seeds) == 50
    assert max(seeds) < 2**53
    context = Context("claim", "quick", (3,), None)
    assert context.seed("a", 1) == context.seed("a", 1) == derived_seed(3, "claim", "a", 1)
    assert context.seed("a", 1) != context.seed("a1")


def test_numbers_show_the_digits_that_the_error_allows():
    assert with_error(0.00123456, 0.0000012) == "0.0012346 ± 0.0000012"
    assert with_error(1.23456e-7, 1.2e-9) == "(1.235 ± 0.012)×10⁻⁷"
    assert with_error(9.99, 0.0996) == "9.99 ± 0.10"
    assert with_error(0.0, 0.0) == "0 (exact)"
    assert plain(float("nan")) == "–"
    assert percent(0.00996) == "1.0 %"
