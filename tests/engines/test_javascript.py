"""Blocks printed as JavaScript, run by node: the paths of the NumPy engine, to 1e-12."""

import warnings

import numpy as np
import pytest
from node import end_of, result_of

from sgdsde import SGDConfig, landscapes
from sgdsde.codegen import NUMPY_FUNCTIONS, Block
from sgdsde.engines import javascript, numpy_reference
from sgdsde.engines.philox import philox
from sgdsde.requests import sde_request, sgd_request
from sgdsde.run import prepare

PATHS, UPDATES, SEED = 6, 200, 2**33 + 5
#: Learning rates for which 200 updates go somewhere and stay finite.
RATES = {
    "quadratic": 0.1, "quadratic_2d": 0.1, "multiplicative": 0.1, "double_well": 0.1, "sharp_flat": 0.05,
    "valley": 0.02, "mueller_brown": 1e-4, "zhu_two_bowls": 0.005,
}  # fmt: skip
DYNAMICS = {
    "sde": ("without_replacement", {}),
    "sde, epoched": ("reshuffle", {}),
    "momentum_sde": ("without_replacement", {"dynamics": "momentum_sde"}),
    "rmsprop_sde": ("with_replacement", {"dynamics": "rmsprop_sde"}),
    "sgd with_replacement": ("with_replacement", {"dynamics": "sgd"}),
    "sgd without_replacement": ("without_replacement", {"dynamics": "sgd"}),
    "sgd reshuffle": ("reshuffle", {"dynamics": "sgd"}),
    "sgd shuffle_once": ("shuffle_once", {"dynamics": "sgd"}),
    "adam": ("without_replacement", {"dynamics": "adam"}),
    "nesterov": ("reshuffle", {"dynamics": "nesterov"}),
    "signsgd": ("without_replacement", {"dynamics": "signsgd"}),
    "svag": ("without_replacement", {"dynamics": "svag", "substeps": 3}),
    "noisy_gd": ("reshuffle", {"dynamics": "noisy_gd"}),
}


def plan_of(landscape: str, name: str, batch: int = 4, **more):
    sampling, options = DYNAMICS[name]
    chosen = options.get("dynamics", "sde")
    momentum = 0.5 if chosen in ("sgd", "momentum_sde", "nesterov", "noisy_gd") else 0.0
    config = SGDConfig(RATES[landscape], batch, 16, momentum, sampling)
    request = sde_request if chosen.endswith("sde") else sgd_request
    few = {"substeps": 2} if chosen.endswith("sde") else {}
    run = {"engine": "numpy", "seed": SEED, **few, **options, **more}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return prepare(
            request(landscapes.named(landscape), config, landscapes.minima(landscape)[0], UPDATES, PATHS, **run)
        ).plan


@pytest.mark.parametrize("name", DYNAMICS)
@pytest.mark.parametrize("landscape", RATES)
def test_a_seed_has_the_same_paths(landscape: str, name: str) -> None:
    plan = plan_of(landscape, name)
    found, expected = end_of(plan), numpy_reference.run(plan).state
    assert np.isfinite(expected).all()
    assert np.ptp(expected[0]) > 0
    size = np.abs(expected).max(axis=1, keepdims=True)
    size[plan.dimension :] = np.maximum(size[plan.dimension :], 1.0)  # a bridge is back at 0
    assert (np.abs(found - expected) <= 1e-12 * size).all()


@pytest.mark.parametrize("batch", [1, 2, 8, 13, 16])
@pytest.mark.parametrize("name", [name for name in DYNAMICS if name.startswith("sgd")])
def test_batch_sizes(name: str, batch: int) -> None:
    if 16 % batch and DYNAMICS[name][0] in ("reshuffle", "shuffle_once"):
        batch = 4
    plan = plan_of("quadratic_2d", name, batch)
    np.testing.assert_allclose(end_of(plan), numpy_reference.run(plan).state, rtol=0, atol=1e-12)


def test_paths_that_end_have_their_margins() -> None:
    """The outputs beside the state, with crossings inside a step, whose draws are uniform."""
    plan = plan_of("double_well", "sde", stop={"left": "x < -2", "right": "x > 0"})
    assert any(name.startswith("uniform") for name in plan.block.arrays)
    script = javascript.program(plan.block, kept=plan.state_dimension + 2)
    assert "bound" not in script
    values = {name: 0.1 * (i + 1) for i, name in enumerate(plan.block.arrays)}
    rows = [[value] for value in values.values()]
    call = f"{javascript.runtime()}; const program = {script}; const rows = {rows}.map((r) => Float64Array.from(r));"
    into = f"const into = [[0], [0], [0]]; program.step(rows, into, {list(plan.constants)}, 1);"
    found = np.ravel(result_of(f"{call} {into} console.log(JSON.stringify(into))"))
    expected = plan.block.function(NUMPY_FUNCTIONS)(*plan.constants, *(np.array([v]) for v in values.values()))
    np.testing.assert_allclose(found, [float(np.ravel(each)[0]) for each in expected[:3]], rtol=1e-13)


def test_words_are_philox() -> None:
    script = f"""{javascript.runtime()}
const words = new Uint32Array(4 * 2 * 3);
fillWords(words, {SEED}, 7, 4000000000, 2, 3);
console.log(JSON.stringify(Array.from(words)));"""
    found = np.array(result_of(script)).reshape(2, 4, 3)
    for draw in range(2):
        for path in range(3):
            counter = tuple(np.array([n], np.uint64) for n in (4000000000, draw, path, 7))
            expected = [int(word[0]) for word in philox(counter, (SEED & 0xFFFFFFFF, SEED >> 32))]
            assert found[draw, :, path].tolist() == expected


def test_constants_are_those_of_the_block() -> None:
    program = javascript.program(plan_of("valley", "sde").block)
    block = plan_of("valley", "sde").block
    scalars = dict.fromkeys(block.scalars, 0.3) | {"p0": 0.7, "p1": 9.0}
    found = result_of(f"{javascript.runtime()}; console.log(JSON.stringify(({program}).constants({scalars})))")
    np.testing.assert_allclose(found, block.constant_values(scalars), rtol=1e-14)


@pytest.mark.parametrize(
    "code",
    ["w0.constructor", "f(w0)", "'a'", "[w0]", "lambda: 0", "w0 < 1.0 < 2.0", "w0 if w0 else w0", "é", "exp(*w0)"],
)
def test_nothing_else_has_a_translation(code: str) -> None:
    with pytest.raises(ValueError, match="no JavaScript for"):
        javascript.translated(code)


def test_numbers_beyond_doubles() -> None:
    assert javascript.translated("(1e400 - 1e400)") == "(Infinity - Infinity)"
    assert javascript.translated("-1e-300") == "(-1e-300)"


def test_outputs_that_are_not_kept_are_not_computed() -> None:
    block = Block(("p0",), ("w0",), (("c0", "p0*2.0"), ("c1", "p0")), (("t0", "c0*w0"), ("t1", "c1")), ("t0", "t1"))
    found = javascript.program(block, kept=1)
    assert "c1" not in found
    assert "t1" not in found
