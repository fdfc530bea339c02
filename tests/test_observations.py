"""Observers: what they gather is what snapshots of every update say, whatever the engine, and what exact laws say."""

import json
import pickle
import tracemalloc
import warnings

import numpy as np
import pytest
import scipy.stats
import xarray
from engine_landscapes import BOWL as LINE
from engine_landscapes import TWO as PLANE
from tables import every

import sgdsde as sg
from sgdsde import Landscape, Observe, SGDConfig, integrate, simulate_sde, simulate_sgd, theory
from sgdsde.schedules import cosine
from sgdsde.statistics import sigmas_for
from sgdsde.whitened import whitened_examples

CONFIG = SGDConfig(0.05, 3, 16, 0.5)
#: No path is within 1e-12 of an edge.
WATCH = Observe(
    moments=4,
    histogram={"x": (-0.1, 0.25, 9), ("y", "x"): ((-0.1, 0.2, 4), (-1.0, 0.2, 7))},
    occupancy={
        "left": "x < 0.1",
        "odd": "x*y > 0.01 or x**2 + y**2 < 0.01",
        "none": "k < 1",
        "no value": "log(-k) > 0",
    },
)
UPDATES, BURN_IN, PATHS = 61, 22, 131


def sde(**options):
    given = {"substeps": 3, "seed": 5, "burn_in": BURN_IN, "observe": WATCH, "engine": "numpy"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sg.CoarseStepWarning)
        return simulate_sde(PLANE, CONFIG, [0.3, 0.2], UPDATES, PATHS, **given | options)


def sgd(**options):
    given = {"seed": 5, "burn_in": BURN_IN, "observe": WATCH, "engine": "numpy"}
    return simulate_sgd(PLANE, CONFIG, [0.3, 0.2], UPDATES, PATHS, **given | options)


RUNS = {
    "sde": sde,
    "one step": lambda **o: sde(substeps=1, **o),
    "no burn-in": lambda **o: sde(substeps=1, **{**o, "burn_in": 0}),
    "sgd": sgd,
    "rates": lambda **o: sgd(learning_rates=cosine(0.05, UPDATES), **o),
    "sizes": lambda **o: sgd(batch_sizes=np.resize([1, 4, 2], UPDATES), **o),
    "brownian": lambda **o: sde(
        substeps=2, brownian=sg.BrownianPath(2, UPDATES * 0.1, UPDATES * 2, seed=3), **o
    ),
}  # fmt: skip


def kept_states(run) -> np.ndarray:
    """(updates, paths, d): those that were observed."""
    return run.snapshots[run.burn_in + 1 :]


def assert_same_observations(found, expected, tolerance=1e-12) -> None:
    for name in ("path_third", "path_fourth", "path_occupancy"):
        a, b = getattr(found.observations, name), getattr(expected.observations, name)
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance, err_msg=name)
    assert found.histograms.keys() == expected.histograms.keys()
    for key, histogram in expected.histograms.items():
        for name in ("share", "below", "above", "outside"):
            a, b = getattr(found.histograms[key], name), getattr(histogram, name)
            np.testing.assert_allclose(a.value, b.value, rtol=0, atol=tolerance)
            np.testing.assert_allclose(a.standard_error, b.standard_error, rtol=0, atol=tolerance)


@pytest.mark.networks
@pytest.mark.parametrize("name", RUNS)
def test_engines_agree(name: str) -> None:
    expected = RUNS[name]()
    for engine in ("numba", "torch"):
        assert_same_observations(RUNS[name](engine=engine), expected)


@pytest.mark.parametrize("name", ["sde", "sgd", "no burn-in"])
def test_what_is_observed_is_what_snapshots_say(name: str) -> None:
    run = RUNS[name](save_every=1)
    states = kept_states(run)
    flat = states.reshape(-1, 2)
    np.testing.assert_allclose(run.skewness.value, scipy.stats.skew(flat), rtol=1e-9)
    np.testing.assert_allclose(run.kurtosis.value, scipy.stats.kurtosis(flat), rtol=1e-9)
    np.testing.assert_allclose(run.observations.moments.third.value, scipy.stats.moment(flat, 3), rtol=1e-9)
    np.testing.assert_allclose(run.observations.moments.fourth.value, scipy.stats.moment(flat, 4), rtol=1e-9)
    np.testing.assert_allclose(run.observations.path_fourth, scipy.stats.moment(states, 4, axis=0), rtol=1e-9)
    x, y = np.moveaxis(states, -1, 0)

    def check(estimate, inside) -> None:
        share = inside.mean(axis=0)
        assert estimate.value == pytest.approx(share.mean(), abs=1e-14)
        assert estimate.standard_error == pytest.approx(share.std(ddof=1) / np.sqrt(PATHS), abs=1e-14)

    assert list(run.occupancy) == ["left", "odd", "none", "no value"]
    check(run.occupancy["left"], x < 0.1)
    check(run.occupancy["odd"], (x * y > 0.01) | (x**2 + y**2 < 0.01))
    assert run.occupancy["none"].value == run.occupancy["no value"].value == 0
    line, plane = run.histograms["x"], run.histograms["y", "x"]
    for i, (low, high) in enumerate(zip(line.edges[0][:-1], line.edges[0][1:], strict=True)):
        check(sg.statistics.Estimate(line.share.value[i], line.share.standard_error[i]), (low <= x) & (x < high))
    check(line.outside, (x < -0.1) | (x >= 0.25))
    check(plane.outside, (x < -1) | (x >= 0.2) | (y < -0.1) | (y >= 0.2))
    for axis, (values, low, high) in enumerate([(y, -0.1, 0.2), (x, -1.0, 0.2)]):
        for estimate, inside in ((plane.below, values < low), (plane.above, values >= high)):
            check(sg.statistics.Estimate(estimate.value[axis], estimate.standard_error[axis]), inside)
    counts, *edges = np.histogram2d(y.ravel(), x.ravel(), (4, 7), ((-0.1, 0.2), (-1.0, 0.2)))
    np.testing.assert_allclose(plane.share.value, counts / len(flat), atol=1e-14)
    assert all(map(np.array_equal, plane.edges, edges))
    assert plane.share.value.sum() + plane.outside.value == pytest.approx(1, abs=1e-14)
    assert plane.density.value.sum() * 0.3 / 4 * 1.2 / 7 == pytest.approx(1 - plane.outside.value)


def test_observing_changes_nothing_else() -> None:
    for engine in ("numba", "numpy"):
        seen, plain = (sde(engine=engine, observe=observe, substeps=1) for observe in (WATCH, None))
        np.testing.assert_array_equal(seen.final, plain.final)
        np.testing.assert_allclose(seen.path_covariance, plain.path_covariance, rtol=0, atol=1e-15)


@pytest.mark.parametrize("engine", ["numba", "numpy", "torch"])
def test_paths_that_diverge_are_in_no_average(engine: str) -> None:
    """Those from far out leave the finite numbers, at one update or another, and have been counted until then."""
    start = np.linspace(0, 9, 300)[:, None]
    cubic = Landscape("x**4/4", "x")
    config, watch = SGDConfig(0.05, 4, 64), Observe(4, {"x": (-8, 8, 16)}, {"right": "x > 0"})
    options = {"updates": 40, "observe": watch, "engine": engine}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sg.StabilityWarning)
        warnings.simplefilter("ignore", sg.DivergenceWarning)
        run = simulate_sgd(cubic, config, start, paths=300, **options)
        assert 0 < run.diverged < 300
        alone = simulate_sgd(cubic, config, start[run.finite], paths=int(run.finite.sum()), save_every=1, **options)
    states = alone.snapshots[1:, :, 0]
    assert np.isnan(run.observations.path_occupancy[~run.finite]).all()
    assert np.isnan(run.observations.path_fourth[~run.finite]).all()
    found = run.histograms["x"]
    assert found.share.value.sum() + found.outside.value == pytest.approx(1, abs=1e-13)
    # The paths that stay are the first ones, and so the same in both runs.
    assert run.finite[: run.finite.sum()].all()
    np.testing.assert_allclose(found.share.value, np.histogram(states, 16, (-8, 8))[0] / states.size, atol=1e-13)
    assert run.occupancy["right"].value == pytest.approx((states > 0).mean(), abs=1e-13)
    assert run.kurtosis.value[0] == pytest.approx(scipy.stats.kurtosis(states.ravel()), rel=1e-9)


@pytest.mark.parametrize("engine", ["numba", "numpy", "torch"])
def test_memory_does_not_grow_with_the_updates(engine: str) -> None:
    def peak(updates: int) -> int:
        tracemalloc.start()
        simulate_sgd(PLANE, CONFIG, [0.3, 0.2], updates, 300, observe=WATCH, engine=engine)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(20)
    short, long = (2000, 20_000) if engine == "numba" else (30, 330)
    assert peak(long) < peak(short) + 8 * 300 * (long - short) / 10  # a number for each tenth path and update


# --- exact laws


@pytest.mark.parametrize(
    ("examples", "sampling", "momentum"),
    [
        ("rademacher", "with_replacement", 0.0),
        ("rademacher", "without_replacement", 0.6),
        ("student_t:5", "with_replacement", 0.6),
        ("student_t:5", "without_replacement", 0.0),
    ],
)
def test_fourth_moments_of_sgd_at_any_learning_rate(examples: str, sampling: str, momentum: float) -> None:
    """ω is a sum of independent batch means with known weights; ε is so large that the law is far from normal.

    With momentum the minimum is at 1e4 standard deviations from 0, where plain fourth powers would have no digit left.
    """
    config = SGDConfig(0.6, 1, 16, momentum, sampling)
    gradients = whitened_examples(examples, 16, 1, seed=3)[:, 0]
    _, second, third, fourth = theory.stationary_cumulants(1.0, gradients, config)
    away = 1e4 if momentum else 0.0
    run = simulate_sgd(
        Landscape("(x - c)**2/2", "x", {"c": away}),
        config,
        away,
        1100,
        4096,
        burn_in=100,
        seed=3,
        examples=examples,
        observe=Observe(moments=4),
    )
    found = run.observations.moments
    table = sg.statistics.check(found.third, third, "third") + sg.statistics.check(
        found.fourth, fourth + 3 * second**2, "fourth"
    )
    table += sg.compare(run, predicted_skewness=third / second**1.5, predicted_kurtosis=fourth / second**2)
    assert table.within(sigmas_for(4, 0.001)), table
    assert abs(fourth / second**2) > 0.2
    kurtosis = table.rows[-1]
    assert kurtosis.quantity == "kurtosis x"
    assert kurtosis.detectable < 0.05
    assert not sg.compare(run, predicted_kurtosis=1.1 * fourth / second**2).within(4)  # and a wrong law is told


TILTED = Landscape("x**4/4 - x**2/2 + a*x", "x", {"a": 0.1}, noise_covariance="1 + x**2/4")
DENSITY = theory.stationary_density(TILTED, 0.5, (-4.0, 4.0))
RANGE = (-1.8, 1.6, 34)
EDGES = np.linspace(-1.8, 1.6, 35)


@pytest.fixture(scope="module")
def tilted():
    """A path's histogram is of its end alone, so that the counts of all paths are multinomial."""
    watch = Observe(histogram={"x": RANGE}, occupancy={"left": "x < a", "middle": "x > -1/2 and x < 1/2"})
    return integrate(
        TILTED, 0.0, 40.0, 1000, 20_000, temperature=0.5, scheme="weak_taylor_2", seed=2, observe=watch
    ), integrate(
        TILTED, 0.0, 200.0, 5000, 1000, temperature=0.5, scheme="weak_taylor_2", seed=3, burn_in=1000, observe=watch
    )  # fmt: skip


def test_histogram_of_the_end_by_chi_squared(tilted) -> None:
    found, paths = tilted[0].histograms["x"], tilted[0].paths
    counts = paths * np.r_[found.below.value, found.share.value, found.above.value]
    expected = paths * DENSITY.masses(np.r_[-np.inf, EDGES, np.inf])
    assert expected.min() > 20
    assert scipy.stats.chi2.sf(((counts - expected) ** 2 / expected).sum(), len(counts) - 1) > 1e-4
    wrong = paths * theory.stationary_density(TILTED, 0.6, (-4.0, 4.0)).masses(np.r_[-np.inf, EDGES, np.inf])
    assert scipy.stats.chi2.sf(((counts - wrong) ** 2 / wrong).sum(), len(counts) - 1) < 1e-6
    np.testing.assert_allclose(  # of a share p of independent paths the error is √(p(1 − p)/(n − 1))
        found.share.standard_error, np.sqrt(found.share.value * (1 - found.share.value) / (paths - 1)), rtol=1e-9
    )


def test_histogram_and_occupancy_over_time(tilted) -> None:
    run = tilted[1]
    table = sg.statistics.check(run.histograms["x"].share, DENSITY.masses(EDGES), "share")
    assert table.within(sigmas_for(len(table.rows), 0.001)), table
    left, middle = DENSITY.masses([-np.inf, 0.1])[0], DENSITY.masses([-0.5, 0.5])[0]
    occupancy = sg.compare(run, predicted_occupancy={"left": left, "middle": middle}, stationary=False)
    assert [row.quantity for row in occupancy.rows] == ["occupancy left", "occupancy middle"]
    assert occupancy.within(4), occupancy
    assert max(row.detectable for row in occupancy.rows) < 0.05
    assert not sg.compare(run, predicted_occupancy={"left": 1.1 * left}).within(4)


# --- what it gives


def test_dataset(tmp_path) -> None:
    run = sgd()
    data = run.to_xarray()
    assert data["kurtosis"].dims == data["skewness_error"].dims == ("parameter",)
    np.testing.assert_array_equal(data["w_fourth"], run.observations.moments.fourth.value)
    assert float(data["occupancy"].sel(region="left")) == run.occupancy["left"].value
    plane = data["histogram_y_x"]
    assert plane.dims == ("histogram_y_x_in_y", "histogram_y_x_in_x")
    np.testing.assert_array_equal(plane, run.histograms["y", "x"].share.value)
    np.testing.assert_allclose(data["histogram_x_in_x"], run.histograms["x"].centres[0])
    assert float(data["histogram_x_below"].sel(histogram_x_axis="x")) == run.histograms["x"].below.value[0]
    data.to_netcdf(tmp_path / "run.nc", engine="scipy")
    with xarray.open_dataset(tmp_path / "run.nc", engine="scipy") as again:
        xarray.testing.assert_equal(again.load(), data)
    told = json.loads(data.attrs["observe"])
    assert told == WATCH.told()
    histograms = {names[0] if len(names) == 1 else tuple(names): r[0] if len(names) == 1 else tuple(map(tuple, r))
                  for names, r in told["histogram"]}  # fmt: skip
    assert_same_observations(sgd(observe=Observe(told["moments"], histograms, told["occupancy"])), run)
    assert pickle.loads(pickle.dumps(WATCH)) == WATCH
    assert repr(run.histograms["x"]).startswith("Histogram(variables=('x'")


def test_few_paths_have_no_errors() -> None:
    run = simulate_sgd(LINE, CONFIG, 0.0, 30, 1, engine="numpy", observe=Observe(4, {"x": (-1, 1, 4)}, {"a": "x > 0"}))
    assert np.isfinite(run.kurtosis.value).all()
    assert np.isnan(run.kurtosis.standard_error).all()
    assert np.isfinite(run.histograms["x"].share.value).all()
    assert np.isnan(run.histograms["x"].share.standard_error).all()
    assert np.isnan(run.occupancy["a"].standard_error)


def test_comparisons_take_what_ensembles_have_in_common() -> None:
    both, fewer = sgd(), sde(observe=Observe(occupancy={"left": "x < 0.1"}))
    names = [row.quantity for row in sg.compare(both, fewer).rows]
    assert names == [row.quantity for row in sg.compare(fewer, both).rows]
    assert names == ["mean x", "mean y", "var x", "cov x, y", "var y", "occupancy left"]
    assert [row.quantity for row in sg.compare(both, both).rows][5:9] == [
        "skewness x", "skewness y", "kurtosis x", "kurtosis y",
    ]  # fmt: skip
    with pytest.raises(ValueError, match=r"has no 'kurtosis x': simulate it with observe=Observe\(…\), moments=4"):
        sg.compare(fewer, predicted_kurtosis=0.0)
    with pytest.raises(ValueError, match="has no 'occupancy up'"):
        sg.compare(fewer, predicted_occupancy={"up": 0.5})
    with pytest.raises(ValueError, match=r"predicted_occupancy must map names of regions to numbers, got 0\.5"):
        sg.compare(fewer, predicted_occupancy=0.5)
    with pytest.raises(ValueError, match=r"predicted_skewness must have the shape \(2,\)"):
        sg.compare(both, predicted_skewness=[1.0, 2.0, 3.0])


# --- refusals, before any work


REFUSED = {
    r"histogram\['x'\] must be \(low, high, bins\).*got \(1, 1, 10\)": lambda: Observe(histogram={"x": (1, 1, 10)}),
    r"histogram\['x'\] must be.*got \(2, 1, 10\)": lambda: Observe(histogram={"x": (2, 1, 10)}),
    r"histogram\['x'\] must be.*got \(0, inf, 10\)": lambda: Observe(histogram={"x": (0, np.inf, 10)}),
    r"histogram\['x'\] must be.*got \(0, nan, 10\)": lambda: Observe(histogram={"x": (0, np.nan, 10)}),
    r"histogram\['x'\] must be.*got \(0, 1, 0\)": lambda: Observe(histogram={"x": (0, 1, 0)}),
    r"histogram\['x'\] must be.*got \(0, 1, 2.5\)": lambda: Observe(histogram={"x": (0, 1, 2.5)}),
    r"histogram\['x'\] must be.*got \(0, 1\)": lambda: Observe(histogram={"x": (0, 1)}),
    r"histogram\['x'\] must be.*got 3": lambda: Observe(histogram={"x": 3}),
    r"histogram\['x'\] must have bins whose edges are different": lambda: Observe(histogram={"x": (1, 1 + 1e-15, 99)}),
    r"histogram\['x'\] must have bins whose edges": lambda: Observe(histogram={"x": (-1e308, 1e308, 9)}),
    r"histogram\[\('x', 'y'\)\] must be a pair of": lambda: Observe(histogram={("x", "y"): (0, 1, 5)}),
    "two different variables in a pair": lambda: Observe(histogram={("x", "x"): ((0, 1, 5), (0, 1, 5))}),
    "a variable or a pair of them for a key, got 3": lambda: Observe(histogram={3: (0, 1, 5)}),
    "histogram must map variables": lambda: Observe(histogram=[("x", 0, 1, 5)]),
    "occupancy must map names to conditions": lambda: Observe(occupancy="x < 0"),
    "moments must be 2 or 4, got 3": lambda: Observe(moments=3),
    "moments must be 2 or 4, got True": lambda: Observe(moments=True),
    r"histogram\['z'\]: 'z' is no variable of the landscape, which has x, y": (
        lambda: sde(observe=Observe(histogram={"z": (0, 1, 5)}))
    ),
    r"occupancy\['a'\].*'x \+ 1' is no comparison": lambda: sde(observe=Observe(occupancy={"a": "x + 1"})),
    r"occupancy\['a'\]": lambda: sde(observe=Observe(occupancy={"a": "z > 1"})),
    "observe must be an Observe": lambda: sde(observe={"moments": 4}),
    "observe must be left out with stop": lambda: sde(stop="x > 9"),
    "this run did not observe that: .*moments=4": lambda: sde(observe=None).skewness,
    "this run did not observe that: .*histogram=": lambda: sde(observe=Observe(4)).histograms,
}  # fmt: skip


@every("message", REFUSED)
def test_refusals(message: str) -> None:
    with pytest.raises(ValueError, match=message):
        REFUSED[message]()


def test_masses_of_the_stationary_density() -> None:
    bowl = theory.stationary_density(LINE, 2.0, (-10.0, 10.0))
    edges = np.array([-np.inf, -1.0, 0.25, 3.0, np.inf])
    np.testing.assert_allclose(bowl.masses(edges), np.diff(scipy.stats.norm.cdf(edges)), atol=1e-9)
    for wrong in ([0.0], [1.0, 0.0], [0.0, np.nan], 1.0):
        with pytest.raises(ValueError, match="edges must be at least two increasing numbers"):
            bowl.masses(wrong)
