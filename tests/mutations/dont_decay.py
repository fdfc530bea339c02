"""Mutations of dont_decay."""

from __future__ import annotations

import pytest

from tests.mutations import mutation
from validation.mnist.cells.schedules import CONTROL, Courses, Schedule
from validation.mnist.dont_decay import REFERENCE


@mutation("dont_decay", "neither changes")
def batches_that_do_not_grow(patch: pytest.MonkeyPatch) -> None:
    """neither ε nor B changes where B should grow"""
    original = Schedule.courses

    def courses(self: Schedule, kind: str, n_examples: int) -> Courses:
        return original(self, kind if kind == REFERENCE else CONTROL, n_examples)

    patch.setattr(Schedule, "courses", courses)
