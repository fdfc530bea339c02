"""What `--output` names: a folder of results, tables as CSV and JSON and pictures, or one file."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import xarray
    from rich.console import Console

FILES = (".csv", ".gif", ".json", ".pdf", ".png", ".svg")  # what is meant as a file, not as a folder

#: The rule for every command: what `--output` is, and what becomes of what is there already.
output_option = click.option(
    "--output", type=click.Path(path_type=Path), metavar="FOLDER",
    help="For tables and pictures; made if missing, and files of the same name are replaced.  [default: print only]",
)  # fmt: skip


def check_folder(output: Path) -> None:
    """Whether the folder can be made and written to; it is made when there is something for it."""
    if output.suffix.lower() in FILES and not output.is_dir():
        raise click.UsageError(f"--output must be a folder, in which tables and pictures are made, got {str(output)!r}")
    _check_writable(output, next(folder for folder in (output, *output.absolute().parents) if folder.exists()))


def check_file(output: Path) -> None:
    """Whether the file can be written; its folder must be there."""
    accepted = f"--output must be a file in a folder that exists, such as page.html, got {str(output)!r}"
    if output.is_dir():
        raise click.UsageError(f"{accepted}, which is a folder")
    if not output.absolute().parent.is_dir():
        raise click.UsageError(f"{accepted}: {str(output.parent)!r} is no folder")
    if not output.exists():
        _check_writable(output, output.absolute().parent)
    elif not os.access(output, os.W_OK):
        raise click.UsageError(f"--output {str(output)!r} cannot be written: it is there and read-only")


def _check_writable(output: Path, folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise click.UsageError(f"--output {str(output)!r} cannot be written: {error.strerror or error}") from None


def as_csv(dataset: xarray.Dataset) -> bytes:
    """A row for each point of the grid of coordinates."""
    return bytes(dataset.to_dataframe().reset_index().to_csv(index=False).encode())


def as_json(dataset: xarray.Dataset) -> bytes:
    """All of it, units and attributes included; what is not finite is null."""
    return (json.dumps(_strict(dataset.to_dict()), indent=1, ensure_ascii=False) + "\n").encode()


def write_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files of these names and contents; the folder is made if need be. Returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def save(out: Console, folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files as :func:`write_files`, and say of each whether it is new or has replaced one."""
    there = {name for name in files if (folder / name).exists()}
    for name, path in zip(files, write_files(folder, files), strict=True):
        out.print(f"{'Replaced' if name in there else 'Written'}: {path}", soft_wrap=True)


def _strict(value: Any) -> Any:
    """JSON has no NaN and no infinity: null."""
    if isinstance(value, dict):
        return {key: _strict(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(each) for each in value]
    return None if isinstance(value, float) and not abs(value) < float("inf") else value
