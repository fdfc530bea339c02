"""``sgdsde evidence``: Bayesian evidence of logistic regression against its penalty, as a table and figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from sgdsde.cli.folder import as_csv, as_json, check_folder, output_option, save
from sgdsde.cli.npz import read_arrays
from sgdsde.cli.options import console, numbers
from sgdsde.cli.progress import progress_bars
from sgdsde.cli.width import say, table_width

if TYPE_CHECKING:
    from sgdsde.data import Dataset

TASKS = ("toy", "mnist01")
LABELS = ("random", "informative")


class Examples(NamedTuple):
    """What is studied: a name for titles and files, training examples, and test examples if there are any."""

    name: str
    inputs: Any
    labels: Any
    test: tuple[Any, Any] | None


@click.command()
@click.option(
    "--task", default="toy", show_default=True, metavar="toy|mnist01|FILE.npz",
    help="Of Smith & Le's figures, or a NumPy file with X and y, and X_test and y_test if there are any.",
)  # fmt: skip
@click.option("--labels", type=click.Choice([*LABELS, "both"]), help="Of toy and mnist01.  [default: both]")
@click.option("--regularization", help="λ, such as 0.01,1,100.  [default: 25 from 0.001 to 1000]")
@click.option("--cutoff", is_flag=True, help="Count eigenvalues λ_i ≥ λ only, as away from a minimum.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the data of toy, the choice of mnist01.")
@output_option
def evidence(
    task: str, labels: str | None, regularization: str | None, cutoff: bool, seed: int, output: Path | None
) -> None:
    """Fit logistic regression at many penalties, and compare its evidence with that of the null model.

    The file of --task must hold X, shape (N, P), and y, shape (N,), class numbers from 0; there is no intercept unless
    X has a column of ones. E is the log evidence ratio in nats: below zero, the evidence is for the model.

    Example: sgdsde evidence --task toy --regularization 0.1,1,10,100
    """
    penalties = None if regularization is None else numbers(regularization, "--regularization")
    if output is not None:
        check_folder(output)
    from sgdsde.evidence import evidence_study

    studied = _examples(task, labels, seed)
    studies = {}
    out = console()
    for each in studied:
        with progress_bars() as bar:
            study = evidence_study(
                each.inputs, each.labels, penalties, each.test, cutoff=cutoff, progress=bar(each.name)
            )  # fmt: skip
        say(out, f"{each.name}\n{study.text(table_width(out))}\n")
        studies[each.name] = study
    if output is None:
        return
    from sgdsde.plotting import accuracy_chart, evidence_chart, png

    files = {}
    for name, study in studies.items():
        stem = name.replace(" ", "_")
        files[f"{stem}.csv"] = as_csv(study.to_xarray().drop_dims("mode"))
        files[f"{stem}.json"] = as_json(study.to_xarray())
    files["accuracy.png"] = png(accuracy_chart(studies))
    files["evidence.png"] = png(evidence_chart(studies))
    save(out, output, files)


def _examples(task: str, labels: str | None, seed: int) -> list[Examples]:
    if task not in TASKS:
        if not task.endswith(".npz"):
            raise click.UsageError(f"--task must be toy, mnist01 or a file that ends in .npz, got {task!r}")
        if labels is not None:
            raise click.UsageError(f"--labels goes with --task toy and mnist01; {task} has labels of its own")
        return [_from_file(Path(task))]
    from sgdsde.data import gaussian_task, mnist, zeros_and_ones

    chosen = LABELS if labels in (None, "both") else (labels,)
    if task == "toy":
        return [_of_dataset(f"{each} labels", gaussian_task(each, seed)) for each in chosen]
    images = mnist()
    return [_of_dataset(f"{each} labels", zeros_and_ones(images, each, seed)) for each in chosen]


def _of_dataset(name: str, data: Dataset) -> Examples:
    return Examples(name, data.x_train, data.y_train, (data.x_test, data.y_test))


def _from_file(path: Path) -> Examples:
    """X and y of a file."""
    stored = read_arrays(path, "--task")
    if any(name not in stored for name in ("X", "y")):
        found = ", ".join(stored) or "nothing"
        raise click.UsageError(f"--task {path} must hold X and y, it has {found}")
    if ("X_test" in stored) != ("y_test" in stored):
        raise click.UsageError(f"--task {path} must hold both X_test and y_test, or neither")
    test = (stored["X_test"], stored["y_test"]) if "X_test" in stored else None
    return Examples(path.stem, stored["X"], stored["y"], test)
