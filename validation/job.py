"""What a claim is measured with, and what is told of it on the way and in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from validation.claim import Finding
from validation.context import Place


@dataclass(frozen=True)
class Job:
    """What a claim is measured with."""

    name: str
    preset: str
    seeds: tuple[int, ...]
    place: Place


@dataclass(frozen=True)
class Measured:
    """What a claim found, or why it did not end; in how many seconds, and of how many cores' time together.

    ``measured`` is the date where it was in an earlier run (`validation.ended`).
    """

    seconds: float
    cpu_seconds: float
    finding: Finding | None = None
    error: str = ""
    measured: str = ""


#: Told what happened to which claim: "started", "progressed" with the fraction done, "said" with words, and
#: "finished" with what was `Measured`.
Tell = Callable[[str, str, Any], None]
