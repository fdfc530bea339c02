"""Noise scales of networks against dense matrices, and their estimates from batches of two sizes."""

from itertools import combinations

import numpy as np
import pytest
import torch
from scipy.stats import binom, chisquare, norm
from tables import every
from torch import nn

from sgdsde.config import SAMPLINGS
from sgdsde.data import digits
from sgdsde.models import mlp
from sgdsde.models.batch_noise_scales import NoiseScales, covariance_curvature, noise_scales
from sgdsde.models.covariance import noise_covariance
from sgdsde.models.curvature import mean_hessian
from sgdsde.models.example_losses import example_losses
from sgdsde.models.two_batches import SAMPLERS, TwoBatchEstimates, _lengths, two_batch_estimates

pytestmark = [pytest.mark.networks, pytest.mark.usefixtures("one_thread")]

DATA = digits(n_train=40)


def all_gradients(model):
    rows = []
    for x, y in zip(torch.tensor(DATA.x_train).double(), torch.tensor(DATA.y_train), strict=True):
        parts = torch.autograd.grad(nn.functional.cross_entropy(model(x[None]), y[None]), list(model.parameters()))
        rows.append(torch.cat([p.flatten() for p in parts]))
    return torch.stack(rows).numpy()


def second_derivatives(model, x, y):
    shapes = [p.shape for p in model.parameters()]
    names = [name for name, _ in model.named_parameters()]

    def loss(flat):
        parts = torch.split(flat, [s.numel() for s in shapes])
        at = {name: part.reshape(s) for name, part, s in zip(names, parts, shapes, strict=True)}
        return nn.functional.cross_entropy(torch.func.functional_call(model, at, (x,)), y)

    flat = torch.cat([p.detach().flatten() for p in model.parameters()])
    return torch.autograd.functional.hessian(loss, flat).numpy()


def test_noise_scales_against_dense_matrices():
    model = mlp(64, 4, 10, seed=2)
    found = noise_scales(noise_covariance(model, DATA, chunk=16), mean_hessian(model, DATA))
    gradients = all_gradients(model.double())
    f, g = np.cov(gradients.T), gradients.mean(0)
    h = second_derivatives(model, torch.tensor(DATA.x_train).double(), torch.tensor(DATA.y_train))
    assert found.simple == pytest.approx(np.trace(f) / (g @ g), rel=1e-10)
    assert found.noise.value == pytest.approx(np.trace(h @ f) / (g @ h @ g), rel=1e-10)
    assert found.noise.standard_error == 0


def test_random_probes_of_tr_hf():
    model = mlp(64, 4, 10, seed=2)
    f, h = noise_covariance(model, DATA), mean_hessian(model, DATA)
    exact, found = covariance_curvature(f, h).value, covariance_curvature(f, h, probes=400, seed=5)
    assert found.standard_error < 0.1 * exact
    assert abs(found.value - exact) < 4.5 * found.standard_error
    assert abs(found.value - 2 * exact) > 4.5 * found.standard_error
    scales = noise_scales(f, h, probes=400, seed=5)
    assert scales.noise.standard_error == pytest.approx(found.standard_error / abs(scales.gradient_curvature))


def test_a_minimum_has_an_infinite_simple_noise_scale():
    assert NoiseScales(1.0, 0.0).simple == float("inf")
    with pytest.raises(ValueError, match="hessian must be given"):
        _ = NoiseScales(1.0, 0.0).noise


TINY = (np.random.default_rng(1).standard_normal((6, 3)), [0, 1, 1, 0, 1, 0])


def test_two_batches_are_unbiased_over_all_batches():
    """N = 6: the mean over all ordered batches of 3 without replacement, each cut at 2, is F's trace to rounding."""
    model = mlp(3, 2, seed=4)
    f, losses = noise_covariance(model, TINY), example_losses(model, TINY)
    batches = [[*pair, i] for pair in combinations(range(6), 2) for i in range(6) if i not in pair]
    small, big = np.mean([_lengths(losses, torch.tensor(batch), 2, None) for batch in batches], axis=0)
    c = [SAMPLINGS["without_replacement"].batch_noise(6, size) for size in (2, 3)]
    assert (small - big) / (c[0] - c[1]) == pytest.approx(f.trace, rel=1e-12)
    assert (small - big) / (1 / 2 - 1 / 3) == pytest.approx(f.trace, rel=1e-12)  # the same: 1/N drops out
    assert (c[0] * big - c[1] * small) / (c[0] - c[1]) == pytest.approx(f.squared_norm, rel=1e-12)
    naive = (3 * big - 2 * small) / (3 - 2)
    assert naive == pytest.approx(f.squared_norm - f.trace / 6, rel=1e-12)  # McCandlish's, of the population


@pytest.mark.parametrize(
    "sampling",
    ["without_replacement", pytest.param("with_replacement", marks=pytest.mark.slow("seconds, as of the other"))],
)
def test_two_batches_within_their_errors(sampling):
    """800 repetitions against the exact numbers, within 4 σ; with Σ/B for c one misses by more; intervals cover."""
    model = mlp(3, 2, seed=4)
    f, h = noise_covariance(model, TINY), mean_hessian(model, TINY)
    scales = noise_scales(f, h)
    found = two_batch_estimates(model, TINY, (1, 4), 800, sampling=sampling, seed=0)
    top, bottom, ratio = found.numerator, found.denominator, found.noise_scale
    assert abs(top.value - f.trace) < 4 * top.standard_error < 0.1 * f.trace
    assert abs(bottom.value - f.squared_norm) < 4 * bottom.standard_error < 0.4 * f.trace / 6
    bias = (bottom.standard_error / bottom.value) ** 2 * ratio.value  # of a ratio of means, to first order
    assert abs(ratio.value - scales.simple) < 4 * ratio.standard_error + 2 * bias
    lengths = bottom.value + np.array([SAMPLINGS[sampling].batch_noise(6, size) for size in (1, 4)]) * top.value
    naive = (lengths[0] - lengths[1]) / (1 - 1 / 4), (4 * lengths[1] - lengths[0]) / (4 - 1)
    misses = abs(np.array(naive) - (f.trace, f.squared_norm)) / (top.standard_error, bottom.standard_error)
    assert misses[0 if sampling == "with_replacement" else 1] > 7
    groups = [
        TwoBatchEstimates(found.numerators[k : k + 32], found.denominators[k : k + 32]) for k in range(0, 800, 32)
    ]
    covered = sum(low <= scales.simple <= high for low, high in (each.interval() for each in groups))
    assert covered >= binom(25, 0.95).ppf(norm.sf(4))
    curved = two_batch_estimates(model, TINY, (1, 4), 100, hessian=h, sampling=sampling, seed=1)
    assert abs(curved.numerator.value - scales.curvature_trace.value) < 4 * curved.numerator.standard_error
    assert abs(curved.denominator.value - scales.gradient_curvature) < 4 * curved.denominator.standard_error


@pytest.mark.parametrize("sampling", SAMPLERS)
def test_the_first_examples_of_a_batch_are_a_batch_themselves(sampling):
    generator = np.random.default_rng(0)
    first = [SAMPLERS[sampling](6, 4, generator)[0] for _ in range(3000)]
    assert chisquare(np.bincount(first, minlength=6)).pvalue > 2 * norm.sf(4)


def test_the_interval_is_fiellers():
    """At its ends the mean of numerator − ρ denominator is Student's t away from 0."""
    generator = np.random.default_rng(0)
    bottom = 2 + generator.standard_normal(20)
    found = TwoBatchEstimates(3 * bottom + generator.standard_normal(20), bottom)
    for end in found.interval(0.9):
        rest = found.numerators - end * found.denominators
        assert abs(rest.mean()) / (rest.std(ddof=1) / np.sqrt(20)) == pytest.approx(1.729133, rel=1e-6)
    low, high = found.interval(0.9)
    assert low < found.noise_scale.value < high
    assert (high - low) / 2 == pytest.approx(1.729 * found.noise_scale.standard_error, rel=0.1)
    assert TwoBatchEstimates(bottom, bottom - bottom.mean(), signed=True).interval() == (-np.inf, np.inf)
    with pytest.raises(ValueError, match="level must be a finite real number above 0 and below 1, got 1"):
        found.interval(1)


X, Y = np.zeros((4, 3)), [0, 1, 1, 0]


@every(
    ("call", "message"),
    [
        (
            lambda: noise_scales(noise_covariance(mlp(3, 2), (X, Y)), mean_hessian(mlp(3, 2, 2), (X, Y))),
            "hessian must be of the covariance's network, with P = 8, got 14",
        ),
        (
            lambda: noise_scales(noise_covariance(mlp(3, 2), (X, Y)), mean_hessian(mlp(3, 2), (X, Y)), probes=1),
            "probes must be an integer of at least 2, for a standard error",
        ),
        (
            lambda: two_batch_estimates(mlp(3, 2), (X, Y), (2, 2), 9),
            "batch_sizes must be two integers, small < big, got",
        ),
        (
            lambda: two_batch_estimates(mlp(3, 2), (X, Y), (2, 5), 9),
            "each of batch_sizes must be an integer from 1 to 4, got 5",
        ),
        (lambda: two_batch_estimates(mlp(3, 2), (X, Y), (0, 2), 9), "batch_sizes must"),
        (lambda: two_batch_estimates(mlp(3, 2), (X, Y), 2, 9), "batch_sizes must"),
        (lambda: two_batch_estimates(mlp(3, 2), (X, Y), (1, 2), 1), "repetitions must be an integer of at least 2"),
        (lambda: two_batch_estimates(mlp(3, 2), (X, Y), (1, 2), 9, sampling="reshuffle"), "sampling must be one of"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
