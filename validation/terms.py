"""What a check is held to: margin and expectation, and rules that change them by a check's label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sgdsde.arguments import choice

Expectation = Literal["agrees", "differs", "undecided", "any"]
_EXPECTATIONS = ("agrees", "differs", "undecided", "any")


@dataclass(frozen=True)
class Terms:
    """What one check is held to: ``margin`` is relative to the check's unit, or in that of the measurement if absolute.

    Rivals count that are further from the prediction than ``apart`` margins.
    """

    margin: float = 0.05
    absolute: bool = False
    expects: Expectation = "agrees"
    apart: float = 0.0


@dataclass(frozen=True)
class Rule:
    """Terms of the checks whose labels match a pattern, such as ``"order of *"``; None leaves what was."""

    match: str
    margin: float | None = None
    absolute: bool = False
    expects: Expectation | None = None

    def __post_init__(self) -> None:
        if self.margin is not None and not self.margin > 0:
            raise ValueError(f"margin must be positive, got {self.margin} for {self.match!r}")
        if self.expects is not None:
            choice("expects", self.expects, _EXPECTATIONS)

    def applied(self, terms: Terms) -> Terms:
        margin, absolute = (terms.margin, terms.absolute) if self.margin is None else (self.margin, self.absolute)
        return Terms(margin, absolute, self.expects or terms.expects, terms.apart)
