"""The clock: what (ε, c, N, m) mean for an SDE. Its time of an update, its temperature T, its friction γ.

Every map from the numbers of SGD to those of an SDE is one of these, in numbers or arrays. ε is the kick (1 − d)ε where
updates are dampened, and c is that with which the mean gradient of a batch has the covariance cF.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Clock:
    """Numbers of an SDE, each a float, or an array of one for each update.

    Attributes
    ----------
    update : float or array
        The time that an update takes, in the clock of the equation.
    temperature : float or array
        T.
    friction : float
        γ.
    """

    update: Any
    temperature: Any
    friction: Any


def overdamped(kick: Any, c: Any, momentum: Any) -> Clock:
    """dω = −∇L ds + √(T F) dW: an update takes s = ε/(1 − m), and T = εc/(1 − m) (Smith & Le 2018, eqs 3–5)."""
    return Clock(kick / (1 - momentum), kick * c / (1 - momentum), 1.0)


def with_momentum(kick: Any, c: Any, momentum: Any) -> Clock:
    """dω = p dτ, dp = −(γp + ∇L)dτ + √(γT F) dW: an update takes √ε, γ = (1 − m)/√ε, and T is as without."""
    return Clock(np.sqrt(kick), kick * c / (1 - momentum), (1 - momentum) / np.sqrt(kick))


def by_updates(kick: Any, c: Any, momentum: Any) -> Clock:
    """SDEs of adaptive rules, which take ε and c as they are: an update takes 1."""
    return Clock(np.ones_like(kick) if np.ndim(kick) else 1.0, kick * c, 1.0)


#: By equation, as `sgdsde.schemes.registry` names them.
CLOCKS: dict[str, Callable[[Any, Any, Any], Clock]] = {
    "overdamped": overdamped,
    "momentum": with_momentum,
    "rmsprop": by_updates,
    "adam": by_updates,
}
