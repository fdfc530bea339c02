"""Schemes: found by name, declared truthfully, and exactly the map that their line says."""

import numpy as np
import pytest
import torch

from sgdsde import Landscape, SGDConfig, schemes, simulate_sde, simulate_sgd
from sgdsde.codegen import NUMPY_FUNCTIONS
from sgdsde.schemes import registry
from sgdsde.schemes.step import Step

LANDSCAPE = Landscape(
    "x**4/4 + x*y**2 + k*y**2", "x y", {"k": 1.5}, factor=[["1 + x**2", "y", "0.3"], ["0", "2", "sin(x)"]]
)
NUMBERS = {"dt": 0.03, "temperature": 0.7, "learning_rate": 0.11, "momentum": 0.8, "friction": 1.3}
NUMBERS |= {"batch_noise": 0.23, "spread": 1.7, "rounding": 2.0**-52, "keep": 0.6, "pull": 0.9, "share": 0.4}
NUMBERS |= LANDSCAPE.scalars


def step(name: str, state: np.ndarray, z: np.ndarray) -> np.ndarray:
    declaration = schemes.declarations()[name]
    block = schemes.build(declaration, LANDSCAPE).block
    return np.array(block.function(NUMPY_FUNCTIONS)(*block.constant_values(NUMBERS), *state, *z))


STATE = np.array([0.4, -1.2, 0.05, 0.3])
Z = np.array([0.9, -0.2, 1.7])


def test_euler_maruyama_is_its_formula() -> None:
    w = STATE[:2]
    noise = np.sqrt(NUMBERS["temperature"] * NUMBERS["dt"]) * LANDSCAPE.factor(w) @ Z
    np.testing.assert_allclose(
        step("euler_maruyama", w, Z), w - NUMBERS["dt"] * LANDSCAPE.gradient(w) + noise, rtol=1e-14
    )


def test_sgd_is_heavy_ball() -> None:
    w, v = STATE[:2], STATE[2:]
    gradient = LANDSCAPE.gradient(w) + LANDSCAPE.factor(w) @ Z
    v = NUMBERS["momentum"] * v - NUMBERS["learning_rate"] * gradient
    np.testing.assert_allclose(step("sgd", STATE, Z), [*(w + v), *v], rtol=1e-14)


def test_nesterov_is_torchs() -> None:
    """Over three steps on given gradient noise; ω and the buffer of torch.optim.SGD, v = −ε buffer."""
    rate, m = NUMBERS["learning_rate"], NUMBERS["momentum"]
    state, noise = STATE.copy(), np.random.default_rng(1).standard_normal((3, len(Z)))
    state[2:] = 0.0
    w = torch.tensor(STATE[:2], requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=rate, momentum=m, nesterov=True)
    for z in noise:
        at = w.detach().numpy()
        w.grad = torch.tensor(LANDSCAPE.gradient(at) + LANDSCAPE.factor(at) @ z)
        optimizer.step()
        state = step("nesterov", state, z)
    np.testing.assert_allclose(state[:2], w.detach().numpy(), rtol=1e-13)
    np.testing.assert_allclose(state[2:], -rate * optimizer.state[w]["momentum_buffer"].numpy(), rtol=1e-13)


def test_noisy_gd_has_the_batch_noise() -> None:
    w, v = STATE[:2], STATE[2:]
    gradient = LANDSCAPE.gradient(w) + np.sqrt(NUMBERS["batch_noise"]) * LANDSCAPE.factor(w) @ Z
    v = NUMBERS["momentum"] * v - NUMBERS["learning_rate"] * gradient
    np.testing.assert_allclose(step("noisy_gd", STATE, Z), [*(w + v), *v], rtol=1e-14)


def test_svag_weighs_two_batches() -> None:
    w, other = STATE[:2], np.array([0.3, -0.8, 0.5])
    a, b = (1 + NUMBERS["spread"]) / 2, (1 - NUMBERS["spread"]) / 2
    first, second = (LANDSCAPE.gradient(w) + LANDSCAPE.factor(w) @ z for z in (Z, other))
    expected = w - NUMBERS["learning_rate"] * (a * first + b * second)
    np.testing.assert_allclose(step("svag", w, np.concatenate([Z, other])), expected, rtol=1e-13)


@pytest.mark.parametrize("name", ["euler_maruyama", "sgd"])
def test_programs_say_their_dimensions(name: str) -> None:
    program = schemes.build(schemes.declarations()[name], LANDSCAPE)
    assert (program.dimension, program.noise_dimension) == (2, 3)
    assert program.state_dimension == (4 if name == "sgd" else 2)
    noise = {"sgd": "batch", "euler_maruyama": "z"}[name]
    assert program.block.arrays[-3:] == tuple(f"{noise}{i}" for i in range(3))


def test_declarations_are_complete() -> None:
    found = schemes.declarations()
    assert {"euler_maruyama", "sgd"} <= set(found)
    for name, declaration in found.items():
        assert declaration.name == name == declaration.function.__name__
        assert declaration.source
        assert declaration.function.__doc__
        assert declaration.interpretation in ("ito", "stratonovich", "update")
        assert (not declaration.weak) == (declaration.interpretation == "update")
    assert found["euler_maruyama"].strong["any"] == 0.5


def test_finding_lists_those_that_fit() -> None:
    assert schemes.find("sgd", ("update",)).name == "sgd"
    for name, kinds, listed in [
        ("sgd", ("ito",), "euler_maruyama"),
        ("euler", ("update",), "sgd"),
        (None, ("ito",), "e"),
    ]:
        with pytest.raises(ValueError, match=f"scheme must be one of .*{listed}.*, got {name!r}"):
            schemes.find(name, kinds)  # type: ignore[arg-type]


def test_a_users_scheme_runs_and_is_built_again_when_it_changes(monkeypatch) -> None:
    """Its source is not in the digest of our files, so the disk must not remember it."""
    monkeypatch.setattr(registry, "_REGISTRY", dict(schemes.declarations()))
    bowl, config = Landscape("x**2/2", "x", covariance=0), SGDConfig(0.1, 64, 64)
    for factor in (1, 2):

        def mine(step: Step, factor: int = factor) -> object:
            return step.w + factor * step.drift(step.w) * step.dt

        registry.scheme(interpretation="ito", noise="any", weak=1.0, source="a test")(mine)
        assert simulate_sde(bowl, config, 1.0, 1, 1, scheme="mine", substeps=1).final[0, 0] == pytest.approx(
            1 - 0.1 * factor
        )
    assert simulate_sgd(bowl, config, 1.0, 1, 1).final[0, 0] == pytest.approx(0.9)


def test_intermediate_stages_are_named_not_repeated() -> None:
    program = schemes.build(schemes.declarations()["sgd"], LANDSCAPE)
    names = [name for name, _ in program.block.lines]
    assert "s0_0" in names
    assert dict(program.block.lines)["n_v_0"] == "s0_0"
