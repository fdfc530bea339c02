"""Relaxation times against powers of the maps, and where they are computed."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import expm
from tables import every

from sgdsde import SGDConfig
from sgdsde.theory import relaxation_time

H = np.array([[2.0, 0.6], [0.6, 0.5]])


def config(rate, momentum, **more):
    return SGDConfig(rate, 4, 64, momentum=momentum, **more)


@every(("rate", "momentum"), [(0.01, 0.0), (0.3, 0.0), (0.05, 0.9), (0.5, 0.9), (1.2, 0.5), (0.8, 0)])
def test_sgd_forgets_as_its_own_map_does(rate, momentum):
    """Between two late powers of the map on (ω, v) in two dimensions, far from critical damping."""
    one = np.eye(2)
    step = np.block([[one - rate * H, momentum * one], [-rate * H, momentum * one]])
    time = relaxation_time(H, config(rate, momentum))
    k = math.ceil(50 * time)
    late, later = (np.linalg.norm(np.linalg.matrix_power(step, n)) for n in (k, 2 * k))
    assert (math.log(late) - math.log(later)) * time / k == pytest.approx(1.0, rel=0.05)
    assert relaxation_time(H, config(rate, momentum), clock="s") == pytest.approx(time * rate / (1 - momentum))


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.8, 0.95])
def test_the_sdes_forget_as_their_drift_says(momentum):
    c, slowest = config(0.02, momentum), np.linalg.eigvalsh(H)[0]
    assert relaxation_time(H, c, "sde") == pytest.approx((1 - momentum) / (0.02 * slowest))
    one, none = np.eye(2), np.zeros((2, 2))
    root = math.sqrt(0.02)  # an update
    drift = np.block([[none, one], [-H, -(1 - momentum) / root * one]])
    time = relaxation_time(H, c, "momentum_sde")
    late, later = (np.linalg.norm(expm(drift * root * n)) for n in (50 * time, 100 * time))
    assert (math.log(late) - math.log(later)) / 50 == pytest.approx(1.0, rel=0.05)


def test_all_models_are_one_for_small_steps_and_limits_are_exact():
    for momentum in (0.0, 0.9):
        times = [relaxation_time(1.0, config(1e-12, momentum), model) for model in ("sgd", "sde", "momentum_sde")]
        np.testing.assert_allclose(times, (1 - momentum) * 1e12, rtol=1e-9)
    assert relaxation_time(1.0, config(1.0, 0.0)) == 0  # one update forgets all
    assert relaxation_time([[1.0, 0.0], [0.0, 0.0]], config(0.1, 0.0)) == math.inf
    assert relaxation_time(0.5, config(0.1, 0.9, weight_decay=0.5)) == relaxation_time(1.0, config(0.1, 0.9))
    assert relaxation_time(1.0, config(0.2, 0.9, dampening=0.5)) == relaxation_time(1.0, config(0.1, 0.9))


def test_what_runs_away_has_a_negative_time():
    assert relaxation_time(1.0, config(3.0, 0.0)) == pytest.approx(-1 / math.log(2.0))  # ω ← −2 ω
    assert relaxation_time(1.0, config(3.0, 0.0), "slower") == relaxation_time(1.0, config(3.0, 0.0), "sde") == 1 / 3
    assert relaxation_time(-1.0, config(0.1, 0.0)) == pytest.approx(-1 / math.log(1.1))
    assert relaxation_time(np.diag([1.0, -1.0]), config(0.1, 0.5), "sde") == pytest.approx(-5.0)
    growth = max(np.linalg.eigvals([[1 + 0.1, 0.5], [0.1, 0.5]]))
    assert relaxation_time(np.diag([1.0, -1.0]), config(0.1, 0.5)) == pytest.approx(-1 / math.log(growth))


def test_bad_input_is_refused_by_name():
    with pytest.raises(ValueError, match="dynamics must be one of sgd, sde, momentum_sde, slower, got 'adam'"):
        relaxation_time(1.0, config(0.1, 0.0), "adam")
    with pytest.raises(ValueError, match="clock must be one of updates, s, got 't'"):
        relaxation_time(1.0, config(0.1, 0.0), clock="t")
    with pytest.raises(ValueError, match="hessian must be symmetric"):
        relaxation_time([[1.0, 0.0], [1.0, 1.0]], config(0.1, 0.0))


def test_nobody_else_takes_eigenvalues_of_heavy_balls_map():
    root = Path(__file__).parents[2]
    for room in ("sgdsde", "validation", "bench"):
        for path in (root / room).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if path.parent.name != "theory":
                assert "eigvals(np.array(" not in text.replace("\n", "").replace(" ", ""), path
