"""Epoched Brownian motion: the covariances of its increments, the engines that make them, and what is refused."""

import functools
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm
from tables import every

import sgdsde as sg
from sgdsde.drivers import DRIVERS, bridge_numbers, driver_of, temperature

SHUFFLED = sg.SGDConfig(0.1, 4, 16, sampling="reshuffle")
FLAT = sg.Landscape("a*x", "x", {"a": 0.0})
SIZES = np.array([2, 6, 4, 4, 8, 4, 4])  # epochs of 16
ENGINES = ("numba", "torch", "numpy")


def increments(numbers, z):
    """ΔX of the bridge in share² of an epoch, (steps, …), from standard normals."""
    x, found = np.zeros(z.shape[1:]), []
    for keep, pull, share, each in zip(*(numbers[name] for name in ("keep", "pull", "share")), z, strict=True):
        found.append(share * (keep * each - pull * x))
        x = x + found[-1]
    return np.array(found)


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("sizes", [np.full(8, 4), SIZES[:5]], ids=["equal", "unequal"])
def test_increments_have_the_covariance_of_bridges(sizes, steps):
    """Exactly, as linear maps of the normals: f_i δ_ij − f_i f_j inside an epoch of f, none between epochs."""
    numbers = bridge_numbers(16, sizes, steps)
    moved = increments(numbers, np.eye(len(sizes) * steps))
    f = np.repeat(sizes / 16 / steps, steps)
    epoch = np.repeat((np.cumsum(sizes) - 1) // 16, steps)
    exact = np.diag(f) - np.outer(f, f) * (epoch[:, None] == epoch)
    np.testing.assert_allclose(moved @ moved.T, exact, rtol=0, atol=1e-15)
    for each in range(epoch[-1]):
        assert np.abs(moved[epoch == each].sum(axis=0)).max() < 1e-15


def test_an_epoch_ends_exactly_where_numbers_are_large():
    numbers = bridge_numbers(2**60, np.array([2**58, 3 * 2**58]), 7)
    assert numbers["keep"][-1] == 0
    assert numbers["pull"][-1] * numbers["share"][-1] == pytest.approx(1, rel=1e-15)


def batch_noise(run, rates):
    """(updates, paths): the mean noise of each batch on a flat landscape."""
    return -np.diff(run.snapshots[:, :, 0], axis=0) / np.asarray(rates)[:, None]


def between(sizes):
    """Cov(ξ_i, ξ_j) of reshuffled batches, F = 1: δ_ij/B_i − 1/N."""
    epoch = (np.cumsum(sizes) - 1) // 16
    return np.diag(1 / np.asarray(sizes)) - (epoch[:, None] == epoch) / 16


RUNS = {
    "noisy_gd": lambda **options: sg.simulate_sgd(FLAT, SHUFFLED, 0.0, 7, dynamics="noisy_gd", **options),
    "sde": lambda **options: sg.simulate_sde(FLAT, SHUFFLED, 0.0, 7, substeps=1, **options),
    "sde in 3 steps": lambda **options: sg.simulate_sde(FLAT, SHUFFLED, 0.0, 7, substeps=3, **options),
    "sgd": lambda driver, **options: sg.simulate_sgd(FLAT, SHUFFLED, 0.0, 7, **options),
}


@pytest.mark.parametrize("schedules", [False, True])
@pytest.mark.parametrize("name", RUNS)
def test_the_noise_of_batches_has_the_covariance_of_reshuffled_ones(name, schedules):
    """All 28 entries within 4.3 standard errors, which is 1e-4 for all; Brownian motion does not pass."""
    rates, sizes = (np.linspace(0.2, 0.05, 7), SIZES) if schedules else (np.full(7, 0.1), np.full(7, 4))
    options = {"learning_rates": rates, "batch_sizes": sizes} if schedules else {}
    paths, upper, exact = 40_000, np.triu_indices(7), between(sizes)
    found = {}
    for driver in DRIVERS:
        run = RUNS[name](paths=paths, seed=11, save_every=1, driver=driver, **options)
        xi = batch_noise(run, rates)
        found[driver] = (xi @ xi.T / paths)[upper]
        if driver == "epoched":
            ends = np.cumsum(sizes)
            whole = xi[: np.searchsorted(ends, 16) + 1] * sizes[: np.searchsorted(ends, 16) + 1, None]
            assert np.abs(whole.sum(axis=0)).max() < 1e-12
    variance = np.diag(exact)
    bar = norm.isf(1e-4 / 2 / 28) * np.sqrt((np.outer(variance, variance) + exact**2)[upper] / paths)
    assert (np.abs(found["epoched"] - exact[upper]) < bar).all()
    if name != "sgd":
        assert (np.abs(found["brownian"] - exact[upper]) > bar).any()


WELL = sg.Landscape("x**4/4 - a*x**2/2", "x", {"a": 1.0}, noise_covariance="1 + x**2/2")
TWO = sg.Landscape("x**2/2 + (y - x**2/2)**2", "x y", noise_covariance=[["1 + y**2/9", "0.3"], ["0.3", "1"]])
AGREE = {
    "plain": lambda **o: sg.simulate_sde(WELL, SHUFFLED, 0.3, 90, substeps=1, **o),
    "substeps": lambda **o: sg.simulate_sde(TWO, SHUFFLED, [0.3, 0.1], 50, substeps=3, **o),
    "areas": lambda **o: sg.simulate_sde(TWO, SHUFFLED, [0.3, 0.1], 20, scheme="milstein_levy", substeps=2, **o),
    "momentum": lambda **o: sg.simulate_sde(TWO, replace(SHUFFLED, momentum=0.6), [0.3, 0], 50, scheme="obabo", **o),
    "schedules": lambda **o: sg.simulate_sde(
        WELL,
        SHUFFLED,
        0.3,
        70,
        substeps=3,
        batch_sizes=np.tile(SIZES, 10),
        learning_rates=np.linspace(0.2, 0.1, 70),
        **o,
    ),
    "noisy_gd": lambda **o: sg.simulate_sgd(TWO, SHUFFLED, [0.3, 0.1], 90, dynamics="noisy_gd", **o),
}


@functools.cache
def agreed(name, engine, **own):
    return AGREE[name](engine=engine, paths=131, seed=5, burn_in=7, save_every=3, **own)


@pytest.mark.parametrize("engine", ["numba", "torch"])
@pytest.mark.parametrize("name", AGREE)
def test_engines_agree(name, engine):
    found, judge = (agreed(name, each) for each in (engine, "numpy"))
    for a, b in ((found.snapshots, judge.snapshots), (found.final, judge.final), (found.path_mean, judge.path_mean)):
        assert np.isfinite(b).all()
        assert np.abs(a - b).max() <= 1e-12 * np.abs(b).max()
    other = agreed(name, "numpy", driver="brownian")
    assert np.abs(other.final - judge.final).max() > 1e-3  # the negative control


ENDS = {"plain": {}, "saved": {"save_every": 5}, "sizes": {"batch_sizes": np.tile(SIZES, 29)}}


@functools.cache
def ends(name, engine):
    regions = {"a": "x > 1.1", "b": "x < -1.2"}
    arguments = (WELL, SHUFFLED, 0.0, 200, 250)
    return sg.simulate_sde(*arguments, substeps=3, seed=3, stop=regions, engine=engine, **ENDS[name]).exits


@pytest.mark.parametrize("engine", ["numba", "torch"])
@pytest.mark.parametrize("name", ENDS)
def test_ends_of_paths_agree(engine, name):
    """Paths end at all times, and lanes take others in the middle of the run."""
    found, judge = (ends(name, each) for each in (engine, "numpy"))
    assert (found.region == judge.region).mean() == 1
    assert 0.3 < judge.ended.mean() < 0.8
    assert len(np.unique(judge.update[judge.ended])) > 60
    np.testing.assert_array_equal(found.update, judge.update)
    np.testing.assert_allclose(found.point, judge.point, rtol=0, atol=1e-11)


@pytest.mark.networks
def test_arrays_do_as_formulas_do():
    wide = sg.landscapes.wide_quadratic(np.diag([1.0, 2.0, 3.0]), noise_covariance=np.eye(3))
    formula = sg.Landscape("x**2/2 + y**2 + 1.5*z**2", "x y z")
    options = {"updates": 30, "paths": 20, "substeps": 3, "seed": 2}
    found, judge = (sg.simulate_sde(each, SHUFFLED, np.ones(3), **options) for each in (wide, formula))
    np.testing.assert_allclose(found.final, judge.final, rtol=0, atol=1e-13)
    assert (
        np.abs(sg.simulate_sde(wide, SHUFFLED, np.ones(3), driver="brownian", **options).final - judge.final).max()
        > 0.01
    )


def test_paths_do_not_depend_on_how_many_there_are_nor_on_the_length_of_the_run():
    whole = sg.simulate_sde(WELL, SHUFFLED, 0.3, 60, 300, substeps=2, save_every=1)
    part = sg.simulate_sde(WELL, SHUFFLED, 0.3, 41, 7, substeps=2)  # ends in the middle of an epoch
    np.testing.assert_array_equal(part.final, whole.snapshots[41, :7])


def test_both_drivers_have_the_same_normals():
    one, other = (sg.simulate_sde(FLAT, SHUFFLED, 0.0, 1, 50, substeps=1, driver=each) for each in DRIVERS)
    ratio = np.sqrt((1 - 4 / 16) * temperature(SHUFFLED) / SHUFFLED.temperature)
    np.testing.assert_allclose(other.final, ratio * one.final, rtol=1e-12)


def test_a_bridge_crosses_walls_as_the_path_between_its_ends_does():
    """Given both ends of a step the path inside is Brownian: coarse steps with crossings find what fine ones do.

    Without drift, of epochs of 4 updates; coarse steps are updates. Without crossings inside a step they find fewer.
    """
    arguments = (FLAT, SHUFFLED, 0.0, 4, 100_000)
    gone = {
        name: sg.simulate_sde(*arguments, stop={"up": "x > 0.06", "down": "x < -0.05"}, **options).exits
        for name, options in {
            "coarse": {"substeps": 1, "seed": 1},
            "fine": {"substeps": 64, "seed": 2},
            "blind": {"substeps": 1, "seed": 1, "bridge": False},
        }.items()
    }
    share = {name: np.array([(each.region == r).mean() for r in (0, 1)]) for name, each in gone.items()}
    error = np.sqrt(2 * share["fine"] * (1 - share["fine"]) / 100_000)
    assert gone["coarse"].crossings == ("exact", "exact")
    assert (np.abs(share["coarse"] - share["fine"]) < 4 * error).all()
    assert (share["blind"] < share["fine"] - 14 * error).all()


def test_the_driver_is_named_in_the_provenance():
    options = {"updates": 1, "paths": 2}
    fresh = replace(SHUFFLED, sampling="with_replacement")
    assert sg.simulate_sde(WELL, SHUFFLED, 0.0, **options).provenance["driver"] == "epoched"
    assert sg.simulate_sde(WELL, SHUFFLED, 0.0, driver="brownian", **options).provenance["driver"] == "brownian"
    assert sg.simulate_sde(WELL, fresh, 0.0, **options).provenance["driver"] == "brownian"
    assert sg.simulate_sgd(WELL, SHUFFLED, 0.0, **options).provenance["driver"] == "batches"


REFUSED = {
    "driver must be one of brownian, epoched, or None": {"driver": "levy"},
    "driver must be 'brownian' for sampling 'without_replacement'": {
        "driver": "epoched", "config": sg.SGDConfig(0.1, 4, 16),
    },
    "brownian must be left out with driver 'epoched'": {"brownian": sg.BrownianPath(1, 0.2, 8)},
    r"scheme 'weak_taylor_2' does not follow driver 'epoched': its draws \['three'": {"scheme": "weak_taylor_2"},
    "scheme 'exact_ou' does not follow driver 'epoched'": {
        "scheme": "exact_ou", "landscape": sg.Landscape("x**2/2", "x"),
    },
    "or driver 'brownian'": {
        "updates": 2**40, "config": sg.SGDConfig(0.1, 1, 2**45, sampling="reshuffle"), "substeps": 1,
    },
}  # fmt: skip


@every("message", REFUSED)
def test_what_is_refused(message):
    arguments = {"landscape": WELL, "config": SHUFFLED, "w0": 0.0, "updates": 2, "paths": 3, "substeps": 2}
    with pytest.raises(ValueError, match=message):
        sg.simulate_sde(**arguments | REFUSED[message])


def test_sgd_takes_no_driver():
    with pytest.raises(ValueError, match="driver must be left out for noise 'batches'"):
        sg.simulate_sgd(WELL, SHUFFLED, 0.0, 2, 3, driver="brownian")


def test_temperatures():
    assert temperature(SHUFFLED) == pytest.approx(0.1 / 4)
    assert temperature(SHUFFLED, "brownian") == SHUFFLED.temperature == pytest.approx(0.1 * (1 / 4 - 1 / 16))
    assert driver_of(None, replace(SHUFFLED, sampling="with_replacement")) == "brownian"


def test_automatic_steps_ask_for_half_the_error():
    """Averaged over an epoch of εhN/B = 0.1 Euler–Maruyama in l steps is wrong by εh/l, twice Brownian motion's."""
    bowl, config = sg.Landscape("x**2/2", "x"), replace(SHUFFLED, learning_rate=0.3)
    found, other = (sg.simulate_sde(bowl, config, 0.0, 1, 1, driver=driver).provenance for driver in (None, "brownian"))
    assert 0.004 < found["step_error"]["variance"] <= 0.005
    assert 0.008 < other["step_error"]["variance"] <= 0.01
    with pytest.warns(sg.CoarseStepWarning, match=f"'auto' takes {found['substeps']}"):
        sg.simulate_sde(bowl, config, 0.0, 1, 1, substeps=1)
    fine = sg.SGDConfig(0.1 / 256, 1, 256, sampling="reshuffle")  # SGD is Euler–Maruyama in one step an update
    exact, coarse = (sg.theory.stationary_variance(1.0, 1.0, fine, dynamics) for dynamics in ("sde", "sgd"))
    assert coarse / exact - 1 == pytest.approx(0.1 / 256, rel=0.1)
