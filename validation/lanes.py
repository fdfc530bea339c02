"""Claims measured beside each other, in two processes.

Claims that train networks share the cells of sweeps, whose stores have one driver at a time: they are one lane, and all
others are another. Each may use all cores: where one claim compiles or has but one thread, the other takes the rest.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from validation.claim import Claim, discover
from validation.job import Job, Measured, Tell
from validation.jobs import measure_in_turn

#: What processes have that share the cores: OpenMP's threads wait without spinning, and OpenBLAS, whose threads always
#: spin, has one. Libraries read it when they are imported.
_SHARING = {"OMP_WAIT_POLICY": "passive", "OPENBLAS_NUM_THREADS": "1"}
#: Progress is told in steps of this.
_STEP = 0.005


def measure_beside(jobs: Sequence[Job], claims: Mapping[str, Claim], tell: Tell) -> None:
    """Measure the claims of `discover` in a process for each lane; here, where there is only one.

    A claim whose process dies has not ended, and those after it go on in another.
    """
    todo = divided(jobs, claims)
    if len(todo) < 2:
        return measure_in_turn(jobs, claims, tell)
    with _running() as lanes:
        for each in todo:
            lanes.append(_Lane(each))
        while lanes:
            for end in wait([lane.receiver for lane in lanes]):
                lane = next(lane for lane in lanes if lane.receiver is end)
                if not lane.heard(tell):
                    lanes.remove(lane)
                    lane.process.join()
                    if lane.left:
                        lanes.append(_Lane(lane.left))


def divided(jobs: Sequence[Job], claims: Mapping[str, Claim]) -> list[list[Job]]:
    """The jobs of claims that train networks, and the others; in their order, and no lane without jobs."""
    training = [job for job in jobs if claims[job.name].trains]
    others = [job for job in jobs if not claims[job.name].trains]
    return [lane for lane in (others, training) if lane]


class _Lane:
    """A process with its jobs, of which those are ``left`` that have not been started."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        context = get_context("spawn")  # threads of this process would not survive a fork
        self.receiver, sender = context.Pipe(duplex=False)
        self.process: BaseProcess = context.Process(target=_lane, args=(list(jobs), sender), daemon=False)
        self.left, self.running, self.began = list(jobs), "", 0.0
        with _sharing():
            self.process.start()
        sender.close()  # so that its end shows here

    def heard(self, tell: Tell) -> bool:
        """Tell what the process says next; False when it has ended."""
        try:
            what, name, more = self.receiver.recv()
        except EOFError:
            self.process.join()
            if not self.running and self.left and self.process.exitcode:  # it did not even begin
                self.running = self.left.pop(0).name
                tell("started", self.running, None)
            if self.running:
                error = f"the process that measured it ended with exit status {self.process.exitcode}"
                tell("finished", self.running, Measured(time.perf_counter() - self.began, math.nan, None, error))
            return False
        if what == "started":
            self.running, self.began = name, time.perf_counter()
            self.left = [job for job in self.left if job.name != name]
        elif what == "finished":
            self.running = ""
        tell(what, name, more)
        return True


@contextmanager
def _running() -> Iterator[list[_Lane]]:
    """Lanes that end with the block, however it ends."""
    lanes: list[_Lane] = []
    try:
        yield lanes
    finally:
        for lane in lanes:
            lane.process.terminate()
        for lane in lanes:
            lane.process.join()


@contextmanager
def _sharing() -> Iterator[None]:
    """What is started here has the variables of `_SHARING`, but for those that the user has set."""
    added = [name for name in _SHARING if name not in os.environ]
    os.environ.update({name: _SHARING[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def _lane(jobs: Sequence[Job], sender: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asked for this one ends it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    reached: dict[str, float] = {}

    def tell(what: str, name: str, more: Any) -> None:
        if what == "progressed":
            if more < reached.get(name, 0.0) + _STEP:
                return
            reached[name] = more
        sender.send((what, name, more))

    measure_in_turn(jobs, discover(), tell)


def _end_with_parent() -> None:
    """End this process when the one that started it is killed, which ends nothing itself."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
