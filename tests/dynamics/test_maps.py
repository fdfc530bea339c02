"""Rules and noises on a landscape are exactly the maps that their lines say."""

import numpy as np
import pytest
import torch

from sgdsde import Landscape, SGDConfig, schemes
from sgdsde.codegen import NUMPY_FUNCTIONS
from sgdsde.dynamics import find

pytestmark = pytest.mark.networks

LANDSCAPE = Landscape(
    "x**4/4 + x*y**2 + k*y**2", "x y", {"k": 1.5}, noise_factor=[["1 + x**2", "y", "0.3"], ["0", "2", "sin(x)"]]
)
NUMBERS = {"learning_rate": 0.11, "momentum": 0.8, "batch_noise": 0.23, "spread": 1.7}
STATE = np.array([0.4, -1.2, 0.05, 0.3])
Z = np.array([0.9, -0.2, 1.7])


def program(name: str, momentum: float = 0.8) -> schemes.Program:
    return schemes.build(find(name, SGDConfig(0.11, 4, 64, momentum)).declaration(), LANDSCAPE)


def step(name: str, state: np.ndarray, z: np.ndarray, momentum: float = 0.8) -> np.ndarray:
    found = program(name, momentum)
    constants = found.constants(LANDSCAPE, {**NUMBERS, "momentum": momentum})
    return np.array(found.block.function(NUMPY_FUNCTIONS)(*constants, *state, *z))


def test_sgd_is_torchs() -> None:
    w, v = STATE[:2], STATE[2:]
    gradient = LANDSCAPE.gradient(w) + LANDSCAPE.noise_factor(w) @ Z
    v = NUMBERS["momentum"] * v + gradient
    np.testing.assert_allclose(step("sgd", STATE, Z), [*(w - NUMBERS["learning_rate"] * v), *v], rtol=1e-14)


def test_nesterov_is_torchs() -> None:
    """Over three steps on given gradient noise; ω and the buffer of torch.optim.SGD."""
    rate, m = NUMBERS["learning_rate"], NUMBERS["momentum"]
    state, noise = STATE.copy(), np.random.default_rng(1).standard_normal((3, len(Z)))
    state[2:] = 0.0
    w = torch.tensor(STATE[:2], requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=rate, momentum=m, nesterov=True)
    for z in noise:
        at = w.detach().numpy()
        w.grad = torch.tensor(LANDSCAPE.gradient(at) + LANDSCAPE.noise_factor(at) @ z)
        optimizer.step()
        state = step("nesterov", state, z)
    np.testing.assert_allclose(state[:2], w.detach().numpy(), rtol=1e-13)
    np.testing.assert_allclose(state[2:], optimizer.state[w]["momentum_buffer"].numpy(), rtol=1e-13)


def test_noisy_gd_has_the_batch_noise() -> None:
    w, v = STATE[:2], STATE[2:]
    gradient = LANDSCAPE.gradient(w) + np.sqrt(NUMBERS["batch_noise"]) * LANDSCAPE.noise_factor(w) @ Z
    v = NUMBERS["momentum"] * v + gradient
    np.testing.assert_allclose(step("noisy_gd", STATE, Z), [*(w - NUMBERS["learning_rate"] * v), *v], rtol=1e-14)


def test_svag_weighs_two_batches() -> None:
    w, other = STATE[:2], np.array([0.3, -0.8, 0.5])
    a, b = (1 + NUMBERS["spread"]) / 2, (1 - NUMBERS["spread"]) / 2
    first, second = (LANDSCAPE.gradient(w) + LANDSCAPE.noise_factor(w) @ z for z in (Z, other))
    expected = w - NUMBERS["learning_rate"] * (a * first + b * second)
    np.testing.assert_allclose(step("svag", STATE, np.concatenate([Z, other]), momentum=0.0)[:2], expected, rtol=1e-13)


def test_programs_say_their_dimensions() -> None:
    found = program("sgd")
    assert (found.dimension, found.noise_dimension, found.state_dimension) == (2, 3, 4)
    assert found.block.arrays[-3:] == tuple(f"batch{i}" for i in range(3))
    assert program_of_adam().carried == ("bias_of_beta1", "bias_of_beta2")


def program_of_adam() -> schemes.Program:
    return schemes.build(find("adam", SGDConfig(0.11, 4, 64)).declaration(), LANDSCAPE)


def test_intermediate_stages_are_named_not_repeated() -> None:
    lines = dict(program("sgd").block.lines)
    assert lines["n_momentum_buffer_0"].startswith("s")
