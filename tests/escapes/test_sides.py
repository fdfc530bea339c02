"""On which side of a ridge paths are."""

import numpy as np
import pytest

import sgdsde as sg
from sgdsde.escapes import log_odds_of_sides

TILTED = sg.Landscape("x**4/4 - x**2/2 + x/20", "x", noise_covariance="f", parameters={"f": 1.0})
CONFIG = sg.SGDConfig(0.25, batch_size=1, n_examples=10**6)


def test_odds_are_those_of_the_stationary_density():
    masses = sg.theory.stationary_density(TILTED, CONFIG, (-4.0, 4.0)).masses([-4.0, 0.05, 4.0])
    found = log_odds_of_sides(
        TILTED, CONFIG, (-1.0, 1.0), 0.05, 3000, scheme="leimkuhler_matthews", substeps=5, seed=2, settled=6.0
    )
    assert abs(found.value - np.log(masses[1] / masses[0])) < 4.5 * found.standard_error < 0.3


def test_sgd_and_further_directions():
    valley = sg.Landscape("x**4/4 - x**2/2 + x/20 + y**2", "x y", noise_covariance="f", parameters={"f": 1.0})
    options = {"line": TILTED, "seed": 3, "snapshots": 8}
    found = log_odds_of_sides(valley, CONFIG, (-1.0, 1.0), 0.05, 500, dynamics="sgd", **options)
    assert found.value < 0 < found.standard_error


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="snapshots must be"):
        log_odds_of_sides(TILTED, CONFIG, (-1.0, 1.0), 0.05, 100, snapshots=0)
    with pytest.raises(ValueError, match="between must be"):
        log_odds_of_sides(TILTED, CONFIG, (-1.0, 1.0), 0.05, 100, between=-1.0)
