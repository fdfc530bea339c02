"""A path that leaves the finite numbers is said to have left, from where, and why."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import sgdsde as sg
from sgdsde import divergence

CONFIG = sg.SGDConfig(0.1, 4, 64)
FALLING = sg.Landscape("x**2/2", "x", noise_covariance="x")
SHEARED = [["1", "x"], ["x", "1"]]  # no covariance beyond |x| = 1
NO_ROOT = r"Path 0 was at x = -[0-9.e-]+ after \d+ (updates|steps \(4 an update\)), where the noise .* F has no root"
NEAR = r"Path 0 was at x = [0-9.e-]+ after \d+ updates, where it needs a root of F, and F has none at x = -"


def sde(landscape: sg.Landscape = FALLING, w0: Any = 1.0, **options: Any) -> sg.Ensemble:
    return sg.simulate_sde(landscape, CONFIG, w0, 200, paths=20, **{"engine": "numpy", "substeps": 1, **options})


RUNS: dict[str, tuple[Callable[[], sg.Ensemble], str]] = {
    "SDE": (sde, NO_ROOT),
    "torch": (lambda: sde(engine="torch"), NO_ROOT),
    "numba": (lambda: sde(engine="numba"), NO_ROOT),
    "substeps": (lambda: sde(substeps=4), NO_ROOT),
    "stages that look ahead": (lambda: sde(scheme="srs2"), NEAR),
    "SGD": (lambda: sg.simulate_sgd(FALLING, CONFIG, 1.0, 200, paths=20, engine="numpy"), NO_ROOT),
    "schedule": (lambda: sde(learning_rates=np.linspace(0.1, 0.05, 200)), NO_ROOT),
    "regions": (lambda: sde(stop="x > 30"), NO_ROOT),
    "a Brownian path": (
        lambda: sg.integrate(
            FALLING, 1.0, 20.0, 200, 20, temperature=0.1, engine="numpy",
            brownian=sg.BrownianPath(dimension=1, time=20.0, steps=200, seed=1),
        ),
        NO_ROOT,
    ),
    "a matrix": (
        lambda: sde(sg.Landscape("(x - 1.5)**2/2 + y**2/2", "x y", noise_covariance=SHEARED), [0.5, 0.0]),
        r"Path 0 was at x = 1.[0-9]+, y = [0-9.e-]+ after 5 updates, where .* no root: its least eigenvalue is -0.00",
    ),
    "a loss without bound": (
        lambda: sde(sg.Landscape("-x**4", "x")),
        r"Path 0 was at x = [0-9.e+]+ after 8 updates, where the gradient of the loss is not finite",
    ),
    "a pole of the noise": (
        lambda: sde(sg.Landscape("x**2/2", "x", noise_covariance="1/(x - 0.5)**2 + log(x - 0.2)**2")),
        r"Path 0 was at x = -?0.[0-9]+ after \d+ updates, where the noise covariance F is not finite",
    ),
}  # fmt: skip


@pytest.mark.networks
@pytest.mark.filterwarnings("ignore::sgdsde.exits.CensoredWarning")
@pytest.mark.parametrize("name", RUNS)
def test_the_warning_says_where_and_why(name: str) -> None:
    run, said = RUNS[name]
    with pytest.warns(sg.DivergenceWarning, match=said) as found:
        run()
    if "root" in said:
        assert any("cut=True" in str(each.message) for each in found)


def test_the_point_is_that_of_the_path() -> None:
    """The state in the message is the last finite snapshot."""
    with pytest.warns(sg.DivergenceWarning) as found:
        run = sde(save_every=1)
    path = run.snapshots[:, 0, 0]
    last = int(np.isfinite(path).sum()) - 1
    (said,) = [str(each.message) for each in found if each.category is sg.DivergenceWarning]
    assert f"x = {path[last]:.6g} after {last} updates" in said


def test_a_late_end_is_not_looked_for(monkeypatch) -> None:
    monkeypatch.setitem(divergence._LONGEST, "numpy", 8)
    with pytest.warns(sg.DivergenceWarning, match="Path 0 did after more than 8 steps; save_every shows where"):
        sde()


MATRIX = [["1 + x", "x + y"], ["x + y", "1 - y"]]


def test_cut_does_what_it_does_for_the_hessian() -> None:
    loss, w = "x**4/4 - x**2/2 + x*y**2", np.random.default_rng(2).uniform(-2, 2, (50, 2))
    own = [["3*x**2 - 1", "2*y"], ["2*y", "2*x"]]
    hessian, cut = (
        sg.Landscape(loss, "x y", noise_covariance="hessian"),
        sg.Landscape(loss, "x y", noise_covariance=own, cut=True),
    )
    assert (np.linalg.eigvalsh(hessian.hessian(w))[:, 0] < 0).any()
    np.testing.assert_allclose(cut.noise_covariance(w), hessian.noise_covariance(w), rtol=1e-12, atol=1e-12)


def test_cut_covariances_are_what_was_given_where_that_is_one_and_finite_elsewhere() -> None:
    w = np.random.default_rng(1).uniform(-3, 3, (200, 2))
    landscape, plain = (sg.Landscape("x**2 + y**2", "x y", noise_covariance=MATRIX, cut=cut) for cut in (True, False))
    given = np.moveaxis(np.array([[1 + w[:, 0], w.sum(axis=1)], [w.sum(axis=1), 1 - w[:, 1]]]), -1, 0)
    good = np.linalg.eigvalsh(given)[:, 0] >= 0
    assert 10 < good.sum() < 190
    np.testing.assert_allclose(landscape.noise_covariance(w)[good], given[good], rtol=1e-12, atol=1e-12)
    found = landscape.noise_covariance(w)
    assert np.isfinite(found).all()
    assert (np.linalg.eigvalsh(found)[:, 0] >= -1e-12).all()
    assert (np.diagonal(found, axis1=1, axis2=2) <= np.maximum(np.diagonal(given, axis1=1, axis2=2), 0) + 1e-12).all()
    assert np.isnan(plain.noise_covariance(w)[~good]).any()


def test_cut_of_one_expression_is_its_positive_part() -> None:
    w = np.array([[-2.0, 1.0], [3.0, 1.0]])
    landscape = sg.Landscape("x**2 + y**2", "x y", noise_covariance="x", cut=True)
    np.testing.assert_allclose(landscape.noise_covariance(w), [np.zeros((2, 2)), 3 * np.eye(2)])


def test_no_path_is_lost_with_cut() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", sg.DivergenceWarning)
        assert sde(sg.Landscape("x**2/2", "x", noise_covariance="x", cut=True), 0.5).diverged == 0
        assert sde(sg.Landscape("x**2/2", "x", noise_covariance="x", cut=True), -0.5).diverged == 0
        assert sde(sg.Landscape("x**2 + y**2", "x y", noise_covariance=MATRIX, cut=True), [0.0, 2.0]).diverged == 0


def test_what_refuses_a_start_names_cut() -> None:
    with pytest.raises(ValueError, match=r"positive semidefinite; .* cut=True takes it as 0 there"):
        sde(w0=-0.5)


def test_cut_is_part_of_the_landscape() -> None:
    import pickle

    cut, plain = (sg.Landscape("x*y", "x y", noise_covariance=MATRIX, cut=cut) for cut in (True, False))
    assert cut != plain
    assert cut.key != plain.key
    assert pickle.loads(pickle.dumps(cut)) == cut == eval(repr(cut), {"Landscape": sg.Landscape})
    assert "cut=True" in repr(cut)
    assert "cut" not in repr(plain)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cut": 1}, "cut must be True or False, got 1"),
        ({"cut": True, "noise_factor": [["1"]]}, "cut is for a covariance"),
    ],
)
def test_cut_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        sg.Landscape("x**2", "x", **options)
