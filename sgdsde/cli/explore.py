"""``sgdsde explore``: a page that runs SDE and SGD side by side, written to a file and opened."""

from __future__ import annotations

import webbrowser
from contextlib import suppress
from pathlib import Path

import click

from sgdsde.cli.folder import check_file
from sgdsde.cli.landscapes import landscape_of
from sgdsde.cli.options import assignments, console, numbers


@click.command()
@click.argument("loss", metavar="[LANDSCAPE]", required=False)
@click.option("--variables", default="x", show_default=True, help="Names of the components of ω, such as 'x y'.")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME=NUMBER", help="Of the loss; repeatable.")
@click.option(
    "--noise-covariance", help="F(ω): a number, an expression, 'hessian', or a matrix 'a, b; b, c'.  [default: 1]"
)
@click.option("--noise-factor", help="A(ω) in place of F = A Aᵀ, such as 'a, b; c, d'.")
@click.option("--w0", help="Where paths start, such as -1 or 1,0.5.")
@click.option("--box", help="What is drawn, low,high for each variable: -2,2 or '-2,2; -1,3'.")
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE",
    help="What the page begins with, as its links have it: lr=0.05, dynamics=adam, …; repeatable.",
)  # fmt: skip
@click.option(
    "--output", type=click.Path(readable=False, path_type=Path), default=Path("sgdsde-explore.html"), show_default=True,
    help="The file, in a folder that exists.",
)  # fmt: skip
@click.option("--open/--no-open", "opens", default=True, help="Open it in the browser.  [default: open]")
def explore(
    loss: str | None, variables: str, parameters: tuple[str, ...], noise_covariance: str | None,
    noise_factor: str | None, w0: str | None, box: str | None, settings: tuple[str, ...], output: Path, opens: bool,
) -> None:  # fmt: skip
    """Write a page that runs the SDE and SGD side by side on LANDSCAPE, and open it: sliders, live numbers, presets.

    LANDSCAPE is an expression or a name that `sgdsde landscapes` lists; without one the page has all of these. It is
    one file that needs no server and no network. A LANDSCAPE that begins with a minus goes last, after --.

    Example: sgdsde explore "x**4/4 - a*x**2/2" --parameter a=1.5 --noise-covariance "1 + x**2/4"
    """
    from sgdsde.explore import explore_page

    check_file(output)
    given = assignments(parameters, "--parameter")
    landscape = None
    if loss is not None:
        landscape, _ = landscape_of(loss, variables, given, noise_covariance, noise_factor)
    elif given or noise_covariance or noise_factor or w0 or box:
        raise click.UsageError("--parameter, --noise-covariance, --noise-factor, --w0 and --box need a LANDSCAPE")
    page = explore_page(
        landscape, output, w0=None if w0 is None else numbers(w0, "--w0"),
        box=None if box is None else [numbers(side, "--box") for side in box.split(";")], settings=_chosen(settings),
    )  # fmt: skip
    console().print(f"{page} ({page.stat().st_size / 1000:.0f} kB)")
    if opens:
        webbrowser.open(page.resolve().as_uri())


def _chosen(texts: tuple[str, ...]) -> dict[str, float | str]:
    found: dict[str, float | str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--set must be NAME=VALUE, such as lr=0.05, got {text!r}")
        found[name.strip()] = _plain(value.strip())
    return found


def _plain(text: str) -> float | str:
    """A whole number, a number, or the text itself."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text
