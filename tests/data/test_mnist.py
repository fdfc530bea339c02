import gzip
import hashlib
import os
import time
from pathlib import Path

import numpy as np
import pooch
import pytest

from sgdsde.data import DataUnavailable, mnist
from sgdsde.data import mnist as mnist_function
from sgdsde.data.mnist import FILES, IdxFile, verified_content

real = pytest.mark.skipif("SGDSDE_DATA_DIR" not in os.environ, reason="SGDSDE_DATA_DIR is not set")
module = __import__("sys").modules[mnist_function.__module__]


@pytest.fixture
def small(monkeypatch):
    """A set of the same format with 6 training and 4 test images of 2 × 3 pixels; returns the bytes of each file."""
    generator = np.random.default_rng(0)
    content, files = {}, {}
    for key, file in FILES.items():
        shape = (6 if "train" in key else 4, *((2, 3) if key.startswith("x") else ()))
        top = 256 if key.startswith("x") else 10
        empty = IdxFile(file.name, "", shape)
        content[file.name] = empty.header + generator.integers(top, size=shape, dtype=np.uint8).tobytes()
        files[key] = IdxFile(file.name, hashlib.sha256(content[file.name]).hexdigest(), shape)
    for key, file in files.items():
        monkeypatch.setitem(FILES, key, file)
    return content


def write(folder, content, compressed=True):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        path = folder / (f"{name}.gz" if compressed else name)
        path.write_bytes(gzip.compress(data) if compressed else data)


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """No folder named, and an empty cache of this test's own."""
    monkeypatch.delenv("SGDSDE_DATA_DIR", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / name)
    return tmp_path / "sgdsde" / "mnist"


@real
def test_real_files_have_the_known_sizes_and_class_counts():
    data = mnist()
    assert data.x_train.shape == (60000, 784)
    assert data.x_test.shape == (10000, 784)
    assert data.x_train.dtype == np.float32
    assert data.y_train.dtype == np.int64
    assert data.image_shape == (28, 28)
    assert (data.x_train.min(), data.x_train.max()) == (0, 1)
    assert np.bincount(data.y_train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert data.y_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert data.y_test[:5].tolist() == [7, 2, 1, 0, 4]


@real
def test_a_subset_is_random_without_repeats_and_set_by_the_seed():
    first, again, other = mnist(1000, 500, seed=1), mnist(1000, seed=1), mnist(1000, seed=2)
    assert first.x_train.shape == (1000, 784)
    assert first.n_test == 500
    assert np.array_equal(first.x_train, again.x_train)
    assert not np.array_equal(first.y_train, other.y_train)
    assert len(np.unique(first.x_train, axis=0)) == 1000
    assert "seed=1" in first.provenance
    assert str(Path(os.environ["SGDSDE_DATA_DIR"])) not in first.provenance


@pytest.mark.parametrize("compressed", [True, False])
def test_folder_is_read_compressed_or_not(small, tmp_path, monkeypatch, compressed):
    write(tmp_path / "mnist", small, compressed)
    monkeypatch.setenv("SGDSDE_DATA_DIR", str(tmp_path))
    data = mnist()
    pixels = np.frombuffer(small["train-images-idx3-ubyte"][16:], dtype=np.uint8)
    assert np.array_equal(data.x_train, (pixels.reshape(6, 6) / 255).astype(np.float32))
    assert data.y_test.tolist() == list(small["t10k-labels-idx1-ubyte"][8:])


def test_the_folder_may_begin_with_the_users_home(small, tmp_path, monkeypatch):
    write(tmp_path / "here" / "mnist", small, True)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SGDSDE_DATA_DIR", "~/here")
    assert len(mnist().y_test) == 4


@pytest.mark.parametrize("damage", ["flipped", "truncated", "bomb", "not gzip", "trailing rubbish"])
def test_a_damaged_file_is_named_with_both_hashes(small, tmp_path, monkeypatch, damage):
    write(tmp_path / "mnist", small)
    monkeypatch.setenv("SGDSDE_DATA_DIR", str(tmp_path))
    name = "train-images-idx3-ubyte"
    path, data = tmp_path / "mnist" / f"{name}.gz", small[name]
    packed = gzip.compress(data)
    path.write_bytes(
        {
            "flipped": gzip.compress(data[:-1] + bytes([data[-1] ^ 1])),
            "truncated": packed[:-12],
            "bomb": gzip.compress(data + bytes(10**7)),
            "not gzip": data,
            "trailing rubbish": packed + b"rubbish",
        }[damage]
    )
    with pytest.raises(ValueError, match="expected SHA-256") as error:
        mnist()
    message = str(error.value)
    assert path.name in message
    assert hashlib.sha256(data).hexdigest() in message
    if damage == "flipped":
        assert hashlib.sha256(data[:-1] + bytes([data[-1] ^ 1])).hexdigest() in message
    else:
        assert "found" in message


def test_a_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(300 * 2**20), compresslevel=1))
    file = IdxFile("bomb", "0" * 64, (10,))
    start = time.process_time()
    with pytest.raises(ValueError, match="longer than 18 bytes"):
        verified_content(file, path)
    assert time.process_time() - start < 0.1


def test_a_right_hash_with_the_wrong_header_is_refused(small, tmp_path, monkeypatch):
    file = FILES["y_test"]
    wrong = bytes([0, 0, 9, 1]) + small[file.name][4:]
    monkeypatch.setitem(FILES, "y_test", IdxFile(file.name, hashlib.sha256(wrong).hexdigest(), file.shape))
    write(tmp_path / "mnist", {**small, file.name: wrong})
    monkeypatch.setenv("SGDSDE_DATA_DIR", str(tmp_path))
    with pytest.raises(ValueError, match="idx header"):
        mnist()


def test_a_file_replaced_during_the_session_is_read_anew(small, tmp_path, monkeypatch):
    write(tmp_path / "mnist", small)
    monkeypatch.setenv("SGDSDE_DATA_DIR", str(tmp_path))
    mnist()
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz").write_bytes(b"damaged")
    with pytest.raises(ValueError, match="t10k-labels"):
        mnist()


def test_a_named_folder_without_the_files_is_no_reason_to_download(tmp_path, monkeypatch):
    monkeypatch.setenv("SGDSDE_DATA_DIR", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"SGDSDE_DATA_DIR is set.*train-images-idx3-ubyte") as error:
        mnist()
    assert not isinstance(error.value, DataUnavailable)


def serve(monkeypatch, content, log):
    """Let pooch.retrieve save `content[url]`, or fail as a missing network does, and note each url."""

    def retrieve(url, known_hash, fname, path, downloader):
        target = Path(path) / fname
        if not target.exists():
            log.append(url)
            if url not in content:
                raise ConnectionError(f"no route to {url}")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content[url])
        return str(target)

    monkeypatch.setattr(pooch, "retrieve", retrieve)


def urls(content, mirror):
    return {f"{mirror}{name}.gz": gzip.compress(data) for name, data in content.items()}


def test_download_happens_once(small, cache, monkeypatch):
    log = []
    serve(monkeypatch, urls(small, module.MIRRORS[0]), log)
    first, second = mnist(), mnist()
    assert len(log) == 4
    assert np.array_equal(first.x_test, second.x_test)


def test_a_mirror_with_damaged_content_is_passed_over(small, cache, monkeypatch):
    log = []
    damaged = {url: packed[:-9] for url, packed in urls(small, module.MIRRORS[0]).items()}
    serve(monkeypatch, damaged | urls(small, module.MIRRORS[1]), log)
    assert mnist().n_train == 6
    assert len(log) == 8


def test_damaged_content_everywhere_is_reported_and_not_kept(small, cache, monkeypatch):
    packed = {m: {url: p[:-9] for url, p in urls(small, m).items()} for m in module.MIRRORS}
    serve(monkeypatch, packed[module.MIRRORS[0]] | packed[module.MIRRORS[1]], [])
    with pytest.raises(ValueError, match="train-images-idx3-ubyte"):
        mnist()
    assert not list(cache.glob("*"))


def test_without_network_one_line_says_what_was_tried_and_what_to_set(cache, monkeypatch):
    log = []
    serve(monkeypatch, {}, log)
    with pytest.raises(DataUnavailable) as error:
        mnist()
    message = str(error.value)
    assert "\n" not in message
    assert all(mirror in message for mirror in module.MIRRORS)
    assert "SGDSDE_DATA_DIR" in message
    assert isinstance(error.value, OSError)
    assert len(log) == len(module.MIRRORS)  # it gives up at the first file


def test_an_unreachable_mirror_is_given_up_quickly_and_quietly(cache, monkeypatch, capfd):
    monkeypatch.setattr(module, "MIRRORS", ("http://127.0.0.1:9/", "http://nowhere.invalid/"))
    start = time.monotonic()
    with pytest.raises(DataUnavailable, match="ConnectionError"):
        mnist()
    assert time.monotonic() - start < 30
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_train": 0}, "n_train must be an integer from 1 to 60000"),
        ({"n_train": 60001}, "n_train"),
        ({"n_test": 2.5}, "n_test"),
        ({"seed": -1}, "seed must be an integer of at least 0"),
        ({"seed": "x"}, "seed"),
    ],
)
def test_bad_arguments_are_refused_before_any_file_is_read(cache, arguments, message):
    with pytest.raises(ValueError, match=message):
        mnist(**arguments)
