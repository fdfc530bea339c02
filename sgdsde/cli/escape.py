"""``sgdsde escape``: how long SDE and SGD take to leave a minimum, beside theory, as a table and pictures."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sgdsde.cli.folder import as_csv, as_json, check_folder, write_files
from sgdsde.cli.landscapes import landscape_of
from sgdsde.cli.names import on_the_command_line
from sgdsde.cli.options import assignments, config_options, console, numbers
from sgdsde.cli.predict import describe
from sgdsde.cli.progress import progress_bars
from sgdsde.config import SGDConfig

if TYPE_CHECKING:
    from sgdsde.escapes import EscapeStudy
    from sgdsde.landscapes import Landscape

SHOWN_UPDATES = 400  # at most, of the paths that are drawn
SHOWN_PATHS = 64  # of which as many are drawn as fit
ONE_RUN = 0  # the run whose survival is drawn: that of the smallest batch


@click.command()
@click.argument("loss", metavar="LANDSCAPE")
@config_options
@click.option("--stop", required=True, help="Where paths end: a condition such as 'x > 0' or 'x > 1 and y < 0'.")
@click.option("--batch-sizes", help="Several B in place of one, such as 1,2,4,8: the noise scales.")
@click.option("--start", help="Where paths start, such as -1 or 1,0.5.  [default: a named minimum, else 1 for each]")
@click.option("--variables", default="x", show_default=True, help="Names of the components of ω, such as 'x y'.")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME=NUMBER", help="Of the loss; repeatable.")
@click.option("--covariance", help="F(ω): a number, an expression, 'hessian', or a matrix 'a, b; b, c'.  [default: 1]")
@click.option("--factor", help="A(ω) in place of F = A Aᵀ, such as 'a, b; c, d'.")
@click.option("--examples", default="gaussian", show_default=True, help="gaussian, rademacher or student_t:ν.")
@click.option("--updates", type=int, default=20_000, show_default=True, help="The most; then paths are censored.")
@click.option("--paths", type=int, default=2000, show_default=True, help="Independent paths of each run.")
@click.option("--saddle", help="Near the saddle of Kramers' formula.  [default: found from where paths leave]")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same numbers.")
@click.option("--engine", default="numba", show_default=True, help="numba, torch or numpy.")
@click.option("--device", help="Of the engine torch, such as cuda.")
@click.option("--output", type=click.Path(path_type=Path), help="A folder for table.csv, table.json and pictures.")
def escape(
    loss: str, learning_rate: float, batch_size: int, n_examples: int, momentum: float, sampling: str, stop: str,
    batch_sizes: str | None, start: str | None, variables: str, parameters: tuple[str, ...], covariance: str | None,
    factor: str | None, examples: str, updates: int, paths: int, saddle: str | None, seed: int, engine: str,
    device: str | None, output: Path | None,
) -> None:  # fmt: skip
    """Run the SDE and SGD on LANDSCAPE, an expression or a name that `sgdsde landscapes` lists, until they leave.

    Example: sgdsde escape double_well --learning-rate 0.05 --batch-size 1 --n-examples 64 --covariance 8 --start=-1
    --stop "x > 0" --batch-sizes 1,2,3
    """
    config = SGDConfig(learning_rate, batch_size, n_examples, momentum, sampling)
    landscape, start_at = landscape_of(loss, variables, assignments(parameters, "--parameter"), covariance, factor)
    sizes = None if batch_sizes is None else _whole(batch_sizes, "--batch-sizes")
    if start is not None:
        start_at = numbers(start, "--start")
    if output is not None:
        check_folder(output)
    from sgdsde.escapes import escape_study

    with warnings.catch_warnings(record=True) as caught, progress_bars() as bar, _named():
        warnings.simplefilter("always", UserWarning)
        study = escape_study(
            landscape, config, start_at, stop, batch_sizes=sizes, paths=paths, updates=updates, examples=examples,
            saddle=None if saddle is None else numbers(saddle, "--saddle"), seed=seed, engine=engine, device=device,
            progress=bar("escapes"),
        )  # fmt: skip
    out = console()
    out.print(f"Landscape  {landscape!r}", soft_wrap=True)
    out.print(f"Run        {describe(study.configs[0])}", soft_wrap=True)
    for text in dict.fromkeys(str(warning.message) for warning in caught):
        out.print(f"Warning: {on_the_command_line(text)}", soft_wrap=True)
    out.print(f"\n{study}", soft_wrap=True)
    if output is not None:
        for file in _write(study, landscape, output, {"seed": seed, "engine": engine, "device": device}):
            out.print(f"Written: {file}", soft_wrap=True)
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


def _write(study: EscapeStudy, landscape: Landscape, folder: Path, options: dict[str, Any]) -> list[Path]:
    """The table as CSV, all of it as JSON, and the pictures that there is something for."""
    from sgdsde.plotting import escape_times, png, survival_curves

    dataset = study.to_xarray()
    files = {"table.csv": as_csv(dataset), "table.json": as_json(dataset)}
    if any(each.time.exits for each in study.escapes):
        best = next((name for name in ("exact", "fokker_planck") if name in study.predictions.updates), None)
        said = float(study.predictions.updates[best][ONE_RUN]) if best else float("nan")
        means = {"exponential, with the exact mean": said} if said == said else {}
        shown = {
            f"{label}, B = {study[label][ONE_RUN].config.batch_size}": study[label][ONE_RUN].ensemble
            for label in study.labels
        }
        files["survival.png"] = png(survival_curves(shown, means))
        files["times.png"] = png(escape_times(study))
        if landscape.dimension == 2:
            files["paths.png"] = _paths(study, landscape, options)
    return write_files(folder, files)


def _paths(study: EscapeStudy, landscape: Landscape, options: dict[str, Any]) -> bytes:
    """A few paths of the hottest run over the contours, by the schemes and in the steps of the study."""
    from sgdsde.plotting import escape_paths, png
    from sgdsde.simulate import simulate_sde, simulate_sgd

    updates = min(study.updates, SHOWN_UPDATES)
    size: dict[str, Any] = {"updates": updates, "paths": SHOWN_PATHS, "save_every": 1, "stop": study.stop, **options}
    shown = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said before, of the study
        for label in study.labels:
            one = study[label][ONE_RUN]
            scheme = one.ensemble.provenance["scheme"]
            run: Any = simulate_sgd if scheme == "sgd" else simulate_sde
            steps = {} if scheme == "sgd" else {"substeps": one.substeps}
            shown[label] = run(landscape, one.config, study.start, scheme=scheme, **steps, **size)
        return png(escape_paths(landscape, shown, study.stop))
