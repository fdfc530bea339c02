"""Where results are kept: an SQLite file that one process at a time writes, and any may read.

With write-ahead logging a commit outlives the process, however that ends, and one that waits for the disk outlives the
machine's power too, with all before it. The log needs a local disk, not a network's.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from sgdsde.sweeps.version import CodeVersion, differences

_Found = TypeVar("_Found")

MEMORY = ":memory:"  # a store that is nowhere else, as SQLite calls it
APPLICATION = 0x53474453  # "SGDS", by which a file is known
PRAGMAS = ("journal_mode=WAL",)
_TABLES = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cells (
    key BLOB PRIMARY KEY, arguments TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('done', 'failed')),
    result TEXT, data BLOB, traceback TEXT, seconds REAL NOT NULL, error TEXT, digest BLOB NOT NULL);
"""
_KEEP = """
INSERT INTO cells VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET status = excluded.status, result = excluded.result, data = excluded.data,
    traceback = excluded.traceback, seconds = excluded.seconds, error = excluded.error, digest = excluded.digest
    WHERE status = 'failed'
"""


@dataclass(frozen=True, eq=False)
class Row:
    """A finished cell: its key, its arguments and its result as text, and a traceback and error if it has failed."""

    key: bytes
    arguments: str
    status: str
    result: str | None
    data: bytes | None
    traceback: str | None
    seconds: float
    error: str | None = None

    @property
    def values(self) -> tuple[Any, ...]:
        """In the order of the table."""
        return tuple(getattr(self, field.name) for field in fields(self))

    @property
    def digest(self) -> bytes:
        """SHA-256 of all of it."""
        found = hashlib.sha256()
        for value in self.values:
            text = value if isinstance(value, bytes) else repr(value).encode("utf-8", "surrogatepass")
            found.update(len(text).to_bytes(8, "little") + text)
        return found.digest()


class Damaged(ValueError):
    """A cell of a store is not as it was kept."""


class Store:
    """An open store; made by :func:`open_store`."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path

    def row(self, key: bytes, label: str) -> Row | None:
        """All of a cell, or None when it is not there; Damaged, with the `label`, when it is not as it was kept."""
        return self._one("SELECT * FROM cells WHERE key = ?", (key,), lambda row: self._checked(row, label, key))

    def count(self) -> int:
        """Number of cells that are done or have failed."""
        return int(self._connection.execute("SELECT count(*) FROM cells").fetchone()[0])

    def failed(self) -> Iterator[Row]:
        """Cells that have failed, in the order in which they first did."""
        for row in self._connection.execute("SELECT * FROM cells WHERE status = 'failed' ORDER BY rowid"):
            yield self._checked(row, str(row[1]))

    def drop(self, key: bytes) -> None:
        """Forget a cell."""
        with _as_os_errors(self.path), self._connection:
            self._connection.execute("DELETE FROM cells WHERE key = ?", (key,))

    def about(self, name: str) -> str | None:
        """A fact about the store."""
        return self._one("SELECT value FROM about WHERE name = ?", (name,), lambda row: str(row[0]))

    def keep(self, rows: Iterable[Row], *, synced: bool = True) -> None:
        """Commit cells, all or none of them; a cell that is done already stays as it is. `synced` waits for the disk.

        Raises
        ------
        OSError
            When the disk is full or the file cannot be written.
        """
        with _as_os_errors(self.path), self._connection:
            self._connection.execute(f"PRAGMA synchronous={'FULL' if synced else 'NORMAL'}")
            for row in rows:
                self._connection.execute(_KEEP, (*row.values, row.digest))

    def _checked(self, values: tuple[Any, ...], label: str, key: bytes | None = None) -> Row:
        row = Row(*values[:8])
        # Stores of format 1 have no digests; a damaged index leads to another cell.
        if values[8:] not in ((), (row.digest,)) or key not in (None, row.key):
            raise Damaged(
                f"store {str(self.path)!r} is damaged: the cell {label} is not as it was kept. retry_failed=True runs "
                f"it again"
            )
        return row

    def kept(self, key: bytes, label: str) -> Row:
        """A cell that was kept; Damaged when it is not there."""
        row = self.row(key, label)
        if row is None:
            raise Damaged(f"store {str(self.path)!r} is damaged: the cell {label} was kept, and is not found")
        return row

    def _one(self, query: str, values: tuple[object, ...], make: Callable[[Any], _Found]) -> _Found | None:
        row = self._connection.execute(query, values).fetchone()
        return None if row is None else make(row)


def store_path(store: str | os.PathLike[str]) -> Path:
    """The path of a store, ``~`` expanded.

    >>> store_path("runs.sqlite").name
    'runs.sqlite'
    """
    text = os.fspath(store) if isinstance(store, (str, os.PathLike)) else None
    if not isinstance(text, str) or not text or "\0" in text:
        raise ValueError(f"store must be the path of a file, or {MEMORY!r} to keep nothing, got {store!r}")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError(f"store {text!r} must be the path of a file: {error}") from None


@contextmanager
def open_store(path: Path, version: CodeVersion) -> Iterator[Store]:
    """Open a store to write, or make it and its folder; no other process can meanwhile.

    Raises
    ------
    ValueError
        When the file is no store, or is of another version of the code; the message names both.
    BlockingIOError
        When another process writes to it, or a thread of this one.
    OSError
        When it cannot be made or written to.
    """
    _make_folder(path)
    with _as_os_errors(path), _lock(path), closing(_connect(path)) as connection:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                _check_known(connection, path)
            connection.execute(f"PRAGMA application_id={APPLICATION}")
            for statement in _TABLES.split(";")[:-1]:
                connection.execute(statement)
            about = {"code": version.text, "described": str(version), "parts": json.dumps(version.parts)}
            for item in about.items() if _is_new(connection) else ():
                connection.execute("INSERT INTO about VALUES (?, ?)", item)
        store = Store(connection, path)
        if store.about("code") != version.text:
            raise ValueError(
                f"store {str(path)!r} holds results of other code, {store.about('described')}; this is {version}"
                f"{_what_differs(store, version)}. Name another store, delete this one to start anew, or keep its "
                f"results with their own code"
            )
        yield store


@contextmanager
def read_store(path: Path) -> Iterator[Store]:
    """Open a store to read, even while a sweep writes to it; OSError or ValueError when there is none."""
    if not path.is_file():
        raise FileNotFoundError(f"store {str(path)!r} does not exist")
    with _as_os_errors(path), closing(_connect(path)) as connection:
        connection.execute("PRAGMA query_only=1")
        _check_known(connection, path)
        yield Store(connection, path)


def _is_new(connection: sqlite3.Connection) -> bool:
    return not connection.execute("SELECT count(*) FROM about").fetchone()[0]


def _what_differs(store: Store, version: CodeVersion) -> str:
    """In words, for an error; empty where the store does not say what its code was made of."""
    try:
        code = json.loads(store.about("code") or "")
        parts = tuple((str(name), str(digest)) for name, digest in json.loads(store.about("parts") or "[]"))
        found = differences(replace(version, **{name: code[name] for name in code}, parts=parts), version)
    except (ValueError, TypeError, KeyError):  # of another format
        return ""
    return f"; what differs: {found}" if found else ""


def _make_folder(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, f"store {str(path)!r} is a folder: name a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        text = f"store {str(path)!r}: its folder cannot be made: {error.strerror}"
        raise type(error)(error.errno, text) from None


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=5.0, check_same_thread=False)


def _check_known(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise ValueError(f"store {str(path)!r} is a database of something else: name another file")


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """A lock that ends with the process, however it ends: SQLite's own, on an empty file beside the store."""
    if str(path) == MEMORY:  # which no other process sees
        yield
        return
    # The file is left where it is: deleting it would let two processes hold locks on two files of one name.
    with closing(sqlite3.connect(f"{path}.lock", timeout=0.0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise BlockingIOError(
                errno.EWOULDBLOCK, f"another sweep is running on store {str(path)!r}: wait for it, or name another"
            ) from None
        yield


@contextmanager
def _as_os_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter from a table's own description
        said = str(error)
        if isinstance(error, UnicodeDecodeError) or "not a database" in said or "malformed" in said:
            raise ValueError(f"store {str(path)!r} is not an SQLite file, or is damaged: {said}") from error
        reason = errno.ENOSPC if "full" in said else errno.EROFS if "readonly" in said else errno.EIO
        raise OSError(reason, f"store {str(path)!r} cannot be written: {said}") from error
