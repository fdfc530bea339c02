"""The reference engine: NumPy arrays over paths, one Python loop over steps. Slow, obvious, the judge of the others."""

from __future__ import annotations

import numpy as np

from sgdsde.codegen import NUMPY_FUNCTIONS
from sgdsde.engines.noise import reference_noise
from sgdsde.engines.registry import Outcome, Plan, moments_from_sums


def run(plan: Plan) -> Outcome:
    """Run the plan in float64."""
    if plan.dtype != "float64" or plan.device not in (None, "cpu"):
        raise ValueError(f"engine 'numpy' runs float64 on the cpu, got dtype {plan.dtype!r}, device {plan.device!r}")
    advance = plan.block.function(NUMPY_FUNCTIONS)
    noise = reference_noise(plan.noise, plan.seed, plan.paths)
    d, state = plan.dimension, plan.start.copy()
    rows, columns = np.triu_indices(d)
    reference, first, second = state[:d].copy(), np.zeros((d, plan.paths)), np.zeros((len(rows), plan.paths))
    saved = np.empty((plan.snapshots, plan.paths, d))
    if plan.save_every:
        saved[0] = state[:d].T
    with np.errstate(all="ignore"):
        for update in range(plan.updates):
            if update == plan.burn_in:
                reference = state[:d].copy()
            constants = plan.constants_of(update)
            for step in range(update * plan.substeps, (update + 1) * plan.substeps):
                state = np.stack(np.broadcast_arrays(*advance(*constants, *state, *noise(step))))
            if update >= plan.burn_in:
                deviation = state[:d] - reference
                first += deviation
                second += deviation[rows] * deviation[columns]
            if plan.save_every and (update + 1) % plan.save_every == 0:
                saved[(update + 1) // plan.save_every] = state[:d].T
            plan.progress((update + 1) / plan.updates)
    mean, covariance = moments_from_sums(reference, first, second, plan.updates - plan.burn_in)
    return Outcome(state, mean, covariance, saved)
