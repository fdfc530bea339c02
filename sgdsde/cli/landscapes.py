"""``sgdsde landscapes``: the named ones; and the landscape that a command's arguments describe."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, cast

import click
from rich.table import Table

from sgdsde.cli.options import console, table

if TYPE_CHECKING:
    from sgdsde.landscapes import Landscape


@click.command()
def landscapes() -> None:
    """List the named landscapes, which `sgdsde compare NAME` accepts in place of a loss."""
    from sgdsde.landscapes.catalog import catalog

    listed = Table("name", "variables", "parameters", "what it is")
    for column in listed.columns:
        column.overflow = "fold"  # a narrow terminal breaks words, and cuts none off
    listed.columns[0].no_wrap = True  # to be typed as it is
    for name, entry in catalog().items():
        parameters = ", ".join(f"{key}={value:g}" for key, value in entry.parameters.items())
        listed.add_row(name, entry.variables, parameters, entry.description)
    console().print(listed)


def landscape_of(
    loss: str, variables: str, parameters: dict[str, float], noise_covariance: str | None, noise_factor: str | None
) -> tuple[Landscape, Any]:
    """The landscape, named or given, and where paths start unless told otherwise."""
    from sgdsde.landscapes import Landscape, catalog

    if noise_covariance is not None and noise_factor is not None:
        raise click.UsageError("give --noise-covariance or --noise-factor, not both")
    name, start = None, None
    noise: dict[str, Any] = {
        "noise_covariance": noise_covariance and table(noise_covariance),
        "noise_factor": noise_factor and table(noise_factor),
    }
    if isinstance(noise["noise_factor"], str):
        noise["noise_factor"] = [[noise["noise_factor"]]]
    if loss in catalog.CATALOG:
        entry, name = catalog.CATALOG[loss], loss
        landscape, start = (
            catalog.named(loss, **cast(dict[str, Any], parameters)),
            catalog.minima(loss, **parameters)[0],
        )
        if noise_covariance is None and noise_factor is None:
            return landscape, start
        loss, variables, parameters = entry.loss, entry.variables, landscape.parameters
    elif _is_a_name(loss, variables, parameters):
        near = get_close_matches(loss, catalog.CATALOG, 1)
        meant = f"; did you mean {near[0]}?" if near else "."
        raise click.UsageError(
            f"LOSS: {loss} is no variable and no named landscape{meant} `sgdsde landscapes` lists them"
        )
    try:
        landscape = Landscape(loss, variables, parameters, name=name, **noise)
    except ValueError as error:
        raise ValueError(_with_hint(str(error))) from None
    return landscape, [1.0] * landscape.dimension if start is None else start


def _with_hint(message: str) -> str:
    """What is wrong with a landscape; where a name is not known, what makes it one."""
    head, line_break, excerpt = message.partition("\n")
    hint = "; for more, --variables 'x y' and --parameter NAME=NUMBER" if "is not a known name" in head else ""
    return head + hint + line_break + excerpt


def _is_a_name(loss: str, variables: str, parameters: dict[str, float]) -> bool:
    """Whether it is one word that is neither a variable nor a parameter, and so can only be the name of a landscape."""
    return loss.isidentifier() and loss not in {*re.findall(r"\w+", variables), *parameters, "pi", "e"}
