"""What only a long run shows: 1e9 normals, and the stationary law of SGD to 0.1 %."""

import math

import numpy as np
import pytest

from sgdsde import Landscape, SGDConfig, simulate_sde, simulate_sgd
from sgdsde.theory import autocorrelation_time, stationary_covariance

pytestmark = pytest.mark.slow("long runs are what it is about")


def test_a_billion_normals_have_the_moments_of_a_gaussian() -> None:
    """A free Brownian path: the end of each is the sum of 1e5 normals, over 1e4 paths."""
    config = SGDConfig(1.0, 1, 2, sampling="with_replacement")
    steps, paths = 100_000, 10_000
    free = simulate_sde(Landscape("0*x", "x"), config, 0.0, steps, paths, burn_in=steps - 1)
    z = free.final[:, 0] / math.sqrt(config.temperature * steps)
    assert abs(z.mean()) < 4 / math.sqrt(paths)
    assert abs((z**2).mean() - 1) < 4 * math.sqrt(2 / paths)
    assert abs((z**4).mean() - 3) < 4 * math.sqrt(96 / paths)


@pytest.mark.parametrize("sampling", ["with_replacement", "without_replacement", "reshuffle"])
@pytest.mark.parametrize(("rate", "momentum"), [(0.05, 0.0), (0.5, 0.5), (0.1, 0.9)])
def test_stationary_variance_to_a_tenth_of_a_per_cent(sampling: str, rate: float, momentum: float) -> None:
    config = SGDConfig(rate, 4, 64, momentum, sampling)
    independent = SGDConfig(rate, 4, 64, momentum)
    # Of ω², which for an oscillating ω is correlated for longer than ω is: the envelope decays as m^(k/2).
    time = max(autocorrelation_time(1.0, 1.0, independent, dynamics="sgd")[0], 2 / (1 - momentum))
    paths, burn_in = 8192, 16 * math.ceil(20 * time / 16)
    updates = burn_in + 16 * math.ceil(4e6 * time / paths / 16)
    found = simulate_sgd(Landscape("x**2/2", "x"), config, 0.0, updates, paths, burn_in=burn_in)
    law = stationary_covariance(1.0, 1.0, config, dynamics="sgd")
    error = found.standard_error.covariance
    assert (error < 1e-3 * law).all()
    assert (np.abs(found.covariance - law) < 4 * error).all()
