"""Claims in two processes beside each other: the same numbers, and no claim lost with a process that dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from validation.claim import discover
from validation.context import HERE
from validation.job import Job, Measured
from validation.jobs import measure_in_turn
from validation.lanes import divided, measure_beside

pytestmark = pytest.mark.networks

CLAIMS = discover()
LANDSCAPES, IMAGES = ("update_variance", "batch_near_n"), ("dont_decay", "mnist_training_set")


def jobs(*names):
    return [Job(name, "smoke", (3,), HERE) for name in names]


class Heard:
    """What is told, and for each claim that has ended what was measured; ``at`` is called when one is started."""

    def __init__(self, at=lambda name: None):
        self.told, self.measured, self.at = [], {}, at

    def __call__(self, what: str, name: str, more: Any) -> None:
        self.told.append((what, name))
        if what == "started":
            self.at(name)
        if what == "finished":
            assert isinstance(more, Measured)
            self.measured[name] = more


def test_claims_that_train_are_a_lane_and_the_others_another():
    mixed = jobs("dont_decay", "update_variance", "mnist_training_set", "batch_near_n")
    others, training = divided(mixed, CLAIMS)
    assert [job.name for job in others] == ["update_variance", "batch_near_n"]
    assert [job.name for job in training] == ["dont_decay", "mnist_training_set"]
    assert len(divided(jobs("batch_near_n"), CLAIMS)) == 1


def test_one_lane_needs_no_process():
    heard = Heard(lambda name: pytest.fail("a process") if multiprocessing.active_children() else None)
    measure_beside(jobs("batch_near_n"), CLAIMS, heard)
    assert heard.measured["batch_near_n"].finding


@pytest.mark.slow("two processes that import everything, and four claims twice")
def test_beside_each_other_claims_find_what_they_find_in_turn():
    names, beside, turn = (*LANDSCAPES, *IMAGES), Heard(), Heard()
    measure_beside(jobs(*names), CLAIMS, beside)
    measure_in_turn(jobs(*names), CLAIMS, turn)
    for name in names:
        assert beside.measured[name].finding.checks == turn.measured[name].finding.checks
        assert beside.told.index(("started", name)) < beside.told.index(("finished", name))
        assert ("progressed", name) in beside.told
        assert all(p.drawn.files["png"].startswith(b"\x89PNG") for p in beside.measured[name].finding.pictures)
    assert not multiprocessing.active_children()


@pytest.mark.slow("five processes that import everything")
def test_a_process_that_dies_takes_one_claim_with_it_and_ctrl_c_ends_all():
    def kill(name):
        if name == LANDSCAPES[0]:
            for child in multiprocessing.active_children():
                os.kill(child.pid, signal.SIGKILL)

    heard = Heard(kill)
    measure_beside(jobs(*LANDSCAPES, IMAGES[0]), CLAIMS, heard)
    assert heard.measured[LANDSCAPES[0]].error == "the process that measured it ended with exit status -9"
    assert heard.measured[LANDSCAPES[1]].finding
    assert set(heard.measured) == {*LANDSCAPES, IMAGES[0]}
    assert heard.told.count(("started", LANDSCAPES[0])) == 1

    def stop(name):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_beside(jobs(LANDSCAPES[0], IMAGES[0]), CLAIMS, Heard(stop))
    assert not multiprocessing.active_children()


KILLED = """
import multiprocessing, time
from validation import lanes
from validation.claim import discover
from validation.context import HERE
from validation.job import Job

def silent(jobs, claims, tell):
    tell("started", jobs[0].name, None)
    time.sleep(600)  # says nothing that would fail without a listener

lanes.measure_in_turn = silent  # in each process, as all of them import this script

def tell(what, name, more):
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)

if __name__ == "__main__":
    lanes.measure_beside([Job(name, "quick", (0,), HERE) for name in ("escape_time", "mnist_sde")], discover(), tell)
"""


@pytest.mark.slow("three processes that import everything")
def test_both_processes_end_with_one_that_is_killed(tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        children = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(children) == 2
        parent.kill()
    deadline = time.monotonic() + 60
    try:
        while any(map(runs, children)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        for pid in filter(runs, children):
            os.kill(pid, signal.SIGKILL)


def runs(pid):
    """Whether a process is there, and is not only a name for its exit status."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
