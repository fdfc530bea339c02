"""Fitted orders: intervals that hold the truth as often as they say, and the power to tell orders apart."""

import math

import numpy as np
import pytest
from tables import every

from sgdsde.statistics.orders import fit_order
from sgdsde.statistics.regression import regression

STEPS = 2.0 ** -np.arange(1, 6)
REPEATS = 200


def coverage(fit, truth):
    """Share of intervals that hold the truth."""
    intervals = np.array([fit().interval for _ in range(REPEATS)])
    return float(((intervals[:, 0] <= truth) & (truth <= intervals[:, 1])).mean())


#: Four binomial standard deviations of a coverage of 95 %.
BINOMIAL = 4 * math.sqrt(0.95 * 0.05 / REPEATS)


@pytest.mark.parametrize("slope", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("growth", [1.0, 2.0])
def test_intervals_cover_the_slope(slope, growth):
    """Relative errors alike (strong orders), or twice as large at each halving (weak ones).

    Where by chance the residuals scatter more, the interval is wider than it had to be: 2 % too many are right.
    """
    rng, truth = np.random.default_rng(1), 3 * STEPS**slope
    errors = 0.005 * growth ** np.arange(5) * truth
    found = coverage(lambda: fit_order(STEPS, truth + errors * rng.normal(size=5), errors), slope)
    assert 0.95 - BINOMIAL <= found <= 0.97 + BINOMIAL


def test_slopes_scatter_by_their_standard_error():
    rng = np.random.default_rng(2)
    fits = [fit_order(STEPS, STEPS * (1 + 0.02 * rng.normal(size=5)), 0.02 * STEPS) for _ in range(REPEATS)]
    within = [fit for fit in fits if fit.interval[1] - fit.slope < 2 * fit.standard_error]  # no scatter was added
    expected = 0.02 / math.log(2) / math.sqrt(10)  # Σ(x − x̄)² = 10 for x = 1 … 5
    assert len(within) > REPEATS / 2
    assert np.std([fit.slope for fit in fits]) == pytest.approx(expected, rel=4 / math.sqrt(2 * REPEATS))
    assert np.median([fit.standard_error for fit in within]) == pytest.approx(expected, rel=0.01)


def test_an_order_off_by_0_3_is_rejected():
    rng = np.random.default_rng(3)
    truth, errors = STEPS**1.3, 0.02 * 1.5 ** np.arange(5) * STEPS**1.3
    rejected = sum(fit_order(STEPS, truth + errors * rng.normal(size=5), errors).interval[0] > 1 for _ in range(200))
    assert rejected >= 190


@pytest.mark.parametrize("a", [0.5, -0.5])
def test_the_next_term_takes_the_bend_off(a):
    """C Δ(1 + aΔ) at Δ = 1/2 … 1/32: a straight line has the wrong slope, and an interval that does not know."""
    rng, truth = np.random.default_rng(4), STEPS * (1 + a * STEPS)
    errors = 0.01 * truth

    def fit(next_power):
        return lambda: fit_order(STEPS, truth + errors * rng.normal(size=5), errors, next_power=next_power)

    assert coverage(fit(None), 1.0) < 0.5
    assert coverage(fit(1.0), 1.0) >= 0.95 - BINOMIAL
    fitted = fit(1.0)()
    np.testing.assert_allclose(fitted.line(STEPS), truth, rtol=0.1)


def test_with_few_points_there_is_no_next_term():
    fit = fit_order(STEPS[:3], STEPS[:3] * (1 + STEPS[:3]), 0.01, next_power=1.0)
    assert fit.bend == 0
    assert fit.slope == fit_order(STEPS[:3], STEPS[:3] * (1 + STEPS[:3]), 0.01).slope


def test_exact_errors_are_fitted_by_ordinary_least_squares():
    errors = STEPS * np.array([1.1, 0.9, 1.05, 0.95, 1.0])
    fit = fit_order(STEPS, errors, 0.0)
    (slope, intercept), matrix = np.polyfit(np.log2(STEPS), np.log2(errors), 1, cov=True)
    assert (fit.slope, fit.intercept) == pytest.approx((slope, intercept), rel=1e-9)
    assert fit.standard_error == pytest.approx(math.sqrt(matrix[0, 0]), rel=1e-6)
    assert fit.interval[1] - fit.slope == pytest.approx(3.182446 * fit.standard_error, rel=1e-6)  # Student, 3 degrees
    tiny = fit_order(STEPS, errors, 1e-12 * errors)
    assert (tiny.slope, tiny.standard_error) == pytest.approx((fit.slope, fit.standard_error), rel=1e-6)
    line = fit_order(STEPS, -7 * STEPS**2, 0.0)
    assert line.slope == pytest.approx(2, abs=1e-12)
    assert line.interval[1] - line.interval[0] < 1e-13


@pytest.mark.parametrize("too_small", [5, 100])
def test_scatter_beyond_the_standard_errors_widens_the_interval(too_small):
    rng = np.random.default_rng(5)
    fit = lambda: fit_order(STEPS, STEPS * (1 + 0.05 * rng.normal(size=5)), 0.05 / too_small * STEPS)  # noqa: E731
    assert 0.95 - BINOMIAL <= coverage(fit, 1.0) <= 0.97 + BINOMIAL


def test_correlated_errors_are_weighed_by_their_covariance():
    """Levels share paths: a common relative deviation moves the constant and leaves the slope."""
    rng, own, shared = np.random.default_rng(6), 0.01, 0.1
    scale = np.outer(STEPS, STEPS)
    covariance = (own**2 * np.eye(5) + shared**2) * scale

    def errors():
        return STEPS * (1 + shared * rng.normal() + own * rng.normal(size=5))

    fit = fit_order(STEPS, errors(), covariance=covariance)
    np.testing.assert_allclose(fit.standard_errors, np.sqrt(np.diag(covariance)))
    assert fit.standard_error < 2 * own / math.log(2) / math.sqrt(10)
    assert fit_order(STEPS, STEPS, shared * STEPS).standard_error > 5 * fit.standard_error
    found = coverage(lambda: fit_order(STEPS, errors(), covariance=covariance), 1.0)
    assert 0.95 - BINOMIAL <= found <= 0.97 + BINOMIAL
    diagonal = fit_order(STEPS, STEPS**2, covariance=np.diag(0.01 * STEPS**4))
    assert diagonal.slope == fit_order(STEPS, STEPS**2, 0.1 * STEPS**2).slope


def test_points_under_the_noise_are_left_out_and_said_so():
    """The last two are noise: with them the order would be 0.6."""
    errors = np.array([0.5, 0.25, 0.125, 0.06, 0.05])
    fit = fit_order(STEPS, errors, [0.001, 0.001, 0.001, 0.02, np.nan])
    assert fit.used.tolist() == [True, True, True, False, False]
    assert fit.slope == pytest.approx(1.0, abs=1e-9)
    assert "under the Monte Carlo noise" in fit.excluded[0]
    assert "0.0625" in fit.excluded[0]
    assert "not finite" in fit.excluded[1]
    assert "3 of 5 step sizes usable; Δ = 0.0625" in str(fit)
    assert len(str(fit).splitlines()) == 1
    assert fit_order(STEPS, errors, 0.02, noise_factor=2).used.all()
    assert fit_order(STEPS, [0.5, 0.25, 0.125, 0.0, np.inf], 0.0).excluded == (
        "Δ = 0.0625: error 0 has no logarithm",
        "Δ = 0.03125: error inf with standard error 0 is not finite",
    )


def test_what_is_left_out_hardly_moves_the_slope():
    """The last point is at 4 standard errors, in or out by chance; what that does stays within the interval."""
    rng, errors = np.random.default_rng(7), 0.25 * 2.0**-5 * np.ones(5)
    fits = [fit_order(STEPS, STEPS + errors * rng.normal(size=5), errors) for _ in range(REPEATS)]
    assert 0.3 < np.mean([fit.used[-1] for fit in fits]) < 0.7
    covered = np.mean([fit.interval[0] <= 1 <= fit.interval[1] for fit in fits])
    assert 0.95 - BINOMIAL <= covered <= 0.97 + BINOMIAL


def test_too_few_points_leave_the_order_open():
    fit = fit_order(STEPS, [0.5, 0.25, 1e-9, 1e-9, 1e-9], 1e-3)
    assert not fit.determined
    assert math.isnan(fit.slope)
    assert np.isnan(fit.interval).all()
    assert len(fit.excluded) == 3
    assert str(fit).startswith("order undetermined, 2 of 5 step sizes usable; Δ = 0.125: error 1e-09 is under")
    assert fit_order(STEPS, STEPS, 1e-3).determined
    assert not fit_order(STEPS, STEPS, 1e-3, least_points=6).determined


def test_regression_solves_for_the_scatter():
    """rᵀ(V + σ²I)⁻¹r = n − p: the standard errors are those of V + σ²I."""
    rng = np.random.default_rng(8)
    columns = np.stack([np.ones(6), np.arange(6.0)], axis=1)
    covariance, values = np.diag(np.linspace(0.1, 0.3, 6) ** 2), 2 * rng.normal(size=6)
    estimate, freedom = regression(columns, values, covariance)
    assert freedom == 4
    residual = values - columns @ estimate.value
    extra = np.linspace(0, 20, 200_001)
    squares = (residual**2 / (np.diag(covariance) + extra[:, None])).sum(axis=1)
    total = covariance + extra[np.argmin(abs(squares - 4))] * np.eye(6)
    expected = np.sqrt(np.diag(np.linalg.inv(columns.T @ np.linalg.inv(total) @ columns)))
    np.testing.assert_allclose(estimate.standard_error, expected, rtol=1e-3)


@every(
    ("changed", "message"),
    [
        ({"step_sizes": [1, 2, 0, 3, 4]}, "step_sizes must be a sequence of positive"),
        ({"step_sizes": [1, 1, 2, 3, 4]}, "step_sizes must be .*distinct"),
        ({"errors": [1.0, 2.0]}, "errors must be numbers, one for each step size"),
        ({"standard_errors": [1.0, -1.0, 1.0, 1.0, 1.0]}, "standard_errors must be 5 numbers, at least 0"),
        ({"standard_errors": None}, "give standard_errors"),
        ({"covariance": np.eye(5)}, "one of them"),
        ({"standard_errors": None, "covariance": np.eye(4)}, r"covariance must have the shape \(5, 5\)"),
        ({"standard_errors": None, "covariance": -np.eye(5)}, "covariance must be symmetric and positive semidef"),
        ({"standard_errors": None, "covariance": np.eye(5) + np.eye(5, k=1)}, "covariance must be symmetric"),
        ({"confidence": 1.0}, "confidence must be a finite real number above 0 and below 1, got 1.0"),
        ({"least_points": 2}, "least_points must be an integer of at least 3, got 2"),
        ({"noise_factor": -1.0}, "noise_factor must be a finite real number of at least 0"),
        ({"next_power": 0.0}, "next_power must be a positive finite number"),
    ],
)
def test_bad_input_is_refused_by_name(changed, message):
    arguments = {"step_sizes": STEPS, "errors": STEPS, "standard_errors": 0.01} | changed
    with pytest.raises(ValueError, match=message):
        fit_order(**arguments)
