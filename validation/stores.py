"""Stores of long sweeps, which outlive a machine and changes of code that leave their numbers alone.

Results of a function that is marked `lasting` are of the version that it names, in place of a digest of all code. In
the preset "full" its store begins with what is kept in ``validation/results/sweeps``. tests/validation/test_stores.py
holds such functions to numbers that do not change; where they do, the version grows.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

KEPT = Path(__file__).parent / "results" / "sweeps"
Function = TypeVar("Function", bound=Callable[..., Any])


def lasting(version: str) -> Callable[[Function], Function]:
    """Mark a function for long sweeps, with the version of what it computes."""

    def mark(function: Function) -> Function:
        function.lasting = version  # type: ignore[attr-defined]
        return function

    return mark


def version_of(function: Callable[..., Any]) -> str | None:
    """The version that a function was marked with, if it was."""
    found: str | None = getattr(function, "lasting", None)
    return found


def opened(function: Callable[..., Any], folder: Path, kept: Path = KEPT) -> Path:
    """The store of a lasting function in a folder, which is begun with what is kept."""
    path = folder / f"{function.__name__}-v{version_of(function)}.sqlite"
    if not path.exists() and (kept / path.name).exists():
        shutil.copyfile(kept / path.name, path)
    return path


def keep(folder: Path, kept: Path = KEPT) -> list[Path]:
    """Copy the lasting stores of a folder to where they are kept, also while a run writes to them; the copies.

    A copy with the same cells stays as it is.
    """
    kept.mkdir(parents=True, exist_ok=True)
    found = []
    for path in sorted(folder.glob("*-v*.sqlite")):
        copy, fresh = kept / path.name, kept / f"{path.name}.new"
        if not copy.exists() or _cells(copy) != _cells(path):
            fresh.unlink(missing_ok=True)
            with _reading(path) as store:
                store.execute("VACUUM INTO ?", (str(fresh),))
            fresh.replace(copy)
        found.append(copy)
    return found


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
        yield store


def _cells(path: Path) -> list[tuple[bytes, bytes]]:
    """Keys and digests of what a store has."""
    with _reading(path) as store:
        return list(store.execute("SELECT key, digest FROM cells ORDER BY key"))
