"""What a measurement of the evidence returns, and the checks of arguments that the methods share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sgdsde.layout import one_line
from sgdsde.logistic import LogisticRegression

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EvidenceEstimate:
    """ln p(data | model), measured. Numbers for one λ, arrays (L,) for several.

    Attributes
    ----------
    regularization : float or ndarray
        λ: the prior is N(0, I/λ).
    log_evidence : float or ndarray
        ln ∫ (λ/2π)^{D/2} e^{−C(ω)} dω, in nats.
    standard_error : float or ndarray
        Of `log_evidence`, in nats.
    effective_sample_size : float or ndarray
        How many equally weighted samples would have done as well: of independent repetitions for annealing, of
        points of the posterior for nested sampling.
    trusted : bool or ndarray of bool
        Whether that is enough for the standard error to mean something.
    dof : float
        Degrees of freedom of the standard error; ∞ where it is not estimated from repetitions.
    method : str
        How it was measured.

    Examples
    --------
    >>> estimate = EvidenceEstimate(0.1, -17.2, 0.02, 14.0, True, 15, "annealing")
    >>> estimate.log_evidence, estimate.standard_error
    (-17.2, 0.02)
    """

    regularization: Array | float
    log_evidence: Array | float
    standard_error: Array | float
    effective_sample_size: Array | float
    trusted: NDArray[np.bool_] | bool
    dof: float
    method: str

    __repr__ = one_line


def checked_model(value: object) -> LogisticRegression:
    """The model, or ValueError when it is something else."""
    if not isinstance(value, LogisticRegression):
        raise ValueError(f"model must be a LogisticRegression, got {type(value).__name__}")
    return value
