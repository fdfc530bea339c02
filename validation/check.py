"""One number that theory predicts and a simulation measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scipy.special import ndtr, ndtri, stdtr, stdtrit

from sgdsde.statistics.table import ROUNDING

if TYPE_CHECKING:
    from sgdsde.statistics import Estimate


@dataclass(frozen=True)
class Check:
    """One number that theory predicts and a simulation measured: one test of the run.

    ``rivals`` are what other plausible theories predict for the same number, by name. What deviation still counts as
    agreement, and whether agreement is expected, stands in the claim's protocol, by the check's label. ``rounding`` is
    an absolute difference that is no deviation: what floating point or a known approximation explains. ``scale`` is the
    size that relative deviations refer to where the prediction may be near zero, as a covariance may; the prediction's
    own by default. ``dof`` are the degrees of freedom of the standard error: with few replicas, deviations are
    Student's t, and are given as the normal deviation of the same probability. Without a standard error (0) the number
    is held to be the predicted one to ``rounding``. ``beyond`` is the bound where an inequality is predicted
    (`validation.signs`): ``predicted`` is then a number on the right side of it.
    """

    label: str
    predicted: float
    measured: float
    standard_error: float
    rivals: Mapping[str, float] = field(default_factory=dict)
    rounding: float = 0.0
    scale: float | None = None
    dof: float = math.inf
    beyond: float | None = None

    def __post_init__(self) -> None:
        rivals = {name: float(value) for name, value in self.rivals.items()}
        object.__setattr__(self, "rivals", rivals)
        own = {name: float(getattr(self, name)) for name in ("predicted", "measured", "standard_error")}
        for name, value in own.items():
            object.__setattr__(self, name, value)
        for name, value in (own | rivals).items():
            if not math.isfinite(value):
                raise ValueError(f"{self.label}: {name} is {value}")
        for name in ("rounding", "scale", "dof"):
            if getattr(self, name) is not None:  # NumPy's numbers are not JSON's
                object.__setattr__(self, name, float(getattr(self, name)))
        if self.standard_error < 0:
            raise ValueError(f"{self.label}: standard_error must not be negative, got {self.standard_error}")

    @classmethod
    def of(cls, label: str, predicted: float, estimate: Estimate, rivals: Mapping[str, float], **more: Any) -> Check:
        """The check of an estimate with its standard error; ``more`` are further fields."""
        return cls(label, predicted, float(estimate.value), float(estimate.standard_error), rivals, **more)

    @property
    def z(self) -> float:
        """The deviation of the measurement from the prediction, in standard errors."""
        return self.z_from(self.predicted)

    def z_from(self, prediction: float) -> float:
        """The same from another prediction, such as a rival's."""
        difference = self.measured - prediction
        if abs(difference) <= self.rounding:
            return 0.0
        if not self.standard_error:
            return math.copysign(math.inf, difference)
        return _normal(difference / self.standard_error, self.dof)

    def half_width(self, limit: float) -> float:
        """Half the confidence interval of the normal quantile ``limit``, in the unit of the measurement."""
        return student(limit, self.dof) * self.standard_error

    def rivals_beyond(self, distance: float = 0.0) -> dict[str, float]:
        """Rivals that predict a number further off than ``distance`` and rounding; the others say the same here."""
        same = max(distance, self.rounding, ROUNDING * max(abs(self.predicted), self.scale or 0.0))
        return {name: value for name, value in self.rivals.items() if abs(value - self.predicted) > same}

    @property
    def unit(self) -> float:
        """What relative deviations refer to: ``scale``, or the size of the prediction; 0 where that is rounding."""
        return self.scale or (abs(self.predicted) if self._relative else 0.0)

    @property
    def ratio(self) -> float:
        """Measured over predicted; NaN where zero is predicted, or nothing but rounding beside what was measured."""
        return self.measured / self.predicted if self._relative else math.nan

    @property
    def detectable(self) -> float:
        """The smallest relative deviation that stands out at 4 σ; 0 where the check is exact, ∞ relative to nothing."""
        if not self.standard_error:
            return 0.0
        return self.half_width(4.0) / self.unit if self.unit else math.inf

    @property
    def _relative(self) -> bool:
        """Whether the prediction is more than rounding beside what was measured and its error."""
        return abs(self.predicted) > ROUNDING * max(abs(self.measured), self.standard_error)


def _normal(t: float, dof: float) -> float:
    """The normal deviation as improbable as Student's ``t``."""
    if math.isinf(dof):
        return t
    return math.copysign(-float(ndtri(stdtr(dof, -abs(t)))), t)


def student(z: float, dof: float) -> float:
    """Student's quantile of the same probability as the normal ``z``.

    >>> round(student(1.96, 5), 2)
    2.57
    """
    return z if math.isinf(dof) else -float(stdtrit(dof, ndtr(-z)))
