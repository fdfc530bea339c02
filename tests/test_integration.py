"""Integrating in the SDE's own time: the same run as simulate_sde, and clear words for what is not accepted."""

import numpy as np
import pytest
from tables import every

from sgdsde import Landscape, SGDConfig, integrate, simulate_sde

WELL = Landscape("x**4/4 - x**2/2", "x", noise_covariance="1 + x**2/4")


def test_it_is_simulate_sde_in_other_words() -> None:
    config = SGDConfig(0.1, 4, 64, momentum=0.5)
    step = config.mean_loss_time_per_update
    sde = simulate_sde(WELL, config, 0.3, 24, 40, substeps=1, seed=2, burn_in=8, save_every=6)
    own = integrate(WELL, 0.3, 24 * step, 24, 40, temperature=config.temperature, seed=2, burn_in=8, save_every=6)
    np.testing.assert_allclose(own.final, sde.final, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(own.path_covariance, sde.path_covariance, rtol=1e-9)
    np.testing.assert_allclose(own.snapshots, sde.snapshots, rtol=1e-12, atol=1e-13)
    table = own.to_xarray()
    np.testing.assert_allclose(table["time"], 6 * step * np.arange(5))
    assert table.attrs["temperature"] == config.temperature


@every("steps", [1, 2, 3, 4, 5, 7, 8, 13])
@every("save_every", [None, 1, 2, 3, 4])
def test_unwatched_steps_are_the_same_steps(steps: int, save_every: int | None) -> None:
    """The kernel takes steps that nobody watches several at a time."""
    save_every = None if save_every is None else min(save_every, steps)
    for burn_in in {0, steps // 2, steps - 1}:
        options = {"save_every": save_every, "burn_in": burn_in, "seed": 4}
        found, expected = (integrate(WELL, 0.3, 1.0, steps, 130, engine=e, **options) for e in ("numba", "numpy"))
        np.testing.assert_allclose(found.final, expected.final, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(found.path_mean, expected.path_mean, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(found.snapshots, expected.snapshots, rtol=1e-12, atol=1e-13)


def test_without_averages_the_moments_are_those_of_the_end() -> None:
    found = integrate(WELL, 0.3, 1.0, 50, 400)
    np.testing.assert_allclose(found.mean, found.final.mean(axis=0))
    np.testing.assert_allclose(found.covariance, np.atleast_2d(np.var(found.final)), rtol=0.02)


@every(
    ("arguments", "message"),
    [
        ({"time": 0.0}, "time must be a positive finite number, got 0.0"),
        ({"time": "long"}, "time must be a positive finite number, got 'long'"),
        ({"steps": 0}, "steps must be an integer of at least 1, got 0"),
        ({"steps": -3}, "steps must be an integer of at least 1, got -3"),
        ({"paths": 0}, "paths must be an integer from 1 to 4294967295, got 0"),
        ({"temperature": -1.0}, "temperature must be a finite real number of at least 0, got -1.0"),
        ({"friction": 0.0}, "friction must be a positive finite number, got 0.0"),
        ({"time": 1e-170}, r"time / steps must be between 1e-150 and 1e\+150, so that its square is .*, got 2.5e-171"),
        ({"time": 1e160}, r"time / steps must be between .*, got 2.5e\+159"),
        ({"temperature": 1e-200}, "temperature must be between .*, got 1e-200"),
        ({"friction": 1e200}, "friction must be between"),
        ({"steps": 2**63}, r"steps must be at most 2\*\*53 = 9007199254740992 steps, got 9223372036854775808"),
        ({"scheme": "sgd"}, "scheme must be one of .*euler_maruyama.*, got 'sgd'"),
        ({"landscape": "x**2"}, "landscape must be a Landscape, got"),
        ({"w0": [0.1, 0.2]}, "w0 must have shape"),
    ],
)
def test_bad_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        integrate(**{"landscape": WELL, "w0": 0.3, "time": 1.0, "steps": 4, "paths": 2, **arguments})
