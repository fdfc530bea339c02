"""Paths end in regions: the same ends by every engine, against exact times, and what does not fit is refused."""

import numpy as np
import pytest
from engine_landscapes import BOWL
from scipy.integrate import quad

import sgdsde as sg
from sgdsde.engines import numba_exits
from sgdsde.engines.lanes import LANES
from sgdsde.exits import CensoredWarning

WELL = sg.Landscape("x**4/4 - x**2/2", "x", noise_covariance="1 + x**2/2")
ENDS = {"left": "x < -0.5", "right": "x > 0.5"}


def same(run, **options):
    """The numba engine's ensemble, after a look at whether the others' paths end at the same steps and places."""
    found = run(engine="numba", **options)
    for engine in ("numpy", "torch"):
        other = run(engine=engine, **options)
        np.testing.assert_array_equal(found.exits.update, other.exits.update)
        np.testing.assert_array_equal(found.exits.region, other.exits.region)
        for name in ("final", "snapshots"):
            np.testing.assert_allclose(getattr(found, name), getattr(other, name), atol=1e-10)
        np.testing.assert_allclose(found.exits.point, other.exits.point, atol=1e-10)
    return found


@pytest.mark.networks
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"scheme": "baoab"},
        {"bridge": False},
        {"save_every": 20},
        {"scheme": "heun"},
        {"scheme": "weak_euler"},
    ],
    ids=str,
)
def test_engines_agree_about_the_sde(options):
    def run(**more):
        return sg.integrate(WELL, -1.0, 10.0, 400, 300, temperature=0.2, seed=3, **more)

    found = same(run, stop={"over": "x > 0", "far": "x < -1.6"}, **options)
    follows = options.get("scheme") not in ("baoab", "weak_euler")  # Brownian motion, in ω alone
    assert found.exits.crossings == ("exact" if options.get("bridge", True) and follows else "unseen",) * 2
    assert (found.exits.region == 0).any()
    assert (found.exits.region == 1).any()
    assert 0 < found.exits.censored < 300
    ended = found.exits.ended
    assert (found.exits.update[ended] < 400).any()
    assert (found.exits.update[~ended] == 400).all()
    assert np.isnan(found.exits.point[~ended]).all()
    if "save_every" in options:  # paths are there until they end, and not after
        there = np.isfinite(found.snapshots[..., 0])
        np.testing.assert_array_equal(there, 20 * np.arange(21)[:, None] < found.exits.update + 20 * ~ended)


@pytest.mark.networks
@pytest.mark.parametrize(
    ("sampling", "batch", "momentum"),
    [
        ("without_replacement", 8, 0.9),
        ("without_replacement", 2, 0.5),
        ("with_replacement", 16, 0.9),
        ("with_replacement", 2, 0.5),
        ("reshuffle", 8, 0.9),
        ("reshuffle", 1, 0.0),
    ],
)
def test_engines_agree_about_sgd(sampling, batch, momentum):
    config = sg.SGDConfig(0.3, batch, 64, momentum, sampling)

    def run(**options):
        return sg.simulate_sgd(BOWL, config, 0.0, 200, 200, stop=ENDS, **options)

    assert same(run).exits.ended.any()


@pytest.mark.networks
@pytest.mark.parametrize(
    "config",
    [
        sg.SGDConfig(0.3, 7, 64, 0.5, "shuffle_once", drop_last=True),  # lanes take other paths after epochs of 9
        sg.SGDConfig(0.3, 1, 30, 0.5, "shuffle_once"),
        sg.SGDConfig(0.3, 7, 64, 0.5, "shuffle_once"),
        sg.SGDConfig(0.3, 7, 64, 0.5, "reshuffle", drop_last=True),
    ],
)
def test_engines_agree_about_permutations(config):
    def run(**options):
        return sg.simulate_sgd(BOWL, config, 0.0, 100, 200, stop=ENDS, **options)

    assert same(run).exits.ended.any()


@pytest.mark.networks
def test_engines_agree_about_batches_whose_repeats_are_rare():
    """Two lanes at a time, each at a step and of a path of its own."""
    config = sg.SGDConfig(0.7, 20, 1400, 0.5)

    def run(**options):
        return sg.simulate_sgd(BOWL, config, 0.0, 60, 300, stop="x > 0.35 or x < -0.35", **options)

    assert 150 < same(run).exits.ended.sum() < 300


@pytest.mark.networks
@pytest.mark.parametrize(
    "options",
    [
        {"dynamics": "svag", "substeps": 4},
        {"learning_rates": np.linspace(0.4, 0.1, 200)},
        {"batch_sizes": np.arange(200) // 50 + 1},
    ],
    ids=lambda options: next(iter(options)),
)
def test_engines_agree_about_schedules_and_svag(options):
    def run(**more):
        return sg.simulate_sgd(BOWL, sg.SGDConfig(0.3, 2, 64), 0.0, 200, 200, stop=ENDS, **options, **more)

    assert same(run).exits.ended.any()


@pytest.mark.networks
def test_two_variables_and_curved_regions():
    valley = sg.Landscape("x**2/2 + y**2", "x y", noise_factor=[["1", "0"], ["x/2", "1/2"]])

    def run(**options):
        stop = {"disc": "(x - 1)**2 + y**2 < a", "strip": "y > 0.6 and x > -0.5 or x < -1"}
        landscape = sg.Landscape(valley.text, "x y", {"a": 0.25}, noise_factor=[["1", "0"], ["x/2", "1/2"]])
        return sg.integrate(landscape, [0.0, 0.0], 20.0, 500, 300, temperature=0.3, stop=stop, **options)

    found = same(run)
    assert found.exits.crossings == ("unseen", "unseen")
    for region in (0, 1):
        assert (found.exits.region == region).any()
    disc = found.exits.point[found.exits.region == 0]
    assert ((disc[:, 0] - 1) ** 2 + disc[:, 1] ** 2 < 0.25).all()


@pytest.mark.networks
def test_calls_are_as_short_as_a_group_of_draws_where_steps_are_slow(monkeypatch):
    """Also in the middle of an epoch, of 100 updates; so Ctrl-C is not waited for."""
    budgets, load = set(), numba_exits.load

    def watching(*arguments):
        call = load(*arguments)

        def watched(*numbers):
            budgets.add(numbers[1])
            call(*numbers)

        return watched

    def run(**options):
        config = sg.SGDConfig(0.3, 2, 200, 0.5, "reshuffle")
        return sg.simulate_sgd(BOWL, config, 0.0, 230, 200, stop=ENDS, **options)

    monkeypatch.setattr(numba_exits, "load", watching)
    monkeypatch.setattr(numba_exits, "_SECONDS_PER_CALL", 1e-12)
    same(run)
    assert budgets == {2}  # two steps share a draw of four words


@pytest.mark.networks
@pytest.mark.parametrize("keep", [False, True])
def test_paths_that_end_share_a_brownian_path(keep, monkeypatch):
    """Lanes take other paths, each from its own start on, in calls of all lengths; 4 fine steps to a step."""
    monkeypatch.setattr(numba_exits, "available_cores", lambda: 2)
    monkeypatch.setattr(numba_exits, "_GIVEN", 8 * LANES)
    path = sg.BrownianPath(1, 10.0, 601 * 4, seed=4, keep=keep)

    def run(**options):
        return sg.integrate(
            WELL, -0.6, 10.0, 601, 300, temperature=0.3, stop={"over": "x > 0", "far": "x < -1.5"}, brownian=path,
            save_every=75, **options,
        )  # fmt: skip

    found = same(run)
    assert (found.exits.region == 0).sum() > 40
    assert (found.exits.region == 1).sum() > 40
    assert found.exits.censored > 0


@pytest.mark.networks
@pytest.mark.parametrize("scheme", ["taylor_15", "milstein_levy"])
def test_all_that_a_brownian_path_gives_drives_paths_that_end(scheme):
    """∫W ds and Lévy areas of increments that were handed in, of two Brownian motions."""
    rng = np.random.default_rng(0)
    swing = sg.Landscape("x**2/2 + y**2/2", "x y", noise_factor=[["1", "y/2"], ["x/2", "1"]])
    landscape, k = (
        (swing, 2) if scheme == "milstein_levy" else (sg.Landscape("x**2/2", "x", noise_covariance="1 + x**2/4"), 1)
    )
    path = sg.BrownianPath(k, 2.0, 60, increments=rng.normal(0, np.sqrt(2 / 60), (60, 200, k)))

    def run(**options):
        return sg.integrate(
            landscape, np.zeros(k), 2.0, 30, 200, temperature=0.4, stop=ENDS, scheme=scheme, brownian=path, **options
        )

    found = same(run)
    assert found.exits.ended.sum() > 50


@pytest.mark.networks
def test_paths_that_end_share_a_brownian_path_under_a_schedule(monkeypatch):
    """Where temperatures change with the update all lanes begin together, and calls end in the middle."""
    monkeypatch.setattr(numba_exits, "_GIVEN", 8 * LANES)
    path, sizes = sg.BrownianPath(1, 10.0, 100), np.arange(100) // 10 + 1

    def run(**options):
        config = sg.SGDConfig(0.1, 2, 64)
        return sg.simulate_sde(
            BOWL, config, 0.0, 100, 300, stop="x > 0.3 or x < -0.3", brownian=path, batch_sizes=sizes, substeps=1,
            **options,
        )  # fmt: skip

    assert 100 < same(run).exits.ended.sum() < 300


def test_a_path_ends_the_same_in_any_company():
    many, few = (sg.integrate(WELL, -1.0, 20.0, 2000, n, temperature=0.2, stop="x > 0") for n in (1000, 130))
    np.testing.assert_array_equal(many.exits.update[:130], few.exits.update)
    np.testing.assert_array_equal(many.final[:130], few.final)


def test_mean_exit_time_is_that_of_the_quadrature():
    """τ = 2∫ e^{I(y)} ∫ e^{−I(z)}/(T F(z)) dz dy from −1 through 0; without bridges they are found out too late."""
    temperature, dt, paths = 0.2, 0.01, 40_000

    def exponent(x):  # ∫ 2L'/(TF), L' = x³ − x, F = 1 + x²/2
        return (2 / temperature) * (x**2 - 3 * np.log(1 + x**2 / 2))

    def inner(y):
        return quad(lambda z: np.exp(exponent(y) - exponent(z)) / (temperature * (1 + z**2 / 2)), -6, y, points=[-1])[0]

    exact = 2 * quad(inner, -1, 0, limit=200)[0]
    z = {}
    for bridge in (True, False):
        exits = sg.integrate(
            WELL, -1.0, 300.0, round(300 / dt), paths, temperature=temperature, stop="x > 0", bridge=bridge, seed=5
        ).exits
        assert exits.censored == 0
        times = exits.update * dt
        z[bridge] = (times.mean() - exact) / (times.std() / np.sqrt(paths))
    assert abs(z[True]) < 4
    assert z[False] > 6


@pytest.mark.networks
@pytest.mark.filterwarnings("ignore::sgdsde.ensemble.DivergenceWarning")  # some leave to the other side
def test_a_path_that_explodes_after_its_end_has_ended():
    """Steps are taken several at a time: those after the end may leave the finite numbers, and do not count."""
    cliff = sg.Landscape("-exp(x**2) + cos(x)", "x")

    def run(**options):
        return sg.integrate(cliff, 0.5, 40.0, 40, 200, temperature=0.5, stop="x > 2", bridge=False, **options)

    assert same(run).exits.ended.sum() > 150


def test_a_region_that_is_not_reached_is_said():
    with pytest.warns(CensoredWarning, match="none of 50 paths reached out within 100 updates; the mean time"):
        found = sg.integrate(BOWL, 0.0, 1.0, 100, 50, temperature=0.01, stop="x > 5")
    assert found.exits.censored == 50
    assert repr(found.exits) == "<Exits: 0 in 'out', 50 censored after 100 updates>"


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"w0 must be outside of the regions of stop; \[0.5\] is in 'out'"):
        sg.integrate(WELL, 0.5, 1.0, 10, 5, stop="x > 0")
    with pytest.raises(ValueError, match="z is not a known name"):
        sg.integrate(WELL, -0.5, 1.0, 10, 5, stop="z > 0")
    with pytest.raises(ValueError, match="bridge must be True or False, got 'yes'"):
        sg.integrate(WELL, -0.5, 1.0, 10, 5, stop="x > 0", bridge="yes")
    path = sg.BrownianPath(1, 1.0, 10)
    with pytest.raises(ValueError, match="brownian lasts 1; the run lasts 2"):
        sg.integrate(WELL, -0.5, 2.0, 10, 5, stop="x > 0", brownian=path)


def test_the_ensemble_tells_who_is_still_inside():
    run = sg.integrate(WELL, -0.2, 1.0, 100, 50, stop={"over": "x > 0", "far": "x < -2"})
    inside = ~run.exits.ended
    assert 0 < inside.sum() < 50
    np.testing.assert_array_equal(np.isnan(run.exit_update), inside)
    np.testing.assert_array_equal(run.exit_region < 0, inside)
    np.testing.assert_array_equal(np.isnan(run.exit_point[:, 0]), inside)
    with pytest.raises(ValueError, match="it was made without stop"):
        sg.integrate(WELL, -0.2, 1.0, 10, 5).exit_update  # noqa: B018


def test_the_table_holds_the_ends():
    data = sg.integrate(WELL, -0.2, 5.0, 500, 50, stop="x > 0").to_xarray()
    assert data.exit_update.shape == data.exit_region.shape == (50,)
    assert data.exit_point.shape == (50, 1)
    assert data.attrs["stop"] == '{"out": "x > 0"}'
