from dataclasses import replace
from itertools import combinations, islice, product
from threading import Event

import numpy as np
import pytest
import torch
from scipy.stats import norm
from tables import every
from torch import nn
from torch.nn.functional import cross_entropy

from sgdsde.config import SGDConfig
from sgdsde.data import Dataset, digits
from sgdsde.dynamics.course import Course
from sgdsde.dynamics.pairs import driver_with
from sgdsde.models import draw_weights, mlp, train
from sgdsde.models.descent import descend_on_all, kick_of
from sgdsde.models.dynamics import network_dynamics
from sgdsde.models.losses import LOSSES
from sgdsde.models.motion import motion_of
from sgdsde.models.replica_loop import Group, run_group
from sgdsde.models.replicas import Examples, Part, stack
from sgdsde.models.training_plan import checked_courses

pytestmark = pytest.mark.networks

N, DRAWS, CPU = 6, 8000, torch.device("cpu")
DIGITS = digits(n_train=60, seed=3)


def course(b=2, n=N, rate=0.3, m=0.0, sampling="without_replacement", l=1, **schedules):  # noqa: E741
    return Course(SGDConfig(rate, b, n, m, sampling), l, **schedules)


def steps_of(name, setting, seed):
    found = network_dynamics(name, setting.config, substeps=setting.substeps)
    setting = replace(setting, driver=driver_with(found.dynamics.noise, setting.driver, setting.config))
    return found.stream(setting, np.random.default_rng(seed), 21)


def tiny(widths=(2, 3, 3)):
    """A network of 21 weights, its N examples, and the gradients g_i of each, (N, P), by plain autograd."""
    model, generator = mlp(*widths).double(), torch.Generator().manual_seed(1)
    x = torch.randn(N, widths[0], generator=generator, dtype=torch.float64)
    y = torch.randint(widths[-1], (N,), generator=generator)
    rows = []
    for i in range(N):
        loss = cross_entropy(model(x[i : i + 1]), y[i : i + 1])
        rows.append(torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(model.parameters()))]))
    return model, x, y, torch.stack(rows).numpy()


def displacements(model, x, y, stream, count):
    """What `count` steps of a stream would do to the weights, all from the same weights at rest: (count, P)."""
    steps = list(islice(stream, count))
    a = torch.zeros(count, N, dtype=torch.float64)
    for row, (indices, coefficients) in enumerate(steps):
        where = torch.arange(N) if indices is None else torch.from_numpy(indices)
        a[row].index_add_(0, where, torch.from_numpy(coefficients))
    start = {name: p.detach().expand(count, *p.shape).clone() for name, p in model.named_parameters()}
    end, velocity = ({name: w.clone() * factor for name, w in start.items()} for factor in (1, 0))
    with torch.no_grad():
        descend_on_all(kick_of(model, LOSSES["cross_entropy"]), end, velocity, Part(x, y), a, 0.0)
    return torch.cat([(end[name] - start[name]).flatten(1) for name in start], dim=1).numpy()


INDEPENDENT = ("without_replacement", "with_replacement")
STEPS = [  # dynamics, m, l; the step's ∇L in units of ε and its noise in units of ε²cF
    ("sgd", 0.9, 1, 1, 1),
    ("noisy_gd", 0.9, 1, 1, 1),
    ("svag", 0, 3, 1 / 3, 1 / 3),
    ("sde", 0, 4, 1 / 4, 1 / 4),
    ("sde", 0.5, 4, 2 / 4, 4 / 4),  # Δs = ε/((1 − m) l), TΔs = ε²c/((1 − m)² l)
    ("momentum_sde", 0.5, 2, 1 / 4, 1 / 8),  # u = v/l: ε/l² and ε²c/l³
]


@pytest.mark.parametrize(
    ("dynamics", "m", "l", "drift", "noise", "sampling"),
    [(*row, INDEPENDENT[k % 2]) for k, row in enumerate(STEPS)]
    + [(*row, "reshuffle") for row in STEPS if row[0] != "svag"],
)
def test_mean_and_covariance_of_a_step_are_those_of_theory(dynamics, m, l, drift, noise, sampling):  # noqa: E741
    """Every entry within 5 standard errors at most, corrected for their number; a covariance 10 % off does not pass.

    A variance is known to √(2/DRAWS) = 1.6 %: each of the 21 on the diagonal would be 6 standard errors off.
    """
    model, x, y, g = tiny()
    setting = course(m=m, sampling=sampling, l=l, driver="brownian" if dynamics not in ("sgd", "svag") else None)
    stream = steps_of(dynamics, setting, 5)
    epoch = 3 if sampling == "reshuffle" else 1  # the batches of an epoch depend on each other: one of each
    moved = displacements(model, x, y, islice(stream, 0, None, epoch), DRAWS)
    rate = setting.config.learning_rate
    mean, upper = -rate * drift * g.mean(axis=0), np.triu_indices(g.shape[1])
    predicted = (rate**2 * noise * setting.config.batch_noise * np.cov(g.T))[upper]
    products = ((moved - mean)[:, :, None] * (moved - mean)[:, None, :])[:, *upper]
    tests = g.shape[1] + products.shape[1]
    bar = norm.isf(1e-4 / 2 / tests)
    assert bar < 5.1
    for sample, truth in ((moved, mean), (products, predicted)):
        error = sample.std(axis=0, ddof=1) / np.sqrt(DRAWS)
        assert (np.abs(sample.mean(axis=0) - truth) <= bar * error + 1e-12).all()
    assert (np.abs(products.mean(axis=0) - 1.1 * predicted) > bar * error + 1e-12).any()


EPOCHED = [  # dynamics, m, l, schedules; a step's noise in units of ε²F: its part for each batch
    ("noisy_gd", 0.9, 1, {}),
    ("sde", 0.0, 1, {}),
    ("sde", 0.5, 3, {}),
    ("momentum_sde", 0.5, 2, {}),
    ("noisy_gd", 0.0, 1, {"batch_sizes": np.tile([1, 3, 2], DRAWS)}),
    ("sde", 0.0, 2, {"batch_sizes": np.tile([1, 3, 2], DRAWS), "learning_rates": np.tile([0.3, 0.2, 0.1], DRAWS)}),
]


@pytest.mark.parametrize(("dynamics", "m", "l", "schedules"), EPOCHED)
def test_noise_of_an_epoch_adds_up_to_nothing_and_its_batches_are_anticorrelated(dynamics, m, l, schedules):  # noqa: E741
    """Cov of the noise of two batches is F(δ_ij/B_i − 1/N), per ε; Brownian motion, the control, has no −1/N.

    A correlation of −1/2 is known to 1/√2000 = 2 %.
    """
    _, _, _, g = tiny()
    g = (g - g.mean(axis=0))[:, :2]
    sizes = schedules.get("batch_sizes", np.full(3, 2))[:3]
    rates = schedules.get("learning_rates", np.full(3, 0.3))[:3]
    unit = {"noisy_gd": 1, "sde": 1 / (1 - m), "momentum_sde": 1 / l}[dynamics]  # what l steps of an update have of ε
    exact = np.kron(np.diag(1 / sizes) - 1 / N, np.cov(g.T))
    upper = np.triu_indices(6)
    found = {}
    for driver in ("epoched", "brownian"):
        setting = course(m=m, sampling="reshuffle", l=l, driver=driver, **schedules)
        steps = islice(steps_of(dynamics, setting, 8), DRAWS // 4 * 3 * l)
        a = np.stack([coefficients for _, coefficients in steps]).reshape(-1, 3, l, N).sum(axis=2)
        xi = (a - a.mean(axis=2, keepdims=True)) / rates[:, None] / unit  # (epochs, batches, examples)
        if driver == "epoched":
            assert np.abs((xi * sizes[:, None]).sum(axis=1)).max() < 1e-13
        flat = (xi @ g).reshape(len(xi), 6)
        found[driver] = (flat[:, :, None] * flat[:, None, :])[:, *upper]
    for driver, products in found.items():
        error = products.std(axis=0, ddof=1) / np.sqrt(len(products))
        good = (np.abs(products.mean(axis=0) - exact[upper]) <= norm.isf(1e-4 / 2 / 21) * error + 1e-15).all()
        assert good is np.bool_(driver == "epoched")


@pytest.mark.parametrize(
    ("name", "sampling", "given", "expected"),
    [
        ("sde", "reshuffle", None, "epoched"),
        ("sde", "reshuffle", "brownian", "brownian"),
        ("noisy_gd", "without_replacement", None, "brownian"),
        ("sgd", "reshuffle", None, None),
    ],
)
def test_the_driver_is_that_of_the_sampling_and_can_be_given(name, sampling, given, expected):
    config = course(sampling=sampling).config
    ((_, found),) = checked_courses([config], name, None, 1, 3, None, None, given)
    assert found.driver == expected


@every("sampling", INDEPENDENT)
@every("l", [1, 2, 5])
def test_svag_by_enumeration_of_all_pairs_of_batches(l, sampling):  # noqa: E741
    g = tiny()[3]
    setting = course(sampling=sampling, l=l)
    config = setting.config
    _, a = next(steps_of("svag", setting, 0))
    batches = list(combinations(range(N), 2) if sampling == "without_replacement" else product(range(N), repeat=2))
    pairs = np.array([(*first, *second) for first, second in product(batches, batches)])
    moved = np.einsum("i,bip->bp", a, g[pairs])
    rate = config.learning_rate
    np.testing.assert_allclose(moved.mean(axis=0), rate / l * g.mean(axis=0), rtol=1e-12, atol=1e-15)
    exact = rate**2 / l * config.batch_noise * np.cov(g.T)
    np.testing.assert_allclose(np.cov(moved.T, bias=True), exact, rtol=1e-11, atol=1e-15)


def test_svag_of_one_is_sgd_with_every_other_batch():
    one, plain = (steps_of(name, course(), 4) for name in ("svag", "sgd"))
    for _ in range(5):
        (indices, a), (first, coefficients), (second, _) = next(one), next(plain), next(plain)
        assert indices.tolist() == [*first, *second]
        assert a.tolist() == [*coefficients, 0, 0]


@pytest.mark.parametrize("other", ["sde", "momentum_sde"])
def test_one_step_for_an_update_is_noisy_gradient_descent(other):
    setting = course(m=0.0 if other == "sde" else 0.9)
    steps = [steps_of(name, setting, 4) for name in (other, "noisy_gd")]
    assert next(network_dynamics(other, setting.config).kicks(setting))[0] == setting.config.momentum
    for _ in range(3):
        (_, a), (_, b) = (next(stream) for stream in steps)
        assert np.array_equal(a, b)


class Bowl(nn.Module):
    """Linear regression as a network: the cross-entropy of label 0 is exactly 1 + ½ Σ_j h_j (ω_j − x_j)²."""

    def __init__(self, curvature):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(len(curvature), dtype=torch.float64))
        self.register_buffer("curvature", torch.tensor(curvature, dtype=torch.float64))

    def reset_parameters(self):
        nn.init.zeros_(self.w)

    def forward(self, x):
        loss = 1 + (self.curvature * (self.w - x) ** 2).sum(1) / 2
        return torch.stack([-loss, torch.log1p(-torch.exp(-loss))], dim=1)


H = np.array([1.0, 0.6])


@pytest.mark.parametrize(
    ("dynamics", "m", "l"),
    [
        ("sgd", 0.5, 1),
        ("noisy_gd", 0.5, 1),
        ("svag", 0.0, 1),
        ("sde", 0.5, 4),
        *(
            pytest.param(*case, marks=pytest.mark.slow("four steps an update of 400 networks"))
            for case in (("svag", 0.0, 4), ("sde", 0.0, 4), ("momentum_sde", 0.5, 4))
        ),
    ],
)
def test_stationary_variance_of_linear_regression(dynamics, m, l):  # noqa: E741
    """Var ω_j in the closed forms of the maps; at B = N/2 a noise of 1/B in place of c would be double."""
    replicas, updates, n, rate = 400, 24, 8, 0.25
    setting = course(b=4, n=n, rate=rate, m=m, l=l)
    x = np.random.default_rng(0).standard_normal((n, 2))
    x = (x - x.mean(axis=0)) / 4
    y = np.zeros(n, np.int64)
    data, model = Dataset("bowl", x, y, x, y, (), "normal"), Bowl(H)
    kind = network_dynamics(dynamics, setting.config, substeps=l)
    weights = stack([draw_weights(model, 0)] * replicas, CPU, torch.float64)
    streams = [kind.stream(setting, np.random.default_rng([9, r]), 2) for r in range(replicas)]
    examples = Examples.of([data], CPU, torch.float64)
    group = Group(model, weights, examples, streams, motion_of(model, kind, setting, weights), l, n)
    run_group(group, [updates], {}, Event())
    c_f = setting.config.batch_noise * np.var(H * x, axis=0, ddof=1)
    heavy = {"sgd": (m, rate, rate**2), "momentum_sde": (1 - (1 - m) / l, rate / l**2, rate**2 / l**3)}
    heavy |= {"noisy_gd": heavy["sgd"], "svag": (0, rate / l, rate**2 / l)}
    heavy["sde"] = (0, rate / (1 - m) / l, rate**2 / (1 - m) ** 2 / l)
    r, kick, noise = heavy[dynamics]  # docs/theory.md §3, with the noise of a step apart from its kick
    predicted = noise * c_f * (1 + r) / (kick * H * (1 - r) * (2 * (1 + r) - kick * H))
    squares = weights["w"].numpy() ** 2
    error = squares.std(axis=0, ddof=1) / np.sqrt(replicas)
    assert (np.abs(squares.mean(axis=0) - predicted) < 4.5 * error).all()
    assert (np.abs(squares.mean(axis=0) - 2 * predicted) > 4.5 * error).all()


@pytest.mark.parametrize("m", [0.0, 0.5])
def test_a_vanishing_decay_is_none(m):
    """The rule's own code keeps the momentum that steps of the momentum SDE have without any in the config."""
    options = {"dynamics": "momentum_sde", "substeps": 4, "dtype": "float64", "seed": 3}
    runs = [
        train(mlp(64, 6, 10), DIGITS, SGDConfig(0.05, 5, 60, m, weight_decay=decay), 5, **options)
        for decay in (0.0, 1e-13)
    ]
    np.testing.assert_allclose(runs[1].train_loss, runs[0].train_loss, rtol=1e-10)
