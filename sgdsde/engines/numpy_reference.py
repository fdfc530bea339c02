"""The reference engine: NumPy arrays over paths, one Python loop over steps. Slow, obvious, the judge of the others."""

from __future__ import annotations

import itertools

import numpy as np

from sgdsde.codegen import NUMPY_FUNCTIONS
from sgdsde.engines.noise import reference_noise
from sgdsde.engines.observers import Observed, Tally, all_finite, places
from sgdsde.engines.registry import Outcome, Plan, moments_from_sums


def run(plan: Plan) -> Outcome:
    """Run the plan in float64."""
    if plan.dtype != "float64" or plan.device not in (None, "cpu"):
        raise ValueError(f"engine 'numpy' runs float64 on the cpu, got dtype {plan.dtype!r}, device {plan.device!r}")
    advance = plan.block.function(NUMPY_FUNCTIONS)
    noise = reference_noise(plan.noise, plan.seed, plan.paths)
    d, state, size = plan.dimension, plan.start.copy(), plan.state_dimension
    ended = np.full(plan.paths, -1)  # the region
    exit_step = ended.copy()
    rows, columns = np.triu_indices(d)
    reference, first, second = state[:d].copy(), np.zeros((d, plan.paths)), np.zeros((len(rows), plan.paths))
    watch, counts = plan.observers, np.zeros((plan.observers.cells, plan.paths), np.int64)
    more, inside = np.zeros((watch.sums(d), plan.paths)), watch.function(NUMPY_FUNCTIONS)
    saved = np.full((plan.snapshots, plan.paths, d), np.nan)
    if plan.save_every:
        saved[0] = state[:d].T
    with np.errstate(all="ignore"):
        for update in range(plan.updates):
            if update == plan.burn_in:
                reference = state[:d].copy()
            for step in range(update * plan.substeps, (update + 1) * plan.substeps):
                constants = plan.constants_at(step)
                new = np.stack(np.broadcast_arrays(*advance(*constants, *state, *noise(step))))
                state = np.where(ended < 0, new[:size], state)
                for region in range(plan.regions):
                    now = (ended < 0) & (new[size + region] > 0)
                    ended[now], exit_step[now] = region, step + 1
            if update >= plan.burn_in:
                deviation = state[:d] - reference
                first += deviation
                second += deviation[rows] * deviation[columns]
                powers = (deviation**3, deviation**4) if watch.fourth else ()
                for total, value in zip(more, (*itertools.chain(*powers), *inside(*state[:d])), strict=True):
                    total += value
                for place in places(watch, list(state[:d]), np.where, lambda x: x.astype(np.int64)):
                    counts[place, np.arange(plan.paths)] += 1
            if plan.save_every and (update + 1) % plan.save_every == 0:
                saved[(update + 1) // plan.save_every] = np.where(ended < 0, state[:d], np.nan).T
            plan.progress((update + 1) / plan.updates)
            if not ((ended < 0) & np.isfinite(state).all(axis=0)).any():
                break
    plan.progress(1.0)
    if plan.regions:
        return Outcome.of_ends(state, saved, exit_step, ended)
    count = plan.updates - plan.burn_in
    mean, covariance = moments_from_sums(reference, first, second, count)
    tally = Tally.of(watch, counts, all_finite(state, first, second, more))
    observed = Observed.from_sums(watch, first, second, more, count, tally)
    return Outcome(state, mean, covariance, saved, observed=observed)
