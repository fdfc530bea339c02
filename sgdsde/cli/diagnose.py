"""``sgdsde diagnose``: whether the SDE is right for a run, effect by effect, on a landscape or a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sgdsde.cli.folder import check_folder, output_option, save
from sgdsde.cli.landscapes import landscape_of
from sgdsde.cli.options import assignments, config_options, console, numbers
from sgdsde.cli.progress import progress_bars
from sgdsde.cli.width import say, table_width
from sgdsde.config import SGDConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from sgdsde.diagnosis import Diagnosis

    Bars = Callable[[str], Callable[[float], None]]


@click.command()
@click.argument("loss", metavar="[LANDSCAPE]", required=False)
@config_options
@click.option("--weight-decay", type=float, default=0.0, show_default=True, help="λ, added to gradients as λω.")
@click.option(
    "--dynamics", type=click.Choice(["sde", "momentum_sde"]), default="sde", show_default=True,
    help="The SDE that is judged: without a velocity, or with one.",
)  # fmt: skip
@click.option("--driver", default="brownian", show_default=True, help="Of that SDE: brownian or epoched.")
@click.option("--w0", help="A point in the well, such as 1,0.5.  [default: a named minimum, else 1 for each variable]")
@click.option("--variables", default="x", show_default=True, help="Names of the components of ω, such as 'x y'.")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME=NUMBER", help="Of the loss; repeatable.")
@click.option(
    "--noise-covariance", help="F(ω): a number, an expression, 'hessian', or a matrix 'a, b; b, c'.  [default: 1]"
)
@click.option("--noise-factor", help="A(ω) in place of F = A Aᵀ, such as 'a, b; c, d'.")
@click.option("--examples", default="gaussian", show_default=True, help="gaussian, rademacher or student_t:ν.")
@click.option("--network", metavar="784-200-10", help="Widths of a ReLU network, in place of LANDSCAPE.")
@click.option("--data", "images", default="digits", show_default=True, help="Of the network: digits or mnist.")
@click.option("--train", type=int, default=0, show_default=True, help="Updates of the network by SGD, before.")
@click.option("--updates", type=int, help="How long the network's run is.  [default: ten epochs]")
@click.option("--seed", type=int, default=0, show_default=True, help="Of examples, images, weights and probes.")
@output_option
def diagnose(
    loss: str | None, learning_rate: float, batch_size: int, n_examples: int, momentum: float, sampling: str,
    drop_last: bool, weight_decay: float, dynamics: str, driver: str, w0: str | None, variables: str,
    parameters: tuple[str, ...], noise_covariance: str | None, noise_factor: str | None, examples: str,
    network: str | None, images: str, train: int, updates: int | None, seed: int, output: Path | None,
) -> None:  # fmt: skip
    """Say whether the SDE is right for an SGD run: each effect that it leaves out, its size, and what to take instead.

    LANDSCAPE is an expression or a name that `sgdsde landscapes` lists; --network takes its place. Nothing is
    simulated: sizes are those of exact laws at the minimum, or of the network's own curvature and gradient noise.

    Example: sgdsde diagnose double_well --learning-rate 0.1 --batch-size 4 --n-examples 64 --sampling reshuffle
    """
    config = SGDConfig(
        learning_rate, batch_size, n_examples, momentum, sampling, weight_decay=weight_decay, drop_last=drop_last
    )
    if (loss is None) is (network is None):
        raise click.UsageError("give a LANDSCAPE or --network, and one of the two")
    given = assignments(parameters, "--parameter")
    if network is not None and (given or noise_covariance or noise_factor or w0):
        raise click.UsageError("--parameter, --noise-covariance, --noise-factor and --w0 are for a LANDSCAPE")
    if network is None and (train or updates is not None):
        raise click.UsageError("--train and --updates are for a --network")
    if output is not None:
        check_folder(output)
    from sgdsde.diagnosis import diagnose as diagnosed

    shared: dict[str, Any] = {"dynamics": dynamics, "driver": driver, "seed": seed}
    if loss is not None:
        landscape, start = landscape_of(loss, variables, given, noise_covariance, noise_factor)
        at = start if w0 is None else numbers(w0, "--w0")
        found = diagnosed(config, landscape, at, examples=examples, **shared)
    else:
        with progress_bars() as bars:
            found = _of_network(config, str(network), images, train, updates, bars, shared)
    out = console()
    say(out, found.text(table_width(out)))
    if output is not None:
        out.print("")
        save(
            out, output, {"diagnosis.json": (json.dumps(_strict(found), indent=1, ensure_ascii=False) + "\n").encode()}
        )


def _of_network(
    config: SGDConfig, network: str, images: str, train: int, updates: int | None, bars: Bars, shared: dict[str, Any]
) -> Diagnosis:
    from sgdsde import data, models
    from sgdsde.arguments import choice
    from sgdsde.diagnosis import diagnose as diagnosed

    try:
        widths = [int(part) for part in network.split("-")]
    except ValueError:
        raise click.UsageError(f"--network must be widths such as 784-200-10, got {network!r}") from None
    known: dict[str, Any] = {"digits": data.digits, "mnist": data.mnist}
    examples = known[choice("--data", images, known)](n_train=config.n_examples, seed=shared["seed"])
    model = models.mlp(*widths, seed=shared["seed"])
    weights: dict[str, Any] = {}

    def keep(own: dict[str, Any], *_: Any) -> float:
        weights.update({name: values.clone() for name, values in own.items()})
        return 0.0

    if train:
        own: dict[str, Any] = {"initialization": "shared", "measures": {"kept": keep}, "seed": shared["seed"]}
        models.train(model, examples, config, train, **own)
    return diagnosed(
        config, (model, examples), weights=weights or None, updates=updates, progress=bars("curvature"), **shared
    )


def _strict(found: Diagnosis) -> Any:
    """Its dictionary; infinities, which JSON has not, as text."""
    return json.loads(json.dumps(found.to_dict()).replace("Infinity", '"Infinity"'))
