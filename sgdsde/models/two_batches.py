"""McCandlish's estimators of a noise scale from the gradients of batches of two sizes, without any single example's."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sgdsde.arguments import choice, integer, integers, real
from sgdsde.config import SAMPLINGS
from sgdsde.layout import one_line
from sgdsde.models.covariance import as_array
from sgdsde.models.curvature import MeanHessian
from sgdsde.models.example_losses import ExampleLosses, example_losses
from sgdsde.models.examples import Data
from sgdsde.models.losses import LossLike
from sgdsde.statistics.estimates import Estimate
from sgdsde.statistics.pooling import mean_over_paths

Array = NDArray[np.float64]
#: The order inside a batch matters here: its first examples must be a batch themselves.
SAMPLERS: dict[str, Callable[[int, int, np.random.Generator], NDArray[np.int64]]] = {
    "with_replacement": lambda n, b, generator: generator.integers(n, size=b),
    "without_replacement": lambda n, b, generator: generator.permutation(n)[:b],
}


@dataclass(frozen=True, eq=False)
class TwoBatchEstimates:
    """Independent estimates of a noise scale's numerator and denominator, one of each from a big batch.

    Attributes
    ----------
    numerators : (n,)
        Each of mean Tr F, or Tr(HF).
    denominators : (n,)
        Each of mean |∇L|², or ∇LᵀH∇L.
    signed : bool
        Whether the numbers that are estimated may be negative, as those with an H may.
    """

    numerators: Array
    denominators: Array
    signed: bool = False

    __repr__ = one_line

    def __str__(self) -> str:
        low, high = self.interval()
        return f"noise scale {float(self.noise_scale.value):.4g}, 95 % in [{low:.4g}, {high:.4g}]"

    @property
    def numerator(self) -> Estimate:
        """Tr F, or Tr(HF), without bias."""
        return mean_over_paths(self.numerators)

    @property
    def denominator(self) -> Estimate:
        """|∇L|², or ∇LᵀH∇L, without bias: it can come out negative."""
        return mean_over_paths(self.denominators)

    @property
    def noise_scale(self) -> Estimate:
        """The ratio of the means, examples, and its standard error by the delta method.

        Its bias is O(1/n), and both mean little where the denominator is within some errors of 0: see `interval`.
        """
        top, bottom = (float(each.value) for each in (self.numerator, self.denominator))
        if not bottom or math.isnan(bottom):
            return Estimate(math.nan, math.nan)
        rest = mean_over_paths(self.numerators - top / bottom * self.denominators)
        return Estimate(top / bottom, float(rest.standard_error / abs(bottom)))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """An interval that covers the noise scale with probability `level`; up to ∞ where the denominator may be 0.

        All ρ for which the mean of (numerator − ρ denominator) is not significantly different from 0 by Student's t
        (Fieller 1954, *Some problems in interval estimation*, J. R. Stat. Soc. B 16), and ρ ≥ 0 unless `signed`. Where
        the denominator may be 0, a lower end is left if the numerator may not; (−∞, ∞) for signed numbers.

        >>> found = TwoBatchEstimates(np.array([4.0, 6.0, 5.0]), np.array([1.0, 1.1, 0.9]))
        >>> [round(each, 2) for each in found.interval()]
        [2.78, 7.22]
        """
        from scipy.special import stdtrit

        level = real("level", level, above=0, below=1)
        n, least = len(self.numerators), -math.inf if self.signed else 0.0
        if n < 2:
            return least, math.inf
        top, bottom = self.numerators.mean(), self.denominators.mean()
        (v_top, both), (_, v_bottom) = np.cov(self.numerators, self.denominators) / n
        t2 = stdtrit(n - 1, (1 + level) / 2) ** 2
        a, b, c = bottom**2 - t2 * v_bottom, top * bottom - t2 * both, top**2 - t2 * v_top
        root = math.sqrt(max(b**2 - a * c, 0.0))
        if a > 0:
            return max(least, float((b - root) / a)), max(least, float((b + root) / a))
        if a == 0 or c <= 0 or self.signed:
            return least, math.inf
        return float((b - root) / a), math.inf  # and those below the other root, which is negative


def two_batch_estimates(
    model: nn.Module,
    data: Data,
    batch_sizes: tuple[int, int],
    repetitions: int,
    *,
    hessian: MeanHessian | None = None,
    sampling: str = "without_replacement",
    seed: int = 0,
    dtype: str | torch.dtype = "float64",
    loss: LossLike = "cross_entropy",
) -> TwoBatchEstimates:
    """Tr F and |∇L|² from how much longer the mean gradients of small batches are than those of big ones.

    Parameters
    ----------
    model, data, dtype, loss
        As in :func:`sgdsde.models.covariance.noise_covariance`.
    batch_sizes : (int, int)
        Small and big. Each big batch is cut into as many small ones as it holds.
    repetitions : int
        n ≥ 2 big batches, independent of each other.
    hessian : MeanHessian, optional
        Then lengths are those of the norm gᵀHg, and the estimates those of Tr(HF) and ∇LᵀH∇L.
    sampling : str
        How a big batch is drawn from the N examples: "without_replacement" (big ≤ N) or "with_replacement".
    seed : int
        Of the batches.

    Returns
    -------
    TwoBatchEstimates

    Raises
    ------
    ValueError
        When an argument is not as above; among others, when the batch sizes are equal.

    Notes
    -----
    McCandlish et al., arXiv 1812.06162, appendix A.1, with c F for the covariance of a batch's mean gradient
    (docs/theory.md, §2) in place of their Σ/B: ⟨|ĝ_B|²⟩ = |∇L|² + c_B Tr F, so that both are unbiased for N examples,
    and not for an endless population only.

    Examples
    --------
    >>> from sgdsde.data import digits
    >>> from sgdsde.models import mlp
    >>> from sgdsde.models.covariance import noise_covariance
    >>> model, data = mlp(64, 5, 10), digits(n_train=200)
    >>> found, F = two_batch_estimates(model, data, (5, 50), repetitions=40), noise_covariance(model, data)
    >>> bool(abs(found.numerator.value - F.trace) < 4 * found.numerator.standard_error)
    True
    """
    losses = example_losses(model, data, dtype=dtype, loss=loss)
    choice("sampling", sampling, sorted(SAMPLERS))
    small, big = _sizes(batch_sizes, losses.n_examples, sampling)
    repetitions = integer("repetitions", repetitions, 2, also=", for a standard error")
    if hessian is not None:
        hessian.check_same(losses.n_parameters, losses.loss.name, "this model")
    generator, n = np.random.default_rng(integer("seed", seed, 0)), losses.n_examples
    lengths = np.empty((repetitions, 2))
    for repetition in range(repetitions):
        batch = torch.from_numpy(SAMPLERS[sampling](n, big, generator)).to(losses.y.device)
        lengths[repetition] = _lengths(losses, batch, small, hessian)
    c_small, c_big = (SAMPLINGS[sampling].batch_noise(n, size) for size in (small, big))
    of_small, of_big = lengths.T
    return TwoBatchEstimates(
        (of_small - of_big) / (c_small - c_big),
        (c_small * of_big - c_big * of_small) / (c_small - c_big),
        signed=hessian is not None,
    )


def _lengths(losses: ExampleLosses, batch: Tensor, small: int, hessian: MeanHessian | None) -> tuple[float, float]:
    """The mean length, squared, of small batches' gradients, and that of the whole batch's."""
    whole, values = torch.zeros(losses.n_parameters, dtype=torch.float64, device=batch.device), []
    for part in torch.split(batch, small):
        gradient = losses.mean_gradient_of(part).double()
        whole += gradient * (len(part) / len(batch))
        if len(part) == small:
            values.append(_length(gradient, hessian))
    return float(np.mean(values)), _length(whole, hessian)


def _length(gradient: Tensor, hessian: MeanHessian | None) -> float:
    if hessian is None:
        return float(gradient.square().sum())
    g = as_array(gradient)
    return float(g @ hessian.product(g))


def _sizes(batch_sizes: object, n: int, sampling: str) -> tuple[int, int]:
    pair = integers("batch_sizes", batch_sizes, 1, n if sampling == "without_replacement" else None)
    if len(pair) != 2 or not pair[0] < pair[1]:
        raise ValueError(f"batch_sizes must be two integers, small < big, got {batch_sizes!r}")
    return pair
