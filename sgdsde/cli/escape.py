"""``sgdsde escape``: how long SDE and SGD take to leave a minimum, beside theory, as a table and pictures."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sgdsde.cli.compared import dynamics
from sgdsde.cli.folder import as_csv, as_json, check_folder, output_option, save
from sgdsde.cli.landscapes import landscape_of
from sgdsde.cli.names import on_the_command_line
from sgdsde.cli.options import assignments, config_options, console, driver_option, dynamics_options, numbers
from sgdsde.cli.predict import describe
from sgdsde.cli.progress import progress_bars
from sgdsde.cli.width import say, table_width
from sgdsde.config import SGDConfig

if TYPE_CHECKING:
    from sgdsde.ensemble import Ensemble
    from sgdsde.escapes import EscapeStudy
    from sgdsde.landscapes import Landscape

SHOWN_PATHS = 64  # of which as many are drawn as fit
SNAPSHOTS = 400  # of them, at most
MEANS_SHOWN, LEAST_SHOWN = 2, 40  # how long they are drawn: mean exit times, and updates
ONE_RUN = 0  # the run whose survival is drawn: that of the smallest batch


@click.command()
@click.argument("loss", metavar="LANDSCAPE")
@config_options
@dynamics_options
@driver_option
@click.option("--stop", required=True, help="Where paths end: a condition such as 'x > 0' or 'x > 1 and y < 0'.")
@click.option("--batch-sizes", help="Several B in place of one, such as 1,2,4,8: the noise scales.")
@click.option("--w0", help="Where paths start, such as -1 or 1,0.5.  [default: a named minimum, else 1 for each]")
@click.option("--variables", default="x", show_default=True, help="Names of the components of ω, such as 'x y'.")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME=NUMBER", help="Of the loss; repeatable.")
@click.option(
    "--noise-covariance",
    help="F(ω): a number, an expression, 'hessian', 'loss', or a matrix 'a, b; b, c'.  [default: 1]",
)
@click.option("--noise-factor", help="A(ω) in place of F = A Aᵀ, such as 'a, b; c, d'.")
@click.option("--examples", default="gaussian", show_default=True, help="gaussian, rademacher or student_t:ν.")
@click.option("--updates", type=int, default=20_000, show_default=True, help="The most; then paths are censored.")
@click.option("--paths", type=int, default=2000, show_default=True, help="Independent paths of each run.")
@click.option("--saddle", help="Near the saddle of Kramers' formula.  [default: found from where paths leave]")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same numbers.")
@click.option("--engine", default="numba", show_default=True, help="numba, torch or numpy.")
@click.option("--device", help="Of the engine torch, such as cuda.")
@output_option
def escape(
    loss: str, learning_rate: float, batch_size: int, n_examples: int, momentum: float, sampling: str,
    drop_last: bool, rule: str, hyperparameters: tuple[str, ...], weight_decay: float, driver: str | None, stop: str,
    batch_sizes: str | None, w0: str | None, variables: str, parameters: tuple[str, ...], noise_covariance: str | None,
    noise_factor: str | None, examples: str, updates: int, paths: int, saddle: str | None, seed: int, engine: str,
    device: str | None, output: Path | None,
) -> None:  # fmt: skip
    """Run the SDE and SGD on LANDSCAPE, an expression or a name that `sgdsde landscapes` lists, until they leave.

    A LANDSCAPE that begins with a minus goes last, after --.

    Example: sgdsde escape double_well --learning-rate 0.05 --batch-size 1 --n-examples 64 --noise-covariance 8 --w0=-1
    --stop "x > 0" --batch-sizes 1,2,3
    """
    config = SGDConfig(
        learning_rate, batch_size, n_examples, momentum, sampling, weight_decay=weight_decay, drop_last=drop_last,
        hyperparameters=assignments(hyperparameters, "--hyperparameter"),
    )  # fmt: skip
    landscape, start_at = landscape_of(
        loss, variables, assignments(parameters, "--parameter"), noise_covariance, noise_factor
    )
    sizes = None if batch_sizes is None else _whole(batch_sizes, "--batch-sizes")
    if w0 is not None:
        start_at = numbers(w0, "--w0")
    if output is not None:
        check_folder(output)
    from sgdsde.escapes import escape_study

    with warnings.catch_warnings(record=True) as caught, progress_bars() as bar, _named():
        warnings.simplefilter("always", UserWarning)
        study = escape_study(
            landscape, config, start_at, stop, dynamics=dynamics(config, rule), batch_sizes=sizes, paths=paths,
            updates=updates, examples=examples, driver=driver,
            saddle=None if saddle is None else numbers(saddle, "--saddle"), seed=seed, engine=engine, device=device,
            progress=bar("escapes"),
        )  # fmt: skip
    out = console()
    say(out, f"Landscape  {landscape!r}")
    say(out, f"Run        {describe(*study.configs)}")
    for text in dict.fromkeys(str(warning.message) for warning in caught):
        say(out, f"Warning: {on_the_command_line(text)}")
    say(out, f"\n{study.text(table_width(out))}")
    if output is not None:
        out.print("")
        save(out, output, _files(study, landscape, {"seed": seed, "engine": engine, "device": device}))
    if not any(each.time.exits for each in study.escapes):
        raise click.ClickException(f"no path has left: --updates {updates} is too short, or --stop out of reach")


@contextmanager
def _named() -> Iterator[None]:
    """What the library says of `stop`, `batch_sizes` and `saddle`, said of the options."""
    try:
        yield
    except ValueError as error:
        message = re.sub(r"^(stop|saddle)\b", r"--\1", str(error))
        message = message.replace("outside of stop", "outside of --stop").replace("batch_sizes", "--batch-sizes")
        raise click.UsageError(on_the_command_line(message)) from None


def _whole(text: str, option: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise click.UsageError(f"{option} must be whole numbers with commas between them, got {text!r}") from None


def _files(study: EscapeStudy, landscape: Landscape, options: dict[str, Any]) -> dict[str, bytes]:
    """The table as CSV, all of it as JSON, and the pictures that there is something for."""
    from sgdsde.plotting import escape_animation, escape_paths, escape_times, png, survival_curves

    dataset = study.to_xarray()
    files = {"table.csv": as_csv(dataset), "table.json": as_json(dataset)}
    if not any(each.time.exits for each in study.escapes):
        return files
    best = next((name for name in ("exact", "fokker_planck") if name in study.predictions.updates), None)
    said = float(study.predictions.updates[best][ONE_RUN]) if best else float("nan")
    means = {"exponential, with the exact mean": said} if said == said else {}
    shown = {
        f"{label}, B = {study[label][ONE_RUN].config.batch_size}": study[label][ONE_RUN].ensemble
        for label in study.labels
    }
    files["survival.png"] = png(survival_curves(shown, means))
    if len(study.configs) > 1:  # one batch size is one point
        files["times.png"] = png(escape_times(study))
    if landscape.dimension <= 2:
        few = _few_paths(study, landscape, options)
        files["paths.png"] = png(escape_paths(landscape, few, study.stop))
        files["paths.gif"] = escape_animation(landscape, few, study.stop)
    return files


def _few_paths(study: EscapeStudy, landscape: Landscape, options: dict[str, Any]) -> dict[str, Ensemble]:
    """A few paths of the hottest run, by the schemes and in the steps of the study, until most have ended."""
    from sgdsde.simulate import simulate_sde, simulate_sgd

    runs = {label: study[label][ONE_RUN] for label in study.labels}
    longest = max(each.time.mean for each in runs.values() if each.time.exits)
    updates = min(study.updates, max(LEAST_SHOWN, ceil(MEANS_SHOWN * longest)))
    size: dict[str, Any] = {
        "updates": updates, "paths": SHOWN_PATHS, "save_every": ceil(updates / SNAPSHOTS), "stop": study.stop,
    }  # fmt: skip
    shown = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said before, of the study
        for label, one in runs.items():
            told = one.ensemble.provenance
            run: Any = simulate_sde if "scheme" in told else simulate_sgd
            names = ("scheme", "substeps") if "scheme" in told else ("dynamics",)
            own = {name: told[name] for name in names}
            shown[label] = run(landscape, one.config, study.w0, **own, **size, **options)
    return shown
