"""The command ``sgdsde``: parse, call, print."""

from sgdsde.cli.main import app

__all__ = ["app"]
