"""Log-determinants from products: against known spectra, with errors that must be those that are reported."""

import importlib

import numpy as np
import pytest
from scipy.sparse import diags_array
from scipy.sparse.linalg import aslinearoperator
from scipy.stats import kstest, norm, t
from tables import every

from sgdsde.logistic import LogisticRegression
from sgdsde.statistics.log_determinant import log_determinant
from sgdsde.statistics.spectral_sum import DEFLATION_LOSS, LogTerms, deflate

module = importlib.import_module("sgdsde.statistics.log_determinant")
BULK = np.linspace(0, 4, 300)
OUTLIERS = np.concatenate([np.geomspace(3, 3000, 25), np.linspace(0, 1, 275)])
PENALTIES = (1e-2, 1e-1, 1.0, 10.0, 100.0)


def true(eigenvalues, penalty=1.0):
    return np.log1p(eigenvalues / penalty).sum()


def probe_variance(f, n):
    """The variance of d times the mean of xᵀFx over n orthogonal x, uniform on the sphere, from F's eigenvalues f."""
    d = len(f)
    return 2 * (d * (f**2).sum() - f.sum() ** 2) / (d + 2) / n * (1 - (n - 1) / (d - 1))


def quick(eigenvalues, penalty=1.0, **options):
    return log_determinant(np.diag(eigenvalues), penalty, **{"probes": 8, "deflation": 0, "tolerance": 1e-6, **options})


def rotated(eigenvalues, seed=0):
    """A full matrix with these eigenvalues."""
    q = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(eigenvalues),) * 2))[0]
    return (q * eigenvalues) @ q.T


@pytest.mark.slow("200 estimates")
def test_standard_errors_are_those_of_the_estimates():
    """z is Student's, the variance of 200 values is known exactly, and both miss by 4.5σ when it is not so."""
    found = [quick(BULK, probes=12, seed=seed) for seed in range(200)]
    values, errors = np.array([f.value for f in found]), np.array([f.standard_error for f in found])
    exact = probe_variance(np.log1p(BULK), 12)
    level = 2 * norm.sf(4.5)
    assert kstest((values - true(BULK)) / errors, t(11).cdf).pvalue > level
    assert abs(values.mean() - true(BULK)) < 4.5 * np.sqrt(exact / 200)
    assert abs(values.var(ddof=1) / exact - 1) < 4.5 * np.sqrt(2 / 199)
    assert abs((errors**2).mean() / exact - 1) < 4.5 * np.sqrt(2 / 11 / 200)
    # Negative controls: another λ by 1 %, and the error without the correction for few dimensions.
    assert abs(values.mean() - true(BULK, 1.01)) > 4.5 * np.sqrt(exact / 200)
    many = [quick(BULK, probes=200, seed=seed) for seed in range(6)]
    share = np.mean([f.standard_error**2 for f in many]) / probe_variance(np.log1p(BULK), 200)
    assert abs(share - 1) < 4.5 * np.sqrt(2 / 199 / 6)
    assert abs(share / (1 - 200 / 300) - 1) > 1


def test_outliers_are_summed_exactly():
    """With them apart the standard error is that of the rest of the spectrum; the estimate keeps to it."""
    z = []
    for seed in range(40):
        found = log_determinant(np.diag(OUTLIERS), 1.0, probes=12, deflation=100, tolerance=1e-6, seed=seed)
        assert found.deflated >= 22
        z.append((found.value - true(OUTLIERS)) / found.standard_error)
    assert kstest(z, t(11).cdf).pvalue > 2 * norm.sf(4.5)
    plain = quick(OUTLIERS, probes=12)
    assert found.standard_error < plain.standard_error / 3


@pytest.mark.parametrize("steps", [2, 3, 5, 8, 13])
@pytest.mark.parametrize("deflation", [0, 40])
def test_the_bracket_holds_for_every_probe(steps, deflation):
    """What the probes give with all steps is inside: a theorem, so that no seed may break it."""
    widths = []
    for seed in range(8):
        options = {"probes": 6, "deflation": deflation, "tolerance": 1e-12, "seed": seed}
        exact = log_determinant(np.diag(OUTLIERS), 1.0, steps=300, **options)
        found = log_determinant(np.diag(OUTLIERS), 1.0, steps=steps, **options)
        assert exact.quadrature_error < 1e-5
        assert abs(found.value - exact.value) <= found.quadrature_error + exact.quadrature_error
        widths.append(found.quadrature_error)
    assert steps < 13 or np.max(widths) < 0.1 * true(OUTLIERS)
    assert steps > 3 or np.min(widths) > 1e-4


def test_a_tolerance_ends_the_steps_when_the_bracket_is_narrow_enough():
    rough, fine = (quick(OUTLIERS, probes=8, tolerance=tolerance) for tolerance in (1e-2, 1e-5))
    assert rough.steps < fine.steps < 128
    assert rough.quadrature_error <= 1e-2 * rough.value
    assert fine.quadrature_error <= 1e-5 * fine.value
    assert abs(rough.value - fine.value) <= rough.quadrature_error + fine.quadrature_error


@pytest.mark.parametrize("steps", [20, 35, 60])
@pytest.mark.parametrize("allowed", [1e-6, 1e-2, 0.3])
def test_what_deflation_may_lose_is_bounded(monkeypatch, steps, allowed):
    """ln det of the two blocks exceeds that of the whole, by no more than the Schur complement allows."""
    monkeypatch.setattr("sgdsde.statistics.spectral_sum.DEFLATION_LOSS", allowed)
    matrix = rotated(OUTLIERS)
    terms = LogTerms(1.0, 0.0, cutoff=False)
    start = np.random.default_rng(1).standard_normal((1, 300))
    apart = deflate(terms, lambda x: matrix @ x, start, steps)
    rest = np.eye(300) - apart.vectors.T @ apart.vectors
    blocks = apart.total + true(np.linalg.eigvalsh(rest @ matrix @ rest).clip(0))
    assert -1e-9 < blocks - true(OUTLIERS) <= apart.loss + 1e-9
    assert apart.loss <= allowed
    assert allowed < 0.1 or blocks - true(OUTLIERS) > DEFLATION_LOSS


def test_exact_where_nothing_is_left_to_chance():
    matrix = rotated(BULK[::6])
    every = log_determinant(matrix, 1.0, probes=50)
    assert every.value == pytest.approx(true(BULK[::6]), rel=1e-12)
    assert (every.standard_error, every.quadrature_error, every.steps) == (0, 0, 1)
    # The probes fill what the first run leaves, and their Krylov spaces are whole.
    filled = log_determinant(matrix, 1.0, probes=49, deflation=46, steps=50, tolerance=1e-12)
    assert (filled.standard_error, filled.probes) == (0, 50 - filled.deflated)
    assert filled.value == pytest.approx(true(BULK[::6]), abs=filled.quadrature_error + 1e-10)
    # The first run fills the space; a sphere sees no difference between directions; a rank of 3 has 4 eigenvalues.
    alone = log_determinant(matrix, 1.0, probes=2, deflation=50)
    assert alone.value == pytest.approx(true(BULK[::6]), abs=1e-5)
    same = quick(np.full(80, 3.0), probes=2)
    assert (same.value, same.standard_error, same.steps) == (
        pytest.approx(80 * np.log(4)),
        pytest.approx(0, abs=1e-9),
        1,
    )
    low = log_determinant(rotated(np.array([0.0] * 97 + [1.0, 2.0, 5.0])), 0.5, probes=2)
    assert low.value == pytest.approx(np.log([3.0, 5.0, 11.0]).sum(), abs=1e-5)


def test_the_cut_off_leaves_what_is_below_out():
    """Eigenvalues of A + λI below λ, negative ones included, do not count; the estimate is within its errors."""
    eigenvalues = np.concatenate([np.geomspace(2, 400, 12), np.linspace(-3, 1.5, 68)])
    kept = true(eigenvalues.clip(0))
    z, covered = [], []
    for seed in range(24):
        options = {"cutoff": True, "probes": 12, "seed": seed}
        found = log_determinant(np.diag(eigenvalues), 1.0, steps=40, deflation=40, **options)
        exact = log_determinant(np.diag(eigenvalues), 1.0, steps=80, deflation=40, **options)
        covered.append(abs(found.value - exact.value) <= found.quadrature_error)
        z.append((exact.value - kept) / exact.standard_error)
    assert all(covered)
    assert kstest(z, t(11).cdf).pvalue > 2 * norm.sf(4.5)
    assert log_determinant(np.diag(eigenvalues), 1.0, cutoff=True, probes=80).value == pytest.approx(kept)


def test_the_cut_off_changes_nothing_at_a_minimum():
    options = {"probes": 10, "deflation": 60}
    found, cut = (log_determinant(np.diag(OUTLIERS), 1.0, cutoff=c, **options) for c in (False, True))
    assert abs(found.value - cut.value) <= found.quadrature_error + cut.quadrature_error


def test_a_bound_of_negative_eigenvalues_may_be_given_or_found():
    eigenvalues = np.concatenate([np.linspace(-0.5, 2, 250), np.geomspace(3, 300, 50)])
    for lower in (-0.5, -0.7, None):
        options = {"lower": lower, "deflation": 120, "tolerance": 1e-9}
        exact = log_determinant(np.diag(eigenvalues), 1.0, steps=300, probes=40, **options)
        found = log_determinant(np.diag(eigenvalues), 1.0, steps=3, probes=40, **options)
        assert 1e-4 < found.quadrature_error < 0.5 * true(eigenvalues)
        assert abs(found.value - exact.value) <= found.quadrature_error + exact.quadrature_error
        assert abs(exact.value - true(eigenvalues)) < 5 * exact.standard_error


def test_neither_groups_nor_the_kind_of_operator_matter(monkeypatch):
    options = {"probes": 9, "steps": 40, "deflation": 30, "tolerance": 1e-13, "seed": 3}
    matrix = np.diag(OUTLIERS)
    whole = log_determinant(matrix, 1.0, **options)
    for same in (diags_array(OUTLIERS), aslinearoperator(matrix)):
        assert log_determinant(same, 1.0, **options).value == pytest.approx(whole.value, rel=1e-9)
    monkeypatch.setattr(module, "MEMORY", 2 * 300 * 41)
    assert log_determinant(matrix, 1.0, **options).value == pytest.approx(whole.value, rel=1e-9)
    assert log_determinant(matrix, 1.0, **{**options, "seed": 4}).value != pytest.approx(whole.value, rel=1e-6)


@pytest.mark.slow("eigenvalues and estimates of matrices of 785 rows")
@pytest.mark.parametrize("decay", [0.0, 0.7])
def test_logistic_regression_at_785_parameters(decay):
    """White inputs, and inputs whose scales fall like those of images: within 1 % by default, and within the errors."""
    generator = np.random.default_rng(5)
    x = np.c_[generator.standard_normal((800, 784)) * 3 / np.arange(1, 785) ** decay, np.ones(800)]
    model = LogisticRegression(x, (x[:, :50].sum(axis=1) > 0).astype(int))
    for fit in model.path(PENALTIES):
        matrix = model.hessian(fit.weights, fit.regularization) - fit.regularization * np.eye(785)
        exact = true(np.linalg.eigvalsh(matrix).clip(0), fit.regularization)
        found = log_determinant(matrix, fit.regularization)
        assert abs(found.value - exact) < 4.5 * found.standard_error + found.quadrature_error
        assert abs(found.value / exact - 1) < 0.01
        assert found.standard_error < 0.005 * exact
        assert found.quadrature_error < 0.001 * exact


def not_symmetric():
    matrix = np.diag(BULK)
    matrix[0, 1] = 30
    return matrix


@every(
    ("call", "message"),
    [
        (lambda: quick(BULK, 0.0), "regularization must be a positive finite number, got 0.0"),
        (lambda: quick(BULK, -1.0), "regularization must be a positive finite number, got -1.0"),
        (lambda: quick(BULK, probes=1), "probes must be an integer of at least 2, got 1"),
        (lambda: quick(BULK, probes=2.5), "probes must be an integer"),
        (lambda: quick(BULK, steps=0), "steps must be an integer of at least 2, got 0"),
        (lambda: quick(BULK, deflation=-1), "deflation must be an integer of at least 0, got -1"),
        (lambda: quick(BULK, seed=-1), "seed must be an integer"),
        (lambda: quick(BULK, tolerance=0), "tolerance must be a positive finite number, got 0"),
        (lambda: quick(BULK, lower=-1.0), "lower must be None or above −λ = -1, got -1.0"),
        (lambda: quick(BULK, lower=None), "lower must be a number where deflation is 0, got None"),
        (lambda: quick(BULK, lower=0.5), "lower must be a lower bound of A's eigenvalues, got 0.5 but found one"),
        (lambda: quick(BULK - 2), "A \\+ λI positive definite, got an eigenvalue of A of at most -1."),
        (lambda: quick(BULK - 2, deflation=80, lower=None), "A \\+ λI positive definite"),
        (lambda: quick(BULK - 2, probes=300), "A \\+ λI positive definite, got an eigenvalue of A of at most -2"),
        (lambda: quick(BULK - 0.99, deflation=6, lower=None), "lower must be given: the first run puts"),
        (lambda: log_determinant(np.ones((3, 2)), 1.0), r"operator must be real and square, got the shape \(3, 2\)"),
        (lambda: log_determinant(np.eye(3) * 1j, 1.0), "operator must be real and square"),
        (lambda: log_determinant("A", 1.0), "operator must be a matrix, a LinearOperator"),
        (lambda: log_determinant(not_symmetric(), 1.0), "operator must be symmetric, got uᵀAv"),
        (lambda: log_determinant(np.full((3, 3), np.nan), 1.0), "operator must give finite products"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
