"""The private folder on disk where generated code is kept, so that a second process compiles nothing.

Code from this folder is run: it must belong to the user and be closed to everybody else (mode 0700).
"""

from __future__ import annotations

import functools
import os
import stat
import sys
import tempfile
from pathlib import Path


def _default() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "sgdsde"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "sgdsde"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sgdsde"


@functools.cache
def directory() -> Path:
    """Folder for generated code: ``$SGDSDE_CACHE_DIR`` or ``sgdsde/generated`` in the user's cache folder.

    Raises
    ------
    PermissionError
        When the folder belongs to somebody else, or others may write to it: code from it would be run.
    OSError
        When it cannot be made; the message names the variable to set.
    """
    chosen = os.environ.get("SGDSDE_CACHE_DIR")
    path = Path(chosen) if chosen else _default() / "generated"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"cannot make the folder for generated code {path}: {error.strerror}; set SGDSDE_CACHE_DIR"
        ) from error
    if os.name == "posix":
        found = path.stat()
        if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise PermissionError(
                f"the folder for generated code {path} must belong to you with mode 0700 (code in it is run); "
                f"it has mode {stat.S_IMODE(found.st_mode):04o} and owner {found.st_uid}: mend or delete it, or set "
                f"SGDSDE_CACHE_DIR"
            )
    return path


def read(path: Path) -> str | None:
    """Text of a cached file, or None when there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def write(path: Path, text: str) -> None:
    """Write atomically: another process sees the whole file or none."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
