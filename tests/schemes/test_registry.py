"""Schemes: found by name, declared truthfully, and exactly the map that their line says."""

import numpy as np
import pytest

from sgdsde import Landscape, SGDConfig, schemes, simulate_sde, simulate_sgd
from sgdsde.codegen import NUMPY_FUNCTIONS
from sgdsde.schemes import registry
from sgdsde.schemes.step import Step

LANDSCAPE = Landscape(
    "x**4/4 + x*y**2 + k*y**2", "x y", {"k": 1.5}, noise_factor=[["1 + x**2", "y", "0.3"], ["0", "2", "sin(x)"]]
)
NUMBERS = {"dt": 0.03, "temperature": 0.7, "learning_rate": 0.11, "momentum": 0.8, "friction": 1.3}
NUMBERS |= {"batch_noise": 0.23, "spread": 1.7, "rounding": 2.0**-52, "keep": 0.6, "pull": 0.9, "share": 0.4}
NUMBERS |= LANDSCAPE.scalars


def step(name: str, state: np.ndarray, z: np.ndarray) -> np.ndarray:
    declaration = schemes.declarations()[name]
    program = schemes.build(declaration, LANDSCAPE)
    return np.array(program.block.function(NUMPY_FUNCTIONS)(*program.constants(LANDSCAPE, NUMBERS), *state, *z))


STATE = np.array([0.4, -1.2, 0.05, 0.3])
Z = np.array([0.9, -0.2, 1.7])


def test_euler_maruyama_is_its_formula() -> None:
    w = STATE[:2]
    noise = np.sqrt(NUMBERS["temperature"] * NUMBERS["dt"]) * LANDSCAPE.noise_factor(w) @ Z
    np.testing.assert_allclose(
        step("euler_maruyama", w, Z), w - NUMBERS["dt"] * LANDSCAPE.gradient(w) + noise, rtol=1e-14
    )


def test_programs_say_their_dimensions() -> None:
    program = schemes.build(schemes.declarations()["euler_maruyama"], LANDSCAPE)
    assert (program.dimension, program.noise_dimension, program.state_dimension) == (2, 3, 2)
    assert program.block.arrays[-3:] == tuple(f"z{i}" for i in range(3))


def test_declarations_are_complete() -> None:
    found = schemes.declarations((*registry.EQUATIONS, *registry.ADAPTIVE_EQUATIONS))
    assert {"euler_maruyama", "baoab", "euler_maruyama_adam"} <= set(found)
    for name, declaration in found.items():
        assert declaration.name == name == declaration.function.__name__
        assert declaration.source
        assert declaration.function.__doc__
        assert declaration.interpretation in ("ito", "stratonovich")
        assert declaration.weak
    assert found["euler_maruyama"].strong["any"] == 0.5


def test_finding_lists_those_that_fit() -> None:
    assert schemes.find("baoab", ("momentum",)).name == "baoab"
    for name, equations, listed in [
        ("sgd", ("overdamped",), "euler_maruyama"),
        ("euler_maruyama", ("momentum",), "baoab"),
        (None, ("momentum",), "baoab"),
    ]:
        with pytest.raises(ValueError, match=f"scheme must be one of .*{listed}.*, got {name!r}"):
            schemes.find(name, equations)  # type: ignore[arg-type]


def test_a_users_scheme_runs_and_is_built_again_when_it_changes(monkeypatch) -> None:
    """Its source is not in the digest of our files, so the disk must not remember it."""
    monkeypatch.setattr(registry, "_REGISTRY", dict(schemes.declarations()))
    bowl, config = Landscape("x**2/2", "x", noise_covariance=0), SGDConfig(0.1, 64, 64)
    for factor in (1, 2):

        def mine(step: Step, factor: int = factor) -> object:
            return step.w + factor * step.drift(step.w) * step.dt

        registry.scheme(interpretation="ito", noise="any", weak=1.0, source="a test")(mine)
        assert simulate_sde(bowl, config, 1.0, 1, 1, scheme="mine", substeps=1).final[0, 0] == pytest.approx(
            1 - 0.1 * factor
        )
    assert simulate_sgd(bowl, config, 1.0, 1, 1).final[0, 0] == pytest.approx(0.9)
