"""Arrows of a current: where it goes round they do, and panels that are none are refused."""

from __future__ import annotations

import numpy as np
import pytest

from sgdsde.plotting import current_arrows
from sgdsde.plotting.currents import _velocities


def test_arrows_are_the_velocity_of_a_rotation():
    start = np.random.default_rng(0).uniform(-1, 1, (4000, 2)) @ [1, 1j]
    turned = start * np.exp(1j * np.array([[0.0], [0.01], [0.02]]))
    where, found = _velocities(np.stack([turned.real, turned.imag], axis=-1), 0.01, np.ones(2), 5, 20)
    assert len(where) == 25
    np.testing.assert_allclose(found, where @ [[0, 1], [-1, 0]], atol=0.06)


def test_panels_are_drawn_and_others_refused():
    states = {"a": np.random.default_rng(1).normal(size=(5, 200, 2))}
    one = {"a": np.eye(2)}
    figure = current_arrows(states, 1.0, one, one, least=5)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["a"]
    with pytest.raises(ValueError, match="panels must hold"):
        current_arrows({"a": np.zeros((2, 5, 2))}, 1.0, one, one)
