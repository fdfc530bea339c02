"""Arrays of a file that a user names, looked at before any of it is loaded; nothing in it is unpickled."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import click
import numpy as np
from numpy.lib import format as npy

#: What a damaged or unusual archive raises: bad data, cut short, encrypted, an unknown compression, no such member.
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, KeyError, ValueError)


def read_arrays(path: Path, option: str) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of a file that numpy.savez has written, by name; click.UsageError names the option and the file."""
    if path.exists() and not zipfile.is_zipfile(path):
        raise click.UsageError(f"{option} {path} is not a file that numpy.savez has written")
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                with archive.open(member) as file:
                    _check_header(file, member, f"{option} {path}")
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored}
    except OSError as error:
        raise click.UsageError(f"{option} {path} cannot be read: {error.strerror or error}") from None
    except MemoryError:
        raise click.UsageError(f"{option} {path} holds arrays that do not fit into memory") from None
    except BROKEN:
        raise click.UsageError(f"{option} {path} must hold arrays of plain numbers, it holds something else") from None


def _check_header(file: IO[bytes], member: zipfile.ZipInfo, name: str) -> None:
    """ValueError for what is no array of numbers; UsageError for one that claims more than the file has."""
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    version = npy.read_magic(file)  # type: ignore[arg-type]
    if version not in readers:
        raise ValueError(f"version {version}")
    shape, _, dtype = readers[version](file)  # type: ignore[arg-type]
    if dtype.hasobject:
        raise ValueError("objects")
    claimed, there = math.prod(shape) * dtype.itemsize, member.file_size - file.tell()
    if claimed != there:
        raise click.UsageError(
            f"{name} is damaged: {member.filename} claims the shape {shape}, {claimed:,} bytes, and has {there:,}"
        )
