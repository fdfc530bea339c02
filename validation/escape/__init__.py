"""What the claims about escape and occupancy share."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

import sgdsde as sg


def well_at(noise: float, config: sg.SGDConfig) -> sg.Landscape:
    """The double well with a barrier of 1/4 where T F/2 = `noise` with this config."""
    return sg.landscapes.double_well(f=2 * noise / config.temperature)


def normal_quantiles(count: int) -> np.ndarray:
    """Examples (count, 1) without skewness, which of a drawn table would show: the normal law's at (i − ½)/N."""
    return np.asarray(ndtri((np.arange(count) + 0.5) / count)[:, None])
