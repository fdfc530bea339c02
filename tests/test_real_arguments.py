"""Arrays of users are real: an imaginary part is refused by name, wherever NumPy would drop it."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tables import every

import sgdsde as sg
from sgdsde import models, statistics, theory
from sgdsde.arguments import real_array
from sgdsde.evidence import evidence_study

pytestmark = pytest.mark.networks

Z = np.array([1.0, 2.0, 3.0, 4.0]) + 0.5j
SQUARE = np.eye(2) + 0.5j
X, Y = np.random.default_rng(0).standard_normal((8, 2)), np.arange(8) % 2
CONFIG = sg.SGDConfig(0.1, 2, 4, sampling="with_replacement")
BOWL = sg.Landscape("x**2/2", "x")
PATH = {"engine": "numpy", "paths": 2}
LOGISTIC = models.LogisticRegression(X, Y)
ENSEMBLE = SimpleNamespace(
    mean=np.zeros(1), covariance=np.eye(1), label="SGD", parameters=("x",),
    standard_error=SimpleNamespace(mean=np.ones(1), covariance=np.eye(1)),
)  # fmt: skip
EQUATION = theory.FokkerPlanck(BOWL, 0.1, (-2.0, 2.0), 80)

CALLS = {
    "X": lambda: evidence_study(X + 1j, Y),
    "X of test": lambda: evidence_study(X, Y, [1.0], (X + 1j, Y)),
    "y": lambda: evidence_study(X, Y + 1j),
    "regularization": lambda: evidence_study(X, Y, np.array([1.0 + 1j])),
    "inputs": lambda: models.LogisticRegression(X + 1j, Y),
    "weights": lambda: LOGISTIC.cost(np.array([1j, 1.0]), 1.0),
    "start": lambda: LOGISTIC.fit(1.0, np.array([1j, 1.0])),
    "eigenvalues": lambda: theory.laplace_evidence(1.0, Z, 1.0),
    "samples": lambda: statistics.mean(Z),
    "series": lambda: statistics.integrated_time(Z),
    "snapshots": lambda: statistics.ensemble_autocorrelation(np.ones((3, 2, 1)) * 1j),
    "times": lambda: statistics.mean_exit_time(Z, np.ones(4, dtype=bool)),
    "at": lambda: statistics.survival_curve(Z.real, np.ones(4, dtype=bool), at=Z),
    "a": lambda: statistics.wasserstein1(Z, Z.real),
    "b": lambda: statistics.energy_distance(Z.real, Z),
    "reference": lambda: statistics.distances(np.ones((4, 2)), np.ones((4, 2)), reference=SQUARE),
    "step_sizes": lambda: statistics.fit_order(Z, Z.real, Z.real),
    "errors": lambda: statistics.fit_order(Z.real, Z, Z.real),
    "predicted": lambda: sg.compare(ENSEMBLE, predicted=np.array([[1j]])),
    "predicted_mean": lambda: sg.compare(ENSEMBLE, predicted_mean=np.array([1j])),
    "path_mean": lambda: statistics.pooled_moments(1, np.ones((3, 1)) * 1j, np.ones((3, 1, 1))),
    "hessian": lambda: theory.stationary_covariance(SQUARE, np.eye(2), CONFIG),
    "noise_covariance": lambda: theory.stationary_covariance(np.eye(2), SQUARE, CONFIG),
    "curvature": lambda: theory.stationary_variance(Z, 1.0, CONFIG),
    "gradients": lambda: theory.batch_cumulants(Z, CONFIG),
    "matrix": lambda: theory.LinearMap(SQUARE),
    "jacobian": lambda: theory.transformed_hessian(np.eye(2), SQUARE),
    "spectrum": lambda: models.LinearRegression.gaussian(4, spectrum=Z),
    "design": lambda: models.LinearRegression(X + 1j, Y, 1.0),
    "w0": lambda: sg.simulate_sgd(BOWL, CONFIG, np.array([1j]), 5, **PATH),
    "examples": lambda: sg.simulate_sgd(BOWL, CONFIG, 0.0, 5, examples=Z[:, None], **PATH),
    "learning_rates": lambda: sg.simulate_sgd(BOWL, CONFIG, 0.0, 4, learning_rates=Z, **PATH),
    "times of evolve": lambda: EQUATION.evolve(0.0, Z),
}


@every("name", CALLS)
def test_complex_numbers_are_refused_by_name(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's: that it drops something is no excuse
        with pytest.raises(ValueError, match=name.partition(" of evolve")[0] if name != "design" else "real numbers"):
            CALLS[name]()


@every(("value", "got"), [
    ([1j], "list"), (np.array([1j]), "complex128"), (["1.5"], "list"), (None, "None"), ("1.5", "'1.5'"),
    ([[1], [1, 2]], "list"),
    (np.array(["2020-01-01"], dtype="M8[D]"), "datetime64"),
])  # fmt: skip
def test_only_real_numbers_are_an_array_of_them(value, got):
    with pytest.raises(ValueError, match=f"w must be an array of real numbers, got {got}"):
        real_array("w", value)


def test_real_numbers_of_any_kind_are_taken():
    for value in (
        [1, 2],
        (1.0, 2.0),
        np.array([1, 2], np.int8),
        np.array([1, 2], np.float16),
        np.array([1, 2], object),
    ):
        np.testing.assert_array_equal(real_array("w", value), [1.0, 2.0])
        assert real_array("w", value).dtype == np.float64
    given = np.ones(2)
    assert real_array("w", given) is given


TAKERS = {
    "X": lambda x: evidence_study(x, Y, [1.0]),
    "inputs of a logistic regression": lambda x: models.LogisticRegression(x, Y),
    "inputs of a linear regression": lambda x: models.LinearRegression.from_examples(x, X[:, 0]),
    "w": sg.Landscape("x**2 + y**2", "x y").loss,
    "noise_covariance": lambda x: sg.Landscape("x**2 + y**2", "x y", noise_covariance=x.T @ x),
    "x_train": lambda x: sg.data.Dataset("mine", x, Y, x, Y),
}


@every("name", TAKERS)
def test_tensors_are_taken_without_their_graph_and_refused_without_numbers(name):
    given = torch.tensor(X)
    assert repr(TAKERS[name](given.clone().requires_grad_())) == repr(TAKERS[name](given.numpy()))
    TAKERS[name](given.to(torch.bfloat16))
    with pytest.raises(ValueError, match=f"^{name.partition(' of ')[0]} must be .*, got .*"):
        TAKERS[name](torch.empty(8, 2, device="meta"))


def test_what_is_no_array_of_points_is_shown_in_short():
    with pytest.raises(ValueError, match="w must be an array of real numbers") as refused:
        BOWL.loss([["a"] * 1000] * 1000)
    assert len(str(refused.value)) < 100
