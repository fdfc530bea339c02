"""Growth of the second moment as measured, against its exact law, and what is refused."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from tables import every

import sgdsde as sg
from sgdsde import studies
from sgdsde.studies import growth_limit, second_moment_growth
from sgdsde.theory import mean_square_growth, mean_square_stability_limit
from validation.laws.interpolating import PROBLEMS

CONFIG = sg.SGDConfig(0.1, 4, 64, 0.9)


def at_limit(problem, config, share=1.0):
    return replace(config, learning_rate=share * problem.limit(config))


def deviation(problem, config, found):
    """In standard errors over groups, from the exact growth."""
    exact = np.log(mean_square_growth(problem.parts, config, factored=problem.factored))
    return (found.mean() - exact) / (found.std(ddof=1) / len(found) ** 0.5)


@every("share", [0.8, 1.2])
def test_growth_of_paths_of_a_landscape_is_exact(share):
    problem = PROBLEMS["one dimension"]()
    config = at_limit(problem, CONFIG, share)
    found = problem.measure(config, blocks=30, updates=4, paths=8192, groups=8, seed=1)
    assert abs(deviation(problem, config, found)) < 4
    assert abs(deviation(problem, replace(config, learning_rate=1.05 * config.learning_rate), found)) > 4


def test_too_few_paths_in_a_group_find_too_little_growth():
    problem = PROBLEMS["one dimension"]()
    config = at_limit(problem, CONFIG)
    few, many = (problem.measure(config, blocks=30, updates=16, paths=4096, groups=g, seed=2).mean() for g in (512, 4))
    assert few < 1.5 * many - 0.002  # 8 paths in a group, and 1024


@pytest.mark.networks
def test_growth_of_a_network_is_that_of_its_jacobians():
    """With momentum and curvatures 270 apart: what lies along the least of them takes hundreds of updates to fall."""
    problem = PROBLEMS["ReLU network"]()
    config = at_limit(problem, sg.SGDConfig(0.1, 4, 8, 0.9), 1.1)
    found = problem.measure(config, blocks=16, updates=4, paths=8192, groups=16, seed=3)
    assert abs(deviation(problem, config, found)) < 4
    assert abs(deviation(problem, replace(config, learning_rate=1.05 * config.learning_rate), found)) > 4


@pytest.mark.networks
def test_a_network_is_so_close_that_it_is_its_linearisation():
    """In one block: in more a rounding may change which paths are drawn anew, and with them the growth of a group."""
    problem = PROBLEMS["ReLU network"]()
    config = at_limit(problem, sg.SGDConfig(0.1, 4, 8, 0.9), 1.1)
    options = {"blocks": 1, "burn_in": 0, "updates": 16, "paths": 256, "groups": 4, "seed": 3}
    found, shorter, longer = (problem.measure(config, **options, distance=d) for d in (1e-6, 1e-7, 1e-3))
    assert shorter == pytest.approx(found, abs=1e-6)
    assert longer != pytest.approx(found, abs=1e-5)


def test_limit_is_found_from_growths_alone():
    exact = {m: 2 / (1 + 1 / m) for m in (1.0, 2.0)}
    for m, limit in exact.items():
        noise = 0.01 * np.random.default_rng(0).standard_normal(16)
        found = growth_limit(lambda rate, m=m, noise=noise: np.log(rate * (1 + 1 / m) / 2) + noise, 100.0)
        assert abs(found.value - limit) < 4 * found.standard_error
        assert found.standard_error == pytest.approx(limit * noise.std(ddof=1) / 4, rel=0.05)


def test_limit_of_a_line_is_measured():
    problem = PROBLEMS["one dimension"]()

    def growth(rate):
        return problem.measure(replace(CONFIG, learning_rate=rate), blocks=8, updates=16, paths=4096, groups=8, seed=4)

    found = growth_limit(growth, 3.8)
    assert abs(found.value / mean_square_stability_limit(problem.parts, CONFIG) - 1) < 4 * found.standard_error + 0.005


@pytest.mark.networks
def test_jacobians_are_those_of_outputs():
    model, x = sg.models.mlp(2, 4, 3, seed=0), np.array([[0.3, -1.0]])
    outputs, jacobians = sg.models.output_jacobians(model, x)
    import torch

    with torch.no_grad():
        for number, parameter in enumerate(p for p in model.double().parameters()):
            start = sum(p.numel() for p in list(model.parameters())[:number])
            flat = parameter.view(-1)
            flat[0] += 1e-6
            moved, _ = sg.models.output_jacobians(model, x)
            flat[0] -= 1e-6
            assert (moved - outputs)[0] / 1e-6 == pytest.approx(jacobians[0, :, start], abs=1e-5)


WELL = sg.Landscape("x**2/2", "x", noise_factor=[["0.5*x"]])


@every(
    ("words", "landscape", "minimum", "options"),
    [
        ("minimum must be where the gradient is 0", WELL, 1.0, {}),
        ("minimum must be where the noise is 0", sg.Landscape("x**2/2", "x"), 0.0, {}),
        ("paths must be a multiple of groups = 7, got 64", WELL, 0.0, {"paths": 64, "groups": 7}),
        ("blocks must be an integer", WELL, 0.0, {"blocks": 0}),
        ("updates must be an integer", WELL, 0.0, {"updates": 0}),
    ],
)
def test_refuses(words, landscape, minimum, options):
    with pytest.raises(ValueError, match=words):
        second_moment_growth(landscape, CONFIG, minimum, **options)


def test_limit_refuses_a_bracket_without_a_root():
    with pytest.raises(ValueError, match=r"highest must be .* at which the growth is positive, got 0\.5"):
        growth_limit(lambda rate: np.full(2, rate - 1), 0.5)
    with pytest.raises(ValueError, match="growth must be negative at small learning rates"):
        growth_limit(lambda rate: np.ones(2), 1.0)


@pytest.mark.networks
def test_network_refuses_what_it_cannot_be():
    x, y = np.eye(8, 2), np.zeros((8, 1))
    data = sg.data.Dataset("corners", x, y, x, y)
    growth = partial(studies.network_second_moment_growth, data=data)
    with pytest.raises(ValueError, match="model must fit all examples"):
        growth(sg.models.mlp(2, 3, 1), config=sg.SGDConfig(0.1, 2, 8))
    fits = sg.models.mlp(2, 3, 1).double()
    for parameter in list(fits.parameters())[2:]:
        parameter.data.zero_()
    with pytest.raises(ValueError, match="config must draw independent batches of 8 examples"):
        growth(fits, config=sg.SGDConfig(0.1, 2, 8, sampling="reshuffle"))
    with pytest.raises(ValueError, match="distance must be"):
        growth(fits, config=sg.SGDConfig(0.1, 2, 8), distance=0.0)
