"""The claim ``gradient_normality``: its batches against laws that are known, and what it makes of normal ones."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from sgdsde.statistics import energy_distance
from tests.mutations.gradient_normality import as_of_one, normal_at_every_b
from validation.claim import discover
from validation.claims.gradient_normality import _distances, _kurtoses
from validation.context import Context
from validation.mnist.cells.normality import batches
from validation.mnist.cells.normality.batches import Drawing, drawn, energy, seen_in_batches
from validation.mnist.cells.normality.gradients import KINDS, LEADING, batch_gradients
from validation.mnist.normality import Runs, Size, run_all
from validation.verdict import Verdict, rule

pytestmark = pytest.mark.networks

CLAIM = discover()["gradient_normality"]
DRAWING = Drawing((1, 4, 64), draws=300, examples=10_000, groups=6)
LIMIT = 4.0


def heavy(seed=0):
    """Gradients of 400 examples: two directions from Student's t, and one of signs."""
    generator = np.random.default_rng(seed)
    return {"t": generator.standard_t(2.5, (400, 2)), "signs": np.tile([[1.0], [-1.0]], (200, 1))}


def test_the_kurtosis_of_batches_is_that_of_examples_over_b():
    gradients = heavy()
    seen = seen_in_batches(gradients, DRAWING, 1)
    centred = gradients["t"] - gradients["t"].mean(axis=0)
    kappa = ((centred**4).mean(axis=0) / (centred**2).mean(axis=0) ** 2 - 3).mean()
    np.testing.assert_allclose(seen.excess, [kappa, -2.0])
    np.testing.assert_allclose(seen.kurtosis, [[3 + kappa / b, 3 - 2 / b] for b in (1, 4, 64)])
    error = seen.measured.std("group", ddof=1) / np.sqrt(DRAWING.groups)
    assert (abs(seen.measured.mean("group") - seen.kurtosis) < 5 * error + 1e-9).all()


def test_vectors_of_few_examples_are_far_from_normal_and_those_of_many_are_not():
    seen = seen_in_batches(heavy(), DRAWING, 2).distance
    assert np.isnan(seen.isel(kind=1)).all()
    mean, error = seen.isel(kind=0).mean("group"), seen.isel(kind=0).std("group", ddof=1) / np.sqrt(DRAWING.groups)
    assert float(mean[0]) > 6 * float(error[0])
    assert abs(float(mean[2])) < 4 * float(error[2])


def test_draws_have_the_covariance_of_batches_with_replacement():
    gradients = heavy()["t"]
    errors = drawn(gradients, 8, 20_000, 3)
    assert errors.shape == (20_000, 2)
    np.testing.assert_allclose(np.cov(errors.T), np.cov(gradients.T, ddof=0) / 8, rtol=0.08, atol=0.01)
    assert len(np.unique(drawn(gradients, 1, 4000, 3)[:, 0])) == 400


def test_the_distance_is_that_of_the_library():
    generator = np.random.default_rng(4)
    x, y = generator.standard_normal((60, 3)), generator.standard_normal((60, 3)) + 0.3
    assert energy(x, y) == pytest.approx(energy_distance(x, y).value)


def made_of(gradients):
    """Runs as if every network and stage had these gradients in every kind."""
    size = Size({"late": 10}, DRAWING.batch_sizes, DRAWING.draws, DRAWING.examples, DRAWING.groups, 14)
    rows = [
        seen_in_batches(dict.fromkeys(KINDS[:2], gradients) | {KINDS[2]: gradients[:, :1]}, DRAWING, seed)
        for seed in range(14)
    ]
    names = {"stage": ["late"], "kind": list(KINDS), "batch": list(DRAWING.batch_sizes)}
    return Runs(size, xr.concat(rows, "replica").expand_dims("stage").assign_coords(names))


def rulings(checks):
    return {check.label: rule(check, CLAIM.protocol.terms(check.label), LIMIT) for check in checks}


def test_heavy_examples_are_told_from_normal_ones():
    runs = made_of(heavy()["t"])
    found = rulings([*_kurtoses(runs), *_distances(runs)])
    assert found[f"kurtosis over 3 + κ/B, {LEADING}, late, B = 4"].verdict is Verdict.AGREES
    assert found[f"distance from normal, {LEADING}, late, B = 1"].verdict is Verdict.DIFFERS
    assert found[f"distance from normal, {LEADING}, late, B = 64"].verdict is Verdict.AGREES
    assert runs.hidden_from(LEADING, "late", 4.0) in (4, 64)


@pytest.mark.parametrize(("patch", "rival"), [(normal_at_every_b, "normal at every B"), (as_of_one, "as at B = 1")])
def test_no_rival_that_is_the_truth_is_taken_for_theory(monkeypatch, patch, rival):
    patch(monkeypatch)
    runs = made_of(heavy()["t"])
    found = rulings([*_kurtoses(runs), *_distances(runs)])
    named = [ruling for ruling in found.values() if rival in ruling.rivals]
    assert named
    assert not any(ruling.verdict is Verdict.AGREES for ruling in named)


def test_networks_are_looked_at_before_and_after_training():
    cell = {
        "source": "digits", "n_examples": 100, "hidden": 8, "learning_rate": 0.1, "trained_with": 10, "momentum": 0.5,
        "stages": (0, 20, 60), "batch_sizes": (1, 4), "directions": 2, "draws": 20, "examples": 100, "groups": 2,
        "replicas": 2, "seed": 5, "device": "cpu",
    }  # fmt: skip
    found = batch_gradients(**cell)
    assert dict(found.sizes) == {"replica": 2, "stage": 3, "batch": 2, "kind": 3, "group": 2}
    assert (found.train_loss.diff("stage") < 0).all()
    np.testing.assert_allclose(found.kurtosis.sel(batch=0), found.excess + 3)
    again = batch_gradients(**cell | {"replicas": 1})
    np.testing.assert_allclose(again.measured, found.measured[:1])


def test_runs_have_names_for_stages_and_kinds():
    size = Size({"initial": 0, "late": 10}, (1, 4), 20, 100, 2, 1, n_examples=100, hidden=8, directions=2)
    runs = run_all(Context("gradient_normality", "smoke", (1, 2), size), "digits", size)
    assert runs.distances(LEADING, "late", 4).shape == (2,)
    assert len(runs.ratios("the mean gradient", "initial", 1)[0]) == 4
    assert len(list(runs.cases())) == 12
    assert batches.TOGETHER > 0
