"""The folder for generated code: private, written to atomically, believed only where it is whole, and never needed."""

import errno
import os
import random
import shutil
import stat
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from kept_helpers import copy_helpers

import sgdsde as sg
from sgdsde import cache, codegen, steps


@pytest.fixture(autouse=True)
def _forget():
    cache.directory.cache_clear()
    cache._say_once.cache_clear()
    yield
    cache.directory.cache_clear()
    cache._say_once.cache_clear()


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


def test_the_users_home_is_the_users_home(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SGDSDE_CACHE_DIR", "~/code")
    monkeypatch.chdir(tmp_path)
    assert cache.directory() == tmp_path / "code"
    assert os.listdir(tmp_path) == ["code"]


def test_reading_what_is_not_there(chosen: Path) -> None:
    assert cache.read("nothing") is None


def test_writing_is_atomic_for_readers(chosen: Path) -> None:
    texts = [b"a" * 100_000, "ω".encode() * 70_000]
    cache.write("file", texts[0])
    stop, seen = threading.Event(), set()

    def watch() -> None:
        while not stop.is_set():
            seen.add(cache.read("file"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for i in range(100):
        cache.write("file", texts[i % 2])
    stop.set()
    watcher.join()
    assert seen <= set(texts)
    assert names(chosen) == ["file"]
    assert stat.S_IMODE((chosen / "file").stat().st_mode) == 0o600


def test_a_write_that_fails_leaves_the_old_file_no_litter_and_one_warning(chosen: Path, monkeypatch) -> None:
    cache.write("file", b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for broken in ("replace", "fsync"):
        monkeypatch.setattr(cache.os, broken, fail)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            cache.write("file", b"new")
            cache.write("other", b"new")
        assert len(said) == (broken == "replace")
        for each in said:
            assert each.category is cache.CacheWarning
            assert str(chosen) in str(each.message)
            assert "No space left" in str(each.message)
    assert names(chosen) == ["file"]
    assert cache.read("file") == b"old"


def names(chosen: Path) -> list[str]:
    """What is kept, beside locks and the mark of the last sweep."""
    return sorted(name for name in os.listdir(chosen) if name != ".swept" and not name.endswith(".lock"))


def damaged(whole: bytes) -> list[bytes]:
    """Cut at ten places, emptied, and with one bit flipped at ten, of the header and of what follows."""
    rng = random.Random(0)
    cuts = [whole[: place * len(whole) // 10] for place in range(10)]
    flips = []
    for place in [0, 10, 70, 71, len(whole) - 1, *(rng.randrange(len(whole)) for _ in range(5))]:
        bit = 1 << rng.randrange(8)
        flips.append(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
    return [*cuts, *flips, whole + b" ", b"null", b"{}"]


def _simulated() -> np.ndarray:
    """From new objects, so that what is on disk is all that is kept."""
    steps._program.cache_clear()
    well = sg.Landscape("x**4/4 - a*x**2/2", "x", {"a": 1.0}, noise_covariance="1 + x**2/2")
    config = sg.SGDConfig(0.1, 4, 64)
    return sg.simulate_sde(well, config, 0.5, 5, paths=3, engine="numpy").final


def test_every_file_is_made_anew_when_it_is_damaged(chosen: Path) -> None:
    right = _simulated()
    kept = {chosen / name: (chosen / name).read_bytes() for name in names(chosen)}
    assert len(kept) >= 3
    for variants in zip(*map(damaged, kept.values()), strict=True):
        for path, content in zip(kept, variants, strict=True):
            path.write_bytes(content)
        np.testing.assert_array_equal(_simulated(), right)
        assert {chosen / name: (chosen / name).read_bytes() for name in names(chosen)} == kept


def test_a_whole_file_under_another_name_is_not_taken_for_it(chosen: Path) -> None:
    cache.write("one", b"1")
    cache.write("two", b"2")
    (chosen / "one").replace(chosen / "two")
    assert cache.read("two") is None


def test_files_of_others_are_not_read(chosen: Path, monkeypatch) -> None:
    cache.write("file", b"content")
    for mode in (0o620, 0o602, 0o666):
        (chosen / "file").chmod(mode)
        assert cache.read("file") is None
    (chosen / "file").chmod(0o600)
    assert cache.read("file") == b"content"
    (chosen / "file").rename(chosen / "elsewhere")
    (chosen / "file").symlink_to(chosen / "elsewhere")
    assert cache.read("file") is None
    cache.write("file", b"content")  # made anew, in its place
    assert cache.read("file") == b"content"
    os.mkfifo(chosen / "pipe")
    assert cache.read("pipe") is None
    owner = chosen.stat().st_uid
    monkeypatch.setattr(cache.os, "getuid", lambda: owner + 1)
    assert cache.read("file") is None


def _as_a_file(chosen: Path) -> None:
    chosen.parent.mkdir(parents=True)
    chosen.write_text("")


def _open_to_others(chosen: Path) -> None:
    chosen.mkdir(parents=True, mode=0o755)


def _not_to_be_written(chosen: Path) -> None:
    chosen.mkdir(parents=True, mode=0o700)

    def refuse(**_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    cache.tempfile.mkstemp = refuse  # root may write to a folder of mode 0500


@pytest.mark.parametrize("spoil", [_as_a_file, _open_to_others, _not_to_be_written])
def test_a_run_needs_no_folder_and_says_so_once(chosen: Path, monkeypatch, spoil) -> None:
    right = _simulated()
    for path in chosen.iterdir():
        path.unlink()
    chosen.rmdir()
    chosen.parent.rmdir()
    cache.directory.cache_clear()
    monkeypatch.setattr(cache.tempfile, "mkstemp", cache.tempfile.mkstemp)  # put back afterwards
    spoil(chosen)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        np.testing.assert_array_equal(_simulated(), right)
    (only,) = said
    assert only.category is cache.CacheWarning
    assert str(chosen) in str(only.message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _simulated()


def test_a_block_is_built_once(chosen: Path) -> None:
    calls = []

    def build() -> codegen.Block:
        calls.append(1)
        return codegen.Block(("p0",), ("w0",), (("c0", "2.0*p0"),), (("t0", "c0*w0"),), ("t0",))

    first = codegen.cached_block(["parts", 1], (), build)
    assert codegen.cached_block(["parts", 1], (), build) == first
    assert len(calls) == 1
    (only,) = names(chosen)
    codegen.cached_block(["parts", 2], (), build)
    codegen.cached_block(["parts", 1], ("config.py",), build)
    assert len(calls) == 3
    cache.write(only, b"[]")  # whole, and yet not a block
    assert codegen.cached_block(["parts", 1], (), build) == first
    assert len(calls) == 4


_RUN = """
import sys, sgdsde as sg
from sgdsde.engines import lane_library, machine_code
for module, name in ((machine_code, "_compile"), (lane_library, "_compiled")):
    def told(*given, make=getattr(module, name), name=name):
        print(name, flush=True)
        return make(*given)
    setattr(module, name, told)
lower = sg.landscapes.landscape.codegen.lower
def lowered(*given):
    print("lower", flush=True)
    return lower(*given)
sg.landscapes.landscape.codegen.lower = lowered
well = sg.Landscape("x**4/4 - x**2/2", "x", noise_covariance="1 + x**2/2")
config = sg.SGDConfig(0.1, 4, 64)
print(sg.simulate_sde(well, config, 0.5, 5, paths=3, substeps=1).final.tolist())
"""


def _process(chosen: Path, code: str = _RUN, where: Path | None = None) -> subprocess.Popen[str]:
    environment = os.environ | {"SGDSDE_CACHE_DIR": str(chosen)}
    if where is not None:
        environment["PYTHONPATH"] = str(where)
    return subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True, cwd=where
    )  # fmt: skip


def _said(process: subprocess.Popen[str]) -> list[str]:
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return out.splitlines()


def test_two_processes_make_each_file_once(chosen: Path) -> None:
    """Whoever comes second waits, and takes what the first made."""
    copy_helpers(chosen)
    before = len(names(chosen))
    both = [_said(process) for process in [_process(chosen), _process(chosen)]]
    assert both[0][-1] == both[1][-1]
    made = sorted(line for lines in both for line in lines[:-1])
    assert made.count("_compile") == 1
    assert len(made) == len([name for name in names(chosen) if not name.startswith(".")]) - before


def test_the_lock_of_a_killed_process_is_free(chosen: Path) -> None:
    code = "import time\nfrom sgdsde import cache\n"
    code += "cache.kept('x.y', lambda: print('in', flush=True) or time.sleep(600))"
    waiting = _process(chosen, code)
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "in\n"
    waiting.kill()
    waiting.communicate()
    assert cache.kept("x.y", lambda: b"made") == b"made"


def test_what_is_not_used_is_swept(chosen: Path, monkeypatch) -> None:
    day = 86400
    for name, days in {"new": 0, "used": 80, "old": 100}.items():
        cache.write(name, name.encode() * 1000)
        if days:
            os.utime(chosen / name, (time.time() - days * day,) * 2)
    assert cache.read("used") is not None  # from now on it is as good as new
    cache.write("another", b"")  # swept today already
    assert names(chosen) == ["another", "new", "old", "used"]
    os.utime(chosen / ".swept", (0, 0))
    cache.write("another", b"")
    assert names(chosen) == ["another", "new", "used"]
    os.utime(chosen / "new", (time.time() - 10, time.time() - 10))
    os.utime(chosen / ".swept", (0, 0))
    monkeypatch.setattr(cache, "BYTES", 5000)
    cache.write("another", b"")
    assert names(chosen) == ["another", "used"]  # the one that was used longest ago is too much


def _copied(tmp_path: Path) -> Path:
    """The library, to be edited."""
    here = Path(sg.__file__).parent
    shutil.copytree(here, tmp_path / "copy" / "sgdsde", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "copy"


@pytest.mark.slow("four processes, three of which compile")
def test_an_edit_forgets_what_depends_on_it_and_nothing_else(chosen: Path, tmp_path: Path) -> None:
    place = _copied(tmp_path)
    first = _said(_process(chosen, where=place))
    assert "_compile" in first
    for name in ("landscapes/catalog.py", "engines/torch_tensor.py", "engines/torch_kernel.py", "schemes/weak.py"):
        with (place / "sgdsde" / name).open("a") as file:
            file.write("\n# another line\n")
    assert _said(_process(chosen, where=place)) == first[-1:]
    for name in ("schemes/ito.py", "engines/lane_math.py"):  # the scheme's own, and what kernels call
        with (place / "sgdsde" / name).open("a") as file:
            file.write("\n# another line\n")
        assert len(_said(_process(chosen, where=place))) > 1
