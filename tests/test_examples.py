"""Each example runs, quickly, and makes a picture."""

import runpy
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
#: Much to simulate, an animation to draw, or networks to train.
LONG = {
    "escape_paths", "density_over_the_barrier", "sweep", "how_wrong_is_the_sde", "escape", "orders", "network_noise",
    "evidence", "wide", "where_time_is_spent", "regression", "where_sgd_diverges",
}  # fmt: skip
NETWORKS = {"gradient_noise", "network_noise", "regression"}
#: In a process of its own, as a user runs it; the others in this one, where all that they import is at hand.
ALONE = {*LONG, "first_look"}


def marks(name):
    slow = [pytest.mark.slow("seconds of work")] if name in LONG else []
    return [*slow, pytest.mark.networks] if name in NETWORKS else slow


@pytest.mark.parametrize(
    "script",
    [pytest.param(path, marks=marks(path.stem)) for path in EXAMPLES],
    ids=lambda path: path.stem,
)
def test_example_makes_its_picture(script, tmp_path, monkeypatch, capsys):
    picture = tmp_path / "picture.png"
    if script.stem in ALONE:
        command = [sys.executable, str(script), str(picture)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        printed = done.stdout
    else:
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr(sys, "argv", [str(script), str(picture)])
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            runpy.run_path(str(script), run_name="__main__")
        printed = capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert str(picture) in printed
