import io
import json
import zipfile

import numpy as np
import pytest

from sgdsde.cli.main import app
from sgdsde.theory import log_evidence_ratio


@pytest.fixture
def run(capsys, tmp_path):
    def call(*arguments):
        with pytest.raises(SystemExit) as stopped:
            app(["evidence", "--output", str(tmp_path / "out"), *map(str, arguments)])
        captured = capsys.readouterr()
        return stopped.value.code, captured.out, captured.err

    return call


@pytest.fixture
def own(tmp_path):
    """A file with 40 examples of two classes, and 10 to test."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((50, 3))
    y = (x[:, 0] > 0).astype(int)
    np.savez(tmp_path / "own.npz", X=x[:40], y=y[:40], X_test=x[40:], y_test=y[40:])
    return tmp_path / "own.npz"


def test_a_users_own_file(run, own, tmp_path):
    status, out, _ = run("--task", own, "--regularization", "0.1,1,10")
    assert status == 0
    assert "N = 40 examples, 2 classes, 3 weights" in out
    assert out.count("← most evidence") == 1
    written = json.loads((tmp_path / "out" / "own.json").read_text())
    ratios = written["data_vars"]["log_evidence_ratio"]["data"]
    with np.load(own) as stored:
        np.testing.assert_allclose(ratios, log_evidence_ratio(stored["X"], stored["y"], [0.1, 1.0, 10.0]))
    assert (tmp_path / "out" / "own.csv").read_text().count("\n") == 4
    for picture in ("accuracy.png", "evidence.png"):
        assert (tmp_path / "out" / picture).read_bytes().startswith(b"\x89PNG")


def test_the_papers_task_with_both_labellings(run, tmp_path):
    status, out, _ = run("--regularization", "1,100")
    assert status == 0
    assert out.index("random labels") < out.index("informative labels")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "random_labels.csv", "random_labels.json", "informative_labels.csv", "informative_labels.json",
        "accuracy.png", "evidence.png",
    }  # fmt: skip


def test_a_file_of_three_classes_without_test_examples(run, tmp_path):
    np.savez(tmp_path / "three.npz", X=np.random.default_rng(0).standard_normal((30, 2)), y=np.arange(30) % 3)
    status, out, _ = run("--task", tmp_path / "three.npz", "--regularization", "1")
    assert status == 0
    assert "3 classes, 6 weights" in out
    assert "nan" not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--task", "foo"), "--task must be toy, mnist01 or a file that ends in .npz, got 'foo'"),
        (("--task", "absent.npz"), "--task absent.npz cannot be read: No such file or directory"),
        (
            ("--regularization", "1,0"),
            "--regularization must be a positive finite number, as without it separable data",
        ),
        (("--regularization", "weak"), "--regularization must be numbers with commas between them, got 'weak'"),
        (("--seed", "-1"), "--seed must be an integer of at least 0, got -1"),
        (("--labels", "true"), "Invalid value for '--labels'"),
    ],
)
def test_bad_arguments_end_in_one_line(run, arguments, message):
    status, _, error = run(*arguments)
    assert status == 2
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": [[1.0]]}, "must hold X and y, it has X"),
        ({"X": [[1.0], [2.0]], "y": [0, 1], "X_test": [[1.0]]}, "must hold both X_test and y_test, or neither"),
        ({"X": np.array([object()]), "y": [0]}, "must hold arrays of plain numbers"),
        ({"X": [[1.0 + 2j], [2.0]], "y": [0, 1]}, "X must be an array of shape (n, P) of real numbers, got complex128"),
        ({"X": [["1.0"], ["2.0"]], "y": [0, 1]}, "X must be an array of shape (n, P) of real numbers, got <U3"),
        ({"X": [[1.0], [np.nan]], "y": [0, 1]}, "X must be finite, got nan at [1, 0]"),
        ({"X": [[1.0], [2.0]], "y": [0, 0]}, "y must hold two classes or more, got 0 only"),
        ({"X": [[1.0], [2.0]], "y": [0.5, 1]}, "y must be 2 class numbers"),
        ({"X": [[1.0], [2.0]], "y": [0, 1], "X_test": [[1.0, 2.0]], "y_test": [0]}, "X of test must be an array of"),
    ],
)
def test_bad_files_end_in_one_line(run, tmp_path, arrays, message):
    np.savez(tmp_path / "bad.npz", **arrays)
    status, _, error = run("--task", tmp_path / "bad.npz")
    assert status == 2
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def claiming(path, shape, data=b"\0" * 64, extra=None):
    """A file whose X says that it has a shape."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("X.npy", header.getvalue() + data)
        if extra:
            archive.writestr(*extra)
    return path


def test_a_file_that_claims_more_than_it_has_is_named_before_it_is_loaded(run, tmp_path):
    bad = claiming(tmp_path / "huge.npz", (1_000_000, 1_000_000))
    status, _, error = run("--task", bad)
    assert status == 2
    assert f"--task {bad} is damaged: X.npy claims the shape (1000000, 1000000), 8,000,000,000,000 bytes" in error
    assert "--paths" not in error
    assert error.count("\n") == 1


def test_what_does_not_fit_into_memory_is_blamed_on_the_file(run, own, monkeypatch):
    def load(*_, **__):
        raise MemoryError("Unable to allocate 7.28 TiB")

    monkeypatch.setattr(np, "load", load)
    assert f"--task {own} holds arrays that do not fit into memory" in run("--task", own)[2]


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.9])
def test_a_file_that_is_cut_or_altered_is_named(run, own, tmp_path, cut):
    whole = own.read_bytes()
    bad = tmp_path / "bad.npz"
    bad.write_bytes(whole[: int(cut * len(whole))])
    altered = tmp_path / "altered.npz"
    place = int(cut * len(whole))
    altered.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
    strange = claiming(tmp_path / "strange.npz", (8,), extra=("notes.txt", "hello"))
    for file in (bad, altered, strange):
        status, _, error = run("--task", file)
        assert status == 2
        assert f"--task {file}" in error
        assert error.count("\n") == 1


def test_a_file_that_is_something_else_is_refused(run, tmp_path):
    (tmp_path / "text.npz").write_text("hello")
    assert "is not a file that numpy.savez has written" in run("--task", tmp_path / "text.npz")[2]


def test_labels_do_not_go_with_a_file(run, own):
    status, _, error = run("--task", own, "--labels", "random")
    assert status == 2
    assert "--labels goes with --task toy and mnist01" in error
