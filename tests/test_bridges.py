"""Several boundaries, one path: crossings inside a step against exact laws, at steps as wide as the region."""

import functools

import numpy as np
import pytest
from scipy.stats import norm

import sgdsde as sg
from sgdsde.ensemble import DivergenceWarning
from sgdsde.exits import CensoredWarning
from sgdsde.schemes import walls

BOWL, CONFIG = sg.Landscape("x**2/2", "x"), sg.SGDConfig(0.1, 4, 64)
LINE, PLANE = sg.Landscape("0*x", "x", {"left": 0.0, "right": 0.0}), sg.Landscape("0*x + 0*y", "x y")
WALL = "x > 0.25"
#: The same wall, in as many ways as there are.
SAME = {
    "two regions": {"one": WALL, "other": WALL},
    "four alternatives": "2*x > 0.5 or x > 0.25 or 4*x > 1 or 3*x > 0.75",
    "nested": {"near": WALL, "far": "x > 0.26"},
    "nested, the far one first": {"far": "x > 0.26", "near": WALL},
    "by a parameter": {"far": "x > b", "near": "x > a"},
}


def ends(stop, **options):
    landscape, config = sg.Landscape("x**2/2", "x", {"a": 0.25, "b": 0.26}), sg.SGDConfig(0.1, 1, 64)
    return sg.simulate_sde(landscape, config, 0.0, 3000, 500, substeps=2, stop=stop, engine="numpy", **options).exits


@functools.cache
def ends_at_one_wall():
    return ends(WALL)


@pytest.mark.parametrize("stop", SAME.values(), ids=SAME)
def test_parallel_walls_share_one_crossing(stop):
    """However often a wall is named, and whatever is behind it, each path ends when it did with one."""
    one, found = ends_at_one_wall(), ends(stop)
    np.testing.assert_array_equal(found.update, one.update)
    assert set(found.crossings) == {"exact"}
    if isinstance(stop, dict):  # the nearer wall, or the one listed first
        first = next((place for place, name in enumerate(stop) if name == "near"), 0)
        assert (found.region == first).all()


@pytest.mark.parametrize("order", [("near", "far"), ("far", "near")])
@pytest.mark.parametrize("options", [{}, {"sampling": "reshuffle"}, {"bridge": False}], ids=str)
def test_the_region_that_a_path_came_to_first(order, options):
    """Steps as wide as what is between the walls: many land behind both, and whoever is listed first, near is first."""
    where = {"near": "x > 0.25", "far": "x > 0.26"}
    stop = {name: where[name] for name in order}
    if "bridge" in options:
        run = sg.simulate_sde(
            BOWL, sg.SGDConfig(0.4, 1, 64), 0.0, 3000, 200, substeps=1, stop=stop, engine="numpy", **options
        )
    else:
        run = sg.simulate_sgd(
            BOWL, sg.SGDConfig(0.4, 1, 64, **options), 0.0, 3000, 200, stop=stop, engine="numpy"
        )  # fmt: skip
    assert run.exits.ended.all()
    assert (run.exits.point > 0.26).mean() > 0.5
    assert (run.exits.region == order.index("near")).all()


def test_a_path_that_jumps_into_a_corner_came_to_the_nearer_edge_first():
    """From the origin to (2, 3), through x = 1 after a half and y = 1 after a third of the step."""
    jump = sg.Landscape("-2*x - 3*y", "x y", noise_covariance=0)
    stop = {"right": "x > 1", "up": "y > 1", "corner": "x > 1 and y > 1", "disc": "x**2 + y**2 > 1.1"}
    for names in (list(stop), list(stop)[::-1]):
        exits = sg.simulate_sgd(
            jump, sg.SGDConfig(1.0, 1, 64), [0.0, 0.0], 1, 3, stop={name: stop[name] for name in names}, engine="numpy"
        ).exits  # fmt: skip
        # The margin of the disc goes from -1.1 to 11.9: by its straight line it is entered first.
        assert [names[region] for region in exits.region] == ["disc"] * 3
    exits = sg.simulate_sgd(
        jump, sg.SGDConfig(1.0, 1, 64), [0.0, 0.0], 1, 3, stop={name: stop[name] for name in names[1:]}, engine="numpy"
    ).exits  # fmt: skip
    assert [names[1:][region] for region in exits.region] == ["up"] * 3


def still_between(width, start, variance, steps):
    """Probability that a Brownian path is between 0 and a width after 1, 2, … steps of this variance, by its series."""
    n, k = np.arange(1, 400)[:, None], np.arange(1, steps + 1)
    modes = 2 / (n * np.pi) * (1 - (-1.0) ** n) * np.sin(n * np.pi * start / width)
    return (modes * np.exp(-((n * np.pi / width) ** 2) * variance * k / 2)).sum(axis=0)


def check(found, exact, error, most=0.005):
    assert error <= most * exact
    assert abs(found - exact) < 4 * error, (found / exact, (found - exact) / error)


@pytest.mark.parametrize(("width", "start"), [(1.0, 0.5), (0.6, 0.1), (0.4, 0.1)])
def test_the_two_sides_of_an_interval(width, start):
    """Steps of 0.32, up to four fifths of the interval: times of the steps' ends, and sides, of Brownian motion.

    With an independent number for each side the narrowest would be left 3 % too late.
    """
    stop = {"right": "x > right", "left": "x < left"}
    exits = sg.integrate(
        LINE.with_parameters(left=-start, right=width - start), 0.0, 20.0, 200, 200_000, stop=stop, seed=2
    ).exits
    assert exits.crossings == ("exact", "exact")
    time = exits.mean_time(method="sample_mean")
    check(time.mean, 1 + still_between(width, start, 0.1, 400).sum(), time.standard_error)
    right = float((exits.region == 0).mean())
    check(right, start / width, np.sqrt(right * (1 - right) / 200_000), most=0.01)


def test_walls_that_noise_crosses_independently():
    """The sides of a rectangle, isotropic noise: the path is in it when both coordinates are."""
    stop = "x > 0.5 or x < -0.5 or y > 0.4 or y < -0.2"
    time = sg.integrate(PLANE, [0.0, 0.0], 20.0, 200, 200_000, stop=stop, seed=3).exits.mean_time()
    exact = 1 + (still_between(1.0, 0.5, 0.1, 400) * still_between(0.6, 0.2, 0.1, 400)).sum()
    check(time.mean, exact, time.standard_error)


@pytest.mark.parametrize("start", [(0.0, 1 / 3), (0.0, 0.6), (0.2, 0.2)], ids=str)
def test_wedges_of_60_degrees(start):
    """An equilateral triangle of height 1, where E τ = 2 d₁ d₂ d₃ of the distances from its sides, at unit noise.

    ∆(d₁ d₂ d₃) = −(d₁ + d₂ + d₃) = −1, for normals at 120° have products of −½. Ends of steps are half a step late.
    """
    x, y = start
    root, dt = np.sqrt(3) / 2, 0.005
    distances = np.array([y, 0.5 - root * x - y / 2, 0.5 + root * x - y / 2])
    stop = {"low": "y < 0", "right": f"{root}*x + y/2 > 1/2", "left": f"-{root}*x + y/2 > 1/2"}
    exits = sg.integrate(PLANE, start, 3.0, 600, 160_000, stop=stop, seed=3).exits
    assert exits.crossings == ("approximate",) * 3
    time = exits.mean_time(method="sample_mean")
    check((time.mean - 0.5) * dt, 2 * distances.prod(), time.standard_error * dt)


def test_a_ring_of_many_walls():
    """16 half-planes round a disc, at steps of half its radius, of which several walls are within reach.

    The reference divides each step in 32 and asks the same walls there, where they matter one by one. With independent
    numbers the mean would be 12 % too short, with the likeliest wall alone 5 % too long; 4 % would be seen.
    """
    angles = 2 * np.pi * np.arange(16) / 16
    normals = np.stack([np.cos(angles), np.sin(angles)])
    stop = " or ".join(f"({x:.12f})*x + ({y:.12f})*y > 0.3" for x, y in normals.T)
    coarse = sg.integrate(PLANE, [0.0, 0.0], 9.0, 400, 20_000, stop=stop, engine="numpy", seed=4).exits
    found = coarse.mean_time(method="sample_mean")
    inner, paths, random = 32, 20_000, np.random.default_rng(5)
    time, where, at, step = np.zeros(paths), np.zeros((paths, 2)), np.arange(paths), np.sqrt(9.0 / 400 / inner)
    for k in range(1, 40 * inner):
        new = where + step * random.standard_normal(where.shape)
        short, after = 0.3 - where @ normals, 0.3 - new @ normals
        crossed = np.exp(-2 * short * np.maximum(after, 0) / step**2).max(axis=1)
        out = random.random(len(at)) < crossed
        time[at[out]] = -(-k // inner)
        where, at = new[~out], at[~out]
        if not len(at):
            break
    error = np.hypot(found.standard_error, time.std() / np.sqrt(paths))
    check(found.mean, time.mean(), error, most=0.01)


@pytest.mark.networks
@pytest.mark.parametrize(
    ("factor", "stop"),
    [
        ([["1", "0"], ["x/2", "1/2"]], {"east": "x + y > a", "south": "x - 2*y > 0.9", "west": "3*x < -2 or y > a"}),
        ([["1"], ["-1/2"]], {"sides": "s*x > a or x > 0.9", "top": "y > 0.4 or x > 0.3 and y < 0.2"}),  # one noise
    ],
    ids=["oblique", "one noise"],
)
def test_engines_agree_about_walls_of_several_directions(factor, stop):
    valley = sg.Landscape("x**2/2 + y**2", "x y", {"a": 0.8, "s": -1.5}, noise_factor=factor)

    def run(engine):
        return sg.integrate(valley, [0.0, 0.0], 20.0, 1000, 300, temperature=0.3, stop=stop, engine=engine).exits

    judge = run("numpy")
    assert len(set(judge.region.tolist()) - {-1}) > 1
    for engine in ("torch", "numba") if len(stop) == 3 else ("torch",):
        found = run(engine)
        np.testing.assert_array_equal(found.update, judge.update)
        np.testing.assert_array_equal(found.region, judge.region)


def test_the_normal_tail():
    import sympy as sp

    x = sp.Symbol("x", real=True)
    at = np.linspace(-8, 8, 4001)
    found = sp.lambdify(x, walls._tail(x), "numpy")(at)
    np.testing.assert_allclose(found, norm.sf(at), rtol=1e-7)


@pytest.mark.parametrize("engine", ["numpy", "torch", "numba"])
@pytest.mark.parametrize("stop", ["0 > 1 or x > 0.4", {"never": "a > 2", "out": "x - x > 1 or x > 0.4"}], ids=str)
def test_conditions_without_a_variable(engine, stop):
    landscape = sg.Landscape("x**2/2", "x", {"a": 1.0})

    def run(stop, landscape=landscape):
        return sg.integrate(landscape, 0.0, 10.0, 500, 100, temperature=0.3, stop=stop, engine=engine).exits

    np.testing.assert_array_equal(run(stop).update, run("x > 0.4").update)
    with pytest.raises(
        ValueError, match=r"w0 must be outside of the regions of stop; \[0.0\] is in 'out', where a > 2"
    ):
        run("a > 2", landscape.with_parameters(a=3.0))


@pytest.mark.parametrize(
    "engine", ["numpy", "torch", pytest.param("numba", marks=pytest.mark.slow("three kernels and a long wait"))]
)
def test_an_undefined_condition_hides_no_other(engine):
    """√x has no value for half of the paths; those above y = 0.3 end all the same, on every engine."""
    stop = "sqrt(x) > 5 or y > 0.3"
    run = sg.integrate(PLANE, [-1.0, 0.0], 2.0, 200, 50, temperature=0.5, stop=stop, bridge=False, engine=engine)
    alone = sg.integrate(PLANE, [-1.0, 0.0], 2.0, 200, 50, temperature=0.5, stop="y > 0.3", bridge=False, engine=engine)
    np.testing.assert_array_equal(run.exits.update, alone.exits.update)


CLIFF = sg.Landscape("-x**4", "x")


@pytest.mark.parametrize("engine", ["numpy", "torch", "numba"])
@pytest.mark.parametrize("stop", [None, {"left": "x < -1"}], ids=["to the end", "with a region"])
def test_a_run_is_over_when_no_path_is_left(engine, stop):
    """All leave the finite numbers within some hundred updates of a run that would take days."""
    said = []
    with pytest.warns(DivergenceWarning, match="20 of 20 paths"):
        run = sg.simulate_sgd(
            CLIFF, sg.SGDConfig(0.1, 4, 64), 2.0, 10**9, 20, stop=stop, engine=engine, save_every=10**8,
            progress=said.append,
        )  # fmt: skip
    assert run.diverged == 20
    assert np.isnan(run.snapshots[1:]).all()
    assert said[-1] == 1.0


@pytest.mark.parametrize("engine", ["numpy", "torch", "numba"])
def test_a_run_is_over_when_all_paths_have_ended(engine):
    run = sg.simulate_sgd(BOWL, sg.SGDConfig(0.4, 1, 64), 0.0, 10**9, 20, stop=WALL, engine=engine)
    assert run.exits.ended.all()


@pytest.mark.filterwarnings("ignore::sgdsde.ensemble.DivergenceWarning")
@pytest.mark.filterwarnings("ignore::sgdsde.simulate.StabilityWarning")
def test_paths_that_diverged_are_not_still_inside(recwarn):
    run = sg.simulate_sgd(CLIFF, CONFIG, 2.0, 40, 20, stop="x < -1", engine="numpy")
    exits = run.exits
    assert exits.diverged.all()
    assert exits.censored == 0
    assert repr(exits) == "<Exits: 0 in 'out', 0 censored after 40 updates, 20 diverged>"
    assert np.isnan(exits.update).all()
    assert not [warning for warning in recwarn if warning.category is CensoredWarning]


@pytest.mark.filterwarnings("ignore::sgdsde.ensemble.DivergenceWarning")
def test_some_diverged_and_some_are_still_inside():
    start = np.repeat([[0.0], [3.0]], [12, 8], axis=0)
    hill = sg.Landscape("x**2/2 - x**4/8", "x", noise_covariance=1e-4)
    with pytest.warns(CensoredWarning) as caught:
        exits = sg.simulate_sgd(hill, CONFIG, start, 100, 20, stop="x < -1", engine="numpy").exits
    assert (exits.censored, exits.diverged.sum()) == (12, 8)
    said = "none of 20 paths reached out within 100 updates; 8 diverged, so that nothing is known of the mean time"
    assert str(caught[0].message) == said


def test_trials_that_diverge_are_told_and_not_waited_for():
    """A path that runs away to minus infinity has fallen below no floor."""
    slope = sg.Landscape("x**2/2 + x**3/6", "x", noise_covariance=20.0)
    with pytest.raises(ValueError, match="paths left the finite numbers"):
        sg.rare_exit_time(slope, CONFIG, 0.0, "x > 1.6", trials=64, dynamics="sgd", seed=1)
