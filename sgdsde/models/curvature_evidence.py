"""Laplace's evidence of a network: its cost, and the log-determinant of its Hessian from Hessian-vector products."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from sgdsde.arguments import choice
from sgdsde.extras import load
from sgdsde.layout import one_line
from sgdsde.logistic.checks import checked_penalty
from sgdsde.models.examples import Data
from sgdsde.models.forward_mode import forward_mode
from sgdsde.models.losses import LOSSES, Loss, LossLike
from sgdsde.models.summed_loss import SummedLoss, summed_loss
from sgdsde.statistics.log_determinant import LogDeterminant, log_determinant
from sgdsde.theory.evidence import null_log_evidence


@dataclass(frozen=True)
class NetworkEvidence:
    """Laplace's approximation of ln p(data | network), with what is random and truncated in it.

    Attributes
    ----------
    cost : float
        C(ω0), in nats: the summed cross-entropy and (λ/2)|ω0|².
    gradient_norm : float
        |∇C(ω0)|: 0 at a minimum, which Laplace's method supposes.
    log_determinant : LogDeterminant
        Of Σ ln(λ_i/λ), λ_i the eigenvalues of ∇∇C at ω0.
    regularization : float
        λ.
    n_examples, n_classes, n_parameters : int
        N, n and P.
    """

    cost: float
    gradient_norm: float
    log_determinant: LogDeterminant
    regularization: float
    n_examples: int
    n_classes: int
    n_parameters: int

    __repr__ = one_line

    @property
    def log_evidence(self) -> float:
        """ln p(data | network) ≈ −C(ω0) − ½ Σ ln(λ_i/λ), in nats (Smith & Le, eq. 1 and 2)."""
        return -self.cost - self.log_determinant.value / 2

    @property
    def log_evidence_ratio(self) -> float:
        """E = −N ln n − ln p(data | network), in nats: below 0 the data support the network against the null model."""
        return null_log_evidence(self.n_examples, self.n_classes) - self.log_evidence

    @property
    def standard_error(self) -> float:
        """The error of both from the random probes, in nats."""
        return self.log_determinant.standard_error / 2

    @property
    def quadrature_error(self) -> float:
        """The error of both from a finite number of Lanczos steps, in nats."""
        return self.log_determinant.quadrature_error / 2


def hessian_operator(
    model: nn.Module, data: Data, *, loss: LossLike = "cross_entropy", dtype: str | torch.dtype = "float64"
) -> Any:
    """The Hessian of the summed loss at the model's weights, without a penalty, as an operator.

    Parameters
    ----------
    model : torch.nn.Module
        A copy of it is used, on its own device, so that later training does not change the operator.
    data : Dataset, (inputs, targets) or sequence of such pairs of tensors
        Training examples, or batches of them; of cross-entropies targets are class numbers from 0.
    loss : str or callable
        As in :func:`sgdsde.models.train`.
    dtype : str
        In which products are computed: "float64" or "float32".

    Returns
    -------
    curvlinops.HessianLinearOperator, (P, P)
        ``operator @ v`` with tensors; ``operator.to_scipy()``. The order is that of ``model.parameters()``.

    Raises
    ------
    ValueError
        When an argument is not as above, or the network's loss is not a sum over examples.
    MissingExtraError
        When curvlinops is not installed.

    Examples
    --------
    >>> from sgdsde.models import mlp
    >>> x, y = torch.eye(4, 3), torch.tensor([0, 1, 1, 0])
    >>> hessian_operator(mlp(3, 2), [(x, y)]).shape
    (8, 8)
    """
    return operator_of(summed_loss(model, data, loss, dtype))


def network_evidence(
    model: nn.Module,
    data: Data,
    regularization: float,
    *,
    loss: str = "cross_entropy",
    cutoff: bool = False,
    lower: float | None = None,
    probes: int | None = None,
    steps: int = 128,
    deflation: int = 128,
    tolerance: float = 1e-3,
    seed: int = 0,
    dtype: str | torch.dtype = "float64",
) -> NetworkEvidence:
    """Laplace's approximation of a network's evidence at its weights, without its Hessian as a matrix.

    Parameters
    ----------
    model, data, dtype
        As in `hessian_operator`.
    regularization : float
        λ > 0: the prior N(0, I/λ) of all parameters, biases included.
    loss : str
        ``"cross_entropy"``, or ``"binary_cross_entropy"`` of one logit for each example: −ln p of a label. Others are
        no probabilities.
    cutoff : bool
        Only λ_i ≥ λ are summed, as away from a minimum (Smith & Le).
    lower, probes, steps, deflation, tolerance, seed
        As in :func:`sgdsde.statistics.log_determinant.log_determinant`; `lower` is of the Hessian without the penalty:
        0 for a network that is linear in its parameters, and None, for an estimate, for others.

    Returns
    -------
    NetworkEvidence

    Raises
    ------
    ValueError
        When an argument is not as above, or, without the cut-off, ∇∇C is not positive definite at these weights.
    MissingExtraError
        When curvlinops is not installed.

    Notes
    -----
    Smith & Le, arXiv 1710.06451, eq. 1–2. Products with the Hessian cost a few gradients each; there are
    `deflation` + `probes` × (steps taken) of them.

    Examples
    --------
    >>> from sgdsde.data import digits
    >>> from sgdsde.models import mlp
    >>> found = network_evidence(mlp(64, 4, 10), digits(n_train=50), 1.0, cutoff=True, probes=10)
    >>> found.n_parameters, found.log_evidence_ratio > 0
    (310, True)
    """
    penalty = checked_penalty("regularization", regularization)
    of_labels = {name: each.classes for name, each in LOSSES.items() if each.classes is not None}
    classes = of_labels[choice("loss", loss, sorted(of_labels), ", as others are no −ln p of a label")]
    summed = summed_loss(model, data, loss, dtype)
    operator = operator_of(summed)
    cost, norm = summed.cost(penalty)
    found = log_determinant(
        operator, penalty, cutoff=cutoff, lower=lower, probes=probes, steps=steps, deflation=deflation,
        tolerance=tolerance, seed=seed,
    )  # fmt: skip
    return NetworkEvidence(cost, norm, found, penalty, summed.n_examples, classes(summed.outputs), operator.shape[0])


def operator_of(summed: SummedLoss) -> Any:
    """The operator of `hessian_operator`, from what is checked."""
    # Its check that data and network are deterministic draws from torch's global generator.
    return _operator_class()(
        summed.network, _Summed(summed.loss), summed.parameters, list(summed.batches), check_deterministic=False,
        num_data=summed.n_examples,
    )  # fmt: skip


class _Summed(nn.Module):
    """Σ_i C_i over a batch, in the form that curvlinops takes a loss in."""

    reduction = "sum"

    def __init__(self, loss: Loss) -> None:
        super().__init__()
        self.per_example = loss.per_example

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.per_example(outputs, targets).sum()


@cache
def _operator_class() -> Any:
    """HessianLinearOperator of curvlinops, without warnings that are torch's own and its dependencies'."""
    with forward_mode(), warnings.catch_warnings():
        # A dependency of curvlinops still writes torch.jit.script.
        warnings.filterwarnings("ignore", ".*torch.jit", DeprecationWarning)
        return load("curvlinops", "a Hessian of networks").HessianLinearOperator
