"""Steps of the SDE: what is expected of them is what they do, and the default takes enough of them."""

import math
import warnings

import numpy as np
import pytest
from tables import every

import sgdsde as sg
from sgdsde import schemes
from sgdsde.cli.linearised import FINE, Linearised
from sgdsde.escapes import rare_exit_time
from sgdsde.schemes import find
from sgdsde.schemes.registry import scheme
from sgdsde.steps import MOST, TARGET, step_error, substeps_for
from sgdsde.sweeps.functions import exit_time

BOWL = sg.Landscape("h*x**2/2", "x", {"h": 1.0})
STIFF = BOWL.with_parameters(h=4.0)
CONFIG = sg.SGDConfig(0.1, 4, 64)
HEAVY = sg.SGDConfig(0.05, 4, 64, momentum=0.9)  # an update is 0.5 long
SCHEMES = sorted(schemes.declarations())


def simulate(landscape=BOWL, config=CONFIG, w0=0.0, updates=2, paths=2, **options):
    return sg.simulate_sde(landscape, config, w0, updates, paths, **{"engine": "numpy", **options})


def taken(*arguments, **options) -> int:
    return simulate(*arguments, **options).provenance["substeps"]


#: Variance of the scheme over that of the SDE in a bowl, as a function of z = hΔ; of hΔ² with momentum.
FACTORS = {
    "euler_maruyama": lambda z: 1 / (1 - z / 2),
    "weak_euler": lambda z: 1 / (1 - z / 2),
    "implicit_euler": lambda z: 1 / (1 + z / 2),
    "heun": lambda z: 2 * z * (1 - z / 2) ** 2 / (1 - (1 - z + z**2 / 2) ** 2),
    "sri2": lambda z: 2 * z / (1 - (1 - z + z**2 / 2) ** 2),
    "leimkuhler_matthews": lambda z: 1.0,
    "exact_ou": lambda z: 1.0,
    "baoab": lambda z: 1.0,
    "obabo": lambda z: 1 / (1 - z / 4),
}


@every("name", FACTORS)
@every("step", [0.001, 0.05, 0.4])
def test_the_expected_variance_is_that_of_linear_algebra_by_hand(name: str, step: float) -> None:
    declaration = find(name)
    z = 2.0 * step ** (2 if declaration.equation == "momentum" else 1)
    found = step_error(declaration, 2.0, step, friction=0.7).variance
    assert found == pytest.approx(FACTORS[name](z) - 1, rel=1e-6, abs=1e-9)


def test_what_relaxes_in_a_step() -> None:
    """det(I − M) against det(I − e^A): z and 1 − e^−z of Euler; of BAOAB by its own matrix and SciPy's exponential."""
    from scipy.linalg import expm

    euler = step_error(find("euler_maruyama"), 2.0, 0.1).relaxation
    assert euler == pytest.approx(0.2 / (1 - math.exp(-0.2)) - 1, rel=1e-9)
    h, dt, friction = 2.0, 0.3, 0.7
    kick, drift = np.array([[1, 0], [-h * dt / 2, 1]]), np.array([[1, dt / 2], [0, 1]])
    m = kick @ drift @ np.diag([1, math.exp(-friction * dt)]) @ drift @ kick
    exact = np.linalg.det(np.eye(2) - expm(dt * np.array([[0, 1], [-h, -friction]])))
    found = step_error(find("baoab"), h, dt, friction).relaxation
    assert found == pytest.approx(np.linalg.det(np.eye(2) - m) / exact - 1, rel=1e-6)


@every("name", SCHEMES)
def test_every_scheme_has_an_expectation_that_fades_with_the_step(name: str) -> None:
    declaration = find(name)
    coarse, fine, none = (step_error(declaration, 1.0, step) for step in (0.2, 0.02, 0.0))
    assert none.size == 0
    assert fine.size < 0.15 * coarse.size + 1e-9
    steps = substeps_for(declaration, 4.0, 0.5)
    assert step_error(declaration, 4.0, 0.5 / steps).size <= TARGET
    assert steps == 1 or step_error(declaration, 4.0, 0.5 / (steps - 1)).size > TARGET


@pytest.mark.parametrize("name", ["euler_maruyama", "heun", "implicit_euler", "sri2", "obabo"])
def test_what_is_expected_is_what_a_run_does(name: str) -> None:
    """Variances of 20 000 paths at 4 standard errors of 1 %; without the expectation they are 5 % off and more."""
    step = 0.9 if name == "obabo" else 0.5
    run = sg.integrate(BOWL, 0.0, 40 * step, 40, 20_000, scheme=name, engine="numpy", seed=3)
    expected = step_error(find(name), 1.0, step).variance
    assert abs(expected) > 0.05
    assert run.final.var() / 0.5 == pytest.approx(1 + expected, rel=4 * math.sqrt(2 / 20_000))


@pytest.mark.filterwarnings("error")
def test_by_default_the_sde_agrees_with_its_law_to_a_hundredth() -> None:
    run = simulate(STIFF, HEAVY, updates=12, paths=5_000, seed=1)
    law = sg.theory.stationary_variance(4.0, 1.0, HEAVY)
    assert run.provenance["substeps"] == 101  # hΔ/2 = 1/101
    assert run.provenance["substeps_chosen"] == "auto"
    assert run.provenance["step_error"]["variance"] == pytest.approx(1 / (1 - 1 / 101) - 1)
    assert run.final.var() / law == pytest.approx(1.01, rel=4 * math.sqrt(2 / 5_000))
    assert "12 updates in 101 steps each (auto, expected to change the variance by +1.00%)" in repr(run)


@pytest.mark.parametrize(
    ("substeps", "expected"),
    [(8, r"variance \+14.3%; substeps = 'auto' takes 101"), (1, "variance without bound; substeps = 'auto' takes 101")],
)
def test_coarse_steps_are_warned_of(substeps: int, expected: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sg.StabilityWarning)
        with pytest.warns(
            sg.CoarseStepWarning, match=f"substeps = {substeps} .* of the curvature 4 .*: {expected}"
        ) as seen:
            run = simulate(STIFF, HEAVY, substeps=substeps)
    assert seen[0].filename == __file__
    assert run.provenance["substeps_chosen"] == "given"
    assert f"step{'s' * (substeps > 1)} each (given, expected to change the variance " in repr(run)


@pytest.mark.filterwarnings("error")
def test_fine_steps_runs_without_noise_and_integrate_are_not_warned_of() -> None:
    simulate(STIFF, HEAVY, substeps=50)
    simulate(STIFF, sg.SGDConfig(0.05, 64, 64, momentum=0.8), substeps=1)
    sg.integrate(STIFF, 0.0, 1.0, 4, 2, engine="numpy")
    assert "each" not in repr(sg.simulate_sgd(BOWL, CONFIG, 0.0, 2, 2, engine="numpy"))


def test_the_rule_looks_at_the_largest_curvature_and_rate() -> None:
    turned = sg.Landscape("(5*x**2 + 6*x*y + 5*y**2)/4", "x y")  # curvatures 4 and 1 along the diagonals
    assert taken(turned, w0=[0, 0]) == taken(STIFF) == 21
    assert taken(STIFF, learning_rates=[0.1, 0.05]) == taken(STIFF)
    assert taken(STIFF, learning_rates=[0.1, 0.2]) == 41
    assert taken(BOWL, sg.SGDConfig(0.1, 4, 64, weight_decay=3.0)) == 21
    assert taken(BOWL, sg.SGDConfig(0.2, 4, 64, 0.5, dampening=0.5)) == taken(BOWL, sg.SGDConfig(0.1, 4, 64, 0.5)) == 11
    assert taken(BOWL) == 6


def test_the_rule_looks_at_the_minimum_and_at_what_is_stable_where_paths_start() -> None:
    well = sg.Landscape("x**4/4 - x**2/2", "x")
    assert taken(well, w0=-0.5) == 11  # curvature 2 at the minimum, −¼ here
    assert taken(well, w0=0.0) == 6  # no way down: |−1|
    assert taken(well, w0=10.0) == 30  # 299 × 0.1 is half of 2 in 30 steps
    assert taken(well, w0=np.array([[10.0], [-0.5]])) == 30
    assert taken(well, w0=10.0, scheme="tamed_euler") == 11  # stable in any step
    assert taken(sg.Landscape("0*x", "x")) == 1


@pytest.mark.filterwarnings("error")
def test_where_nothing_is_known_one_step_is_taken_and_no_error_is_told() -> None:
    run = simulate(sg.Landscape("abs(x)**1.5", "x"))
    assert run.provenance["substeps"] == 1
    assert run.provenance["step_error"] is None
    assert "in 1 step each (auto), mean" in repr(run)


def test_other_schemes_take_fewer() -> None:
    found = {name: taken(STIFF, HEAVY, scheme=name) for name in ("heun", "exact_ou", "leimkuhler_matthews")}
    assert found == {"heun": 11, "exact_ou": 1, "leimkuhler_matthews": 101}  # exact variance, relaxation as of Euler
    assert taken(STIFF, HEAVY, scheme="baoab") < 5 < taken(STIFF, HEAVY, scheme="momentum_euler")


def test_there_is_a_most() -> None:
    with pytest.warns(sg.CoarseStepWarning, match=f"substeps = {MOST} .* 'auto' takes no more than {MOST}"):
        assert taken(BOWL.with_parameters(h=400.0), HEAVY) == MOST


@every(("each", "steps"), [(12, 6), (7, 7), (16, 8), (6, 6), (1000, 8)])
def test_the_grid_of_a_brownian_path_is_kept(each: int, steps: int) -> None:
    assert taken(brownian=sg.BrownianPath(1, 0.2, 2 * each)) == steps


def test_a_brownian_path_that_is_too_coarse_is_warned_of() -> None:
    with pytest.warns(sg.CoarseStepWarning, match="substeps = 3 .* nor other ones than a given Brownian path has"):
        simulate(STIFF, brownian=sg.BrownianPath(1, 0.2, 6))
    with pytest.raises(ValueError, match="steps must divide the 5 steps of brownian"):
        simulate(brownian=sg.BrownianPath(1, 0.2, 5))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: simulate(substeps="many"), "substeps must be an integer of at least 1, or 'auto', got 'many'"),
        (lambda: simulate(substeps=0), "substeps must be an integer of at least 1, or 'auto', got 0"),
        (lambda: simulate(substeps=None), "substeps must be an integer of at least 1, or 'auto', got None"),
        (
            lambda: sg.simulate_sgd(BOWL, CONFIG, 0.0, 2, 2, substeps="auto"),
            "substeps must be an integer of at least 1, got 'auto'",
        ),
    ],
)
def test_words_that_are_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_ladder_escapes_sweeps_and_the_command_have_the_same_rule() -> None:
    shared = {"svag": (), "engine": "numpy", "substeps": "auto"}
    found = sg.ladder(STIFF, CONFIG, 0.0, 2, 8, **shared)
    assert found.reference_steps == 32  # 21, and the next power of two
    near = Linearised.near(STIFF, 0.0, CONFIG)
    assert step_error(find("euler_maruyama"), 4.0, 0.1 / near.substeps).size <= FINE
    assert near.integration_error(8) == pytest.approx(1 / (1 - 0.2 / 8) - 1, rel=1e-9)


def test_rare_exits_and_sweeps_take_it_too() -> None:
    well, config = sg.Landscape("x**4/4 - x**2/2", "x"), sg.SGDConfig(0.1, 2, 64)
    assert rare_exit_time(well, config, -1.0, "x > 0.5", trials=64, repetitions=4).substeps == 11
    found = exit_time("x**4/4 - x**2/2", -1.0, "x > 0", 0.05, 2, 64, noise_covariance=8.0, dynamics="sde", paths=4000)
    exact = sg.theory.mean_exit_time(
        sg.Landscape("x**4/4 - x**2/2", "x", noise_covariance=8.0), sg.SGDConfig(0.05, 2, 64), -1.0, stop="x > 0"
    )
    assert abs(found["mean"] - exact) < 4 * found["standard_error"] + 0.01 * exact


def test_a_scheme_that_was_declared_anew_is_looked_at_anew(monkeypatch) -> None:
    monkeypatch.setattr(schemes.registry, "_REGISTRY", dict(schemes.declarations()))
    found = []
    for factor in (1.0, 0.5):

        def mine(step, factor=factor):
            return step.w + step.drift(step.w) * step.dt + factor * step.diffusion(step.w) * step.dW

        scheme(interpretation="ito", noise="any", weak=1.0, source="a test")(mine)
        found.append(step_error(find("mine"), 1.0, 0.1).variance)
    assert found == pytest.approx([1 / 0.95 - 1, 0.25 / 0.95 - 1])
