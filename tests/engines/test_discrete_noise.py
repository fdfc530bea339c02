"""Two- and three-point numbers: the same on every engine, with the moments of a normal up to their order."""

import math

import numpy as np
import pytest
from tables import every

from sgdsde import engines
from sgdsde.codegen import Block
from sgdsde.engines.noise import GaussianIncrements, Signs, ThreePoints
from sgdsde.engines.philox import STREAM_SECOND, bits_layout
from sgdsde.engines.registry import ENGINES, Plan

SOURCES = [Signs, ThreePoints]


@pytest.mark.networks
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("numbers", [1, 2, 3, 5, 9])
def test_engines_draw_the_same(drawn, source, numbers: int) -> None:
    expected = drawn("numpy", source(numbers), 37, 200, seed=2**63 + 5)
    for engine in ("torch", "numba") if numbers in (1, 3, 9) else ("torch",):  # a kernel for each of Numba's
        np.testing.assert_array_equal(drawn(engine, source(numbers), 37, 200, seed=2**63 + 5), expected)
    assert expected.shape == (37, numbers, 200)


@pytest.mark.parametrize(
    ("source", "values", "moments"),
    [(Signs, [-1, 1], [0, 1, 0, 1]), (ThreePoints, [-math.sqrt(3), 0, math.sqrt(3)], [0, 1, 0, 3, 0])],
)
def test_moments(drawn, source, values, moments) -> None:
    """At 4.5σ, and narrow enough to tell the fourth moments 1 and 3."""
    x = drawn("numpy", source(3), 20, 4000, seed=2)
    np.testing.assert_allclose(np.unique(x), values)
    for power, moment in enumerate(moments, 1):
        error = (x**power).std() / math.sqrt(x.size)
        assert abs((x**power).mean() - moment) <= 4.5 * error + 1e-12
        assert error < 0.02
    flat = x.reshape(60, -1)
    correlations = np.corrcoef(flat)[np.triu_indices(60, 1)]
    assert np.abs(correlations).max() < 5.5 / math.sqrt(flat.shape[1])


@every(("numbers", "steps"), [(1, 16), (2, 8), (3, 4), (4, 4), (5, 2), (8, 2), (9, 1), (200, 1)])
def test_steps_that_share_bits(numbers: int, steps: int) -> None:
    found, draws = bits_layout(numbers)
    assert found == steps
    assert 128 * draws >= steps * numbers > 128 * (draws - 1)


@pytest.mark.parametrize("engine", ENGINES)
def test_sources_beside_each_other_keep_their_numbers(drawn, engine: str) -> None:
    """A step with several sources sees what each of them draws alone, whatever steps share a group."""
    sources = (GaussianIncrements(1), GaussianIncrements(2, STREAM_SECOND), Signs(1), ThreePoints(3))
    total = sum(source.numbers for source in sources)
    arrays = (*(f"w{i}" for i in range(total)), *(f"z{i}" for i in range(total)))
    lines = tuple((f"n_w{i}", f"z{i}") for i in range(total))
    block = Block((), arrays, (), lines, tuple(name for name, _ in lines))
    plan = Plan(block, (), sources, np.zeros((total, 131)), total, 21, save_every=1, seed=9)
    found = engines.run(engine, plan).saved[1:].transpose(0, 2, 1)
    alone = np.concatenate([drawn("numpy", source, 21, 131, seed=9) for source in sources], axis=1)
    np.testing.assert_allclose(found, alone, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("engine", [each for each in ENGINES if each != "numpy"])
@pytest.mark.parametrize("substeps", [1, 2, 3, 16])
def test_runs_of_any_length_and_chunk(substeps: int, engine: str) -> None:
    """Groups of sixteen steps against updates of any length."""
    block = Block((), ("w0", "z0"), (), (("n_w0", "w0 + z0"),), ("n_w0",))
    here, other = (
        engines.run(each, Plan(block, (), (Signs(1),), np.zeros((1, 140)), 1, 23, substeps, save_every=5))
        for each in ("numpy", engine)
    )
    np.testing.assert_array_equal(here.state, other.state)
    np.testing.assert_array_equal(here.saved, other.saved)
    np.testing.assert_allclose(here.mean, other.mean)
