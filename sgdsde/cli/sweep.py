"""``sgdsde sweep``: one of the library's functions on a grid that a TOML file describes, kept in a store."""

from __future__ import annotations

import inspect
import tomllib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sgdsde.cli.folder import as_csv, as_json, check_folder, write_files
from sgdsde.cli.options import console
from sgdsde.cli.progress import progress_bars

if TYPE_CHECKING:
    import xarray

KEYS = {"function": str, "store": str, "executor": (str, dict), "in_flight": int, "fixed": dict, "grid": dict}
TLS = ("tls_ca_file", "tls_client_cert", "tls_client_key")
ROWS = 20  # of the table that is printed


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--retry-failed", is_flag=True, help="Run cells again that have failed.")
def sweep(file: Path, retry_failed: bool) -> int:
    """Run a function of the library at every point of a grid; run again, it goes on where it was stopped.

    FILE is TOML: function = "exit_time", "evidence" or "stationary_variance"; a table grid of argument = [values]; a
    table fixed of arguments that do not change; store, an SQLite file, FILE.sqlite by default, made with its folder;
    in_flight, how many
    cells to hand out at a time; and executor, "processes", "dask" or the address of a Dask scheduler, or a table of
    address, tls_ca_file, tls_client_cert and tls_client_key. Paths are relative to FILE. Beside the store a table is
    written as CSV and JSON.

    Example: sgdsde sweep variance.toml
    """
    described = _read(file)
    from sgdsde.sweeps import SweepFailures
    from sgdsde.sweeps import sweep as run
    from sgdsde.sweeps.functions import FUNCTIONS

    function = _function(file, described, FUNCTIONS)
    store = _store(file, described.get("store", f"{file.stem}.sqlite"))
    executor, client_options = _executor(file, described.get("executor"))
    try:
        with progress_bars() as bar, warnings.catch_warnings():
            warnings.simplefilter("ignore", SweepFailures)  # told below
            dataset = run(
                function, described["grid"], store, executor, fixed=described.get("fixed"), retry_failed=retry_failed,
                progress=bar(described["function"]), in_flight=described.get("in_flight"),
                client_options=client_options,
            )  # fmt: skip
    except KeyboardInterrupt as stop:
        click.echo("\n".join(getattr(stop, "__notes__", [])), err=True)
        raise click.Abort from None
    except ValueError as error:  # speaks of keys of the file, not of options
        text = str(error).replace("retry_failed=True", "--retry-failed")
        raise click.UsageError(f"{file}: {text}") from None
    return _tell(dataset, store)


def _tell(dataset: xarray.Dataset, store: Path) -> int:
    """Write and print what was found; 1 when cells have failed."""
    from sgdsde.sweeps import failures

    out = console()
    failed = dataset.attrs["failed"]
    out.print(f"{dataset.attrs['title']}: {dataset.attrs['done']} of {dataset.attrs['cells']} cells done\n")
    files = {f"{store.stem}.json": as_json(dataset)}
    if dataset.data_vars:
        table = dataset.to_dataframe()
        out.print(table.reset_index().to_string(index=False, max_rows=ROWS), soft_wrap=True)
        out.print("")
        files[f"{store.stem}.csv"] = as_csv(dataset)
    if failed:
        # The store may have failures of other grids too; all are told.
        found = failures(store)
        text = "\n".join(f"{failure}\n{failure.traceback}" for failure in found)
        files[f"{store.stem}.failures.txt"] = text.encode()
        lines = dataset.attrs["failures"].splitlines()[:-1]
        click.echo("\n".join([*lines, "--retry-failed runs them again"]), err=True)
    for file in write_files(store.parent, files):
        out.print(f"Written: {file}", soft_wrap=True)
    return 1 if failed else 0


def _read(file: Path) -> dict[str, Any]:
    try:
        described = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise click.UsageError(f"FILE {file} cannot be read: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.UsageError(f"FILE {file} is not TOML: {error}") from None
    for key, value in described.items():
        if key not in KEYS:
            raise click.UsageError(f"{file}: the key {key} is unknown, use {', '.join(KEYS)}")
        if not isinstance(value, KEYS[key]) or isinstance(value, bool):  # type: ignore[arg-type]
            words = {"in_flight": "an integer", "fixed": "a table", "grid": "a table", "executor": "text or a table"}
            raise click.UsageError(f"{file}: {key} must be {words.get(key, 'text')}, got {value!r}")
    for key in ("function", "grid"):
        if key not in described:
            raise click.UsageError(f"{file}: the key {key} is missing")
    return described


def _function(file: Path, described: dict[str, Any], known: dict[str, Callable[..., Any]]) -> Callable[..., Any]:
    """The function that is named, if its arguments are given and no others."""
    name, grid, fixed = described["function"], described["grid"], described.get("fixed", {})
    if name not in known:
        raise click.UsageError(f"{file}: function must be one of {', '.join(known)}, got {name!r}")
    arguments = inspect.signature(known[name]).parameters
    for table, names in (("grid", grid), ("fixed", fixed)):
        for each in names:
            if each not in arguments:
                raise click.UsageError(f"{file}: {table}.{each} is no argument of {name}: {', '.join(arguments)}")
    for each, values in grid.items():
        if not isinstance(values, list):
            raise click.UsageError(f"{file}: grid.{each} must be a list of values, got {values!r}")
    needed = [each for each, about in arguments.items() if about.default is about.empty]
    missing = [each for each in needed if each not in grid and each not in fixed]
    if missing:
        raise click.UsageError(f"{file}: {name} needs {', '.join(missing)}, in grid or fixed")
    return known[name]


def _store(file: Path, described: str) -> Path:
    """Where the store is, in a folder that can be written to or made."""
    from sgdsde.sweeps.store import MEMORY, store_path

    try:
        store = file.parent / store_path(described)
    except ValueError as error:
        raise click.UsageError(f"{file}: {error}") from None
    if described == MEMORY or store.is_dir():
        raise click.UsageError(f"{file}: store must be the path of a file, got {described!r}")
    try:
        check_folder(store.parent)
    except click.UsageError as error:  # speaks of the option that other commands have
        raise click.UsageError(f"{file}: the folder of store, {error.message.removeprefix('--output ')}") from None
    return store


def _executor(file: Path, described: str | dict[str, Any] | None) -> tuple[str | None, dict[str, Any]]:
    """The executor and what goes to Dask's client."""
    if described is None or isinstance(described, str):
        return described, {}
    for key, value in described.items():
        if key not in ("address", *TLS):
            raise click.UsageError(f"{file}: executor.{key} is unknown, use address, {', '.join(TLS)}")
        if not isinstance(value, str):
            raise click.UsageError(f"{file}: executor.{key} must be text, got {value!r}")
    if "address" not in described:
        raise click.UsageError(f"{file}: executor.address is missing")
    files = {key: str(file.parent / described[key]) for key in TLS if key in described}
    if not files:
        return described["address"], {}
    missing = [key for key in TLS if key not in files]
    if missing:
        raise click.UsageError(f"{file}: executor.{missing[0]} is missing, it goes with {', '.join(files)}")
    from sgdsde.sweeps.dask_cluster import tls

    return described["address"], {"security": tls(**files)}
