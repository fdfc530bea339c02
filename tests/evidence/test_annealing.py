"""Annealing and quadrature: against exact evidences, each other, and bad input."""

import itertools
import warnings

import numpy as np
import pytest
from tables import every

from sgdsde.evidence.annealing import REPETITIONS, sampled_log_evidence
from sgdsde.evidence.quadrature import quadrature_log_evidence
from sgdsde.logistic import LogisticRegression
from sgdsde.theory.evidence import log_evidence_ratio, null_log_evidence


def task(n=20, p=2, random=False, seed=0, classes=2):
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((n, p))
    y = np.arange(n) % classes if random else (x.sum(axis=1) > 0).astype(int)
    return LogisticRegression(x, y)


def orthogonal(p=100, seed=0):
    """Directions with two examples each: labels agree in half of them. Exact evidence: a product."""
    rotation = np.linalg.qr(np.random.default_rng(seed).standard_normal((p, p)))[0]
    x = 4.0 * np.repeat(rotation[: p // 2], 2, axis=0)
    y = np.where(np.arange(p) % 4 < 2, 1, np.arange(p) % 2)
    agree, differ = (LogisticRegression([[4.0], [sign * 4.0]], [1, 0]) for sign in (-1, 1))
    return LogisticRegression(x, y), (agree, differ), p // 4


def test_quadrature_of_a_symmetric_task_is_exact():
    # σ(z) is ½ on average, whatever λ; the second direction is seen by no data.
    one = LogisticRegression([[3.0, 0.0], [0.0, 0.0]], [1, 0])
    for penalty in (1e3, 1.0, 1e-3):
        assert quadrature_log_evidence(one, penalty) == pytest.approx(-2 * np.log(2), abs=1e-12)


@pytest.mark.parametrize("penalty", [10.0, 0.1, 0.01])
def test_quadrature_does_not_depend_on_its_grid(penalty, monkeypatch):
    wide = quadrature_log_evidence(task(), penalty)
    monkeypatch.setattr("sgdsde.evidence.quadrature.REACH", 7.83)
    assert quadrature_log_evidence(task(), penalty) == pytest.approx(wide, abs=1e-8)


def test_evidences_of_all_labellings_add_up_to_one():
    """Σ over y of p(y|X) is 1: nothing of quadrature, Laplace or annealing is in this."""
    x = np.random.default_rng(1).standard_normal((4, 3))
    values, errors = [], []
    for k, signs in enumerate(itertools.product([-1, 1], repeat=4)):
        # The label 0 of x is the label 1 of −x.
        model = LogisticRegression(x * (np.array(signs) * [1, 1, 1, -1])[:, None], [1, 1, 1, 0])
        estimate = sampled_log_evidence(model, 0.05, particles=128, seed=k)
        values.append(np.exp(estimate.log_evidence))
        errors.append(values[-1] * estimate.standard_error)
    assert abs(np.sum(values) - 1) < 4.5 * np.linalg.norm(errors)
    assert np.linalg.norm(errors) < 0.04


@pytest.mark.parametrize(
    ("p", "random", "penalty"),
    [
        (1, True, 0.01),
        (2, False, 0.01),
        (2, True, 1.0),
    ],
)
def test_errors_are_calibrated(p, random, penalty):
    model, runs = task(p=p, random=random), 24
    exact = quadrature_log_evidence(model, penalty)
    found = [sampled_log_evidence(model, penalty, particles=128, seed=seed) for seed in range(runs)]
    z = np.array([(each.log_evidence - exact) / each.standard_error for each in found])
    dof = REPETITIONS - 1
    # Student's t: its square has mean ν/(ν − 2) and this variance.
    mean = dof / (dof - 2)
    spread = np.sqrt((3 * dof**2 / ((dof - 2) * (dof - 4)) - mean**2) / runs)
    assert abs(np.mean(z**2) - mean) < 4 * spread
    assert abs(z.mean()) < 4 * np.sqrt(mean / runs)


def test_many_weights_against_an_exact_evidence():
    model, pair, count = orthogonal()
    penalties = [100.0, 1.0]
    estimate = sampled_log_evidence(model, penalties, particles=128, seed=3)
    exact = [count * sum(quadrature_log_evidence(each, penalty) for each in pair) for penalty in penalties]
    assert estimate.trusted.all()
    assert (np.abs(estimate.log_evidence - exact) < 5 * estimate.standard_error).all()
    assert (estimate.standard_error < 0.25).all()


def test_softmax_of_two_classes_is_the_binary_model_with_half_the_penalty():
    binary = task(30, 3)
    softmax = LogisticRegression(binary.inputs, binary.labels, softmax=True)
    one, two = sampled_log_evidence(binary, 0.5, seed=1), sampled_log_evidence(softmax, 1.0, seed=2)
    assert abs(one.log_evidence - two.log_evidence) < 4.5 * np.hypot(one.standard_error, two.standard_error)


def test_three_classes_without_information_are_the_null_model():
    model = task(12, 4, random=True, classes=3)
    strong = sampled_log_evidence(model, 1e8, particles=128)
    assert strong.log_evidence == pytest.approx(null_log_evidence(12, 3), abs=1e-5)


def test_the_result_is_a_function_of_the_seed_and_one_penalty_gives_numbers():
    one, same, other = (sampled_log_evidence(task(), 1.0, particles=128, seed=seed) for seed in (5, 5, 6))
    assert one.log_evidence == same.log_evidence != other.log_evidence
    assert isinstance(one.log_evidence, float)
    assert isinstance(one.trusted, bool)
    several = sampled_log_evidence(task(), [1.0, 10.0], particles=128, seed=5)
    assert several.log_evidence.shape == several.effective_sample_size.shape == (2,)
    assert several.regularization.tolist() == [1.0, 10.0]


def test_a_run_too_short_to_be_trusted_says_so():
    with pytest.warns(RuntimeWarning, match="effective_sample_size is .* more particles"):
        estimate = sampled_log_evidence(task(60, 40), 1e-3, particles=128, temperatures=2)
    assert not estimate.trusted


def test_progress_rises_to_one():
    told = []
    sampled_log_evidence(task(), 1.0, particles=128, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


@every(
    ("name", "wrong"),
    [
        ("particles", {"particles": 100}),
        ("particles", {"particles": 130}),
        ("temperatures", {"temperatures": 1}),
        ("seed", {"seed": -1}),
        ("regularization", {"regularization": 0.0}),
        ("regularization", {"regularization": [1.0, -1.0]}),
        ("model", {"model": "logistic"}),
    ],
)
def test_bad_input_is_refused_by_name(name, wrong):
    arguments = {"model": task(), "regularization": 1.0} | wrong
    with warnings.catch_warnings(), pytest.raises(ValueError, match=name):
        sampled_log_evidence(arguments.pop("model"), arguments.pop("regularization"), **arguments)


def test_quadrature_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match="at most 2 directions"):
        quadrature_log_evidence(task(p=3), 1.0)
    with pytest.raises(ValueError, match="regularization must be stronger"):
        quadrature_log_evidence(task(), 1e-6)


@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize("penalty", [1000.0, 100.0, 30.0])
def test_laplace_is_within_a_tenth_of_a_nat_for_five_weights_and_strong_penalties(penalty, random):
    """By importance sampling from Laplace's Gaussian, widened so that weights are bounded; and annealing agrees."""
    model, n = task(n=50, p=5, random=random), 40_000
    fit = model.fit(penalty)
    root = 1.2 * np.linalg.inv(np.linalg.cholesky(model.hessian(fit.weights, penalty))).T
    normal = np.random.default_rng(8).standard_normal((n, 5))
    logs = np.square(normal).sum(axis=1) / 2 - model.cost(fit.weights + normal @ root.T, penalty) + fit.cost
    weights = np.exp(logs)
    error = weights.std() / weights.mean() / np.sqrt(n)
    exact = np.log(weights.mean()) + np.linalg.slogdet(root)[1] + 2.5 * np.log(penalty) - fit.cost
    assert error < 0.01
    laplace = null_log_evidence(50) - log_evidence_ratio(model.inputs, model.labels, penalty)
    assert abs(exact - laplace) < 0.1 - 4 * error
    annealed = sampled_log_evidence(model, penalty, particles=512, seed=6)
    assert abs(annealed.log_evidence - exact) < 5 * np.hypot(annealed.standard_error, error)
