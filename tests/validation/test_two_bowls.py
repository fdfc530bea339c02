"""The exact laws that the claims about sharp minima lean on, against what is known without them."""

from __future__ import annotations

import numpy as np
import pytest

import sgdsde as sg
from sgdsde.theory import mean_exit_time, sgd_exit_time
from validation.escape.occupancy import (
    BOX,
    DEPTH,
    EXAMPLES,
    EXITS,
    SHARP,
    WIDE,
    config_at,
    fitted_root,
    log_ratio,
    update_log_ratio,
    wells,
)
from validation.escape.two_bowls import escape_probability, paired_examples

LOSS = "(x**2 - 1)**2*(5/8 - 3/4*x/(1 + x**2)) - depth*(2 - 3*x + x**3)/4"


def test_the_wells_have_the_curvatures_and_depths_they_are_said_to_have():
    line = np.linspace(-2, 2, 41)[:, None]
    deeper, text = wells(DEPTH), sg.Landscape(LOSS, "x", {"depth": DEPTH})
    np.testing.assert_allclose(deeper.loss(line), text.loss(line), atol=1e-14)
    np.testing.assert_allclose(deeper.gradient([[SHARP], [WIDE]]), 0.0, atol=1e-14)
    assert float(deeper.loss([WIDE]) - deeper.loss([SHARP])) == pytest.approx(DEPTH)


def test_exact_log_ratio_is_that_of_the_boltzmann_weights():
    """F is constant: the stationary density is exp(−2L/(T F)), here by the trapezoidal rule."""
    landscape, temperature = wells(DEPTH), 0.006
    x = np.linspace(*BOX, 200_001)
    weight = np.exp(-2 * landscape.loss(x[:, None]) / (temperature * 80))
    middle = -0.1804827683513388  # the maximum, where L' = 0
    assert abs(float(landscape.gradient([middle])[0])) < 1e-9
    expected = np.log(weight[x > middle].sum() / weight[x < middle].sum())
    assert log_ratio(landscape, temperature) == pytest.approx(expected, abs=1e-4)


def test_laws_of_updates_tend_to_those_of_the_sde_linearly_in_the_learning_rate():
    landscape, ratio = wells(0.0), 0.01
    sde = log_ratio(landscape, config_at(ratio).temperature)
    first, second = (update_log_ratio(landscape, config_at(ratio, batch)) - sde for batch in (1, 2))
    assert second / first == pytest.approx(2.0, rel=0.1)
    # Expanding the forward equation in ε, for F constant: −ε L''/4 in each well, to leading order in T.
    assert second == pytest.approx(0.02 * (8 - 2) / 4, rel=0.4)
    start, stop = EXITS["wide"]
    config = config_at(ratio, 1)
    exact = mean_exit_time(landscape, config, start, stop=stop)
    assert 0 < sgd_exit_time(landscape, config, start, stop=stop) / exact - 1 < 0.03


def test_simulated_updates_leave_when_their_law_says_and_not_when_that_of_the_sde_does():
    """Without a barrier, where ε matters most: ω ← (1 − εh)ω + noise."""
    config = config_at(0.01, 4)
    bowl = sg.Landscape("4*x**2/2", "x", {"f": 40.0}, noise_covariance="f")
    exact = sgd_exit_time(bowl, config, 0.1, -0.5, 0.5)
    run = sg.simulate_sgd(
        bowl, config, 0.1, int(60 * exact), 20_000, examples=EXAMPLES, seed=4, stop="x > 0.5 or x < -0.5"
    )
    found = run.exits.update
    assert abs(found.mean() - exact) < 4.5 * found.std() / np.sqrt(len(found))
    assert abs(found.mean() - mean_exit_time(bowl, config, 0.1, left=-0.5, right=0.5)) > 10 * found.std() / np.sqrt(
        len(found)
    )


def test_the_root_of_a_parabola_and_its_error():
    x = np.linspace(0, 1, 9)
    errors = np.full(9, 0.02)
    generator = np.random.default_rng(1)
    found = [fitted_root(x, (x - 0.4) * (1 + x) + generator.normal(0, errors), errors) for _ in range(400)]
    z = np.array([(value - 0.4) / error for value, error in found])
    assert abs(z.mean()) < 4 / np.sqrt(400)
    assert abs((z**2).mean() - 1) < 4 * np.sqrt(2 / 400)
    with pytest.raises(ValueError, match="change its sign"):
        fitted_root(x, 1 + x, errors)


@pytest.mark.slow("three Fokker–Planck equations in two dimensions")
def test_looking_less_often_sees_fewer_escapes():
    """At the steps of the correction: it grows as the root of the time between looks."""
    law = [escape_probability("top eigenvector", 4.0, 0.2, (184, 116), every) for every in (0.0, 1e-4, 4e-4)]
    assert law[0] > law[1] > law[2]
    assert (law[0] - law[2]) / (law[0] - law[1]) == pytest.approx(2.0, rel=0.1)


def test_paired_examples_have_no_third_moments():
    table = paired_examples(64, 3)
    assert np.einsum("ni,nj,nk->ijk", table, table, table) == pytest.approx(np.zeros((2, 2, 2)), abs=1e-12)
