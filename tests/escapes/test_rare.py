"""Multilevel splitting against quadrature, and against simulations that wait for the exits."""

import numpy as np
import pytest

import sgdsde as sg
from sgdsde.escapes import rare, rare_exit_time
from sgdsde.theory import mean_exit_time, splitting_probability

WELL = sg.Landscape("x**4/4 - x**2/2", "x", noise_covariance="1 + x**2/2")
BOWLS = sg.Landscape("(x**2 - 1)**2/4 + (y - x**2/2)**2", "x y", noise_covariance=[["1", "0.3"], ["0.3", "1/2"]])


@pytest.mark.slow("ten seconds and more of splitting")
def test_a_hundred_million_updates():
    """The interval holds the exact time, is narrower than 10 %, and ends far from the time of a T 5 % off."""
    config = sg.SGDConfig(0.05, 2, 1024)
    found = rare_exit_time(WELL, config, -1.0, "x > 0.5", substeps=4, trials=8192, repetitions=24, seed=1)
    exact, off = (mean_exit_time(WELL, factor * config.temperature, -1.0, right=0.5) / 0.05 for factor in (1, 1.05))
    assert exact > 1e8
    assert found.interval[0] < exact < found.interval[1]
    assert found.interval[1] / found.interval[0] < 1.2
    assert abs(found.mean - off) > 8 * found.standard_error
    assert found.updates < exact


#: The same in both runs: a table that is drawn follows from the seed.
SGD = {"dynamics": "sgd", "examples": np.linspace(-1, 1, 64)[:, None] ** 3}
CASES = {
    "sgd": (WELL, sg.SGDConfig(0.1, 1, 64), "x > 0.5", -1.0, SGD),
    "sgd with momentum": (WELL, sg.SGDConfig(0.02, 1, 64, momentum=0.8), "x > 0.5", -1.0, SGD),
    "sde with momentum": (WELL, sg.SGDConfig(0.02, 1, 64, momentum=0.8), "x > 0.5", -1.0, {"scheme": "baoab"}),
    "bridged": (WELL, sg.SGDConfig(0.1, 1, 64), "x > 0.5", -1.0, {}),
    "no bridge": (WELL, sg.SGDConfig(0.1, 1, 64), "x > 0.5", -1.0, {"bridge": False, "scheme": "weak_euler"}),
    "plane": (BOWLS, sg.SGDConfig(0.1, 1, 64), "x > 0.3 and y < 2", [-1.0, 0.5], {"score": "x - 0.2*y"}),
}


#: Longer than the others.
SLOW = {"plane", "no bridge", "sde with momentum", "bridged", "sgd"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow("6000 paths are waited for") if name in SLOW else ()) for name in CASES],
)
def test_it_agrees_with_waiting(name):
    landscape, config, stop, start, options = CASES[name]
    options = {"substeps": 1, **options}
    found = rare_exit_time(landscape, config, start, stop, trials=2048, seed=5, **options)
    options = {key: value for key, value in options.items() if key not in ("dynamics", "score")}
    simulate = sg.simulate_sgd if "sgd" in name else sg.simulate_sde
    exits = simulate(landscape, config, start, 10**7, 6000, stop=stop, seed=6, **options).exits
    waited, error = exits.update.mean(), exits.update.std() / np.sqrt(6000)
    assert waited > 500
    assert abs(found.mean - waited) < 4 * np.hypot(found.standard_error, error)
    assert found.standard_error < 0.05 * waited


def test_regions_share_as_the_quadrature_says():
    well = sg.Landscape("x**2/2 + x**3/8", "x")
    config = sg.SGDConfig(0.08, 1, 64)
    temperature = config.temperature
    found = rare_exit_time(
        well, config, 0.0, {"left": "x < -0.8", "right": "x > 0.75"}, substeps=8, score="x**2", repetitions=24, seed=2
    )
    right = splitting_probability(well, temperature, 0.0, -0.8, 0.75)
    exact = mean_exit_time(well, temperature, 0.0, left=-0.8, right=0.75) / 0.08
    assert abs(found.mean - exact) < 4 * found.standard_error
    assert found.shares.keys() == {"left", "right"}
    assert abs(found.shares["right"] - right) < 0.03


def test_the_seed_says_all():
    config = sg.SGDConfig(0.1, 2, 64)
    one, two, three = (
        rare_exit_time(WELL, config, -1.0, "x > 0.5", trials=256, repetitions=4, substeps=1, seed=seed)
        for seed in (1, 1, 2)
    )
    assert one.mean == two.mean != three.mean
    np.testing.assert_array_equal(one.repetitions, two.repetitions)
    assert repr(one).endswith("updates simulated in 1 step each>")
    assert one.substeps == 1


CONFIG = sg.SGDConfig(0.1, 2, 64)
REFUSED = {
    "dynamics must be one of sde, sgd, got 'map'": {"dynamics": "map"},
    "trials must be an integer of at least 64, got 3": {"trials": 3},
    "repetitions must be an integer of at least 4, got 1": {"repetitions": 1},
    r"trials × repetitions must be an integer from 1 to 4294967295, got 17179869184": {"trials": 2**30},
    r"relaxation must be at most 2\*\*53 = 9007199254740992 steps": {"relaxation": 2**63, "substeps": 1},
    "relaxation must be given: by the least curvature": {"config": sg.SGDConfig(1e-140, 2, 64)},
    "confidence must be a finite real number above 0 and below 1, got 95": {"confidence": 95},
    "updates is not an argument of rare_exit_time": {"updates": 10},
    "score": {"score": "z"},
    r"w0 must be outside of the regions of stop; \[1.0\] is in 'out'": {"w0": 1.0},
    "w0 must be in the well of a minimum": {"w0": 0.0},
    "sampling 'reshuffle' remembers": {"config": sg.SGDConfig(0.1, 2, 64, sampling="reshuffle"), "dynamics": "sgd"},
    "accepted: .* or for the SDE driver = 'brownian'": {"config": sg.SGDConfig(0.1, 2, 64, sampling="reshuffle")},
    "is not rare; simulate_sde and simulate_sgd wait for it": {"stop": "x > -0.9"},
    "no path rises much above score|not reached after": {"stop": "x > 5 and x < 4.5", "score": "-abs(x)"},
}


@pytest.mark.parametrize(
    "message",
    REFUSED,
)
def test_what_is_refused(message):
    with pytest.raises(ValueError, match=message):
        rare_exit_time(**{"landscape": WELL, "config": CONFIG, "w0": -1.0, "stop": "x > 0.5", **REFUSED[message]})


def test_the_relaxation_is_that_with_the_weight_decay(monkeypatch):
    """With both dynamics it is 5/(ε(h + λ)), where the minimum is at 1/2."""
    bowl, config, asked = sg.Landscape("(x - 1)**2/2", "x"), sg.SGDConfig(0.1, 2, 64, weight_decay=1.0), []
    monkeypatch.setattr(rare, "_relaxation", lambda *given, found=rare._relaxation: asked.append(found(*given)) or 25)
    for dynamics in ("sde", "sgd"):
        rare_exit_time(bowl, config, 0.5, "x > 0.7", dynamics=dynamics, trials=64, repetitions=4)
    assert asked == [25, 25]
