"""A training run on disk, so that one that was cut short goes on where it was: plain arrays and JSON, never pickle.

A folder: ``run.json`` says with which arguments the run was started, and ``group-0000.npz`` and so on hold the state of
each group of replicas after its last kept evaluation. Each file is replaced as a whole, so that it is always whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import nn

from sgdsde.data.dataset import Dataset

Arrays: TypeAlias = Mapping[str, NDArray[np.generic]]
#: Version of the layout.
FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """The folder of one run; made by :func:`open_checkpoint`."""

    path: Path

    def save(self, group: int, arrays: Arrays) -> None:
        """Replace the state of a group, at once and for good."""
        _write(self._file(group), lambda file: np.savez(file, **dict(arrays)))  # type: ignore[arg-type]

    def load(self, group: int) -> dict[str, NDArray[np.generic]] | None:
        """The state of a group, or None when none was kept; ValueError when the file is damaged."""
        file = self._file(group)
        if not file.exists():
            return None
        try:
            with file.open("rb") as opened, np.load(opened, allow_pickle=False) as found:
                return dict(found)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"checkpoint file {str(file)!r} is damaged ({error}); delete it to start anew") from error

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
    ...     found = open_checkpoint(folder, {"seed": 1}).load(0)
    >>> found["w"]
    array([1., 1.])
    """
    folder = Path(path)
    described = folder / "run.json"
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"checkpoint must be a folder, or not exist yet, got the file {str(folder)!r}")
    if described.exists():
        try:
            found = json.loads(described.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"checkpoint {str(folder)!r} has a damaged run.json: {error}") from error
        _check_same(folder, found, arguments)
    elif folder.exists() and any(not name.startswith(".") for name in os.listdir(folder)):
        raise ValueError(f"checkpoint must be an empty folder or one of an earlier run, got {str(folder)!r}")
    else:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"format": FORMAT, "arguments": arguments}, indent=1, ensure_ascii=False)
        _write(described, lambda file: file.write(text.encode()))
    return Checkpoint(folder)


def _check_same(folder: Path, found: object, arguments: Mapping[str, object]) -> None:
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("arguments"), dict):
        raise ValueError(f"checkpoint must be a folder of this version of sgdsde, got {str(folder)!r}")
    before, now = found["arguments"], json.loads(json.dumps(arguments))
    for name in [*now, *before]:
        if before.get(name) != now.get(name):
            raise ValueError(
                f"checkpoint {str(folder)!r} is of a run with another {name}: {before.get(name)!r} there, "
                f"{now.get(name)!r} here; name another folder, or delete this one to start anew"
            )


def _write(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write beside `path`, force it to disk, and put it in the place of what was there."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
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
    """Of all examples of data sets."""
    return digest(array for d in sets for array in (d.x_train, d.y_train, d.x_test, d.y_test))


def model_digest(model: nn.Module, with_weights: bool) -> str:
    """What a model is: its text, the shapes of its parameters and its buffers; `with_weights`, their values too."""
    shapes = [f"{name} {tuple(p.shape)}" for name, p in model.named_parameters()]
    values = [*model.buffers(), *(model.parameters() if with_weights else ())]
    held = digest(value.detach().cpu().numpy() for value in values)
    return hashlib.sha256(" ".join([str(model), *shapes, held]).encode()).hexdigest()
