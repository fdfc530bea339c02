"""A training run on disk, so that one that was cut short goes on where it was: plain arrays and JSON, never pickle.

A folder: ``run.json`` says with which arguments the run was started, and ``group-0000.npz`` and so on hold the state of
each group of replicas after its last kept evaluation. Each file is written beside its place, forced to disk and
renamed, so that it is always whole. Each has a digest of its content, its run and its place, which is checked before
anything of it is used: a file that was cut, changed or moved is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import nn

from sgdsde.data.dataset import Dataset

Arrays: TypeAlias = Mapping[str, NDArray[np.generic]]
#: Version of the layout.
FORMAT = 2
#: Bytes of a digest in hexadecimal digits.
DIGITS = 64


@dataclass(frozen=True)
class Checkpoint:
    """The folder of one run; made by :func:`open_checkpoint`.

    Attributes
    ----------
    path : Path
    run : str
        Digest of the run's arguments.
    """

    path: Path
    run: str

    def save(self, group: int, arrays: Arrays) -> None:
        """Replace the state of a group, at once and for good."""
        buffer = io.BytesIO()
        np.savez(buffer, **dict(arrays))  # type: ignore[arg-type]
        with zipfile.ZipFile(buffer, "a") as file:
            file.comment = bytes(DIGITS)  # where the digest goes: NumPy reads the file as any other
        content = buffer.getvalue()[:-DIGITS]
        _write(self._file(group), content + self._digest(group, content))

    def load(self, group: int, like: Arrays) -> dict[str, NDArray[np.generic]] | None:
        """The state of a group, or None when none was kept.

        ValueError when the file is not as it was saved, or holds other arrays than ones such as `like`.
        """
        file = self._file(group)
        try:
            whole = file.read_bytes()
        except FileNotFoundError:
            return None
        content, ending = whole[:-DIGITS], whole[-DIGITS:]
        if ending != self._digest(group, content):
            raise ValueError(
                f"checkpoint file {str(file)!r} is damaged, or of another run or place: its digest does not fit its "
                "content; delete it to start these replicas anew"
            )
        with np.load(io.BytesIO(whole), allow_pickle=False) as opened:
            found = dict(opened)
        wanted = {name: (array.shape, array.dtype.str) for name, array in like.items()}
        if {name: (array.shape, array.dtype.str) for name, array in found.items()} != wanted:
            raise ValueError(
                f"checkpoint file {str(file)!r} must hold the arrays {', '.join(wanted)} of this run; delete it to "
                "start these replicas anew"
            )
        return found

    def _digest(self, group: int, content: bytes) -> bytes:
        """The SHA-256 of a file's bytes, for one group of one run, in hexadecimal."""
        return hashlib.sha256(f"{self.run} {group} ".encode() + content).hexdigest().encode()

    def _file(self, group: int) -> Path:
        return self.path / f"group-{group:04}.npz"


def open_checkpoint(path: str | os.PathLike[str], arguments: Mapping[str, object]) -> Checkpoint:
    """The checkpoint of a run with these arguments (names → what JSON can hold), made when there is none.

    Raises
    ------
    ValueError
        When `path` is a file, a folder of something else, or the checkpoint of a run with other arguments; the message
        names the first that differs.
    OSError
        When it cannot be made.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = open_checkpoint(folder, {"seed": 1})
    ...     made.save(0, {"w": np.ones(2)})
    ...     found = open_checkpoint(folder, {"seed": 1}).load(0, like={"w": np.empty(2)})
    >>> found["w"]
    array([1., 1.])
    """
    folder, run = _folder(path), _run_digest(arguments)
    described = folder / "run.json"
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"checkpoint must be a folder, or not exist yet, got the file {str(folder)!r}")
    if described.exists():
        try:
            found = json.loads(described.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"checkpoint {str(folder)!r} has a damaged run.json: {error}") from error
        _check_same(folder, found, arguments)
    elif folder.exists() and any(not name.startswith(".") for name in os.listdir(folder)):
        raise ValueError(f"checkpoint must be an empty folder or one of an earlier run, got {str(folder)!r}")
    else:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"format": FORMAT, "arguments": arguments, "digest": run}, indent=1, ensure_ascii=False)
        _write(described, text.encode())
    return Checkpoint(folder, run)


def _folder(path: str | os.PathLike[str]) -> Path:
    """A path that names something; ``~`` is the user's home."""
    try:
        found = Path(path).expanduser()
    except (TypeError, RuntimeError) as error:
        raise ValueError(f"checkpoint must be the path of a folder, got {path!r}: {error}") from error
    if not os.fspath(path) or "\0" in str(path):
        raise ValueError(f"checkpoint must be the path of a folder, or None for no checkpoint, got {os.fspath(path)!r}")
    return found


def _run_digest(arguments: object) -> str:
    return hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()


def _check_same(folder: Path, found: object, arguments: Mapping[str, object]) -> None:
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("arguments"), dict):
        raise ValueError(
            f"checkpoint must be a folder of this version of sgdsde, got {str(folder)!r}; name another folder"
        )
    before, now = found["arguments"], json.loads(json.dumps(arguments))
    if found.get("digest") != _run_digest(before):
        raise ValueError(f"checkpoint {str(folder)!r} has a damaged run.json: its digest does not fit its content")
    for name in [*now, *before]:
        if before.get(name) != now.get(name):
            raise ValueError(
                f"checkpoint {str(folder)!r} is of a run with another {name}: {before.get(name)!r} there, "
                f"{now.get(name)!r} here; name another folder, or delete this one to start anew"
            )


def _write(path: Path, content: bytes) -> None:
    """Write beside `path`, force it to disk, and put it in the place of what was there."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def digest(arrays: Iterable[NDArray[np.generic]]) -> str:
    """SHA-256 of the types, shapes and contents of arrays."""
    summed = hashlib.sha256()
    for array in arrays:
        summed.update(f"{array.dtype} {array.shape} ".encode())
        summed.update(np.ascontiguousarray(array).tobytes())
    return summed.hexdigest()


def data_digest(sets: Iterable[Dataset]) -> str:
    """The SHA-256 of all examples of data sets, in hexadecimal."""
    return digest(array for d in sets for array in (d.x_train, d.y_train, d.x_test, d.y_test))


def model_digest(model: nn.Module, with_weights: bool) -> str:
    """What a model is: its text, the shapes of its parameters and its buffers; `with_weights`, their values too."""
    shapes = [f"{name} {tuple(p.shape)}" for name, p in model.named_parameters()]
    values = [*model.buffers(), *(model.parameters() if with_weights else ())]
    held = digest(value.detach().cpu().numpy() for value in values)
    return hashlib.sha256(" ".join([str(model), *shapes, held]).encode()).hexdigest()
