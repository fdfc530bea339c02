"""What third derivatives of the loss, curvature that varies, make of the laws of a bowl."""

from __future__ import annotations

import numpy as np

from sgdsde.config import SGDConfig
from sgdsde.diagnosis.laws import BOWL, Model, covariance
from sgdsde.diagnosis.place import Place


def bending(place: Place, config: SGDConfig) -> float:
    """By what part third derivatives change Tr S of the SDE of Brownian motion, to first order in T.

    The mean μ and the third cumulant C that they make, and what those do to S: with T_ijk the derivatives of H,
    h_i μ_i = −½ T_ijk S_jk and (h_i + h_j + h_k) C_ijk = −Σ T_ilm S_lj S_mk + T Σ ∂_l F_ij S_lk, the sums over the
    three places of i and of k.
    """
    model = Model("sde", "brownian", config)
    known = covariance(place, model, BOWL)
    if place.around is None or known is None or not known.any():
        return 0.0
    bend, slope, h = place.around.bend, place.around.noise_slope, place.curvature
    mean = -np.einsum("ijk,jk->i", bend, known) / (2 * h)
    once = np.einsum("ilm,lj,mk->ijk", bend, known, known)
    twice = config.temperature * np.einsum("ijl,lk->ijk", slope, known)
    sums = sum((np.transpose(twice, axes) for axes in ((0, 1, 2), (0, 2, 1), (2, 1, 0))), start=np.zeros_like(once))
    sums -= once + np.transpose(once, (1, 0, 2)) + np.transpose(once, (2, 1, 0))
    third = sums / np.add.outer(np.add.outer(h, h), h)
    pull = np.einsum("ilm,lmj->ij", bend, third) / 2
    forced = config.temperature * np.einsum("ijl,l->ij", slope, mean) - pull - pull.T
    forced -= (tilt := np.einsum("ijl,l->ij", bend, mean)) @ known + known @ tilt
    return float(np.trace(forced / np.add.outer(h, h)) / np.trace(known))


def curvature_varies(place: Place, model: Model) -> float:
    """By what part of itself H varies where ω is: the root mean square of H^{-1/2} δH H^{-1/2}, to first order."""
    spread = covariance(place, model)
    if place.around is None or spread is None:
        return 0.0
    roots = np.sqrt(np.multiply.outer(place.curvature, place.curvature))
    relative = place.around.bend / roots[:, :, None]
    return float(np.sqrt(max(np.einsum("ijk,ijl,kl->", relative, relative, spread), 0.0)))
