"""The command ``sgdsde``: parse, call, print."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sgdsde.cli.main import app

__all__ = ["app", "command"]


def command() -> None:
    """The command as it is installed; Ctrl-C while it loads ends as it does later, in one line and with status 130."""
    try:
        from sgdsde.cli.main import app

        app()
    except KeyboardInterrupt:
        sys.stderr.write("\nsgdsde: interrupted\n")
        sys.exit(130)


def __getattr__(name: str) -> Any:
    """The group of commands, which takes a while to load."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sgdsde.cli.main import app

    return app
