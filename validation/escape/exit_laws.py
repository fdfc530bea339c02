"""Exact exit times from the double well, of the SDE and of SGD's updates, for the claim ``escape_time``.

The SDE's clock is s = εk, in which one noise scale has one law for all ε.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import sgdsde as sg
from sgdsde.theory import exit_time_moments, eyring_kramers_time, mean_exit_time, sgd_exit_time
from validation.escape import well_at

N, WELL, SADDLE, END = 512, -1.0, 0.0, 1.0
#: Learning rates: one at which SGD is nearly the SDE, and one at which it is not, with batches as much larger.
SMALL, TIMES = 0.02, 10
LARGE = SMALL * TIMES
#: T F/2 at B = 1 and ε = SMALL: twice the barrier of 1/4. It is divided by B.
HOTTEST = 0.5


def config_of(batch: int, rate: float) -> sg.SGDConfig:
    """A config of the same g for all ε: `batch` is that at the small one."""
    return sg.SGDConfig(rate, batch * round(rate / SMALL), N, sampling="with_replacement")


def well() -> sg.Landscape:
    return well_at(HOTTEST, config_of(1, SMALL))


def temperature(batch: float) -> float:
    return config_of(1, SMALL).temperature / batch


def exact(batch: float, off: float = 1.0) -> float:
    """Mean exit time of the SDE, in its own clock."""
    return mean_exit_time(well(), off * temperature(batch), WELL, None, END)


def kramers(batch: float) -> float:
    return eyring_kramers_time(well(), temperature(batch), WELL, SADDLE)


def updates_law(batch: float, rate: float, table: Any = None, off: float = 1.0) -> float:
    """Mean time of SGD's updates in the SDE's clock, for normal noise or these examples; 0 is the rate of the SDE."""
    if not rate:
        return exact(batch, off)
    config = config_of(1 if table is None else round(batch), rate)
    noise = off * HOTTEST / batch
    return rate * sgd_exit_time(well_at(noise, config), config, WELL, right=END, examples=table)


def exact_spread(batch: int) -> tuple[float, float]:
    """Standard deviation over mean of the SDE's times, and √n times its standard error for n of them.

    The delta method with exact moments: an error from the sample is small where the spread came out small.
    """
    one, two, three, four = exit_time_moments(well(), temperature(batch), WELL, None, END, moments=4)
    variance = two - one**2
    ratio = math.sqrt(variance) / one
    skewness = (three - 3 * one * two + 2 * one**3) / variance**1.5
    kurtosis = (four - 4 * one * three + 6 * one**2 * two - 3 * one**4) / variance**2
    return ratio, ratio * math.sqrt((kurtosis - 1) / 4 - ratio * skewness + ratio**2)


def where_of(batch: int) -> str:
    return f"2ΔL/(TF) = {0.25 * batch / HOTTEST:g}"


def inverse_noise(batches: Any) -> Any:
    """1/g."""
    return np.asarray(batches) / config_of(1, SMALL).noise_scale
