"""Functions that ``sgdsde sweep`` knows by name: what the library computes, as numbers of numbers and text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sgdsde.config import SGDConfig


def stationary_variance(
    learning_rate: float,
    batch_size: int,
    n_examples: int,
    momentum: float = 0.0,
    sampling: str = "without_replacement",
    curvature: float = 1.0,
    noise_covariance: float = 1.0,
) -> dict[str, float]:
    """Stationary variance of one parameter around a quadratic minimum, of the SDE and exactly of SGD.

    >>> found = stationary_variance(0.1, 4, 64)
    >>> round(found["sde"], 6), round(found["sgd"], 6)
    (0.011719, 0.012336)
    """
    from sgdsde.theory import stationary_covariance

    config = SGDConfig(learning_rate, batch_size, n_examples, momentum=momentum, sampling=sampling)
    models = ("sde", "sgd")
    return {model: float(stationary_covariance(curvature, noise_covariance, config, model)[0, 0]) for model in models}


def exit_time(
    loss: str,
    w0: float | tuple[float, ...],
    stop: str,
    learning_rate: float,
    batch_size: int,
    n_examples: int,
    variables: str = "x",
    noise_covariance: float = 1.0,
    momentum: float = 0.0,
    dynamics: str = "sgd",
    paths: int = 1000,
    updates: int = 100_000,
    substeps: int | str = "auto",
    seed: int = 0,
) -> dict[str, Any]:
    """Mean time to leave a region, in updates, of simulated paths of a dynamics: ``"sgd"``, ``"adam"``, ``"sde"``, ….

    `substeps` are those of the SDE, as in :func:`sgdsde.simulate_sde`; an update of SGD is one step.

    >>> found = exit_time("x**4/4 - x**2/2", -1.0, "x > 0", 0.05, 2, 64, noise_covariance=8.0, paths=200)
    >>> sorted(found), found["exits"]
    (['censored', 'exits', 'mean', 'standard_error'], 200)
    """
    from sgdsde.dynamics.limits import LIMITS
    from sgdsde.ensemble import Ensemble
    from sgdsde.landscapes import Landscape
    from sgdsde.simulate import simulate_sde, simulate_sgd

    of_sde = dynamics in LIMITS
    simulate: Callable[..., Ensemble] = simulate_sde if of_sde else simulate_sgd
    landscape = Landscape(loss, variables, noise_covariance=noise_covariance)
    config = SGDConfig(learning_rate, batch_size, n_examples, momentum=momentum)
    steps: dict[str, Any] = {} if not of_sde and substeps == "auto" else {"substeps": substeps}
    ensemble = simulate(landscape, config, w0, updates, paths, dynamics=dynamics, **steps, seed=seed, stop=stop)
    assert ensemble.exits is not None  # a stop was given
    time = ensemble.exits.mean_time()
    return {
        "mean": time.mean, "standard_error": time.standard_error, "exits": time.exits, "censored": time.censored,
    }  # fmt: skip


def evidence(
    regularization: float,
    labels: str = "informative",
    n_train: int = 200,
    features: int = 200,
    seed: int = 0,
) -> dict[str, float]:
    """Log evidence ratio E of logistic regression on Smith & Le's Gaussian task, in nats; test accuracy beside it.

    >>> {name: round(value, 1) for name, value in evidence(1.0, n_train=40, features=10).items()}
    {'log_evidence_ratio': -6.0, 'cost': 13.3, 'test_cross_entropy': 0.3, 'test_accuracy': 0.9}
    """
    from sgdsde.data import gaussian_task
    from sgdsde.evidence import evidence_study

    task = gaussian_task(labels, seed, n_train=n_train, features=features)
    study = evidence_study(task.x_train, task.y_train, [regularization], (task.x_test, task.y_test))
    assert study.test is not None  # test examples were given
    entropy, accuracy = study.test[0]
    return {
        "log_evidence_ratio": float(study.log_evidence_ratio[0]), "cost": study.fits[0].cost,
        "test_cross_entropy": float(entropy), "test_accuracy": float(accuracy),
    }  # fmt: skip


#: Name → function; a file of ``sgdsde sweep`` can name these and no others.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "stationary_variance": stationary_variance,
    "exit_time": exit_time,
    "evidence": evidence,
}
