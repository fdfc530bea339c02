"""The store: what is committed stays, one writer at a time, and clear words where it cannot be written."""

import os
import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from sgdsde.sweeps import SweepFailures, failures, sweep
from sgdsde.sweeps import store as stores
from sgdsde.sweeps.store import Row, open_store, read_store
from sgdsde.sweeps.version import code_version

VERSION = code_version(divmod, "1")
ROW = Row(b"k", '{"x":1}', "done", "[]", b"\x00\xff", None, 0.5)


def test_rows_come_back(tmp_path):
    with open_store(tmp_path / "s", VERSION) as store:
        store.keep([ROW])
    with open_store(tmp_path / "s", VERSION) as store:
        assert vars(store.row(b"k", "x=1")) == vars(ROW)
        assert store.row(b"other", "x=2") is None


def test_a_done_cell_stays_as_it_is_and_a_failed_one_is_replaced(tmp_path):
    with open_store(tmp_path / "s", VERSION) as store:
        store.keep([replace(ROW, status="failed", result=None, data=None, traceback="E: oh")])
        assert [row.traceback for row in store.failed()] == ["E: oh"]
        store.keep([ROW])
        store.keep([replace(ROW, result="[1]", seconds=9.0)])
        assert vars(store.row(b"k", "x=1")) == vars(ROW)
        assert store.count() == 1


def test_all_rows_of_a_commit_or_none(tmp_path):
    with open_store(tmp_path / "s", VERSION) as store:
        with pytest.raises(OSError, match="CHECK constraint"):
            store.keep([ROW, replace(ROW, key=b"l", status="odd")])
        assert store.count() == 0


def test_one_writer_at_a_time_and_readers_meanwhile(tmp_path):
    path = tmp_path / "s"
    with open_store(path, VERSION) as store:
        store.keep([ROW])
        with pytest.raises(BlockingIOError, match="another sweep is running on store"), open_store(path, VERSION):
            pass
        with read_store(path) as reader:
            assert reader.count() == 1
            with pytest.raises(OSError, match="readonly"):
                reader.keep([replace(ROW, key=b"l")])
    with open_store(path, VERSION):
        pass


def test_other_files_are_left_alone(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("not a database " * 100)
    with pytest.raises(ValueError, match="is not an SQLite file, or is damaged"), open_store(text, VERSION):
        pass
    assert text.read_text() == "not a database " * 100
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (a)")
    connection.close()
    for opened in (open_store(other, VERSION), read_store(other)):
        with pytest.raises(ValueError, match="is a database of something else"), opened:
            pass


def test_a_folder_that_is_not_there_is_made(tmp_path, monkeypatch):
    path = tmp_path / "runs" / "first" / "s"
    sweep(half, {"x": [1]}, path)
    assert path.is_file()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    sweep(half, {"x": [1]}, "~/s")
    assert (tmp_path / "home" / "s").is_file()
    assert failures("~/s") == ()


def test_a_folder_that_cannot_be_made_and_one_in_place_of_a_store(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"store '.*file/s': its folder cannot be made: File exists"):
        sweep(half, {"x": [1]}, tmp_path / "file" / "s")
    with pytest.raises(IsADirectoryError, match=r"store '.*' is a folder: name a file"):
        sweep(half, {"x": [1]}, tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_store_in_memory_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert sweep(half, {"x": [1, 3]}, ":memory:").result.values.tolist() == [0.5, 1.5]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("store", [None, 3, b"s", "", True, "a\0b", "~nobody-of-this-name/s"])
def test_what_is_no_path_is_refused(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for call in (lambda: sweep(half, {"x": [1]}, store), lambda: failures(store)):
        with pytest.raises(ValueError, match=r"store .*must be the path of a file"):
            call()
    assert not list(tmp_path.iterdir())


def test_other_code_is_refused_and_both_are_named(tmp_path):
    with open_store(tmp_path / "s", VERSION):
        pass
    other = code_version(divmod, "2")
    message = (
        r"holds results of other code, divmod \(version '1', format 2\); this is divmod \(version '2', format 2\)\."
    )
    with pytest.raises(ValueError, match=message) as refused, open_store(tmp_path / "s", other):
        pass
    assert "delete this one to start anew" in str(refused.value)


def half(x):
    return x / 2


def test_a_read_only_file_says_so_before_anything_runs(tmp_path, monkeypatch):
    path = tmp_path / "s"
    sweep(half, {"x": [1.0]}, path)
    # What SQLite makes of a file without write permission; that of the next test does not stop an administrator.
    monkeypatch.setattr(stores, "_connect", lambda path: sqlite3.connect(f"file:{path}?mode=ro", uri=True))
    called = []
    with pytest.raises(OSError, match=r"cannot be written: attempt to write a readonly database"):
        sweep(called.append, {"object": [1.0]}, path, version="1")
    assert not called


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_folder_without_permission(tmp_path):
    sweep(half, {"x": [1.0]}, tmp_path / "s")
    tmp_path.chmod(0o500)
    (tmp_path / "s").chmod(0o400)
    try:
        with pytest.raises(OSError, match="cannot be written"):
            sweep(half, {"x": [1.0, 2.0]}, tmp_path / "s")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("data", b"\x00" * 8), ("data", b"\x00" * 4), ("data", b""), ("data", None), ("data", "text"),
        ("result", "[]"), ("result", "{"), ("result", '[{"name":"result"}]'), ("result", None), ("status", "failed"),
        ("traceback", "ValueError: no"), ("error", "ValueError"), ("seconds", "long"), ("arguments", '{"x":2.0}'),
        ("digest", b""),
    ],
)  # fmt: skip
def test_a_cell_that_was_altered_is_named_with_its_store_and_can_be_run_again(tmp_path, column, value):
    path, grid = tmp_path / "s", {"x": [1.0, 2.0, 3.0]}
    sweep(half, grid, path)
    with sqlite3.connect(path) as connection:
        where = "arguments = '{\"x\":1.0}'"
        assert connection.execute(f"UPDATE cells SET {column} = ? WHERE {where}", (value,)).rowcount == 1
    connection.close()
    for _ in range(2):
        with pytest.raises(ValueError, match=r"store '.*s' is damaged: the cell x=1.0 is not as it was kept"):
            sweep(half, grid, path)
    assert sweep(half, {"x": [2.0]}, path).result.item() == 1.0
    assert sweep(half, grid, path, retry_failed=True).result.values.tolist() == [0.5, 1.0, 1.5]
    assert sweep(half, grid, path).result.values.tolist() == [0.5, 1.0, 1.5]


def test_a_store_cut_or_altered_anywhere_gives_what_it_held_or_is_named(tmp_path):
    grid = {"x": range(1, 13)}
    expected = sweep(half, grid, tmp_path / "s").result.values
    whole = (tmp_path / "s").read_bytes()
    places = np.random.default_rng(0).integers(len(whole), size=20)
    altered = [whole[: len(whole) * tenth // 10] for tenth in range(10)]
    altered += [whole[:at] + bytes([whole[at] ^ 1 << int(at) % 8]) + whole[at + 1 :] for at in places]
    altered += [(whole[:at] + bytes(64) + whole[at + 64 :])[: len(whole)] for at in places]
    told = 0
    for k, content in enumerate(altered):
        store = tmp_path / f"{k}.sqlite"
        store.write_bytes(content)
        try:
            np.testing.assert_array_equal(sweep(half, grid, store).result, expected)
        except (ValueError, OSError) as error:
            assert f"store '{store}' " in str(error)  # noqa: PT017
            told += 1
    assert told > 10


def test_an_index_that_leads_to_another_cell(tmp_path):
    """SQLite does not look whether the row that its index leads to has the key that was asked for."""
    sweep(half, {"x": [1.0, 2.0]}, tmp_path / "s")
    content = (tmp_path / "s").read_bytes()
    with sqlite3.connect(tmp_path / "s") as connection:
        one, two = (key for (key,) in connection.execute("SELECT key FROM cells ORDER BY rowid"))
    connection.close()
    swapped = {one: two, two: one}
    root = max(content.rindex(one), content.rindex(two)) // 4096 * 4096  # the page of the index is the later one
    page = content[root : root + 4096]
    places = {key: page.index(key) for key in swapped}
    for key, at in places.items():
        page = page[:at] + swapped[key] + page[at + 32 :]
    (tmp_path / "t").write_bytes(content[:root] + page + content[root + 4096 :])
    with pytest.raises(ValueError, match=r"is damaged: the cell x=\d.0 is not as it was kept"):
        sweep(half, {"x": [1.0, 2.0]}, tmp_path / "t")


def test_an_altered_failure_is_named_with_its_store(tmp_path):
    with pytest.warns(SweepFailures):
        sweep(refuses, {"x": [1]}, tmp_path / "s")
    with sqlite3.connect(tmp_path / "s") as connection:
        connection.execute("UPDATE cells SET arguments = '{'")
    connection.close()
    with pytest.raises(ValueError, match=r"store '.*s' is damaged: the cell \{"):
        failures(tmp_path / "s")


def refuses(x):
    raise ValueError("no")


def test_failures_of_the_format_before_are_still_told(tmp_path):
    with pytest.warns(SweepFailures):
        sweep(refuses, {"x": [1]}, tmp_path / "s")
    with sqlite3.connect(tmp_path / "s") as connection:
        for column in ("digest", "error"):
            connection.execute(f"ALTER TABLE cells DROP COLUMN {column}")
    connection.close()
    assert failures(tmp_path / "s")[0].error == "ValueError: no"


def test_a_full_disk_loses_nothing_that_was_reported(tmp_path, monkeypatch):
    reported = []
    pages = ("journal_mode=WAL", "page_size=4096", "max_page_count=24")
    with monkeypatch.context() as patched:
        patched.setattr(stores, "PRAGMAS", pages)
        with pytest.raises(OSError, match=r"cannot be written: database or disk is full"):
            sweep(text_of, {"x": range(100)}, tmp_path / "s", progress=reported.append)
    with read_store(tmp_path / "s") as store:
        kept = store.count()
    assert 0 < kept < 100
    assert reported[-1] == kept / 100
    found = sweep(text_of, {"x": range(100)}, tmp_path / "s")
    assert (found.result.str.len() == 200).all()


def text_of(x):
    return f"{x:200}"
