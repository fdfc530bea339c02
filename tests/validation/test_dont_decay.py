"""The helpers of ``dont_decay``: courses that visit as many examples, and differences paired by replica."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from validation.claims.dont_decay import _alike, _clock, dont_decay
from validation.mnist.cells.schedules import CONTROL, FALLS, Schedule, scheduled
from validation.mnist.dont_decay import KINDS, REFERENCE, Case, Run

SCHEDULE = Schedule(0.2, 10, 2, 2, 2)
CASE = Case(SCHEDULE, 0.5, 320)


def test_every_schedule_has_visited_as_many_examples_at_every_reading():
    for kind in KINDS:
        course = SCHEDULE.courses(kind, 320)
        visited = np.cumsum(course.batch_sizes)[course.marks - 1]
        np.testing.assert_array_equal(visited, 320 * SCHEDULE.readings_at)
        assert len(course.learning_rates) == len(course.batch_sizes) == course.marks[-1]


def test_rate_over_batch_size_falls_alike_by_either_way():
    """Per example visited, not per update."""
    by_kind = {kind: SCHEDULE.courses(kind, 320) for kind in FALLS}
    seen = {k: np.repeat(c.learning_rates / c.batch_sizes, c.batch_sizes) for k, c in by_kind.items()}
    for kind in FALLS:
        np.testing.assert_allclose(seen[kind], seen[REFERENCE])
    assert (by_kind["ε falls"].batch_sizes == 10).all()
    assert (by_kind["B grows"].learning_rates == 0.2).all()
    assert set(by_kind["B grows, then ε falls"].batch_sizes) == {10, 20}
    assert by_kind["B grows, then ε falls"].learning_rates[-1] == pytest.approx(0.1)


def test_the_clock_is_that_of_the_integral_of_the_rate():
    assert CASE.clock(REFERENCE) == pytest.approx(64 * (0.2 + 0.1 + 0.05) / 0.5)
    check = _clock(CASE)
    assert check.z == 0
    assert check.rivals["neither changes"] == pytest.approx(3 / 1.75)
    assert (CASE.updates(REFERENCE), CASE.updates("B grows"), CASE.last_updates("B grows")) == (192, 112, 16)


@pytest.mark.parametrize(("n", "message"), [(330, "into the readings"), (20, "fit into N")])
def test_a_course_that_does_not_come_out_even_is_refused(n, message):
    with pytest.raises(ValueError, match=message):
        SCHEDULE.courses("B grows", n)


def test_differences_are_paired_and_losses_in_proportion():
    generator = np.random.default_rng(2)
    own = generator.normal(0, 1, (5, 1))  # what is particular to a replica cancels
    noise = {kind: generator.normal(0, 0.01, (5, 3)) for kind in KINDS}
    shift = {kind: 0.5 if kind == CONTROL else 0.0 for kind in KINDS}
    loss = np.stack([np.exp(own + noise[kind] + shift[kind]) for kind in KINDS])
    accuracy = np.stack([own + noise[kind] - shift[kind] for kind in KINDS])
    names = ("kind", "replica", "reading")
    run = Run(
        CASE, xr.Dataset({"train_loss": (names, loss), "test_accuracy": (names, accuracy)}, {"kind": list(KINDS)})
    )
    pairs = noise["B grows"][:, 1] - noise[REFERENCE][:, 1]
    expected = pairs.mean(), pairs.std(ddof=1) / np.sqrt(5)
    for quantity in ("train_loss", "test_accuracy"):
        assert run.difference(quantity, "B grows", 1) == pytest.approx(expected)
    checks = list(_alike(run))
    assert len(checks) == 2 * 2 * 2
    rivals = [abs(check.z_from(check.rivals["neither changes"])) for check in checks]
    assert max(abs(check.z) for check in checks) < 4 < min(rivals)
    assert {check.dof for check in checks} == {4}


@pytest.mark.networks
def test_replicas_are_the_same_under_every_schedule_until_the_first_drop():
    settings = {
        "source": "digits", "n_examples": 320, "hidden": 10, "learning_rate": 0.2, "batch_size": 10, "factor": 2,
        "drops": 1, "epochs": 2, "readings": 2, "momentum": 0.5, "test_stride": 2, "replicas": 2, "seed": 1,
        "device": "cpu",
    }  # fmt: skip
    one, other = (scheduled(kind=kind, **settings) for kind in (REFERENCE, "B grows"))
    assert dict(one.sizes) == {"replica": 2, "reading": 4}
    np.testing.assert_array_equal(other["updates"], [32, 64, 80, 96])
    np.testing.assert_allclose(one["train_loss"][:, :2], other["train_loss"][:, :2], rtol=1e-4)
    assert (one["train_loss"][:, 2:] != other["train_loss"][:, 2:]).all()
    assert (one["train_loss"][:, -1] < one["train_loss"][:, 0]).all()


def test_every_size_comes_out_even_and_makes_the_announced_checks():
    for plan in dont_decay.plans.values():
        for size in plan.size.values():
            for case in (*size.same, size.fails):
                assert all(case.updates(kind) > 0 for kind in KINDS)
            readings = sum(case.schedule.drops * case.schedule.readings for case in size.same)
            assert plan.tests == 2 * (len(FALLS) - 1) * readings + len(size.same) + 1
