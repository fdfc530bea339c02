"""The private folder on disk where generated code is kept, so that a second process compiles nothing.

Code from it is run. So the folder must belong to the user and be closed to everybody else (mode 0700), and a file in
it is read only when it is the user's own, nobody else may write to it, and it holds what was written: each begins with
a digest of its name and content. Whatever is not so is as if it were not there, and is made anew. Every read and write
of generated code goes through :func:`read` and :func:`write`.

A run never fails for want of this folder: without it nothing is kept, which one :class:`CacheWarning` says.

Names are digests of what a file is made from, so that a file is never out of date; those that nobody has used for
`DAYS` are removed, and above `BYTES` in all those that were used longest ago, once a day by whoever writes. Processes
that want one file at the same time wait for the first of them to make it, and go on when that one is killed.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import stat
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from sgdsde.callers import stacklevel

#: Days after which a file that was not used is removed, and most bytes that are kept.
DAYS, BYTES = 90, 2**29
_DAY = 86400.0  # seconds; how often files are swept, and how exactly it is known when one was used
_SWEPT = ".swept"
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


def digest(parts: object) -> str:
    """Short name for what a file is made from (JSON-able)."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


@functools.cache
def sources(*names: str) -> str:
    """What stands for these files of the library: another after an edit."""
    here = Path(__file__).parent
    return hashlib.sha256(b"\0".join((here / name).read_bytes() for name in names)).hexdigest()


def kept(name: str, make: Callable[[], bytes], good: Callable[[bytes], bool] = bool) -> bytes:
    """Content of the file of that name; made and kept when there is none that is `good`, by one process at a time."""
    found = read(name)
    if found is not None and good(found):
        return found
    with _alone(name):
        found = read(name)  # of the process that was waited for
        if found is None or not good(found):
            found = make()
            write(name, found)
    return found


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


@contextlib.contextmanager
def _alone(name: str) -> Iterator[None]:
    """Wait for other processes that make files of this kind and name; the lock of one that was killed is free."""
    from filelock import FileLock

    folder, kind = _usable(), name.rpartition(".")[2]
    lock = contextlib.ExitStack()
    if folder is not None:
        with contextlib.suppress(OSError, NotImplementedError):  # where files cannot be locked each makes its own
            lock.enter_context(FileLock(folder / f".{kind}-{name[:2]}.lock", mode=0o600))
    with lock:
        yield


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
            _sweep(folder)
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
        if time.time() - found.st_mtime > _DAY:
            with contextlib.suppress(OSError):  # of a folder that is only read
                os.utime(path)
        return file.read()


def _sweep(folder: Path) -> None:
    """Remove what was not used for long, and what is too much."""
    now, last = time.time(), folder / _SWEPT
    if last.exists() and now - last.stat().st_mtime < _DAY:
        return
    last.touch(mode=0o600)
    os.utime(last)
    files = []
    for path in folder.iterdir():
        with contextlib.suppress(OSError):  # another process may sweep too
            found = path.stat()
            if stat.S_ISREG(found.st_mode) and path.name != _SWEPT and not path.name.endswith(".lock"):
                files.append((found.st_mtime, found.st_size, path))
    total = 0
    for used, size, path in sorted(files, reverse=True):
        total += size
        if now - used > DAYS * _DAY or total > BYTES:
            with contextlib.suppress(OSError):
                path.unlink()


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
        stacklevel=stacklevel(),
    )
