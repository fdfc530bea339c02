"""``sgdsde predict``: what theory makes of (ε, B, N, m), and where it should not be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import click
from rich.table import Table

from sgdsde.cli.options import config_options, console
from sgdsde.cli.width import say
from sgdsde.clock import overdamped
from sgdsde.config import SGDConfig
from sgdsde.drivers import DRIVERS

#: Relative error of the SDE from which a note is made of it.
NOTABLE = 0.05


@click.command()
@config_options
@click.option("--curvature", type=float, help="h, a curvature of the mean loss (an eigenvalue of its Hessian).")
def predict(
    learning_rate: float, batch_size: int, n_examples: int, momentum: float, sampling: str, drop_last: bool,
    curvature: float | None,
) -> None:  # fmt: skip
    """Print the noise scale, the temperature, the clock and the limits of an SGD run.

    Example: sgdsde predict --learning-rate 0.1 --batch-size 4 --n-examples 64 --curvature 1
    """
    config = SGDConfig(learning_rate, batch_size, n_examples, momentum, sampling, drop_last=drop_last)
    if curvature is not None and not (curvature > 0 and math.isfinite(curvature)):
        raise ValueError(f"curvature must be positive and finite, got {curvature!r}")
    out = console()
    printed = Table("quantity", "symbol", "value", title=describe(config), title_justify="left")
    printed.columns[2].justify = "right"
    for column in printed.columns:
        column.overflow = "fold"
    for quantity, symbol, value in rows(config, curvature):
        printed.add_row(quantity, symbol, f"{value:.6g}")
    out.print(printed)
    for note in notes(config, curvature):
        say(out, f"Note: {note}")


def describe(*configs: SGDConfig) -> str:
    """One line that names the run, or runs that differ in B alone."""
    config, sizes = configs[0], ", ".join(str(each.batch_size) for each in configs)
    return (
        f"SGD with ε = {config.learning_rate:g}, B = {sizes}, N = {config.n_examples}, m = {config.momentum:g}, "
        f"{config.sampling.replace('_', ' ')}"
    )


def rows(config: SGDConfig, curvature: float | None) -> Iterator[tuple[str, str, float]]:
    """(quantity, symbol, value) of everything that is known."""
    yield "noise scale", "g = εNc/(1 − m)", config.noise_scale
    yield "temperature", "T = g/N", config.temperature
    yield "noise of a batch's mean gradient, over F", "c", config.batch_noise
    yield "time of an update, summed cost", "t = ε/(N(1 − m))", config.time_per_update
    yield "time of an update, mean loss", "s = ε/(1 − m)", config.mean_loss_time_per_update
    yield "updates per epoch", "N/B", config.updates_per_epoch
    if curvature is None:
        return
    from sgdsde import theory

    limit = theory.stability_limit(curvature, config)
    yield f"stability limit of ε at h = {curvature:g}", "2(1 + m)/h", limit
    yield "updates in which the SDE forgets", "1/(s h)", theory.relaxation_time(curvature, config, "sde")
    if config.learning_rate < limit:
        both = theory.relaxation_time(curvature, config, "slower")
        yield "the same, the slower of SDE and SGD", "max(…, −1/ln ρ)", both
    if config.remainder:
        return
    driver = _driver(config)
    sde = float(theory.stationary_variance(curvature, 1.0, config, "sde", driver=driver))
    yield "stationary variance over F, SDE", "T/(2h)" if driver == "brownian" else "S/F", sde
    if config.learning_rate < limit:
        exact = float(theory.stationary_variance(curvature, 1.0, config, "sgd"))
        yield "stationary variance over F, SGD, exact", "S/F", exact


def notes(config: SGDConfig, curvature: float | None) -> Iterator[str]:
    """What a user of these numbers should know, one sentence each."""
    usual = config.n_examples * overdamped(config.kick, 1 / config.batch_size, config.momentum).temperature
    if not config.noise_scale:
        yield f"each batch is the whole training set: no noise is left, g = 0 (the usual εN/(B(1 − m)) is {usual:.6g})"
    elif usual > (1 + NOTABLE) * config.noise_scale:
        yield (
            f"B is not small against N: the usual εN/(B(1 − m)) = {usual:.6g} is {usual / config.noise_scale:.3g} × "
            "the noise scale g"
        )
    if curvature is not None:
        yield from _notes_at(config, curvature)
    elif config.permuted:
        yield (
            f"{_batches(config)} cancel within an epoch and the SDE over-predicts when Brownian motion drives it; "
            "--curvature says by how much"
        )


def _notes_at(config: SGDConfig, curvature: float) -> Iterator[str]:
    from sgdsde import theory

    limit = theory.stability_limit(curvature, config)
    if config.learning_rate >= limit:
        yield f"ε is not below the stability limit {limit:.6g}: SGD diverges in this direction"
        return
    if not config.noise_scale:
        return
    if config.remainder:
        yield (
            f"N is no multiple of B: {config.remainder} examples of each epoch "
            f"{'are left out' if config.drop_last else 'make a smaller batch'}, and there is no stationary law for that"
        )
        return
    sde = float(theory.stationary_variance(curvature, 1.0, config, "sde", driver="brownian"))
    fresh = replace(config, sampling="without_replacement", drop_last=False) if config.permuted else config
    step = float(theory.stationary_variance(curvature, 1.0, fresh, "sgd")) / sde
    if step > 1 + NOTABLE:
        yield (
            f"ε is {config.learning_rate / limit:.2g} of the stability limit: with independent batches SGD's variance "
            f"is {step:.4g} × the SDE's"
        )
    if config.permuted:
        sgd = float(theory.stationary_variance(curvature, 1.0, config, "sgd"))
        cancel = (
            f"{_batches(config)} cancel within an epoch: driven by Brownian motion the SDE over-predicts the "
            f"variance {sde / sgd:.4g} times"
        )
        if _driver(config) == "epoched":
            epoched = float(theory.stationary_variance(curvature, 1.0, config, "sde"))
            cancel += f"; driven by epoched Brownian motion it predicts {epoched / sgd:.4g} of it"
        yield cancel


def _batches(config: SGDConfig) -> str:
    return "batches of one permutation" if config.repeated else "reshuffled batches"


def _driver(config: SGDConfig) -> str:
    """The driver that stands for its batches, or Brownian motion where none does."""
    return "epoched" if not DRIVERS["epoched"].refuses(config) else "brownian"
