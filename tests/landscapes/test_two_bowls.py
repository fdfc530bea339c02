"""Two bowls and the noises of one trace on them."""

from __future__ import annotations

import numpy as np
import pytest

from sgdsde.landscapes import BOWL_NOISES, named, two_bowls

POINTS = np.random.default_rng(0).normal(scale=1.5, size=(200, 2))


@pytest.mark.parametrize("noise", BOWL_NOISES)
def test_all_noises_have_the_same_trace_everywhere_and_are_the_same_in_turned_coordinates(noise):
    plain, turned = two_bowls(noise, 3.0), two_bowls(noise, 3.0, variables="u v")
    rotation = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    covariance = plain.noise_covariance(POINTS)
    np.testing.assert_allclose(np.trace(covariance, axis1=1, axis2=2), 3.0)
    np.testing.assert_allclose(
        rotation @ covariance @ rotation.T, turned.noise_covariance(POINTS @ rotation.T), atol=1e-12
    )
    np.testing.assert_allclose(plain.loss(POINTS), turned.loss(POINTS @ rotation.T), rtol=1e-9)


def test_the_bowls_are_those_of_the_catalog_and_their_shapes_what_they_are_called():
    catalog, ours = named("zhu_two_bowls"), two_bowls("covariance", 1.0, ridge=0.1)
    np.testing.assert_allclose(ours.loss(POINTS), catalog.loss(POINTS), rtol=1e-9)
    theirs = catalog.noise_covariance(POINTS)
    shape = theirs / np.trace(theirs, axis1=1, axis2=2)[:, None, None]
    np.testing.assert_allclose(ours.noise_covariance(POINTS), shape, atol=1e-6)
    diagonal = two_bowls("diagonal", 1.0, ridge=0.1).noise_covariance(POINTS)
    np.testing.assert_allclose(diagonal, shape * np.eye(2), atol=1e-6)
    for end in ((1.0, 1.0), (-1.0, -1.0)):
        hessian = catalog.hessian(end)
        blended = two_bowls("Hessian", float(np.trace(hessian)), ridge=0.1).noise_covariance(end)
        np.testing.assert_allclose(blended, hessian, rtol=2e-4, atol=1e-3)
    values, axes = np.linalg.eigh(catalog.hessian((1.0, 1.0)))
    assert values[1] / values[0] == pytest.approx(10, rel=1e-3)
    assert abs(axes[:, 1] @ [1, 1]) == pytest.approx(np.sqrt(2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("white", 1.0), "noise must be one of isotropic"),
        (("Hessian", 1.0), "variables must be one of x y, u v, got 'p q'"),
    ],
)
def test_what_is_not_known_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        two_bowls(*arguments, variables="x y" if arguments[0] == "white" else "p q")
