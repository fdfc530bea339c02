"""The evidence by nested sampling, which shares nothing with annealing but the likelihood."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtri

from sgdsde.arguments import integer
from sgdsde.evidence.estimate import EvidenceEstimate, checked_model
from sgdsde.extras import load
from sgdsde.logistic import LogisticRegression
from sgdsde.logistic.checks import Array, checked_penalty

#: Beyond this many weights nested sampling takes minutes and more, and its ellipsoids fit badly.
MOST_WEIGHTS = 20
#: What is left of the evidence when sampling stops, in nats.
REMAINING = 0.01
#: Fewer points of the posterior than this, and the error means little.
TRUSTED = 100


def nested_log_evidence(
    model: LogisticRegression, regularization: float, *, points: int = 250, seed: int = 0
) -> EvidenceEstimate:
    """Measure ln ∫ prior × likelihood of logistic regression by nested sampling with dynesty, in up to 20 dimensions.

    Parameters
    ----------
    model : LogisticRegression
        Of at most 20 weights.
    regularization : float
        λ > 0.
    points : int
        Live points, at least twice the weights and 25. The standard error is √(information/points), about.
    seed : int
        Of all random numbers.

    Returns
    -------
    EvidenceEstimate

    Raises
    ------
    ValueError
        When an argument is outside its range.
    MissingExtraError
        When dynesty is not installed: ``pip install "sgdsde[evidence]"``.

    Notes
    -----
    Skilling, Nested sampling for general Bayesian computation (2006); Speagle, dynesty (MNRAS 493, 2020). The unit cube
    is taken to the prior N(0, I/λ) by the inverse normal distribution function; live points are replaced by random
    walks inside ellipsoids.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((20, 2))
    >>> model = LogisticRegression(x, (x.sum(axis=1) > 0).astype(int))
    >>> estimate = nested_log_evidence(model, 1.0, points=50)
    >>> abs(estimate.log_evidence + 7.1) < 5 * estimate.standard_error
    True
    """
    size = checked_model(model).dimension
    if size > MOST_WEIGHTS:
        raise ValueError(f"model must have at most {MOST_WEIGHTS} weights for nested sampling, got {size}")
    penalty = checked_penalty("regularization", regularization)
    integer("points", points, max(25, 2 * size))
    generator = np.random.default_rng(integer("seed", seed, 0))
    sampler = load("dynesty", "nested sampling").NestedSampler(
        _log_likelihood(model),
        lambda cube: ndtri(cube) / np.sqrt(penalty),
        size,
        nlive=points,
        bound="single",
        sample="rwalk",
        rstate=generator,
    )
    sampler.run_nested(dlogz=REMAINING, print_progress=False)
    found = sampler.results
    weights = np.exp(found.logwt - np.max(found.logwt))
    effective = float(weights.sum() ** 2 / np.square(weights).sum())
    return EvidenceEstimate(
        penalty,
        float(found.logz[-1]),
        float(found.logzerr[-1]),
        effective,
        effective >= TRUSTED,
        np.inf,
        "nested sampling",
    )


def _log_likelihood(model: LogisticRegression) -> Callable[[Array], float]:
    """−H of one ω; called a hundred thousand times, so without the checks of the model's own."""
    if model.softmax:
        return lambda weights: -float(model.cross_entropy(weights))
    signed = model.inputs * (2 * model.labels - 1)[:, None]

    def of(weights: Array) -> float:
        logits = signed @ weights
        return float((np.minimum(logits, 0.0) - np.log1p(np.exp(-np.abs(logits)))).sum())

    return of
