"""MNIST, from a folder or downloaded once, and verified by the hash of its uncompressed content."""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import integer
from sgdsde.data.dataset import Dataset, DataUnavailable, choose

MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
#: Seconds to connect to a mirror, and between two pieces of an answer.
TIMEOUT = (5, 10)


@dataclass(frozen=True)
class IdxFile:
    """One file of the set: its name, the SHA-256 of its uncompressed content, and the shape of its bytes."""

    name: str
    sha256: str
    shape: tuple[int, ...]

    @property
    def header(self) -> bytes:
        """The idx format: two zero bytes, 8 for unsigned bytes, the number of axes, each length as big-endian int32."""
        return bytes([0, 0, 8, len(self.shape)]) + np.array(self.shape, dtype=">i4").tobytes()

    @property
    def size(self) -> int:
        """Bytes of the uncompressed file."""
        return len(self.header) + int(np.prod(self.shape))


FILES = {
    "x_train": IdxFile(
        "train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", (60000, 28, 28)
    ),
    "y_train": IdxFile(
        "train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", (60000,)
    ),
    "x_test": IdxFile(
        "t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", (10000, 28, 28)
    ),
    "y_test": IdxFile(
        "t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", (10000,)
    ),
}


def mnist(n_train: int | None = None, n_test: int | None = None, seed: int = 0) -> Dataset:
    """MNIST: 60 000 training and 10 000 test images of handwritten digits, 28 × 28, brightness in [0, 1].

    The files come from the folder ``$SGDSDE_DATA_DIR/mnist`` when that variable is set (``*-ubyte`` or ``*-ubyte.gz``),
    else they are downloaded once and cached. Each time, the SHA-256 of the uncompressed content is verified.

    Parameters
    ----------
    n_train, n_test : int, optional
        How many images to choose at random, without repeats; None takes all, in the order of the files.
    seed : int
        Of that choice; the test images chosen do not depend on `n_train`.

    Returns
    -------
    Dataset
        Inputs of shape (n, 784), float32; labels int64.

    Raises
    ------
    ValueError
        When a file is corrupt or truncated (named with both hashes), or an argument is out of range.
    FileNotFoundError
        When ``SGDSDE_DATA_DIR`` is set and a file is missing there.
    DataUnavailable
        When the variable is not set, the cache is empty and no mirror answers.

    Notes
    -----
    LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist/.

    Examples
    --------
    >>> data = mnist(n_train=1000, seed=0)                           # doctest: +SKIP
    >>> data.x_train.shape, data.n_test                              # doctest: +SKIP
    ((1000, 784), 10000)
    """
    train_choice, test_choice = map(np.random.default_rng, np.random.SeedSequence(integer("seed", seed, 0)).spawn(2))
    train = choose("n_train", n_train, FILES["x_train"].shape[0], train_choice)
    test = choose("n_test", n_test, FILES["x_test"].shape[0], test_choice)
    raw, source = _raw()
    return Dataset(
        name="MNIST",
        x_train=_pixels(raw["x_train"][train]),
        y_train=raw["y_train"][train].astype(np.int64),
        x_test=_pixels(raw["x_test"][test]),
        y_test=raw["y_test"][test].astype(np.int64),
        image_shape=(28, 28),
        provenance=f"MNIST from {source}, SHA-256 verified; n_train={len(train)}, n_test={len(test)}, seed={seed}",
    )


def _pixels(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


def _raw() -> tuple[dict[str, NDArray[np.uint8]], str]:
    """The four arrays of bytes, and a word on where they come from (no path: results carry it)."""
    named = os.environ.get("SGDSDE_DATA_DIR")
    if not named:
        return {key: _parse(file, _download(file)) for key, file in FILES.items()}, "its public mirrors"
    paths = {key: _in_folder(Path(named).expanduser() / "mnist", file) for key, file in FILES.items()}
    return {key: _parse(FILES[key], path) for key, path in paths.items()}, "SGDSDE_DATA_DIR"


def _in_folder(folder: Path, file: IdxFile) -> Path:
    for name in (file.name, f"{file.name}.gz"):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(
        f"SGDSDE_DATA_DIR is set, so {folder} must hold {file.name} or {file.name}.gz; "
        "put the four MNIST files there, or unset the variable to download them"
    )


def _parse(file: IdxFile, path: Path) -> NDArray[np.uint8]:
    status = path.stat()
    return _parse_version(file, path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=len(FILES))  # 55 MB that a sweep over training subsets would unpack and hash again each time
def _parse_version(file: IdxFile, path: Path, mtime_ns: int, size: int) -> NDArray[np.uint8]:
    content = verified_content(file, path)
    if not content.startswith(file.header):
        raise ValueError(f"{path} does not start with the idx header of {file.shape} unsigned bytes")
    array = np.frombuffer(content, dtype=np.uint8, offset=len(file.header))
    return array.reshape(file.shape)


def verified_content(file: IdxFile, path: Path) -> bytes:
    """The uncompressed content of `path`, once its SHA-256 is that of `file`; else a ValueError that names both.

    At most one byte more than expected is unpacked, so that a decompression bomb costs nothing.
    """
    opener: Callable[..., gzip.GzipFile] = gzip.open if path.suffix == ".gz" else open  # type: ignore[assignment]
    content, reason = bytearray(), ""
    try:
        with opener(path, "rb") as stream:
            while piece := stream.read(min(1 << 20, file.size + 1 - len(content))):
                content += piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        reason = f"; unpacking stopped after {len(content)} bytes: {error}"
    if len(content) > file.size:
        reason = f"; it is longer than {file.size} bytes (only the first {len(content)} were read)"
    found = hashlib.sha256(content).hexdigest()
    if reason or found != file.sha256:
        raise ValueError(
            f"{path} is not MNIST's {file.name}: expected SHA-256 {file.sha256} of its {file.size} uncompressed bytes, "
            f"found {found} of {len(content)}{reason}"
        )
    return bytes(content)


def _download(file: IdxFile) -> Path:
    """The file in the cache, fetched from the first mirror that has the right content when it is not there yet."""
    import pooch

    cache = Path(pooch.os_cache("sgdsde")) / "mnist"
    failures, corrupt = [], None
    logger = pooch.get_logger()
    level, _ = logger.level, logger.setLevel(logging.ERROR)  # pooch tells of each download, and of a missing hash
    try:
        for mirror in MIRRORS:
            try:
                found = pooch.retrieve(
                    f"{mirror}{file.name}.gz",
                    known_hash=None,  # mirrors compress differently: the content is verified below
                    fname=f"{file.name}.gz",
                    path=cache,
                    downloader=pooch.HTTPDownloader(timeout=TIMEOUT),
                )
            except OSError as error:  # requests' exceptions are OSErrors too
                failures.append(f"{mirror} ({type(error).__name__})")
                continue
            try:
                _parse(file, Path(found))
                return Path(found)
            except ValueError as error:
                corrupt = error
                Path(found).unlink(missing_ok=True)  # so that the next mirror, or the next call, fetches it anew
    finally:
        logger.setLevel(level)
    if corrupt:
        raise corrupt
    raise DataUnavailable(
        f"MNIST is not in the cache {cache} and could not be downloaded from {' or '.join(failures)}; "
        "set SGDSDE_DATA_DIR to a folder that holds mnist/*-ubyte.gz, or use sgdsde.data.digits()"
    )
