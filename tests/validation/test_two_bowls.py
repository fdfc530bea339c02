"""The exact laws that the claims about sharp minima lean on, against what is known without them."""

from __future__ import annotations

import numpy as np
import pytest

import sgdsde as sg
from sgdsde.landscapes.catalog import named
from sgdsde.theory import mean_exit_time, sgd_exit_time
from validation.claims.sharp_vs_flat import fitted_root
from validation.escape.occupancy import (
    BOX,
    DEPTH,
    EXAMPLES,
    EXITS,
    SHARP,
    WIDE,
    config_at,
    log_ratio,
    update_log_ratio,
    wells,
)
from validation.escape.two_bowls import START, bowls, escape_probability, noises, paired_examples

POINTS = np.random.default_rng(0).normal(scale=1.5, size=(200, 2))


def test_the_wells_have_the_curvatures_and_depths_they_are_said_to_have():
    catalog = named("sharp_flat", sharp=8.0, flat=2.0)
    line = np.linspace(-2, 2, 41)[:, None]
    np.testing.assert_allclose(wells(0.0).loss(line), catalog.loss(line), atol=1e-14)
    deeper = wells(DEPTH)
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
    bowl = sg.Landscape("4*x**2/2", "x", {"f": 40.0}, covariance="f")
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


@pytest.mark.parametrize("noise", noises())
def test_all_noises_have_the_same_trace_everywhere_and_are_the_same_in_turned_coordinates(noise):
    plain, turned = bowls(noise, 3.0), bowls(noise, 3.0, variables="u v")
    rotation = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    covariance = plain.covariance(POINTS)
    np.testing.assert_allclose(np.trace(covariance, axis1=1, axis2=2), 3.0)
    np.testing.assert_allclose(rotation @ covariance @ rotation.T, turned.covariance(POINTS @ rotation.T), atol=1e-12)
    np.testing.assert_allclose(plain.loss(POINTS), turned.loss(POINTS @ rotation.T), rtol=1e-9)


def test_the_bowls_are_those_of_the_catalog_and_their_shapes_what_they_are_called():
    catalog, ours = named("zhu_two_bowls"), bowls("covariance", 1.0, ridge=0.1)
    np.testing.assert_allclose(ours.loss(POINTS), catalog.loss(POINTS), rtol=1e-9)
    theirs = catalog.covariance(POINTS)
    shape = theirs / np.trace(theirs, axis1=1, axis2=2)[:, None, None]
    np.testing.assert_allclose(ours.covariance(POINTS), shape, atol=1e-6)
    diagonal = bowls("diagonal", 1.0, ridge=0.1).covariance(POINTS)
    np.testing.assert_allclose(diagonal, shape * np.eye(2), atol=1e-6)
    for end in (START, (-1.0, -1.0)):
        hessian = catalog.hessian(end)
        blended = bowls("Hessian", float(np.trace(hessian)), ridge=0.1).covariance(end)
        np.testing.assert_allclose(blended, hessian, rtol=2e-4, atol=1e-3)
    values, axes = np.linalg.eigh(catalog.hessian(START))
    assert values[1] / values[0] == pytest.approx(10, rel=1e-3)
    assert abs(axes[:, 1] @ [1, 1]) == pytest.approx(np.sqrt(2))


@pytest.mark.slow("three Fokker–Planck equations in two dimensions")
def test_looking_less_often_sees_fewer_escapes():
    """At the steps of the correction: it grows as the root of the time between looks."""
    law = [escape_probability("top eigenvector", 4.0, 0.2, (184, 116), every) for every in (0.0, 1e-4, 4e-4)]
    assert law[0] > law[1] > law[2]
    assert (law[0] - law[2]) / (law[0] - law[1]) == pytest.approx(2.0, rel=0.1)


def test_paired_examples_have_no_third_moments():
    table = paired_examples(64, 3)
    assert np.einsum("ni,nj,nk->ijk", table, table, table) == pytest.approx(np.zeros((2, 2, 2)), abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("white", 1.0), "noise must be one of isotropic"),
        (("Hessian", 1.0), "variables must be one of x y, u v, got 'p q'"),
    ],
)
def test_what_is_not_known_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        bowls(*arguments, variables="x y" if arguments[0] == "white" else "p q")
