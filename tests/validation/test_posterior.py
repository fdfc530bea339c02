"""The data of ``posterior_sampling``, how near each law is to their posterior, and the minimum of a measured valley."""

from __future__ import annotations

from sgdsde.posterior import sgd_law
from sgdsde.theory import optimal_learning_rate
from validation.posterior.rates import divergence, preconditioners
from validation.posterior.runs import batch_config, tumours

POSTERIOR = tumours()


def test_the_data_are_those_of_569_patients():
    assert POSTERIOR.n_examples == 569
    assert POSTERIOR.model.inputs[:2].tolist() == [[2.0, 5.0], [4.0, 0.0]]
    assert POSTERIOR.model.labels.sum() == 212
    assert POSTERIOR.fit.weights.round(2).tolist() == [1.7, 1.14]


def test_the_preconditioner_from_f_comes_nearest():
    config = batch_config(POSTERIOR)
    best = optimal_learning_rate(POSTERIOR.hessian, POSTERIOR.noise_covariance, config, dynamics="sgd")
    plain = divergence(POSTERIOR, best)
    full, diagonal = (divergence(POSTERIOR, matrix) for matrix in preconditioners(POSTERIOR).values())
    assert full < 1e-3 < diagonal < plain
    assert min(divergence(POSTERIOR, factor * best) for factor in (0.8, 1.25)) > plain
    assert POSTERIOR.relative(sgd_law(POSTERIOR, batch_config(POSTERIOR, best)).covariance)[0, 0] > 1.5
