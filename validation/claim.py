"""What a claim is: a statement of theory, the checks that test it, and the registry that finds all claims."""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from scipy.special import ndtr, ndtri, stdtr, stdtrit

from sgdsde.statistics.table import ROUNDING
from validation.presets import PRESETS

if TYPE_CHECKING:
    from sgdsde.plotting import Figure
    from validation.context import Context


@dataclass(frozen=True)
class Check:
    """One number that theory predicts and a simulation measured: one test of the run.

    ``wrong`` is what the claim's negative control predicts for the same number. ``expected="different"`` marks a
    prediction that the claim says is false (the SDE under reshuffling): it passes when it is rejected. ``rounding`` is
    an absolute difference that is no deviation: what floating point explains, or a slope at finite steps. ``scale`` is
    the size that relative deviations refer to where the prediction may be near zero, as a covariance may; the
    prediction's own by default. ``dof`` are the degrees of freedom of the standard error: with few replicas, deviations
    are Student's t, and are given as the normal deviation of the same probability.
    """

    label: str
    predicted: float
    measured: float
    standard_error: float
    wrong: float
    expected: Literal["equal", "different"] = "equal"
    rounding: float = 0.0
    scale: float | None = None
    dof: float = math.inf

    def __post_init__(self) -> None:
        for name in ("predicted", "measured", "standard_error", "wrong"):
            value = float(getattr(self, name))
            object.__setattr__(self, name, value)
            if not math.isfinite(value):
                raise ValueError(f"{self.label}: {name} is {value}")

    @property
    def z(self) -> float:
        """The deviation of the measurement from the prediction, in standard errors."""
        return self._z(self.predicted)

    @property
    def control_z(self) -> float:
        """The same, from what the negative control predicts."""
        return self._z(self.wrong)

    @property
    def ratio(self) -> float:
        """Measured over predicted; NaN where zero is predicted, or nothing but rounding beside what was measured."""
        return self.measured / self.predicted if self._relative else math.nan

    @property
    def detectable(self) -> float:
        """The smallest relative deviation that stands out at 4 σ; 0 where the check is exact, ∞ relative to nothing."""
        if not self.standard_error:
            return 0.0
        if not self.scale and not self._relative:
            return math.inf
        return _student(4.0, self.dof) * self.standard_error / (self.scale or abs(self.predicted))

    @property
    def _relative(self) -> bool:
        """Whether the prediction is more than rounding beside what was measured and its error."""
        return abs(self.predicted) > ROUNDING * max(abs(self.measured), self.standard_error)

    def _z(self, prediction: float) -> float:
        difference = self.measured - prediction
        if abs(difference) <= self.rounding:
            return 0.0
        if not self.standard_error > 0:
            return math.copysign(math.inf, difference)
        return _normal(difference / self.standard_error, self.dof)


def _normal(t: float, dof: float) -> float:
    """The normal deviation as improbable as Student's ``t``."""
    if math.isinf(dof):
        return t
    return math.copysign(-float(ndtri(stdtr(dof, -abs(t)))), t)


def _student(z: float, dof: float) -> float:
    """The inverse of `_normal`."""
    return z if math.isinf(dof) else -float(stdtrit(dof, ndtr(-z)))


@dataclass(frozen=True)
class Picture:
    """A figure of the report: ``alt`` says to those who cannot see it what it shows."""

    name: str
    caption: str
    alt: str
    figure: Figure


@dataclass(frozen=True)
class Finding:
    """What a claim measured. ``headline`` is the label of the check that stands for it in the summary table.

    ``undecided`` says why the measurement cannot decide, where the checks alone do not show it.
    """

    checks: tuple[Check, ...]
    headline: str
    pictures: tuple[Picture, ...] = ()
    method: str = ""
    notes: tuple[str, ...] = ()
    data: str = ""
    undecided: str = ""

    def __post_init__(self) -> None:
        labels = [check.label for check in self.checks]
        if len(set(labels)) < len(labels):
            raise ValueError("two checks of a finding share a label")
        if all(check.expected == "different" for check in self.checks):
            raise ValueError("a finding needs at least one check that is expected to be equal to its prediction")
        if self.headline not in labels:
            raise ValueError(f"headline {self.headline!r} is not the label of a check")

    @property
    def headline_check(self) -> Check:
        return next(check for check in self.checks if check.label == self.headline)


@dataclass(frozen=True)
class Plan:
    """What one preset of a claim does: how many checks it makes, about how long it takes on 2 cores, and its sizes."""

    tests: int
    seconds: float
    size: Any = None


@dataclass(frozen=True)
class Claim:
    """A statement of theory and the function that measures it."""

    name: str
    title: str
    statement: str
    formula: str
    source: str
    control: str
    resolution: float
    plans: Mapping[str, Plan]
    measure: Callable[[Context], Finding] = field(repr=False)


REGISTRY: dict[str, Claim] = {}


def claim(
    *,
    title: str,
    statement: str,
    formula: str,
    source: str,
    control: str,
    plans: Mapping[str, Plan],
    resolution: float = 0.05,
    registry: dict[str, Claim] | None = None,
) -> Callable[[Callable[[Context], Finding]], Claim]:
    """Register the decorated function as a claim, under its own name.

    ``control`` says in words which wrong prediction each check's ``wrong`` holds. ``resolution`` is the relative
    deviation that every check must be able to see at 4 standard errors; a claim with a weaker check is inconclusive.
    """
    if set(plans) != set(PRESETS):
        raise ValueError(f"a claim needs a plan for each of {', '.join(PRESETS)}, got {', '.join(plans)}")

    def register(measure: Callable[[Context], Finding]) -> Claim:
        made = Claim(measure.__name__, title, statement, formula, source, control, resolution, dict(plans), measure)
        target = REGISTRY if registry is None else registry
        if made.name in target:
            raise ValueError(f"there are two claims named {made.name!r}")
        target[made.name] = made
        return made

    return register


#: Claims in the order a reader wants them: the noise of one batch first, MNIST last. Others follow by name.
ORDER = (
    "noise_scale",
    "update_variance",
    "stationary_variance",
    "momentum",
    "batch_near_n",
    "large_learning_rate",
    "linear_regression",
    "reshuffling",
    "weak_order",
    "schedules",
    "heavy_tails",
    "escape_time",
    "escape_sampling",
    "sharp_vs_flat",
    "noise_geometry",
    "evidence_figure_1",
    "evidence_figure_2",
    "evidence_mnist",
    "laplace_evidence",
    "reparametrisation",
    "posterior_sampling",
    "evidence_picks_minimum",
    "integrator_orders",
    "mnist_generalization_gap",
    "mnist_learning_rate",
    "mnist_momentum",
    "mnist_training_set",
    "mnist_sde",
    "three_factors",
    "noise_benefit",
    "dont_decay",
)


def discover() -> dict[str, Claim]:
    """Import every module of ``validation.claims`` and return the claims they registered, in reading order."""
    package = importlib.import_module("validation.claims")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"validation.claims.{module.name}")
    rank = {name: position for position, name in enumerate(ORDER)}
    return dict(sorted(REGISTRY.items(), key=lambda item: (rank.get(item[0], len(rank)), item[0])))
