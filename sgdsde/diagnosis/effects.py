"""The effects that change the variance: each with its law."""

from __future__ import annotations

import math

from sgdsde.diagnosis.bending import curvature_varies
from sgdsde.diagnosis.case import MOST_BENT, Case
from sgdsde.diagnosis.laws import BOWL, NOISE, WHOLE, covariance, fresh
from sgdsde.diagnosis.registry import EXIT, Size, effect
from sgdsde.drivers import DRIVERS
from sgdsde.theory import relaxation_time, stability_limit

#: Standard deviations from the minimum at which curvature is looked at: some paths come there.
FAR = 4.0
#: So much of itself may curvature vary by where ω is before numbers, to first order in its square, are rough; or none.
ROUGH, TOO_ROUGH = 0.3, 0.5
#: An error that would pass for nothing.
LITTLE = 0.02


@effect("finite ε", claim="stationary_variance", network_claim="mnist_sde")
def finite_learning_rate(case: Case) -> Size:
    """SGD's steps against the SDE of the same noise, momentum included: −εh/(2(1 + m)) for one curvature h."""
    limit = stability_limit(case.place.curvature[-1:, None], case.config)
    rate = case.config.learning_rate
    if not rate < limit:
        return Size(
            math.nan, unstable=True, note=f"ε = {rate:g} is above 2(1 + m)/h = {limit:.4g}, where SGD runs away"
        )
    error = case.error(case.sde_with_memory, case.sgd_of_driver)
    of_limit = f"ε is {100 * rate / limit:.2g} % of its stability limit {limit:.4g}"
    return Size(error, note=of_limit + "; the modified loss is for finite times, and mends no variance")


@effect("reshuffling", claim="reshuffling_repaired", network_claim="mnist_sde_reshuffled")
def reshuffling(case: Case) -> Size:
    """Independent batches against those of a permutation, both of SGD itself."""
    config = case.config
    if not config.permuted or DRIVERS[case.driver].bridged:
        return Size(0.0)
    error = case.error(case.sgd_of_driver, case.sgd)
    return Size(error, instead="none" if DRIVERS["epoched"].refuses(case.given) else "epoched driver")


@effect("B near N", claim="batch_near_n")
def large_batches(case: Case) -> Size:
    """The usual T = ε/(B(1 − m)) against that of the config: what is left out where B ≪ N is supposed."""
    c = case.given.batch_noise
    usual = 1 / case.given.batch_size
    error = usual / c - 1 if c else math.inf
    if abs(error) < 1e-12 or DRIVERS[case.driver].bridged:
        return Size(0.0)
    return Size(error, instead="T of the config", counted=False)


@effect("momentum's memory", claim="escape_sampling")
def memory(case: Case) -> Size:
    """The overdamped SDE against that with a velocity: Kramers' factor of the friction, or the variance if more."""
    if not case.config.momentum or case.dynamics != "sde":
        return Size(0.0, EXIT)
    spread = case.error(case.sde, case.sde_with_memory)
    steepest = -case.place.curvature[-1:, None]
    times = [relaxation_time(steepest, case.config, name) for name in ("sde", "momentum_sde")]
    exits = times[0] / times[1] - 1
    instead = "SDE with momentum"
    if abs(math.log1p(spread)) >= abs(math.log1p(exits)):
        return Size(spread, instead=instead)
    return Size(exits, EXIT, instead, "over a barrier as curved as the steepest direction")


@effect("mean-square stability", claim="mean_square_stability")
def mean_square(case: Case) -> Size | None:
    """What the noise gains where ω is away from the minimum, which feeds on itself."""
    config, place = fresh(case.config), case.place
    limit, own = place.limits(config)
    rate = config.learning_rate
    if not rate < stability_limit(place.curvature[-1:, None], config):
        return Size(math.nan, unstable=True)
    if not rate < limit and not case.config.permuted:
        return Size(
            math.nan, unstable=True, note=f"ε = {rate:g} is above {limit:.4g}, where E|ω|² starts to grow without bound"
        )
    if place.around is None:
        if not place.network:
            return Size(math.nan, note="the noise away from the minimum was not looked at, in so many dimensions")
        a, b = rate / stability_limit(place.steep[-1:, None], config), rate / own
        error = -a * b / ((1 - a) * (1 - b)) if a + b < 1 else math.nan
    else:
        sde, sgd = case.equation(case.sde.dynamics, "brownian"), case.sgd._replace(config=config)
        error = (1 + case.error(sde, sgd, NOISE)) / (1 + case.error(sde, sgd, BOWL)) - 1
    at_most = "at most " if place.network else ""
    note = "" if math.isinf(own) else f"E|ω|² grows from ε = {at_most}{limit:.4g} on"
    if case.config.permuted and not rate < limit and math.isnan(case.total(case.sgd, NOISE)):
        return Size(math.nan, unstable=True, note=f"ε = {rate:g} is above {limit:.4g}, from where on E|ω|² grows")
    if case.config.permuted and note:
        note += " with fresh batches; reshuffled ones have no such law"
    return Size(error, note=note)


@effect("outside the bowl", claim="stationary_variance", network_claim="mnist_sde_low_loss")
def outside_the_bowl(case: Case) -> Size | None:
    """What curvature that is not constant changes in the error of the SDE; on networks it is not known."""
    around, config = case.place.around, case.config
    if around is None:
        return None
    if math.isnan(case.total(case.sgd, BOWL)):
        return Size(math.nan)
    varies = max(curvature_varies(case.place, each) for each in (case.sde, case.sgd))
    if abs(case.bent) > MOST_BENT or varies > TOO_ROUGH:
        return Size(math.nan, note="the noise is too wide for the law of a bowl", unknown=True)
    if math.isnan(case.total(case.sgd, WHOLE)):
        return Size(math.nan, note="for noise as wide as this no stationary law was found", unknown=True)
    inner = BOWL if config.permuted else NOISE  # what noise gains is in the row above, for fresh batches
    bowl, whole = (case.error(case.sde, case.sgd, level) for level in (inner, WHOLE))
    spread = covariance(case.place, case.sgd, WHOLE)
    if spread is not None and not config.learning_rate < stability_limit(around.steepest(FAR**2 * spread), config):
        return Size(math.nan, note=f"{FAR:g} standard deviations out ε is above 2(1 + m)/h, and paths may run away")
    error = (1 + whole) / (1 + bowl) - 1 if bowl != whole else 0.0
    if varies > ROUGH and abs(error) < LITTLE:
        return Size(math.nan, note=f"curvature varies by {100 * varies:.0f} % where ω is, and the numbers are rough")
    changes = "a part of the noise changes with ω, and does not cancel in an epoch" if config.permuted else ""
    return Size(error, note=changes)
