"""How far gradient noise F and curvature H of a network point the same way."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sgdsde.arguments import integer
from sgdsde.layout import one_line
from sgdsde.models.batch_noise_scales import covariance_curvature
from sgdsde.models.covariance import NoiseCovariance
from sgdsde.models.curvature import MeanHessian, top_eigenpairs
from sgdsde.models.trace_estimation import trace_and_norm
from sgdsde.statistics.estimates import Estimate


@dataclass(frozen=True, eq=False)
class Alignment:
    """Tr(HF), and what it is compared with.

    Attributes
    ----------
    covariance_curvature : Estimate
        Tr(HF).
    covariance_trace, covariance_norm : float
        Tr F and |F|_F.
    hessian_trace, hessian_squared_norm : Estimate
        Tr H and |H|_F².
    top_eigenvalue, top_residual : float
        λ, the largest eigenvalue of H, and the bound of its error.
    top_variance : float
        uᵀFu along its eigenvector u.
    n_parameters : int
        P.
    """

    covariance_curvature: Estimate
    covariance_trace: float
    covariance_norm: float
    hessian_trace: Estimate
    hessian_squared_norm: Estimate
    top_eigenvalue: float
    top_residual: float
    top_variance: float
    n_parameters: int

    __repr__ = one_line

    @property
    def cosine(self) -> Estimate:
        """Tr(HF)/(|H|_F |F|_F): 1 where F ∝ H, about 0 for unrelated directions."""
        norm = math.sqrt(float(self.hessian_squared_norm.value))
        value = float(self.covariance_curvature.value) / (norm * self.covariance_norm)
        of_norm = float(self.hessian_squared_norm.standard_error) / (2 * norm**2)
        of_top = float(self.covariance_curvature.standard_error) / (norm * self.covariance_norm)
        return Estimate(value, math.hypot(of_top, value * of_norm))

    @property
    def gain(self) -> Estimate:
        """P Tr(HF)/(Tr H Tr F): Tr(HF) over that of isotropic noise of equal trace."""
        return self._over_trace(self.covariance_curvature, self.n_parameters / self.covariance_trace)

    @property
    def sharpest(self) -> Estimate:
        """Tr H uᵀFu/(λ Tr F): the share of the noise along the sharpest direction over the share of the curvature."""
        factor = self.top_variance / (self.top_eigenvalue * self.covariance_trace)
        trace = self.hessian_trace
        return Estimate(float(trace.value * factor), float(trace.standard_error * abs(factor)))

    def _over_trace(self, top: Estimate, factor: float) -> Estimate:
        trace, error = float(self.hessian_trace.value), float(self.hessian_trace.standard_error)
        value = factor * float(top.value) / trace
        return Estimate(value, math.hypot(factor * float(top.standard_error) / trace, value * error / trace))


def alignment(
    noise_covariance: NoiseCovariance,
    hessian: MeanHessian,
    *,
    probes: int | None = None,
    sketch: int = 16,
    trace_probes: int = 16,
    seed: int = 0,
) -> Alignment:
    """How far F and H of a network point the same way, by three numbers of the literature.

    Parameters
    ----------
    noise_covariance, hessian
        F and H of one network.
    probes : int, optional
        For Tr(HF), as in :func:`sgdsde.models.batch_noise_scales.covariance_curvature`; None: exactly.
    sketch, trace_probes : int
        For Tr H and |H|_F, as in :func:`sgdsde.models.trace_estimation.trace_and_norm`.
    seed : int
        Of all of them.

    Returns
    -------
    Alignment
        Standard errors are by the delta method: they suppose that Tr H is many of its own errors away from 0.

    Raises
    ------
    ValueError
        When F and H are not of one network and loss, F is 0, or an argument is out of range.

    Notes
    -----
    `cosine` is the angle between F and H as vectors (Thomas, Pedregosa, van Merriënboer, Manzagol, Bengio & Le Roux,
    arXiv 1906.07774; Wu, Wang & Su, arXiv 2207.02628). `gain` and `sharpest` are of Zhu, Wu, Yu, Wu & Ma,
    arXiv 1803.00195: their indicator Tr(HΣ) over that of isotropic noise, and the a of their condition
    uᵀΣu ≥ a λ Tr Σ/Tr H, under which the indicator exceeds it. F ∝ H gives sharpest = 1.

    Examples
    --------
    >>> from sgdsde.data import digits
    >>> from sgdsde.models import mlp
    >>> from sgdsde.models.covariance import noise_covariance
    >>> from sgdsde.models.curvature import mean_hessian
    >>> model, data = mlp(64, 5, 10), digits(n_train=50)
    >>> found = alignment(noise_covariance(model, data), mean_hessian(model, data), sketch=100)
    >>> 0 < found.cosine.value < 1, found.gain.value > 10
    (True, True)
    """
    if not noise_covariance.trace:
        raise ValueError("noise_covariance must not be 0: all examples have the same gradient")
    of_product, of_trace, of_top = (int(s) for s in np.random.SeedSequence(integer("seed", seed, 0)).generate_state(3))
    product = covariance_curvature(noise_covariance, hessian, probes=probes, seed=of_product)
    moments = trace_and_norm(hessian, sketch=sketch, probes=trace_probes, seed=of_trace)
    top = top_eigenpairs(hessian, 1, seed=of_top)
    return Alignment(
        covariance_curvature=product,
        covariance_trace=noise_covariance.trace,
        covariance_norm=noise_covariance.norm,
        hessian_trace=moments.trace,
        hessian_squared_norm=moments.squared_norm,
        top_eigenvalue=float(top.values[0]),
        top_residual=float(top.residuals[0]),
        top_variance=float(noise_covariance.variances(top.vectors[:, 0])),
        n_parameters=noise_covariance.n_parameters,
    )
