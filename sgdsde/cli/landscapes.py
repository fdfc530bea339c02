"""``sgdsde landscapes``: the named ones."""

from __future__ import annotations

import click
from rich.table import Table

from sgdsde.cli.options import console


@click.command()
def landscapes() -> None:
    """List the named landscapes, which `sgdsde compare NAME` accepts in place of a loss."""
    from sgdsde.landscapes.catalog import catalog

    listed = Table("name", "variables", "parameters", "what it is")
    for name, entry in catalog().items():
        parameters = ", ".join(f"{key}={value:g}" for key, value in entry.parameters.items())
        listed.add_row(name, entry.variables, parameters, entry.description)
    console().print(listed)
