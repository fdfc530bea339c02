"""A folder of results: tables as CSV and JSON, and pictures."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import xarray


def check_folder(output: Path) -> None:
    """Whether the folder can be made and written to; it is made when there is something for it."""
    there = next(folder for folder in (output, *output.absolute().parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
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


def _strict(value: Any) -> Any:
    """JSON has no NaN and no infinity: null."""
    if isinstance(value, dict):
        return {key: _strict(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(each) for each in value]
    return None if isinstance(value, float) and not abs(value) < float("inf") else value
