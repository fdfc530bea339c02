"""SGD around a quadratic minimum with examples from heavy tails, and its exact laws: for the claim ``heavy_tails``."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from scipy.special import erfc, stdtrit

import sgdsde as sg
from sgdsde.whitened import whitened_examples
from validation.measure import Array

RATE, N, CURVATURE, NOISE = 0.3, 512, 1.0, 1.0
#: Where a tail begins, in standard deviations.
FAR = 4.0
LEVELS = np.array([2.0, 3.0, 4.0, 5.0, 6.0, 8.0])
EXAMPLES = {
    "student_t:2.5": "t, 2.5 degrees of freedom",
    "student_t:3": "t, 3",
    "student_t:5": "t, 5",
    "rademacher": "signs",
}
HEAVIEST = "student_t:2.5"


class Case(NamedTuple):
    """One simulation around a quadratic minimum."""

    examples: str
    batch: int
    momentum: float = 0.0
    sampling: str = "with_replacement"

    @property
    def config(self) -> sg.SGDConfig:
        return sg.SGDConfig(RATE, self.batch, N, momentum=self.momentum, sampling=self.sampling)

    @property
    def kind(self) -> Case:
        """All that it shares with the cases of one curve."""
        return self._replace(batch=1)

    def __str__(self) -> str:
        momentum = f", m = {self.momentum:g}" if self.momentum else ""
        drawn = "" if self.sampling == "with_replacement" else ", without replacement"
        return f"{self.examples}, B = {self.batch}{momentum}{drawn}"


def quantiles(name: str) -> Array:
    """(N,) examples: the quantiles of a distribution at (i − ½)/N, whitened."""
    levels = (np.arange(N) + 0.5) / N
    kind, _, freedom = name.partition(":")
    values = stdtrit(float(freedom), levels) if kind == "student_t" else np.sign(levels - 0.5)
    return np.asarray(whitened_examples(values[:, None], N, 1)[:, 0])


def spread(name: str, table: Array) -> str:
    """How heavy the tails of the examples are, in words."""
    excess, largest = float((table**4).mean() / (table**2).mean() ** 2) - 3, np.abs(table).max()
    return (
        f"Excess kurtosis of the {N} examples from {name}: {excess:.2f}; the largest is {largest:.1f} standard "
        "deviations from the mean."
    )


def cumulants(case: Case, table: Array) -> Array:
    """Exact cumulants of ω, of order 1 to 4."""
    return sg.theory.stationary_cumulants(CURVATURE, math.sqrt(NOISE) * table, case.config)


def exact_tails(case: Case, table: Array, levels: Array) -> Array:
    """The exact share of ω that is further out than each of these levels, in its standard deviations."""
    deviation = math.sqrt(cumulants(case, table)[1])
    return sg.theory.stationary_tail(CURVATURE, math.sqrt(NOISE) * table, case.config, levels * deviation)


def normal_tail(level: Any) -> Any:
    """The same of a normal law."""
    return erfc(level / math.sqrt(2))
