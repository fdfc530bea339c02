"""The folder for generated code: private, refused otherwise, written to atomically."""

import os
import stat
import threading
from pathlib import Path

import pytest

from sgdsde import cache, codegen


@pytest.fixture(autouse=True)
def _forget():
    cache.directory.cache_clear()
    yield
    cache.directory.cache_clear()


@pytest.fixture
def chosen(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "deep" / "cache"
    monkeypatch.setenv("SGDSDE_CACHE_DIR", str(path))
    return path


def test_it_is_made_private_whatever_the_umask(chosen: Path) -> None:
    before = os.umask(0o000)
    try:
        assert cache.directory() == chosen
    finally:
        os.umask(before)
    assert stat.S_IMODE(chosen.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o707, 0o701, 0o710, 0o777])
def test_a_folder_that_others_can_reach_is_refused(chosen: Path, mode: int) -> None:
    chosen.mkdir(parents=True)
    chosen.chmod(mode)
    with pytest.raises(PermissionError, match=f"0700.*{mode:04o}.*SGDSDE_CACHE_DIR"):
        cache.directory()
    assert stat.S_IMODE(chosen.stat().st_mode) == mode  # refused, not mended behind the user's back


def test_a_folder_of_somebody_else_is_refused(chosen: Path, monkeypatch) -> None:
    chosen.mkdir(parents=True, mode=0o700)
    monkeypatch.setattr(cache.os, "getuid", lambda: chosen.stat().st_uid + 1)
    with pytest.raises(PermissionError, match=f"belong to you.*owner {chosen.stat().st_uid}"):
        cache.directory()


def test_a_file_in_its_place_is_an_error_that_names_the_variable(chosen: Path) -> None:
    chosen.parent.mkdir(parents=True)
    chosen.write_text("")
    with pytest.raises(OSError, match="SGDSDE_CACHE_DIR"):
        cache.directory()


def test_the_default_is_the_users_cache_folder(monkeypatch, tmp_path) -> None:
    monkeypatch.delenv("SGDSDE_CACHE_DIR", raising=False)
    monkeypatch.setattr(cache.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.directory() == tmp_path / "sgdsde" / "generated"


def test_reading_what_is_not_there(tmp_path: Path) -> None:
    assert cache.read(tmp_path / "nothing") is None


def test_writing_is_atomic_for_readers(tmp_path: Path) -> None:
    path, texts = tmp_path / "file.py", ["a" * 100_000, "ω" * 70_000]
    cache.write(path, texts[0])
    stop, seen = threading.Event(), set()

    def watch() -> None:
        while not stop.is_set():
            seen.add(cache.read(path))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for i in range(200):
        cache.write(path, texts[i % 2])
    stop.set()
    watcher.join()
    assert seen <= set(texts)
    assert os.listdir(tmp_path) == ["file.py"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "file.py"
    cache.write(path, "old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(cache.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        cache.write(path, "new")
    assert os.listdir(tmp_path) == ["file.py"]
    assert path.read_text() == "old"


def test_a_block_is_built_once_and_again_when_its_file_is_broken(chosen: Path) -> None:
    calls = []

    def build() -> codegen.Block:
        calls.append(1)
        return codegen.Block(("p0",), ("w0",), (("c0", "2.0*p0"),), (("t0", "c0*w0"),), ("t0",))

    first = codegen.cached_block(["parts", 1], build)
    assert codegen.cached_block(["parts", 1], build) == first
    assert len(calls) == 1
    (file,) = chosen.glob("*.json")
    for broken in ("", '{"scalars": [', "[]", "{}"):
        file.write_text(broken)
        assert codegen.cached_block(["parts", 1], build) == first
    assert len(calls) == 5
    codegen.cached_block(["parts", 2], build)
    assert len(calls) == 6


def test_another_version_of_the_code_has_other_names(chosen: Path, monkeypatch) -> None:
    before = codegen.digest("x")
    monkeypatch.setattr(codegen, "_code_version", lambda: "another")
    assert codegen.digest("x") != before
