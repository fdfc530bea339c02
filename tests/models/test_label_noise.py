"""Noise of labels: who gets which, that nothing else changes, and what is refused."""

import numpy as np
import pytest
import torch
import xarray as xr
from scipy import stats
from tables import every
from torch import nn

from sgdsde import Landscape, SGDConfig, simulate_sgd
from sgdsde.data import Dataset, digits
from sgdsde.dynamics import all_noises, find
from sgdsde.models import mlp, train, training

pytestmark = pytest.mark.networks

DIGITS = digits(n_train=60, seed=3)
CONFIG = SGDConfig(0.1, 5, 60, 0.9)
RUN = {"updates": 31, "replicas": 2, "evaluate_every": 3, "seed": 4}
BITS = np.arange(8) % 2
POINTS = np.random.default_rng(0).standard_normal((8, 3))


def bits(labels):
    return Dataset("bits", POINTS, labels, POINTS, BITS)


def same(found, expected):
    """All that was measured."""
    for name in expected.data_vars:
        np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize("dynamics", ["sgd", "adam"])
def test_without_strength_it_is_batches_bit_for_bit(dynamics):
    config = CONFIG if dynamics == "sgd" else SGDConfig(0.01, 5, 60)
    plain, still, moved = (
        train(mlp(64, 6, 10), DIGITS, config, dynamics=dynamics, noise=noise, **RUN)
        for noise in (None, "labels:0", "labels:0.5")
    )
    same(still, plain)
    assert (moved.train_loss != plain.train_loss).all()
    assert still.attrs["dynamics"] == f"{dynamics}+labels:0"


@pytest.mark.parametrize(("loss", "outputs"), [("cross_entropy", 2), ("binary_cross_entropy", 1)])
def test_of_two_classes_with_certainty_it_is_the_other(loss, outputs):
    """Bit for bit, in all but what is measured of the labels themselves."""
    config = SGDConfig(0.1, 3, 8, 0.5, "reshuffle")
    flipped = train(mlp(3, 4, outputs), bits(BITS), config, noise="labels:1", loss=loss, **RUN)
    other = train(mlp(3, 4, outputs), bits(1 - BITS), config, loss=loss, **RUN)
    for name in ("weight_norm", "test_loss", "test_accuracy"):
        np.testing.assert_array_equal(flipped[name], other[name])
    assert (flipped.train_loss != other.train_loss).all()


@pytest.mark.parametrize(("p", "classes"), [(0.3, 4), (1.0, 3), (0.05, 10)])
def test_labels_are_replaced_by_the_others_alike(p, classes):
    """χ² of all shifts against (1 − p, p/(C − 1), …), at a level of 1e-4."""
    shifts = all_noises()["labels"].relabel(p, classes, (40_000,), np.random.default_rng(1))
    odds = np.array([1 - p, *[p / (classes - 1)] * (classes - 1)])
    counts, kept = np.bincount(shifts, minlength=classes), odds > 0
    assert not counts[~kept].any()
    assert stats.chisquare(counts[kept], odds[kept] * len(shifts)).pvalue > 1e-4


def test_real_targets_have_the_variance_of_a_first_order_autoregression(monkeypatch):
    """A line through 0 on all N points: ω ← (1 − εh)ω + ε(2σ/N) Σ x z + …, h = (2/N) Σ x².

    100 · 12 states 8 updates apart, whose correlation is (1 − εh)⁸ < 1e-4; the variance has a relative error of
    √(2/1200) = 4 %. Replicas go together, which is fifty times faster here and changes nothing (below).
    """
    monkeypatch.setattr(training, "groups", lambda moving, device: [[*range(len(moving))]])
    x, sigma, rate = np.array([[0.5], [1.0], [1.5], [2.0]]), 0.7, 0.2
    line, config = Dataset("line", x, x, x, x), SGDConfig(rate, 4, 4)
    runs = train(
        nn.Linear(1, 1, bias=False), line, config, 128, 100, noise=f"labels:{sigma}", loss="mse", evaluate_every=8,
        dtype="float64", measures={"slope": lambda weights, x, y: weights["weight"][0, 0]},
    )  # fmt: skip
    slopes = runs.slope.values[:, 4:].ravel()
    squares, n = (x**2).sum(), len(x)
    kept = 1 - rate * 2 * squares / n
    expected = (rate * 2 * sigma / n) ** 2 * squares / (1 - kept**2)
    assert kept**8 < 1e-4
    assert abs(slopes.var(ddof=1) / expected - 1) < 4 * np.sqrt(2 / len(slopes)) < 0.2
    assert abs(slopes.mean() - 1) < 4 * np.sqrt(expected / len(slopes))


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_replicas_that_go_together_have_labels_of_their_own(loss, monkeypatch):
    data = DIGITS
    if loss == "mse":
        rows = [np.eye(10)[y] for y in (DIGITS.y_train, DIGITS.y_test)]
        data = Dataset("rows", DIGITS.x_train, rows[0], DIGITS.x_test, rows[1])
    arguments = (mlp(64, 6, 10), data, SGDConfig(0.1, 7, 60, 0.5, "shuffle_once"))
    options = {**RUN, "replicas": 3, "noise": "labels:0.4", "loss": loss, "dtype": "float64"}
    alone = train(*arguments, **options)
    monkeypatch.setattr(training, "groups", lambda moving, device: [[*range(len(moving))]])
    together = train(*arguments, **options)
    for name in alone.data_vars:
        np.testing.assert_allclose(together[name], alone[name], rtol=1e-9)
    fewer = train(*arguments, **(options | {"replicas": 2}))
    np.testing.assert_allclose(fewer.train_loss, together.train_loss[:2], rtol=1e-9)


@pytest.mark.parametrize("dynamics", ["sgd", "nesterov"])
def test_a_run_that_was_cut_short_goes_on_bit_for_bit(dynamics, tmp_path):
    class Cut(Exception):
        pass

    made = []

    def measure(weights, x, y):
        made.append(1)
        if len(made) == 4:
            raise Cut
        return 0.0

    arguments = (mlp(64, 6, 10), DIGITS, SGDConfig(0.1, 7, 60, 0.9, "reshuffle", drop_last=True))
    options = {**RUN, "dynamics": dynamics, "noise": "labels:0.3"}
    whole = train(*arguments, **options, measures={"bias": lambda weights, x, y: 0.0})
    with pytest.raises(Cut):
        train(*arguments, **options, measures={"bias": measure}, checkpoint=tmp_path / "run")
    found = train(*arguments, **options, measures={"bias": measure}, checkpoint=tmp_path / "run")
    xr.testing.assert_identical(found, whole)


@every(
    ("noise", "options", "message"),
    [
        ("labels", {}, "noise 'labels' must have a number of zero or more after it, as labels:0.1, got 'labels'"),
        ("labels:-1", {}, "must have a number of zero or more"),
        ("labels:nan", {}, "must have a number of zero or more"),
        ("labels:two", {}, "must have a number of zero or more"),
        ("labels:1.5", {}, "noise 'labels' takes a probability, at most 1, with loss 'cross_entropy'; got 1.5"),
        ("batches:2", {}, "noise 'batches' must have no number after it, got 'batches:2'"),
        (
            "label:1",
            {},
            "noise must be one of batches, diagonal, isotropic, labels:number, .*, svag, got 'label:1'",
        ),
        (
            "labels:0.1",
            {"loss": lambda outputs, y: nn.functional.cross_entropy(outputs, y, reduction="none")},
            "changes class numbers of a loss that knows its classes, or real targets; got integers",
        ),
    ],
)
def test_what_cannot_be_is_refused(noise, options, message):
    with pytest.raises(ValueError, match=message):
        train(mlp(64, 6, 10), DIGITS, CONFIG, 3, noise=noise, **options)


def test_a_landscape_has_no_labels():
    bowl = Landscape("x**2/2", "x")
    with pytest.raises(ValueError, match="noise must not be 'labels' on a landscape: it has no labels"):
        simulate_sgd(bowl, CONFIG, 1.0, 3, 2, noise="labels:0.1")
    assert find("sgd", CONFIG, "labels:0.1").strength == 0.1
    assert torch.tensor(find("sgd", CONFIG).strength).isnan()
