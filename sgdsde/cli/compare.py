"""``sgdsde compare``: run the SDE and SGD on one landscape, print them against theory and each other, draw them."""

from __future__ import annotations

import math
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from sgdsde.cli.landscapes import landscape_of
from sgdsde.cli.names import on_the_command_line
from sgdsde.cli.options import assignments, config_options, console, numbers
from sgdsde.cli.predict import describe
from sgdsde.cli.progress import progress_bars
from sgdsde.config import SGDConfig

if TYPE_CHECKING:
    from sgdsde.cli.linearised import Linearised
    from sgdsde.ensemble import Ensemble

SNAPSHOTS = 50
COARSE = 0.005  # relative error of the SDE from which a note is made of it
DRAWN_UPDATES = 200  # of the one path that is drawn
NAMES = {"sde": "SDE", "sgd": "SGD"}


@click.command()
@click.argument("loss")
@config_options
@click.option("--variables", default="x", show_default=True, help="Names of the components of ω, such as 'x y'.")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME=NUMBER", help="Of the loss; repeatable.")
@click.option("--covariance", help="F(ω): a number, an expression, 'hessian', or a matrix 'a, b; b, c'.  [default: 1]")
@click.option("--factor", help="A(ω) in place of F = A Aᵀ, such as 'a, b; c, d'.")
@click.option("--examples", default="gaussian", show_default=True, help="gaussian, rademacher or student_t:ν.")
@click.option("--start", help="Where paths start, such as 1,0.5.  [default: a named minimum, else 1 for each variable]")
@click.option("--updates", type=int, default=2000, show_default=True, help="Updates of SGD.")
@click.option("--burn-in", type=int, help="Updates before the averages begin.  [default: ten relaxation times]")
@click.option("--paths", type=int, default=4096, show_default=True, help="Independent paths.")
@click.option("--substeps", type=int, help="Steps of the SDE per update.  [default: from the curvature]")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same numbers.")
@click.option("--engine", default="numba", show_default=True, help="numba, torch or numpy.")
@click.option("--device", help="Of the engine torch, such as cuda.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("sgdsde-compare.png"), show_default=True)
def compare(
    loss: str, learning_rate: float, batch_size: int, n_examples: int, momentum: float, sampling: str, variables: str,
    parameters: tuple[str, ...], covariance: str | None, factor: str | None, examples: str, start: str | None,
    updates: int, burn_in: int | None, paths: int, substeps: int | None, seed: int, engine: str, device: str | None,
    output: Path,
) -> None:  # fmt: skip
    """Run the SDE and SGD on LOSS, an expression or a name that `sgdsde landscapes` lists, and compare them.

    Example: sgdsde compare "x**4/4 - x**2/2" --learning-rate 0.1 --batch-size 4 --n-examples 64
    """
    config = SGDConfig(learning_rate, batch_size, n_examples, momentum, sampling)
    landscape, start_at = landscape_of(loss, variables, assignments(parameters, "--parameter"), covariance, factor)
    _check_writable(output)
    if start is not None:
        start_at = numbers(start, "--start")
    from sgdsde.cli.linearised import Linearised
    from sgdsde.steps import COARSE as WARNED

    near = Linearised.near(landscape, start_at, config)
    if burn_in is None:
        burn_in = min(near.burn_in if near else updates, updates // 2)
    if substeps is None:
        substeps = near.substeps if near else 1

    def simulate(bars: Callable[[str], Callable[[float], None]] | None = None, **size: int) -> dict[str, Ensemble]:
        from sgdsde.simulate import simulate_sde, simulate_sgd

        shared: dict[str, Any] = {"seed": seed, "engine": engine, "device": device, **size}
        progress = {name: bars(name) if bars else None for name in NAMES.values()}
        sde = simulate_sde(landscape, config, start_at, substeps=substeps, progress=progress["SDE"], **shared)
        sgd = simulate_sgd(landscape, config, start_at, examples=examples, progress=progress["SGD"], **shared)
        return {"sde": sde, "sgd": sgd}

    with warnings.catch_warnings(record=True) as caught, progress_bars() as bars:
        warnings.simplefilter("always", UserWarning)
        runs = simulate(bars, updates=updates, paths=paths, burn_in=burn_in, save_every=_save_every(config, updates))
    out = console()
    out.print(f"Landscape  {landscape!r}", soft_wrap=True)
    out.print(f"Run        {describe(config)}", soft_wrap=True)
    out.print(f"           noise scale g = {config.noise_scale:.6g}, temperature T = {config.temperature:.6g}")
    out.print(
        f"           {paths} paths × {updates} updates, averages from {burn_in}; the SDE in {substeps} steps each"
    )
    for text in dict.fromkeys(str(warning.message) for warning in caught):
        out.print(f"Note: {on_the_command_line(text)}", soft_wrap=True)
    if near and COARSE < (error := near.integration_error(substeps)) <= WARNED:
        out.print(
            f"Note: with {substeps} steps per update the SDE's variance is about {error:.1%} too large", soft_wrap=True
        )
    _print_tables(out, runs, near)
    if not all(run.finite.any() for run in runs.values()):
        lost = " and ".join(NAMES[key] for key, run in runs.items() if not run.finite.any())
        raise click.ClickException(f"all paths of the {lost} diverged: there is nothing to draw")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said before, of the same path
        short = simulate(updates=min(updates, DRAWN_UPDATES), paths=1, save_every=1)
    output.write_bytes(_picture(runs, short, near))
    out.print(f"\nPicture: {output}", soft_wrap=True)


def _save_every(config: SGDConfig, updates: int) -> int:
    """Updates between snapshots; when reshuffling without a factor in common with an epoch, to see all of it."""
    every = max(1, updates // SNAPSHOTS)
    epoch = config.n_examples // config.batch_size if config.sampling == "reshuffle" else 1
    while math.gcd(every, epoch) > 1:
        every -= 1
    return every


def _check_writable(output: Path) -> None:
    if output.suffix.lower() != ".png":
        raise click.UsageError(f"--output must end in .png, got {str(output)!r}")
    try:
        with tempfile.TemporaryFile(dir=output.parent):
            pass
        if output.is_dir():
            raise IsADirectoryError(None, "is a folder")
    except OSError as error:
        raise click.UsageError(f"--output {str(output)!r} cannot be written: {error.strerror or error}") from None


def _print_tables(out: Console, runs: dict[str, Ensemble], near: Linearised | None) -> None:
    from sgdsde.statistics import compare as against

    laws = near.laws if near else dict.fromkeys(NAMES)
    tables = [
        against(runs[key], predicted=law, predicted_mean=near.at, names=[NAMES[key]])
        for key, law in laws.items()
        if near and law is not None
    ]
    if near and tables:
        at = ", ".join(f"{value:.6g}" for value in near.at)
        out.print(f"\nEach against its own stationary law, linearised at ω* = ({at})", soft_wrap=True)
        out.print(str(sum(tables[1:], tables[0])), soft_wrap=True)
    elif not near:
        out.print("\nNo prediction: the way down from --start ends at no minimum with curvature in every direction")
    for key, law in laws.items():
        if near and law is None:
            out.print(f"No prediction for the {NAMES[key]}: linearised at the minimum it has no stationary law")
    out.print("\nSGD, as run, against the SDE, as run")
    out.print(str(against(*runs.values(), names=list(NAMES.values()))), soft_wrap=True)


def _picture(runs: dict[str, Ensemble], short: dict[str, Ensemble], near: Linearised | None) -> bytes:
    from sgdsde.plotting import Shown, png, side_by_side

    mean, laws = (near.at, near.laws) if near else (None, dict.fromkeys(NAMES))
    return png(side_by_side([Shown(NAMES[key], runs[key], mean, laws[key], short[key]) for key in NAMES]))
