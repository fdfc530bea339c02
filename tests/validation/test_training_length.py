"""What the claim on N and the length of training makes of accuracies whose best batch size follows a law."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.mutations.synthetic_accuracy import trained_along_as
from validation.claim import discover
from validation.context import Context
from validation.gather import gather
from validation.verdict import Verdict, rule, thresholds

pytestmark = pytest.mark.networks

NAME = "mnist_training_length"


def verdicts(beta, gamma):
    claims = discover()
    limit = thresholds({each: found.plans["full"].tests for each, found in claims.items()})[NAME]
    held = claims[NAME]
    with pytest.MonkeyPatch.context() as patch:
        trained_along_as(patch, beta, gamma)
        finding = gather(held, Context(NAME, "full", tuple(range(10)), held.plans["full"].size))
    return {c.label: rule(c, held.protocol.terms(c.label), limit).verdict for c in finding.checks}


def of(found, pattern):
    return {verdict for label, verdict in found.items() if pattern in label}


@pytest.mark.slow("ten laws of curves that are resampled 500 times each, for each of three truths")
@pytest.mark.parametrize(("beta", "gamma"), [(1.0, 0.0), (0.5, 0.0), (0.5, -0.5)])
def test_no_law_is_taken_for_another(beta, gamma):
    found = verdicts(beta, gamma)
    in_n, in_time = of(found, "exponent β"), of(found, "exponent in T")
    assert (Verdict.AGREES in in_n) == (beta == 1)
    assert (Verdict.DIFFERS in in_n) == (beta != 1)
    assert (Verdict.DIFFERS in in_time) == (gamma != 0)
    if beta == 0.5:  # with 1 best batches are beyond what the longest times have
        assert (Verdict.AGREES in in_time) == (gamma == 0)


def test_large_batches_go_only_as_far_as_they_are_wanted():
    for size in discover()[NAME].plans["full"].size.values():
        for n in size.sets:
            times = size.times_of(n)
            curves = [size.curve(n, time) for time in times]
            assert all(set(longer) <= set(shorter) for shorter, longer in pairwise(curves))
            assert all(min(curve) == min(curves[0]) for curve in curves)
            assert max(curves[0]) < n
        assert size.marks(size.times[-1])[-1] * size.learning_rate / (1 - size.momentum) == pytest.approx(
            size.times[-1], rel=1e-6
        )
