"""The group of commands, and what becomes of an error: one line that names the option, and exit status 2."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

import sgdsde
from sgdsde.cli.compare import compare
from sgdsde.cli.diagnose import diagnose
from sgdsde.cli.escape import escape
from sgdsde.cli.evidence import evidence
from sgdsde.cli.explore import explore
from sgdsde.cli.landscapes import landscapes
from sgdsde.cli.names import on_the_command_line
from sgdsde.cli.predict import predict
from sgdsde.cli.sweep import sweep
from sgdsde.extras import MissingExtraError

EXCERPT = "\n    "  # begins a line of an error that shows a part of an expression


class OneLineErrors(click.Group):
    """Commands whose bad usage, and whose user's Ctrl-C, end in one line and not in a traceback."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run, print what went wrong and exit: 0 done, 1 nothing to show for it, 2 bad usage, 130 interrupted."""
        run: Callable[..., Any] = super().main
        if not options.pop("standalone_mode", True):
            return run(*args, standalone_mode=False, **options)
        sys.exit(_exit_status(lambda: run(*args, standalone_mode=False, **options)))


def _exit_status(call: Callable[[], Any]) -> int:
    try:
        result = call()
    except click.Abort:
        return _fail("interrupted", 130)
    except click.NoSuchOption as error:
        return _fail(error.format_message() + _minus_hint(error), error.exit_code)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except (ValueError, MissingExtraError) as error:
        return _fail(on_the_command_line(str(error)), 2)
    except MemoryError as error:
        return _fail(f"--paths, --updates or --substeps: not enough memory for so many ({error or 'none left'})", 2)
    except OSError as error:
        return _fail(str(error), 2)
    return result if isinstance(result, int) else 0


def _fail(message: str, status: int) -> int:
    """One line, or an excerpt of an expression below it, with the place marked."""
    shown = message if EXCERPT in message else " ".join(message.split())
    click.echo(f"sgdsde: {shown}", err=True)
    return status


def _minus_hint(error: click.NoSuchOption) -> str:
    """What an option that is none may have been meant as: an expression with a minus in front."""
    if error.option_name.startswith("--"):
        return ""
    return ' An expression that begins with a minus goes last, after --, such as -- "-x**2/2 + x**4"'


@click.group(cls=OneLineErrors, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(sgdsde.__version__, prog_name="sgdsde")
@click.pass_context
def app(context: click.Context) -> None:
    """Test whether stochastic gradient descent is the stochastic differential equation that theory says it is."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in (predict, diagnose, compare, escape, evidence, sweep, explore, landscapes):
    app.add_command(command)
