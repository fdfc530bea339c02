"""One Brownian path for any scheme and step size: coarse increments are sums of fine ones, and so are the integrals."""

import math
import tracemalloc

import numpy as np
import pytest
from tables import every

from sgdsde import BrownianPath, Landscape, SGDConfig, brownian, integrate, simulate_sde
from sgdsde.engines.lanes import LANES
from sgdsde.engines.registry import ENGINES

WELL = Landscape("x**4/4 - x**2/2", "x", noise_covariance="1 + x**2/4")
PLANE = Landscape("x**2/2 + y**2", "x y", noise_covariance=[["1 + y**2/4", "x*y/8"], ["x*y/8", "1 + x**2/4"]])


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_coarse_increments_are_sums_of_fine_ones(k: int) -> None:
    path = BrownianPath(k, time=3.0, steps=48, seed=5)
    finest = path.increments(48, paths=7)
    for steps in (1, 2, 3, 4, 6, 8, 12, 16, 24):
        summed = finest.reshape(steps, 48 // steps, 7, k).sum(axis=1)
        np.testing.assert_allclose(path.increments(steps, paths=7), summed, atol=1e-14)
    np.testing.assert_allclose(path.between(0.75, 2.5, 7), finest[12:40].sum(axis=0), atol=1e-14)


def test_paths_are_the_same_in_any_company() -> None:
    path = BrownianPath(2, time=1.0, steps=8)
    many = path.increments(4, paths=300)
    np.testing.assert_array_equal(path.increments(4, paths=3), many[:, :3])
    np.testing.assert_array_equal(path.increments(4, paths=130, first_path=129), many[:, 129:259])
    draws = ["z", "y", "area"]
    rows = path.source(4, 300, draws).rows(0, 4, 0, 300)
    np.testing.assert_allclose(path.source(4, 300, draws).rows(2, 3, 100, 200)[0], rows[2][:, 100:200], atol=1e-14)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_finest_steps_are_those_of_a_run_without_a_path(engine: str) -> None:
    """The same counters: a path with as many steps as the run changes nothing."""
    for landscape, w0 in ((WELL, 0.3), (PLANE, [0.3, -0.2])):
        path = BrownianPath(landscape.noise_dimension, time=1.0, steps=32, seed=9)
        with_path, without = (
            integrate(landscape, w0, 1.0, 32, 5, seed=9, brownian=brownian, engine=engine).final
            for brownian in (path, None)
        )
        np.testing.assert_allclose(with_path, without, rtol=1e-12)


def test_integrals_of_coarse_steps_have_their_law() -> None:
    """From fine steps by Chen's relation: z, y independent standard normals; Var a = 1/4 for a unit step; at 4.5σ."""
    paths = 40_000
    path = BrownianPath(2, time=1.0, steps=16, seed=1)
    z0, z1, y0, y1, area = path.source(1, paths, ["z", "y", "area"]).rows(0, 1, 0, paths)[0]
    normals = np.stack([z0, z1, y0, y1])
    products = normals[:, None] * normals[None]
    assert (np.abs(products.mean(-1) - np.eye(4)) < 4.5 * products.std(-1) / math.sqrt(paths)).all()
    for value, expected in ((area, 0.0), (area**2, 0.25), (area**2 * z0**2, 1 / 12 + 4 / 12), (area * z0 * z1, 0.0)):
        assert abs(value.mean() - expected) < 4.5 * value.std() / math.sqrt(paths)
    assert abs((area**2).std() / math.sqrt(paths) / 0.25) < 0.02  # so that a missing half of the area would be seen


def test_the_integral_over_a_coarse_step_is_that_of_the_path() -> None:
    """∫(W_s − W_0)ds and the area, from the polygon through a fine grid."""
    steps, paths = 4096, 50
    path = BrownianPath(2, time=1.0, steps=steps, seed=4)
    z0, _, y0, _, area = path.source(1, paths, ["z", "y", "area"]).rows(0, 1, 0, paths)[0]
    w = np.concatenate([np.zeros((1, paths, 2)), path.increments(steps, paths).cumsum(axis=0)])
    middle = (w[1:] + w[:-1]) / 2
    integral = middle.mean(axis=0)
    np.testing.assert_allclose((z0 + y0 / math.sqrt(3)) / 2, integral[:, 0], atol=6 / math.sqrt(12) / steps)
    swept = (middle[..., 0] * np.diff(w[..., 1], axis=0) - middle[..., 1] * np.diff(w[..., 0], axis=0)).sum(axis=0) / 2
    np.testing.assert_allclose(area, swept, atol=6 / math.sqrt(4 * steps))
    assert np.abs(area).max() > 20 / math.sqrt(4 * steps)


@pytest.mark.parametrize("engine", ENGINES)
def test_given_increments_are_followed(engine: str) -> None:
    increments = np.random.default_rng(0).standard_normal((6, 140, 2)) * math.sqrt(1 / 6)
    path = BrownianPath(2, time=1.0, steps=6, increments=increments)
    found = integrate(PLANE, [0.3, -0.2], 1.0, 6, 140, brownian=path, engine=engine, temperature=0.5).final
    w = np.tile([0.3, -0.2], (140, 1))
    for dw in increments:
        w = w - PLANE.gradient(w) / 6 + math.sqrt(0.5) * np.einsum("pij,pj->pi", PLANE.noise_factor(w), dw)
    np.testing.assert_allclose(found, w, rtol=1e-12)


def test_given_areas_are_chained() -> None:
    generator = np.random.default_rng(0)
    increments, areas = generator.standard_normal((2, 3, 2)), np.zeros((2, 3, 2, 2))
    areas[..., 0, 1] = generator.standard_normal((2, 3))
    areas[..., 1, 0] = -areas[..., 0, 1]
    path = BrownianPath(2, time=2.0, steps=2, increments=increments, areas=areas)
    fine = path.source(2, 3, ["area"]).rows(0, 2, 0, 3)[:, 0]
    np.testing.assert_allclose(fine, areas[..., 0, 1])
    first, second = increments
    swept = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2
    coarse = path.source(1, 3, ["area"]).rows(0, 1, 0, 3)[0, 0]  # of a unit step: half of that over time 2
    np.testing.assert_allclose(2 * coarse, areas[..., 0, 1].sum(axis=0) + swept)


def test_sde_in_updates_follows_a_path() -> None:
    config = SGDConfig(0.1, 4, 64, momentum=0.5)
    path = BrownianPath(1, time=10 * config.mean_loss_time_per_update, steps=80, seed=3)
    coarse, fine = (simulate_sde(WELL, config, 0.3, 10, 64, substeps=n, brownian=path).final for n in (4, 8))
    apart = simulate_sde(WELL, config, 0.3, 10, 64, substeps=8, seed=8).final
    assert np.abs(coarse - fine).mean() < 0.2 * np.abs(coarse - apart).mean()


@every(
    ("arguments", "message"),
    [
        ({"dimension": 0}, "dimension must be an integer of at least 1, got 0"),
        ({"steps": 2.5}, "steps must be an integer of at least 1, got 2.5"),
        ({"time": -1.0}, "time must be a positive finite number, got -1.0"),
        ({"time": 1e-170}, "time / steps must be between 1e-150 and 1e.150, so that its square .*, got 1.25e-171"),
        ({"time": 1e160}, "time / steps must be between .*, got 1.25e.159"),
        ({"steps": 2**60}, "steps must be at most 2..53 = 9007199254740992 steps, got 1152921504606846976"),
        (
            {"seed": 2**64},
            "seed must be an integer from 0 to 18446744073709551615, got 18446744073709551616",
        ),
        ({"seed": -1}, "seed must be an integer from 0 to 18446744073709551615, got -1"),
        ({"increments": np.zeros((4, 3, 2))}, r"increments must have shape \(8, paths, 2\), got \(4, 3, 2\)"),
        ({"increments": np.zeros((8, 3, 1))}, r"increments must have shape \(8, paths, 2\), got \(8, 3, 1\)"),
        ({"increments": np.full((8, 3, 2), np.nan)}, "increments must be finite; 48 of its values are not"),
        ({"increments": "text"}, "increments must be an array of real numbers, got 'text'"),
        ({"areas": np.zeros((8, 3, 2, 2))}, "areas go with increments; none were given"),
        (
            {"increments": np.zeros((8, 3, 2)), "areas": np.zeros((8, 4, 2, 2))},
            r"areas must have shape \(8, 3, 2, 2\), got \(8, 4, 2, 2\)",
        ),
        ({"area_method": "guess"}, "must be one of .*mrongowius_roessler.*, got 'guess'"),
    ],
)
def test_bad_paths(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BrownianPath(**{"dimension": 2, "time": 1.0, "steps": 8, **arguments})


@every(
    ("path", "message"),
    [
        (BrownianPath(1, 1.0, 8), "brownian has 1 components; the noise of this landscape has 2"),
        (BrownianPath(2, 1.0, 12), "steps must divide the 12 steps of brownian, got 8"),
        (BrownianPath(2, 2.0, 8), "brownian lasts 2; the run lasts 1 in the clock of its equation"),
        (BrownianPath(2, 1.0, 8, increments=np.zeros((8, 3, 2))), "paths must be at most 3, .*; got 5"),
        (np.zeros((8, 5, 2)), "brownian must be a BrownianPath, got "),
    ],
)
def test_paths_that_do_not_fit_a_run(path: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        integrate(PLANE, [0.0, 0.0], 1.0, 8, 5, brownian=path)  # type: ignore[arg-type]


@pytest.mark.parametrize("paths", [0, 2**32, 1.5])
def test_paths_have_numbers_of_32_bits(paths: object) -> None:
    with pytest.raises(ValueError, match=f"paths must be an integer from 1 to {2**32 - 1}, got {paths}"):
        BrownianPath(1, 1.0, 8).increments(8, paths)  # type: ignore[arg-type]


def test_times_off_the_grid() -> None:
    with pytest.raises(ValueError, match=r"begin and end must be multiples of 0\.125 from 0 to 1, got 0\.3"):
        BrownianPath(1, 1.0, 8).between(0.0, 0.3, 2)


@pytest.mark.parametrize("keep", [False, True])
def test_a_table_is_the_same_for_any_lanes_and_however_it_is_made(keep: bool, monkeypatch) -> None:
    """Numbers of paths that each begin at a step of their own, and those made of few fine steps at a time."""
    draws = ["z", "y", "area"]
    source = BrownianPath(2, 1.0, 120, seed=6, keep=keep).source(40, 400, draws)
    whole = source.rows(0, 40, 0, 400)
    monkeypatch.setattr(brownian, "_AT_A_TIME", 1)
    np.testing.assert_array_equal(source.rows(3, 17, 100, 300), whole[3:17, :, 100:300])
    rng = np.random.default_rng(0)
    first, paths = 4 * rng.integers(0, 7, LANES), rng.permutation(400)[:LANES]
    found = source.lanes(first, 12, paths)
    for lane, (step, path) in enumerate(zip(first, paths, strict=True)):
        np.testing.assert_allclose(found[:, :, lane], whole[step : step + 12, :, path], rtol=1e-14, atol=1e-14)
    assert np.isfinite(source.lanes(np.full(LANES, 36), 12, paths)).all()


def test_coarse_steps_are_made_of_few_fine_ones_at_a_time() -> None:
    """2²⁵ fine numbers, 256 MiB; each part of 2²² of them is copied a few times."""
    source = BrownianPath(1, 1.0, 2**18, seed=6).source(64, 128, ["z"])
    tracemalloc.start()
    source.rows(0, 64, 0, 128)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * 2**25
