"""What a page computes, in node: the paths of the NumPy engine, its examples, and the laws of `sgdsde.theory`."""

import json
from itertools import combinations, product

import numpy as np
import pytest
from explored import by_numpy, in_node, settings_of
from node import result_of
from scipy.sparse import csr_array, eye_array
from scipy.sparse.linalg import spsolve

from sgdsde import SGDConfig, theory
from sgdsde.explore.page import MODEL, _scripts, model
from sgdsde.explore.scenes import named_scenes
from sgdsde.requests import sde_request
from sgdsde.run import prepare
from sgdsde.whitened import whitened_examples

STATES = "print([world.sde, world.sgd].map((run) => run.state.map((row) => Array.from(row))))"
#: Each sampling, rule, SDE, driver and law of examples somewhere; `l` = 0 is the page's own number of steps.
RUNS = {
    "quadratic": {"sampling": "reshuffle", "m": 0.5, "l": 0},
    "multiplicative": {"dynamics": "noisy_gd", "sampling": "reshuffle", "examples": "student_t:3"},
    "double_well": {"examples": "rademacher", "B": 1, "l": 0, "parameters": {"a": 1.3, "f": 0.8}},
    "sharp_flat": {"dynamics": "signsgd", "m": 0.5, "sampling": "shuffle_once", "driver": "brownian", "lr": 0.03},
    "quadratic_2d": {"dynamics": "adam", "sde": "adam_sde", "l": 0, "sampling": "with_replacement"},
    "valley": {"dynamics": "rmsprop", "sde": "rmsprop_sde", "l": 2, "examples": "student_t:5"},
    "mueller_brown": {"dynamics": "svag", "B": 13, "sde": "momentum_sde"},
    "zhu_two_bowls": {"dynamics": "nesterov", "m": 0.5, "sampling": "reshuffle", "B": 2, "seed": 2**40 + 3},
    "balance": {"dynamics": "lion", "lr": 0.01, "examples": "rademacher"},
}


@pytest.mark.parametrize("scene", RUNS)
def test_a_page_takes_the_paths_of_the_library(scene: str) -> None:
    settings = settings_of(scene, paths=16, **RUNS[scene])
    found = in_node(settings, f"for (let k = 0; k < 200; k++) world.advance(); {STATES}")
    for one, expected in zip(found, by_numpy(settings, 200), strict=True):
        assert np.isfinite(expected).all()
        assert np.ptp(expected) > 0
        assert np.abs(np.array(one)[: len(expected)] - expected).max() <= 1e-12 * np.abs(expected).max()


def scripts_alone(script: str) -> object:
    return result_of("\n".join([*_scripts(MODEL), f"console.log(JSON.stringify({script}));"]))


@pytest.mark.parametrize("name", ["gaussian", "rademacher", "student_t:5", "student_t:3"])
def test_examples_are_those_of_numpy(name: str) -> None:
    cases = [(n, k, seed) for n in (8, 1024) for k in (1, 2) for seed in (0, 7, 2**32 + 1)]
    call = (
        f"{json.dumps(cases)}.map(([n, k, seed]) => whitenedExamples('{name}', n, k, seed).map((r) => Array.from(r)))"
    )
    for found, case in zip(scripts_alone(call), cases, strict=True):
        np.testing.assert_allclose(np.array(found).T, whitened_examples(name, *case), rtol=0, atol=2e-13)


@pytest.mark.parametrize("sampling", ["without_replacement", "with_replacement", "reshuffle"])
@pytest.mark.parametrize("momentum", [0.0, 0.7])
def test_stationary_covariances(sampling: str, momentum: float) -> None:
    h, f = np.array([[1.0, 0.4], [0.4, 2.5]]), np.array([[2.0, -0.3], [-0.3, 0.5]])
    config = SGDConfig(0.15, 4, 32, momentum, sampling)
    settings = {"lr": 0.15, "B": 4, "N": 32, "m": momentum, "sampling": sampling}
    driver = "epoched" if sampling == "reshuffle" else "brownian"
    told = {"driver": driver, "update": 0.15 / (1 - momentum), "temperature": 0.15 * (
        1 / 4 if driver == "epoched" else config.batch_noise) / (1 - momentum)}  # fmt: skip
    flat = json.dumps(h.ravel().tolist()), json.dumps(f.tolist()), json.dumps(settings)
    found = scripts_alone(
        f"[sdeCovariance({', '.join(flat)}, {json.dumps(told)}), sgdCovariance({', '.join(flat)}, {momentum})]"
    )
    for one, dynamics in zip(found, ("sde", "sgd"), strict=True):
        np.testing.assert_allclose(one, theory.stationary_covariance(h, f, config, dynamics), rtol=1e-9)


def test_no_law_where_there_is_none() -> None:
    settings = json.dumps({"lr": 2.1, "B": 4, "N": 32, "m": 0.0, "sampling": "without_replacement"})
    assert scripts_alone(f"sgdCovariance([1.0], [[1.0]], {settings}, 0)") is None


def test_laws_of_one_dimension() -> None:
    settings = settings_of("double_well", B=1, N=16, l=1, dynamics="noisy_gd", parameters={"a": 1.2, "f": 0.7})
    law = in_node(settings, "print([world.theory, world.basins.minima, world.basins.barriers])")
    well = named_scenes()["double_well"].landscape.with_parameters(a=1.2, f=0.7)
    config = SGDConfig(0.2, 1, 16)
    (sde, sgd), minima, barriers = (law[0]["sde"], law[0]["sgd"]), law[1], law[2]
    np.testing.assert_allclose(np.ravel(minima), [-(1.2**0.5), 1.2**0.5], rtol=1e-9)
    assert abs(barriers[0]) < 1e-9
    assert sde["exit"] == pytest.approx(theory.mean_exit_time(well, config, -1.0, right=0.0), rel=1e-4)
    assert sgd["exit"] == pytest.approx(theory.sgd_exit_time(well, config, -1.0, right=0.0), rel=1e-3)
    density = theory.stationary_density(well, config, (-2.2, 2.2))
    edges = np.linspace(-2.2, 2.2, 13)
    cells = np.array(list(sde["masses"].values()) if isinstance(sde["masses"], dict) else sde["masses"])
    np.testing.assert_allclose(cells.reshape(12, -1).sum(axis=1), density.masses(edges), atol=5e-5)
    cells = np.array(list(sgd["masses"].values()))
    occupied = theory.sgd_occupancy(well, config, [-3.2, *edges[1:-1], 3.2])
    np.testing.assert_allclose(cells.reshape(12, -1).sum(axis=1)[1:-1], occupied[1:-1], atol=2e-3)


def means_of_batches(name: str, n: int, b: int, sampling: str, seed: int) -> np.ndarray:
    z = whitened_examples(name, n, 1, seed)[:, 0]
    batches = product(z, repeat=b) if sampling == "with_replacement" else combinations(z, b)
    return np.array([np.mean(batch) for batch in batches])


@pytest.mark.parametrize(("name", "n", "b", "sampling"), [
    ("gaussian", 8, 1, "without_replacement"), ("student_t:3", 8, 4, "without_replacement"),
    ("rademacher", 8, 7, "without_replacement"), ("gaussian", 16, 11, "without_replacement"),
    ("student_t:3", 8, 4, "with_replacement"), ("rademacher", 8, 6, "with_replacement"),
])  # fmt: skip
def test_law_of_a_batch_is_that_of_all_batches(name: str, n: int, b: int, sampling: str) -> None:
    found = scripts_alone(f"batchLaw(whitenedExamples('{name}', {n}, 1, 3)[0], {b}, '{sampling}')")
    values, weights = np.array(found["values"]), np.array(found["weights"])
    means = means_of_batches(name, n, b, sampling, 3)
    assert (found["least"], found["most"]) == pytest.approx((means.min(), means.max()))
    for power in range(4):
        assert weights @ values**power == pytest.approx((means**power).mean(), abs=1e-9)
    t = np.linspace(0, 3, 13) / means.std()  # the Fourier transform, where a wave is not much shorter than a cell
    transforms = [np.exp(1j * np.outer(t, values)) @ weights, np.exp(1j * np.outer(t, means)).mean(axis=1)]
    assert np.abs(transforms[0] - transforms[1]).max() < 2e-5


def exit_by_tables(means: np.ndarray, lr: float, start: float, low: float, n: int = 3000) -> float:
    """Mean updates until the double well's SGD is above 0, on a fine grid with chances shared between neighbours."""
    x = low + (np.arange(n) + 0.5) * (-low / n)
    to = (x - lr * (x**3 - x))[:, None] - lr * means
    place = np.clip((to - x[0]) / (x[1] - x[0]), 0, n - 1 - 1e-9)
    row, column, share = np.repeat(np.arange(n), len(means)), place.astype(int).ravel(), (place % 1).ravel()
    inside = (to <= 0).ravel() / len(means)
    ends = (np.r_[row, row], np.r_[column, column + 1])
    chances = csr_array((np.r_[inside * (1 - share), inside * share], ends), shape=(n, n))
    return float(np.interp(start, x, spsolve((eye_array(n) - chances).tocsc(), np.ones(n))))


@pytest.mark.parametrize(("name", "n", "b", "sampling", "lr"), [
    ("gaussian", 16, 1, "without_replacement", 0.2), ("rademacher", 16, 1, "with_replacement", 0.2),
    ("student_t:3", 32, 2, "without_replacement", 0.4), ("gaussian", 8, 3, "with_replacement", 0.5),
])  # fmt: skip
def test_exits_of_sgd_are_those_of_its_examples(name: str, n: int, b: int, sampling: str, lr: float) -> None:
    settings = settings_of("double_well", B=b, N=n, l=1, paths=2, examples=name, sampling=sampling, lr=lr)
    expected = exit_by_tables(means_of_batches(name, n, b, sampling, settings["seed"]), lr, -1.0, -3.0)
    assert in_node(settings, "print(world.theory.sgd.exit)") == pytest.approx(expected, rel=0.01)
    normal = in_node({**settings, "dynamics": "noisy_gd"}, "print(world.theory.sgd.exit)")
    assert abs(normal / expected - 1) > 0.03  # that of normal batches is another


def test_measured_variances_agree_with_theory() -> None:
    """Reshuffled batches, which the epoched SDE follows."""
    settings = settings_of("quadratic", sampling="reshuffle", paths=1024, l=0)
    run = "for (let k = 0; k < 400; k++) world.advance();"
    found = in_node(settings, f"{run} print([world.theory, world.sides.map((side) => side.variance(0))])")
    for law, measured in zip((found[0]["sde"], found[0]["sgd"]), found[1], strict=True):
        assert abs(measured["value"] - law["variance"][0][0]) < 5 * measured["error"] + 0.01 * measured["value"]
        assert measured["error"] < 0.02 * measured["value"]


@pytest.mark.parametrize("examples", ["gaussian", "rademacher"])
def test_measured_exits_agree_with_theory(examples: str) -> None:
    """Until all have left, so that nothing is assumed of those that have not; counted inside the steps of the SDE."""
    settings = settings_of("double_well", B=1, N=16, paths=512, l=16, examples=examples)
    run = "const all = () => world.sides.every((side) => side.exits().out === 512); while (!all()) world.advance();"
    found = in_node(settings, f"{run} print([world.theory, world.sides.map((side) => side.exits())])")
    for law, measured in zip((found[0]["sde"], found[0]["sgd"]), found[1], strict=True):
        assert measured["error"] < 0.05 * measured["value"]
        assert abs(measured["value"] - law["exit"]) < 4 * measured["error"] + 0.01 * law["exit"]


def test_signs_never_climb_and_the_sde_does() -> None:
    settings = settings_of("double_well", lr=0.55, B=1, N=256, examples="rademacher", seed=0, l=4, paths=256)
    settings["parameters"] = {"a": 1.0, "f": 0.125}
    run = "for (let k = 0; k < 1000; k++) world.advance();"
    sgd = "world.theory.sgd.exit === Infinity, known(world.theory.sgd.exit), world.theory.sgd.masses"
    laws = f"world.theory.sde.exit, {sgd}"
    sde, sgd, *found = in_node(
        settings,
        f"{_scripts(['numbers'])[0]} {run} print([...world.sides.map((side) => side.exits().out), {laws}])",
    )
    assert sde > 10
    assert sgd == 0
    assert found[0] < 20_000
    assert found[1:] == [True, "exact: never", None]
    settings["examples"] = "gaussian"
    assert in_node(settings, "print(world.theory.sgd.exit)") < 1e6


def test_balance_is_as_predicted() -> None:
    settings = settings_of("balance", B=1, N=64, l=16, lr=0.1)
    found = in_node(settings, "for (let k = 0; k < 60; k++) world.advance(); print(world.watched())")
    sde, sgd = found["means"]
    assert sde["value"] == pytest.approx(found["exact"], rel=0.02)
    assert sde["value"] < 0.7 * 3.75
    assert sgd["value"] < 0.8 * 3.75


@pytest.mark.parametrize(("lr", "m", "sampling"), [(0.1, 0.0, "without_replacement"), (0.03, 0.5, "reshuffle")])
def test_steps_are_as_fine_as_the_library_takes_them(lr: float, m: float, sampling: str) -> None:
    for name in ("quadratic", "quadratic_2d", "double_well"):
        settings = settings_of(name, lr=lr, m=m, sampling=sampling, l=0, paths=2)
        scene = named_scenes()[name]
        request = sde_request(scene.landscape, SGDConfig(lr, 4, 16, m, sampling), scene.w0, 1, 1, engine="numpy")
        assert in_node(settings, "print(world.sde.substeps)") == prepare(request).plan.substeps


def test_minima_and_basins_in_two_dimensions() -> None:
    found = in_node(
        settings_of("mueller_brown", paths=2),
        "const { minima, basin } = world.basins; print([minima, minima.map((w) => basin(...w)), basin(9, 9)])",
    )
    expected = [[-0.5582, 1.4417], [-0.05, 0.4667], [0.6235, 0.028]]
    np.testing.assert_allclose(sorted(found[0]), expected, atol=1e-4)
    assert found[1] == [0, 1, 2]
    assert found[2] == -1


HOSTILE = [
    "scene=__proto__", "scene=constructor", "scene=quadratic&lr=1e999", "scene=quadratic&lr=-1&B=0&N=7&m=2",
    "scene=quadratic&seed=<img src=x onerror=alert(1)>", "scene=quadratic&dynamics=__proto__&sampling=toString",
    "scene=quadratic&p.h=NaN&p.__proto__=1&w0=99&k=1e9&since=-4", "%00%ff", "l=5&paths=1e9&driver=epoched",
]  # fmt: skip


def test_what_an_address_says_is_checked() -> None:
    scenes = {name: named_scenes()[name] for name in ("quadratic", "balance")}
    start = "\n".join([model(scenes), "const FIRST = {};", *_scripts(("settings",))])
    usual = result_of(f"{start} console.log(JSON.stringify(readLink('').settings))")
    assert usual["lr"] == 0.1
    for link in HOSTILE:
        read = f"const {{ settings, update, since }} = readLink({json.dumps(link)});"
        call = f"{read} new World(SCENES, {{ ...settings, paths: 4 }}).advance();"
        found = result_of(f"{start} {call} console.log(JSON.stringify({{ settings, update, since }}))")
        assert found["settings"] == usual
        assert found["update"] is None
        assert found["since"] is None


def test_a_link_says_all() -> None:
    start = "\n".join([model({"valley": named_scenes()["valley"]}), "const FIRST = {};", *_scripts(("settings",))])
    changed = {
        "lr": 0.0123, "B": 6, "N": 128, "m": 0.9, "sampling": "with_replacement", "examples": "student_t:3",
        "dynamics": "adam", "sde": "adam_sde", "l": 8, "paths": 1024, "seed": 12345678901, "hold": 1, "p.k": 33.0,
        "p.bend": -0.25, "h.beta2": 0.9, "w0": 0.25, "w1": 0.5,
    }  # fmt: skip
    call = f"const s = settingsOf('valley', {json.dumps(changed)}), back = readLink(linkOf(s, 7, 3));"
    s, back = result_of(f"{start} {call} console.log(JSON.stringify([s, back]))")
    assert back == {"settings": s, "update": 7, "since": 3}
    assert (s["lr"], s["hyper"], s["w0"], s["parameters"]) == (
        0.0123, {"beta2": 0.9}, [0.25, 0.5], {"k": 33.0, "bend": -0.25}
    )  # fmt: skip


@pytest.mark.parametrize(("a", "held"), [(1.0, True), (4.0, False), (5.0, False)])
def test_no_law_where_the_frame_does_not_hold_it(a: float, held: bool) -> None:
    """Minima at ±√a, of a frame of ±2.2: a tail is outside at a = 4, and the minima themselves at a = 5."""
    settings = settings_of("double_well", B=1, N=16, dynamics="noisy_gd", parameters={"a": a, "f": 1.0})
    law = in_node(settings, "print([world.theory.sde.masses !== null, world.theory.sgd.masses !== null])")
    assert law == [held, held]


def test_where_a_loss_only_gets_flatter_there_is_no_minimum() -> None:
    flat = "{loss: ([x]) => [Math.exp(-x)], gradient: ([x]) => [-Math.exp(-x)], hessian: ([x]) => [Math.exp(-x)]}"
    assert scripts_alone(f"minimumFrom({flat}, [1])") is None


@pytest.mark.parametrize(("value", "error", "text"), [
    (0.0123456, 0.00012, "0.01235 ± 0.00012"), (-3.2, 0.5, "−3.20 ± 0.50"), (175424, 66304, "175000 ± 66000"),
    (9.9e-6, 2.4e-7, "(9.90 ± 0.24) × 10⁻⁶"), (2.13e64, 1.1e63, "(2.13 ± 0.11) × 10⁶⁴"), (1.0, 0.0, "1"),
    (9.844e-6, 0.0, "9.844 × 10⁻⁶"),
])  # fmt: skip
def test_numbers_are_written_to_two_digits_of_their_error(value: float, error: float, text: str) -> None:
    call = f"console.log(JSON.stringify(withError({{ value: {value}, error: {error} }})));"
    assert result_of("\n".join([*_scripts((*MODEL, "pictures", "numbers")), call])) == text
