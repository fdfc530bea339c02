"""Each effect against a closed form of its own, and where it is named or not."""

import math

import numpy as np
import pytest
from tables import every

import sgdsde as sg
from sgdsde.diagnosis import EFFECTS, Size, diagnose, effect
from sgdsde.diagnosis.result import Diagnosis
from sgdsde.theory import mean_square_stability_limit, sgd_exit_time, stationary_variance

BOWL = sg.Landscape("h*x**2/2", "x", {"h": 1.0})
H = 2.0
STEEP = BOWL.with_parameters(h=H)


def test_finite_learning_rates_have_their_closed_form():
    for m in (0.0, 0.9):
        found = diagnose(sg.SGDConfig(0.3, 4, 64, momentum=m), STEEP)
        assert found["finite ε"].error == pytest.approx(-0.3 * H / (2 * (1 + m)))
        assert found.error == pytest.approx(found["finite ε"].error)


def test_reshuffling_is_mended_by_the_epoched_driver():
    config = sg.SGDConfig(0.1, 4, 64, sampling="reshuffle")
    found = diagnose(config, BOWL)
    assert found["reshuffling"].verdict == "breaks down"
    assert found["reshuffling"].instead == "epoched driver"
    exact = [float(stationary_variance(1.0, 1.0, config, name, driver="brownian")) for name in ("sde", "sgd")]
    exact[1] = float(stationary_variance(1.0, 1.0, config, "sgd"))
    assert found.error == pytest.approx(exact[0] / exact[1] - 1)
    fresh = float(stationary_variance(1.0, 1.0, sg.SGDConfig(0.1, 4, 64), "sgd"))  # the same c
    assert found["reshuffling"].error == pytest.approx(fresh / exact[1] - 1)
    assert found.best == 'driver="epoched"'
    mended = diagnose(config, BOWL, driver="epoched")
    assert mended.error == pytest.approx(found.others[found.best])
    assert mended["reshuffling"].error == 0
    assert diagnose(sg.SGDConfig(0.1, 4, 64, sampling="shuffle_once"), BOWL)["reshuffling"].instead == "none"


def test_large_batches_are_no_part_of_the_error():
    found = diagnose(sg.SGDConfig(0.001, 32, 64), BOWL)
    row = found["B near N"]
    assert (row.error, row.counted, row.verdict) == (pytest.approx(1.0), False, "breaks down")
    assert found.verdict == "negligible"
    whole = diagnose(sg.SGDConfig(0.1, 64, 64), BOWL)
    assert (whole.error, whole["B near N"].error) == (0.0, math.inf)


def test_memory_is_kramers_factor_of_the_friction():
    config = sg.SGDConfig(0.002, 1, 512, momentum=0.9)
    well = sg.Landscape("x**4/4 - x**2/2", "x", {"f": 1 / 12 / config.temperature}, noise_covariance="f")
    found = diagnose(config, well, -1.0)["momentum's memory"]
    friction = 0.1 / 0.002**0.5
    h = 2.0
    assert found.error == pytest.approx((math.sqrt(friction**2 / 4 + h) - friction / 2) * friction / h - 1)
    assert (found.of, found.instead) == ("exit time", "SDE with momentum")
    assert diagnose(config, well, -1.0, dynamics="momentum_sde")["momentum's memory"].error == 0


def test_reshuffling_with_momentum_needs_both():
    config = sg.SGDConfig(0.1, 1, 4, momentum=0.9, sampling="reshuffle")
    found = diagnose(config, BOWL)
    exact = [float(stationary_variance(1.0, 1.0, config, name)) for name in ("momentum_sde", "sgd")]
    assert found.others['dynamics="momentum_sde", driver="epoched"'] == pytest.approx(exact[0] / exact[1] - 1)
    assert found.best == 'dynamics="momentum_sde", driver="epoched"'
    assert found["momentum's memory"].of == "exit time"
    assert "both" in str(found)


def test_mean_square_stability_is_that_of_single_examples():
    z = np.sqrt(0.5) * np.array([-1.0, 1.0])  # h_i = 1 ± s z, whitened to variance 1 with divisor 1
    spread = 0.5
    well = sg.Landscape("x**2/2", "x", noise_factor=[[f"{spread}*x + 0.01"]])
    for m in (0.0, 0.9):
        config = sg.SGDConfig(0.01, 1, 2, momentum=m, sampling="with_replacement")
        limit = mean_square_stability_limit(1 + spread * z, config)
        below, above = (diagnose(sg.SGDConfig(part * limit, 1, 2, momentum=m, sampling="with_replacement"), well, 0.0,
                                 examples=z[:, None]) for part in (0.98, 1.02))  # fmt: skip
        assert below.verdict != "unstable"
        assert above.verdict == "unstable"
        assert f"{limit:.4g}" in above.sentence
        assert math.isnan(above.error)


def test_beyond_the_limit_of_the_mean_no_number_is_given():
    found = diagnose(sg.SGDConfig(1.5, 4, 64), STEEP)
    assert found.verdict == "unstable"
    assert math.isnan(found.error)
    assert math.isnan(found.sgd_variance)
    assert "2(1 + m)/h = 1" in found.sentence
    assert found.to_dict()["error"] is None


def test_multiplicative_noise_has_its_exact_variance():
    r, e = 0.5, 0.3
    found = diagnose(sg.SGDConfig(e, 1, 10**6, sampling="with_replacement"), "multiplicative")
    assert found.sgd_variance == pytest.approx(e / (2 - e - e * r), rel=1e-5)
    assert found.sde_variance == pytest.approx(e / (2 - e * r), rel=1e-5)


def test_third_derivatives_are_right_to_first_order():
    """Against the stationary density, of which one dimension has the exact one."""
    config = sg.SGDConfig(0.01, 1, 10**6, sampling="with_replacement")
    well = sg.Landscape("x**2/2 + x**3/6 + x**4/8", "x", noise_covariance="0.5*(1 + x/2)**2", cut=True)
    exact = _variance(sg.theory.stationary_density(well, config, (-0.9, 1.0)))
    flat = 0.01 * 0.5 / 2
    found = diagnose(config, well, 0.0).sde_variance
    assert abs(found / exact - 1) < 0.1 * abs(exact / flat - 1) + 1e-4


def test_third_derivatives_do_not_depend_on_the_axes():
    config = sg.SGDConfig(0.02, 1, 10**4, sampling="with_replacement")
    u, v = "(0.6*x + 0.8*y)", "(0.8*x - 0.6*y)"
    shape, alone = "{0}**2/2 + {0}**3/6 + {0}**4/8", "0.5*(1 + x/2)**2"
    factor = [[f"{a}*sqrt(0.5)*(1 + {u}/2)", b] for a, b in ((0.6, "0"), (0.8, "0"))]
    line = diagnose(config, sg.Landscape(shape.format("x"), "x", noise_covariance=alone, cut=True), 0.0)
    plane = diagnose(config, sg.Landscape(shape.format(u) + f" + 2*{v}**2", "x y", noise_factor=factor), [0.0, 0.0])
    assert plane.sde_variance == pytest.approx(line.sde_variance, rel=1e-5)
    assert plane.error == pytest.approx(line.error, rel=1e-3)


@every(("sampling", "part"), [("shuffle_once", 0.15), ("reshuffle", 0.3)])
def test_noise_that_changes_within_an_epoch_does_not_cancel_in_it(sampling, part):
    """x is pushed by (1 + a y) z: what a adds to its variance is within that part of what simulation finds."""
    config = sg.SGDConfig(0.1, 1, 16, sampling=sampling)
    crossed = sg.Landscape("x**2/2 + 2*y**2", "x y", {"a": 1.0}, noise_factor=[["1 + a*y", "0"], ["0", "3"]])
    run = sg.simulate_sgd(crossed, config, [0.0, 0.0], 480, 16384, burn_in=160, seed=1)
    alone = stationary_variance(1.0, 1.0, config, "sgd"), stationary_variance(4.0, 9.0, config, "sgd")
    more = diagnose(config, crossed, [0.0, 0.0]).sgd_variance - float(sum(alone))
    measured = float(run.covariance[0, 0] - alone[0])
    error = float(run.standard_error.covariance[0, 0])
    assert measured > 10 * error
    assert abs(more - measured) < part * measured + 4 * error


def _variance(density) -> float:
    x = np.linspace(-0.9, 1.0, 200_001)
    p = density(x)
    p /= p.sum()
    return float(p @ x**2 - (p @ x) ** 2)


def test_kurtosis_and_tails_follow_the_examples():
    config = sg.SGDConfig(0.1, 1, 1000, sampling="with_replacement")
    heavy = diagnose(config, BOWL, examples="student_t:2.5")
    light = diagnose(config, BOWL, examples="rademacher")
    assert heavy["non-normal batches"].error < -0.1
    assert heavy["heavy or light tails"].error > 0.25
    assert light["non-normal batches"].error > 0
    assert light["heavy or light tails"].error < 0
    exact = -2 * (1 - 0.9**2) ** 2 / (1 - 0.9**4)  # of signs
    assert light["non-normal batches"].error == pytest.approx(3 / (3 + exact) - 1, rel=0.02)
    large = diagnose(sg.SGDConfig(0.1, 100, 1000, sampling="with_replacement"), BOWL, examples="student_t:2.5")
    assert abs(large["non-normal batches"].error) < 0.05


def test_light_tails_lengthen_exits_as_their_exact_time_does():
    """Signs against normal examples, by the integral equation of SGD with four cumulants: of one sign and one size."""
    config = sg.SGDConfig(0.1, 2, 64, sampling="with_replacement")
    signs = np.repeat([-1.0, 1.0], 32)[:, None] * np.sqrt(63 / 64)
    well = sg.Landscape("x**2/2", "x")
    deviation = math.sqrt(float(stationary_variance(1.0, 1.0, config, "sgd")))
    far = math.sqrt(10) * deviation
    exact = sgd_exit_time(well, config, 0.0, -far, far) / sgd_exit_time(well, config, 0.0, -far, far, examples=signs)
    found = diagnose(config, well, 0.0, examples=signs)["heavy or light tails"].error
    assert exact - 1 < 0
    assert 0.5 < found / (exact - 1) < 1.5


def test_a_schedule_that_is_faster_than_the_velocity_is_named():
    config = sg.SGDConfig(0.1, 4, 256, momentum=0.9)
    steps = np.where(np.arange(200) < 100, 0.1, 0.01)
    sudden = diagnose(config, BOWL, learning_rates=steps)["fast schedule"]
    slow = diagnose(config, BOWL, learning_rates=np.geomspace(0.1, 0.01, 1500))["fast schedule"]
    assert sudden.verdict in ("matters", "breaks down")
    assert slow.verdict == "negligible"
    assert diagnose(config, BOWL)["fast schedule"].error == 0
    shuffled = sg.SGDConfig(0.1, 4, 256, sampling="reshuffle")
    assert diagnose(shuffled, BOWL, learning_rates=steps)["fast schedule"].verdict == "not known"
    diverging = diagnose(config, BOWL, learning_rates=[0.1, 5.0])
    assert diverging["fast schedule"].verdict == "unstable"


def test_what_lies_outside_the_bowl_is_named():
    wide = sg.Landscape("x**4/4 - x**2/2", "x", noise_covariance=20.0)
    found = diagnose(sg.SGDConfig(0.3, 1, 64), wide, 1.0)
    assert found["outside the bowl"].unknown
    assert (found.verdict, found.sentence) == ("not known", "Not known: the noise is too wide for the law of a bowl.")
    far = diagnose(sg.SGDConfig(0.4, 4, 64), sg.Landscape("x**2/2 + x**4", "x"), 0.0)["outside the bowl"]
    assert "run away" in far.note
    assert far.verdict == "not known"


def test_weight_decay_is_curvature():
    decayed = diagnose(sg.SGDConfig(0.3, 4, 64, weight_decay=1.0), BOWL)
    assert decayed.error == pytest.approx(diagnose(sg.SGDConfig(0.3, 4, 64), STEEP).error)


def test_batches_that_do_not_divide_the_examples_are_said_to_be_rounded():
    found = diagnose(sg.SGDConfig(0.1, 7, 64, sampling="reshuffle"), BOWL)
    assert "taken as 63" in found.notes[0]
    assert found["reshuffling"].verdict == "breaks down"
    assert diagnose(sg.SGDConfig(0.1, 7, 64, sampling="reshuffle", drop_last=True), BOWL).best == ""


def test_landscapes_of_arrays_and_of_many_dimensions():
    generator = np.random.default_rng(0)
    inputs = generator.standard_normal((200, 30))
    wide = sg.landscapes.linear_regression(
        inputs, inputs @ generator.standard_normal(30) + generator.standard_normal(200)
    )
    found = diagnose(sg.SGDConfig(0.01, 10, 200), wide)
    assert found["mean-square stability"].verdict == "not known"
    assert "outside the bowl" not in [each.name for each in found.effects]
    assert -0.02 < found.error < 0


def test_an_effect_of_a_users_own_is_a_row():
    @effect("monday", claim="stationary_variance")
    def monday(case):
        return Size(0.03, note=f"m = {case.config.momentum:g}")

    try:
        row = diagnose(sg.SGDConfig(0.01, 4, 64), BOWL)["monday"]
        assert (row.error, row.verdict, row.note) == (0.03, "matters", "m = 0")
    finally:
        del EFFECTS["monday"]


@every(
    ("change", "message"),
    [
        ({"config": 3}, "config must be an SGDConfig"),
        ({"landscape": "triple_well"}, "landscape must be one of quadratic"),
        ({"landscape": 3}, "landscape must be a Landscape, the name of one, or a pair"),
        ({"landscape": sg.Landscape("x**4/4 - x**2/2", "x"), "w0": 0.0}, "w0 must be in a well.*escapes that way"),
        ({"landscape": "valley_of_minima"}, "leads to none"),
        ({"landscape": sg.Landscape("-x", "x")}, "leads to none"),
        ({"w0": [1.0, 2.0]}, "w0 must have shape"),
        ({"weights": {}}, "weights must be left out for a landscape"),
        ({"updates": 5}, "updates must be left out for a landscape"),
        ({"dynamics": "adam_sde"}, "dynamics must be one of sde, momentum_sde"),
        ({"driver": "levy"}, "driver must be one of brownian, epoched"),
        ({"driver": "epoched"}, "driver must be 'brownian'"),
        ({"negligible": 0.0}, "negligible must be a positive"),
        ({"breaks": 0.01}, "breaks must be a finite real number above 0.02"),
        ({"examples": "cauchy"}, "examples must be one of"),
        ({"learning_rates": [0.1, -1.0]}, "learning_rate"),
        ({"seed": -1}, "seed must be an integer"),
    ],
)
def test_bad_arguments_are_refused_by_name(change, message):
    good = {"config": sg.SGDConfig(0.1, 4, 64), "landscape": BOWL}
    with pytest.raises(ValueError, match=message):
        diagnose(**good | change)


def test_what_is_returned():
    assert isinstance(diagnose(sg.SGDConfig(0.1, 4, 64), BOWL), Diagnosis)
    assert sg.diagnose is diagnose


def test_noise_that_grows_from_the_minimum_on_has_its_closed_form():
    """F = 1 + gx²: SGD's E x² is εc/(2h − εh² − εcg), the SDE's εc/(2h − εcg); a bowl's have g = 0."""
    rate, g = 0.3, 0.8
    config = sg.SGDConfig(rate, 4, 64)
    bent = sg.Landscape("h*x**2/2", "x", {"h": H, "g": g}, noise_covariance="1 + g*x**2")
    fed = rate * config.batch_noise * g
    expected = (2 * H - rate * H**2 - fed) / (2 * H - fed) / ((2 * H - rate * H**2) / (2 * H)) - 1
    assert expected < -0.005
    assert diagnose(config, bent, 0.0)["mean-square stability"].error == pytest.approx(expected, rel=1e-6)


def test_a_sudden_fall_of_the_rate_is_as_wrong_as_the_recursions_say():
    """Heavy ball's covariance of (ω, v), update by update, beside the variance of the overdamped SDE."""
    config, m = sg.SGDConfig(0.1, 4, 256, momentum=0.9), 0.9
    rates, c = np.repeat([0.1, 0.01], 100), config.batch_noise
    sgd, sde, apart = np.zeros((2, 2)), 0.0, []
    for rate in np.concatenate([np.full(2000, 0.1), rates]):
        step, kick = np.array([[1 - rate, -rate * m], [1.0, m]]), np.array([-rate, 1.0])
        sgd = step @ sgd @ step.T + c * np.outer(kick, kick)
        time = rate / (1 - m)
        sde = math.exp(-2 * time) * sde + time * c / 2 * (1 - math.exp(-2 * time))
        apart.append(abs(sde / sgd[0, 0] - 1))
    held = max(abs(float(np.divide(*(stationary_variance(1.0, 1.0, sg.SGDConfig(rate, 4, 256, m), name)
                                     for name in ("sde", "sgd")))) - 1) for rate in (0.1, 0.01))  # fmt: skip
    found = diagnose(config, BOWL, learning_rates=rates)["fast schedule"]
    assert max(apart[2000:]) > 2 * held
    assert found.error == pytest.approx(max(apart[2000:]) - held, rel=1e-3)
