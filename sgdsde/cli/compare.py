"""``sgdsde compare``: run the SDE and SGD on one landscape, print them against theory and each other, draw them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sgdsde.cli.compared import dynamics, named, picture, print_tables, tables_of
from sgdsde.cli.folder import as_csv, as_json, check_folder, output_option, save
from sgdsde.cli.landscapes import landscape_of
from sgdsde.cli.names import on_the_command_line
from sgdsde.cli.options import assignments, config_options, console, driver_option, dynamics_options, numbers
from sgdsde.cli.predict import describe
from sgdsde.cli.progress import progress_bars
from sgdsde.cli.width import say
from sgdsde.config import SGDConfig

if TYPE_CHECKING:
    from sgdsde.cli.linearised import Linearised
    from sgdsde.ensemble import Ensemble
    from sgdsde.landscapes import Landscape

SNAPSHOTS = 50
COARSE = 0.005  # relative error of the SDE from which a note is made of it
DRAWN_UPDATES = 200  # of the one path that is drawn


@click.command()
@click.argument("loss")
@config_options
@dynamics_options
@driver_option
@click.option("--noise", help="batches, normal, isotropic, diagonal or svag.  [default: the rule's own]")
@click.option("--variables", default="x", show_default=True, help="Names of the components of ω, such as 'x y'.")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME=NUMBER", help="Of the loss; repeatable.")
@click.option(
    "--noise-covariance",
    help="F(ω): a number, an expression, 'hessian', 'loss', or a matrix 'a, b; b, c'.  [default: 1]",
)
@click.option("--noise-factor", help="A(ω) in place of F = A Aᵀ, such as 'a, b; c, d'.")
@click.option("--examples", default="gaussian", show_default=True, help="gaussian, rademacher or student_t:ν.")
@click.option("--w0", help="Where paths start, such as 1,0.5.  [default: a named minimum, else 1 for each variable]")
@click.option("--updates", type=int, default=2000, show_default=True, help="Updates of SGD.")
@click.option("--burn-in", type=int, help="Updates before averages.  [default: ten relaxation times, half at most]")
@click.option("--paths", type=int, default=4096, show_default=True, help="Independent paths.")
@click.option("--substeps", type=int, help="Steps of the SDE per update.  [default: from the curvature]")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same numbers.")
@click.option("--engine", default="numba", show_default=True, help="numba, torch or numpy.")
@click.option("--device", help="Of the engine torch, such as cuda.")
@output_option
def compare(
    loss: str, learning_rate: float, batch_size: int, n_examples: int, momentum: float, sampling: str,
    drop_last: bool, rule: str, hyperparameters: tuple[str, ...], weight_decay: float, driver: str | None,
    noise: str | None, variables: str,
    parameters: tuple[str, ...], noise_covariance: str | None, noise_factor: str | None, examples: str, w0: str | None,
    updates: int, burn_in: int | None, paths: int, substeps: int | None, seed: int, engine: str,
    device: str | None, output: Path | None,
) -> None:  # fmt: skip
    """Run the SDE and SGD on LOSS, an expression or a name that `sgdsde landscapes` lists, and compare them.

    With momentum there is also the SDE that keeps a velocity; with --dynamics another rule and its SDE. A LOSS that
    begins with a minus goes last, after --.

    Example: sgdsde compare "x**4/4 - x**2/2" --learning-rate 0.1 --batch-size 4 --n-examples 64
    """
    config = SGDConfig(
        learning_rate, batch_size, n_examples, momentum, sampling, weight_decay=weight_decay, drop_last=drop_last,
        hyperparameters=assignments(hyperparameters, "--hyperparameter"),
    )  # fmt: skip
    runs_of = dynamics(config, rule)
    landscape, start_at = landscape_of(
        loss, variables, assignments(parameters, "--parameter"), noise_covariance, noise_factor
    )
    if output is not None:
        check_folder(output)
    if w0 is not None:
        start_at = numbers(w0, "--w0")
    from sgdsde.cli.linearised import Linearised
    from sgdsde.steps import COARSE as WARNED

    near, why = Linearised.near(landscape, start_at, config, driver), ""
    if near is None:
        why = "the way down from --w0 ends at no minimum with curvature in every direction"
    elif rule != "sgd" or noise is not None:
        near, why = None, f"stationary laws are those of plain SGD, not of {rule}" + (f" with {noise}" if noise else "")
    if burn_in is None:
        burn_in = min(near.burn_in if near else updates, updates // 2)
    steps = _steps(landscape, start_at, config, near, substeps, runs_of[:-1])

    def simulate(bars: Callable[[str], Callable[[float], None]] | None = None, **size: int) -> dict[str, Ensemble]:
        from sgdsde.simulate import simulate_sde, simulate_sgd

        shared: dict[str, Any] = {"seed": seed, "engine": engine, "device": device, **size}
        found = {}
        for name in runs_of:
            own = shared | {"progress": bars(named(name)) if bars else None}
            if name == rule:
                own |= {"dynamics": rule, "noise": noise}
                found[name] = simulate_sgd(landscape, config, start_at, examples=examples, **own)
            else:
                own |= {"dynamics": name, "substeps": steps[name], "driver": driver}
                found[name] = simulate_sde(landscape, config, start_at, **own)
        return found

    with warnings.catch_warnings(record=True) as caught, progress_bars() as bars:
        warnings.simplefilter("always", UserWarning)
        runs = simulate(bars, updates=updates, paths=paths, burn_in=burn_in, save_every=_save_every(config, updates))
    out = console()
    say(out, f"Landscape  {landscape!r}")
    say(out, f"Run        {describe(config)}")
    say(out, f"           noise scale g = {config.noise_scale:.6g}, temperature T = {config.temperature:.6g}")
    times = f", {burn_in / near.relaxation:.3g} relaxation times" if near else ""
    say(out, f"           {paths} paths × {updates} updates, averages from {burn_in}{times}")
    taken = "; ".join(f"{named(name)} {count}" for name, count in steps.items())
    say(out, f"           steps for an update: {taken}")
    for text in dict.fromkeys(str(warning.message) for warning in caught):
        say(out, f"Note: {on_the_command_line(text)}")
    if near and COARSE < (error := near.integration_error(steps["sde"])) <= WARNED:
        say(out, f"Note: with {steps['sde']} steps per update the SDE's variance is about {error:.1%} too large")
    tables = tables_of(runs, near, burn_in)
    print_tables(out, tables, landscape, near, burn_in, rule, why)
    if not all(run.finite.any() for run in runs.values()):
        lost = " and ".join(named(key) for key, run in runs.items() if not run.finite.any())
        raise click.ClickException(f"all paths of the {lost} diverged: there is nothing to draw")
    if output is None:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said before, of the same path
        short = simulate(updates=min(updates, DRAWN_UPDATES), paths=1, save_every=1)
    table = sum(tables[1:], tables[0]).to_xarray()
    out.print("")
    save(out, output, {
        "table.csv": as_csv(table), "table.json": as_json(table), "compare.png": picture(runs, short, near),
    })  # fmt: skip


def _steps(
    landscape: Landscape,
    w0: Any,
    config: SGDConfig,
    near: Linearised | None,
    substeps: int | None,
    names: list[str],
) -> dict[str, int]:
    """Steps of each SDE for an update: what was asked for, else from the curvature."""
    from sgdsde.dynamics import limits
    from sgdsde.escapes.steps import largest_curvature, substeps_for
    from sgdsde.schemes.registry import ADAPTIVE_EQUATIONS

    found = {}
    for name in names:
        if substeps is not None:
            found[name] = substeps
        elif limits.LIMITS[name].equation in ADAPTIVE_EQUATIONS:
            found[name] = limits.adaptive_substeps(limits.LIMITS[name].numbers(config))
        elif name == "sde" or near is None:
            found[name] = near.substeps if near else 1
        else:
            curvature = largest_curvature(landscape, landscape.point(w0, "w0"), ())
            found[name] = substeps_for(limits.find(name)[1], config, curvature)[0]
    return found


def _save_every(config: SGDConfig, updates: int) -> int:
    """Updates between snapshots; of permutations without a factor in common with an epoch, to see all of it."""
    every = max(1, updates // SNAPSHOTS)
    epoch = math.ceil(config.updates_per_epoch) if config.permuted else 1
    while math.gcd(every, epoch) > 1:
        every -= 1
    return every
