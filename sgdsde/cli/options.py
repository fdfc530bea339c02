"""Options that commands share, and what is read from their text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
from rich.console import Console

from sgdsde.config import SAMPLINGS

_Command = TypeVar("_Command", bound=Callable[..., Any])


def config_options(command: _Command) -> _Command:
    """What SGD is run with: the fields of SGDConfig."""
    for option in reversed(
        (
            click.option("--learning-rate", type=float, required=True, help="ε, times the mean gradient of a batch."),
            click.option("--batch-size", type=int, required=True, help="B, examples per batch."),
            click.option("--n-examples", type=int, required=True, help="N, examples in the training set."),
            click.option("--momentum", type=float, default=0.0, show_default=True, help="m in [0, 1), heavy ball."),
            click.option(
                "--sampling", type=click.Choice(list(SAMPLINGS)), default="without_replacement", show_default=True,
                help="How batches are drawn; reshuffle: a permutation for each epoch; shuffle_once: one for all.",
            ),
            click.option("--drop-last", is_flag=True, help="Of a permutation, leave out a last batch below B."),
        )
    ):  # fmt: skip
        command = option(command)
    return command


def driver_option(command: _Command) -> _Command:
    """What drives the SDEs."""
    return click.option("--driver", help="Of the SDE: brownian or epoched.  [default: the sampling's own]")(command)


def dynamics_options(command: _Command) -> _Command:
    """What runs beside its SDE."""
    for option in reversed(
        (
            click.option("--dynamics", "rule", default="sgd", show_default=True, help="A rule: sgd, adam, rmsprop, …."),
            click.option(
                "--hyperparameter", "hyperparameters", multiple=True, metavar="NAME=NUMBER",
                help="Of the rule, such as beta2=0.99; repeatable.",
            ),
            click.option("--weight-decay", type=float, default=0.0, show_default=True, help="λ, as the rule takes it."),
        )
    ):  # fmt: skip
        command = option(command)
    return command


def numbers(text: str, option: str) -> list[float]:
    """Comma-separated numbers.

    >>> numbers("1, 0.5", "--w0")
    [1.0, 0.5]
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise click.UsageError(f"{option} must be numbers with commas between them, got {text!r}") from None


def assignments(texts: Sequence[str], option: str) -> dict[str, float]:
    """Texts NAME=VALUE as a dictionary.

    >>> assignments(["a=1.5"], "--parameter")
    {'a': 1.5}
    """
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        try:
            values[name.strip()] = float(value)
        except ValueError:
            equals = ""
        if not equals or not name.strip():
            raise click.UsageError(f"{option} must be NAME=NUMBER, such as a=1.0, got {text!r}")
    return values


def table(text: str) -> str | list[list[str]]:
    """A matrix with ; between rows and , between entries; text that has neither stays as it is.

    >>> table("1, min(x, y); 0, 2"), table("1 + x**2")
    ([['1', 'min(x, y)'], ['0', '2']], '1 + x**2')
    """
    rows: list[list[str]] = [[""]]
    depth = 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if depth == 0 and character == ";":
            rows.append([""])
        elif depth == 0 and character == ",":
            rows[-1].append("")
        else:
            rows[-1][-1] += character
    if len(rows) == len(rows[0]) == 1:
        return text
    return [[entry.strip() for entry in row] for row in rows]


def console(stderr: bool = False) -> Console:
    """For the streams of this moment, so that they can be captured."""
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)
