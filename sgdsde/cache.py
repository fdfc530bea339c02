"""The private folder on disk where generated code is kept, so that a second process compiles nothing.

Code from it is run. So the folder must belong to the user and be closed to everybody else (mode 0700), and a file in
it is read only when it is the user's own, nobody else may write to it, and it holds what was written: each begins with
a digest of its name and content. Whatever is not so is as if it were not there, and is made anew. Every read and write
of generated code goes through :func:`read` and :func:`write`.

A run never fails for want of this folder: without it nothing is kept, which one :class:`CacheWarning` says.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import stat
import sys
import tempfile
import warnings
from pathlib import Path

_HEADER = b"sgdsde "  # then the digest, a line break, and the content
_LENGTH = len(_HEADER) + 64 + 1


class CacheWarning(UserWarning):
    """Generated code cannot be kept on disk: the run goes on, and the next process makes its code again."""


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
    try:
        path = (Path(chosen).expanduser() if chosen else _default() / "generated").absolute()
    except RuntimeError as error:  # no home
        raise OSError(f"cannot tell where to keep generated code: {error}; set SGDSDE_CACHE_DIR") from error
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


def read(name: str) -> bytes | None:
    """Content of the file of that name; None when there is none, or none that may be trusted."""
    folder = _usable()
    if folder is None:
        return None
    try:
        stored = _own(folder / name)
    except OSError:
        return None
    head, content = stored[:_LENGTH], stored[_LENGTH:]
    return content if head == _head(name, content) else None


def write(name: str, content: bytes) -> None:
    """Keep this under that name, the whole of it or nothing, also when the machine loses power."""
    folder = _usable()
    if folder is None:
        return
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".", suffix=".new")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_head(name, content) + content)
                file.flush()
                os.fsync(handle)
            os.replace(temporary, folder / name)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:
        _say_once(f"cannot write to the folder for generated code {folder}: {error.strerror or error}")


def _head(name: str, content: bytes) -> bytes:
    digest = hashlib.sha256(name.encode() + b"\0" + content).hexdigest()
    return _HEADER + digest.encode() + b"\n"


def _own(path: Path) -> bytes:
    """What is in a plain file of the user's that nobody else may write to; OSError for any other."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        own = os.name != "posix" or (found.st_uid == os.getuid() and not found.st_mode & 0o022)
        if not stat.S_ISREG(found.st_mode) or not own:
            raise PermissionError(f"{path} is not a file that only its user may write to")
        return file.read()


def _usable() -> Path | None:
    """The folder, or None, which is said once."""
    try:
        return directory()
    except OSError as error:
        _say_once(str(error))
        return None


@functools.cache
def _say_once(problem: str) -> None:
    warnings.warn(
        f"{problem}. Generated code is not kept: this run goes on without, and the next process compiles again",
        CacheWarning,
        stacklevel=_depth(),
    )


def _depth() -> int:
    """Calls from the warning to the first outside of this library, the line that a reader knows."""
    own, frame, level = os.path.dirname(__file__), sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(own):
        frame, level = frame.f_back, level + 1
    return level
