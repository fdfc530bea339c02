"""``python -m validation``: parse the command line, run the claims, write the report."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from sgdsde.engines.lane_memory import available_cores
from validation.claim import Claim, discover, left_out
from validation.presets import PRESETS

DESCRIPTION = """Measure, claim by claim and with error bars, whether SGD is the stochastic differential equation that
theory says it is, and write a report."""
EXITS = """exit status: 0 every check shows what its protocol expects, 1 one does not, 2 bad usage, 130 interrupted (the
finished claims are in the report)"""


def parser() -> argparse.ArgumentParser:
    presets = "; ".join(f"{name}: {purpose}" for name, purpose in PRESETS.items())
    made = argparse.ArgumentParser(prog="python -m validation", description=DESCRIPTION, epilog=EXITS)
    made.add_argument("--preset", choices=list(PRESETS), default="quick", help=presets)
    made.add_argument("--only", nargs="+", action="extend", metavar="NAME", help="run these claims only")
    made.add_argument(
        "--seed", type=_seed, help="same seed, same numbers (default: the seeds of each claim's protocol)"
    )
    made.add_argument("--out", type=Path, default=Path("report"), help="folder of the report (default report/)")
    made.add_argument(
        "--executor",
        metavar="WHERE",
        help='where networks are trained: "processes", "dask" or a scheduler\'s address (default: in this process)',
    )
    made.add_argument("--device", default="cpu", help='of training, a torch device such as "cuda" (default cpu)')
    made.add_argument(
        "--in-turn",
        action="store_true",
        help="one claim at a time (default: with two cores or more, those on landscapes beside those on images)",
    )
    made.add_argument(
        "--again",
        action="store_true",
        help="measure again what the same code has measured in this folder (default: it is taken from there)",
    )
    made.add_argument("--list", action="store_true", help="list the claims and stop")
    return made


def main(arguments: Sequence[str] | None = None, registry: Mapping[str, Claim] | None = None) -> int:
    """Run the command line and return the exit status."""
    command = parser()
    options = command.parse_args(arguments)
    console = Console()
    claims = discover() if registry is None else registry
    if registry is None and (missing := left_out()):
        console.print(missing, markup=False, highlight=False)
    if options.list:
        for claim in claims.values():
            seconds = claim.plans[options.preset].seconds
            console.print(f"{claim.name:<20} {claim.title} (about {seconds:.0f} s)", markup=False, highlight=False)
        return 0
    names = list(dict.fromkeys(options.only or claims))
    unknown = [name for name in names if name not in claims]
    if unknown:
        known = "; ".join(filter(None, [f"the claims are {', '.join(claims)}", left_out()]))
        command.error(f"unknown claim {', '.join(map(repr, unknown))}; {known}")
    problem = _unwritable(options.out)
    for option, unusable in (("--device", _no_device), ("--executor", _no_executor)):
        if refused := unusable(getattr(options, option[2:])):
            command.error(f"argument {option}: {refused}")
    if problem:
        command.error(f"cannot write to the output folder {str(options.out)!r}: {problem}")
    # In processes of their own are claims that modules register.
    options.beside = registry is None and not options.in_turn and available_cores() > 1
    return _run([claims[name] for name in names], claims, options, console)


def _run(chosen: list[Claim], claims: Mapping[str, Claim], options: argparse.Namespace, console: Console) -> int:
    # Imported here so that --help, --list and bad usage answer at once.
    from validation.context import Place
    from validation.progress import listener
    from validation.report import Report
    from validation.runner import run_claims
    from validation.summary import summary

    report = Report(options.out)
    with listener(console, chosen, options.preset) as told:
        place = Place(options.out / "sweeps", options.executor, options.device, options.again)
        run = run_claims(chosen, claims, options.preset, options.seed, told, report.write, place, beside=options.beside)
    console.print(summary(run), markup=False, highlight=False, soft_wrap=True)
    console.print(f"Report: {report.index}", markup=False, highlight=False, soft_wrap=True)
    return run.exit_status


def _seed(text: str) -> int:
    try:
        seed = int(text)
    except ValueError:
        seed = -1
    if seed < 0:
        raise argparse.ArgumentTypeError(f"must be a non-negative integer, got {text!r}")
    return seed


def _no_device(name: str) -> str:
    """Why torch cannot use a device; empty when it can."""
    if name == "cpu":
        return ""
    from sgdsde.models.checks import checked_device

    try:
        checked_device(name)
    except ValueError as error:
        return str(error)
    return ""


def _no_executor(name: str | None) -> str:
    """Why sweeps cannot run there; empty when they can. A cluster is reached, not only named."""
    if name is None:
        return ""
    from sgdsde.sweeps.executors import workers_of

    try:
        with workers_of(name):
            return ""
    except (ValueError, OSError, ImportError) as error:
        return str(error)


def _unwritable(folder: Path) -> str:
    """Why nothing can be written there; empty when it can. Asked before any work is done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or str(error)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # before the first claim: there is nothing to report yet
        sys.exit(130)
