"""What SGD and its SDE ask of `sgdsde.run`: the words of SGD become numbers of a scheme."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sgdsde import dynamics as of
from sgdsde import schemes
from sgdsde.arguments import check_steps, integer, moderate
from sgdsde.brownian import BrownianPath
from sgdsde.clock import CLOCKS, overdamped
from sgdsde.config import SGDConfig
from sgdsde.drivers import DRIVERS, bridge_numbers, check_bridge, driver_of
from sgdsde.dynamics import limits
from sgdsde.dynamics.pairs import driver_with
from sgdsde.engines.noise import ExampleBatches, Noise, OwnExamples
from sgdsde.engines.philox import STREAM_OTHER_BATCH
from sgdsde.integration import AREA_METHOD, plan_sde
from sgdsde.landscapes import WideLandscape, weight_decayed
from sgdsde.memory import check_memory
from sgdsde.run import AnyLandscape, AnyProgram, Request, check_landscape, drawn_sources, fingerprint, recorded
from sgdsde.schedules import batch_size_schedule, learning_rate_schedule
from sgdsde.schemes.registry import ADAPTIVE_EQUATIONS
from sgdsde.steps import EPOCHED_TARGET, MOST, TARGET, UNKNOWN, Curvature, automatic, caution, step_error

_MOST_PICKED = 2**32 - 1


def sde_request(
    landscape: AnyLandscape,
    config: SGDConfig,
    w0: ArrayLike,
    updates: int,
    paths: int,
    *,
    dynamics: str | None = None,
    scheme: str | None = None,
    substeps: int | str = "auto",
    learning_rates: ArrayLike | None = None,
    batch_sizes: ArrayLike | None = None,
    brownian: BrownianPath | None = None,
    driver: str | None = None,
    state0: Mapping[str, ArrayLike] | None = None,
    **run: Any,
) -> Request:
    """The request of :func:`sgdsde.simulate_sde`, with its arguments; those in `run` go to the run as they are."""
    _check_types(landscape, config)
    updates = integer("updates", updates, 1)
    check_steps(updates)
    given = None if isinstance(substeps, str) and substeps == "auto" else _given_substeps(substeps)
    check_steps(updates, given or 1)
    name, declaration = limits.find(dynamics, scheme)
    numbers = limits.LIMITS[name].numbers(config)
    driver = driver_of(driver, config)
    rates, sizes = _schedules(config, learning_rates, batch_sizes, updates)
    kicks = rates * (config.kick / config.learning_rate)
    if declaration.equation == "momentum" and learning_rates is not None:
        raise ValueError(
            f"learning_rates must be left out for scheme {declaration.name!r}: the clock of the momentum SDE is that "
            "of one ε"
        )
    c = DRIVERS[driver].batch_noise(config.sampling, config.n_examples, sizes)
    clock = CLOCKS[declaration.equation](kicks, c, config.momentum)
    friction, update, temperature = clock.friction, clock.update, clock.temperature
    for extreme, parts in ((np.min, given or MOST), (np.max, given or 1)):
        moderate("learning_rate: the length of a step in the SDE's time", float(extreme(update)) / parts)
        moderate("learning_rate: the SDE's temperature", float(extreme(temperature)))
    decayed, longest = weight_decayed(landscape, config.weight_decay), float(np.max(update))
    curvature = Curvature.of(decayed, decayed.points(w0, "w0").reshape(-1, decayed.dimension))
    within = _intervals(brownian, updates)
    target = EPOCHED_TARGET if DRIVERS[driver].bridged else TARGET
    adaptive = declaration.equation in ADAPTIVE_EQUATIONS
    if adaptive:
        error, warning = UNKNOWN, ""
        steps = given or limits.adaptive_substeps(numbers)
    else:
        steps = given or automatic(declaration, curvature, longest, friction, within, target)
        error = step_error(declaration, curvature.well, longest / steps, friction)
        warning = caution(declaration, curvature, longest, friction, steps, given is None, target)
    return plan_sde(
        decayed, declaration, update / steps, temperature, friction,
        caution=warning if np.any(temperature) else "", state0=at_start(name, decayed, w0, c, state0),
        values={**numbers, "learning_rate": rates, "batch_noise": c} if adaptive else {},
        beside={
            "substeps_chosen": "auto" if given is None else "given", "step_error": error.told(),
            "dynamics": name, "driver": driver, "learning_rates": recorded(rates), "batch_sizes": recorded(sizes),
        },
        epoched=_epoched(driver, config, learning_rates, sizes, updates, steps), brownian=brownian,
        steps=updates * steps, paths=paths, w0=w0, updates=updates, substeps=steps,
        time_per_update=_times(config, kicks), label=f"SDE {declaration.name}", config=config, **run,
    )  # fmt: skip


def sgd_request(
    landscape: AnyLandscape,
    config: SGDConfig,
    w0: ArrayLike,
    updates: int,
    paths: int,
    *,
    dynamics: str = "sgd",
    noise: str | None = None,
    substeps: int = 1,
    learning_rates: ArrayLike | None = None,
    batch_sizes: ArrayLike | None = None,
    seed: int = 0,
    examples: str | ArrayLike = "gaussian",
    driver: str | None = None,
    state0: Mapping[str, ArrayLike] | None = None,
    **run: Any,
) -> Request:
    """The request of :func:`sgdsde.simulate_sgd`, with its arguments; those in `run` go to the run as they are."""
    _check_types(landscape, config)
    seed, updates = integer("seed", seed, 0, 2**64 - 1), integer("updates", updates, 1)
    steps = integer("substeps", substeps, 1)
    found = of.find(dynamics, config, noise, steps)
    declaration = found.declaration()
    check_steps(updates, steps)
    rates, sizes = _schedules(config, learning_rates, batch_sizes, updates)
    for name, most in (("n_examples", config.n_examples), ("batch_size", int(np.max(sizes)))):
        if most > _MOST_PICKED:
            raise ValueError(f"{name} must be below 2**32, from which random words pick examples, got {most}")
    driver = driver_with(found.noise, driver, config)
    kicks = rates * (config.kick / config.learning_rate)
    for extreme in (np.min, np.max):
        moderate("learning_rate / substeps", float(extreme(rates)) / steps)
    table = landscape.examples(examples, config.n_examples, seed)
    kind = OwnExamples if landscape.own_examples else ExampleBatches
    sampling = "reshuffle" if config.permuted else config.sampling
    batch_of = functools.partial(kind, sampling=sampling, repeated=config.repeated)
    if np.ndim(sizes):
        check_memory(3 * 8 * updates * steps, f"updates or substeps must be fewer: {updates * steps} batch sizes")
    batches = np.repeat(sizes, steps) if np.ndim(sizes) else int(sizes)

    def sources(program: AnyProgram) -> Sequence[Noise]:
        made: dict[str, Callable[[int], Noise]] = {
            "batch": lambda numbers: batch_of(table, batches, apart="other" in program.draws),
            "other": lambda numbers: batch_of(table, batches, stream=STREAM_OTHER_BATCH, apart=True),
        }
        return drawn_sources(program, 1.0, AREA_METHOD, made)

    return Request(
        landscape, w0, updates, paths, declaration, sources,
        values={
            "momentum": 0.0, **found.divided(rates, steps), "spread": math.sqrt(2 * steps - 1),
            "batch_noise": DRIVERS[driver or "brownian"].batch_noise(config.sampling, config.n_examples, sizes),
        },
        epoched=_epoched(driver, config, learning_rates, sizes, updates, steps), state0=state0 or {},
        time_per_update=_times(config, kicks),
        label=f"{dynamics.upper() if len(dynamics) < 5 else dynamics} {config.sampling}", substeps=steps,
        limit=found.rule.stable_below(found.divided(float(np.max(rates)), steps)), seed=seed, config=config,
        provenance={
            "dynamics": dynamics, "step_noise": found.noise.name,
            "examples": examples if isinstance(examples, str) else fingerprint(np.asarray(examples)),
            "driver": driver or "batches",
            "learning_rates": recorded(rates), "batch_sizes": recorded(sizes),
        },
        **run,
    )  # fmt: skip


def power_of_two(landscape: AnyLandscape, config: SGDConfig, w0: ArrayLike, dynamics: str = "sgd") -> int:
    """The power of two from which on Euler and Maruyama's steps are fine enough, up to `sgdsde.steps.MOST`."""
    adaptive = [limit for limit in limits.LIMITS.values() if limit.rule == dynamics and limit.steps is None]
    if adaptive:
        return 1 << (limits.adaptive_substeps(adaptive[0].numbers(config)) - 1).bit_length()
    decayed = weight_decayed(landscape, config.weight_decay)
    curvature = Curvature.of(decayed, decayed.points(w0, "w0").reshape(-1, decayed.dimension))
    declaration = schemes.find("euler_maruyama")
    wished = automatic(declaration, curvature, config.mean_loss_time_per_update, 1.0)
    return min(1 << (wished - 1).bit_length(), MOST)


def at_start(
    name: str, landscape: AnyLandscape, w0: ArrayLike, c: Any, given: Mapping[str, ArrayLike] | None = None
) -> Mapping[str, ArrayLike]:
    """The state beside ω at the start of an SDE: an average of squares without a correction of its bias is their mean.

    `landscape` has its weight decay, and ĝ the covariance c F.
    """
    average = limits.LIMITS[name].average
    if average is None or average in (given or {}):
        return given or {}
    if isinstance(landscape, WideLandscape):
        return given or {}  # no scheme of the kind runs there, which is said when it is built
    at = landscape.points(w0, "w0")
    noise = np.diagonal(landscape.noise_covariance(at), axis1=-2, axis2=-1)
    return {average: landscape.gradient(at) ** 2 + np.ravel(c)[0] * noise, **(given or {})}


def _given_substeps(substeps: int | str) -> int:
    return integer("substeps", substeps, 1, also=", or 'auto'")


def _intervals(brownian: Any, updates: int) -> int | None:
    """Into how many steps a Brownian path lets an update be divided; None without one, or one that will be refused."""
    if not isinstance(brownian, BrownianPath) or brownian.steps % updates:
        return None
    return brownian.steps // updates


def _check_types(landscape: AnyLandscape, config: SGDConfig) -> None:
    check_landscape(landscape, arrays=True)
    if not isinstance(config, SGDConfig):
        raise ValueError(f"config must be a SGDConfig, got {config!r}")


def _schedules(
    config: SGDConfig, learning_rates: ArrayLike | None, batch_sizes: ArrayLike | None, updates: int
) -> tuple[Any, Any]:
    """ε and B, a number or one for each update."""
    rates = config.learning_rate if learning_rates is None else learning_rate_schedule(learning_rates, updates)
    if batch_sizes is not None:
        return rates, batch_size_schedule(batch_sizes, config, updates)
    if len(config.sizes) == 1:
        return rates, config.batch_size
    check_memory(3 * 8 * updates, f"updates must be fewer: {updates} batch sizes")
    return rates, np.resize(config.sizes, updates)


def _epoched(
    driver: str | None, config: SGDConfig, learning_rates: ArrayLike | None, sizes: Any, updates: int, steps: int
) -> Mapping[str, Any] | None:
    """The numbers of a driver's bridge, of one epoch where all are alike, else of all steps; None without one."""
    check_bridge(driver, config, sizes)
    if driver is None or not DRIVERS[driver].bridged:
        return None
    alike = learning_rates is None and not np.ndim(sizes)
    count = min(updates, config.n_examples // config.batch_size) if alike else updates
    check_memory(
        6 * 8 * count * steps,
        f"updates or substeps must be fewer, or driver 'brownian': {count * steps} steps of epochs, all different",
    )
    return bridge_numbers(config.n_examples, np.broadcast_to(sizes, count), steps)


def _times(config: SGDConfig, kicks: Any) -> Any:
    """Time t of an update, or of each: as `config.time_per_update`, with (1 − d) ε(k) in the place of (1 − d) ε."""
    return overdamped(kicks, 1.0, config.momentum).update / config.n_examples
