import io

import pytest
from rich.console import Console

from validation import progress
from validation.claim import Plan
from validation.progress import Clock, listener
from validation.runner import Outcome
from validation.verdict import Judgement, Verdict


@pytest.fixture
def claims(registry, make_claim):
    made = [make_claim("short"), make_claim("long")]
    object.__setattr__(made[1], "plans", {"quick": Plan(1, 99.0)})
    return made


@pytest.fixture
def now(monkeypatch):
    time = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: time[0])
    return time


def test_the_time_left_follows_the_speed_of_this_machine(claims, now):
    clock = Clock(claims, "quick")
    assert clock.left() == "about 2 min left"
    clock.progress("short", 1.0)
    clock.progress("long", 0.5)
    now[0] = 50.5  # as planned
    assert clock.left() == "about 50 s left"
    now[0] = 202.0  # four times slower
    assert clock.left() == "about 3 min left"


def test_a_long_claim_says_each_quarter_on_plain_lines(claims, now):
    written = io.StringIO()
    with listener(Console(file=written), claims, "quick") as told:
        told.started(claims[1])
        for step in range(11):
            told.progressed(claims[1], step / 10)
        told.said("no MNIST")
        told.finished(Outcome(claims[1], Judgement(Verdict.AGREES, "all [well]"), None, 1.0))
    lines = [line.strip() for line in written.getvalue().splitlines()]
    assert [line.split("(")[0].strip() for line in lines[1:4]] == [f"long: {share} % done" for share in (25, 50, 75)]
    assert lines[4:] == ["no MNIST", "long: agrees (1.0 s): all [well]"]


def test_a_terminal_gets_a_bar(claims, now):
    written = io.StringIO()
    with listener(Console(file=written, force_terminal=True, width=120), claims, "quick") as told:
        told.started(claims[0])
        told.progressed(claims[0], 0.5)
        told.finished(Outcome(claims[0], Judgement(Verdict.DIFFERS, "off [by] 5 σ"), None, 1.0))
    assert "differs" in written.getvalue()
    assert "off [by] 5 σ" in written.getvalue()
    assert "left" in written.getvalue()
