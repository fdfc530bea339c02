"""McCandlish's noise scales of a network from all its examples: batch sizes at which noise is as large as the slope."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sgdsde.arguments import integer
from sgdsde.layout import one_line
from sgdsde.models.covariance import NoiseCovariance
from sgdsde.models.curvature import MeanHessian
from sgdsde.models.example_losses import COLUMNS
from sgdsde.statistics.estimates import Estimate, mean


@dataclass(frozen=True, eq=False)
class NoiseScales:
    """Numerators and denominators of B_simple and B_noise.

    Attributes
    ----------
    trace : float
        Tr F.
    squared_norm : float
        |∇L|².
    curvature_trace : Estimate or None
        Tr(HF), with a standard error of 0 where it is exact; None where no Hessian was given.
    gradient_curvature : float or None
        ∇Lᵀ H ∇L.
    """

    trace: float
    squared_norm: float
    curvature_trace: Estimate | None = None
    gradient_curvature: float | None = None

    __repr__ = one_line

    @property
    def simple(self) -> float:
        """B_simple = Tr F/|∇L|², examples: ∞ at a minimum."""
        return float(np.divide(self.trace, self.squared_norm)) if self.squared_norm else float("inf")

    @property
    def noise(self) -> Estimate:
        """B_noise = Tr(HF)/(∇LᵀH∇L), examples.

        It says how much of the best step noise costs only where both are positive: a network's H need not be.
        A ValueError where no Hessian was given, or ∇LᵀH∇L is 0.
        """
        if self.curvature_trace is None or self.gradient_curvature is None:
            raise ValueError("hessian must be given to noise_scales for B_noise, got None")
        if not self.gradient_curvature:
            raise ValueError("∇LᵀH∇L must not be 0 for B_noise to exist")
        top, bottom = self.curvature_trace, self.gradient_curvature
        return Estimate(float(top.value / bottom), float(top.standard_error / abs(bottom)))


def noise_scales(
    noise_covariance: NoiseCovariance, hessian: MeanHessian | None = None, *, probes: int | None = None, seed: int = 0
) -> NoiseScales:
    """B_simple = Tr F/|∇L|² and B_noise = Tr(HF)/(∇LᵀH∇L), at a network's weights, from all N examples.

    Parameters
    ----------
    noise_covariance : NoiseCovariance
        F, and with it ∇L.
    hessian : MeanHessian, optional
        H; None: B_simple only.
    probes, seed
        As in :func:`covariance_curvature`.

    Returns
    -------
    NoiseScales

    Raises
    ------
    ValueError
        When F and H are not of one network and loss, or `probes` is out of range.

    Notes
    -----
    McCandlish, Kaplan, Amodei & the OpenAI Dota Team, arXiv 1812.06162, §2.2. Their Σ, the covariance over an endless
    population, is estimated without bias by F, of divisor N − 1; |∇L|² of N examples exceeds that of the population
    by Tr F/N on average. At B = B_noise the best learning rate is half of what it is for B → ∞.

    Examples
    --------
    >>> from sgdsde.data import digits
    >>> from sgdsde.models import mlp
    >>> from sgdsde.models.covariance import noise_covariance
    >>> F = noise_covariance(mlp(64, 5, 10), digits(n_train=50))
    >>> found = noise_scales(F)
    >>> found.simple == F.trace / F.squared_norm
    True
    """
    if hessian is None:
        return NoiseScales(noise_covariance.trace, noise_covariance.squared_norm)
    curved = covariance_curvature(noise_covariance, hessian, probes=probes, seed=seed)
    slope = noise_covariance.mean_gradient
    return NoiseScales(
        noise_covariance.trace, noise_covariance.squared_norm, curved, float(slope @ hessian.product(slope))
    )


def covariance_curvature(
    noise_covariance: NoiseCovariance, hessian: MeanHessian, *, probes: int | None = None, seed: int = 0
) -> Estimate:
    """Tr(HF), the mean of zᵀHz over gradient noise z: Zhu's indicator of how fast noise leaves a minimum.

    Parameters
    ----------
    noise_covariance, hessian
        F and H of one network.
    probes : int, optional
        None: exactly, from a product of H with the gradient of each of the N examples. A number, at least 2: with so
        many normal z of covariance F, without bias.
    seed : int
        Of the probes.

    Returns
    -------
    Estimate
        With a standard error of 0 where it is exact.

    Raises
    ------
    ValueError
        When F and H are not of one network and loss, or `probes` is out of range.

    Notes
    -----
    Tr(HF) = Σ (g_i − ∇L)ᵀ H (g_i − ∇L)/(N − 1); Zhu, Wu, Yu, Wu & Ma, arXiv 1803.00195, where it is Tr(HΣ).

    Examples
    --------
    >>> from sgdsde.data import digits
    >>> from sgdsde.models import mlp
    >>> from sgdsde.models.covariance import noise_covariance
    >>> from sgdsde.models.curvature import mean_hessian
    >>> model, data = mlp(64, 5, 10), digits(n_train=50)
    >>> F, H = noise_covariance(model, data), mean_hessian(model, data)
    >>> exact, found = covariance_curvature(F, H), covariance_curvature(F, H, probes=50)
    >>> exact.standard_error, bool(abs(found.value - exact.value) < 4 * found.standard_error)
    (0.0, True)
    """
    hessian.check_same(noise_covariance.n_parameters, noise_covariance.losses.loss.name, "the covariance's network")
    if probes is None:
        total = 0.0
        for _, gradients in noise_covariance.losses.gradients():
            g = gradients.double().cpu().numpy().T - noise_covariance.mean_gradient[:, None]
            total += float(np.sum(g * hessian.product(g)))
        return Estimate(total / (noise_covariance.n_examples - 1), 0.0)
    probes = integer("probes", probes, 2, also=", for a standard error")
    seeds = np.random.SeedSequence(integer("seed", seed, 0)).generate_state(-(-probes // COLUMNS), np.uint64)
    values = []
    for start, own in zip(range(0, probes, COLUMNS), seeds, strict=True):
        z = noise_covariance.draw(min(COLUMNS, probes - start), int(own))
        values.append(np.einsum("pn,pn->n", z, hessian.product(z)))
    return mean(np.concatenate(values))
